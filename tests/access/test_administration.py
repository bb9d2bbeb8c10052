"""Nobody locks everybody out, and who may do what is known only to those who look after it."""

import asyncio

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.actions import bootstrap
from mesgraph.access.queries import authenticate
from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.api.live.topics import follow
from mesgraph.work import Actor
from tests.api import Api

SITES = [
    {"code": "S1", "name": "One", "timeZone": "Europe/Stockholm"},
    {"code": "S2", "name": "Two", "timeZone": "Europe/Lisbon"},
]


@pytest.fixture
async def admin(api: Api) -> Actor:
    def make(session: Session) -> Actor:
        key = bootstrap(api.work(session))
        assert key is not None
        actor = authenticate(session, key, api.clock.now())
        assert actor is not None
        return actor

    return await api.plant.database.write(make)


async def test_the_last_administrator_keeps_role_and_key(api: Api, admin: Actor) -> None:
    [error] = await api.refused("withdrawRole", by=admin, principal="admin", role="ADMIN")
    assert (error["code"], "last administrator" in error["message"]) == ("VALIDATION_FAILED", True)
    data = await api.ask("{ principals { nodes { subject apiKeys { keyId } } } }", by=admin)
    [own] = next(p["apiKeys"] for p in data["principals"]["nodes"] if p["subject"] == "admin")
    [error] = await api.refused("revokeApiKey", by=admin, apiKey=own["keyId"])
    assert error["code"] == "VALIDATION_FAILED"


async def test_one_of_two_administrators_may_go(api: Api, admin: Actor) -> None:
    await api.do("createPrincipal", "", by=admin, subject="second", kind="PERSON", displayName="Second")
    await api.do("grantRole", "", by=admin, principal="second", role="ADMIN")
    [error] = await api.refused("withdrawRole", by=admin, principal="admin", role="ADMIN")
    assert error["code"] == "VALIDATION_FAILED", "the second one has no key yet"
    await api.do("issueApiKey", "text", by=admin, principal="second")
    await api.do("withdrawRole", "", by=admin, principal="admin", role="ADMIN")


async def test_who_may_do_what_is_not_told_to_everybody(api: Api, admin: Actor) -> None:
    await api.do("submitSites", "", by=admin, sites=SITES)
    operator = await api.actor(Role.OPERATOR, site="S2")
    auditor = await api.actor(Role.AUDITOR)
    assert not {"PRINCIPAL_CREATED", "ROLE_GRANTED", "API_KEY_ISSUED"} & await seen(api, operator)
    assert {"PRINCIPAL_CREATED", "ROLE_GRANTED", "API_KEY_ISSUED"} <= await seen(api, auditor)


async def test_an_auditor_of_one_site_sees_the_people_of_that_site(api: Api, admin: Actor) -> None:
    await api.do("submitSites", "", by=admin, sites=SITES)
    await api.actor(Role.OPERATOR, site="S1", subject="ann")
    await api.actor(Role.OPERATOR, site="S2", subject="bob")
    auditor = await api.actor(Role.AUDITOR, site="S1", subject="eve")
    data = await api.ask("{ principals { nodes { subject } } }", by=auditor)
    assert {p["subject"] for p in data["principals"]["nodes"]} == {"ann", "eve"}


async def seen(api: Api, actor: Actor) -> set[str]:
    """The types of all events so far that the actor is shown."""
    found: set[str] = set()
    start = type(api.plant.tail.cursor)(api.plant.tail.cursor.epoch, 0)

    async def read() -> None:
        async for event in follow(Context(api.plant, actor), start):
            found.add(event.type)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(read(), 1)
    return found
