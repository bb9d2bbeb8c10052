"""Items are found by their number alone, as scanners read it.

Revision ID: 0010
Revises: 0009
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the index."""
    op.create_index(op.f("ix_item_number"), "item", ["number"], unique=False)


def downgrade() -> None:
    """Undo it."""
    op.drop_index(op.f("ix_item_number"), table_name="item")
