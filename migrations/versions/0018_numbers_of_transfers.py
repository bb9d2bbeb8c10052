"""Numbers of transfers and codes of destinations are compared character by character, as other keys are.

Revision ID: 0018
Revises: 0017
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = {"transfer": ("number", 80), "destination": ("code", 64)}


def upgrade() -> None:
    """One step forward."""
    _collate("C")


def downgrade() -> None:
    """One step back."""
    _collate("default")


def _collate(name: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, (column, length) in KEYS.items():
            op.alter_column(table, column, type_=sa.String(length, collation=name))
