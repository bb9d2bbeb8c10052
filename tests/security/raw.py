"""Bytes on a connection, as no client would send them."""

import asyncio
from dataclasses import dataclass


@dataclass(frozen=True)
class Answer:
    """What came until the server closed, or until there was nothing more for a while."""

    text: bytes
    closed: bool
    after_s: float

    @property
    def status(self) -> int:
        """Of the first answer; 0 when none came."""
        return int(self.text[9:12]) if self.text.startswith(b"HTTP/1.1 ") else 0

    @property
    def statuses(self) -> list[int]:
        """Of all answers."""
        return [int(part[:3]) for part in self.text.split(b"HTTP/1.1 ")[1:]]


async def exchange(address: str, *parts: bytes, pause_s: float = 0, quiet_s: float = 2, half: bool = False) -> Answer:
    """Send ``parts`` with a pause after each, then read until the server closes or is quiet."""
    host, port = address.split(":")
    loop = asyncio.get_running_loop()
    began = loop.time()
    reader, writer = await asyncio.open_connection(host, int(port))
    read = asyncio.create_task(_read(reader, quiet_s + pause_s * len(parts)))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause_s)
            if read.done():
                break
        if half and writer.can_write_eof():
            writer.write_eof()
    except ConnectionError:
        pass
    text, closed = await read
    writer.close()
    return Answer(text, closed, loop.time() - began)


async def _read(reader: asyncio.StreamReader, quiet_s: float) -> tuple[bytes, bool]:
    text = b""
    try:
        while True:
            async with asyncio.timeout(quiet_s):
                part = await reader.read(65_536)
            if not part:
                return text, True
            text += part
    except TimeoutError:
        return text, False
    except ConnectionError:
        return text, True
