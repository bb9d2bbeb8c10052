"""What a browser is served: GraphiQL at /graphiql, from this machine alone.

The page and everything it loads come from here, and its content security policy forbids the rest. The files
of others are locked in package-lock.json, named in assets.list and put into assets/ by `make console`.
"""

from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HERE = Path(__file__).parent
ASSETS = HERE / "assets"

HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "font-src 'self' data:",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-cache",
}

MISSING = """\
The console's files are not installed.

In a source tree: run `make console` (it needs npm), then load this page again.
The API itself works without them, at /graphql.
"""


def assets() -> list[str]:
    """The names of the files that the page needs from others."""
    return [line.split()[0] for line in (HERE / "assets.list").read_text().splitlines()]


def routes() -> list[BaseRoute]:
    """The console's routes; they need no key, what the page asks at /graphql does."""
    return [
        Route("/graphiql", _page),
        Route("/graphiql/console.js", _own_file),
        Route("/graphiql/console.css", _own_file),
        Mount("/graphiql/assets", _WithHeaders(StaticFiles(directory=ASSETS, check_dir=False))),
    ]


async def _page(request: Request) -> Response:
    if not all((ASSETS / name).exists() for name in assets()):
        return PlainTextResponse(MISSING, status_code=503, headers=HEADERS)
    return FileResponse(HERE / "graphiql.html", headers=HEADERS)


async def _own_file(request: Request) -> Response:
    # The two routes above are the only paths that arrive here.
    return FileResponse(HERE / request.scope["path"].rsplit("/", 1)[-1], headers=HEADERS)


class _WithHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self.app(scope, receive, send_with_headers)
