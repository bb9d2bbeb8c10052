"""The same messages, whatever they travel over."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from mesgraph.gate.connections import PatientSocket
from tests.kit.served import Served, served
from tests.kit.test_live import MAKE, opened, receive, socket, subscribe

EVENTS = 'subscription { ledgerAppended(types: ["PRINCIPAL_CREATED"]) { cursor event { type payload } } }'

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        yield running


async def members(server: Served, count: int) -> None:
    async with asyncio.timeout(10):
        while sum(len(group.members) for group in server.app.state.hub.groups.values()) < count:  # noqa: ASYNC110  # nobody tells
            await asyncio.sleep(0.02)


async def test_streams_get_identical_bytes_and_sockets_the_same_payload(server: Served) -> None:
    asked = {"json": {"query": EVENTS}, "headers": {**server.authorization, "Accept": "text/event-stream"}}
    names = ["ann", "bob", "c" * 40]
    async with AsyncExitStack() as stack:
        streams = [
            (await stack.enter_async_context(server.http.stream("POST", "/graphql/stream", **asked))).aiter_bytes()
            for _ in range(3)
        ]
        connection = await stack.enter_async_context(socket(server))
        await opened(connection, server.authorization)
        for id in ("1", "a longer id"):
            await subscribe(connection, EVENTS, id=id)
        await members(server, 5)
        [group] = server.app.state.hub.groups.values()
        heard = [b""] * 3
        for name in names:
            await server.ask(MAKE, s=name)
        for n, stream in enumerate(streams):
            async with asyncio.timeout(10):
                while heard[n].count(b"event: next") < len(names):
                    heard[n] += await anext(stream)
        assert group.executions == len(names)
        assert heard[0] == heard[1] == heard[2]
        told = [json.loads(line[6:]) for line in heard[0].decode().split("\r\n") if line.startswith("data: ")]
        messages = [await receive(connection) for _ in range(2 * len(names))]
        for id in ("1", "a longer id"):
            assert [message["payload"] for message in messages if message["id"] == id] == told


async def test_a_server_that_takes_no_ready_frames_is_served_as_well(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PatientSocket, "handle_connect", WebSocketsSansIOProtocol.handle_connect)
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        await subscribe(connection, EVENTS)
        await members(server, 1)
        for name in ("ann", "bob"):
            await server.ask(MAKE, s=name)
        told: list[Any] = [await receive(connection) for _ in range(2)]
        types = [message["payload"]["data"]["ledgerAppended"]["event"]["type"] for message in told]
        assert types == ["PRINCIPAL_CREATED"] * 2
