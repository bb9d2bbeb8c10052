"""Several server processes over one PostgreSQL are one server to whoever asks."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from mesgraph.migration import first_admin_key, migrate
from tests.kit.test_stopping import wait_until_ready
from tests.services import free_port

MESGRAPH = Path(sys.executable).with_name("mesgraph")
WORKERS = 2
STREAMS = 8
SUPPLIERS = 20
SUBMIT = "mutation($s: [SupplierInput!]!) { submitSuppliers(input: {suppliers: $s}) { userErrors { message } } }"
FOUND = "{ suppliers(first: 500) { nodes { code } } }"
TOPIC = 'subscription { ledgerAppended(after: "c1-0", types: ["SUPPLIER_SUBMITTED"]) { cursor } }'


@dataclass
class Server:
    """A server of several processes, asked over a connection of its own each time: any of them may take it."""

    url: str
    key: str

    def client(self, key: str | None = None) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {key or self.key}"}, timeout=30)

    async def ask(self, document: str, **variables: Any) -> Any:
        async with self.client() as client:
            answer = (await client.post("/graphql", json={"query": document, "variables": variables})).json()
        assert "errors" not in answer, answer
        return answer["data"]


@pytest.fixture
def server(postgresql_database: str) -> Iterator[Server]:
    migrate(postgresql_database)
    key = first_admin_key(postgresql_database)
    assert key is not None
    port = free_port()
    command = [MESGRAPH, "serve", "--database", postgresql_database, "--port", str(port), "--workers", str(WORKERS)]
    with subprocess.Popen(command) as process:
        try:
            wait_until_ready(f"http://127.0.0.1:{port}")
            yield Server(f"http://127.0.0.1:{port}", key)
        finally:
            process.terminate()
            process.wait(30)


@pytest.mark.postgresql
@pytest.mark.timeout(300)
async def test_what_one_process_did_the_others_show_and_tell(server: Server) -> None:
    """An acknowledged write is read by whoever takes the next request, and every topic has every event once."""
    async with contextlib.AsyncExitStack() as stack:
        streams = [asyncio.create_task(heard(await stack.enter_async_context(server.client()))) for _ in range(STREAMS)]
        for number in range(SUPPLIERS):
            supplier = {"code": f"S-{number:02}", "name": "Supplier", "approvalStatus": "APPROVED"}
            made = await server.ask(SUBMIT, s=[supplier])
            assert made["submitSuppliers"]["userErrors"] == []
            found = await server.ask(FOUND)
            assert [node["code"] for node in found["suppliers"]["nodes"]] == [f"S-{n:02}" for n in range(number + 1)]
        cursors = await asyncio.gather(*streams)
    assert all(of_one == cursors[0] for of_one in cursors)
    assert len(set(cursors[0])) == SUPPLIERS


async def heard(client: httpx2.AsyncClient) -> list[str]:
    """The cursors of all suppliers, as one stream tells of them."""
    headers, cursors = {"Accept": "text/event-stream"}, []
    async with client.stream("POST", "/graphql/stream", json={"query": TOPIC}, headers=headers) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                message = json.loads(line[6:])
                assert "errors" not in message, message
                cursors.append(message["data"]["ledgerAppended"]["cursor"])
            if len(cursors) == SUPPLIERS:
                break
    return cursors
