"""Whoever takes their time is cut off, and keeps nobody else waiting."""

import asyncio
import json

import pytest

from mesgraph.gate import connections
from tests.kit.served import served
from tests.patience import eventually
from tests.security.raw import exchange

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
HEAD = b"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenth of the patience, so that it ends within a test."""
    for name in ("FIRST_BYTE_S", "HEADERS_S", "BODY_S"):
        monkeypatch.setattr(connections, name, 0.5)


def test_the_patience_is_what_the_guide_says() -> None:
    from importlib import import_module, reload

    fresh = reload(import_module("mesgraph.gate.connections"))
    assert (fresh.FIRST_BYTE_S, fresh.HEADERS_S, fresh.BODY_S) == (10.0, 10.0, 30.0)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (b"P",),
        (HEAD,),
        (HEAD, *[b"X: a\r\n"] * 100),
        (HEAD + b"KEYContent-Length: 1000\r\n\r\n", *[b" "] * 100),
        (HEAD + b"KEYTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\n \r\n"] * 100),
    ],
    ids=["nothing", "one byte", "half a head", "a head in drops", "a body in drops", "chunks in drops"],
)
async def test_who_does_not_send_on_is_told_so_and_cut_off(database_url: str, parts: tuple[bytes, ...]) -> None:
    async with served(database_url) as server:
        key = b"Authorization: Bearer " + server.key.encode() + b"\r\n"
        parts = tuple(part.replace(b"KEY", key) for part in parts)
        answer = await exchange(server.address, *parts, pause_s=0.05 if len(parts) > 1 else 0, quiet_s=3)
        assert answer.closed
        assert answer.status == 408
        assert b'"TIMEOUT"' in answer.text
        assert answer.after_s < 3


async def test_who_was_answered_already_gets_no_second_answer(database_url: str) -> None:
    async with served(database_url) as server:  # without a key: refused before the body is there
        parts = (HEAD + b"Content-Length: 1000\r\n\r\n", *[b" "] * 100)
        answer = await exchange(server.address, *parts, pause_s=0.05, quiet_s=3)
        assert answer.closed
        assert answer.statuses == [401]


async def test_who_sends_on_in_time_is_answered(database_url: str) -> None:
    async with served(database_url) as server:
        body = b'{"query":"{ __typename }"}'
        key = b"Authorization: Bearer " + server.key.encode() + b"\r\n"
        head = HEAD + key + b"Content-Length: %d\r\n\r\n" % len(body)
        answer = await exchange(server.address, head[:50], head[50:], body[:5], body[5:], pause_s=0.2, quiet_s=1)
        assert answer.status == 200


async def test_a_peer_has_so_many_connections_and_a_place_is_free_again_when_one_ends(database_url: str) -> None:
    async with served(database_url, connections_per_peer=5) as server:
        host, port = server.address.split(":")
        held = [await asyncio.open_connection(host, int(port)) for _ in range(5)]
        await asyncio.sleep(0.1)
        beyond = await exchange(server.address, quiet_s=1)
        assert beyond.status == 429
        told = json.loads(beyond.text.split(b"\r\n\r\n")[1])["errors"][0]
        assert told["extensions"]["code"] == "RATE_LIMITED"
        assert "5 connections" in told["message"]
        held[0][1].close()

        async def status() -> int:
            return (
                await exchange(server.address, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", quiet_s=1)
            ).status

        assert await eventually(status, lambda found: found == 200) == 200
        for _, writer in held[1:]:
            writer.close()


async def test_a_socket_keeps_its_place_and_gives_it_back(database_url: str) -> None:
    from websockets.asyncio.client import connect

    async with served(database_url, connections_per_peer=2) as server:
        for _ in range(4):  # one after the other: each gives its place back
            async with connect(f"ws://{server.address}/graphql", subprotocols=["graphql-transport-ws"]):  # type: ignore[list-item]  # a plain name is taken
                pass

        async def left() -> int:
            return (
                await exchange(server.address, b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", quiet_s=1)
            ).status

        assert await eventually(left, lambda found: found == 200) == 200


async def test_slow_connections_stop_nobody_else(database_url: str) -> None:
    async with served(database_url, connections_per_peer=2_000) as server:
        host, port = server.address.split(":")
        slow = [await asyncio.open_connection(host, int(port)) for _ in range(300)]
        for _, writer in slow:
            writer.write(HEAD)
        async with asyncio.timeout(5):
            assert await server.ask("{ sites { code } }") == {"sites": []}
        await asyncio.sleep(0.8)
        ended = [await asyncio.wait_for(reader.read(), 2) for reader, _ in slow]
        assert all(b" 408 " in text for text in ended)
        for _, writer in slow:
            writer.close()
