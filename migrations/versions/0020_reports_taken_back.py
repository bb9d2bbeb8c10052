"""Reports of quantities are taken back by others that name them.

Revision ID: 0020
Revises: 0019
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

UNIQUE = "uq_quantity_actual_reverses_id"
NAMES = "fk_quantity_actual_reverses_id"


def upgrade() -> None:
    """One step forward."""
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    with op.batch_alter_table("quantity_actual", schema=None) as batch_op:
        batch_op.add_column(sa.Column("reverses_id", key, nullable=True))
        batch_op.create_foreign_key(batch_op.f(NAMES), "quantity_actual", ["reverses_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f(UNIQUE), ["reverses_id"])


def downgrade() -> None:
    """One step back."""
    with op.batch_alter_table("quantity_actual", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(UNIQUE), type_="unique")
        batch_op.drop_constraint(batch_op.f(NAMES), type_="foreignkey")
        batch_op.drop_column("reverses_id")
