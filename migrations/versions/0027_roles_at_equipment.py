"""Roles and keys that count at equipment.

Revision ID: 0027
Revises: 0026
"""

import time
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ENDS = {"role_grant": "withdrawn_at", "api_key": "revoked_at"}
"""What counts somewhere, and the column that says when it ended."""


def upgrade() -> None:
    """What is granted and issued counts as it did."""
    for table in ENDS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("equipment_id", KEY, nullable=True))
            batch_op.create_foreign_key(batch_op.f(f"fk_{table}_equipment_id"), "equipment", ["equipment_id"], ["id"])


def downgrade() -> None:
    """What counted at equipment ends: without the column it would count for the whole site."""
    for table, ended in ENDS.items():
        rows = sa.table(table, sa.column("equipment_id"), sa.column(ended))
        now = time.time_ns() // 1_000
        narrow = rows.update().where(rows.c.equipment_id.is_not(None), rows.c[ended].is_(None))
        op.execute(narrow.values({ended: now}))
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_constraint(batch_op.f(f"fk_{table}_equipment_id"), type_="foreignkey")
            batch_op.drop_column("equipment_id")
