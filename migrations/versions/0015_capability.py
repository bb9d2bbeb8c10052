"""Properties of equipment, and what steps need of them.

Revision ID: 0015
Revises: 0014
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0015"
down_revision: str | None = "0014"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Properties of equipment, and what steps need of them."""
    with op.batch_alter_table("equipment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("properties", sa.JSON(), nullable=False, server_default="{}"))

    with op.batch_alter_table("equipment_class", schema=None) as batch_op:
        batch_op.add_column(sa.Column("properties", sa.JSON(), nullable=False, server_default="[]"))

    with op.batch_alter_table("operations_segment", schema=None) as batch_op:
        batch_op.add_column(sa.Column("equipment_properties", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("operations_segment", schema=None) as batch_op:
        batch_op.drop_column("equipment_properties")

    with op.batch_alter_table("equipment_class", schema=None) as batch_op:
        batch_op.drop_column("properties")

    with op.batch_alter_table("equipment", schema=None) as batch_op:
        batch_op.drop_column("properties")
