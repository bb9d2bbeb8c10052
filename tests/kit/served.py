"""The server as a client meets it: over HTTP and WebSocket, on a port of this machine."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import uvicorn

from mesgraph.app import create_app
from mesgraph.config import Settings
from mesgraph.migration import first_admin_key
from mesgraph.server import options

STORE = """mutation($documents: [DocumentInput!]!) {
  registerDocuments(input: {documents: $documents}) { userErrors { code message } } }"""


class Served:
    """A running server and its first administrator's key."""

    def __init__(self, port: int, key: str, app: Any) -> None:
        self.address = f"127.0.0.1:{port}"
        self.key = key
        self.app = app
        self.http = httpx2.AsyncClient(base_url=f"http://{self.address}", timeout=20)

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"}

    async def post(self, document: str, key: str | None = None, **variables: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {key or self.key}"}
        body = {"query": document, "variables": variables}
        return await self.http.post("/graphql", json=body, headers=headers)

    async def ask(self, document: str, **variables: Any) -> Any:
        answer = (await self.post(document, **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def store(self, *documents: str, **options: Any) -> None:
        """Register documents, as kiosks and drivers need it."""
        made = await self.ask(STORE, documents=[{"text": text, **options} for text in documents])
        assert made["registerDocuments"]["userErrors"] == []


@asynccontextmanager
async def served(database: str, **set_to: Any) -> AsyncIterator[Served]:
    """Serve ``database`` for as long as the block lasts."""
    key = await asyncio.to_thread(first_admin_key, database)
    assert key is not None
    settings = Settings(database=database, **set_to)
    app = create_app(settings)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            lifespan="on",
            log_config=None,
            **options(settings) | {"timeout_graceful_shutdown": 5},
        )
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            if task.done():
                await task
            await asyncio.sleep(0.01)
        client = Served(listening.getsockname()[1], key, app)
        try:
            yield client
        finally:
            await client.http.aclose()
            server.should_exit = True
            await task
