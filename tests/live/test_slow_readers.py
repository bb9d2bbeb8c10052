"""Readers that do not read: bounded, told where to go on, and no concern of the others."""

import asyncio
import json
import re
import resource
import socket as sockets
from collections.abc import AsyncIterator
from itertools import count
from typing import Any

import pytest

from mesgraph.api.live import outlet
from mesgraph.gate.connections import PatientConnection
from tests.kit.served import Served, served
from tests.stages import scaled

SUBSCRIBERS = scaled(100, 5_000)
SLOW = SUBSCRIBERS * 4 // 100
WAIT_S = scaled(60, 600)
"""For what all of them have to do, in this one process."""
BUFFER = 24 * 1024
LONG = " ".join(f"e{n}: event {{ ...Long }}" for n in range(6))
EVENTS = f"""subscription($after: Cursor) {{ ledgerAppended(after: $after) {{ cursor {LONG} }} }}
fragment Long on LedgerEvent {{ eventId type actor recordedAt leafHash payload subjects {{ kind id counter }} }}"""
CURSOR = re.compile(rb'"cursor":"c1-(\d+)"')
SUBMIT = "mutation($sites: [SiteInput!]!) { submitSites(input: {sites: $sites}) { userErrors { code } } }"


@pytest.fixture
async def server(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    monkeypatch.setattr(outlet, "BUFFER_MAX", BUFFER)
    made, connections = PatientConnection.connection_made, count()

    def little_room(self: PatientConnection, transport: Any) -> None:
        if next(connections) < SLOW:  # the system, too, shall not keep much for those who do not read
            transport.get_extra_info("socket").setsockopt(sockets.SOL_SOCKET, sockets.SO_SNDBUF, 4096)
        made(self, transport)

    monkeypatch.setattr(PatientConnection, "connection_made", little_room)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    async with served(database_url, cpu_ms=0, connections_per_peer=20_000) as running:
        yield running


class Client:
    """A socket of graphql-transport-ws, with as little of it as a test of thousands needs."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.cursors: list[int] = []
        self.closed: tuple[int, str] | None = None

    @classmethod
    async def of(cls, server: Served, *, small: bool, after: str | None = None) -> "Client":
        """``small``: it has hardly room for what it does not read."""
        host, _, port = server.address.partition(":")
        plain = sockets.socket()
        if small:
            plain.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 2048)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, (host, int(port)))
        client = cls(*await asyncio.open_connection(sock=plain, limit=2048 if small else 2**16))
        head = f"GET /graphql HTTP/1.1\r\nHost: {server.address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        head += "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        head += f"Sec-WebSocket-Protocol: graphql-transport-ws\r\nAuthorization: Bearer {server.key}\r\n\r\n"
        client._writer.write(head.encode())
        await client._reader.readuntil(b"\r\n\r\n")
        client._send({"type": "connection_init"})
        assert json.loads((await client._frame())[1])["type"] == "connection_ack"
        payload = {"query": EVENTS, "variables": {"after": after}}
        client._send({"type": "subscribe", "id": "1", "payload": payload})
        return client

    async def read(self, until: int | None = None) -> "Client":
        """Read until the event at this position, or the end."""
        while self.closed is None and not (until is not None and self.cursors and self.cursors[-1] >= until):
            opcode, data = await self._frame()
            if opcode == 9:
                self._writer.write(b"\x8a%c\0\0\0\0%b" % (0x80 | len(data), data))
            elif opcode == 8:
                self.closed = int.from_bytes(data[:2], "big"), data[2:].decode()
            elif opcode == 1:
                told = CURSOR.search(data)
                assert told is not None, data
                self.cursors.append(int(told[1]))
        return self

    def cut(self) -> None:
        self._writer.transport.abort()

    async def _frame(self) -> tuple[int, bytes]:
        head = await self._reader.readexactly(2)
        length = head[1]
        if length >= 126:
            length = int.from_bytes(await self._reader.readexactly(2 if length == 126 else 8), "big")
        return head[0] & 15, await self._reader.readexactly(length)

    def _send(self, message: Any) -> None:
        text = json.dumps(message).encode()
        self._writer.write(b"\x81\xfe%b\0\0\0\0%b" % (len(text).to_bytes(2, "big"), text))


@pytest.mark.timeout(scaled(900, 3_600))
async def test_who_does_not_read_goes_on_later_and_misses_nothing(server: Served) -> None:
    plant, hub = server.app.state.plant, server.app.state.hub
    await plant.tail.moved_from((await plant.tail.end()).position - 1)
    clients = [await Client.of(server, small=n < SLOW) for n in range(SUBSCRIBERS)]
    slow, quick = clients[:SLOW], clients[SLOW:]
    async with asyncio.timeout(WAIT_S):
        while sum(len(group.members) for group in hub.groups.values()) < SUBSCRIBERS:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.05)
    [group] = hub.groups.values()
    sockets_of = {member: member.outlet._socket for member in group.members}
    begun, most = plant.tail.cursor.position, 0
    reading = [asyncio.create_task(client.read()) for client in quick]
    rounds = 0
    while len(group.members) > len(quick):
        rounds += 1
        assert rounds < 1_000, "the slow ones were never told"
        sites = [{"code": f"S{n}", "name": f"Call {rounds}", "timeZone": "UTC"} for n in range(20)]
        await server.ask(SUBMIT, sites=sites)
        most = max(most, *(s.buffered() for s in sockets_of.values() if s.transport is not None))
    assert most < BUFFER + 20 * outlet_bytes(group) + 64 * 1024
    # they read again at last: whoever does not for longer is cut off, and goes on from the last event that it has
    reading += [asyncio.create_task(client.read()) for client in slow]
    async with asyncio.timeout(WAIT_S):
        while any(client.cursors[-1:] != [plant.tail.cursor.position] for client in quick):  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.05)
    end = plant.tail.cursor.position
    whole = list(range(begun + 1, end + 1))
    assert all(client.cursors == whole for client in quick), "the others were not disturbed"
    async with asyncio.timeout(WAIT_S):
        await asyncio.gather(*reading[len(quick) :])
    for client in slow:
        assert client.closed is not None
        code, reason = client.closed
        assert code == 4508
        after = reason.rpartition(" ")[2]
        assert reason == f"slow consumer: resume after {after}"
        again = await Client.of(server, small=True, after=after)
        async with asyncio.timeout(WAIT_S):
            await again.read(until=end)
        assert client.cursors + again.cursors == whole
        again.cut()
    for task in reading:
        task.cancel()
    for client in clients:
        client.cut()


def outlet_bytes(group: Any) -> int:
    """Of the longest message of late."""
    return max(len(frame.payload) for frame in group._kept) + 100
