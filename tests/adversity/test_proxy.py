"""The harness itself: a proxy that passes everything on, and cuts when told to."""

import asyncio

import pytest

from tests.adversity.proxy import proxy_to


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(100):
        writer.write(data)
    writer.close()


async def test_it_passes_bytes_on_and_cuts_when_told_to() -> None:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, proxy_to(server.sockets[0].getsockname()[1]) as proxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(b"there and back")
        assert await reader.readexactly(14) == b"there and back"
        await proxy.cut()
        with pytest.raises(ConnectionError):
            await reader.readexactly(1)
        writer.close()
        assert proxy.cuts == 1
