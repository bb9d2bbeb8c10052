"""Drivers, tags, and what they measure.

Revision ID: 0028
Revises: 0027
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
SITED = (
    *("driver_instance", "driver_status", "tag"),
    *("sample_batch", "sample_chunk", "latest_samples", "data_quality_issue"),
)

ALL = "(SELECT current_setting('mesgraph.sites', true)) = '*'"
NAMED = "((SELECT string_to_array(NULLIF(current_setting('mesgraph.sites', true), '*'), ',')::bigint[])::bigint[])"


def key_text(length: int) -> sa.String:
    """Text that is compared character by character."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    """Masters, the head and the chunks of samples, and what is wrong with them."""
    _masters()
    _samples()
    _issues()
    for table in SITED:
        op.create_index(op.f(f"ix_{table}_site_id"), table, ["site_id"])
    if op.get_bind().dialect.name == "postgresql":
        for table in SITED:
            op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
            op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
            op.execute(f"CREATE POLICY of_sites ON {table} USING ({ALL} OR site_id = ANY ({NAMED}))")
        # columns of measured values are packed already, or soon: to try again costs more than the append
        for table in ("sample_batch", "sample_chunk", "latest_samples"):
            op.execute(f"ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Nothing is measured."""
    for table in reversed(SITED):
        op.drop_table(table)


def _masters() -> None:
    op.create_table(
        "driver_instance",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("code", key_text(64), nullable=False),
        sa.Column("driver", sa.String(64), nullable=False),
        sa.Column("config", sa.JSON(), nullable=False),
        sa.Column("secret_ref", sa.String(200), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        *_of("driver_instance", "site"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_driver_instance")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_driver_instance_site_id_code")),
    )
    op.create_index("ix_driver_instance_by_code", "driver_instance", ["code", "id"])
    op.create_table(
        "driver_status",
        *_of("driver_status", "driver_instance"),
        sa.Column("next_sequence", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("message", sa.String(500), nullable=True),
        sa.Column("buffered", sa.BigInteger(), nullable=False),
        sa.Column("clock_offset_ms", sa.BigInteger(), nullable=True),
        sa.Column("tier", sa.String(40), nullable=True),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        *_of("driver_status", "site"),
        sa.PrimaryKeyConstraint("driver_instance_id", name=op.f("pk_driver_status")),
    )
    op.create_table(
        "tag",
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("path", key_text(200), nullable=False),
        *_of("tag", "driver_instance"),
        sa.Column("former_instance_id", KEY, nullable=True),
        sa.Column("equipment_id", KEY, nullable=True),
        sa.Column("address", sa.String(500), nullable=False),
        sa.Column("tag_kind", sa.String(40), nullable=False),
        sa.Column("data_type", sa.String(40), nullable=False),
        sa.Column("uom", sa.String(3), nullable=True),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("valid_low", "valid_high")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("max_rate", "deadband")),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in ("expected_period_us", "stale_after_us")),
        *_of("tag", "site"),
        sa.ForeignKeyConstraint(["former_instance_id"], ["driver_instance.id"], name=op.f("fk_tag_former_instance_id")),
        sa.ForeignKeyConstraint(["equipment_id"], ["equipment.id"], name=op.f("fk_tag_equipment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag")),
        sa.UniqueConstraint("site_id", "path", name=op.f("uq_tag_site_id_path")),
    )
    op.create_index("ix_tag_by_path", "tag", ["path", "id"])
    op.create_index(op.f("ix_tag_driver_instance_id"), "tag", ["driver_instance_id"])
    op.create_index(op.f("ix_tag_equipment_id"), "tag", ["equipment_id"])


def _samples() -> None:
    op.create_table(
        "sample_batch",
        sa.Column("id", KEY, nullable=False),
        *_of("sample_batch", "driver_instance"),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        *_of("sample_batch", "site"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_sample_batch_driver_instance_id_id", "sample_batch", ["driver_instance_id", "id"])
    op.create_table(
        "sample_chunk",
        sa.Column("id", KEY, nullable=False),
        *_of("sample_chunk", "tag"),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("slots", sa.LargeBinary(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        *_of("sample_chunk", "site"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample_chunk")),
        sa.UniqueConstraint("tag_id", "hour", name=op.f("uq_sample_chunk_tag_id_hour")),
    )
    op.create_table(
        "latest_samples",
        *_of("latest_samples", "driver_instance"),
        sa.Column("through", sa.BigInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        *_of("latest_samples", "site"),
        sa.PrimaryKeyConstraint("driver_instance_id", name=op.f("pk_latest_samples")),
    )


def _issues() -> None:
    table = "data_quality_issue"
    op.create_table(
        table,
        sa.Column("id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        *_of(table, "driver_instance"),
        sa.Column("tag_id", KEY, nullable=True),
        sa.Column("issue_kind", sa.String(40), nullable=False),
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("from_sequence", sa.BigInteger(), nullable=True),
        sa.Column("to_sequence", sa.BigInteger(), nullable=True),
        *_of(table, "site"),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f(f"fk_{table}_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("tag_id", "issue_kind", "hour", name=op.f(f"uq_{table}_tag_id_issue_kind_hour")),
    )
    op.create_index(op.f(f"ix_{table}_driver_instance_id"), table, ["driver_instance_id"])


def _of(table: str, owner: str) -> tuple[sa.Column[int], sa.ForeignKeyConstraint]:
    """The column that names the owner of a row, and that there is such an owner."""
    column = f"{owner}_id"
    return sa.Column(column, KEY, nullable=False), sa.ForeignKeyConstraint(
        [column], [f"{owner}.id"], name=op.f(f"fk_{table}_{column}")
    )
