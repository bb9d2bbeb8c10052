"""How the core reads the record: its effort grows with what it reads, whatever the database knows of its tables."""

import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from mesgraph.db import row_security
from mesgraph.db.postgresql import ServerDatabase
from mesgraph.genealogy.feed import activities
from tests.api import Api
from tests.emptied import Emptied
from tests.factories.materials import make_halvard
from tests.factories.supply_chain import make_coils

T = TypeVar("T")

TABLES = "genealogy_event, genealogy_line, item, ledger_position"
READS = 8
"""More than the five times that PostgreSQL plans anew before it may keep a plan."""


@pytest.fixture
def database_url(postgresql_emptied: Emptied) -> Iterator[str]:
    """One in which nothing was ever deleted, as in a plant's: PostgreSQL plans otherwise for emptied tables."""
    postgresql_emptied.drop()
    yield postgresql_emptied.take()
    postgresql_emptied.give_back()


@pytest.mark.postgresql
async def test_a_burst_is_read_by_keys_before_the_database_knows_of_it(api: Api) -> None:
    """PostgreSQL believes that the tables are as small as when it last counted; it compares no row with every other."""
    await make_halvard(api)
    await api.plant.database.write(lambda work: work.execute(text(f"ANALYZE {TABLES}")))
    await make_coils(api, {"COIL-1": "655"}, {"COIL-1": 196})
    await api.plant.tail.end()
    plan = await api.plant.database.read(plan_of_activities)
    assert plan["Actual Rows"] > 390
    assert [node for node in nodes(plan) if node.get("Rows Removed by Join Filter")] == []


@pytest.mark.postgresql
async def test_nor_by_a_plan_that_was_kept_from_smaller_tables(api: Api) -> None:
    """From the sixth time on a connection would read by one plan for all parameters, made when it was first needed."""
    await make_halvard(api)
    await api.plant.database.write(lambda work: work.execute(text(f"ANALYZE {TABLES}")))
    database = api.plant.database
    assert isinstance(database, ServerDatabase)
    async with database._engine.connect() as connection:

        async def read(query: Callable[[Session], T]) -> T:
            """Always by this connection, which keeps its plans."""
            async with AsyncSession(connection) as session:
                await row_security.hold(session, connection, None, reads=True)
                answer = await session.run_sync(query)
                await session.rollback()
                return answer

        for _ in range(READS):
            await read(lambda session: activities(session, 0, 20_000))
        await make_coils(api, {"COIL-1": "655"}, {"COIL-1": 196})
        await api.plant.tail.end()
        assert len((await read(lambda session: activities(session, 0, 20_000))).positions) > 190
        assert await read(readings_by_a_kept_plan) == [0]


def readings_by_a_kept_plan(session: Session) -> list[int]:
    """How often this connection read activities by a plan that it kept."""
    asked = text("SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE :words")
    return list(session.scalars(asked, {"words": "%genealogy_line.range_from%"}))


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
    explain = f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {statement}"
    told = session.connection().exec_driver_sql(explain, parameters).scalar_one()
    return (json.loads(told) if isinstance(told, str) else told)[0]["Plan"]


def nodes(plan: Any) -> Iterator[Any]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)
