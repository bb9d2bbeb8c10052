"""A session with a site scope sees the rows of its sites and no others, whatever the statement."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from mesgraph.access.roles import Role
from mesgraph.api.nodes import NODES
from mesgraph.db import BetweenSites, Sited
from mesgraph.equipment.models import Equipment, Site
from mesgraph.materials.models import Item
from mesgraph.orders.models import ActualUse, JobOrder, MaterialActual
from mesgraph.schema import build_schema
from tests.api import Api

OTHER = aliased(Equipment)

STATEMENTS: dict[str, Callable[[Session], Any]] = {
    "entity": lambda s: [e.code for e in s.scalars(select(Equipment))],
    "columns": lambda s: list(s.scalars(select(Equipment.code))),
    "alias": lambda s: list(s.scalars(select(OTHER.code))),
    "alias entity": lambda s: [e.code for e in s.scalars(select(OTHER))],
    "count": lambda s: ["x"] * (s.scalar(select(func.count()).select_from(Equipment)) or 0),
    "count of an alias": lambda s: ["x"] * (s.scalar(select(func.count(OTHER.id))) or 0),
    "join": lambda s: list(s.scalars(select(Equipment.code).join(Site, Site.id == Equipment.site_id))),
    "self join": lambda s: list(s.scalars(select(Equipment.code).join(OTHER, OTHER.site_id == Equipment.site_id))),
    "outer join of an alias": lambda s: [
        c for c in s.scalars(select(OTHER.code).select_from(Site).join(OTHER, OTHER.id > 0, isouter=True)) if c
    ],
    "subquery": lambda s: list(s.scalars(select(select(Equipment.code).subquery().c.code))),
    "cte": lambda s: list(s.scalars(select(select(Equipment.code).cte().c.code))),
    "union": lambda s: list(s.scalars(select(Equipment.code).union_all(select(OTHER.code)))),
    "exists": lambda s: ["x"] if s.scalar(select(exists().where(Equipment.code == "HV2"))) else [],
    "in": lambda s: list(s.scalars(select(Site.code).where(Site.id.in_(select(Equipment.site_id))))),
    "get": lambda s: [e.code for key in range(1, 9) if (e := s.get(Equipment, key))],
    "query": lambda s: [e.code for e in s.query(Equipment).all()],
    "site": lambda s: [site.code for site in s.scalars(select(Site))],
    "update": lambda s: list(s.scalars(update(Equipment).values(name="changed").returning(Equipment.code))),
}


@pytest.fixture
async def two_sites(api: Api) -> Api:
    sites = [{"code": code, "name": code, "timeZone": "Europe/Lisbon"} for code in ("HV1", "HV2")]
    await api.do("submitSites", "", by=Role.ADMIN, sites=sites)
    return api


@pytest.mark.parametrize("name", STATEMENTS)
async def test_nothing_of_another_site_is_seen_or_changed(two_sites: Api, name: str) -> None:
    database = two_sites.plant.database
    run = database.write if name == "update" else database.read
    everywhere = await run(STATEMENTS[name])
    assert everywhere, "without a scope there is something to see"
    here = await run(STATEMENTS[name], frozenset({1}))
    assert "HV2" not in here
    if name != "exists":
        assert here, "what is in scope is seen"
        assert len(here) < len(everywhere)
    assert await run(STATEMENTS[name], frozenset()) == [], "no site, no rows"


async def test_scopes_do_not_leak_through_the_statement_cache(two_sites: Api) -> None:
    database = two_sites.plant.database
    for _ in range(3):
        for scope, codes in ((frozenset({1}), ["HV1"]), (frozenset({2}), ["HV2"]), (None, ["HV1", "HV2"])):
            found = await database.read(lambda s: list(s.scalars(select(Equipment.code).order_by(Equipment.id))), scope)
            assert found == codes


async def test_the_identity_map_is_no_way_around_the_scope(two_sites: Api) -> None:
    def peek(session: Session) -> list[Any]:
        return [session.get(Equipment, key) for key in (1, 2)]

    first, second = await two_sites.plant.database.read(peek, frozenset({1}))
    assert first is not None
    assert second is None


OF_ALL_SITES = {
    *("EquipmentClass", "Supplier", "MaterialDefinition", "MaterialSpecification"),
    *("OperationsDefinition", "OperationsSegment", "ParameterSpecification"),
    *("WorkInstruction", "InstructionStep", "EntrySpecification", "Principal", "RoleGrant", "ApiKey"),
    *("Account", "LoginSession", "Identity", "StoredDocument", "SecurityEvent"),
}


def test_what_can_be_fetched_by_id_lies_in_a_site_or_is_known_to_lie_in_none() -> None:
    build_schema()
    unscoped = {name for name, kind in NODES.items() if not issubclass(kind.row, Sited | BetweenSites)}
    assert unscoped == OF_ALL_SITES


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "statement",
    [
        select(MaterialActual).where(MaterialActual.item_id == 1, MaterialActual.use == ActualUse.CONSUMED),
        select(MaterialActual).where(MaterialActual.job_response_id == 1),
        select(JobOrder).where(JobOrder.request_id == 1),
        select(Item).where(Item.key == "RM-PVDF/1"),
        select(Item).where(Item.parent_id == 1),
        select(Equipment).where(Equipment.parent_id == 1),
    ],
    ids=range(6),
)
async def test_a_scope_is_not_the_way_to_the_rows(api: Api, statement: Any) -> None:
    """Without statistics SQLite might take the index of the site and read all of the plant."""

    def plan(session: Session) -> str:
        seen: list[tuple[str, Any]] = []

        def note(_c: Any, _k: Any, sql: str, parameters: Any, *_: Any) -> None:
            if sql.startswith("SELECT") and "ledger" not in sql:  # the tail reads beside
                seen.append((sql, parameters))

        event.listen(session.get_bind(), "before_cursor_execute", note)
        session.execute(statement).all()
        event.remove(session.get_bind(), "before_cursor_execute", note)
        [(sql, parameters)] = seen
        explained = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", parameters)
        return " ".join(row[3] for row in explained)

    found = await api.plant.database.read(plan, frozenset({1}))
    assert "SEARCH" in found
    assert "site_id" not in found, found
