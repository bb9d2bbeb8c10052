"""The process in which drivers run: ``python -m mesgraph.edge.child``. Its parent writes one line of JSON to it.

It ends when its standard input does, and with its parent at the latest. What a library prints goes to standard error;
frames have the standard output for themselves.
"""

import asyncio
import ctypes
import json
import logging
import os
import resource
import signal
import sys
import time
from typing import Any

from mesgraph.edge import catalogue, columns
from mesgraph.edge.contract import DriverDefinition, Link, Sample, State, Tag, sound
from mesgraph.edge.frames import Frame, Kind
from mesgraph.edge.keep import Kept, stopped

FLUSH_S = 0.05
BEAT_S = 1.0
WAITING_MAX = 100_000
"""Samples of a link that wait for the pipe; more are not kept, but counted."""
CHUNK = 1_000
PR_SET_PDEATHSIG = 1


class Outbox:
    """What one link offered and the pipe did not take yet. ``offer`` may be called from any thread."""

    def __init__(self) -> None:
        self.waiting: list[columns.Received] = []
        self.lost = 0
        self.offset_us: int | None = None

    def offer(self, sample: Sample) -> None:
        """Take a sample, now."""
        now = time.time_ns() // 1_000
        if len(self.waiting) >= WAITING_MAX:
            self.lost += 1
            return
        if sample.time is not None:
            self.offset_us = sample.time - now
        self.waiting.append((now, sound(sample)))

    def frames(self, link: int) -> list[Frame]:
        """All that waits, in frames; what was lost came after it, and is counted with the next one."""
        taken, self.waiting = self.waiting, []
        lost, self.lost = self.lost, 0
        made = [
            Frame(Kind.SAMPLES, link, columns.encode(taken[at : at + CHUNK]), len(taken[at : at + CHUNK]))
            for at in range(0, len(taken), CHUNK)
        ]
        return [*made, Frame(Kind.SAMPLES, link, lost=lost)] if lost else made


class Child:
    """The links of one process."""

    def __init__(self, definition: DriverDefinition, links: list[dict[str, Any]], pipe: asyncio.StreamWriter) -> None:
        self._pipe = pipe
        self._outboxes = [Outbox() for _ in links]
        self._kept = [
            Kept(definition, _link(given, outbox), self._teller(index))
            for index, (given, outbox) in enumerate(zip(links, self._outboxes, strict=True))
        ]

    async def run(self, stop: asyncio.Event) -> None:
        """Keep all links until told to stop."""
        links = [asyncio.create_task(kept.run()) for kept in self._kept]
        flushing = asyncio.create_task(self._flush_always())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait([stopping, flushing], return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*(stopped(link) for link in links))
        flushing.cancel()
        await asyncio.gather(flushing, return_exceptions=True)
        await self._flush()

    async def _flush_always(self) -> None:
        beat = 0.0
        while True:
            await self._flush()
            if time.monotonic() - beat >= BEAT_S:
                beat = time.monotonic()
                offsets = [outbox.offset_us for outbox in self._outboxes]
                await self._send(Frame(Kind.BEAT, body=json.dumps(offsets).encode()))
            await asyncio.sleep(FLUSH_S)

    async def _flush(self) -> None:
        for link, outbox in enumerate(self._outboxes):
            for frame in outbox.frames(link):
                await self._send(frame)

    async def _send(self, frame: Frame) -> None:
        self._pipe.write(bytes(frame))
        await self._pipe.drain()

    def _teller(self, link: int) -> Any:
        def tell(state: State, message: str) -> None:
            self._pipe.write(bytes(Frame(Kind.STATE, link, json.dumps([state, message[:2000]]).encode())))

        return tell


def _link(given: dict[str, Any], outbox: Outbox) -> Link:
    tags = [Tag(**tag) for tag in given["tags"]]
    return Link(config=given["config"], tags=tags, offer=outbox.offer, secret=given.get("secret"))


async def _main(frames: int) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    reader = asyncio.StreamReader(limit=64 * 1024 * 1024)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    given = json.loads(await reader.readline())
    transport, protocol = await loop.connect_write_pipe(asyncio.streams.FlowControlMixin, os.fdopen(frames, "wb"))
    pipe = asyncio.StreamWriter(transport, protocol, None, loop)
    found = catalogue.find(given["driver"])
    if found.definition is None:
        for link in range(len(given["links"])):
            pipe.write(bytes(Frame(Kind.STATE, link, json.dumps([State.BROKEN, found.reason]).encode())))
        await pipe.drain()
        await reader.read()
        return 0
    ending = asyncio.create_task(_at_end(reader, stop))
    await Child(found.definition, given["links"], pipe).run(stop)
    ending.cancel()
    return 0


async def _at_end(reader: asyncio.StreamReader, stop: asyncio.Event) -> None:
    await reader.read()
    stop.set()


def main() -> None:
    """Entry point."""
    limit = int(sys.argv[1])
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # what the parent measures is the resident size; this one is the wall behind it
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    frames = os.dup(1)
    os.dup2(2, 1)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    sys.exit(asyncio.run(_main(frames)))


if __name__ == "__main__":
    main()
