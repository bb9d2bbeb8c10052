"""Material reservations.

Revision ID: 0003
Revises: 0002
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Material reservations."""
    op.create_table(
        "material_reservation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requirement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("issued", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_material_reservation_item_id")),
        sa.ForeignKeyConstraint(["job_order_id"], ["job_order.id"], name=op.f("fk_material_reservation_job_order_id")),
        sa.ForeignKeyConstraint(
            ["request_id"], ["operations_request.id"], name=op.f("fk_material_reservation_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["segment_requirement.id"], name=op.f("fk_material_reservation_requirement_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_material_reservation_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_reservation")),
    )
    with op.batch_alter_table("material_reservation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_material_reservation_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_reservation_job_order_id"), ["job_order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_reservation_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_reservation_requirement_id"), ["requirement_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_reservation_site_id"), ["site_id"], unique=False)

    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_expires_at"), ["expires_at"], unique=False)


def downgrade() -> None:
    """Undo it."""
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_expires_at"))

    with op.batch_alter_table("material_reservation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_material_reservation_site_id"))
        batch_op.drop_index(batch_op.f("ix_material_reservation_requirement_id"))
        batch_op.drop_index(batch_op.f("ix_material_reservation_request_id"))
        batch_op.drop_index(batch_op.f("ix_material_reservation_job_order_id"))
        batch_op.drop_index(batch_op.f("ix_material_reservation_item_id"))

    op.drop_table("material_reservation")
