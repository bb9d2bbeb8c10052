"""Security events.

Revision ID: 0026
Revises: 0025
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "security_event"


def upgrade() -> None:
    """What looks like an attack."""
    op.create_table(
        TABLE,
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("event_kind", sa.String(40), nullable=False),
        sa.Column("severity", sa.String(40), nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("window_at", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", KEY, nullable=True),
        sa.Column("peer", sa.String(64), nullable=True),
        sa.Column("detail", sa.String(200), nullable=True),
        sa.Column("acknowledged_at", sa.BigInteger(), nullable=True),
        sa.Column("acknowledged_by_id", KEY, nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f(f"fk_{TABLE}_principal_id")),
        sa.ForeignKeyConstraint(["acknowledged_by_id"], ["principal.id"], name=op.f(f"fk_{TABLE}_acknowledged_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint("event_kind", "source", "window_at", name=op.f(f"uq_{TABLE}_event_kind_source_window_at")),
    )
    op.create_index(op.f(f"ix_{TABLE}_principal_id"), TABLE, ["principal_id"])
    op.create_index(op.f(f"ix_{TABLE}_last_at"), TABLE, ["last_at"])


def downgrade() -> None:
    """One step back."""
    op.drop_table(TABLE)
