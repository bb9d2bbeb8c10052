"""Lists: keys compared character by character, and an index for each order.

Revision ID: 0006
Revises: 0005
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEYS = {
    "principal": ("subject", 64),
    "equipment": ("code", 64),
    "supplier": ("code", 64),
    "material_definition": ("code", 64),
    "item": ("key", 150),
    "hold": ("number", 64),
    "operations_definition": ("code", 64),
    "operations_request": ("code", 64),
    "job_order": ("code", 64),
    "deviation": ("number", 64),
}
"""SQLite compares text so anyway."""

ORDERS = {
    "ix_equipment_by_code": ("equipment", ["code", "id"]),
    "ix_material_definition_by_code": ("material_definition", ["code", "id"]),
    "ix_operations_definition_by_code": ("operations_definition", ["code", "id"]),
    "ix_operations_request_by_code": ("operations_request", ["code", "id"]),
    "ix_operations_request_by_due": ("operations_request", ["due_at", "id"]),
    "ix_operations_request_by_external_id": ("operations_request", ["external_id", "id"]),
    "ix_job_order_by_code": ("job_order", ["code", "id"]),
    "ix_job_order_by_planned_start": ("job_order", ["planned_start", "id"]),
    "ix_genealogy_event_by_time": ("genealogy_event", ["occurred_at", "id"]),
}

LOTS = {
    "ix_item_lot_by_id": ["id"],
    "ix_item_lot_by_key": ["key", "id"],
    "ix_item_lot_by_expiry": ["expires_at", "id"],
    "ix_item_lot_by_location": ["location_id", "id"],
    "ix_item_lot_by_supplier": ["supplier_id", "id"],
}


def upgrade() -> None:
    """One step forward."""
    if op.get_bind().dialect.name == "postgresql":
        for table, (column, length) in KEYS.items():
            op.alter_column(table, column, type_=sa.String(length, collation="C"))
    for name, (table, columns) in ORDERS.items():
        op.create_index(name, table, columns)
    lots = sa.text("item_kind = 'LOT'")
    for name, columns in LOTS.items():
        op.create_index(name, "item", columns, sqlite_where=lots, postgresql_where=lots)


def downgrade() -> None:
    """One step back."""
    for name in LOTS:
        op.drop_index(name, "item")
    for name, (table, _) in ORDERS.items():
        op.drop_index(name, table)
    if op.get_bind().dialect.name == "postgresql":
        for table, (column, length) in KEYS.items():
            op.alter_column(table, column, type_=sa.String(length, collation="default"))
