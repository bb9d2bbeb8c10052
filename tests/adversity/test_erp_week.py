"""Messages come doubled, overtaken, damaged and confused, and the server is killed: orders end as they should (R13).

The final state is that of each order's valid messages, delivered once and in order; nothing stops the queue.
"""

import asyncio
import random
from typing import Any

import pytest

from mesgraph.demo.client import Client
from mesgraph.demo.crew import Crew, connections, hire
from mesgraph.demo.halvard import SITE
from mesgraph.demo.stage import Stage, stage
from tests.adversity.erp_week import DAMAGED, DOUBLED, REUSED, End, Expected, Week, week
from tests.stages import empty_database, scaled

__all__ = ["empty_database"]

COUNT = scaled(200, 20_000)
KILLS = scaled(3, 20)
SEED = 20260216
SOON_S = 0.02

SUBMIT = """
mutation($text: String!) { submitB2mml(input: {document: $text}) {
  message { state } results { outcome } userErrors { code }
} }
"""
ORDERS = """
query($after: String) { operationsRequests(first: 500, after: $after) {
  nodes { externalId externalRevision state quantity { value } priority }
  pageInfo { hasNextPage endCursor }
} }
"""
MATERIAL = {
    "code": "COIL-C",
    "revision": "1",
    "name": "Coil",
    "kind": "INTERMEDIATE",
    "baseUom": "MTR",
    "tracking": "LOT",
}


async def play(set_up: Stage, made: Week) -> tuple[dict[str, End], int]:
    """Send everything; returns the orders as they are then, and how many documents were kept as dead letters."""
    chance = random.Random(SEED)
    victims = set(chance.sample(range(len(made.deliveries)), KILLS))
    async with connections() as http:
        crew = Crew(set_up.server.url, http)
        await hire(crew, set_up.admin_key, [SITE])
        erp = crew["erp"]
        await erp.do("submitMaterialDefinitions", "material", definitions=[MATERIAL])
        for place, delivery in enumerate(made.deliveries):
            strike = asyncio.create_task(kill(set_up, chance.uniform(0, SOON_S))) if place in victims else None
            answer = (await erp.ask(SUBMIT, text=delivery.text))["submitB2mml"]
            assert how(answer) is delivery.expected, (place, delivery.message_id, answer)
            if strike is not None:
                await strike
        assert crew.journal.tries > len(made.deliveries), "no message met a kill: the test proves nothing"
        return await orders(erp), await dead_letters(crew["audit-01"])


async def kill(set_up: Stage, after_s: float) -> None:
    """Kill -9 while a message is under way, then start again."""
    await asyncio.sleep(after_s)
    set_up.server.kill()
    await asyncio.to_thread(set_up.server.start)


def how(answer: dict[str, Any]) -> Expected | None:
    """How a delivery was answered."""
    if answer["userErrors"]:
        return Expected.CONFLICT if answer["userErrors"] == [{"code": "IDEMPOTENCY_CONFLICT"}] else None
    return Expected.DEAD_LETTER if answer["message"]["state"] == "DEAD_LETTER" else Expected.ANSWERED


async def orders(client: Client) -> dict[str, End]:
    """Every order as it is."""
    found: dict[str, End] = {}
    after = None
    while True:
        page = (await client.ask(ORDERS, after=after))["operationsRequests"]
        for node in page["nodes"]:
            cancelled = node["state"] == "CANCELLED"
            content = (node["externalRevision"], node["quantity"]["value"], node["priority"])
            found[node["externalId"]] = End(cancelled, *((None,) * 3 if cancelled else content))
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


async def dead_letters(client: Client) -> int:
    data = await client.ask("{ inboundMessages(filter: {state: DEAD_LETTER}) { totalCount } }")
    return int(data["inboundMessages"]["totalCount"])


@pytest.mark.slow
@pytest.mark.timeout(scaled(300, 7200))
def test_the_orders_are_as_if_each_message_had_come_once_and_in_order(empty_database: str) -> None:
    made = week(COUNT, SEED)
    with stage(empty_database) as set_up:
        ends, dead = asyncio.run(play(set_up, made))
    assert ends == made.ends
    assert dead == len({d.text for d in made.deliveries if d.expected is Expected.DEAD_LETTER})


def test_the_week_is_as_hard_as_it_says() -> None:
    made = week(20_000, SEED)
    total = len(made.deliveries)
    assert 19_000 < total < 21_000
    originals = len({d.text for d in made.deliveries if d.expected is Expected.ANSWERED})
    doubled = made.count(Expected.ANSWERED) - originals
    assert doubled / originals == pytest.approx(DOUBLED, abs=0.02)
    assert made.count(Expected.DEAD_LETTER) / originals == pytest.approx(DAMAGED, abs=0.01)
    assert made.count(Expected.CONFLICT) / originals == pytest.approx(REUSED, abs=0.005)
