"""A stored document is asked for by its id: over HTTP and WebSocket, in the words of the common clients."""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from mesgraph.plant import running_plant
from tests.counting import statements
from tests.kit.served import Served, served
from tests.kit.test_live import opened, receive, send, socket
from tests.patience import eventually

SITES = "query Sites { sites { code } }"
TOPIC = "subscription Topic($after: Cursor) { ledgerAppended(after: $after) { event { type } } }"
RETIRE = "mutation($id: ID!) { retireDocument(input: {storedDocument: $id}) { userErrors { code } } }"
ACCEPT = {"Accept": "application/graphql-response+json"}

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def apollo(text: str) -> dict[str, Any]:
    """What clients of Apollo send in place of the text."""
    return {"extensions": {"persistedQuery": {"version": 1, "sha256Hash": sha(text)}}}


async def post(server: Served, **body: Any) -> httpx2.Response:
    return await server.http.post("/graphql", json=body, headers=server.authorization | ACCEPT)


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url, queries_by_get=True) as running:
        yield running


@pytest.mark.parametrize(
    "request_", [apollo(SITES), {"documentId": f"sha256:{sha(SITES)}"}, {"documentId": sha(SITES)}], ids=range(3)
)
async def test_a_document_is_run_by_its_id(server: Served, request_: dict[str, Any]) -> None:
    assert code_of(await post(server, **request_)) == (400, "DOCUMENT_NOT_FOUND")
    await server.store(SITES)
    for body in (request_, request_ | {"query": SITES}, request_ | {"operationName": "Sites", "variables": {}}):
        assert (await post(server, **body)).json() == {"data": {"sites": []}}


@once
async def test_variables_travel_as_ever(server: Served) -> None:
    text = "query Page($first: Int!) { principals(first: $first) { nodes { subject } } }"
    await server.store(text)
    answer = await post(server, **apollo(text), variables={"first": 1})
    assert answer.json()["data"]["principals"]["nodes"] == [{"subject": "admin"}]


@once
async def test_queries_are_asked_for_by_get(server: Served) -> None:
    await server.store(SITES)
    for parameters in ({"extensions": json.dumps(apollo(SITES)["extensions"])}, {"documentId": sha(SITES)}):
        answer = await server.http.get("/graphql", params=parameters, headers=server.authorization)
        assert answer.json() == {"data": {"sites": []}}, answer.text


@once
async def test_a_command_is_not_run_by_get(server: Served) -> None:
    text = 'mutation { createPrincipal(input: {subject: "x", kind: PERSON, displayName: "X"}) { replayed } }'
    await server.store(text)
    answer = await server.http.get("/graphql", params={"documentId": sha(text)}, headers=server.authorization)
    assert answer.status_code == 405 or "errors" in answer.json()
    assert (await server.ask('{ principals(filter: {keyPrefix: "x"}) { totalCount } }'))["principals"] == {
        "totalCount": 0
    }


async def test_topics_are_followed_by_id(server: Served) -> None:
    await server.store(TOPIC)
    async with socket(server) as connection:
        await opened(connection, server.authorization)
        for id_, request_ in (("1", apollo(TOPIC)), ("2", {"documentId": sha(TOPIC)})):
            payload = request_ | {"variables": {"after": "c1-0"}}
            await send(connection, type="subscribe", id=id_, payload=payload)
            message = await receive(connection)
            while message["id"] != id_:
                message = await receive(connection)
            assert message["payload"]["data"]["ledgerAppended"]["event"]["type"] == "PRINCIPAL_CREATED"
            await send(connection, type="complete", id=id_)
        await send(connection, type="subscribe", id="3", payload=apollo("nothing"))
        message = await receive(connection)
        while message["id"] != "3":
            message = await receive(connection)
        assert message["type"] == "error"
        assert message["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_FOUND"


@once
async def test_server_sent_events_are_asked_for_by_id(server: Served) -> None:
    await server.store(TOPIC)
    body = {"documentId": sha(TOPIC), "variables": {"after": "c1-0"}}
    headers = server.authorization | {"Accept": "text/event-stream"}
    async with server.http.stream("POST", "/graphql/stream", json=body, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                assert "PRINCIPAL_CREATED" in line
                break


@once
@pytest.mark.parametrize(
    "request_",
    [
        apollo(SITES) | {"query": "{ sites { name } }"},
        apollo(SITES) | {"documentId": sha("another")},
        {"documentId": "sha1:0"},
        {"documentId": sha(SITES).upper()},
        {"documentId": None},
        {"documentId": 7},
        {"documentId": ["a"]},
        {"extensions": {"persistedQuery": {"version": 2, "sha256Hash": sha(SITES)}}},
        {"extensions": {"persistedQuery": {"sha256Hash": sha(SITES)}}},
        {"extensions": {"persistedQuery": {"version": 1}}},
        {"extensions": {"persistedQuery": "x"}},
        {"extensions": {"documentId": {}}},
    ],
    ids=range(12),
)
async def test_what_names_no_document_or_two_is_refused(server: Served, request_: dict[str, Any]) -> None:
    await server.store(SITES)
    assert code_of(await post(server, **request_)) == (400, "DOCUMENT_INVALID")


@once
async def test_nothing_is_stored_because_it_was_sent(server: Served) -> None:
    answer = await post(server, **apollo(SITES), query=SITES)
    assert answer.json() == {"data": {"sites": []}}, "who may send texts may send their hash, too"
    assert code_of(await post(server, **apollo(SITES))) == (400, "DOCUMENT_NOT_FOUND")


@once
async def test_a_document_has_limits_of_its_own(server: Served) -> None:
    page = "principals(first: 500) { nodes { subject grants { role site { code } } } }"
    text = f"{{ {' '.join(f'p{n}: {page}' for n in range(10))} }}"
    assert code_of(await post(server, query=text)) == (400, "LIMIT_EXCEEDED")
    await server.store(text, costMax=20_000)
    assert (await post(server, **apollo(text))).json()["data"]["p0"]["nodes"][0]["subject"] == "admin"
    assert code_of(await post(server, query=text)) == (400, "LIMIT_EXCEEDED"), "as a text it is no stored document"
    await server.store(text, costMax=1)
    await eventually(lambda: asked_by_id(server, text), lambda code: code == "LIMIT_EXCEEDED")


async def asked_by_id(server: Served, text: str) -> str:
    """The code of the refusal; nothing when it is answered."""
    answer = await post(server, **apollo(text))
    return code_of(answer)[1] if "errors" in answer.json() else ""


async def test_a_document_that_is_known_costs_no_look_at_the_database(server: Served) -> None:
    text = "{ __typename }"
    await server.store(text)
    await server.app.state.plant.tail.end()
    await post(server, **apollo(text))
    await post(server, **apollo(text))
    with statements() as seen:
        assert (await post(server, **apollo(text))).json() == {"data": {"__typename": "Query"}}
    assert [statement for statement in seen if "stored_document" in statement] == []


async def test_a_retired_document_is_known_no_more(server: Served) -> None:
    await server.store(SITES)
    assert (await post(server, **apollo(SITES))).status_code == 200
    await server.ask(RETIRE, id=sha(SITES))
    await eventually(lambda: asked_by_id(server, SITES), lambda code: code == "DOCUMENT_NOT_FOUND")
    await server.store(SITES)
    assert (await post(server, **apollo(SITES))).status_code == 200


@pytest.mark.parametrize("database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True)
async def test_another_process_hears_of_a_retirement(server: Served) -> None:
    await server.store(SITES)
    async with running_plant(server.app.state.plant.settings) as other:
        assert await other.documents.standing(sha(SITES)) is not None
        await server.ask(RETIRE, id=sha(SITES))
        await eventually(lambda: other.documents.standing(sha(SITES)), lambda standing: standing is None)
