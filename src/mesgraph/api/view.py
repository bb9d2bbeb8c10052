"""GraphQL over HTTP and WebSocket: who asks, and how an answer travels.

Follows the GraphQL-over-HTTP specification: ``application/graphql-response+json`` when the client accepts it, with
status 400 for a document or variable that never reached execution (200 for clients that know ``application/json``
alone); 401 when nobody is known.
"""

import json
import math
import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
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
from strawberry.http.streaming import HTTPStreamTransport, merge_stream_with_heartbeat
from strawberry.subscriptions import GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.unset import UNSET

from mesgraph.api.answer_size import written
from mesgraph.api.budget import Budgets, meter, metered
from mesgraph.api.context import Context
from mesgraph.api.door import Door
from mesgraph.api.ending import ADMITTED
from mesgraph.api.guard import LONG, Guard, overdrawn
from mesgraph.api.json_bounds import check_json
from mesgraph.api.limits import BODY_MAX, CONTENT_TYPE_MAX, DIGITS_MAX, JSON_NODES_MAX, Excess
from mesgraph.api.live.hub import Hub
from mesgraph.api.live.outlet import Frame, Inbox, TooSlow
from mesgraph.api.plan.plans import Plans
from mesgraph.api.socket import Socket
from mesgraph.api.stored import asked, find, stored_only, with_extensions
from mesgraph.documents.store import Standing
from mesgraph.errors import Code, Denied, Unavailable
from mesgraph.plant import Plant
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import principal
from mesgraph.work import Actor

RESPONSE_TYPE = "application/graphql-response+json"
JSON_TYPES = frozenset({"application/json", "application/json; charset=utf-8", "application/json;charset=utf-8"})
HALF_CHARACTER = re.compile(rb"\\u[dD][89a-fA-F]")


def _parse_int(digits: str) -> int:
    if len(digits) > DIGITS_MAX:
        raise ValueError(f"a number of {len(digits)} digits is too long")
    return int(digits)


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


JSON = json.JSONDecoder(parse_int=_parse_int, parse_constant=_refuse_constant)
_values_max: ContextVar[int] = ContextVar("values_max", default=JSON_NODES_MAX)
"""How many values the JSON of the request at hand may hold, by who sends it."""
_accepts_response_type: ContextVar[bool] = ContextVar("accepts_response_type", default=False)


class NotRead(json.JSONDecodeError):
    """JSON that passes a limit."""


class GraphQLView(GraphQL[Context, None]):
    """An endpoint of the schema: WebSocket beside HTTP, or server-sent events on a path of their own."""

    graphql_transport_ws_handler_class = Socket

    def __init__(
        self,
        schema: Any,
        plant: Plant,
        door: Door,
        budgets: Budgets,
        hub: Hub,
        *,
        plans: Plans | None = None,
        stream: str = GRAPHQL_TRANSPORT_WS_PROTOCOL,
    ) -> None:
        super().__init__(
            schema,
            graphql_ide=None,
            allow_queries_via_get=plant.settings.queries_by_get,
            subscription_protocols=(stream,),
            connection_init_wait_timeout=timedelta(seconds=5),
            max_subscriptions_per_connection=20,
            allowed_origins=sorted(plant.settings.origins),
        )
        self._guard: Guard = schema.guard
        self._plans = plans
        self.hub = hub
        self._budgets = budgets
        self._plant = plant
        self._door = door

    async def get_context(self, request: Request | WebSocket, response: Response | WebSocket) -> Context:
        """Who asks: by header, or, on a WebSocket, later by ``connection_init``."""
        _accepts_response_type.set(RESPONSE_TYPE in request.headers.get("accept", ""))
        context = self._context(request)
        await self._admit(context, request.headers.get("authorization"))
        if context.caller is None and not context.is_socket:
            raise HTTPException(401, "send a valid key or token: Authorization: Bearer mg_...")
        return context

    def _context(self, request: Request | WebSocket) -> Context:
        context = Context(self._plant, None)
        context.is_socket = isinstance(request, WebSocket)
        context.admitted = request.scope.get(ADMITTED)
        context.peer = request.client.host if request.client else None
        context.by_get = request.scope.get("method") == "GET"
        return context

    async def on_ws_connect(self, context: Context) -> dict[str, object] | None:
        """Take the key from ``connection_init``; a socket without a valid one is closed with 4403."""
        parameters = context.connection_params or {}
        sent = parameters.get("Authorization") or parameters.get("authorization")
        if isinstance(sent, str):
            try:
                await self._admit(context, sent)
            except Unavailable as error:
                raise ConnectionRejectionError({"code": error.code.value}) from error
        if context.caller is None:
            raise ConnectionRejectionError({"code": Code.UNAUTHENTICATED.value})
        return {}

    async def body_max(self, authorization: str) -> int:
        """The longest request that the holder of this key may send, in bytes."""
        try:
            actor = await self._door.actor_of(authorization)
        except Unavailable:
            return BODY_MAX
        return max((long.request_max for long in LONG if actor and actor.has_any(long.roles)), default=BODY_MAX)

    async def _admit(self, context: Context, authorization: str | None) -> None:
        context.prove = partial(self._door.actor_of, authorization)
        context.caller = await context.prove()
        if context.caller is None:
            if authorization is not None:
                context.note(SecurityEventKind.TOKEN_SPRAYING, what=authorization)
            return
        if context.admitted is not None and not context.admitted.done():
            context.admitted.set_result((authorization, context.caller))
        self._let_in(context, context.caller)

    def _let_in(self, context: Context, actor: Actor) -> None:
        context.caller = actor
        context.stored_only = stored_only(self._plant.settings.stored_only, actor)
        context.bucket = self._budgets.of(actor.principal_id)
        if (counting := meter()) is not None:
            counting.charge_to(context.bucket)

    def should_render_graphql_ide(self, request: Any) -> bool:
        """As the parent; a stored document is no question for a page."""
        by_id = {"documentId", "extensions"} & set(request.query_params)
        return not by_id and super().should_render_graphql_ide(request)

    def parse_query_params(self, params: Any) -> dict[str, Any]:
        """As the parent; the id of a stored document may stand by itself."""
        return with_extensions(super().parse_query_params(params))

    async def parse_http_body(self, request: Any) -> Any:
        """As the parent, for a document that is asked for by whatever name."""
        if len(request.content_type or "") > CONTENT_TYPE_MAX:
            raise HTTPException(400, f"the content type has over {CONTENT_TYPE_MAX} characters: send application/json")
        data: Any = await super().parse_http_body(request)
        data.query = asked(data.query, data.extensions)
        return data

    async def execute_operation(self, *, request_data: Any, context: Context, **options: Any) -> Any:  # type: ignore[override]  # which is called by name
        """As the parent; a stream goes on in a group."""
        if isinstance(request_data, list) or self._get_stream_transport(request_data.protocol) is None:
            return await super().execute_operation(request_data=request_data, context=context, **options)

        async def begin(own: Context) -> Any:
            return await alone(request_data=request_data, context=own, **options)

        alone = super().execute_operation
        return self.hub.stream(context, begin, Inbox())

    def _stream_result(self, request: Request, result: Any, transport: HTTPStreamTransport) -> Any:
        """As the parent; whoever does not read is cut off without the last word, and comes again with its cursor."""

        async def stream() -> AsyncGenerator[Any, None]:
            try:
                async with aclosing(result):
                    async for answer in result:
                        if isinstance(answer, Frame):
                            yield answer.event
                        else:
                            told = await self.process_result(request, answer)
                            yield transport.encode_next(told, self.encode_json_string)
            except TooSlow as slow:
                yield f": {slow}\r\n\r\n"
                return
            yield transport.encode_complete()

        return merge_stream_with_heartbeat(
            stream,
            lambda: transport.heartbeat_message(self.encode_json_string),
            interval=transport.heartbeat_interval,
            send_initial_heartbeat=transport.send_initial_heartbeat,
        )

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
        if (wait_s := _to_wait_s(response_data)) is not None:
            response.status_code = 429
            response.headers["retry-after"] = str(math.ceil(wait_s))
        if _accepts_response_type.get():
            response.headers["content-type"] = f"{RESPONSE_TYPE}; charset=utf-8"
            if isinstance(response_data, dict) and "data" not in response_data and response.status_code == 200:
                response.status_code = 400
        return response

    async def run(self, request: Any, context: Any = UNSET, root_value: Any = UNSET) -> Any:
        """As the parent; what is refused before GraphQL begins has a code, too."""
        try:
            return await metered(self._run(request, context, root_value))
        except HTTPException as refusal:
            code = Code.UNAUTHENTICATED if refusal.status_code == 401 else Code.DOCUMENT_INVALID
            if isinstance(refusal.__cause__, NotRead):
                code = Code.LIMIT_EXCEEDED
            error = {"message": refusal.reason, "extensions": {"code": code.value, "retryable": False, "path": []}}
            response = JSONResponse({"errors": [error]}, status_code=refusal.status_code)
            if refusal.status_code == 401:
                response.headers["www-authenticate"] = "Bearer"
            return response
        except Unavailable as error:
            # nobody could find out who asks: the database does not answer, or the identity provider
            if not isinstance(request, Request):
                raise
            extensions: dict[str, Any] = {"code": error.code.value, "retryable": True, "path": []}
            return JSONResponse({"errors": [{"message": str(error), "extensions": extensions}]}, status_code=503)

    async def _run(self, request: Any, context: Any, root_value: Any) -> Any:
        _values_max.set(JSON_NODES_MAX)
        if isinstance(request, Request) and (actor := await self._door.actor_of(request.headers.get("authorization"))):
            permitted = [long.values_max for long in LONG if actor.has_any(long.roles)]
            _values_max.set(max(permitted, default=JSON_NODES_MAX))
            bucket = self._budgets.of(actor.principal_id)
            if bucket is not None and (wait_s := bucket.wait_s()) > 0:
                # before anything is read: whoever has nothing left should not have that, either
                if (counting := meter()) is not None:
                    counting.charge_to(bucket)
                self._plant.metrics.refusals.labels(Code.RATE_LIMITED.value).inc()
                who = principal(actor.principal_id, request.client.host if request.client else None)
                self._plant.watch.note(SecurityEventKind.COST_SPIKE, who, self._door.now())
                refused: GraphQLHTTPResponse = {"errors": [overdrawn(wait_s).formatted]}
                return self.create_response(refused, await self.get_sub_response(request))
            if self._plans is not None and (answer := await self._planned(request, actor, self._plans)):
                return answer
        return await super().run(request, context, root_value)

    async def _planned(self, request: Request, actor: Actor, plans: Plans) -> Response | None:
        """The answer of a plan to a plain request, with nothing of strawberry around it; else it is strawberry's."""
        headers = request.headers
        if request.method != "POST" or headers.get("content-type") not in JSON_TYPES:
            return None
        try:
            sent = self.parse_json(await request.body())
        except HTTPException:
            return None
        if type(sent) is not dict or not _is_well_formed(sent):
            return None
        context = self._context(request)
        self._let_in(context, actor)
        query = asked(sent.get("query"), sent.get("extensions"))
        if context.stored_only or not isinstance(query, str):
            query = await find(query, context)
        name = sent.get("operationName") or None
        text = query.text if isinstance(query, Standing) else query
        if isinstance(text, str):
            await self._guard.documents.read(text, suggest=context.explores)
        passed = self._guard.passed(query, sent.get("variables"), name, context)
        answer = None if passed is None else await plans.answer(*passed, name, context)
        if answer is None:
            return None
        shown = f"{RESPONSE_TYPE}; charset=utf-8" if RESPONSE_TYPE in headers.get("accept", "") else "application/json"
        return Response(answer, media_type=shown)

    def encode_json(self, data: object) -> str:
        """Compact JSON, within the limit of answers."""
        return written(data)

    def parse_json(self, data: str | bytes) -> Any:
        """As the parent; what passes a limit says so."""
        try:
            value: Any = self.decode_json(data)
            return with_extensions(value) if isinstance(data, bytes) else value  # a body, not a part of an address
        except NotRead as error:
            raise HTTPException(400, error.msg) from error
        except json.JSONDecodeError as error:
            raise HTTPException(400, "Unable to parse request body as JSON") from error

    def decode_json(self, data: str | bytes) -> object:
        """An object in the JSON of RFC 8259: no NaN, no endless numbers, no half characters, no bottomless nesting."""
        text = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        try:
            check_json(text, _values_max.get())
        except Excess as excess:
            raise NotRead(str(excess), "", 0) from excess
        try:
            value: object = JSON.decode(text.decode(json.detect_encoding(text), "surrogatepass"))
            if HALF_CHARACTER.search(text):
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


def _is_well_formed(sent: dict[str, Any]) -> bool:
    """Whether the parts of a request beside its document are what they have to be, or null."""
    objects = isinstance(sent.get("variables"), dict | None) and isinstance(sent.get("extensions"), dict | None)
    return objects and isinstance(sent.get("operationName"), str | None)


def _to_wait_s(answer: Any) -> float | None:
    """The seconds after which a caller who has used up the budget may come again."""
    errors = answer.get("errors") if isinstance(answer, dict) else None
    told = [(error.get("extensions") or {}).get("retryAfter") for error in errors or ()]
    return next((wait_s for wait_s in told if wait_s is not None), None)


def _before_execution(error: GraphQLError) -> bool:
    return not error.path and not isinstance(error.original_error, Denied)
