"""Logging in and out over HTTP: what a client needs before it can ask GraphQL anything.

Bodies and answers are JSON; ``/auth/token`` alone speaks the form of OAuth 2.0 (RFC 6749, 4.4), which libraries know.
There are no cookies, so no other page can log anybody in or out. Refusals look as those of GraphQL: ``errors`` with
``extensions {code retryable path}``.
"""

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote_plus

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.alias_generators import to_camel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mesgraph.access.login import MustChange, Shown, linked
from mesgraph.access.models import SessionMethod
from mesgraph.access.oidc import Provider
from mesgraph.access.sessions import Tokens
from mesgraph.api.door import Door
from mesgraph.errors import MEANINGS, Code, Denied, Refused, Unavailable, invalid
from mesgraph.signatures import actions as signatures
from mesgraph.work import Actor, Work

B = TypeVar("B", bound=BaseModel)

BODY_MAX = 8 * 1024
NO_STORE = {"Cache-Control": "no-store"}
STATUS = {
    Code.UNAUTHENTICATED: 401,
    Code.PASSWORD_CHANGE_REQUIRED: 403,
    Code.OVERLOADED: 429,
    Code.UNAVAILABLE: 503,
    Code.IN_PROGRESS: 503,
    Code.TIMEOUT: 503,
    Code.STORAGE_FULL: 503,
}
RETRY_AFTER_S = 60


class Body(BaseModel):
    """Base of all bodies: exactly these fields, of exactly these types."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, alias_generator=to_camel, str_min_length=1, str_max_length=2_000
    )


class PasswordLogin(Body):
    """By name and password; ``newPassword`` changes it."""

    subject: str = Field(max_length=64)
    password: str = Field(max_length=1_000)
    new_password: str | None = Field(default=None, max_length=1_000)


class BadgeLogin(Body):
    """By badge and PIN at a shared terminal; ``newPin`` changes it."""

    badge: str = Field(max_length=64)
    pin: str = Field(max_length=64)
    terminal: str = Field(max_length=64)
    new_pin: str | None = Field(default=None, max_length=64)


class Halves(Body):
    """The two halves of an emergency key."""

    first: str = Field(max_length=100)
    second: str = Field(max_length=100)


class StepUp(Body):
    """Who signs shows anew who they are: a secret, and for the first signature of a session the name, too."""

    challenge: str = Field(max_length=100)
    subject: str | None = Field(default=None, max_length=64)
    password: str | None = Field(default=None, max_length=1_000)
    badge: str | None = Field(default=None, max_length=64)
    pin: str | None = Field(default=None, max_length=64)

    def shown(self) -> Shown:
        """By password, or by PIN."""
        if self.pin is not None and self.password is None:
            return Shown(SessionMethod.BADGE, self.pin, self.badge)
        if self.password is None:
            raise Refused(invalid("give password or pin", "password"))
        return Shown(SessionMethod.PASSWORD, self.password, self.subject)


class Refreshing(Body):
    """The refresh token of the last answer."""

    refresh_token: str


class BegunLogin(Body):
    """What ``/auth/oidc/start`` answered, beside the address."""

    state: str
    nonce: str
    verifier: str


class BeginLogin(Body):
    """``anew``: the provider asks for name and secret, whoever is logged in there. A signature needs that."""

    anew: bool = False


class FinishedLogin(Body):
    """What the identity provider sent back, and what the front end kept."""

    code: str
    state: str
    begun: BegunLogin
    challenge: str | None = Field(default=None, max_length=100)


async def log_in(request: Request) -> Response:
    """POST /auth/login."""
    body = await _body(request)
    login, peer = _door(request).login, _peer(request)
    if "badge" in body:
        badge = _read(BadgeLogin, body)
        return _tokens(await login.by_badge(peer, badge.badge, badge.pin, badge.terminal, badge.new_pin))
    password = _read(PasswordLogin, body)
    return _tokens(await login.by_password(peer, password.subject, password.password, password.new_password))


async def break_glass(request: Request) -> Response:
    """POST /auth/break-glass."""
    halves = _read(Halves, await _body(request))
    return _tokens(await _door(request).login.by_halves(_peer(request), halves.first, halves.second))


async def refresh(request: Request) -> Response:
    """POST /auth/refresh."""
    body = _read(Refreshing, await _body(request))
    return _tokens(await _door(request).login.renew(_peer(request), body.refresh_token))


async def log_out(request: Request) -> Response:
    """POST /auth/logout, with the access token."""
    door, actor = _door(request), await _actor(request)
    await door.login.end(actor)
    door.forget(actor.principal_id)
    return Response(status_code=204, headers=NO_STORE)


async def step_up(request: Request) -> Response:
    """POST /auth/step-up, with the access token: the proof of a signature."""
    body, actor, door = _read(StepUp, await _body(request)), await _actor(request), _door(request)
    shown = body.shown()
    takes_name = await door.read(lambda session: signatures.takes_name(session, actor.session_id or 0))
    if takes_name and shown.name is None:
        field = "subject" if shown.method is SessionMethod.PASSWORD else "badge"
        raise Refused(invalid("the first signature of a session takes name and secret", field))

    def prove(work: Work) -> str:
        return signatures.prove(work, body.challenge, shown.method)

    return JSONResponse({"proof": await door.login.again(_peer(request), actor, shown, prove)}, headers=NO_STORE)


async def start_oidc(request: Request) -> Response:
    """POST /auth/oidc/start."""
    provider = _provider(request)
    begun = await provider.begin(anew=_read(BeginLogin, await _body(request)).anew)
    answer = {"authorizationUrl": begun.authorization_url, "state": begun.state, "nonce": begun.nonce}
    return JSONResponse({**answer, "verifier": begun.verifier}, headers=NO_STORE)


async def finish_oidc(request: Request) -> Response:
    """POST /auth/oidc/finish."""
    provider, body = _provider(request), _read(FinishedLogin, await _body(request))
    if not hmac.compare_digest(body.state.encode(), body.begun.state.encode()):
        raise Denied(Code.UNAUTHENTICATED, "this is the answer to another login; begin anew")
    if body.challenge is not None:
        return await _signing(request, provider, body, body.challenge)
    login, begun = _door(request).login, body.begun
    subject = await login.by_provider(_peer(request), lambda: provider.finish(body.code, begun.nonce, begun.verifier))
    return _tokens(await login.by_identity(provider.client.issuer, subject))


async def _signing(request: Request, provider: Provider, body: FinishedLogin, challenge: str) -> Response:
    """Who logged in at the provider anew, after the challenge, signs it."""
    actor, door = await _actor(request), _door(request)
    asked = await door.read(lambda session: signatures.asked(session, actor, challenge))
    since = door.now() if asked is None else asked.created_at
    begun = body.begun
    subject = await door.login.by_provider(
        _peer(request), lambda: provider.finish(body.code, begun.nonce, begun.verifier, since=since)
    )

    def prove(work: Work) -> str | None:
        person = linked(work.session, provider.client.issuer, subject)
        same = person is not None and person.id == actor.principal_id
        return signatures.prove(work, challenge, SessionMethod.OIDC) if same else None

    proof = await door.act(actor, "step-up", prove)
    if proof is None:
        raise Denied(Code.UNAUTHENTICATED, "another person has logged in at the identity provider")
    return JSONResponse({"proof": proof}, headers=NO_STORE)


async def token(request: Request) -> Response:
    """POST /auth/token: OAuth 2.0 client credentials, for programs whose libraries want that. The API key is both:
    its public part the client id, its secret the client secret.
    """
    try:
        form = parse_qs((await _content(request)).decode("ascii"), strict_parsing=True, max_num_fields=10)
        if form.get("grant_type") != ["client_credentials"]:
            return _oauth_error(400, "unsupported_grant_type")
        client_id, secret = _basic(request) or (form["client_id"][0], form["client_secret"][0])
    except (ValueError, KeyError):
        return _oauth_error(400, "invalid_request")
    try:
        tokens = await _door(request).login.by_key(_peer(request), client_id, secret)
    except Denied:
        return _oauth_error(401, "invalid_client")
    lasts = tokens.access_ends_at - _door(request).now()
    answer = {"access_token": tokens.access, "token_type": "Bearer", "expires_in": int(lasts.total_seconds())}
    return JSONResponse(answer, headers=NO_STORE)


def answered(endpoint: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint whose refusals are answers."""

    async def answer(request: Request) -> Response:
        try:
            return await endpoint(request)
        except MustChange:
            return _refusal(Code.PASSWORD_CHANGE_REQUIRED, MEANINGS[Code.PASSWORD_CHANGE_REQUIRED].way_out)
        except Refused as refused:
            first = refused.violations[0]
            return _refusal(first.code, first.message, [str(part) for part in first.path])
        except (Denied, Unavailable) as error:
            return _refusal(error.code, str(error))

    return answer


ROUTES = [
    Route(path, answered(endpoint), methods=["POST"])
    for path, endpoint in (
        ("/auth/login", log_in),
        ("/auth/break-glass", break_glass),
        ("/auth/refresh", refresh),
        ("/auth/logout", log_out),
        ("/auth/step-up", step_up),
        ("/auth/oidc/start", start_oidc),
        ("/auth/oidc/finish", finish_oidc),
        ("/auth/token", token),
    )
]


def _door(request: Request) -> Door:
    door: Door = request.app.state.door
    return door


async def _actor(request: Request) -> Actor:
    door, authorization = _door(request), request.headers.get("authorization")
    actor = await door.actor_of(authorization)
    if actor is None:
        if authorization is not None:
            door.note_wrong_token(_peer(request), authorization)
        raise Denied(Code.UNAUTHENTICATED, "send the access token: Authorization: Bearer mga_...")
    return actor


def _provider(request: Request) -> Provider:
    provider = _door(request).provider
    if provider is None:
        raise Refused(invalid("the plant has no identity provider: log in by /auth/login", code=Code.NOT_FOUND))
    return provider


def _peer(request: Request) -> str:
    return request.client.host if request.client else ""


async def _content(request: Request) -> bytes:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > BODY_MAX:
            raise Refused(invalid(f"the body has at most {BODY_MAX} bytes"))
    return content


async def _body(request: Request) -> dict[str, Any]:
    """The JSON object of the request. Forms of other pages cannot send one: its type is checked."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        value = json.loads(await _content(request)) if kind == "application/json" else None
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Refused(invalid("send a JSON object, as application/json", code=Code.DOCUMENT_INVALID))
    return value


def _read(kind: type[B], value: dict[str, Any]) -> B:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise Refused(invalid(str(wrong["msg"]), *map(str, wrong["loc"]), code=Code.INVALID_VALUE)) from error


def _basic(request: Request) -> tuple[str, str] | None:
    """Client id and secret of HTTP Basic, which RFC 6749 encodes as in forms."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode("ascii").partition(":")
    except (binascii.Error, UnicodeError) as error:
        raise ValueError("no Basic credentials") from error
    return unquote_plus(client_id), unquote_plus(secret)


def _tokens(tokens: Tokens) -> Response:
    answer = {
        "accessToken": tokens.access,
        "tokenType": "Bearer",
        "expiresAt": tokens.access_ends_at.isoformat(),
        "refreshToken": tokens.refresh,
        "sessionEndsAt": tokens.session.ends_at.isoformat(),
        "principal": {"subject": tokens.principal.subject, "displayName": tokens.principal.display_name},
    }
    return JSONResponse(answer, headers=NO_STORE)


def _refusal(code: Code, message: str, path: list[str] | None = None) -> Response:
    extensions = {"code": code.value, "retryable": MEANINGS[code].retryable, "path": path or []}
    headers = dict(NO_STORE)
    status = STATUS.get(code, 404 if code is Code.NOT_FOUND else 400)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 429:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    return JSONResponse({"errors": [{"message": message, "extensions": extensions}]}, status, headers)


def _oauth_error(status: int, error: str) -> Response:
    headers = {**NO_STORE, "WWW-Authenticate": "Basic"} if status == 401 else NO_STORE
    return JSONResponse({"error": error}, status, headers)
