"""Materials that may go in instead of the one of a bill line.

Revision ID: 0017
Revises: 0016
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "material_alternate",
        sa.Column("specification_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("material_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("factor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material_definition.id"], name=op.f("fk_material_alternate_material_id")
        ),
        sa.ForeignKeyConstraint(
            ["specification_id"], ["material_specification.id"], name=op.f("fk_material_alternate_specification_id")
        ),
        sa.PrimaryKeyConstraint("specification_id", "material_id", name=op.f("pk_material_alternate")),
    )
