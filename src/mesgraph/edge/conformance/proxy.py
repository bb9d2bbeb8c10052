"""A TCP line between driver and machine that has every fault of a plant, on demand.

What comes from the machine in one piece counts as one reply. Faults are attributes; several may be on at a time.
"""

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

RESET_ON_CLOSE = struct.pack("ii", 1, 0)
PIECE = 65_536
FLOOD_BYTES = 64 * 1024 * 1024

Mutation = Callable[[random.Random, bytes], bytes]


@dataclass
class Line:
    """The faults, and the port of the line. ``replies`` counts what the machine sent."""

    port: int = 0
    to: int = 0
    latency_s: float = 0.0
    """Each reply comes so much later."""
    late_s: float = 0.0
    """Every third reply comes so much later."""
    black_hole: bool = False
    """Nothing passes either way, new connections included, and nobody is told."""
    dribble_s: float = 0.0
    """Replies come byte by byte, with this pause."""
    duplicate: bool = False
    """Each reply comes twice."""
    stale: bool = False
    """Before each reply comes the one before it."""
    corrupt: Mutation | None = None
    """What is made of each reply."""
    flood: bool = False
    """Instead of a reply come 64 MiB of chance."""
    cut_in_frame: bool = False
    """The next reply ends in its middle, and with it the connection, by a reset."""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    replies: int = 0
    connections: int = 0
    _ends: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def open(self) -> int:
        """Connections of drivers that are open now."""
        return len(self._ends) // 2

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass one connection on."""
        self.connections += 1
        try:
            there, to = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            _reset(writer)
            return
        ends = {writer, to}
        self._ends |= ends
        pipes = [asyncio.create_task(self._questions(reader, to)), asyncio.create_task(self._replies(there, writer))]
        try:
            await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pipe in pipes:
                pipe.cancel()
            await asyncio.gather(*pipes, return_exceptions=True)
            self._ends -= ends
            for end in ends:
                end.close()

    def drop_machine(self) -> None:
        """The machine is gone without a word: its side ends, the driver's side stays open and silent."""
        self.black_hole = True
        for writer in self._ends:
            if writer.get_extra_info("peername")[1] == self.to:
                _reset(writer)

    def reset(self) -> None:
        """Reset all connections."""
        for writer in list(self._ends):
            _reset(writer)

    async def _questions(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                if not self.black_hole:
                    writer.write(data)
                    await writer.drain()

    async def _replies(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        before = b""
        with contextlib.suppress(OSError):
            while data := await reader.read(PIECE):
                self.replies += 1
                if self.cut_in_frame:
                    self.cut_in_frame = False
                    writer.write(data[: len(data) // 2])
                    await asyncio.sleep(0.01)
                    _reset(writer)
                    return
                await self._pass(writer, data, before)
                before = data
            while self.black_hole:  # noqa: ASYNC110  # the machine is gone, but nobody tells the driver
                await asyncio.sleep(0.05)

    async def _pass(self, writer: asyncio.StreamWriter, data: bytes, before: bytes) -> None:
        await asyncio.sleep(self.latency_s + (self.late_s if self.replies % 3 == 0 else 0))
        if self.black_hole:
            return
        if self.flood:
            for _ in range(FLOOD_BYTES // PIECE):
                writer.write(self.chance.randbytes(PIECE))
                await writer.drain()
            return
        if self.corrupt is not None:
            data = self.corrupt(self.chance, data)
        sent = (before if self.stale else b"") + data + (data if self.duplicate else b"")
        if not self.dribble_s:
            writer.write(sent)
            await writer.drain()
            return
        for at in range(len(sent)):
            writer.write(sent[at : at + 1])
            await writer.drain()
            await asyncio.sleep(self.dribble_s)


def mutate(chance: random.Random, data: bytes) -> bytes:
    """A reply with something wrong: bits, lengths, a part missing, twice, or too much, or nothing right at all."""
    kind, wrong = chance.randrange(7), bytearray(data)
    at = chance.randrange(len(wrong)) if wrong else 0
    if kind == 0 and wrong:
        wrong[at] ^= 1 << chance.randrange(8)
    elif kind == 1 and wrong:
        wrong[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
    elif kind == 2:
        del wrong[at:]
    elif kind == 3:
        wrong[at:at] = wrong[: chance.randrange(1, 64)]
    elif kind == 4:
        wrong[at : at + 4] = chance.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\0\0\0\0"))
    elif kind == 5:
        wrong += chance.randbytes(chance.randrange(1, 300))
    else:
        wrong = bytearray(chance.randbytes(chance.randrange(1, 300)))
    return bytes(wrong)


@asynccontextmanager
async def line_to(port: int) -> AsyncIterator[Line]:
    """A line to ``port`` for as long as the block lasts."""
    line = Line(to=port)
    server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.black_hole = False
        line.reset()
        await asyncio.sleep(0)


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        # linger zero: the other side sees a reset, and what was on its way is lost
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
