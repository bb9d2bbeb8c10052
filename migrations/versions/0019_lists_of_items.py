"""Lists of items of all kinds: by kind, by what expires first, by place.

Revision ID: 0019
Revises: 0018
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INDEXES = {
    "ix_item_by_location": (["location_id", "id"], None),
    "ix_item_by_expiry": (["expires_at", "id"], "expires_at IS NOT NULL"),
    "ix_item_sublot_by_id": (["id"], "item_kind = 'SUBLOT'"),
    "ix_item_logistic_unit_by_id": (["id"], "item_kind = 'LOGISTIC_UNIT'"),
}
"""Columns, and which rows: there are few sublots and logistic units among thousands of serial units."""


def upgrade() -> None:
    """One step forward. The index on the expiry alone is the beginning of the new one."""
    for name, (columns, rows) in INDEXES.items():
        only = None if rows is None else sa.text(rows)
        op.create_index(name, "item", columns, sqlite_where=only, postgresql_where=only)
    op.drop_index("ix_item_expires_at", "item")


def downgrade() -> None:
    """One step back."""
    op.create_index("ix_item_expires_at", "item", ["expires_at"])
    for name in INDEXES:
        op.drop_index(name, "item")
