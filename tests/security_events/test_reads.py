"""Who reads accounts, sessions and keys stands in the record before the answer is sent."""

from typing import Any

import pytest
from sqlalchemy import select

from mesgraph.access.actions import issue_api_key
from mesgraph.access.models import Principal
from mesgraph.access.policy import RECORDED
from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.api.nodes import node_id
from mesgraph.errors import Code, Unavailable
from mesgraph.ledger.models import LedgerEvent
from mesgraph.ledger.queries import recorded
from mesgraph.schema import build_schema
from mesgraph.security_events.actions import raise_event
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import Alarm, principal
from tests.api import START, Api
from tests.security.matrix import field_of

PEOPLE = """query People { principals { nodes { subject account { hasBadge } sessions { method } apiKeys { keyId }
  identities { issuer } } } }"""


async def reads(api: Api) -> list[tuple[str, dict[str, Any]]]:
    """Who read, and what, in order."""
    statement = select(LedgerEvent).where(LedgerEvent.type == "DATA_READ").order_by(LedgerEvent.id)

    def query(session: Any) -> list[tuple[str, dict[str, Any]]]:
        found = [recorded(event, 0) for event in session.scalars(statement)]
        return [(event.actor, event.payload) for event in found]

    return await api.plant.database.read(query)


async def test_one_event_says_who_read_which_fields_of_how_many_things(api: Api) -> None:
    auditor = await api.actor(Role.AUDITOR, subject="aud-1")
    await api.actor(Role.OPERATOR, subject="op-1")
    await api.ask(PEOPLE, by=auditor)
    [(who, read)] = await reads(api)
    assert who == "aud-1"
    assert read["operation"] == "People"
    assert read["fields"] == [
        "Principal.account",
        "Principal.apiKeys",
        "Principal.identities",
        "Principal.sessions",
        "Query.principals",
    ]
    assert read["rows"] == 2, "two principals, without anything"


async def test_what_is_not_marked_and_what_people_read_of_themselves_is_not_recorded(api: Api) -> None:
    await api.ask("{ me { subject account { hasBadge } sessions { method } } sites { code } }", by=Role.AUDITOR)
    assert await reads(api) == []


async def test_what_is_refused_is_not_read(api: Api) -> None:
    assert (await api.error(PEOPLE, by=Role.OPERATOR))["code"] == "FORBIDDEN"
    assert await reads(api) == []


async def test_nothing_is_shown_that_cannot_be_recorded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    auditor = await api.actor(Role.AUDITOR)

    async def full(*_: object) -> None:
        raise Unavailable(Code.STORAGE_FULL, "the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(type(api.plant.database), "write", full)
        result = await api.answer(PEOPLE, by=auditor)
    assert result.data is None
    assert [error.extensions["code"] for error in result.errors] == ["STORAGE_FULL"]
    assert await reads(api) == []


async def test_a_key_in_the_place_of_a_name_is_not_recorded(api: Api) -> None:
    key = f"mg_0123456789abcdef_{'K' * 43}"
    await api.ask(f"query {key} {{ principals {{ nodes {{ subject }} }} }}", by=Role.AUDITOR)
    [(_, read)] = await reads(api)
    assert "operation" not in read


async def test_a_topic_that_shows_them_is_recorded_with_each_event(api: Api) -> None:
    operator = await api.actor(Role.OPERATOR, subject="op-1")
    alarm = Alarm(SecurityEventKind.PROBING, principal(operator.principal_id), START, START, START, 30)
    start = (await api.ask("{ systemStatus { cursor } }", by=Role.ADMIN))["systemStatus"]["cursor"]
    await api.plant.database.write(lambda session: raise_event(api.work(session), alarm))
    document = """subscription Follow($c: Cursor) {
      securityEventChanged(after: $c) { securityEvent { principal { sessions { method } } } } }"""
    context = Context(api.plant, await api.actor(Role.AUDITOR))
    stream: Any = await build_schema().subscribe(document, variable_values={"c": start}, context_value=context)
    assert (await anext(stream)).errors is None
    told = [(read["operation"], read["fields"]) for _, read in await reads(api)]
    assert told == [("Follow", ["Subscription.securityEventChanged"]), ("Follow", ["Principal.sessions"])]
    await stream.aclose()


async def test_what_is_asked_for_by_its_id_is_recorded_unless_it_is_ones_own(api: Api) -> None:
    auditor, operator = await api.actor(Role.AUDITOR), await api.actor(Role.OPERATOR)
    document = "query($ids: [ID!]!) { nodes(ids: $ids) { ... on ApiKey { keyId } } }"

    def issue(session: Any) -> list[str]:
        work = api.work(session)
        people = [session.get_one(Principal, who.principal_id) for who in (auditor, operator)]
        return [node_id(issue_api_key(work, person)[0]) for person in people]

    own, other = await api.plant.database.write(issue)
    assert (await api.ask(document, by=auditor, ids=[own]))["nodes"] != [None]
    assert await reads(api) == []
    assert (await api.ask(document, by=auditor, ids=[own, other]))["nodes"][1] is not None
    [(_, read)] = await reads(api)
    assert (read["fields"], read["rows"]) == (["Query.nodes"], 1)


@pytest.mark.parametrize(("type_name", "field"), sorted(RECORDED))
def test_every_mark_names_a_field(type_name: str, field: str) -> None:
    assert field_of(type_name, field) is not None
