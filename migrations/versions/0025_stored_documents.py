"""Stored documents.

Revision ID: 0025
Revises: 0024
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def key_text(length: int) -> sa.String:
    """Text that is compared character by character."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """GraphQL that is asked for by its hash."""
    op.create_table(
        "stored_document",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("document_id", key_text(64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("name", key_text(200), nullable=False),
        sa.Column("cost_max", sa.Integer(), nullable=True),
        sa.Column("registered_by_id", KEY, nullable=False),
        sa.Column("registered_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registered_by_id"], ["principal.id"], name=op.f("fk_stored_document_registered_by_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_document")),
        sa.UniqueConstraint("document_id", name=op.f("uq_stored_document_document_id")),
    )
    op.create_index(op.f("ix_stored_document_name"), "stored_document", ["name"])


def downgrade() -> None:
    """Everything is sent as text again."""
    op.drop_table("stored_document")
