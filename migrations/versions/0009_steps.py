"""Steps of runs and what was entered in them.

Revision ID: 0009
Revises: 0008
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "step_execution",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("step_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("posted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_response_id"], ["job_response.id"], name=op.f("fk_step_execution_job_response_id")
        ),
        sa.ForeignKeyConstraint(["posted_by_id"], ["principal.id"], name=op.f("fk_step_execution_posted_by_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_step_execution_site_id")),
        sa.ForeignKeyConstraint(["step_id"], ["instruction_step.id"], name=op.f("fk_step_execution_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_step_execution")),
        sa.UniqueConstraint(
            "job_response_id", "step_id", "attempt", name=op.f("uq_step_execution_job_response_id_step_id_attempt")
        ),
    )
    with op.batch_alter_table("step_execution", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_step_execution_site_id"), ["site_id"], unique=False)

    op.create_table(
        "step_entry",
        sa.Column("execution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("specification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(["execution_id"], ["step_execution.id"], name=op.f("fk_step_entry_execution_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_step_entry_item_id")),
        sa.ForeignKeyConstraint(
            ["specification_id"], ["entry_specification.id"], name=op.f("fk_step_entry_specification_id")
        ),
        sa.PrimaryKeyConstraint("execution_id", "specification_id", name=op.f("pk_step_entry")),
    )
    with op.batch_alter_table("step_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_step_entry_item_id"), ["item_id"], unique=False)

    with op.batch_alter_table("deviation", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("step_execution_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(batch_op.f("ix_deviation_step_execution_id"), ["step_execution_id"], unique=False)
        batch_op.create_foreign_key(
            batch_op.f("fk_deviation_step_execution_id"), "step_execution", ["step_execution_id"], ["id"]
        )
