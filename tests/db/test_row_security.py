"""Row security is the backstop: with the API's own predicate gone, PostgreSQL still shows nothing of another site."""

import asyncio
import logging
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.db import EVERY_SITE, BetweenSites, Sited, every_site, open_database
from mesgraph.db.row_security import written
from mesgraph.equipment.models import Equipment
from mesgraph.materials.models import Item
from mesgraph.models import Row
from mesgraph.plant import running_plant
from tests.api import Api
from tests.security.two_plants import Plants, two_plants

pytestmark = [pytest.mark.postgresql, pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)]

OF_SITES = sorted(
    {mapper.class_ for mapper in Row.registry.mappers if issubclass(mapper.class_, Sited | BetweenSites)},
    key=lambda cls: str(cls.__name__),
)


@pytest.fixture
async def plants(api: Api) -> Plants:
    return await two_plants(api)


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that forgot to add the predicate of the scope."""
    monkeypatch.setattr("mesgraph.db.scope.site_predicates", lambda *_: ())


def sites_of(row: Any) -> set[int]:
    """The sites that a row belongs to."""
    return {row.from_site_id, row.to_site_id} if isinstance(row, BetweenSites) else {row.site_id}


async def test_every_table_of_sites_is_protected_from_its_owner_too(api: Api) -> None:
    statement = text("SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity")
    protected = await api.plant.database.read(lambda session: set(session.scalars(statement)))
    assert protected == {cls.__tablename__ for cls in OF_SITES}


async def test_nothing_of_another_site_is_read_without_the_predicate(plants: Plants, forgetful: None) -> None:
    """Every table, in one scope after the other."""
    read, ids = plants.api.plant.database.read, plants.site_ids
    for cls in OF_SITES:

        def rows(session: Session, cls: Any = cls) -> list[Any]:
            return list(session.scalars(select(cls)))

        everything = await read(rows)
        for code in ("HV1", "HV2"):
            elsewhere = [row for row in everything if ids[code] not in sites_of(row)]
            assert elsewhere, f"there is no {cls.__name__} elsewhere that could be seen"
            seen = await read(rows, frozenset({ids[code]}))
            assert seen, cls
            assert all(ids[code] in sites_of(row) for row in seen), cls
            assert len(seen) == len(everything) - len(elsewhere)
        assert await read(rows, frozenset()) == [], "no site, no rows"
        assert len(await read(rows, frozenset({ids["HV1"], ids["HV2"]}))) <= len(everything)


async def test_nor_by_statements_that_no_predicate_knows(plants: Plants) -> None:
    """A join by hand, as somebody may write it one day."""
    statement = text("SELECT count(*) FROM item JOIN equipment ON equipment.id = item.location_id")
    here = frozenset({plants.site_ids["HV1"]})
    read = plants.api.plant.database.read
    assert 0 < await read(lambda s: s.scalar(statement), here) < await read(lambda s: s.scalar(statement))


async def test_the_api_shows_nothing_of_another_site_without_the_predicate(plants: Plants, forgetful: None) -> None:
    viewer = plants.actor(Role.VIEWER, at="HV1")
    for question in (
        "items { nodes { key location { code } } totalCount }",
        "equipmentList { nodes { code site { code } } totalCount }",
        "jobOrders { nodes { code equipment { site { code } } } totalCount }",
        "operationsRequests { nodes { code } totalCount }",
        "holds { nodes { number items { key } } totalCount }",
        "deviations { nodes { number } totalCount }",
        "genealogyEvents { nodes { id } totalCount }",
        "sites { code }",
    ):
        here = await plants.api.ask(f"{{ {question} }}", by=viewer)
        everywhere = await plants.api.ask(f"{{ {question} }}", by=plants.actor(Role.VIEWER))
        assert here != everywhere, question
        assert "HV2" not in str(here), question


async def test_a_query_goes_beyond_for_one_statement(plants: Plants) -> None:
    count, by_hand = select(func.count()).select_from(Item), text("SELECT count(*) FROM item")

    def look(session: Session) -> list[int]:
        found = [
            session.scalar(by_hand),
            session.scalar(count.execution_options(**EVERY_SITE)),
            session.scalar(by_hand),
        ]
        with every_site(session):
            found.append(session.scalar(count))
        return [*map(int, found), int(session.scalar(by_hand) or 0)]

    here = frozenset({plants.site_ids["HV1"]})
    before, beyond, after, inside, at_last = await plants.api.plant.database.read(look, here)
    assert before == after == at_last < beyond == inside


async def test_a_command_finds_nothing_of_another_site_and_then_writes_what_it_must(
    plants: Plants, forgetful: None
) -> None:
    """What is named is looked up under row security; from its locks on a command sees what its rules need."""
    by_hand = text("SELECT count(*) FROM item")

    def unit(session: Session) -> list[int]:
        named = session.scalars(select(Item)).all()
        assert {item.site_id for item in named} == {plants.site_ids["HV1"]}
        before = session.scalar(by_hand)
        plants.api.work(session).lock(named[0])
        return [len(named), int(before or 0), int(session.scalar(by_hand) or 0)]

    named, before, after = await plants.api.plant.database.write(unit, frozenset({plants.site_ids["HV1"]}))
    assert named == before < after
    again = await plants.api.plant.database.read(lambda s: s.scalar(by_hand), frozenset({plants.site_ids["HV1"]}))
    assert again == before, "it ends with the transaction"


async def test_scopes_do_not_leak_from_one_unit_to_the_next(plants: Plants, forgetful: None) -> None:
    """Many at the same time on few connections, some of which fail."""
    database, ids = plants.api.plant.database, plants.site_ids
    scopes = [frozenset({ids["HV1"]}), frozenset({ids["HV2"]}), frozenset(), None]

    async def one(n: int) -> None:
        scope = scopes[n % len(scopes)]

        def unit(session: Session) -> set[int]:
            found = {row.site_id for row in session.scalars(select(Equipment))}
            if n % 5 == 0:
                raise LookupError("taken back")
            return found

        try:
            found = await (database.read if n % 3 else database.write)(unit, scope)
        except LookupError:
            return
        assert found == (set(ids.values()) if scope is None else scope)

    await asyncio.gather(*(one(n) for n in range(120)))


async def test_whoever_says_no_scope_sees_nothing(plants: Plants, database_url: str) -> None:
    import asyncpg

    connection: Any = await asyncpg.connect(database_url)
    try:
        assert await connection.fetchval("SELECT count(*) FROM item") == 0
        for said, some in (("", False), (written(frozenset({1})), True), ("*", True)):
            await connection.execute(f"SET mesgraph.sites = '{said}'")
            assert bool(await connection.fetchval("SELECT count(*) FROM item")) is some
    finally:
        await connection.close()


async def test_the_server_says_whether_its_role_is_held(
    api: Api, postgresql: str, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    asked = "{ systemStatus { rowSecurity } }"
    assert await api.ask(asked, by=Role.VIEWER) == {"systemStatus": {"rowSecurity": True}}
    superuser = postgresql.rsplit("/", 1)[0] if postgresql.count("/") > 2 else postgresql
    url = f"{superuser}/{database_url.rsplit('/', 1)[1]}"
    with caplog.at_level(logging.WARNING, logger="mesgraph.db.postgresql"):
        database = open_database(url)
        await database.open()
        await database.close()
    assert not database.row_security
    assert "only the API keeps sites apart" in caplog.text
    async with running_plant(Settings(database=url), clock=api.clock) as plant:
        other = Api(plant)
        viewer = await api.actor(Role.VIEWER)
        assert await other.ask(asked, by=viewer) == {"systemStatus": {"rowSecurity": False}}
