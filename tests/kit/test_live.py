"""Subscriptions over a real socket: who may, from where on, and until when."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets import ConnectionClosed, Subprotocol
from websockets.asyncio.client import ClientConnection, connect

from mesgraph.api.live import held
from tests.kit.served import Served, served
from tests.patience import eventually

TOPIC = "subscription ($after: Cursor) { ledgerAppended(after: $after) { cursor event { type } } }"
MAKE = "mutation ($s: String!) { createPrincipal(input: {subject: $s, kind: PERSON, displayName: $s}) { replayed } }"


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        yield running


once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@asynccontextmanager
async def socket(server: Served, **headers: str) -> AsyncIterator[ClientConnection]:
    protocol = Subprotocol("graphql-transport-ws")
    async with connect(
        f"ws://{server.address}/graphql", subprotocols=[protocol], additional_headers=headers, proxy=None
    ) as connection:
        yield connection


async def send(connection: ClientConnection, **message: Any) -> None:
    await connection.send(json.dumps(message))


async def receive(connection: ClientConnection) -> Any:
    async with asyncio.timeout(10):
        return json.loads(await connection.recv())


async def opened(connection: ClientConnection, payload: Any) -> None:
    await send(connection, type="connection_init", payload=payload)
    assert (await receive(connection))["type"] == "connection_ack"


async def closing(connection: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await receive(connection)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


async def subscribe(connection: ClientConnection, query: str, id: str = "1", **variables: Any) -> None:
    await send(connection, type="subscribe", id=id, payload={"query": query, "variables": variables})


async def test_events_come_as_they_happen_and_resume_behind_a_cursor(server: Served) -> None:
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        await subscribe(connection, TOPIC, after="c1-0")
        first = [await receive(connection) for _ in range(3)]
        assert [m["payload"]["data"]["ledgerAppended"]["event"]["type"] for m in first] == [
            "PRINCIPAL_CREATED",
            "ROLE_GRANTED",
            "API_KEY_ISSUED",
        ]
        await server.ask(MAKE, s="ann")
        seen = (await receive(connection))["payload"]["data"]["ledgerAppended"]
        assert seen == {"cursor": "c1-4", "event": {"type": "PRINCIPAL_CREATED"}}
    for name in ("bob", "cid"):
        await server.ask(MAKE, s=name)
    async with socket(server, **server.authorization) as connection:
        await opened(connection, {})
        await subscribe(connection, TOPIC, after="c1-4")
        cursors = [(await receive(connection))["payload"]["data"]["ledgerAppended"]["cursor"] for _ in range(2)]
        assert cursors == ["c1-5", "c1-6"]


@once
@pytest.mark.parametrize(
    "payload", [{}, {"Authorization": "Bearer wrong"}, {"authorization": 7}, {"Authorization": None}, {"token": "x"}]
)
async def test_a_socket_without_a_key_is_closed(server: Served, payload: Any) -> None:
    async with socket(server) as connection:
        await send(connection, type="connection_init", payload=payload)
        assert await closing(connection) == 4403


@once
async def test_nothing_is_answered_before_the_key(server: Served) -> None:
    async with socket(server) as connection:
        await subscribe(connection, TOPIC)
        assert await closing(connection) == 4401


@once
@pytest.mark.parametrize("message", ["no json", "7", "[]", "null", '"text"', "{}", '{"type": 7}', "[" * 5000, b"\xff"])
async def test_nonsense_closes_the_socket_and_harms_nothing_else(server: Served, message: str | bytes) -> None:
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        await connection.send(message)
        assert await closing(connection) == 4400
    assert (await server.post("{ sites { code } }")).status_code == 200


@once
@pytest.mark.parametrize(
    ("document", "code"),
    [
        ('subscription { ledgerAppended(after: "c9-1") { cursor } }', "VALIDATION_FAILED"),
        ('subscription { ledgerAppended(after: "c1-99999") { cursor } }', "VALIDATION_FAILED"),
        ('subscription { ledgerAppended(after: "x") { cursor } }', "INVALID_VALUE"),
        ('subscription { equipmentStateChanged(equipment: "NONE") { cursor } }', "NOT_FOUND"),
        ("subscription { nothing }", "DOCUMENT_INVALID"),
        ("{ sites { code } }", "DOCUMENT_INVALID"),
        ("mutation { submitSites(input: {sites: []}) { replayed } }", "DOCUMENT_INVALID"),
    ],
)
async def test_what_cannot_start_says_why_and_leaves_the_socket_open(server: Served, document: str, code: str) -> None:
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        await subscribe(connection, document)
        message = await receive(connection)
        errors = message["payload"] if message["type"] == "error" else message["payload"]["errors"]
        assert [error["extensions"]["code"] for error in errors] == [code]
        if message["type"] == "next":
            assert (await receive(connection))["type"] == "complete"
        await subscribe(connection, TOPIC, id="2", after="c1-2")
        assert (await receive(connection))["id"] == "2"


@once
async def test_a_socket_has_at_most_twenty_subscriptions(server: Served) -> None:
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        for i in range(20):
            await subscribe(connection, TOPIC, id=str(i), after="c1-3")
        await subscribe(connection, TOPIC, id="one too many", after="c1-3")
        message = await receive(connection)
        assert (message["id"], message["type"]) == ("one too many", "error")


@once
async def test_a_page_of_another_host_may_not_open_a_socket(server: Served) -> None:
    from websockets.exceptions import InvalidStatus

    with pytest.raises(InvalidStatus):
        async with socket(server, Origin="https://elsewhere.example", **server.authorization):
            pass


@once
async def test_completed_subscriptions_leave_nothing_behind(server: Served) -> None:
    metrics = server.app.state.plant.metrics
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        for i in range(30):
            await subscribe(connection, TOPIC, id=str(i), after="c1-2")
            assert (await receive(connection))["id"] == str(i)
            await send(connection, type="complete", id=str(i))

    async def open_subscriptions() -> float:
        return float(metrics.subscriptions._value.get())

    await eventually(open_subscriptions, lambda count: count == 0)


@once
async def test_what_the_subscriptions_of_a_principal_keep_is_bounded(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One text may be asked for often; with a text for each there is an end, until some of them end."""
    monkeypatch.setattr(held, "HELD_TOKENS_MAX", 30)
    named = "subscription S%d { ledgerAppended { cursor event { type } } }"  # of 14 tokens
    async with socket(server, **server.authorization) as first, socket(server, **server.authorization) as second:
        await opened(first, {})
        await opened(second, {})
        for number in range(6):
            await subscribe(first, named % (number % 2), id=f"{number}")
        await server.ask(MAKE, s="ann")
        assert {(await receive(first))["type"] for _ in range(6)} == {"next"}
        await subscribe(second, named % 2)
        refused = await receive(second)
        assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "LIMIT_EXCEEDED")
        await first.close()

        async def accepted() -> bool:
            await subscribe(second, named % 2)
            await server.ask(MAKE, s=f"bob-{time.monotonic_ns()}")
            return bool((await receive(second))["type"] == "next")

        await eventually(accepted, bool)
