"""What happened becomes messages: once each, in the order of the record, fetched until they are taken over (R14)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.config import Settings
from mesgraph.ledger.queries import events_after
from mesgraph.plant import Plant, running_plant
from mesgraph.readers import READERS
from mesgraph.schema import build_schema
from mesgraph.work import Actor
from tests.api import Api, SteppedClock
from tests.factories.execution import codes, make_plant
from tests.factories.outbox import TRIGGERS, destination, messages, play, written
from tests.patience import eventually

READY = """
subscription($destination: String!, $after: Cursor) { outboundReady(destination: $destination, after: $after) {
  cursor message { messageId trigger }
} }
"""


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """The API of a plant whose readers act."""
    async with running_plant(Settings(database=database_url), clock=SteppedClock(), readers=READERS) as plant:
        yield Api(plant)


async def ready(api: Api, count: int, by: Actor | Role = Role.ERP, **variables: Any) -> list[dict[str, Any]]:
    """The first events of the topic."""
    actor = await api.actor(by) if isinstance(by, Role) else by
    stream: Any = await build_schema().subscribe(
        READY, variable_values={"destination": "ERP1", **variables}, context_value=Context(api.plant, actor)
    )
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10), aclosing(stream):
        while len(found) < count:
            result = await anext(stream)
            assert not result.errors, result.errors
            found.append(result.data["outboundReady"])
    return found


async def test_each_end_is_told_once_and_in_order(api: Api) -> None:
    await make_plant(api)
    await destination(api)
    await play(api)
    found = await written(api, 4)
    assert [message["trigger"] for message in found] == TRIGGERS
    assert {(message["state"], message["attempts"]) for message in found} == {("PENDING", 0)}
    assert len({message["messageId"] for message in found}) == 4
    first, *_, last = found
    assert first["document"].count("<SegmentResponse>") == 1
    assert last["document"].count("<SegmentResponse>") == 2
    assert f"<BODID>{last['messageId']}</BODID>" in last["document"]
    assert "<ResponseState>Closed</ResponseState>" in last["document"]


async def test_every_destination_is_told_what_it_asked_for(api: Api) -> None:
    await make_plant(api)
    await destination(api, "ALL")
    await destination(api, "ELSEWHERE", site="HV2")
    await destination(api, "OTHERS", sourceSystem="ERP2")
    await destination(api, "OURS", site="HV1", sourceSystem="TEST")
    await destination(api, "ASLEEP", active=False)
    await play(api)
    assert len(await written(api, 4, destination="OURS")) == len(await written(api, 4, destination="ALL"))
    assert len(await messages(api)) == 8


async def test_a_new_destination_is_told_what_happens_from_now_on(api: Api) -> None:
    await make_plant(api)
    await destination(api, "OLD")
    await play(api, "1")
    await written(api, 4)
    await destination(api)
    await play(api, "2")
    await written(api, 12)
    assert {m["operationsRequest"]["code"] for m in await messages(api, destination="ERP1")} == {"2"}


async def test_a_connector_fetches_and_takes_over(api: Api) -> None:
    await make_plant(api)
    await destination(api)
    await play(api)
    await written(api, 4)
    events = await ready(api, 4)
    assert [event["message"]["trigger"] for event in events] == TRIGGERS
    assert await ready(api, 4) == events, "what is not taken over comes again"
    ids = [event["message"]["messageId"] for event in events]
    taken = await api.do("acknowledgeOutbound", "messages { messageId state }", by=Role.ERP, messages=ids[:2])
    assert taken["messages"] == [{"messageId": name, "state": "ACKNOWLEDGED"} for name in ids[:2]]
    assert await ready(api, 2) == events[2:]
    assert await ready(api, 1, after=events[2]["cursor"]) == events[3:], "a cursor goes on behind what was seen"
    again = await api.do("acknowledgeOutbound", "ledgerEvents { type }", by=Role.ERP, messages=ids[:2])
    assert again["ledgerEvents"] == []


async def test_a_message_that_comes_later_wakes_the_connector(api: Api) -> None:
    await make_plant(api)
    await destination(api)
    listening = asyncio.create_task(ready(api, 4))
    await asyncio.sleep(0.05)
    await play(api)
    assert [event["message"]["trigger"] for event in await listening] == TRIGGERS


async def test_what_is_refused_is_put_aside_until_it_is_sent_again(api: Api) -> None:
    await make_plant(api)
    await destination(api)
    await play(api)
    first, second, *_ = [message["messageId"] for message in await written(api, 4)]
    await api.do("acknowledgeOutbound", "", by=Role.ERP, messages=[first], error="unknown order")
    [failed] = await messages(api, state="FAILED")
    assert (failed["messageId"], failed["lastError"]) == (first, "unknown order")
    assert (await ready(api, 1))[0]["message"]["messageId"] == second
    await api.do("retryOutbound", "", by=Role.ADMIN, messages=[first])
    assert (await ready(api, 1))[0]["message"]["messageId"] == first
    errors = await api.refused("retryOutbound", by=Role.ADMIN, messages=[first])
    assert codes(errors) == ["INVALID_TRANSITION"]
    await api.do("acknowledgeOutbound", "", by=Role.ERP, messages=[first])
    errors = await api.refused("acknowledgeOutbound", by=Role.ERP, messages=[first], error="too late")
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_messages_of_other_sites_are_not_there(api: Api) -> None:
    await make_plant(api)
    await destination(api)
    await play(api)
    [message, *_] = await written(api, 4)
    elsewhere = await api.actor(Role.ERP, site="HV2")
    errors = await api.refused("acknowledgeOutbound", by=elsewhere, messages=["nothing", message["messageId"]])
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", ["input", "messages", "0"]),
        ("NOT_FOUND", ["input", "messages", "1"]),
    ]
    assert (await api.ask("{ outboundMessages { nodes { messageId } } }", by=elsewhere))["outboundMessages"][
        "nodes"
    ] == []


async def test_a_reader_that_starts_again_writes_what_it_missed_once(database_url: str) -> None:
    settings, clock = Settings(database=database_url), SteppedClock()
    async with running_plant(settings, clock=clock) as plant:
        api = Api(plant)
        await make_plant(api)
        await destination(api)
        await play(api)
        actor = await api.actor(Role.ERP)
        assert await messages(api) == [], "nobody reads the record"
    for _ in range(2):
        async with running_plant(settings, clock=clock, readers=READERS) as plant:
            found = await eventually(partial(triggers, plant, actor), lambda found: len(found) >= 4)
            assert found == TRIGGERS


async def triggers(plant: Plant, by: Actor) -> list[str]:
    """What was written, as whoever is known already."""
    data = await Api(plant).ask("{ outboundMessages { nodes { trigger } } }", by=by)
    return [message["trigger"] for message in data["outboundMessages"]["nodes"]]


# --- destinations


@pytest.mark.parametrize(
    "url",
    [
        *(None, "", "erp.example/x", "ftp://erp.example/x", "http://", "http://a b/", "http://user:word@erp.example/"),
        *("http://[::1", "http://erp.example:0/", "file:///etc/passwd", "http://" + "a" * 1000),
    ],
)
async def test_messages_are_posted_to_web_addresses_only(api: Api, url: str | None) -> None:
    errors = await api.refused("registerDestination", by=Role.ADMIN, code="ERP1", kind="HTTP", url=url)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "url"])]


async def test_the_secret_is_shown_once(api: Api) -> None:
    given = {"kind": "HTTP", "url": "https://erp.example/mes", "idempotencyKey": "k"}
    first = await destination(api, **given)
    assert len(first["secret"]) > 40
    assert (await destination(api, **given))["secret"] is None, "a repeat does not show it"
    changed = {"kind": "HTTP", "url": "https://erp.example/other"}
    assert (await destination(api, **changed))["secret"] is None, "a change leaves it"
    renewed = await destination(api, **changed, newSecret=True)
    assert renewed["secret"] not in (None, first["secret"])
    recorded = await api.plant.database.read(lambda session: events_after(session, 0, 1000))
    assert first["secret"] not in str(recorded)


@pytest.mark.parametrize("url", ["https://other.example/mes", "http://erp.example/mes", "https://erp.example:8443/mes"])
async def test_another_address_has_another_secret(api: Api, url: str) -> None:
    first = await destination(api, kind="HTTP", url="https://erp.example/mes")
    assert (await destination(api, kind="HTTP", url="https://ERP.example:443/mes"))["secret"] is None, (
        "the same address"
    )
    moved = await destination(api, kind="HTTP", url=url)
    assert moved["secret"] not in (None, first["secret"])


async def test_an_administrator_of_one_site_stays_there(api: Api) -> None:
    await make_plant(api)
    await destination(api, "ALL")
    local = await api.actor(Role.ADMIN, site="HV1")
    for input, path in (({"code": "MINE"}, "site"), ({"code": "ALL", "site": "HV1"}, "code")):
        errors = await api.refused("registerDestination", by=local, kind="CONNECTOR", **input)
        assert [(e["code"], e["path"][-1]) for e in errors] == [("VALIDATION_FAILED", path)]
    await api.do("registerDestination", "", by=local, kind="CONNECTOR", code="MINE", site="HV1")


async def test_a_destination_keeps_its_kind(api: Api) -> None:
    await destination(api)
    errors = await api.refused(
        "registerDestination", by=Role.ADMIN, code="ERP1", kind="HTTP", url="https://erp.example/"
    )
    assert [(e["code"], e["path"][-1]) for e in errors] == [("VALIDATION_FAILED", "kind")]
