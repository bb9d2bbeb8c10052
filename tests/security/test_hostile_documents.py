"""A sample of what ``python -m tests.security.assault`` sends: nothing breaks or hangs, every refusal has a code."""

import asyncio
import json
from typing import Any

import pytest

from tests.kit.served import served
from tests.security.assault import Attacker, Outcome
from tests.security.hostile import FAMILIES, attempts

ROUNDS = 3


@pytest.mark.parametrize("way", ["post", "socket"])
async def test_no_family_of_hostile_documents_breaks_the_server(database_url: str, way: str) -> None:
    async with served(database_url, cpu_ms=0) as server:
        outcome = Outcome()
        attacker = Attacker(server.address, server.key, outcome)
        sent = [a for a in attempts(20260216, ROUNDS * len(FAMILIES)) if way == "post" or a.message is not None]
        assert len(sent) > ROUNDS * 30
        for attempt in sent:
            if way == "post":
                await attacker.post(attempt)
            elif len(attempt.body) < 60_000:
                await attacker.send(attempt)
        await attacker.end()
        assert outcome.server_errors == []
        assert outcome.hangs == []
        assert outcome.uncoded == []
        assert outcome.longest < 100_000, "no answer is much longer than what was sent"
        assert await server.ask("{ sites { code } }") == {"sites": []}, "the server goes on"


MESSAGES: list[Any] = [
    "no json",
    "[]",
    "7",
    "null",
    "{}",
    '{"type": 5}',
    '{"type": "nonsense"}',
    '{"type": ["subscribe"]}',
    '{"type": "subscribe"}',
    '{"type": "subscribe", "id": [], "payload": {"query": "{a}"}}',
    '{"type": "subscribe", "id": {}, "payload": {"query": "{a}"}}',
    '{"type": "subscribe", "id": "1", "payload": 5}',
    '{"type": "subscribe", "id": "1", "payload": []}',
    '{"type": "subscribe", "id": "", "payload": {"query": "{a}"}}',
    json.dumps({"type": "subscribe", "id": "i" * 10_000, "payload": {"query": "{a}"}}),
    json.dumps({"type": "t" * 10_000}),
    '{"type": "complete", "id": {}}',
    "[" * 30_000,
    '{"a":' * 10_000,
    '{"type": "subscribe", "id": "\\ud800", "payload": {"query": "{a}"}}',
    b"\x00\x01",
]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: str(message)[:40])
async def test_a_message_of_another_shape_closes_the_socket_and_nothing_else(
    database_url: str, message: Any, caplog: pytest.LogCaptureFixture
) -> None:
    async with served(database_url) as server:
        attacker = Attacker(server.address, server.key, Outcome())
        socket = await attacker._open()
        await socket.send(message)
        async with asyncio.timeout(5):
            await socket.wait_closed()
        assert socket.close_code in (4400, 1003, 1007)
        assert await server.ask("{ sites { code } }") == {"sites": []}
    assert not [record for record in caplog.records if record.exc_info], "and is no fault to be logged"
