"""Destinations and the messages to them.

Revision ID: 0013
Revises: 0012
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "destination",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("destination_kind", sa.String(40), nullable=False),
        sa.Column("url", sa.String(length=1000), nullable=True),
        sa.Column("secret", sa.String(length=100), nullable=True),
        sa.Column("site_id", KEY, nullable=True),
        sa.Column("source_system", sa.String(length=64), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("from_position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("last_success_at", sa.BigInteger(), nullable=True),
        sa.Column("last_failure_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_destination_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destination")),
        sa.UniqueConstraint("code", name=op.f("uq_destination_code")),
    )
    op.create_table(
        "outbound_message",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("destination_id", KEY, nullable=False),
        sa.Column("message_id", sa.String(length=100), nullable=False),
        sa.Column("trigger", sa.String(40), nullable=False),
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=300), nullable=True),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("site_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["destination_id"], ["destination.id"], name=op.f("fk_outbound_message_destination_id")
        ),
        sa.ForeignKeyConstraint(["request_id"], ["operations_request.id"], name=op.f("fk_outbound_message_request_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_outbound_message_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbound_message")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbound_message_message_id")),
    )
    with op.batch_alter_table("outbound_message", schema=None) as batch_op:
        batch_op.create_index("ix_outbound_message_destination_state", ["destination_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbound_message_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbound_message_site_id"), ["site_id"], unique=False)
