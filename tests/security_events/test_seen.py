"""Attacks on a running server are seen, and what people do every day is not."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesgraph.api.nodes import opaque_id
from mesgraph.security_events.kinds import RULES, SecurityEventKind
from tests.api import SteppedClock
from tests.kit.served import Served, served

RAISED = """query($kind: [SecurityEventKind!]) { securityEvents(filter: {kind: $kind}) { nodes {
  kind count source detail principal { subject } } } }"""
PERSON = """mutation($who: String!, $id: ID!) {
  createPrincipal(input: {subject: $who, kind: PERSON, displayName: $who}) { userErrors { code } }
  grantRole(input: {principal: $id, role: OPERATOR}) { userErrors { code } }
  openAccount(input: {principal: $id}) { initialPassword userErrors { code } }
  issueApiKey(input: {principal: $id}) { text userErrors { code } } }"""
PASSWORD = "correct horse battery"


EXPORTED = 40
"""Rows from which on it is an export."""
counted = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What is counted in memory is counted alike whatever the database."""


class Person:
    """Somebody with a key and a password."""

    def __init__(self, server: Served, subject: str, key: str) -> None:
        self.server, self.subject, self.key = server, subject, key

    async def ask(self, document: str, **variables: Any) -> Any:
        return (await self.server.post(document, self.key, **variables)).json()


@pytest.fixture
async def server(database_url: str, standing: SteppedClock) -> AsyncIterator[Served]:
    async with served(database_url, cpu_ms=0, mass_export_rows=EXPORTED) as running:
        yield running


@pytest.fixture
async def operator(server: Served) -> Person:
    made = await server.ask(PERSON, who="op-1", id="op-1")
    first = made["openAccount"]["initialPassword"]
    login = {"subject": "op-1", "password": first, "newPassword": PASSWORD}
    assert (await server.http.post("/auth/login", json=login)).status_code == 200
    return Person(server, "op-1", made["issueApiKey"]["text"])


async def raised(server: Served, kind: SecurityEventKind) -> list[dict[str, Any]]:
    """The security events of a kind, once there is one."""
    async with asyncio.timeout(30):
        while True:
            nodes: list[dict[str, Any]] = (await server.ask(RAISED, kind=[kind]))["securityEvents"]["nodes"]
            if nodes:
                return nodes
            await asyncio.sleep(0.1)


@counted
async def test_wrong_tokens_of_one_address(server: Served) -> None:
    for _ in range(RULES[SecurityEventKind.TOKEN_SPRAYING].threshold):
        assert (await server.post("{ me { id } }", f"mg_{secrets.token_hex(8)}_{'A' * 43}")).status_code == 401
    [event] = await raised(server, SecurityEventKind.TOKEN_SPRAYING)
    assert event["source"] == "peer 127.0.0.1"


@counted
async def test_wrong_tokens_where_one_logs_out(server: Served) -> None:
    for number in range(RULES[SecurityEventKind.TOKEN_SPRAYING].threshold):
        bearer = {"Authorization": f"Bearer mga_{number:016x}_{'A' * 43}"}
        assert (await server.http.post("/auth/logout", headers=bearer)).status_code == 401
    [event] = await raised(server, SecurityEventKind.TOKEN_SPRAYING)
    assert event["source"] == "peer 127.0.0.1"


async def test_guesses_at_an_account(server: Served, operator: Person) -> None:
    for _ in range(RULES[SecurityEventKind.LOGIN_GUESSING].threshold):
        await server.http.post("/auth/login", json={"subject": "op-1", "password": "wrong"})
    events = await raised(server, SecurityEventKind.LOGIN_GUESSING)
    async with asyncio.timeout(30):
        while len(events) < 2:
            events = await raised(server, SecurityEventKind.LOGIN_GUESSING)
    by_peer, by_account = sorted(events, key=lambda event: event["principal"] is not None)
    assert by_peer["source"] == "peer 127.0.0.1"
    assert by_account["principal"] == {"subject": "op-1"}


async def test_a_refresh_token_that_comes_twice(server: Served, operator: Person) -> None:
    login = {"subject": "op-1", "password": PASSWORD}
    token = (await server.http.post("/auth/login", json=login)).json()["refreshToken"]
    for status in (200, 401):
        assert (await server.http.post("/auth/refresh", json={"refreshToken": token})).status_code == status
    [event] = await raised(server, SecurityEventKind.REFRESH_TOKEN_REUSED)
    assert event["principal"] == {"subject": "op-1"}


@counted
async def test_questions_for_what_is_not_there(server: Served, operator: Person) -> None:
    for number in range(RULES[SecurityEventKind.PROBING].threshold):
        await operator.ask("query($k: ID!) { operationsRequest(key: $k) { id } }", k=f"HV1/ORDER-{number}")
    [event] = await raised(server, SecurityEventKind.PROBING)
    assert event["principal"] == {"subject": "op-1"}


@counted
async def test_ids_that_are_tried_in_a_row(server: Served, operator: Person) -> None:
    for number in range(RULES[SecurityEventKind.PROBING].threshold):
        ids = [opaque_id("Site", 1_000 + number)]
        assert (await operator.ask("query($i: [ID!]!) { nodes(ids: $i) { id } }", i=ids))["data"] == {"nodes": [None]}
    [event] = await raised(server, SecurityEventKind.PROBING)
    assert event["principal"] == {"subject": "op-1"}


@counted
async def test_what_people_scan_and_screens_repeat_is_no_probing(server: Served, operator: Person) -> None:
    for number in range(2 * RULES[SecurityEventKind.PROBING].threshold):
        await operator.ask("query($c: String!) { itemByScan(code: $c) { id } }", c=f"L-{number}")
        answer = await operator.ask("{ principals { nodes { id } } }")
        assert answer["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert server.app.state.plant.watch.due() == []
    found = await server.ask(RAISED, kind=[SecurityEventKind.PROBING])
    assert found["securityEvents"]["nodes"] == [], "nor was it told of in between"


@counted
async def test_deep_pages_of_lists(server: Served, operator: Person) -> None:
    sites = [{"code": f"S{number}", "name": "S", "timeZone": "Europe/Lisbon"} for number in range(30)]
    await server.ask("mutation($s: [SiteInput!]!) { submitSites(input: {sites: $s}) { replayed } }", s=sites)
    page = "query($a: String) { equipmentList(first: 20, after: $a) { nodes { id } pageInfo { endCursor } } }"
    for _ in range(10):
        await operator.ask(page)
    assert server.app.state.plant.watch.due() == [], "first pages are what screens show"
    first = (await operator.ask(page))["data"]["equipmentList"]["pageInfo"]["endCursor"]
    for _ in range(4):
        await operator.ask(page, a=first)
    [event] = await raised(server, SecurityEventKind.MASS_EXPORT)
    assert event["principal"] == {"subject": "op-1"}


@counted
async def test_things_one_after_the_other_by_id(server: Served, operator: Person) -> None:
    """An id is a number in disguise: whoever counts up gets at everything in scope."""
    sites = [{"code": f"S{number}", "name": "S", "timeZone": "Europe/Lisbon"} for number in range(30)]
    await server.ask("mutation($s: [SiteInput!]!) { submitSites(input: {sites: $s}) { replayed } }", s=sites)
    page = "{ equipmentList(first: 20) { nodes { id } } }"
    ids = [node["id"] for node in (await operator.ask(page))["data"]["equipmentList"]["nodes"]]
    assert ids
    for _ in range(EXPORTED // len(ids)):
        assert server.app.state.plant.watch.due() == []
        await operator.ask("query($i: [ID!]!) { nodes(ids: $i) { id } }", i=ids)
    [event] = await raised(server, SecurityEventKind.MASS_EXPORT)
    assert event["principal"] == {"subject": "op-1"}


@counted
async def test_requests_that_cost_too_much(server: Served, operator: Person) -> None:
    lists = " ".join(f"l{n}: equipmentList(first: 500) {{ nodes {{ site {{ code }} }} }}" for n in range(20))
    costly = f"{{ {lists} }}"
    for _ in range(RULES[SecurityEventKind.COST_SPIKE].threshold):
        answer = await operator.ask(costly)
        assert answer["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED", answer
    [event] = await raised(server, SecurityEventKind.COST_SPIKE)
    assert event["principal"] == {"subject": "op-1"}


async def test_roles_that_matter(server: Served) -> None:
    await server.ask("""mutation {
      createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { replayed }
      planner: grantRole(input: {principal: "ann", role: PLANNER}) { replayed }
      admin: grantRole(input: {principal: "bob", role: ADMIN}) { replayed }
      bob: createPrincipal(input: {subject: "bob", kind: PERSON, displayName: "Bob"}) { replayed }
      grantRole(input: {principal: "bob", role: ADMIN}) { userErrors { code } } }""")
    [event] = await raised(server, SecurityEventKind.POLICY_CHANGED)
    assert (event["principal"], event["detail"]) == ({"subject": "bob"}, "admin granted the role admin")
    assert event["count"] == 1, "neither another role nor what was refused"


async def test_the_emergency_key(server: Served, operator: Person) -> None:
    seal = 'mutation { sealBreakGlass(input: {principal: "admin"}) { first second } }'
    halves = (await server.ask(seal))["sealBreakGlass"]
    assert (await raised(server, SecurityEventKind.POLICY_CHANGED))[0]["detail"] == "admin sealed an emergency key"
    opened = await server.http.post("/auth/break-glass", json=halves)
    assert opened.status_code == 200
    [event] = await raised(server, SecurityEventKind.BREAK_GLASS_OPENED)
    assert event["principal"] == {"subject": "admin"}


async def test_signatures_that_are_wrong(server: Served, operator: Person) -> None:
    sign = 'mutation { sign(input: {signature: {challenge: "C", proof: "P"}}) { userErrors { code } } }'
    for _ in range(RULES[SecurityEventKind.FORGED_SIGNATURE].threshold):
        assert (await operator.ask(sign))["data"]["sign"]["userErrors"][0]["code"] == "SIGNATURE_INVALID"
    [event] = await raised(server, SecurityEventKind.FORGED_SIGNATURE)
    assert event["principal"] == {"subject": "op-1"}


@counted
@pytest.mark.parametrize("head", [{"Origin": "https://evil.example"}, {"Host": "rebound.example"}])
async def test_pages_of_other_sites(server: Served, head: dict[str, str]) -> None:
    for _ in range(RULES[SecurityEventKind.CROSS_SITE].threshold):
        await server.http.post("/graphql", headers=head, json={"query": "{ sites { code } }"})
    [event] = await raised(server, SecurityEventKind.CROSS_SITE)
    assert event["source"] == "peer 127.0.0.1"
