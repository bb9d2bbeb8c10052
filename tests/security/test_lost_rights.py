"""Whoever loses the right to look is cut off at once, and sees nothing that happened since."""

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select
from websockets import ConnectionClosed

from mesgraph.errors import Code, Unavailable
from mesgraph.ledger.models import LedgerEvent, Position
from tests.kit.served import Served, served
from tests.kit.test_live import TOPIC, opened, socket, subscribe
from tests.patience import eventually

TRIALS = 500 if os.environ.get("MESGRAPH_TEST_SCALE") == "full" else 10
WITHDRAWN_S, EXPIRED_S = 5.0, 2.0

MAKE = """mutation($who: String!, $id: ID!) {
  createPrincipal(input: {subject: $who, kind: PERSON, displayName: $who}) { userErrors { code } }
  grantRole(input: {principal: $id, role: AUDITOR}) { userErrors { code } }
  openAccount(input: {principal: $id}) { initialPassword userErrors { code } }
  issueApiKey(input: {principal: $id}) { text apiKey { keyId } userErrors { code } } }"""
NOISE = "mutation($s: String!) { createPrincipal(input: {subject: $s, kind: PERSON, displayName: $s}) { replayed } }"
KEY_ENDS = {
    "revokeApiKey": "mutation($keyId: ID!) { revokeApiKey(input: {apiKey: $keyId}) { userErrors { code } } }",
    "withdrawRole": """mutation($id: ID!) {
      withdrawRole(input: {principal: $id, role: AUDITOR}) { userErrors { code } } }""",
    "deactivate": "mutation($id: ID!) { deactivatePrincipal(input: {principal: $id}) { userErrors { code } } }",
}
SESSION_ENDS = {
    "endSessions": "mutation($id: ID!) { endSessions(input: {principal: $id}) { userErrors { code } } }",
    "openAccount": "mutation($id: ID!) { openAccount(input: {principal: $id}) { userErrors { code } } }",
    **{name: KEY_ENDS[name] for name in ("withdrawRole", "deactivate")},
}
ENDING = ("API_KEY_REVOKED", "ROLE_WITHDRAWN", "PRINCIPAL_DEACTIVATED", "SESSION_ENDED")


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        yield running


@dataclass
class Watcher:
    """Somebody who looks on: what came, and how it ended."""

    positions: list[int] = field(default_factory=list)
    code: int | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def see(self, data: Any) -> None:
        if data:
            self.positions.append(int(data["ledgerAppended"]["cursor"].rpartition("-")[2]))

    async def on_socket(self, server: Served, token: str) -> None:
        async with socket(server) as connection:
            await opened(connection, {"Authorization": f"Bearer {token}"})
            await subscribe(connection, TOPIC, after="c1-0")
            try:
                while True:
                    self.see((json.loads(await connection.recv()).get("payload") or {}).get("data"))
            except ConnectionClosed as closed:
                self.code = closed.rcvd and closed.rcvd.code
        self.ended.set()

    async def on_stream(self, server: Served, token: str) -> None:
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/event-stream"}
        body = {"query": TOPIC, "variables": {"after": "c1-0"}}
        async with server.http.stream("POST", "/graphql/stream", json=body, headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    self.see((json.loads(line[6:]).get("payload") or json.loads(line[6:])).get("data"))
        self.ended.set()


@asynccontextmanager
async def noise(server: Served, draw: random.Random, name: str) -> AsyncIterator[None]:
    """Things that happen meanwhile; in half of the trials nothing does."""

    async def happen() -> None:
        for i in range(10_000):
            await server.ask(NOISE, s=f"{name}-{i}")

    task = asyncio.create_task(happen()) if draw.random() < 0.5 else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def end_of(server: Served, who: str) -> int:
    """The place in the record at which somebody lost the right."""
    statement = (
        select(Position.position)
        .join(LedgerEvent, LedgerEvent.id == Position.ledger_event_id)
        .where(LedgerEvent.type.in_(ENDING))
        .order_by(Position.position.desc())
    )
    found: int = await server.app.state.plant.database.read(lambda s: s.scalars(statement).first())
    return found


async def trial(server: Served, draw: random.Random, number: int) -> None:
    who = f"watcher{number}"
    made = await server.ask(MAKE, who=who, id=who)
    by_session = draw.random() < 0.5
    if by_session:
        login = {"subject": who, "password": made["openAccount"]["initialPassword"], "newPassword": "long and random 7"}
        token = (await server.http.post("/auth/login", json=login)).json()["accessToken"]
    else:
        token = made["issueApiKey"]["text"]
    name, mutation = draw.choice(list((SESSION_ENDS if by_session else KEY_ENDS).items()))
    watcher = Watcher()
    over = watcher.on_socket if draw.random() < 0.6 else watcher.on_stream
    async with AsyncExitStack() as stack:
        watching = asyncio.create_task(over(server, token))
        stack.callback(watching.cancel)
        await stack.enter_async_context(noise(server, draw, f"noise{number}"))
        async with asyncio.timeout(10):
            while not watcher.positions:  # noqa: ASYNC110  # the watcher stops for nothing
                await asyncio.sleep(0.01)
        keyed = {"keyId": made["issueApiKey"]["apiKey"]["keyId"]}
        await server.ask(mutation, **(keyed if name == "revokeApiKey" else {"id": who}))
        async with asyncio.timeout(WITHDRAWN_S):
            await watcher.ended.wait()
        await watching
    if over == watcher.on_socket:
        assert watcher.code == 4403, name
    assert max(watcher.positions) <= await end_of(server, who), name


@pytest.mark.timeout(3600)
async def test_who_loses_a_right_sees_nothing_that_happens_after_it(server: Served) -> None:
    draw = random.Random(11)
    for number in range(TRIALS):
        await trial(server, draw, number)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("over", ["on_socket", "on_stream"])
async def test_what_was_opened_with_a_token_ends_with_it(
    server: Served, over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import timedelta

    monkeypatch.setattr("mesgraph.access.sessions.ACCESS_LIFE", timedelta(seconds=1.5))
    made = await server.ask(MAKE, who="ann", id="ann")
    login = {"subject": "ann", "password": made["openAccount"]["initialPassword"], "newPassword": "long and random 7"}
    token = (await server.http.post("/auth/login", json=login)).json()["accessToken"]
    watcher = Watcher()
    watching = asyncio.create_task(getattr(watcher, over)(server, token))
    async with asyncio.timeout(1.5 + EXPIRED_S):
        await watcher.ended.wait()
    await watching
    assert watcher.positions
    assert watcher.code == (4401 if over == "on_socket" else None)
    before = max(watcher.positions)
    await server.ask(NOISE, s="later")
    assert max(watcher.positions) == before


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_who_gets_a_right_goes_on_looking(server: Served) -> None:
    made = await server.ask(MAKE, who="ann", id="ann")
    watcher = Watcher()
    watching = asyncio.create_task(watcher.on_socket(server, made["issueApiKey"]["text"]))
    async with asyncio.timeout(10):
        while not watcher.positions:  # noqa: ASYNC110  # the watcher stops for nothing
            await asyncio.sleep(0.01)
        grant = 'mutation { grantRole(input: {principal: "ann", role: VIEWER}) { grant { id } } }'
        await server.ask(grant)
        await server.ask(NOISE, s="later")
        while max(watcher.positions) < server.app.state.plant.tail.cursor.position:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0.01)
    assert not watcher.ended.is_set()
    watching.cancel()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_database_that_does_not_answer_takes_no_right_away(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesgraph.api.door.LOOK_S", 0.01)
    door, authorization = server.app.state.door, server.authorization["Authorization"]
    actor = await door.actor_of(authorization)
    read, asked = door.actor_of, []

    async def silent(text: str | None) -> Any:
        asked.append(text)
        if len(asked) < 3:
            raise Unavailable(Code.UNAVAILABLE, "the database does not answer")
        return await read(text)

    monkeypatch.setattr(door, "actor_of", silent)
    waiting = asyncio.create_task(door.lost(authorization, actor))

    async def times_asked() -> int:
        return len(asked)

    await eventually(times_asked, lambda times: times == 3)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert len(asked) == 3
    waiting.cancel()
