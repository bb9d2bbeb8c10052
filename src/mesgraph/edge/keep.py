"""Keeps one link alive: a new driver object for each try, pauses between, and a word at each change of state."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from mesgraph.edge.backoff import Backoff, Breaker
from mesgraph.edge.contract import (
    DriverDefinition,
    Link,
    LinkLost,
    Misconfigured,
    Quality,
    Sample,
    State,
)

MISTAKE = "mistake of the driver"
UP_PAUSE_S = 2.5
"""The longest pause after a try in which the machine was reached."""
STEADY_S = 5.0
"""A line that held this long was a good one: the next pause is short again."""
UP = {State.RUNNING, State.DEGRADED}

log = logging.getLogger(__name__)


class Kept:
    """A link and what becomes of it. ``tell`` is called when state or message change, and only then."""

    def __init__(self, definition: DriverDefinition, link: Link, tell: Callable[[State, str], None]) -> None:
        self.state = State.STOPPED
        self._message = ""
        self._definition = definition
        self._tell = tell
        self._link = replace(link, tell=self._say, faults={})
        self._backoff, self._breaker = Backoff(), Breaker()

    async def run(self) -> None:
        """Until it is cancelled, or somebody must change the configuration."""
        self._say(State.STARTING, "")
        self._mark_loss()
        try:
            while True:
                pause_s = await self._try()
                if pause_s is None:
                    return
                await asyncio.sleep(pause_s)
        finally:
            if self.state is not State.BROKEN:
                self._say(State.STOPPED, "")

    async def _try(self) -> float | None:
        """Run a driver until it ends; returns the pause before the next try, None when there shall be none."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._link.faults.clear()
        try:
            await self._definition.open(self._link).run()
            raise LinkLost("the driver ended")
        except Exception as error:
            told = _first(error)
        if isinstance(told, OSError | EOFError):
            told = LinkLost(f"{type(told).__name__}: {told}".rstrip(": "))
        was_up = self.state in UP
        if was_up:
            self._mark_loss()
        if isinstance(told, Misconfigured):
            self._say(State.BROKEN, str(told))
            return None
        if loop.time() - began > STEADY_S:
            self._backoff.reset()
        if isinstance(told, LinkLost):
            self._say(State.DISCONNECTED, str(told))
            pause_s = self._backoff.pause_s()
            return min(UP_PAUSE_S, pause_s) if was_up else pause_s
        return self._mistaken(told)

    def _mistaken(self, error: Exception) -> float:
        """A mistake of the driver: said with where it happened, tried again until the breaker opens."""
        open_s = self._breaker.ended()
        said = f"{MISTAKE}: {type(error).__name__}: {error}"
        if self.state is not State.DISCONNECTED:
            log.error("%s", said, exc_info=error)
        self._say(State.BROKEN if open_s else State.DISCONNECTED, said)
        return open_s or self._backoff.pause_s()

    def _mark_loss(self) -> None:
        """Nothing is known from here on: a sample without value for each tag, and not the last one for ever."""
        for tag in self._link.tags:
            self._link.offer(Sample(tag.path, None, Quality.BAD))

    def _say(self, state: State, message: str) -> None:
        if state is self.state and (state is State.DISCONNECTED or message == self._message):
            return
        self.state, self._message = state, message
        self._tell(state, message)


def _first(error: Exception) -> Exception:
    """The error itself, or what decides of a group: wrong configuration, else the first."""
    if not isinstance(error, ExceptionGroup):
        return error
    leaves = [_first(one) for one in error.exceptions]
    return next((one for one in leaves if isinstance(one, Misconfigured)), leaves[0])


async def stopped(task: asyncio.Task[None], within_s: float = 2.0) -> bool:
    """Cancel a kept link; whether it ended in time."""
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.wait([task], timeout=within_s)
    return task.done()
