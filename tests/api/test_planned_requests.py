"""Over HTTP nobody can tell a plan's answer from that of graphql-core, but by the time that it takes."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.kit.served import Served, served

PLAIN, ROUNDABOUT = "application/json", "application/json; charset=UTF-8"
"""The same to a client; the second one is read by strawberry."""
DOCUMENTS: dict[str, tuple[str, dict[str, Any]]] = {
    "a list": ("{ sites { code } equipmentList(first: 3) { nodes { id code } pageInfo { endCursor } } }", {}),
    "planned": ("{ equipmentList(first: 3) { totalCount nodes { id code } edges { cursor } } }", {}),
    "a list of nothing": ("{ suppliers { nodes { code } } }", {}),
    "a variable": ("query($n: Int!) { equipmentList(first: $n) { nodes { code } } }", {"n": 2}),
    "a wrong variable": ("query($n: Int!) { equipmentList(first: $n) { nodes { code } } }", {"n": "two"}),
    "a missing variable": ("query($n: Int!) { equipmentList(first: $n) { nodes { code } } }", {}),
    "a page of no size": ("{ equipmentList(first: 0) { nodes { code } } }", {}),
    "a wrong cursor": ('{ equipmentList(after: "nowhere") { nodes { code } } }', {}),
    "an absent thing": ('{ item(key: {material: "X", lot: "Y"}) { key } }', {}),
    "no such field": ("{ equipmentList { nodes { colour } } }", {}),
    "no document": ("", {}),
    "a broken document": ("{ equipmentList {", {}),
    "two operations": ("query A { suppliers { nodes { code } } } query B { __typename }", {}),
    "too much": ("{ equipmentList(first: 500) { nodes { site { code } parent { parent { parent { code } } } } } }", {}),
    "a name": ("{ __typename }", {}),
}


@pytest.fixture
async def server(database_url: str) -> AsyncIterator[Served]:
    async with served(database_url) as running:
        await running.ask(
            """mutation { submitSites(input: {sites: [{code: "HV1", name: "HALVARD", timeZone: "Europe/Oslo"}]}) {
              userErrors { code } } }"""
        )
        yield running


@pytest.mark.parametrize("accepted", ["*/*", "application/graphql-response+json"])
@pytest.mark.parametrize("name", DOCUMENTS)
async def test_status_headers_and_body_are_the_same(server: Served, name: str, accepted: str) -> None:
    text, variables = DOCUMENTS[name]

    async def ask(content_type: str) -> httpx2.Response:
        headers = server.authorization | {"Accept": accepted, "Content-Type": content_type}
        body = httpx2.Request("POST", "http://x", json={"query": text, "variables": variables}).content
        return await server.http.post("/graphql", content=body, headers=headers)

    plain, roundabout = await ask(PLAIN), await ask(ROUNDABOUT)
    assert plain.status_code == roundabout.status_code
    assert plain.text == roundabout.text
    assert {name: value for name, value in plain.headers.items() if name != "date"} == {
        name: value for name, value in roundabout.headers.items() if name != "date"
    }


@pytest.mark.parametrize("part", ["variables", "extensions", "operationName"])
@pytest.mark.parametrize("value", [0, False, "", [], 1, "x", {}, None])
async def test_misshapen_requests_are_told_the_same(server: Served, part: str, value: Any) -> None:
    answers = []
    for content_type in (PLAIN, ROUNDABOUT):
        headers = server.authorization | {"Content-Type": content_type}
        body = httpx2.Request("POST", "http://x", json={"query": "{ __typename }", part: value}).content
        answers.append(await server.http.post("/graphql", content=body, headers=headers))
    plain, roundabout = answers
    assert (plain.status_code, plain.text) == (roundabout.status_code, roundabout.text)


async def test_a_metric_tells_what_answers(server: Served) -> None:
    await server.ask("{ suppliers { nodes { code } } }")
    await server.ask("{ me { subject } }")
    metrics = (await server.http.get("/metrics")).text
    assert 'mesgraph_queries_total{by="plan"} 1.0' in metrics
    assert 'mesgraph_queries_total{by="graphql-core"} 1.0' in metrics


async def test_what_was_written_is_read_by_the_next_request(server: Served) -> None:
    for number in range(5):
        supplier = {"code": f"S-{number}", "name": "Supplier", "approvalStatus": "APPROVED"}
        made = await server.ask(
            "mutation($s: [SupplierInput!]!) { submitSuppliers(input: {suppliers: $s}) { userErrors { message } } }",
            s=[supplier],
        )
        assert made["submitSuppliers"]["userErrors"] == []
        found = await server.ask("{ suppliers(first: 1, orderBy: NEWEST) { nodes { code } totalCount } }")
        assert found["suppliers"] == {"nodes": [{"code": f"S-{number}"}], "totalCount": number + 1}
