"""What was counted becomes an event of the record that administrators see, follow and acknowledge."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.api.nodes import opaque_id
from mesgraph.errors import Code, Unavailable
from mesgraph.ledger.models import LedgerEvent
from mesgraph.schema import build_schema
from mesgraph.security_events.kinds import RULES, SecurityEventKind, SecuritySeverity
from mesgraph.security_events.models import SecurityEvent
from mesgraph.security_events.recording import write_due
from mesgraph.security_events.watch import Source, Watch, peer, principal
from tests.api import Api

KIND = SecurityEventKind.COST_SPIKE
SOMEBODY = peer("192.0.2.1")
LIST = """query($filter: SecurityEventFilter) { securityEvents(filter: $filter) { nodes {
  id kind severity source peer count state firstAt lastAt detail principal { subject }
  acknowledgedBy { subject } acknowledgedAt } } }"""

ACKNOWLEDGE = "mutation($id: ID!) { acknowledgeSecurityEvent(input: {securityEvent: $id}) { replayed } }"


async def seen(api: Api, source: Source = SOMEBODY, *, watch: Watch | None = None, times: int | None = None) -> None:
    """Somebody does something as often as the threshold says, and it is written."""
    watch = watch or api.plant.watch
    watch.note(KIND, source, api.clock.now(), times=times or RULES[KIND].threshold)
    await write_due(api.plant.database, api.clock, watch)


async def listed(api: Api, **filter: Any) -> list[dict[str, Any]]:
    answer = await api.ask(LIST, by=Role.AUDITOR, filter=filter)
    nodes: list[dict[str, Any]] = answer["securityEvents"]["nodes"]
    return nodes


async def recorded(api: Api) -> list[str]:
    """Types of the events of the record about security events, in order."""
    statement = select(LedgerEvent.type).where(LedgerEvent.type.startswith("SECURITY_EVENT")).order_by(LedgerEvent.id)
    return await api.plant.database.read(lambda session: list(session.scalars(statement)))


async def test_it_names_what_how_often_when_and_by_whom(api: Api) -> None:
    actor = await api.actor(Role.OPERATOR, subject="op-1")
    await seen(api, principal(actor.principal_id, "192.0.2.7"))
    [event] = await listed(api)
    assert event["kind"] == KIND
    assert event["severity"] == RULES[KIND].severity
    assert event["source"] == f"principal {actor.principal_id}"
    assert event["principal"] == {"subject": "op-1"}
    assert event["peer"] == "192.0.2.7"
    assert event["count"] == RULES[KIND].threshold
    assert event["state"] == "UNACKNOWLEDGED"
    assert await recorded(api) == ["SECURITY_EVENT_RAISED"]


async def test_processes_over_one_database_tell_of_one_source_in_one_event(api: Api) -> None:
    threshold = RULES[KIND].threshold
    await seen(api)
    await seen(api, watch=Watch())
    assert [event["count"] for event in await listed(api)] == [2 * threshold]
    assert await recorded(api) == ["SECURITY_EVENT_RAISED", "SECURITY_EVENT_GREW"]
    await seen(api, peer("192.0.2.2"))
    api.clock.step(minutes=10)
    await seen(api)
    assert len(await listed(api)) == 3, "another source, and another window"


async def test_what_cannot_be_written_waits_for_the_database(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(*_: object) -> None:
        raise Unavailable(Code.UNAVAILABLE, "the database does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(type(api.plant.database), "write", away)
        with pytest.raises(Unavailable):
            await seen(api)
    assert await listed(api) == []
    await seen(api, times=5)
    assert [event["count"] for event in await listed(api)] == [RULES[KIND].threshold + 5]


async def test_it_is_acknowledged_once_and_by_name(api: Api) -> None:
    await seen(api)
    [event] = await listed(api)
    admin = await api.actor(Role.ADMIN, subject="ann")
    for _ in range(2):
        done = await api.do("acknowledgeSecurityEvent", "securityEvent { state }", by=admin, securityEvent=event["id"])
        assert done["securityEvent"] == {"state": "ACKNOWLEDGED"}
    assert await recorded(api) == ["SECURITY_EVENT_RAISED", "SECURITY_EVENT_ACKNOWLEDGED"]
    [event] = await listed(api)
    assert event["acknowledgedBy"] == {"subject": "ann"}
    assert event["acknowledgedAt"] is not None


async def test_an_id_of_nothing_cannot_be_acknowledged(api: Api) -> None:
    [error] = await api.refused("acknowledgeSecurityEvent", by=Role.ADMIN, securityEvent=opaque_id("SecurityEvent", 99))
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "securityEvent"])


async def test_conditions_of_the_list_are_those_of_its_fields(api: Api) -> None:
    await seen(api)
    [event] = await listed(api)
    await api.do("acknowledgeSecurityEvent", "", by=Role.ADMIN, securityEvent=event["id"])
    api.clock.step(hours=1)
    await seen(api)
    later = api.clock.now().isoformat()
    assert len(await listed(api)) == 2
    assert len(await listed(api, state=["ACKNOWLEDGED", "UNACKNOWLEDGED"])) == 2
    assert [e["id"] for e in await listed(api, state=["ACKNOWLEDGED"])] == [event["id"]]
    assert [e["id"] for e in await listed(api, lastAt={"to": later})] == [event["id"]]
    for filter in ({"state": []}, {"kind": ["PROBING"]}, {"severity": [SecuritySeverity.CRITICAL]}):
        assert await listed(api, **filter) == [], filter


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.AUDITOR, Role.ADMIN])
async def test_whoever_looks_after_one_site_sees_and_acknowledges_none(api: Api, role: Role) -> None:
    site = {"code": "HV1", "name": "HV1", "timeZone": "Europe/Lisbon"}
    await api.do("submitSites", "", by=Role.ADMIN, sites=[site])
    await seen(api)
    [event] = await listed(api)
    actor = await api.actor(role, site="HV1")
    async with api.nothing_written():
        assert (await api.error(LIST, by=actor))["code"] == "FORBIDDEN"
        assert (await api.error(ACKNOWLEDGE, by=actor, id=event["id"]))["code"] == "FORBIDDEN"
        assert await api.ask("query($id: ID!) { node(id: $id) { id } }", by=actor, id=event["id"]) == {"node": None}


async def test_an_auditor_reads_but_does_not_acknowledge(api: Api) -> None:
    await seen(api)
    [event] = await listed(api)
    async with api.nothing_written():
        assert (await api.error(ACKNOWLEDGE, by=Role.AUDITOR, id=event["id"]))["code"] == "FORBIDDEN"


async def test_the_topic_tells_of_it_from_a_cursor_on(api: Api) -> None:
    start = (await api.ask("{ systemStatus { cursor } }", by=Role.ADMIN))["systemStatus"]["cursor"]
    await seen(api)
    [event] = await listed(api)
    await api.do("acknowledgeSecurityEvent", "", by=Role.ADMIN, securityEvent=event["id"])
    document = "subscription($c: Cursor) { securityEventChanged(after: $c) { securityEvent { id kind } } }"
    context = Context(api.plant, await api.actor(Role.AUDITOR))
    stream: Any = await build_schema().subscribe(document, variable_values={"c": start}, context_value=context)
    for _ in range(2):
        told = (await anext(stream)).data["securityEventChanged"]["securityEvent"]
        assert told == {"id": event["id"], "kind": KIND}
    await stream.aclose()


async def test_each_raised_event_is_one_line_of_the_log(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    await seen(api)
    await seen(api, times=10 * RULES[KIND].threshold)
    lines = [record.getMessage() for record in caplog.records if record.name == "mesgraph.security"]
    assert lines == [f"security event 1: COST_SPIKE by peer 192.0.2.1, {RULES[KIND].threshold} times"]


async def test_the_database_holds_one_row_however_long_an_attack_lasts(api: Api) -> None:
    for _ in range(200):
        await seen(api, times=1_000)

    def rows(session: Session) -> int:
        return len(session.scalars(select(SecurityEvent)).all())

    assert await api.plant.database.read(rows) == 1
    assert len(await recorded(api)) < 12
