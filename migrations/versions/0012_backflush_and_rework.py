"""Lines of bills that are taken with the output; rework, and what was reported by reason.

Revision ID: 0012
Revises: 0011
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the table; lines are picked, and nothing was reworked so far."""
    op.create_table(
        "quantity_actual",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quality", sa.String(40), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        sa.Column("posted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_response_id"], ["job_response.id"], name=op.f("fk_quantity_actual_job_response_id")
        ),
        sa.ForeignKeyConstraint(["posted_by_id"], ["principal.id"], name=op.f("fk_quantity_actual_posted_by_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_quantity_actual_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quantity_actual")),
    )
    with op.batch_alter_table("quantity_actual", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_quantity_actual_job_response_id"), ["job_response_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_quantity_actual_site_id"), ["site_id"], unique=False)

    with op.batch_alter_table("job_response", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rework_quantity", sa.BigInteger(), nullable=False, server_default="0"))

    with op.batch_alter_table("material_specification", schema=None) as batch_op:
        batch_op.add_column(sa.Column("issue", sa.String(40), nullable=False, server_default="PICK"))
        batch_op.add_column(sa.Column("scrap_factor", sa.BigInteger(), nullable=False, server_default="0"))

    with op.batch_alter_table("operations_request", schema=None) as batch_op:
        batch_op.add_column(sa.Column("rework_quantity", sa.BigInteger(), nullable=False, server_default="0"))
