"""A planning system that receives messages over HTTP and misbehaves as it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Received:
    """A message as it came."""

    message_id: str
    order: str
    trigger: str
    timestamp: str
    signature: str
    body: bytes


@dataclass
class FakeErp:
    """``script`` says what happens to the next requests; afterwards all are well received.

    A number is a status; ``hang`` never answers, ``applied-hang`` books the message and then never answers, ``slow``
    answers late, ``cut`` closes the connection, ``wrong-ack`` confirms another message.
    """

    script: list[int | str] = field(default_factory=list)
    arrived: list[Received] = field(default_factory=list)
    booked: list[Received] = field(default_factory=list)
    address: str = ""

    @property
    def orders(self) -> dict[str, list[str]]:
        """What was booked for each order, each message once: the receiver knows ids that it has seen."""
        found: dict[str, list[str]] = {}
        for message in {message.message_id: message for message in self.booked}.values():
            found.setdefault(message.order, []).append(message.trigger)
        return found

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (message := await _message(reader)) is not None:
                self.arrived.append(message)
                answer = await self._act(message, self.script.pop(0) if self.script else 200)
                if answer is None:
                    return
                writer.write(answer.encode())
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _act(self, message: Received, what: int | str) -> str | None:
        match what:
            case "hang" | "applied-hang":
                if what == "applied-hang":
                    self.booked.append(message)
                await asyncio.sleep(60)
                return None
            case "cut":
                return None
            case "slow":
                await asyncio.sleep(0.2)
                what = 200
            case "wrong-ack":
                return "HTTP/1.1 200 OK\r\nMesgraph-Message-Id: another\r\nContent-Length: 0\r\n\r\n"
        if isinstance(what, int) and what < 300:
            self.booked.append(message)
        return f"HTTP/1.1 {what} X\r\nContent-Length: 0\r\n\r\n"


async def _message(reader: asyncio.StreamReader) -> Received | None:
    head = await reader.readuntil(b"\r\n\r\n")
    lines = head.decode().split("\r\n")[1:]
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
    body = await reader.readexactly(int(headers["content-length"]))
    names = ("message-id", "order", "trigger", "timestamp", "signature")
    return Received(*(headers[f"mesgraph-{name}"] for name in names), body)


@asynccontextmanager
async def fake_erp() -> AsyncIterator[FakeErp]:
    """Listen for as long as the block lasts."""
    erp = FakeErp()
    tasks: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(erp.serve(reader, writer))
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    erp.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/mes"
    try:
        yield erp
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
