"""The mass balance of orders, as it was settled when they were closed.

Revision ID: 0011
Revises: 0010
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PARTS = (
    "issued",
    "made",
    "in_products",
    "output",
    "by_products",
    "samples",
    "scrap",
    "returned",
    "adjusted",
    "closing_wip",
    "unaccounted",
)


def upgrade() -> None:
    """Create the table; orders that were closed before have no line, so their balance is read from the books."""
    op.create_table(
        "mass_balance_line",
        sa.Column("request_id", KEY, nullable=False),
        sa.Column("material_id", KEY, nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in PARTS),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material_definition.id"], name=op.f("fk_mass_balance_line_material_id")
        ),
        sa.ForeignKeyConstraint(
            ["request_id"], ["operations_request.id"], name=op.f("fk_mass_balance_line_request_id")
        ),
        sa.PrimaryKeyConstraint("request_id", "material_id", name=op.f("pk_mass_balance_line")),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("mass_balance_line")
