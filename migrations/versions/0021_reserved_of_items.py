"""Items know how much of them orders have reserved.

Revision ID: 0021
Revises: 0020
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BY_STATE = "ix_material_reservation_by_state"
COUNT = """UPDATE item SET reserved = COALESCE((
    SELECT SUM(kept.quantity - kept.issued) FROM material_reservation AS kept
    WHERE kept.item_id = item.id AND kept.state = 'RESERVED'), 0)"""


def upgrade() -> None:
    """Count what is reserved now."""
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reserved", sa.BigInteger(), nullable=False, server_default="0"))
    op.execute(COUNT)
    op.create_index(BY_STATE, "material_reservation", ["state", "item_id"])


def downgrade() -> None:
    """One step back."""
    op.drop_index(BY_STATE, "material_reservation")
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_column("reserved")
