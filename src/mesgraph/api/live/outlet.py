"""How a member of a group gets its messages: straight into its connection, or through an inbox.

Neither grows without end. Of a state the latest is enough for whoever does not read; events are all delivered or none
more, and the one who is too slow for them is told so.
"""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from functools import cached_property
from typing import Protocol

from mesgraph.ledger.queries import Cursor

BUFFER_MAX = 256 * 1024
"""Bytes that may wait for a reader when the messages of an event begin."""
READY = "mesgraph.ready"
"""Where in the scope's extensions a server puts a connection that takes ready frames (:class:`ReadySocket`)."""


class TooSlow(Exception):
    """A reader that did not take what happened; :attr:`cursor` is where it can go on."""

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(f"slow consumer: resume after {cursor}")
        self.cursor = cursor


class Frame:
    """A message of a group, made once for all members.

    ``position`` is that of its event, ``first`` whether it begins the messages of that event.
    """

    def __init__(self, payload: bytes, position: int, *, first: bool) -> None:
        self.payload = payload
        self.position = position
        self.first = first

    def message(self, prefix: bytes) -> str:
        """For graphql-transport-ws, where each message begins with the id that the client has given."""
        return (prefix + self.payload + b"}").decode()

    @cached_property
    def event(self) -> bytes:
        """A server-sent event."""
        return b"event: next\r\ndata: " + self.payload + b"\r\n\r\n"


class Batch:
    """Messages that go out together, all of them or none."""

    def __init__(self, frames: Sequence[Frame]) -> None:
        self.frames = frames
        self._parts: dict[int, list[bytes]] = {}

    def wire(self, prefix: bytes) -> bytes:
        """All of them as frames of a WebSocket, one write for each connection.

        What stands between two prefixes is the same for all whose prefixes are equally long, so it is made once.
        """
        parts = self._parts.get(len(prefix))
        if parts is None:
            parts = self._parts[len(prefix)] = _between(self.frames, len(prefix))
        return prefix.join(parts)


class ReadySocket(Protocol):
    """A connection that takes whole frames of WebSocket as they are."""

    @property
    def paused(self) -> bool:
        """Whether the reader is behind."""

    def buffered(self) -> int:
        """Bytes that the reader has not taken."""

    def send_ready(self, frame: bytes) -> None:
        """Write a frame, unless the connection ends."""

    def on_drained(self, then: "Straight") -> None:
        """Call ``then.drained`` when the reader is not behind any more."""


class Outlet(Protocol):
    """What a member has."""

    def put(self, batch: Batch, *, latest_only: bool) -> bool:
        """Take messages; ``False`` when too many wait. ``latest_only``: they replace those that wait."""

    def frames(self, left: "asyncio.Future[Cursor | None]") -> AsyncGenerator[Frame, None]:
        """What is to be sent by whoever iterates, until its member has ``left``."""

    def clear(self) -> None:
        """Forget a state that waits."""


class Straight:
    """Writes into the connection at once; what a reader does not take waits there."""

    __slots__ = ("_prefix", "_socket", "_waiting")

    def __init__(self, socket: ReadySocket, prefix: bytes) -> None:
        self._socket = socket
        self._prefix = prefix
        self._waiting: Batch | None = None

    def put(self, batch: Batch, *, latest_only: bool) -> bool:
        """As the protocol says."""
        if self._socket.paused:
            if latest_only:
                if self._waiting is None:
                    self._socket.on_drained(self)
                self._waiting = batch
                return True
            if batch.frames[0].first and self._socket.buffered() > BUFFER_MAX:
                return False
        self._socket.send_ready(batch.wire(self._prefix))
        return True

    def drained(self) -> None:
        """The reader has caught up."""
        batch, self._waiting = self._waiting, None
        if batch is not None:
            self._socket.send_ready(batch.wire(self._prefix))

    async def frames(self, left: "asyncio.Future[Cursor | None]") -> AsyncGenerator[Frame, None]:
        """Nothing is left to be sent."""
        await left
        unsent: tuple[Frame, ...] = ()
        for frame in unsent:
            yield frame

    def clear(self) -> None:
        """As the protocol says."""
        self._waiting = None


class Inbox:
    """Messages that wait for whoever sends them."""

    def __init__(self) -> None:
        self._waiting: deque[Frame] = deque()
        self._bytes = 0
        self._news = asyncio.Event()

    def put(self, batch: Batch, *, latest_only: bool) -> bool:
        """As the protocol says."""
        if latest_only:
            self.clear()
        elif batch.frames[0].first and self._bytes > BUFFER_MAX:
            return False
        self._waiting += batch.frames
        self._bytes += sum(len(frame.payload) for frame in batch.frames)
        self._news.set()
        return True

    async def frames(self, left: "asyncio.Future[Cursor | None]") -> AsyncGenerator[Frame, None]:
        """As the protocol says; what was put before the member left is sent first."""
        left.add_done_callback(lambda _: self._news.set())
        while True:
            while self._waiting:
                frame = self._waiting.popleft()
                self._bytes -= len(frame.payload)
                yield frame
            if left.done():
                return
            self._news.clear()
            await self._news.wait()

    def clear(self) -> None:
        """As the protocol says."""
        self._waiting.clear()
        self._bytes = 0


def prefix_of(id: str) -> bytes:
    """What the messages of the subscription with this id begin with."""
    return f'{{"id":{json.dumps(id, ensure_ascii=False)},"type":"next","payload":'.encode()


def _between(frames: Sequence[Frame], prefix: int) -> list[bytes]:
    """What stands before, between and behind the prefixes of frames, where each has so many bytes."""
    parts = [b""]
    for frame in frames:
        parts[-1] += _head(prefix + len(frame.payload) + 1)
        parts.append(frame.payload + b"}")
    return parts


def _head(length: int) -> bytes:
    """How a text message of so many bytes begins as one frame of a server (RFC 6455, section 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")
