"""Holds on orders, and jobs that were interrupted with their order.

Revision ID: 0004
Revises: 0003
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Add the columns; no job was interrupted with its order before."""
    with op.batch_alter_table("hold") as batch_op:
        batch_op.add_column(
            sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_hold_request_id"), ["request_id"])
        batch_op.create_foreign_key(batch_op.f("fk_hold_request_id"), "operations_request", ["request_id"], ["id"])
    with op.batch_alter_table("job_order") as batch_op:
        batch_op.add_column(
            sa.Column("interrupted_with_order", sa.Boolean(), nullable=False, server_default=sa.false())
        )
    with op.batch_alter_table("job_order") as batch_op:
        batch_op.alter_column("interrupted_with_order", server_default=None)


def downgrade() -> None:
    """Drop the columns."""
    with op.batch_alter_table("job_order") as batch_op:
        batch_op.drop_column("interrupted_with_order")
    with op.batch_alter_table("hold") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_hold_request_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_hold_request_id"))
        batch_op.drop_column("request_id")
