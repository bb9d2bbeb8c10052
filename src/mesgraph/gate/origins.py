"""By which names the server is called, and pages of which sites may call it.

A page of another site can make a browser send requests here, and with a name of its own that suddenly leads here (DNS
rebinding) even read the answers. Both are refused before anything is read: keys travel in headers that only a page of
ours sets, but what a browser adds by itself must never be worth anything.
"""

import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mesgraph.api.errors import refusal
from mesgraph.config import Settings
from mesgraph.errors import Code
from mesgraph.plant import Plant
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import peer

SHOWN_MAX = 60


class KnownOrigins:
    """ASGI middleware; refuses requests by unknown names with 421, those of foreign pages with 403."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        own = {"localhost", socket.gethostname().lower(), settings.host.lower()}
        self._hosts = own | {host.lower() for host in settings.hosts}
        self._origins = {origin.lower() for origin in settings.origins}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Both HTTP and WebSocket."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        status, message = self._judged(scope)
        if not status:
            await self._app(scope, receive, send)
            return
        plant: Plant = scope["app"].state.plant
        plant.watch.note(SecurityEventKind.CROSS_SITE, peer((scope["client"] or ("",))[0]), plant.clock.now())
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: the handshake gets 403
        else:
            error = refusal(message, Code.ORIGIN_FORBIDDEN).formatted
            await JSONResponse({"errors": [error]}, status_code=status)(scope, receive, send)

    def _judged(self, scope: Scope) -> tuple[int, str]:
        """The status of a refusal, or 0, and what it says."""
        host = _one(scope, b"host")
        if host is None:
            return 400, "send one Host header, with the name by which you call the server"
        if not self._is_known(host):
            return 421, f"the server is not called {host[:SHOWN_MAX]!r}: add the name to MESGRAPH_HOSTS"
        origin = _one(scope, b"origin")
        if origin is None:
            return self._judged_without_origin(scope)
        if not self._is_ours(origin, host, scope):
            return 403, f"pages of {origin[:SHOWN_MAX]!r} may not use this server: add the site to MESGRAPH_ORIGINS"
        return 0, ""

    def _judged_without_origin(self, scope: Scope) -> tuple[int, str]:
        """A browser sends no Origin with some requests by GET, but says whether another site caused them."""
        if _sent(scope, b"origin"):
            return 403, "send one Origin header"
        foreign = (_one(scope, b"sec-fetch-site") or "none") not in ("none", "same-origin")
        if foreign and scope["path"].startswith("/graphql"):
            return 403, "pages of other sites may not use this server: add the site to MESGRAPH_ORIGINS"
        return 0, ""

    def _is_known(self, host: str) -> bool:
        name = _name_of(host)
        return name in self._hosts or _is_address(name)  # no name leads astray who calls an address

    def _is_ours(self, origin: str, host: str, scope: Scope) -> bool:
        if origin.lower() in self._origins:
            return True
        scheme, _, rest = origin.partition("://")
        if scheme == "http" and scope["scheme"] in ("https", "wss"):
            return False
        # https here is http behind a proxy that ends TLS: whoever has the name there has it here
        return scheme in ("http", "https") and rest.lower() == host.lower()


def _sent(scope: Scope, name: bytes) -> list[bytes]:
    return [value for sent, value in scope["headers"] if sent == name]


def _one(scope: Scope, name: bytes) -> str | None:
    values = _sent(scope, name)
    return values[0].decode("latin-1").strip() if len(values) == 1 else None


def _name_of(host: str) -> str:
    """The name in a Host header, without its port; empty for what is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".") if "@" not in host else ""
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
