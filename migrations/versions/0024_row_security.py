"""Row security: what the sites of a session's setting do not name, the database does not show. PostgreSQL alone.

``mesgraph.sites`` holds ids of sites with commas between them, or ``*`` for all. Unset or empty: no rows.

Revision ID: 0024
Revises: 0023
"""

from collections.abc import Sequence

from alembic import op

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

OF_A_SITE = (
    *("equipment", "equipment_state_record", "item", "genealogy_event", "hold"),
    *("operations_request", "segment_requirement", "job_order", "job_response", "deviation"),
    *("material_reservation", "material_actual", "quantity_actual", "parameter_actual", "step_execution"),
    "outbound_message",
)
BETWEEN_SITES = ("transfer",)

# in a sub-select each is worked out once for a statement, not once for a row
ALL = "(SELECT current_setting('mesgraph.sites', true)) = '*'"
NAMED = "((SELECT string_to_array(NULLIF(current_setting('mesgraph.sites', true), '*'), ',')::bigint[])::bigint[])"


def upgrade() -> None:
    """One policy for each table, in force for the owner, too."""
    if op.get_bind().dialect.name != "postgresql":
        return
    _protect("site", f"id = ANY ({NAMED})")
    for table in OF_A_SITE:
        _protect(table, f"site_id = ANY ({NAMED})")
    for table in BETWEEN_SITES:
        _protect(table, f"from_site_id = ANY ({NAMED}) OR to_site_id = ANY ({NAMED})")


def downgrade() -> None:
    """Rows are hidden by nothing but the scope of sessions."""
    if op.get_bind().dialect.name != "postgresql":
        return
    for table in ("site", *OF_A_SITE, *BETWEEN_SITES):
        op.execute(f"DROP POLICY of_sites ON {table}")
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")


def _protect(table: str, named: str) -> None:
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY of_sites ON {table} USING ({ALL} OR {named})")
