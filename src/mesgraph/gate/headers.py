"""What every answer tells a browser: that it is no page, is not framed, and is what it says it is."""

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

ALWAYS = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
"""An answer that has one of its own keeps it: the console's page loads scripts."""
NOT_KEPT = (b"cache-control", b"no-store")
SECURE = (b"strict-transport-security", b"max-age=31536000")
"""A browser that once came by TLS does not come without it for a year."""


class BrowserHeaders:
    """ASGI middleware; the outermost one, so that refusals have the headers, too."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add what an answer lacks."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        added = ALWAYS
        if scope["path"].startswith("/graphql"):
            added = [*added, NOT_KEPT]
        if scope["scheme"] == "https":
            added = [*added, SECURE]

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                there = {name for name, _ in headers}
                message["headers"] = [*headers, *(header for header in added if header[0] not in there)]
            await send(message)

        try:
            await self._app(scope, receive, with_headers)
        except ClientDisconnect:
            return  # whoever hung up needs no answer, and is no fault to be logged
