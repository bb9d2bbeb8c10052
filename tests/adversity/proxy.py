"""A TCP proxy on the loopback interface whose connections a test can cut."""

import asyncio
import contextlib
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Proxy:
    """Passes bytes to ``target_port``. ``cuts`` counts the connections that were cut."""

    def __init__(self, target_port: int) -> None:
        self.target_port = target_port
        self.port = 0
        self.cuts = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._connected = asyncio.Event()
        self._pipes: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def cut(self) -> None:
        """Reset a connection in both directions; waits until there is one."""
        await self._connected.wait()
        for writer in list(self._open):
            # Linger zero: both ends see a reset, and what was on its way is lost.
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            writer.transport.abort()
        self._open.clear()
        self._connected.clear()
        self.cuts += 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, there[1]}
        self._connected.set()
        pipes = [asyncio.create_task(pipe(reader, there[1])), asyncio.create_task(pipe(there[0], writer))]
        self._pipes.update(pipes)
        await asyncio.wait(pipes, return_when=asyncio.FIRST_COMPLETED)
        for task in pipes:
            task.cancel()
        await asyncio.gather(*pipes, return_exceptions=True)
        self._pipes.difference_update(pipes)
        self._open -= {writer, there[1]}
        if not self._open:
            self._connected.clear()
        for end in (writer, there[1]):
            end.close()
            with contextlib.suppress(OSError):
                await end.wait_closed()


async def pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@asynccontextmanager
async def proxy_to(target_port: int) -> AsyncIterator[Proxy]:
    """A proxy that listens while the block runs."""
    proxy = Proxy(target_port)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
        if proxy._open:
            await proxy.cut()
