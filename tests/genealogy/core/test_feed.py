"""How the core reads the record: its effort grows with what it reads, whatever the database knows of its tables."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import event, text
from sqlalchemy.orm import Session

from mesgraph.genealogy.feed import activities
from tests.api import Api
from tests.factories.materials import make_halvard
from tests.factories.supply_chain import make_coils

POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)
TABLES = "genealogy_event, genealogy_line, item, ledger_position"


@pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
async def test_a_burst_is_read_by_keys_before_the_database_knows_of_it(api: Api) -> None:
    """PostgreSQL believes that the tables are as small as when it last counted; it compares no row with every other."""
    await make_halvard(api)
    await api.plant.database.write(lambda work: work.execute(text(f"ANALYZE {TABLES}")))
    await make_coils(api, {"COIL-1": "655"}, {"COIL-1": 196})
    await api.plant.tail.end()
    plan = await api.plant.database.read(plan_of_activities)
    assert plan["Actual Rows"] > 390
    assert [node for node in nodes(plan) if node.get("Rows Removed by Join Filter")] == []


def plan_of_activities(session: Session) -> Any:
    """How PostgreSQL read all activities, as it tells."""
    asked: list[tuple[str, Any]] = []
    engine = session.get_bind()

    def ask(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
        asked.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", ask)
    activities(session, 0, 20_000)
    event.remove(engine, "before_cursor_execute", ask)
    statement, parameters = next(each for each in asked if "genealogy_line" in each[0])
    told = session.connection().exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    return (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
