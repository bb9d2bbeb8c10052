"""People who log in at an identity provider (OpenID Connect): its login, and the access tokens that it gives.

Rules as RFC 8725 and RFC 9068 want them: algorithms are fixed, never a shared secret beside public keys; issuer and
audience are compared exactly; a header that asks to trust something else (``jku``, ``x5u``, ``jwk``, ``x5c``), or to be
read in another way (``crit``, ``b64``), is refused. Keys come from the provider's own address alone, no redirects.
"""

import asyncio
import base64
import hashlib
import json
import secrets
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import httpx2
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from mesgraph.clock import Clock
from mesgraph.config import secure_address
from mesgraph.errors import Code, Denied, Unavailable

ALGORITHMS = ("EdDSA", "Ed25519", "ES256", "RS256")
FOREIGN_HEADERS = frozenset({"crit", "jku", "x5u", "jwk", "x5c", "b64"})
PUBLIC_KEYS = frozenset({"OKP", "EC", "RSA"})
TOKEN_MAX = 8 * 1024
LEEWAY_S = 60
TIMEOUT_S = 5.0
ANSWER_MAX = 256 * 1024
FRESH_S = 3600.0
"""For how long keys are believed without another look; a token with an unknown key asks for one."""
STALE_S = 24 * 3600.0
"""For how long the last good keys serve when the provider does not answer."""
LOOK_AGAIN_S = 30.0
"""At least so long between two looks."""

WRONG_LOGIN = "the identity provider's answer is not accepted; begin the login again"


@dataclass(frozen=True)
class OidcClient:
    """What the plant is for its identity provider. ``audience``: that of access tokens which the plant takes."""

    issuer: str
    client_id: str
    redirect_uri: str
    client_secret: str | None = None
    audience: str | None = None


@dataclass(frozen=True)
class Begun:
    """A login that began: where the person goes, and what the front end keeps meanwhile and brings back."""

    authorization_url: str
    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class _Endpoints:
    authorization: str
    token: str
    jwks: str


class Provider:
    """The identity provider of the plant."""

    def __init__(self, client: OidcClient, clock: Clock) -> None:
        self.client = client
        self._clock = clock
        self._http = httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        self._endpoints: _Endpoints | None = None
        self._keys = KeySet([])
        self._looked_at = self._loaded_at = float("-inf")
        self._looking = asyncio.Lock()

    async def close(self) -> None:
        """Let go of connections."""
        await self._http.aclose()

    async def begin(self, *, anew: bool = False) -> Begun:
        """Begin a login: code flow with PKCE; ``anew`` asks for name and secret whoever is logged in there.

        Raises :class:`Unavailable` when the provider does not answer.
        """
        endpoints = await self._discovered()
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        query = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self.client.redirect_uri,
            "scope": "openid",
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **({"prompt": "login", "max_age": "0"} if anew else {}),
        }
        joint = "&" if urlsplit(endpoints.authorization).query else "?"
        return Begun(f"{endpoints.authorization}{joint}{urlencode(query)}", state, nonce, verifier)

    async def finish(self, code: str, nonce: str, verifier: str, *, since: datetime | None = None) -> str:
        """Who has logged in, as the provider calls them; with ``since``, who has shown a secret after that.

        Raises :class:`Denied` when the provider's answer is not good, :class:`Unavailable` when there is none.
        """
        endpoints = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.client.redirect_uri,
            "client_id": self.client.client_id,
            "code_verifier": verifier,
        }
        secret = self.client.client_secret
        auth = httpx2.BasicAuth(quote_plus(self.client.client_id), quote_plus(secret)) if secret else None
        answer = await self._fetch("POST", endpoints.token, data=form, auth=auth)
        claims = await self._claims(answer.get("id_token"), self.client.client_id, typ={None, "JWT"})
        if claims is None or not secrets.compare_digest(str(claims.get("nonce")), nonce):
            raise Denied(Code.UNAUTHENTICATED, WRONG_LOGIN)
        if isinstance(claims["aud"], list) and len(claims["aud"]) > 1 and claims.get("azp") != self.client.client_id:
            raise Denied(Code.UNAUTHENTICATED, WRONG_LOGIN)
        shown_at = claims.get("auth_time")
        if since is not None and not (isinstance(shown_at, int) and shown_at >= int(since.timestamp())):
            raise Denied(Code.UNAUTHENTICATED, WRONG_LOGIN)
        return str(claims["sub"])

    async def subject_of(self, token: str) -> tuple[str, int] | None:
        """Whose access token (RFC 9068) it is, and the second at which we stop to take it; ``None`` for a wrong one."""
        if self.client.audience is None:
            return None
        claims = await self._claims(token, self.client.audience, typ={"at+jwt", "application/at+jwt"})
        return None if claims is None else (str(claims["sub"]), int(claims["exp"]) + LEEWAY_S)

    async def _claims(self, token: Any, audience: str, typ: set[str | None]) -> dict[str, Any] | None:
        header = _header(token)
        if header is None or header.get("typ") not in typ or header.get("alg") not in ALGORITHMS:
            return None
        keys = await self._keys_for(header.get("kid"))
        registry = jwt.JWTClaimsRegistry(
            now=int(self._clock.now().timestamp()),
            leeway=LEEWAY_S,
            iss={"essential": True, "value": self.client.issuer},
            aud={"essential": True, "value": audience},
            sub={"essential": True},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            claims: dict[str, Any] = jwt.decode(token, keys, algorithms=ALGORITHMS).claims
            registry.validate(claims)
        except (JoseError, ValueError, TypeError, KeyError):
            return None
        return claims

    async def _keys_for(self, kid: Any) -> KeySet:
        """The keys to look in: fresh ones, and for an unknown key the provider is asked again, now and then."""
        known = any(key.kid == kid for key in self._keys.keys) if isinstance(kid, str) else bool(self._keys.keys)
        now = time.monotonic()
        if (not known or now - self._loaded_at > FRESH_S) and now - self._looked_at > LOOK_AGAIN_S:
            async with self._looking:
                if time.monotonic() - self._looked_at > LOOK_AGAIN_S:
                    self._looked_at = time.monotonic()
                    await self._load_keys()
        if time.monotonic() - self._loaded_at > STALE_S:
            raise Unavailable(Code.UNAVAILABLE, "the identity provider does not answer, and its keys are not known")
        return self._keys

    async def _load_keys(self) -> None:
        try:
            found = await self._fetch("GET", (await self._discovered()).jwks)
            keys = [key for key in found["keys"] if key.get("kty") in PUBLIC_KEYS and key.get("use", "sig") == "sig"]
            self._keys = KeySet.import_key_set({"keys": keys})
        except (Unavailable, Denied, KeyError, TypeError, AttributeError, ValueError, JoseError):
            return  # the last good ones serve for a day
        self._loaded_at = time.monotonic()

    async def _discovered(self) -> _Endpoints:
        if self._endpoints is None:
            found = await self._fetch("GET", f"{self.client.issuer.rstrip('/')}/.well-known/openid-configuration")
            try:
                if found["issuer"] != self.client.issuer:
                    raise ValueError(found["issuer"])
                addresses = [found[name] for name in ("authorization_endpoint", "token_endpoint", "jwks_uri")]
                self._endpoints = _Endpoints(*map(secure_address, addresses))
            except (KeyError, TypeError, ValueError) as error:
                message = f"the identity provider at {self.client.issuer} describes itself wrongly: {error}"
                raise Unavailable(Code.UNAVAILABLE, message) from error
        return self._endpoints

    async def _fetch(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        """A JSON object from the provider; no redirects, no endless answers."""
        try:
            async with self._http.stream(method, address, **more) as response:
                content = b""
                async for part in response.aiter_bytes():
                    content += part
                    if len(content) > ANSWER_MAX:
                        raise ValueError("a very long answer")
            if response.status_code in (400, 401, 403) and method == "POST":
                raise Denied(Code.UNAUTHENTICATED, WRONG_LOGIN)
            if response.status_code != 200:
                raise ValueError(f"status {response.status_code}")
            answer = json.loads(content)
            if not isinstance(answer, dict):
                raise ValueError("no object")
            return answer
        except (httpx2.HTTPError, ValueError, RecursionError) as error:
            message = (
                f"the identity provider at {self.client.issuer} does not answer: {str(error) or type(error).__name__}"
            )
            raise Unavailable(Code.UNAVAILABLE, message) from error


def _header(token: Any) -> dict[str, Any] | None:
    """The header of a token that may be looked at more closely."""
    if not isinstance(token, str) or len(token) > TOKEN_MAX or token.count(".") != 2 or not token.isascii():
        return None
    encoded = token.partition(".")[0]
    try:
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) and not FOREIGN_HEADERS & header.keys() else None
