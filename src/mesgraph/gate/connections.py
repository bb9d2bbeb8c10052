"""Patience with connections: uvicorn itself waits for ever for the rest of a request, and for a reader that sleeps.

A peer has so many connections at a time. Each sends its first byte, then its headers, then its body within a time, and
takes its answer within a time; who does not is told so, where that is possible, and cut off.
"""

import asyncio
import ipaddress
import json
from collections import Counter
from collections.abc import Collection
from typing import Any, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from mesgraph.api.live.outlet import READY
from mesgraph.errors import MEANINGS, Code

FIRST_BYTE_S = 10.0
HEADERS_S = 10.0
BODY_S = 30.0
READING_S = 60.0
"""How long a connection may take nothing of what it asked for."""
HEADERS_MAX = 32 * 1024
"""Bytes from the first line to the end of the headers."""


class Peers:
    """Counts connections by the address that they come from; trusted proxies speak for many and are not counted."""

    def __init__(self, most: int, trusted: Collection[str] = ()) -> None:
        self.most = most
        self._trusted = [ipaddress.ip_network(address, strict=False) for address in trusted]
        self._open: Counter[str] = Counter()

    def enter(self, address: str) -> bool:
        """Count one more; whether it may stay. Who may not stay need not leave."""
        if self._open[address] >= self.most and not self._is_trusted(address):
            return False
        self._open[address] += 1
        return True

    def leave(self, address: str) -> None:
        """One is gone."""
        self._open[address] -= 1
        if self._open[address] <= 0:
            del self._open[address]

    def _is_trusted(self, address: str) -> bool:
        return any(ipaddress.ip_address(address) in network for network in self._trusted)


class PatientConnection(HttpToolsProtocol):
    """A connection of HTTP that must not take its time."""

    def __init__(self, *args: Any, peers: Peers, **options: Any) -> None:
        super().__init__(*args, **options)
        self._peers = peers
        self._entered = False
        self._heading: int | None = 0
        self._waiting: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """As the parent, for a peer that has not too many."""
        super().connection_made(transport)
        if self.client is None:  # a socket of the file system
            return
        self._entered = self._peers.enter(self.client[0])
        if self._entered:
            self._wait(FIRST_BYTE_S, "nothing was sent")
        else:
            self._end(429, Code.RATE_LIMITED, f"you have {self._peers.most} connections; close one of them first")

    def connection_lost(self, exc: Exception | None) -> None:
        """As the parent."""
        self._calm()
        self._written()
        if self._entered and self.client is not None:
            self._entered = False
            self._peers.leave(self.client[0])
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As the parent, while headers are not too long."""
        if self.transport.is_closing():
            return
        if self._heading is not None:
            self._heading += len(data)
        super().data_received(data)
        if self._heading is not None and self._heading > HEADERS_MAX and not self.transport.is_closing():
            self._end(431, Code.LIMIT_EXCEEDED, f"the headers have over {HEADERS_MAX:,} bytes: send fewer")

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._heading = self._heading or 0
        self._wait(HEADERS_S, "the headers did not end")

    def on_headers_complete(self) -> None:
        """Its body follows."""
        self._heading = None
        self._wait(BODY_S, "the body did not end")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """It is whole."""
        self._heading = 0
        self._calm()
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """From here on a :class:`PatientSocket` has the connection, and its place among those of the peer."""
        self._calm()
        self._entered = False
        super().handle_websocket_upgrade()

    def pause_writing(self) -> None:
        """As the parent; the reader does not read."""
        super().pause_writing()
        self._unread = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """As the parent; it reads again."""
        super().resume_writing()
        self._written()

    def send_400_response(self, msg: str) -> None:
        """What was sent is no HTTP; uvicorn's words say no more than that."""
        self._end(400, Code.DOCUMENT_INVALID, "this is not a request of HTTP/1.1: use a client that speaks it")

    def _wait(self, seconds: float, missed: str) -> None:
        self._calm()
        self._waiting = self.loop.call_later(
            seconds, self._end, 408, Code.TIMEOUT, f"{missed} within {seconds:g} s: send it faster, or in parts"
        )

    def _calm(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None

    def _written(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _end(self, status: int, code: Code, message: str) -> None:
        """Say why, if no other answer has begun, and hang up."""
        self._calm()
        cycle: Any = self.cycle  # none before the first request, whatever uvicorn declares
        between = self._heading is not None and cycle is not None and cycle.response_complete
        if cycle is None or between or not cycle.response_started:
            self.transport.write(_answer(status, code, message))
        self.transport.close()


class Drained(Protocol):
    """Waits for a reader that was behind."""

    def drained(self) -> None:
        """The reader has caught up."""


class Mail:
    """As much of ``asyncio.Queue`` as a WebSocket needs: one reader, and mostly nothing in it."""

    __slots__ = ("_messages", "_waiting")

    def __init__(self) -> None:
        self._messages: list[Any] = []
        self._waiting: asyncio.Future[None] | None = None

    def put_nowait(self, message: Any) -> None:
        """Add a message."""
        self._messages.append(message)
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    async def get(self) -> Any:
        """The first message, as soon as there is one."""
        while not self._messages:
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._messages.pop(0)

    def empty(self) -> bool:
        """Whether there is none."""
        return not self._messages


class PatientSocket(WebSocketsSansIOProtocol):
    """A WebSocket, which keeps its place among the connections of its peer, and must be read.

    It stands in the extensions of its scope and takes ready frames there (:mod:`mesgraph.api.live.outlet`).
    """

    def __init__(self, *args: Any, peers: Peers, **options: Any) -> None:
        super().__init__(*args, **options)
        self._peers = peers
        self._unread: asyncio.TimerHandle | None = None
        self._waiting: list[Drained] = []
        self.paused = False
        self.queue: Any = Mail()

    def handle_connect(self, event: Request) -> None:
        """As the parent, for an application that may have frames that are ready."""
        super().handle_connect(event)
        if self.handshake_initiated and not self.handshake_complete:
            extensions: Any = self.scope["extensions"]
            extensions[READY] = self

    def start_keepalive(self) -> None:
        """As the parent, once the handshake is done: what it took is not needed any more."""
        super().start_keepalive()
        self.request.headers.clear()  # the parser of the connection keeps it
        del self.request, self.response

    def buffered(self) -> int:
        """Bytes that the reader has not taken."""
        return self.transport.get_write_buffer_size()

    def send_ready(self, frame: bytes) -> None:
        """Write a frame, unless the connection ends."""
        if not (self.close_sent or self.disconnected):
            self.transport.write(frame)

    def on_drained(self, then: Drained) -> None:
        """Tell ``then`` when the reader is not behind any more."""
        self._waiting.append(then)

    def connection_lost(self, exc: Exception | None) -> None:
        """As the parent."""
        self._written()
        self._waiting.clear()
        if self.client is not None:
            self._peers.leave(self.client[0])
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """As the parent; the reader does not read."""
        super().pause_writing()
        self.paused = True
        self._unread = self.loop.call_later(READING_S, self.transport.abort)

    def resume_writing(self) -> None:
        """As the parent; it reads again."""
        super().resume_writing()
        self._written()
        self.paused = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.drained()

    def _written(self) -> None:
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None


REASONS = {
    400: b"Bad Request",
    408: b"Request Timeout",
    429: b"Too Many Requests",
    431: b"Request Header Fields Too Large",
}


def _answer(status: int, code: Code, message: str) -> bytes:
    extensions: dict[str, Any] = {"code": code.value, "retryable": MEANINGS[code].retryable, "path": []}
    body = json.dumps({"errors": [{"message": message, "extensions": extensions}]}, separators=(",", ":")).encode()
    head = (
        b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n"
        b"x-content-type-options: nosniff\r\n\r\n"
    )
    return head % (status, REASONS[status], len(body)) + body
