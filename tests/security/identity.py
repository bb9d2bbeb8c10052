"""An identity provider under our hand: it can sign whatever a liar or a careless one would."""

import asyncio
import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from joserfc.jwk import ECKey, Key, KeySet, OKPKey, RSAKey
from joserfc.jws import JWSRegistry
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

AUDIENCE = "urn:mesgraph"


@dataclass
class Issuer:
    """Its keys, and how often it was asked for them."""

    port: int
    keys: dict[str, Key] = field(
        default_factory=lambda: {
            "ES256": ECKey.generate_key("P-256", {"kid": "ec"}),
            "RS256": RSAKey.generate_key(2048, {"kid": "rsa"}),
            "Ed25519": OKPKey.generate_key("Ed25519", {"kid": "ed"}),
        }
    )
    asked: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def claims(self, now: int, **changed: Any) -> dict[str, Any]:
        """Good ones; a change to None leaves a claim out."""
        claims = {"iss": self.url, "sub": "ann@plant", "aud": AUDIENCE, "iat": now, "exp": now + 600, **changed}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, claims: dict[str, Any], algorithm: str = "ES256", key: Key | None = None, **header: Any) -> str:
        """Signed with ``key``, or our own."""
        key = key or self.keys[algorithm]
        head = {"alg": algorithm, "typ": "at+jwt", "kid": key.kid or "none", **header}
        head = {name: value for name, value in head.items() if value is not None}
        return signed(head, claims, key)

    async def discovery(self, _: Request) -> JSONResponse:
        addresses = {name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")}
        return JSONResponse({"issuer": self.url, **addresses})

    async def jwks(self, _: Request) -> JSONResponse:
        self.asked += 1
        return JSONResponse(KeySet(list(self.keys.values())).as_dict(private=False))


def signed(header: dict[str, Any], claims: Any, key: Key | bytes) -> str:
    """A token whose header nobody checked: what a library refuses to write, too. Bytes are a shared secret."""
    content = f"{_encoded(header)}.{_encoded(claims)}"
    if isinstance(key, bytes):
        signature = hmac.new(key, content.encode(), "sha" + header["alg"][2:]).digest()
    elif header["alg"] in JWSRegistry.algorithms:
        signature = JWSRegistry.algorithms[header["alg"]].sign(content.encode(), key)
    else:
        signature = b""
    return f"{content}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def _encoded(part: Any) -> str:
    content = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


@asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    """A running provider."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        issuer = Issuer(listening.getsockname()[1])
        routes = [Route("/.well-known/openid-configuration", issuer.discovery), Route("/jwks_uri", issuer.jwks)]
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), log_config=None))
        task = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:  # noqa: ASYNC110  # uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield issuer
        finally:
            server.should_exit = True
            await task
