"""First revision: every table.

One file of more than 600 lines, because it creates everything at once.

Revision ID: 0001
Revises:
"""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


class XID8(sa.types.UserDefinedType[str]):
    """PostgreSQL's 64-bit transaction id."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type."""
        return "xid8"


def upgrade() -> None:
    """Create every table, and the state of the sequencer."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    transaction_id: sa.types.TypeEngine[Any] = XID8() if postgresql else sa.Integer()
    transaction_default = sa.text("pg_current_xact_id()" if postgresql else "0")
    op.create_table(
        "command_receipt",
        sa.Column("namespace", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("namespace", "key", name=op.f("pk_command_receipt")),
    )
    op.create_table(
        "equipment_class",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment_class")),
        sa.UniqueConstraint("code", name=op.f("uq_equipment_class_code")),
    )
    op.create_table(
        "ledger_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("event_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=True),
        sa.Column("principal_id", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("recorded_at", sa.BigInteger(), nullable=False),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.Column("entry", sa.LargeBinary(), nullable=False),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("transaction", transaction_id, server_default=transaction_default, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_event")),
        sa.UniqueConstraint("event_id", name=op.f("uq_ledger_event_event_id")),
    )
    with op.batch_alter_table("ledger_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_event_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_ledger_event_transaction", ["transaction"], unique=False)

    op.create_table(
        "ledger_sequencer",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("snapshot", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_sequencer")),
    )
    op.create_table(
        "ledger_subject_head",
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", name=op.f("pk_ledger_subject_head")),
    )
    op.create_table(
        "material_definition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("revision", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("gtin", sa.String(length=14), nullable=True),
        sa.Column("material_kind", sa.String(40), nullable=False),
        sa.Column("base_uom", sa.String(length=3), nullable=False),
        sa.Column("tracking", sa.String(40), nullable=False),
        sa.Column("shelf_life_s", sa.Integer(), nullable=True),
        sa.Column("quarantine_on_receipt", sa.Boolean(), nullable=False),
        sa.Column("has_positions", sa.Boolean(), nullable=False),
        sa.Column("uom_factors", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_definition")),
        sa.UniqueConstraint("code", "revision", name=op.f("uq_material_definition_code_revision")),
    )
    with op.batch_alter_table("material_definition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_material_definition_gtin"), ["gtin"], unique=False)

    op.create_table(
        "principal",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("principal_kind", sa.String(40), nullable=False),
        sa.Column("display_name", sa.String(length=200), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_principal")),
        sa.UniqueConstraint("subject", name=op.f("uq_principal_subject")),
    )
    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("gln", sa.String(length=13), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("code", name=op.f("uq_site_code")),
    )
    op.create_table(
        "supplier",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("gln", sa.String(length=13), nullable=True),
        sa.Column("approval_status", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_supplier")),
        sa.UniqueConstraint("code", name=op.f("uq_supplier_code")),
    )
    op.create_table(
        "api_key",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_api_key_principal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_key")),
        sa.UniqueConstraint("key_id", name=op.f("uq_api_key_key_id")),
    )
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_api_key_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "equipment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("level", sa.String(40), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("mode", sa.String(40), nullable=False),
        sa.Column("packml_state", sa.String(40), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=False),
        sa.Column("open_holds", sa.Integer(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["equipment.id"], name=op.f("fk_equipment_parent_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_equipment_site_id_code")),
    )
    with op.batch_alter_table("equipment", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_equipment_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_equipment_site_id"), ["site_id"], unique=False)

    op.create_table(
        "ledger_position",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("ledger_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ledger_event_id"], ["ledger_event.id"], name=op.f("fk_ledger_position_ledger_event_id")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_position")),
        sa.UniqueConstraint("ledger_event_id", name=op.f("uq_ledger_position_ledger_event_id")),
    )
    op.create_table(
        "ledger_subject_entry",
        sa.Column("subject_kind", sa.String(length=40), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("ledger_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["ledger_event_id"], ["ledger_event.id"], name=op.f("fk_ledger_subject_entry_ledger_event_id")
        ),
        sa.PrimaryKeyConstraint("subject_kind", "subject_id", "counter", name=op.f("pk_ledger_subject_entry")),
    )
    with op.batch_alter_table("ledger_subject_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ledger_subject_entry_ledger_event_id"), ["ledger_event_id"], unique=False)

    op.create_table(
        "operations_definition",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("definition_version", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("effective_from", sa.BigInteger(), nullable=True),
        sa.Column("effective_to", sa.BigInteger(), nullable=True),
        sa.Column("author_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("approver_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("content_hash", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(["approver_id"], ["principal.id"], name=op.f("fk_operations_definition_approver_id")),
        sa.ForeignKeyConstraint(["author_id"], ["principal.id"], name=op.f("fk_operations_definition_author_id")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["material_definition.id"], name=op.f("fk_operations_definition_product_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_definition")),
        sa.UniqueConstraint(
            "code", "definition_version", name=op.f("uq_operations_definition_code_definition_version")
        ),
    )
    with op.batch_alter_table("operations_definition", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operations_definition_product_id"), ["product_id"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("principal_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("withdrawn_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["principal_id"], ["principal.id"], name=op.f("fk_role_grant_principal_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_role_grant_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_grant_principal_id"), ["principal_id"], unique=False)

    op.create_table(
        "definition_site",
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["operations_definition.id"], name=op.f("fk_definition_site_definition_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_definition_site_site_id")),
        sa.PrimaryKeyConstraint("definition_id", "site_id", name=op.f("pk_definition_site")),
    )
    op.create_table(
        "equipment_class_member",
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("class_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["class_id"], ["equipment_class.id"], name=op.f("fk_equipment_class_member_class_id")),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_class_member_equipment_id")
        ),
        sa.PrimaryKeyConstraint("equipment_id", "class_id", name=op.f("pk_equipment_class_member")),
    )
    with op.batch_alter_table("equipment_class_member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_equipment_class_member_class_id"), ["class_id"], unique=False)

    op.create_table(
        "equipment_state_record",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("packml_state", sa.String(40), nullable=False),
        sa.Column("mode", sa.String(40), nullable=False),
        sa.Column("from_at", sa.BigInteger(), nullable=False),
        sa.Column("to_at", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("set_by", sa.String(40), nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["equipment_id"], ["equipment.id"], name=op.f("fk_equipment_state_record_equipment_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_equipment_state_record_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment_state_record")),
    )
    with op.batch_alter_table("equipment_state_record", schema=None) as batch_op:
        batch_op.create_index("ix_equipment_state_record_equipment_from", ["equipment_id", "from_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_equipment_state_record_site_id"), ["site_id"], unique=False)

    op.create_table(
        "hold",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("scope", sa.String(40), nullable=False),
        sa.Column("severity", sa.String(40), nullable=False),
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("range_from", sa.BigInteger(), nullable=True),
        sa.Column("range_to", sa.BigInteger(), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=False),
        sa.Column("comment", sa.String(length=2000), nullable=True),
        sa.Column("placed_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("placed_at", sa.BigInteger(), nullable=False),
        sa.Column("released_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_hold_equipment_id")),
        sa.ForeignKeyConstraint(["placed_by_id"], ["principal.id"], name=op.f("fk_hold_placed_by_id")),
        sa.ForeignKeyConstraint(["released_by_id"], ["principal.id"], name=op.f("fk_hold_released_by_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_hold_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_hold_site_id_number")),
    )
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_hold_equipment_id"), ["equipment_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_hold_site_id"), ["site_id"], unique=False)

    op.create_table(
        "operations_request",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("source_system", sa.String(length=64), nullable=False),
        sa.Column("external_id", sa.String(length=64), nullable=False),
        sa.Column("external_revision", sa.Integer(), nullable=False),
        sa.Column("content_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("product_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("earliest_start", sa.BigInteger(), nullable=True),
        sa.Column("due_at", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("good_quantity", sa.BigInteger(), nullable=False),
        sa.Column("scrap_quantity", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["operations_definition.id"], name=op.f("fk_operations_request_definition_id")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["material_definition.id"], name=op.f("fk_operations_request_product_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_operations_request_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_request")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_operations_request_site_id_code")),
        sa.UniqueConstraint(
            "source_system", "external_id", name=op.f("uq_operations_request_source_system_external_id")
        ),
    )
    with op.batch_alter_table("operations_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_operations_request_product_id"), ["product_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_operations_request_site_id"), ["site_id"], unique=False)
        batch_op.create_index("ix_operations_request_state", ["site_id", "state"], unique=False)

    op.create_table(
        "operations_segment",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("definition_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("equipment_class_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("setup_time_s", sa.Integer(), nullable=False),
        sa.Column("run_time_per_unit_s", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["definition_id"], ["operations_definition.id"], name=op.f("fk_operations_segment_definition_id")
        ),
        sa.ForeignKeyConstraint(
            ["equipment_class_id"], ["equipment_class.id"], name=op.f("fk_operations_segment_equipment_class_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operations_segment")),
        sa.UniqueConstraint("definition_id", "seq", name=op.f("uq_operations_segment_definition_id_seq")),
    )
    op.create_table(
        "storage_location",
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_storage_location_equipment_id")),
        sa.ForeignKeyConstraint(["location_id"], ["equipment.id"], name=op.f("fk_storage_location_location_id")),
        sa.PrimaryKeyConstraint("equipment_id", "location_id", name=op.f("pk_storage_location")),
    )
    with op.batch_alter_table("storage_location", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_storage_location_location_id"), ["location_id"], unique=False)

    op.create_table(
        "item",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("item_kind", sa.String(40), nullable=False),
        sa.Column("key", sa.String(length=150), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("item_revision", sa.Integer(), nullable=False),
        sa.Column("material_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("lot_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("uom", sa.String(length=3), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("initial_quantity", sa.BigInteger(), nullable=False),
        sa.Column("lifecycle", sa.String(40), nullable=False),
        sa.Column("open_holds", sa.Integer(), nullable=False),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("slot", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("grade", sa.String(length=64), nullable=True),
        sa.Column("produced_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("supplier_lot", sa.String(length=64), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("quantity <= initial_quantity", name=op.f("ck_item_quantity_at_most_initial")),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_item_quantity_not_negative")),
        sa.ForeignKeyConstraint(["location_id"], ["equipment.id"], name=op.f("fk_item_location_id")),
        sa.ForeignKeyConstraint(["lot_id"], ["item.id"], name=op.f("fk_item_lot_id")),
        sa.ForeignKeyConstraint(["material_id"], ["material_definition.id"], name=op.f("fk_item_material_id")),
        sa.ForeignKeyConstraint(["parent_id"], ["item.id"], name=op.f("fk_item_parent_id")),
        sa.ForeignKeyConstraint(["request_id"], ["operations_request.id"], name=op.f("fk_item_request_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_item_site_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_item_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_item")),
        sa.UniqueConstraint("key", "item_kind", name=op.f("uq_item_key_item_kind")),
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_lot_id"), ["lot_id"], unique=False)
        batch_op.create_index("ix_item_material_lifecycle", ["material_id", "lifecycle"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_site_id"), ["site_id"], unique=False)

    op.create_table(
        "material_specification",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("segment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("material_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("revision_rule", sa.String(40), nullable=False),
        sa.Column("use", sa.String(40), nullable=False),
        sa.Column("quantity_per", sa.BigInteger(), nullable=False),
        sa.Column("tolerance_pct", sa.BigInteger(), nullable=True),
        sa.Column("tolerance_action", sa.String(40), nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["material_definition.id"], name=op.f("fk_material_specification_material_id")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["operations_segment.id"], name=op.f("fk_material_specification_segment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_specification")),
        sa.UniqueConstraint("segment_id", "line", name=op.f("uq_material_specification_segment_id_line")),
    )
    op.create_table(
        "segment_dependency",
        sa.Column("segment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("after_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("dependency", sa.String(40), nullable=False),
        sa.Column("delay_s", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["after_id"], ["operations_segment.id"], name=op.f("fk_segment_dependency_after_id")),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["operations_segment.id"], name=op.f("fk_segment_dependency_segment_id")
        ),
        sa.PrimaryKeyConstraint("segment_id", "after_id", name=op.f("pk_segment_dependency")),
    )
    op.create_table(
        "segment_requirement",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("segment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["operations_request.id"], name=op.f("fk_segment_requirement_request_id")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["operations_segment.id"], name=op.f("fk_segment_requirement_segment_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_segment_requirement_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_requirement")),
        sa.UniqueConstraint("request_id", "seq", name=op.f("uq_segment_requirement_request_id_seq")),
    )
    with op.batch_alter_table("segment_requirement", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_segment_requirement_site_id"), ["site_id"], unique=False)

    op.create_table(
        "held_item",
        sa.Column("hold_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("range_from", sa.BigInteger(), nullable=True),
        sa.Column("range_to", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["hold_id"], ["hold.id"], name=op.f("fk_held_item_hold_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_held_item_item_id")),
        sa.PrimaryKeyConstraint("hold_id", "item_id", name=op.f("pk_held_item")),
    )
    with op.batch_alter_table("held_item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_held_item_item_id"), ["item_id"], unique=False)

    op.create_table(
        "job_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("requirement_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("planned_start", sa.BigInteger(), nullable=True),
        sa.Column("planned_end", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("sub_state", sa.String(40), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_job_order_equipment_id")),
        sa.ForeignKeyConstraint(["request_id"], ["operations_request.id"], name=op.f("fk_job_order_request_id")),
        sa.ForeignKeyConstraint(
            ["requirement_id"], ["segment_requirement.id"], name=op.f("fk_job_order_requirement_id")
        ),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_job_order_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_order")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_job_order_site_id_code")),
    )
    with op.batch_alter_table("job_order", schema=None) as batch_op:
        batch_op.create_index("ix_job_order_equipment_state", ["equipment_id", "state"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_order_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_order_requirement_id"), ["requirement_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_order_site_id"), ["site_id"], unique=False)

    op.create_table(
        "job_response",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=80), nullable=False),
        sa.Column("job_order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("request_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("equipment_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("begun_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("good_quantity", sa.BigInteger(), nullable=False),
        sa.Column("scrap_quantity", sa.BigInteger(), nullable=False),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["begun_by_id"], ["principal.id"], name=op.f("fk_job_response_begun_by_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_job_response_equipment_id")),
        sa.ForeignKeyConstraint(["job_order_id"], ["job_order.id"], name=op.f("fk_job_response_job_order_id")),
        sa.ForeignKeyConstraint(["request_id"], ["operations_request.id"], name=op.f("fk_job_response_request_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_job_response_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_response")),
        sa.UniqueConstraint("job_order_id", "run", name=op.f("uq_job_response_job_order_id_run")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_job_response_site_id_code")),
    )
    with op.batch_alter_table("job_response", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_response_request_id"), ["request_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_job_response_site_id"), ["site_id"], unique=False)

    op.create_table(
        "genealogy_event",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("event_kind", sa.String(40), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.Column("ledger_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reason_code", sa.String(length=64), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_response_id"], ["job_response.id"], name=op.f("fk_genealogy_event_job_response_id")
        ),
        sa.ForeignKeyConstraint(
            ["ledger_event_id"], ["ledger_event.id"], name=op.f("fk_genealogy_event_ledger_event_id")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["equipment.id"], name=op.f("fk_genealogy_event_location_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["genealogy_event.id"], name=op.f("fk_genealogy_event_reverses_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_genealogy_event_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_genealogy_event")),
        sa.UniqueConstraint("reverses_id", name=op.f("uq_genealogy_event_reverses_id")),
    )
    with op.batch_alter_table("genealogy_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_genealogy_event_job_response_id"), ["job_response_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_genealogy_event_ledger_event_id"), ["ledger_event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_genealogy_event_site_id"), ["site_id"], unique=False)

    op.create_table(
        "genealogy_line",
        sa.Column("event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role", sa.String(40), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("range_from", sa.BigInteger(), nullable=True),
        sa.Column("range_to", sa.BigInteger(), nullable=True),
        sa.Column("slot", sa.String(length=64), nullable=True),
        sa.Column("lifecycle_before", sa.String(40), nullable=False),
        sa.Column("location_before_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.ForeignKeyConstraint(["event_id"], ["genealogy_event.id"], name=op.f("fk_genealogy_line_event_id")),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_genealogy_line_item_id")),
        sa.ForeignKeyConstraint(
            ["location_before_id"], ["equipment.id"], name=op.f("fk_genealogy_line_location_before_id")
        ),
        sa.PrimaryKeyConstraint("event_id", "role", "line", name=op.f("pk_genealogy_line")),
    )
    with op.batch_alter_table("genealogy_line", schema=None) as batch_op:
        batch_op.create_index("ix_genealogy_line_item_role", ["item_id", "role"], unique=False)

    op.create_table(
        "material_actual",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("job_response_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("use", sa.String(40), nullable=False),
        sa.Column("item_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("pending", sa.BigInteger(), nullable=False),
        sa.Column("returned", sa.BigInteger(), nullable=False),
        sa.Column("range_from", sa.BigInteger(), nullable=True),
        sa.Column("range_to", sa.BigInteger(), nullable=True),
        sa.Column("location_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("posted_by_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("posted_at", sa.BigInteger(), nullable=False),
        sa.Column("genealogy_event_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("reverses_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("site_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(
            ["genealogy_event_id"], ["genealogy_event.id"], name=op.f("fk_material_actual_genealogy_event_id")
        ),
        sa.ForeignKeyConstraint(["item_id"], ["item.id"], name=op.f("fk_material_actual_item_id")),
        sa.ForeignKeyConstraint(
            ["job_response_id"], ["job_response.id"], name=op.f("fk_material_actual_job_response_id")
        ),
        sa.ForeignKeyConstraint(["location_id"], ["equipment.id"], name=op.f("fk_material_actual_location_id")),
        sa.ForeignKeyConstraint(["posted_by_id"], ["principal.id"], name=op.f("fk_material_actual_posted_by_id")),
        sa.ForeignKeyConstraint(["reverses_id"], ["material_actual.id"], name=op.f("fk_material_actual_reverses_id")),
        sa.ForeignKeyConstraint(["site_id"], ["site.id"], name=op.f("fk_material_actual_site_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_actual")),
    )
    with op.batch_alter_table("material_actual", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_material_actual_genealogy_event_id"), ["genealogy_event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_actual_item_id"), ["item_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_actual_job_response_id"), ["job_response_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_actual_reverses_id"), ["reverses_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_material_actual_site_id"), ["site_id"], unique=False)

    # one row, for ever: epoch 1, nothing numbered, and a snapshot in which nothing is visible
    op.execute("INSERT INTO ledger_sequencer (id, epoch, position, snapshot) VALUES (1, 1, 0, '3:3:')")


def downgrade() -> None:
    """Drop every table."""
    with op.batch_alter_table("material_actual", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_material_actual_site_id"))
        batch_op.drop_index(batch_op.f("ix_material_actual_reverses_id"))
        batch_op.drop_index(batch_op.f("ix_material_actual_job_response_id"))
        batch_op.drop_index(batch_op.f("ix_material_actual_item_id"))
        batch_op.drop_index(batch_op.f("ix_material_actual_genealogy_event_id"))

    op.drop_table("material_actual")
    with op.batch_alter_table("genealogy_line", schema=None) as batch_op:
        batch_op.drop_index("ix_genealogy_line_item_role")

    op.drop_table("genealogy_line")
    with op.batch_alter_table("genealogy_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_genealogy_event_site_id"))
        batch_op.drop_index(batch_op.f("ix_genealogy_event_ledger_event_id"))
        batch_op.drop_index(batch_op.f("ix_genealogy_event_job_response_id"))

    op.drop_table("genealogy_event")
    with op.batch_alter_table("job_response", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_response_site_id"))
        batch_op.drop_index(batch_op.f("ix_job_response_request_id"))

    op.drop_table("job_response")
    with op.batch_alter_table("job_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_order_site_id"))
        batch_op.drop_index(batch_op.f("ix_job_order_requirement_id"))
        batch_op.drop_index(batch_op.f("ix_job_order_request_id"))
        batch_op.drop_index("ix_job_order_equipment_state")

    op.drop_table("job_order")
    with op.batch_alter_table("held_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_held_item_item_id"))

    op.drop_table("held_item")
    with op.batch_alter_table("segment_requirement", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_segment_requirement_site_id"))

    op.drop_table("segment_requirement")
    op.drop_table("segment_dependency")
    op.drop_table("material_specification")
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_item_site_id"))
        batch_op.drop_index(batch_op.f("ix_item_request_id"))
        batch_op.drop_index(batch_op.f("ix_item_parent_id"))
        batch_op.drop_index("ix_item_material_lifecycle")
        batch_op.drop_index(batch_op.f("ix_item_lot_id"))

    op.drop_table("item")
    with op.batch_alter_table("storage_location", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_storage_location_location_id"))

    op.drop_table("storage_location")
    op.drop_table("operations_segment")
    with op.batch_alter_table("operations_request", schema=None) as batch_op:
        batch_op.drop_index("ix_operations_request_state")
        batch_op.drop_index(batch_op.f("ix_operations_request_site_id"))
        batch_op.drop_index(batch_op.f("ix_operations_request_product_id"))

    op.drop_table("operations_request")
    with op.batch_alter_table("hold", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_hold_site_id"))
        batch_op.drop_index(batch_op.f("ix_hold_equipment_id"))

    op.drop_table("hold")
    with op.batch_alter_table("equipment_state_record", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_equipment_state_record_site_id"))
        batch_op.drop_index("ix_equipment_state_record_equipment_from")

    op.drop_table("equipment_state_record")
    with op.batch_alter_table("equipment_class_member", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_equipment_class_member_class_id"))

    op.drop_table("equipment_class_member")
    op.drop_table("definition_site")
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_grant_principal_id"))

    op.drop_table("role_grant")
    with op.batch_alter_table("operations_definition", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_operations_definition_product_id"))

    op.drop_table("operations_definition")
    with op.batch_alter_table("ledger_subject_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_ledger_subject_entry_ledger_event_id"))

    op.drop_table("ledger_subject_entry")
    op.drop_table("ledger_position")
    with op.batch_alter_table("equipment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_equipment_site_id"))
        batch_op.drop_index(batch_op.f("ix_equipment_parent_id"))

    op.drop_table("equipment")
    with op.batch_alter_table("api_key", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_api_key_principal_id"))

    op.drop_table("api_key")
    op.drop_table("supplier")
    op.drop_table("site")
    op.drop_table("principal")
    with op.batch_alter_table("material_definition", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_material_definition_gtin"))

    op.drop_table("material_definition")
    op.drop_table("ledger_subject_head")
    op.drop_table("ledger_sequencer")
    with op.batch_alter_table("ledger_event", schema=None) as batch_op:
        batch_op.drop_index("ix_ledger_event_transaction")
        batch_op.drop_index(batch_op.f("ix_ledger_event_site_id"))

    op.drop_table("ledger_event")
    op.drop_table("equipment_class")
    op.drop_table("command_receipt")
