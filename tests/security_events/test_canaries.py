"""Canaries: secrets that are sent in every way are nowhere afterwards, neither in the log nor in the database.

All loggers write at DEBUG; those of the clients of this test are left out.
"""

import io
import json
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from mesgraph.security_events.kinds import RULES, SecurityEventKind
from mesgraph.security_events.recording import write_due
from tests.api import SteppedClock, content
from tests.kit.served import Served, served

OF_THE_CLIENT = ("httpx2", "httpcore", "httpcore2", "websockets.client")
MAKE = [
    """mutation { createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { replayed }
      grantRole(input: {principal: "ann", role: QA}) { replayed }
      issueApiKey(input: {principal: "ann", idempotencyKey: "1"}) { text } }""",
    'mutation { openAccount(input: {principal: "ann", idempotencyKey: "2"}) { initialPassword } }',
    'mutation { registerBadge(input: {principal: "ann", badge: "B-1", idempotencyKey: "3"}) { pin } }',
    'mutation { sealBreakGlass(input: {principal: "ann", idempotencyKey: "4"}) { first second } }',
]


def canary(word: str) -> str:
    """A secret that is nowhere else."""
    return f"C4n4ry{word}{secrets.token_hex(8)}"


@dataclass
class Sent:
    """What was sent, by what it is."""

    server: Served
    secrets: dict[str, str] = field(default_factory=dict)

    def keep(self, word: str, secret: str) -> str:
        """Remember a secret; of a key the part that is none is left out."""
        self.secrets[word] = secret.split("_", 2)[-1] if secret.startswith("mg") else secret
        return secret

    async def post(self, path: str, **body: Any) -> Any:
        answer = (await self.server.http.post(f"/auth/{path}", json=body)).json()
        for word in ("accessToken", "refreshToken"):
            if answer.get(word):
                self.keep(f"{word} {len(self.secrets)}", answer[word])
        return answer


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that any logger of the server says."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    handler.addFilter(lambda record: not record.name.startswith(OF_THE_CLIENT))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield text
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
async def sent(database_url: str, log: io.StringIO, standing: SteppedClock) -> AsyncIterator[Sent]:
    async with served(database_url, cpu_ms=0) as server:
        yield Sent(server)


async def test_no_secret_stays_anywhere(sent: Sent, log: io.StringIO) -> None:
    await right_ways(sent)
    for word in ("key", "password", "code"):
        await wrong_ways(sent, sent.keep(f"wrong {word}", canary(word)))
    await wrong_ways(sent, sent.keep("wrong whole key", f"mg_{secrets.token_hex(8)}_{'C4n4ry' + 'x' * 37}"))
    for _ in range(RULES[SecurityEventKind.TOKEN_SPRAYING].threshold):
        await sent.server.post("{ me { id } }", sent.keep(f"{len(sent.secrets)}", canary("token")))
    plant = sent.server.app.state.plant
    await write_due(plant.database, plant.clock, plant.watch)
    stored = json.dumps(await plant.database.read(content))
    assert "TOKEN_SPRAYING" in stored, "what was done was seen"
    assert "ACCOUNT" in stored
    assert log.getvalue(), "everything is logged"
    for word, secret in sent.secrets.items():
        assert secret not in stored, f"{word} is in the database"
        line = next((line for line in log.getvalue().splitlines() if secret in line), None)
        assert line is None, f"{word} is in the log: {line}"


async def right_ways(sent: Sent) -> None:
    """Each secret where it belongs."""
    made: dict[str, Any] = {}
    for document in MAKE:
        made |= await sent.server.ask(document)
    first = sent.keep("first password", made["openAccount"]["initialPassword"])
    pin = sent.keep("pin", made["registerBadge"]["pin"])
    key = sent.keep("key", made["issueApiKey"]["text"])
    halves = {word: sent.keep(f"{word} half", made["sealBreakGlass"][word]) for word in ("first", "second")}
    password = sent.keep("password", canary("password"))
    await sent.post("login", subject="ann", password=first, newPassword=password)
    tokens = await sent.post("login", subject="ann", password=password)
    again = await sent.post("refresh", refreshToken=tokens["refreshToken"])
    access = again["accessToken"]
    assert "errors" not in (await sent.server.post("query Mine { me { id } }", access)).json()
    await step_up(sent, access, password)
    await sent.post("refresh", refreshToken=tokens["refreshToken"])
    await sent.post("login", badge="B-1", pin=pin, terminal="T-1", newPin=sent.keep("new pin", "7391820465"))
    await sent.post("break-glass", **halves)
    assert "errors" not in (await sent.server.post("{ me { id } }", key)).json()
    client_id, secret = key.split("_", 2)[1:]
    form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
    sent.keep("token of a key", (await sent.server.http.post("/auth/token", data=form)).json()["access_token"])
    await subscribe(sent, {"Authorization": f"Bearer {key}"})


async def step_up(sent: Sent, access: str, password: str) -> None:
    """A signature, asked for and given with the password."""
    sites = [{"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}]
    submit = "mutation($s: [SiteInput!]!) { submitSites(input: {sites: $s}) { sites { id } } }"
    record = (await sent.server.ask(submit, s=sites))["submitSites"]["sites"][0]["id"]
    document = """mutation($r: ID!) { challengeSignature(input: {record: $r, meaning: REVIEW}) {
      challenge { text } userErrors { message } } }"""
    asked = (await sent.server.post(document, access, r=record)).json()["data"]["challengeSignature"]
    challenge = sent.keep("challenge", asked["challenge"]["text"])
    headers = {"Authorization": f"Bearer {access}"}
    body = {"challenge": challenge, "subject": "ann", "password": password}
    proof = (await sent.server.http.post("/auth/step-up", json=body, headers=headers)).json()["proof"]
    signature = {"challenge": challenge, "proof": sent.keep("proof", proof)}
    sign = "mutation($s: SignatureInput!) { sign(input: {signature: $s}) { userErrors { code } } }"
    assert (await sent.server.post(sign, access, s=signature)).json()["data"]["sign"]["userErrors"] == []


async def wrong_ways(sent: Sent, secret: str) -> None:
    """The secret wherever else it can be put."""
    server = sent.server
    for headers in (
        {"Authorization": f"Bearer {secret}"},
        {"Authorization": secret},
        {"Authorization": f"Basic {secret}"},
        {"Cookie": f"session={secret}"},
        {"Host": f"{secret}.example"},
        {"Origin": f"https://{secret}.example"},
        {"User-Agent": secret, "X-Api-Key": secret},
    ):
        await server.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
        await server.http.get(f"/graphql?key={secret}", headers=headers)
    for body in (
        {"subject": secret, "password": secret},
        {"subject": "ann", "password": secret},
        {"badge": secret, "pin": secret, "terminal": secret},
        {"refreshToken": secret},
        {"first": secret, "second": secret},
        {"code": secret, "state": "s", "begun": {"state": "s", "nonce": secret, "verifier": secret}},
        {secret: secret},
    ):
        for path in ("login", "refresh", "break-glass", "oidc/finish", "oidc/start"):
            await server.http.post(f"/auth/{path}", json=body)
    await server.http.post("/auth/token", data={"grant_type": "client_credentials", "client_id": secret})
    await server.http.post("/auth/token", data={"client_id": secret, "client_secret": secret})
    release = """mutation Do($s: String!) {
      grantRole(input: {principal: "nobody", role: QA, reason: {code: "R", comment: $s}}) { userErrors { code } } }"""
    for document, variables in (
        (secret, {}),
        (f"{{ {secret} }}", {}),
        (f'{{ node(id: "{secret}") {{ id }} }}', {}),
        ("query ($v: Int!) { node(id: $v) { id } }", {"v": secret}),
        ("query ($v: ID!) { operationsRequest(key: $v) { id } }", {"v": secret}),
        (release, {"s": secret}),
        (release, {"s": {"nested": secret}}),
        (f"query {{ me {{ id }} }} # {secret}", {}),
    ):
        body = {"query": document, "variables": variables, "operationName": None, "extensions": {"k": secret}}
        await server.http.post("/graphql", json=body, headers=server.authorization)
    await server.http.post("/graphql", content=secret, headers=server.authorization)
    for parameters in ({"Authorization": f"Bearer {secret}"}, {"token": secret}, {secret: secret}):
        await subscribe(sent, parameters)


async def subscribe(sent: Sent, parameters: dict[str, str]) -> None:
    """Open a socket with these parameters, and ask something."""
    try:
        async with connect(f"ws://{sent.server.address}/graphql", subprotocols=["graphql-transport-ws"]) as socket:  # type: ignore[list-item]
            await socket.send(json.dumps({"type": "connection_init", "payload": parameters}))
            await socket.recv()
            query = "subscription { ledgerAppended { cursor } }"
            await socket.send(json.dumps({"id": "1", "type": "subscribe", "payload": {"query": query}}))
    except (ConnectionClosed, InvalidStatus):
        pass
