"""What the edge keeps for one instance whether its process lives or not: spool, uplink, state, and reports of it."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

from mesgraph.edge.configuration import Instance
from mesgraph.edge.contract import State
from mesgraph.edge.frames import Frame
from mesgraph.edge.plant import Later, NotTaken, Plant
from mesgraph.edge.spool import Spool
from mesgraph.edge.uplink import Uplink

REPORT_S = 30.0
SYNC_S = 1.0
AGAIN_S = 2.0

log = logging.getLogger(__name__)


class Post:
    """One instance at this edge. ``tell`` and ``take`` are plain calls of the process that hears the child."""

    def __init__(self, instance: Instance, tier: str, folder: Path, plant: Plant, turns: asyncio.Semaphore) -> None:
        self.instance = instance
        self.tier = tier
        self.state, self.message = State.STARTING, ""
        self.spool = Spool(folder / instance.folder, instance.limit)
        self.uplink = Uplink(plant, instance.id, instance.code, self.spool, turns)
        self.offset_us: int | None = None
        self._plant = plant
        self._changed = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to send and report."""
        doing = (self.uplink.run, self._report_always, self._sync_always)
        self._tasks = [asyncio.create_task(self._always(one)) for one in doing]

    async def stop(self) -> None:
        """End; what was not sent stays on disk."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Later, NotTaken, TimeoutError):
            async with asyncio.timeout(2):
                await self._report()
        self.spool.close()

    def tell(self, state: State, message: str) -> None:
        """How the instance is now; one line in the log for each change."""
        if (state, message) == (self.state, self.message):
            return
        level = logging.INFO if state in (State.RUNNING, State.STARTING, State.STOPPED) else logging.WARNING
        log.log(level, "%s: %s -> %s%s", self.instance.code, self.state, state, message and f": {message}")
        self.state, self.message = state, message
        self._changed.set()

    def take(self, frame: Frame) -> None:
        """Samples from the child, to disk."""
        was_full = self.spool.full
        if frame.count:
            self.spool.append(frame.body, frame.count)
            self.uplink.wake()
        if self.spool.full != was_full:
            self._say_full()
        if frame.lost:
            log.warning("%s: %d samples came faster than they could be kept: a gap", self.instance.code, frame.lost)
            self.spool.skip(frame.lost)

    def _say_full(self) -> None:
        code, spool = self.instance.code, self.spool
        if spool.full:
            log.error("%s: there is no room for samples; from number %d on they are not kept", code, spool.next)
        else:
            log.warning("%s: there is room again; the gap ends before number %d", code, spool.next)
        self._changed.set()

    async def _always(self, doing: Callable[[], Awaitable[None]]) -> None:
        """A mistake of ours, or a disk that fails, is said and tried again: the others go on."""
        while True:
            try:
                await doing()
            except Exception:
                log.exception("%s: the edge failed and tries again", self.instance.code)
            await asyncio.sleep(AGAIN_S)

    async def _sync_always(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            await self.spool.synced_beside()

    async def _report_always(self) -> None:
        while True:
            self._changed.clear()
            try:
                await self._report()
            except Later as later:
                await asyncio.sleep(max(AGAIN_S, later.wait_s))
                continue
            except NotTaken as refusal:
                log.error("%s: the server does not take how it is: %s", self.instance.code, refusal)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(REPORT_S):
                    await self._changed.wait()

    async def _report(self) -> None:
        state, said = self.state, [self.message] if self.message else []
        if self.spool.full:
            said.append("the spool is full: samples are not kept")
            state = State.DEGRADED if state is State.RUNNING else state
        if self.spool.lost:
            said.append(f"{self.spool.lost} samples were lost at this edge in all")
        if self.uplink.refused:
            said.append(f"{self.uplink.refused} samples were not taken by the server")
        offset_ms = None if self.offset_us is None else self.offset_us // 1_000
        more = {"buffered": self.uplink.buffered, "clockOffsetMs": offset_ms, "tier": self.tier}
        await self._plant.report(self.instance.id, state, "; ".join(said), **more)
