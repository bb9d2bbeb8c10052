"""A driver for protocols in which the machine is asked: open, read, close; everything about time stands here.

Tags with one expected period are read together, at its beat and not a pause after the last reading, so that slow
answers do not shift the beat. A beat that is missed because the one before took too long is left out.
"""

import asyncio
import time
from abc import abstractmethod
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from mesgraph.edge.contract import Command, Driver, LinkLost, Refused, Sample, Tag, Written

CLOSE_S = 1.5


class PollingDriver(Driver):
    """Implement ``connect``, ``ask`` and ``close``; ``put`` where the machine can be written to.

    ``timeout_s`` is the longest time that one ``connect``, ``ask`` or ``put`` may take before the line counts as lost.
    """

    timeout_s = 3.0

    @abstractmethod
    async def connect(self) -> None:
        """Open the line."""

    @abstractmethod
    async def ask(self, tags: Sequence[Tag]) -> list[Sample]:
        """Read these. What the machine refuses for a single tag is ``link.fault``, not an exception."""

    @abstractmethod
    async def close(self) -> None:
        """Close the line, also one that is half open or was never opened."""

    async def put(self, command: Command) -> Written:
        """Write, and read back what the machine then holds."""
        return await super().write(command)

    async def run(self) -> None:
        """Read each tag at its beat until the line is lost."""
        groups = by_period(self.link.tags)
        async with self._connected():
            self.link.up()
            now = asyncio.get_running_loop().time
            due = dict.fromkeys(groups, now())
            while True:
                period_s = min(due, key=due.__getitem__, default=self.timeout_s)
                await asyncio.sleep(max(0.0, due.get(period_s, now() + period_s) - now()))
                for sample in await self._within(groups.get(period_s, [])):
                    self.link.offer(sample)
                if period_s in due:
                    missed = max(0.0, now() - due[period_s])
                    due[period_s] += period_s * (int(missed / period_s) + 1)

    async def read(self, tags: Sequence[Tag]) -> list[Sample]:
        """Read these once."""
        async with self._connected():
            return await self._within(tags)

    async def write(self, command: Command) -> Written:
        """Write and read back once, unless it is too late."""
        async with self._connected():
            if time.time_ns() // 1_000 > command.expires:
                raise Refused("the command expired before the machine could be reached; nothing was written")
            async with _patience(self.timeout_s):
                return await self.put(command)

    async def _within(self, tags: Sequence[Tag]) -> list[Sample]:
        async with _patience(self.timeout_s):
            return await self.ask(tags)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[None]:
        try:
            async with _patience(self.timeout_s):
                await self.connect()
            yield
        finally:
            async with asyncio.timeout(CLOSE_S):
                await self.close()


def by_period(tags: Sequence[Tag]) -> dict[float, list[Tag]]:
    """Tags with the same expected period, which are read together."""
    groups: dict[float, list[Tag]] = defaultdict(list)
    for tag in tags:
        groups[tag.period_s].append(tag)
    return groups


@asynccontextmanager
async def _patience(seconds: float) -> AsyncIterator[None]:
    """What takes longer means that the line is lost; so does any error of the network."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise LinkLost(f"no answer within {seconds:g} s") from error
    except (OSError, EOFError) as error:
        raise LinkLost(f"{type(error).__name__}: {error}") from error
