"""Parameters and instructions of segments; parameter actuals and deviations of runs.

Revision ID: 0005
Revises: 0004
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "parameter_specification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("segment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("critical", sa.Boolean(), nullable=False),
        sa.Column("data_type", sa.String(40), nullable=False),
        sa.Column("uom", sa.String(length=3), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.Column("warn_low", sa.BigInteger(), nullable=True),
        sa.Column("warn_high", sa.BigInteger(), nullable=True),
        sa.Column("choices", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["operations_segment.id"], name=op.f("fk_parameter_specification_segment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter_specification")),
        sa.UniqueConstraint("segment_id", "code", name=op.f("uq_parameter_specification_segment_id_code")),
    )
    op.create_table(
        "work_instruction",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("segment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("instruction_version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["segment_id"], ["operations_segment.id"], name=op.f("fk_work_instruction_segment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_instruction")),
        sa.UniqueConstraint("segment_id", name=op.f("uq_work_instruction_segment_id")),
    )
    with op.batch_alter_table("work_instruction", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_work_instruction_code"), ["code"], unique=False)

    op.create_table(
        "instruction_step",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("instruction_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("step_kind", sa.String(40), nullable=False),
        sa.Column("prompt", sa.String(length=2000), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("another_person", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["instruction_id"], ["work_instruction.id"], name=op.f("fk_instruction_step_instruction_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_instruction_step")),
        sa.UniqueConstraint("instruction_id", "no", name=op.f("uq_instruction_step_instruction_id_no")),
    )
    op.create_table(
        "entry_specification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("step_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("field", sa.String(length=64), nullable=False),
        sa.Column("prompt", sa.String(length=200), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("material_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("data_type", sa.String(40), nullable=False),
        sa.Column("uom", sa.String(length=3), nullable=True),
        sa.Column("target", sa.BigInteger(), nullable=True),
        sa.Column("low", sa.BigInteger(), nullable=True),
        sa.Column("high", sa.BigInteger(), nullable=True),
        sa.Column("warn_low", sa.BigInteger(), nullable=True),
        sa.Column("warn_high", sa.BigInteger(), nullable=True),
        sa.Column("choices", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material_definition.id"], name=op.f("fk_entry_specification_material_id")
        ),
        sa.ForeignKeyConstraint(["step_id"], ["instruction_step.id"], name=op.f("fk_entry_specification_step_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_specification")),
        sa.UniqueConstraint("step_id", "field", name=op.f("uq_entry_specification_step_id_field")),
    )
    op.create_table(
        "parameter_actual",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("specification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("verdict", sa.String(40), nullable=False),
        sa.Column("posted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_parameter_actual_item_id")),
        sa.ForeignKeyConstraint(
            ["job_response_id"], ["job_response.id"], name=op.f("fk_parameter_actual_job_response_id")
        ),
        sa.ForeignKeyConstraint(["posted_by_id"], ["principal.id"], name=op.f("fk_parameter_actual_posted_by_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_parameter_actual_site_id")),
        sa.ForeignKeyConstraint(
            ["specification_id"], ["parameter_specification.id"], name=op.f("fk_parameter_actual_specification_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parameter_actual")),
    )
    with op.batch_alter_table("parameter_actual", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_parameter_actual_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_parameter_actual_job_response_id"), ["job_response_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_parameter_actual_site_id"), ["site_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_parameter_actual_specification_id"), ["specification_id"], unique=False)

    op.create_table(
        "deviation",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("deviation_kind", sa.String(40), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("parameter_actual_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("bill_line_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("hold_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("description", sa.String(length=2000), nullable=False),
        sa.Column("opened_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("decided_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("decided_at", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["bill_line_id"], ["material_specification.id"], name=op.f("fk_deviation_bill_line_id")
        ),
        sa.ForeignKeyConstraint(["decided_by_id"], ["principal.id"], name=op.f("fk_deviation_decided_by_id")),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_deviation_hold_id")),
        sa.ForeignKeyConstraint(["job_response_id"], ["job_response.id"], name=op.f("fk_deviation_job_response_id")),
        sa.ForeignKeyConstraint(["opened_by_id"], ["principal.id"], name=op.f("fk_deviation_opened_by_id")),
        sa.ForeignKeyConstraint(
            ["parameter_actual_id"], ["parameter_actual.id"], name=op.f("fk_deviation_parameter_actual_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_deviation_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deviation")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_deviation_site_id_number")),
    )
    with op.batch_alter_table("deviation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_deviation_job_response_id"), ["job_response_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deviation_parameter_actual_id"), ["parameter_actual_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_deviation_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_deviation_site_state", ["site_id", "state"], unique=False)
