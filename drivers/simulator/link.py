"""Plays signals. A counter counts on while its process lives, whatever happens to the line that is played."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Sequence
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

from mesgraph.edge.contract import (
    Address,
    Command,
    Link,
    LinkLost,
    Quality,
    Refused,
    Sample,
    Tag,
    Value,
    Written,
)
from mesgraph.edge.polling import PollingDriver
from mesgraph_drivers.simulator.decode import HELD, WORDS, Signal, signal

Kind: TypeAlias = Literal["lose", "raise", "crash", "hang", "leak", "flood", "silence", "not-a-number", "deaf"]


class Fault(BaseModel):
    """What goes wrong, how long after the start of the line, and for how long."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    after_s: float = Field(default=0, ge=0)
    for_s: float = Field(default=1e9, gt=0)


class Config(BaseModel):
    """What an instance may say. ``skew_s``: the machine's clock goes ahead by so much."""

    model_config = ConfigDict(extra="forbid")

    faults: list[Fault] = []
    skew_s: float = 0


signals: dict[tuple[int, str, str], Signal] = {}
held: dict[str, Value] = {}
leaked: list[bytearray] = []


class Simulator(PollingDriver):
    """The line to a machine that is not there."""

    def __init__(self, link: Link) -> None:
        super().__init__(link)
        self._config = link.parsed(Config)
        self._began = time.monotonic()

    async def connect(self) -> None:
        """Nothing to open."""
        self._played({"lose", "crash"})

    async def close(self) -> None:
        """Nothing to close."""

    async def ask(self, tags: Sequence[Tag]) -> list[Sample]:
        """The values of now, unless a fault is due."""
        due = self._played({"lose", "raise", "crash", "hang", "leak", "flood"})
        if "silence" in due:
            await asyncio.sleep(3600)
        now = time.time()
        return [sample for tag in tags for sample in self._sample(tag, now, wrong="not-a-number" in due)]

    async def put(self, command: Command) -> Written:
        """Hold a value; deaf, it says yes and holds what it held."""
        if command.tag.address != HELD:
            raise Refused(f"{command.tag.address!r} cannot be written; only {HELD} can")
        if "deaf" not in self._due():
            held[command.tag.path] = command.value
        if held.get(command.tag.path, 0) != command.value:
            raise Refused(f"{command.value!r} was written, {held.get(command.tag.path, 0)!r} is read back")
        return Written(command.value)

    async def browse(self) -> AsyncIterator[Address]:
        """The words of its addresses."""
        for word, (_, numbers) in WORDS.items():
            yield Address(" ".join((word, *(f"{name}={number:g}" for name, number in numbers.items()))), word)
        yield Address(HELD, HELD, writable=True)

    def _sample(self, tag: Tag, now: float, *, wrong: bool) -> list[Sample]:
        at = int((now + self._config.skew_s) * 1e6)
        if tag.address == HELD:
            return [Sample(tag.path, held.get(tag.path, 0), time=at)]
        try:
            key = (id(self.link), tag.path, tag.address)  # one link for all tries of an instance
            play = signals.get(key) or signal(tag.address)
        except ValueError as error:
            self.link.fault(tag, str(error))
            return []
        signals[key] = play
        value = play(now)
        return [Sample(tag.path, float("nan") if wrong else value, Quality.GOOD, at)]

    def _due(self) -> set[Kind]:
        lasted_s = time.monotonic() - self._began
        return {one.kind for one in self._config.faults if one.after_s <= lasted_s < one.after_s + one.for_s}

    def _played(self, kinds: set[Kind]) -> set[Kind]:
        """Play what is due of these; returns all that is due."""
        due = self._due()
        playing = due & kinds
        if "crash" in playing:
            os.abort()
        if "hang" in playing:
            time.sleep(3600)  # the whole process stands still, as in a library that loops
        if "leak" in playing:
            leaked.append(bytearray(os.urandom(1 << 20) * 32))
        if "flood" in playing:
            for number in range(300_000):
                self.link.offer(Sample(self.link.tags[0].path, number))
        if "raise" in playing:
            raise ZeroDivisionError("played")
        if "lose" in playing:
            raise LinkLost("played")
        return due
