"""A plan reads no rows of sites without the scope of whoever asks."""

from typing import Any

import pytest
from sqlalchemy import Select, select

from mesgraph.access.decision import readable
from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.api.plan import compiler
from mesgraph.api.plan.plans import Plans
from mesgraph.api.plan.statements import SITES, Unscoped, made, scoped
from mesgraph.db import Database
from mesgraph.db.sqlite import EmbeddedDatabase
from mesgraph.materials.models import Item, MaterialDefinition, Supplier
from mesgraph.schema import build_schema
from mesgraph.sites.models import Transfer
from tests.api import Api
from tests.security.two_plants import two_plants

KEYS = "{ items(first: 50) { nodes { key site { code } } } }"
POSTGRESQL = pytest.param("postgresql", marks=pytest.mark.postgresql)


async def planned(api: Api, document: str, *, site: str | None) -> str | None:
    """What a plan answers to a viewer of a site; none where there is no plan."""
    schema = build_schema()
    context = Context(api.plant, await api.actor(Role.VIEWER, site=site))
    passed = schema.guard.passed(document, {}, None, context)
    assert passed is not None
    answer = await Plans(schema, api.plant.database).answer(*passed, None, context)
    return None if answer is None else answer.decode()


async def test_a_caller_of_one_site_reads_rows_of_that_site(api: Api) -> None:
    await two_plants(api)
    assert "HV2" in (await planned(api, KEYS, site=None) or "")
    answer = await planned(api, KEYS, site="HV1") or ""
    assert "HV1" in answer
    assert "HV2" not in answer


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_rows_of_one_site_among_many_of_another_are_looked_for_beside_the_event_loop(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_plants(api)
    database = api.plant.database
    assert isinstance(database, EmbeddedDatabase)
    actor, read, scopes = await api.actor(Role.VIEWER, site="HV1"), database.read, []

    async def watched(query: Any, sites: Any = None) -> Any:
        scopes.append(sites)
        return await read(query, sites)

    async def asked(*_: Any, **__: Any) -> Any:
        return actor

    monkeypatch.setattr(api, "actor", asked)
    monkeypatch.setattr(database, "read", watched)
    whole = await planned(api, KEYS, site="HV1")
    assert readable(actor) not in scopes  # a page is read at once
    database._near.set_progress_handler(lambda: 1, 1)
    assert await planned(api, KEYS, site="HV1") == whole
    assert scopes.count(readable(actor)) == 2  # the items, and their sites


async def test_a_plan_without_the_predicate_does_not_build(
    api: Api, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await two_plants(api)
    monkeypatch.setattr(compiler, "scoped", lambda statement, *_: statement)
    build_schema().guard.documents._kept.clear()
    assert await planned(api, KEYS, site="HV1") is None
    assert "Unscoped: a plan reads" in caplog.text


@pytest.mark.parametrize("database_url", [POSTGRESQL], indirect=True)
async def test_and_row_security_hides_the_rows_if_it_did(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await two_plants(api)
    assert api.plant.database.row_security

    def unscoped(statement: Select[Any], dialect: Any, **_: Any) -> Any:
        return made(statement, dialect, everywhere=True)

    monkeypatch.setattr(compiler, "scoped", lambda statement, *_: statement)
    monkeypatch.setattr(compiler, "made", unscoped)
    build_schema().guard.documents._kept.clear()
    answer = await planned(api, KEYS, site="HV1") or ""
    build_schema().guard.documents._kept.clear()
    assert "HV1" in answer
    assert "HV2" not in answer


@pytest.mark.parametrize("entity", [Item, Transfer])
async def test_every_kind_of_scoped_row_has_the_predicate(entity: Any, api: Api) -> None:
    database: Database = api.plant.database
    statement = made(scoped(select(entity.id), entity, database.dialect), database.sql, everywhere=False)
    assert SITES in statement.names


async def test_rows_of_two_scoped_tables_are_never_one_statement(api: Api) -> None:
    """The predicate is of one table; a join would leave the other one open."""
    database: Database = api.plant.database
    joined = scoped(select(Item.id).join(Transfer, Transfer.id == Item.id), Item, database.dialect)
    with pytest.raises(Unscoped):
        made(joined, database.sql, everywhere=False)


@pytest.mark.parametrize("entity", [MaterialDefinition, Supplier])
async def test_masters_of_all_sites_need_none(entity: Any, api: Api) -> None:
    database: Database = api.plant.database
    assert SITES not in made(select(entity.id), database.sql, everywhere=False).names
