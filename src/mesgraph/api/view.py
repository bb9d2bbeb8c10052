"""GraphQL over HTTP and WebSocket: who asks, and how an answer travels.

Follows the GraphQL-over-HTTP specification: ``application/graphql-response+json`` when the client accepts it, with
status 400 for a document or variable that never reached execution (200 for clients that know ``application/json``
alone); 401 when nobody is known.
"""

import json
import re
import time
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Any

from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET

from mesgraph.access.queries import authenticate
from mesgraph.api.context import Context
from mesgraph.api.guard import LONG
from mesgraph.errors import Code, Denied
from mesgraph.plant import Plant
from mesgraph.work import Actor

RESPONSE_TYPE = "application/graphql-response+json"
BODY_MAX = 256 * 1024
"""Longest request in bytes; :mod:`mesgraph.api.guard` names the fields that take longer ones."""
KEY_KEPT_S = 2.0
"""For how long a checked key is believed: a revoked key stops within this time."""

DIGITS_MAX = 40
HALF_CHARACTER = re.compile(r"\\u[dD][89a-fA-F]")

_accepts_response_type: ContextVar[bool] = ContextVar("accepts_response_type", default=False)


class Door:
    """Checks keys, and remembers each for two seconds so that a screen full of queries costs one look-up."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._known: dict[str, tuple[float, Actor]] = {}

    async def actor_of(self, authorization: str | None) -> Actor | None:
        """The actor of an ``Authorization`` value ``Bearer mg_...``; ``None`` for any wrong one."""
        scheme, _, text = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not text:
            return None
        now = time.monotonic()
        known = self._known.get(text)
        if known is not None and now - known[0] < KEY_KEPT_S:
            return known[1]
        at = self._plant.clock.now()
        actor = await self._plant.database.read(lambda session: authenticate(session, text, at))
        if actor is None:
            self._known.pop(text, None)
            return None
        if len(self._known) > 10_000:
            self._known.clear()
        self._known[text] = (now, actor)
        return actor


class GraphQLView(GraphQL[Context, None]):
    """An endpoint of the schema: WebSocket beside HTTP, or server-sent events on a path of their own."""

    def __init__(self, schema: Any, plant: Plant, stream: str = GRAPHQL_TRANSPORT_WS_PROTOCOL) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=plant.settings.queries_by_get,
            subscription_protocols=(stream,),
            connection_init_wait_timeout=timedelta(seconds=5),
            max_subscriptions_per_connection=20,
        )
        self._plant = plant
        self._door = Door(plant)

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Who asks: by header, or, on a WebSocket, later by ``connection_init``."""
        _accepts_response_type.set(RESPONSE_TYPE in request.headers.get("accept", ""))
        context = Context(self._plant, None)
        context.is_socket = isinstance(request, WebSocket)
        await self._admit(context, request.headers.get("authorization"))
        if context.caller is None and not context.is_socket:
            raise HTTPException(401, "send a valid key: Authorization: Bearer mg_...")
        return context

    async def on_ws_connect(self, context: Context) -> dict[str, object] | None:
        """Take the key from ``connection_init``; a socket without a valid one is closed with 4403."""
        parameters = context.connection_params or {}
        sent = parameters.get("Authorization") or parameters.get("authorization")
        if isinstance(sent, str):
            await self._admit(context, sent)
        if context.caller is None:
            raise ConnectionRejectionError({"code": Code.UNAUTHENTICATED.value})
        return {}

    async def body_max(self, authorization: str) -> int:
        """The longest request that the holder of this key may send, in bytes."""
        actor = await self._door.actor_of(authorization)
        return max((long.request_max for long in LONG if actor and actor.has_any(long.roles)), default=BODY_MAX)

    async def _admit(self, context: Context, authorization: str | None) -> None:
        context.prove = partial(self._door.actor_of, authorization)
        context.caller = await context.prove()

    async def process_result(self, request: Request, result: ExecutionResult) -> GraphQLHTTPResponse:
        """As the parent; without ``data`` when nothing was executed."""
        answer = await super().process_result(request, result)
        if result.data is None and result.errors and all(_before_execution(error) for error in result.errors):
            answer.pop("data", None)
        return answer

    def create_response(
        self, response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse], sub_response: Response
    ) -> Response:
        """Status and media type as the specification says."""
        response = super().create_response(response_data, sub_response)
        if _accepts_response_type.get():
            response.headers["content-type"] = f"{RESPONSE_TYPE}; charset=utf-8"
            if isinstance(response_data, dict) and "data" not in response_data:
                response.status_code = 400
        return response

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """As the parent; what is refused before GraphQL begins has a code, too."""
        try:
            return await super().run(request, context, root_value)
        except HTTPException as refusal:
            code = Code.UNAUTHENTICATED if refusal.status_code == 401 else Code.DOCUMENT_INVALID
            error = {"message": refusal.reason, "extensions": {"code": code.value, "retryable": False, "path": []}}
            response = JSONResponse({"errors": [error]}, status_code=refusal.status_code)
            if refusal.status_code == 401:
                response.headers["www-authenticate"] = "Bearer"
            return response

    def encode_json(self, data: object) -> str:
        """Compact JSON."""
        return json.dumps(data, separators=(",", ":"), ensure_ascii=False)

    def decode_json(self, data: str | bytes) -> object:
        """An object in the JSON of RFC 8259: no NaN, no endless numbers, no half characters, no bottomless nesting."""
        try:
            value: object = json.loads(data, parse_int=_parse_int, parse_constant=_refuse_constant)
            if HALF_CHARACTER.search(data if isinstance(data, str) else data.decode()):
                json.dumps(value, ensure_ascii=False).encode()
        except json.JSONDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise json.JSONDecodeError(str(error), "", 0) from error
        if not isinstance(value, dict):
            raise json.JSONDecodeError("an object is wanted", "", 0)
        if len(str(value.get("query") or "")) > BODY_MAX:
            raise HTTPException(400, f"a document has at most {BODY_MAX} characters: send long values as variables")
        return value


def _parse_int(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ValueError(f"a number of {len(digits)} digits is too long")
    return int(digits)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _before_execution(error: GraphQLError) -> bool:
    return not error.path and not isinstance(error.original_error, Denied)
