"""Who sees the same shares one execution, and nobody shares with whoever sees something else."""

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import pytest

from mesgraph.access.policy import MASK, audience
from mesgraph.access.roles import Role
from mesgraph.api.budget import Bucket, Shares
from mesgraph.api.context import Context
from mesgraph.api.door import Door
from mesgraph.api.live.group import Group
from mesgraph.api.live.hub import Hub
from mesgraph.api.live.outlet import Inbox
from mesgraph.schema import build_schema
from tests.api import Api
from tests.factories.execution import MIX, make_order, make_plant, receive
from tests.factories.outbox import destination, play
from tests.live.hearing import hearing, quiet, recorded
from tests.patience import eventually

EVENTS = "subscription($after: Cursor) { ledgerAppended(after: $after) { cursor event { type actor } } }"
OF_TYPES = "subscription T($t: [String!], $after: Cursor) { ledgerAppended(types: $t, after: $after) { cursor } }"

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def hub(api: Api) -> Hub:
    return Hub(build_schema(), api.plant, Door(api.plant))


async def site(api: Api, name: str) -> None:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[{"code": "ZZ1", "name": name, "timeZone": "UTC"}])


def group(hub: Hub) -> Group:
    [only] = hub.groups.values()
    return only


async def test_many_are_one_execution(api: Api, hub: Hub) -> None:
    """Also those who came from different places of the record."""
    admin = await api.actor(Role.ADMIN)
    await recorded(api)
    async with AsyncExitStack() as stack:
        listeners = [await stack.enter_async_context(hearing(api, admin, EVENTS, hub)) for _ in range(5)]
        listeners += [
            await stack.enter_async_context(hearing(api, admin, EVENTS, hub, after=f"c1-{n}")) for n in range(3)
        ]
        await quiet(*listeners)
        assert len(group(hub).members) == 8
        before = group(hub).executions
        for name in "abc":
            await site(api, name)
        await quiet(*listeners)
        assert group(hub).executions == before + 3
        ends = {tuple(listener.heard[-3:]) for listener in listeners}
        assert len(ends) == 1
        assert [len(listener.heard) for listener in listeners[:5]] == [3] * 5
        assert all(listener.from_group == 3 for listener in listeners)
        assert [listener.heard[0].count(b"c1-1") for listener in listeners[5:]] == [1, 0, 0]
    assert hub.groups == {}, "nothing is left of a group without members"


@once
async def test_variables_are_compared_by_what_they_say(api: Api, hub: Hub) -> None:
    admin = await api.actor(Role.ADMIN)
    await recorded(api)
    asked: list[dict[str, Any]] = [
        {"t": ["SITE_SUBMITTED"]},
        {"t": "SITE_SUBMITTED"},  # one value stands for a list of it
        {"t": ["SITE_SUBMITTED"], "after": "c1-1"},
        {"t": None},
        {},
        {"t": []},
    ]
    async with AsyncExitStack() as stack:
        for variables in asked:
            await stack.enter_async_context(hearing(api, admin, OF_TYPES, hub, **variables))
        await asyncio.sleep(0.3)
        assert sorted(len(each.members) for each in hub.groups.values()) == [1, 1, 1, 3]


@once
async def test_two_operations_of_a_document_are_two_questions(api: Api, hub: Hub) -> None:
    admin = await api.actor(Role.ADMIN)
    await recorded(api)
    document = """subscription A($c: Cursor) { ledgerAppended(after: $c) { cursor } }
      subscription B($c: Cursor) { ledgerAppended(after: $c) { event { type } } }"""

    async def asks(name: str, after: str) -> Any:
        context = Context(api.plant, admin)
        start = partial(begin_named, name, document, {"c": after})
        return await anext(hub.stream(context, start, Inbox()))

    async def begin_named(name: str, document: str, variables: dict[str, Any], context: Context) -> Any:
        return await build_schema().stream(
            document, variable_values=variables, context_value=context, operation_name=name
        )

    a, b = await asks("A", "c1-0"), await asks("B", "c1-1")
    assert (a.data, b.data) == (
        {"ledgerAppended": {"cursor": "c1-1"}},
        {"ledgerAppended": {"event": {"type": "ROLE_GRANTED"}}},
    )


@once
async def test_roles_masks_and_sites_keep_apart(api: Api, hub: Hub) -> None:
    await make_plant(api)
    people = [
        await api.actor(Role.OPERATOR, site="HV1", subject="ann"),
        await api.actor(Role.OPERATOR, site="HV1", subject="bob"),
        await api.actor(Role.VIEWER, site="HV1", subject="screen"),
        await api.actor(Role.OPERATOR, site="HV2", subject="cid"),
        await api.actor(Role.OPERATOR, subject="everywhere"),
    ]
    document = "subscription { jobOrderChanged { cursor jobOrder { code jobResponse { begunBy } } } }"
    async with AsyncExitStack() as stack:
        ann, bob, screen, cid, everywhere = [
            await stack.enter_async_context(hearing(api, actor, document, hub)) for actor in people
        ]
        await asyncio.sleep(0.3)
        assert sorted(len(each.members) for each in hub.groups.values()) == [1, 1, 1, 2]
        order = await make_order(api, MIX)
        await receive(api, "RM-PVDF", "P", "20")
        await api.do("startJobOrder", "", by=people[0], jobOrder=order.jobs[20])
        await quiet(ann, bob, screen, everywhere)
        assert ann.heard == bob.heard == everywhere.heard
        assert cid.heard == []
        begun = json.loads(screen.heard[-1])["data"]["jobOrderChanged"]["jobOrder"]["jobResponse"]["begunBy"]
        assert begun == MASK
        assert MASK.encode() not in ann.heard[-1]


@once
async def test_what_is_recorded_of_readers_is_not_shared(api: Api, hub: Hub) -> None:
    auditor = await api.actor(Role.AUDITOR)
    signed = "subscription { securityEventChanged { cursor securityEvent { principal { subject } } } }"
    async with (
        hearing(api, auditor, "subscription { securityEventChanged { cursor } }", hub),
        hearing(api, auditor, signed, hub),
    ):
        await asyncio.sleep(0.3)
        assert hub.groups == {}


@once
async def test_a_refusal_is_what_plain_execution_says(api: Api, hub: Hub) -> None:
    admin = await api.actor(Role.ADMIN)
    document = 'subscription { equipmentStateChanged(equipment: "NONE") { cursor } }'
    async with hearing(api, admin, document, hub) as grouped, hearing(api, admin, document) as plain:
        await quiet(grouped, plain)
        assert grouped.heard == plain.heard != []


TOPICS = {
    "ledgerAppended": """subscription { ledgerAppended {
      cursor event { eventId type actor occurredAt recordedAt leafHash payload cursor
        subjects { kind id counter } } } }""",
    "securityEventChanged": "subscription { securityEventChanged { cursor securityEvent { id kind } } }",
    "equipmentStateChanged": """subscription { equipmentStateChanged(equipment: "HV1/COAT01") {
      cursor event { type payload } equipment { code packmlState } } }""",
    "lotStatusChanged": """subscription { lotStatusChanged(scope: {site: "HV1"}) {
      cursor event { type } item { id key status quantity { value uom } } } }""",
    "genealogyAppended": """subscription { genealogyAppended { cursor event { type payload }
      genealogyEvent { kind outputs { item { key } quantity { value } } } } }""",
    "jobOrderChanged": """subscription { jobOrderChanged { cursor event { type actor }
      jobOrder { code state quantity { value } request { code state } } } }""",
    "operationsRequestChanged": """subscription { operationsRequestChanged { cursor event { type }
      operationsRequest { code state } } }""",
    "dispatchListChanged": """subscription { dispatchListChanged(equipment: "HV1/COAT01") {
      equipment { code } jobOrders { code state readiness { blockers { code message } } } } }""",
    "outboundReady": """subscription { outboundReady(destination: "ERP1") { cursor message { messageId trigger } } }""",
}
ALONE = {"securityEventChanged"}


def test_every_topic_is_compared() -> None:
    assert set(TOPICS) == set(build_schema()._schema.subscription_type.fields)  # type: ignore[union-attr]


async def test_a_group_says_what_plain_execution_says(api: Api, hub: Hub) -> None:
    """Every topic, byte for byte, while a plant works."""
    await make_plant(api)
    await destination(api)
    actors = {topic: await api.actor(min(audience("Subscription", topic))) for topic in TOPICS}
    await recorded(api)
    async with AsyncExitStack() as stack:
        pairs = {
            topic: [await stack.enter_async_context(hearing(api, actors[topic], document, h)) for h in (None, hub, hub)]
            for topic, document in TOPICS.items()
        }
        everybody = [one for pair in pairs.values() for one in pair]
        await quiet(*everybody)
        await receive(api, "RM-PVDF", "P", "20")
        await quiet(*everybody)
        await api.do("commandEquipment", "", by=Role.OPERATOR, equipment="HV1/COAT01", command="START")
        await quiet(*everybody)
        await play(api)
        await recorded(api)
        await quiet(*everybody)
        heard = {topic: {tuple(one.heard) for one in pair} for topic, pair in pairs.items()}
        # between the first and the last state anybody may miss some
        heard["dispatchListChanged"] = {(one[0], one[-1]) for one in heard["dispatchListChanged"]}
        assert {topic: len(each) for topic, each in heard.items()} == dict.fromkeys(TOPICS, 1)
        silent = {topic for topic, (plain, *_) in pairs.items() if not plain.heard}
        assert silent <= {"securityEventChanged", "outboundReady"}
        for topic, (_, first, second) in pairs.items():
            assert first.from_group == second.from_group == (0 if topic in ALONE else len(first.heard)), topic


@once
async def test_who_joins_where_a_state_is_shown_gets_it_as_it_is(api: Api, hub: Hub) -> None:
    await make_plant(api)
    order = await make_order(api, MIX)
    operator, document = await api.actor(Role.OPERATOR), TOPICS["dispatchListChanged"]
    async with hearing(api, operator, document, hub) as first:
        await quiet(first)
        await api.do("startJobOrder", "", by=operator, jobOrder=order.jobs[20])
        await eventually(first.count, lambda heard: heard > 1)
        await quiet(first)
        looks = group(hub).executions
        async with hearing(api, operator, document, hub) as second:
            await quiet(first, second)
            assert second.heard == first.heard[-1:]
            assert group(hub).executions == looks, "it is the same state, which was executed before"


def test_each_pays_its_share() -> None:
    shares, one, other = Shares(), Bucket(10.0), Bucket(10.0)
    for bucket in (one, one, one, other):
        shares.add(bucket)
    shares.take(8.0)
    assert (round(one._left_s), round(other._left_s)) == (4, 8)
    assert shares.wait_s() == 0
    shares.take(8.0)
    assert one.wait_s() > 0
    assert shares.wait_s() == 0, "one has something left"
    shares.remove(other)
    assert shares.wait_s() > 0
    shares.add(None)
    assert shares.wait_s() == 0
