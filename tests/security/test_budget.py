"""Time of the processor that a principal has, whatever it is asked for and by which way."""

import asyncio
import json
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.api import budget
from mesgraph.api.budget import Bucket, Budgets, metered, tasks_are_timed
from tests.api import Api
from tests.kit.served import Served, served
from tests.kit.test_http import RESPONSE
from tests.patience import eventually

KEYS = """mutation { createPrincipal(input: {subject: "%s", kind: PERSON, displayName: "x"}) { replayed }
  grantRole(input: {principal: "%s", role: OPERATOR}) { replayed } issueApiKey(input: {principal: "%s"}) { text } }"""


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def monotonic(self) -> float:
        return self.at


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(budget.time, "monotonic", hand.monotonic)
    return hand


def test_a_bucket_holds_what_it_is_for_and_fills_in_ten_seconds(hand: Hand) -> None:
    bucket = Bucket(2.0)
    bucket.take(2.0)
    assert bucket.wait_s() == 0, "at the limit"
    bucket.take(0.1)
    assert bucket.wait_s() == pytest.approx(0.5), "beyond it"
    hand.at += 0.5
    assert bucket.wait_s() == pytest.approx(0)
    hand.at += 10
    assert bucket.is_full()


def test_nobody_waits_longer_than_ten_seconds(hand: Hand) -> None:
    bucket = Bucket(2.0)
    bucket.take(500)
    assert bucket.wait_s() == pytest.approx(10)


def test_buckets_of_those_who_rest_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget, "KNOWN_MAX", 10)
    budgets = Budgets(2_000)
    busy = budgets.of(0)
    assert busy is not None
    busy.take(3)
    for principal in range(1, 30):
        budgets.of(principal)
    assert budgets.of(0) is busy
    assert len(budgets._buckets) <= 12


async def test_what_all_tasks_of_a_request_use_is_counted_and_what_others_use_is_not() -> None:
    def busy(seconds: float) -> None:
        until = budget.time.thread_time() + seconds
        while budget.time.thread_time() < until:
            pass

    async def part() -> None:
        await asyncio.sleep(0)
        busy(0.05)

    async def whole() -> float:
        other = asyncio.get_running_loop().call_soon(busy, 0.2)
        await asyncio.gather(part(), part(), part())
        assert other
        counting = budget.meter()
        assert counting is not None
        return counting.used_s

    with tasks_are_timed():
        used = await metered(whole())
    assert 0.15 <= used < 0.3


async def test_a_task_that_is_timed_can_be_cancelled_and_fails_as_it_does() -> None:
    async def sleeps() -> None:
        await asyncio.sleep(60)

    async def fails() -> None:
        await asyncio.sleep(0)
        raise KeyError("x")

    async def whole() -> list[Any]:
        sleeping, failing = asyncio.create_task(sleeps()), asyncio.create_task(fails())
        await asyncio.sleep(0.01)
        sleeping.cancel()
        return await asyncio.gather(sleeping, failing, return_exceptions=True)

    with tasks_are_timed():
        cancelled, failed = await metered(whole())
    assert isinstance(cancelled, asyncio.CancelledError)
    assert isinstance(failed, KeyError)


async def key_of(server: Served, name: str) -> str:
    return str((await server.ask(KEYS % (name, name, name)))["issueApiKey"]["text"])


async def spend(server: Served, key: str) -> Any:
    """Ask until there is nothing left; the refusal."""
    document = "{ " + " ".join(f"a{i}: sites {{ code }}" for i in range(20)) + " }"
    for _ in range(200):
        answer = await server.post(document, key=key)
        if answer.status_code == 429:
            return answer
    raise AssertionError("there was always something left")


async def test_who_has_used_it_up_is_refused_by_every_way_and_nobody_else_is(database_url: str) -> None:
    from tests.security.assault import Attacker, Outcome

    async with served(database_url, cpu_ms=100) as server:
        greedy, modest = await key_of(server, "greedy"), await key_of(server, "modest")
        refused = await spend(server, greedy)
        error = refused.json()["errors"][0]
        assert error["extensions"]["code"] == "RATE_LIMITED"
        assert error["extensions"]["retryable"] is True
        assert 0 < float(refused.headers["retry-after"]) <= 10
        assert "try again in" in error["message"]

        attacker = Attacker(server.address, greedy, Outcome())
        socket = await attacker._open()
        document = "subscription { equipmentStateChanged { cursor } }"
        await spend(server, greedy)
        await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": document}}))
        assert "RATE_LIMITED" in str(await asyncio.wait_for(socket.recv(), 5))
        await attacker.end()

        assert (await server.post("{ sites { code } }", key=modest)).status_code == 200
        await asyncio.sleep(float(refused.headers["retry-after"]))

        async def again() -> int:
            return (await server.post("{ sites { code } }", key=greedy)).status_code

        assert await eventually(again, lambda status: status == 200) == 200


async def test_the_status_is_429_whatever_the_client_accepts(database_url: str) -> None:
    async with served(database_url, cpu_ms=50) as server:
        key = await key_of(server, "greedy")
        await spend(server, key)
        headers = {"Authorization": f"Bearer {key}", "Accept": RESPONSE}
        answer = await server.http.post("/graphql", json={"query": "{ __typename }"}, headers=headers)
        assert answer.status_code == 429
        assert "data" not in answer.json()


async def test_without_a_bucket_nothing_is_refused(api: Api) -> None:
    await api.ask("{ sites { code } }", by=Role.OPERATOR)
    assert Budgets(0).of(1) is None
