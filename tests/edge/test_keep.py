"""What becomes of a link when its driver ends in one way or another."""

import asyncio
import logging

import pytest

from mesgraph.edge import backoff
from mesgraph.edge.backoff import Backoff, Breaker
from mesgraph.edge.contract import (
    Driver,
    DriverDefinition,
    Isolation,
    Link,
    LinkLost,
    Misconfigured,
    Quality,
    Sample,
    State,
    Tag,
)
from mesgraph.edge.keep import Kept, stopped


class Scripted(Driver):
    """Comes up, and ends as the script says; the last one goes on."""

    script: list[Exception] = []
    opened = 0

    async def run(self) -> None:
        Scripted.opened += 1
        self.link.up()
        self.link.offer(Sample("tag", Scripted.opened))
        if Scripted.opened <= len(self.script):
            raise self.script[Scripted.opened - 1]
        await asyncio.Event().wait()


async def kept(script: list[Exception], lives: int) -> tuple[list[tuple[State, str]], list[Sample]]:
    """Keep a scripted driver until it was opened so often, or nothing more happens."""
    Scripted.script, Scripted.opened = script, 0
    states: list[tuple[State, str]] = []
    samples: list[Sample] = []
    definition = DriverDefinition("scripted", "", Isolation.INSTANCE, Scripted, "NONE")
    one = Kept(
        definition, Link({}, [Tag("tag", "")], samples.append), lambda state, message: states.append((state, message))
    )
    task = asyncio.create_task(one.run())
    async with asyncio.timeout(5):
        while Scripted.opened < lives and not task.done():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert await stopped(task)
    return states, samples


async def test_a_lost_link_is_tried_again_within_a_second_by_a_new_driver() -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    states, samples = await kept([LinkLost("no answer")], 2)
    assert loop.time() - began < 1
    assert states == [
        (State.STARTING, ""),
        (State.RUNNING, ""),
        (State.DISCONNECTED, "no answer"),
        (State.RUNNING, ""),
        (State.STOPPED, ""),
    ]
    assert [one.value for one in samples] == [None, 1, None, 2], "what is missing in between is marked"
    assert samples[2].quality is Quality.BAD


async def test_a_wrong_configuration_waits_for_somebody() -> None:
    grouped = ExceptionGroup("", [LinkLost("also"), Misconfigured("port: 0")])
    states, _ = await kept([grouped], 2)
    assert Scripted.opened == 1
    assert states[-1] == (State.BROKEN, "port: 0")


async def test_a_mistake_of_the_driver_is_logged_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        states, _ = await kept([ZeroDivisionError("by nothing")], 2)
    assert (State.DISCONNECTED, "mistake of the driver: ZeroDivisionError: by nothing") in states
    assert len(caplog.records) == 1
    assert caplog.records[0].exc_info


async def test_a_driver_that_makes_it_again_and_again_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(backoff, "FIRST_S", 0.001)
    monkeypatch.setattr(backoff, "MOST_S", 0.001)
    Scripted.script, Scripted.opened = [KeyError("x")] * 20, 0
    states: list[State] = []
    definition = DriverDefinition("scripted", "", Isolation.INSTANCE, Scripted, "NONE")
    one = Kept(definition, Link({}, [], lambda _: None), lambda state, _: states.append(state))
    task = asyncio.create_task(one.run())
    await asyncio.sleep(0.5)
    assert (states[-1], Scripted.opened) == (State.BROKEN, backoff.RESTARTS_MAX + 1)
    assert await stopped(task)


def test_pauses_grow_from_half_a_second_to_half_a_minute() -> None:
    waiting = Backoff()
    pauses = [waiting.pause_s() for _ in range(40)]
    assert pauses[0] < 1
    assert all(0 < pause <= 30 for pause in pauses)
    assert min(pauses[10:]) > 15
    assert len(set(pauses[10:])) > 10, "they are not all the same"
    waiting.reset()
    assert waiting.pause_s() < 1


def test_ends_that_lie_far_apart_open_no_breaker(monkeypatch: pytest.MonkeyPatch) -> None:
    breaker, now = Breaker(), 0.0
    monkeypatch.setattr(backoff.time, "monotonic", lambda: now)
    for _ in range(20):
        now += 15
        assert breaker.ended() == 0
    assert backoff.OPEN_S in [breaker.ended() for _ in range(3)]
