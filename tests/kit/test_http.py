"""Status, media type and code of what leaves the server over HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mesgraph.api.limits import BODY_MAX
from tests.kit.served import Served, served

RESPONSE = "application/graphql-response+json"


once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What does not depend on the database."""


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        yield running


async def raw(server: Served, body: bytes, **headers: str) -> tuple[int, dict[str, Any]]:
    sent = {"Content-Type": "application/json", **server.authorization, **headers}
    answer = await server.http.post("/graphql", content=body, headers=sent)
    return answer.status_code, answer.json()


def code(answer: dict[str, Any]) -> str:
    for error in answer["errors"]:
        assert set(error["extensions"]) >= {"code", "retryable", "path"}
    return str(answer["errors"][0]["extensions"]["code"])


async def test_a_question_is_answered(server: Served) -> None:
    answer = await server.post("{ systemStatus { database } }")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")


@once
@pytest.mark.parametrize(
    "authorization",
    [
        *("", "Bearer", "Bearer x", "Basic YWRtaW46", "mg_0000000000000000_" + "A" * 43),
        *("Bearer mg_0000000000000000_" + "A" * 43, "Bearer " + "x" * 5000, "Bearer mg_\u00e9"),
    ],
)
async def test_nobody_gets_nothing(server: Served, authorization: str) -> None:
    headers = {"Authorization": authorization.encode("latin-1")} if authorization else {}
    for document in ("{ systemStatus { database } }", "{ nothing }", "{", "mutation { submitSites { replayed } }"):
        answer = await server.http.post("/graphql", json={"query": document}, headers=headers)
        assert answer.status_code == 401
        assert code(answer.json()) == "UNAUTHENTICATED"
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_wrong_secret_is_as_good_as_no_key(server: Served) -> None:
    last = "A" if server.key[-1] != "A" else "B"
    assert (await server.post("{ systemStatus { database } }", key=server.key[:-1] + last)).status_code == 401


async def test_a_revoked_key_stops_within_two_seconds(server: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mesgraph.api.door.KEPT_S", 0.0)
    make = """mutation { createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { replayed }
      grantRole(input: {principal: "ann", role: OPERATOR}) { replayed }
      issueApiKey(input: {principal: "ann"}) { text apiKey { keyId } } }"""
    issued = (await server.ask(make))["issueApiKey"]
    assert (await server.post("{ sites { code } }", key=issued["text"])).status_code == 200
    revoke = "mutation ($id: ID!) { revokeApiKey(input: {apiKey: $id}) { userErrors { code } } }"
    assert (await server.ask(revoke, id=issued["apiKey"]["keyId"]))["revokeApiKey"]["userErrors"] == []
    assert (await server.post("{ sites { code } }", key=issued["text"])).status_code == 401


@once
@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"", "DOCUMENT_INVALID"),
        (b"no json", "DOCUMENT_INVALID"),
        (b"\xff\xfe", "DOCUMENT_INVALID"),
        (b"[]", "DOCUMENT_INVALID"),
        (b"7", "DOCUMENT_INVALID"),
        (b"null", "DOCUMENT_INVALID"),
        (b'"text"', "DOCUMENT_INVALID"),
        (b"{}", "DOCUMENT_INVALID"),
        (b'{"query": 7}', "DOCUMENT_INVALID"),
        (b'{"query": ""}', "DOCUMENT_INVALID"),
        (b'{"query": "{"}', "DOCUMENT_INVALID"),
        (b'{"query": "{ nothing }"}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": 7}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": {"x": NaN}}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": {"x": -Infinity}}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": {"x": ' + b"9" * 5000 + b"}}", "LIMIT_EXCEEDED"),
        (b'{"query": "{ sites { code } }", "variables": {"x": ' + b"9" * 41 + b"}}", "LIMIT_EXCEEDED"),
        (b'{"query": "{ sites { code } }", "variables": {"x": "\\ud800"}}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": {"\\udfff": 1}}', "DOCUMENT_INVALID"),
        (b'{"query": "{ sites { code } }", "variables": {"x": "\\u0000"}}', "INVALID_VALUE"),
        (b'{"query": "{ sites { code } }", "variables": {"x": ' + b"[" * 900 + b"]" * 900 + b"}}", "LIMIT_EXCEEDED"),
        (
            b'{"query": "{ sites { code } }", "variables": {"x": ' + b"[" * 90_000 + b"]" * 90_000 + b"}}",
            "LIMIT_EXCEEDED",
        ),
        (b'{"query": "query A {sites{code}} query B {sites{code}}"}', "DOCUMENT_INVALID"),
        (b'{"query": "query A {sites{code}}", "operationName": "B"}', "DOCUMENT_INVALID"),
        (b'{"query": "query A {sites{code}}", "operationName": 7}', "DOCUMENT_INVALID"),
        (b'{"query": "query A {sites{code}}", "operationName": "\\ud800"}', "DOCUMENT_INVALID"),
        (b'{"query": "{ ' + b"a{" * 5000 + b'"}', "LIMIT_EXCEEDED"),
        (b'{"query": "subscription { ledgerAppended { cursor } }"}', "DOCUMENT_INVALID"),
        (b'{"query": "{ __schema { types { name } } }"}', "DOCUMENT_INVALID"),
        (b'{"query": "query($s:ID!){equipmentList(filter:{site:$s}){totalCount}}"}', "INVALID_VALUE"),
    ],
    ids=lambda value: str(value[:70]),
)
async def test_what_cannot_be_executed_is_400_with_a_code(server: Served, body: bytes, expected: str) -> None:
    status, answer = await raw(server, body, Accept=RESPONSE)
    assert (status, code(answer)) == (400, expected), answer
    assert "data" not in answer
    assert len(json.dumps(answer)) < 5000, "an error does not repeat what was sent"


@once
async def test_a_body_that_is_too_long_is_413(server: Served) -> None:
    status, answer = await raw(server, b'{"query": "' + b" " * BODY_MAX + b'"}')
    assert (status, code(answer)) == (413, "VALIDATION_FAILED")

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 10_000

    sent = {"Content-Type": "application/json", **server.authorization}
    answered = await server.http.post("/graphql", content=endless(), headers=sent)
    assert answered.status_code == 413, "counted while it is read, whatever the header says"


@once
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_other_media_types_are_refused(server: Served, kind: str) -> None:
    status, answer = await raw(server, b'{"query": "{ sites { code } }"}', **{"Content-Type": kind})
    assert (status, code(answer)) == (400, "DOCUMENT_INVALID")


@once
async def test_questions_by_get_are_off(server: Served) -> None:
    answer = await server.http.get("/graphql", params={"query": "{ sites { code } }"}, headers=server.authorization)
    assert answer.status_code == 400
    assert code(answer.json()) == "DOCUMENT_INVALID"


@once
async def test_questions_by_get_where_they_are_on_and_never_commands(database_url: str) -> None:
    async with served(database_url, queries_by_get=True) as server:
        for query, status in (
            ("{ sites { code } }", 200),
            ("mutation { submitSites(input: {sites: []}) { replayed } }", 400),
        ):
            answer = await server.http.get("/graphql", params={"query": query}, headers=server.authorization)
            assert answer.status_code == status, answer.text


@once
async def test_introspection_follows_the_setting(database_url: str) -> None:
    async with served(database_url, introspection=True) as server:
        assert (await server.ask("{ __schema { queryType { name } } }"))["__schema"]["queryType"]["name"] == "Query"


@once
async def test_the_name_of_a_type_is_no_introspection(server: Served) -> None:
    assert await server.ask("{ __typename }") == {"__typename": "Query"}


@once
async def test_the_media_type_that_the_client_accepts(server: Served) -> None:
    headers = {**server.authorization, "Accept": RESPONSE}
    answer = await server.http.post("/graphql", json={"query": "{ sites { code } }"}, headers=headers)
    assert answer.headers["content-type"].startswith(RESPONSE)


async def test_readiness_and_metrics_need_no_key(server: Served) -> None:
    assert (await server.http.get("/healthz")).status_code == 200
    assert (await server.http.get("/readyz")).json()["ready"] is True
    assert "mesgraph" in (await server.http.get("/metrics")).text
