"""Whoever comes while things happen sees each of them once: from its cursor on, alone and then in its group."""

import asyncio
import json
import random

import pytest

from mesgraph.access.roles import Role
from mesgraph.api.door import Door
from mesgraph.api.live import group
from mesgraph.api.live.hub import Hub
from mesgraph.schema import build_schema
from tests.api import Api
from tests.live.hearing import Hearer, quiet, recorded
from tests.patience import eventually
from tests.stages import scaled

EVENTS = "subscription($after: Cursor) { ledgerAppended(after: $after) { cursor } }"
ITEMS = "subscription($after: Cursor) { lotStatusChanged(after: $after) { cursor item { key } event { eventId } } }"


def positions(hearer: Hearer) -> list[int]:
    cursors = [json.loads(payload)["data"]["ledgerAppended"]["cursor"] for payload in hearer.heard]
    return [int(cursor.partition("-")[2]) for cursor in cursors]


@pytest.mark.parametrize("kept", [256, 2])
async def test_nothing_is_missed_and_nothing_comes_twice(api: Api, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many come at any moment, from any place, while several write; some go alone again because of their rights."""
    monkeypatch.setattr(group, "KEPT", kept)
    draw = random.Random(5)
    door = Door(api.plant)
    hub = Hub(build_schema(), api.plant, door)
    admin = await api.actor(Role.ADMIN)
    hearers: list[tuple[int, Hearer]] = []

    async def write(writer: int) -> None:
        for n in range(scaled(15, 200)):
            sites = [{"code": f"W{writer}{i}", "name": f"{n}", "timeZone": "UTC"} for i in range(draw.randint(1, 4))]
            await api.do("submitSites", "", by=admin, sites=sites)
            await asyncio.sleep(draw.uniform(0, 0.02))

    writing = [asyncio.create_task(write(n)) for n in range(3)]
    while not all(task.done() for task in writing):
        after = draw.randint(0, api.plant.tail.cursor.position)
        if len(hearers) < scaled(40, 400):
            hearers.append((after, Hearer(api, admin, EVENTS, hub, after=f"c1-{after}")))
        if draw.random() < 0.2:
            door.forget(admin.principal_id)
        await asyncio.sleep(draw.uniform(0, 0.03))
    await asyncio.gather(*writing)
    await recorded(api)
    end = api.plant.tail.cursor.position
    await quiet(*(hearer for _, hearer in hearers))
    for after, hearer in hearers:
        assert positions(hearer) == list(range(after + 1, end + 1))
    assert sum(hearer.from_group for _, hearer in hearers) > 0
    for _, hearer in hearers:
        await hearer.leave()
    assert hub.groups == {}


async def test_of_many_groups_each_keeps_less(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So what somebody makes the server keep has an end, with however many documents."""
    monkeypatch.setattr(group, "KEPT_BYTES_ALL", 4_000)
    hub = Hub(build_schema(), api.plant, Door(api.plant))
    admin = await api.actor(Role.ADMIN)
    await recorded(api)
    begin = api.plant.tail.cursor.position
    topics = [EVENTS.replace("subscription", f"subscription S{n}") for n in range(10)]
    hearers = [Hearer(api, admin, topic, hub, after=f"c1-{begin}") for topic in topics]
    await asyncio.sleep(0.3)
    for n in range(20):
        await api.do("submitSites", "", by=admin, sites=[{"code": f"K{n}", "name": "K", "timeZone": "UTC"}])
    await recorded(api)
    await quiet(*hearers)
    assert len(hub.groups) == len(topics)
    assert 0 < sum(group._kept_bytes for group in hub.groups.values()) <= 4_000
    for hearer in hearers:
        assert positions(hearer) == list(range(begin + 1, begin + 21))
        await hearer.leave()


async def test_an_event_of_many_messages_is_never_cut(api: Api) -> None:
    """Rights that are looked at again in the middle of it wait until its last message."""
    from tests.factories.materials import make_halvard

    await make_halvard(api)
    door = Door(api.plant)
    hub = Hub(build_schema(), api.plant, door)
    actor = await api.actor(Role.ERP)
    hearers = [Hearer(api, actor, ITEMS, hub) for _ in range(4)]
    await asyncio.sleep(0.3)
    lines = [{"material": "CELL-105", "serialNumbers": [f"U{n:03}" for n in range(100)]}]
    receiving = asyncio.create_task(api.do("receiveItems", "", by=actor, site="HV1", lines=lines))
    for _ in range(30):
        door.forget(actor.principal_id)
        await asyncio.sleep(0.01)
    await receiving
    for hearer in hearers:
        await eventually(hearer.count, lambda heard: heard >= 100)
    await quiet(*hearers)
    for hearer in hearers:
        keys = [json.loads(payload)["data"]["lotStatusChanged"]["item"]["key"] for payload in hearer.heard]
        assert len(keys) == len(set(keys)) == 100
        await hearer.leave()
