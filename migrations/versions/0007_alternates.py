"""Alternate equipment of segments, and jobs that were rerouted to it.

Revision ID: 0007
Revises: 0006
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table, add the column; no definition has alternates yet."""
    op.create_table(
        "segment_alternate",
        sa.Column("segment_id", KEY, nullable=False),
        sa.Column("equipment_class_id", KEY, nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_class_id"], ["equipment_class.id"], name=op.f("fk_segment_alternate_equipment_class_id")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["operations_segment.id"], name=op.f("fk_segment_alternate_segment_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", "equipment_class_id", name=op.f("pk_segment_alternate")),
    )
    with op.batch_alter_table("job_order") as batch_op:
        batch_op.add_column(sa.Column("rerouted_from_id", KEY, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_job_order_rerouted_from_id"), "job_order", ["rerouted_from_id"], ["id"]
        )


def downgrade() -> None:
    """Drop both."""
    with op.batch_alter_table("job_order") as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_job_order_rerouted_from_id"), type_="foreignkey")
        batch_op.drop_column("rerouted_from_id")
    op.drop_table("segment_alternate")
