"""A driver at work in the kit: kept as in the edge, with all that it says written down."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mesgraph.edge import catalogue
from mesgraph.edge.contract import Command, Driver, DriverDefinition, Link, Quality, Sample, State, Tag, Written, sound
from mesgraph.edge.keep import MISTAKE, Kept, stopped

PERIOD_S = 0.05


@dataclass
class Watched:
    """Samples with the monotonic time of their arrival, and states."""

    clock: str
    clock_modulo: int
    samples: list[tuple[float, Sample]] = field(default_factory=list)
    states: list[tuple[State, str]] = field(default_factory=list)

    def offer(self, sample: Sample) -> None:
        """What the driver calls."""
        self.samples.append((time.monotonic(), sound(sample)))

    def tell(self, state: State, message: str) -> None:
        """What the host calls."""
        self.states.append((state, message))

    @property
    def state(self) -> State:
        """How it is now."""
        return self.states[-1][0] if self.states else State.STOPPED

    def mistakes(self) -> list[str]:
        """What the driver did not expect: errors that are neither a lost line nor a wrong configuration."""
        return [message for _, message in self.states if message.startswith(MISTAKE)]

    def good(self, path: str, since: int = 0) -> list[Any]:
        """Good values of a tag among the samples from index ``since`` on."""
        found = [one for _, one in self.samples[since:] if one.path == path and one.quality is Quality.GOOD]
        return [one.value for one in found]

    async def flows(self, path: str, within_s: float, count: int = 3) -> None:
        """Wait for new good values of a tag."""
        since = len(self.samples)
        await self.until(lambda: len(self.good(path, since)) >= count, within_s, f"no values of {path}")

    async def until(self, wanted: Any, within_s: float, otherwise: str) -> None:
        """Wait until ``wanted()`` holds."""
        deadline = time.monotonic() + within_s
        while not wanted():
            assert time.monotonic() < deadline, f"{otherwise} within {within_s:g} s; states: {self.states[-5:]}"
            await asyncio.sleep(0.01)

    def ages_ms(self) -> list[float]:
        """How old each value of the machine's clock was when it was offered as good and fresh."""
        return [
            (at * 1000 - float(one.value or 0) + 1) % self.clock_modulo - 1
            for at, one in self.samples
            if one.path == self.clock and one.quality is Quality.GOOD
        ]

    def clocks(self) -> Sequence[Any]:
        """The good values of the machine's clock, in the order in which they were offered."""
        return self.good(self.clock)


def definition(name: str) -> DriverDefinition:
    """The installed driver of this name."""
    found = catalogue.find(name)
    assert found.definition is not None, found.reason
    return found.definition


def opened(name: str, config: Mapping[str, Any], addresses: Sequence[str]) -> tuple[Driver, Link, Watched]:
    """A driver that nobody runs, to read or write by hand."""
    watched = Watched("", 1)
    link = Link(config, tags(addresses), watched.offer, tell=watched.tell)
    return definition(name).open(link), link, watched


async def written(name: str, config: Mapping[str, Any], address: str, value: Any) -> Written:
    """Write by hand."""
    driver, link, _ = opened(name, config, [address])
    return await driver.write(Command(link.tags[0], value, time.time_ns() // 1_000 + 5_000_000))


def tags(addresses: Sequence[str]) -> list[Tag]:
    """Tags that are called as they are addressed, twenty values a second."""
    return [Tag(path=address, address=address, period_s=PERIOD_S) for address in addresses]


@asynccontextmanager
async def at_work(
    name: str, config: Mapping[str, Any], addresses: Sequence[str], clock: str = "", clock_modulo: int = 2**32
) -> AsyncIterator[Watched]:
    """A driver that the host keeps for as long as the block lasts; it must end in time."""
    watched = Watched(clock, clock_modulo)
    kept = Kept(definition(name), Link(config, tags(addresses), watched.offer), watched.tell)
    task = asyncio.create_task(kept.run())
    try:
        yield watched
    finally:
        in_time = await stopped(task)
        assert in_time, "the driver did not end within two seconds"
