"""A WebSocket of graphql-transport-ws: what strawberry takes on trust is looked at first."""

from contextlib import aclosing, suppress
from functools import partial
from typing import Any

from graphql import GraphQLError
from starlette.websockets import WebSocketState
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler, Operation
from strawberry.types.execution import PreExecutionError

from mesgraph.api.context import Context
from mesgraph.api.limits import NAME_MAX
from mesgraph.api.live.outlet import READY, Frame, Inbox, Outlet, Straight, TooSlow, prefix_of
from mesgraph.api.stored import asked, with_extensions

SLOW_CONSUMER = 4508
"""Code with which a socket closes whose reader does not take what happens."""


class Socket(BaseGraphQLTransportWSHandler[Context, None]):
    """As the parent; a message of another shape closes the socket with 4400, a refused document closes nothing."""

    async def handle_message(self, message: Any) -> None:
        """As the parent, for a message that has the shape of its type."""
        if not _well_formed(message):
            await self.handle_invalid_message("Failed to parse message")
            return
        await super().handle_message(message)

    async def handle_subscribe(self, message: Any) -> None:
        """As the parent; the document may be asked for by the id under which it is stored."""
        self.connection_init_timeout_task = None  # it was cancelled, and thousands may wait here
        payload = with_extensions(message["payload"])
        payload["query"] = asked(payload.get("query"), payload.get("extensions"))
        message["payload"] = payload
        await super().handle_subscribe(message)

    async def run_operation(self, operation: Operation[Context, None]) -> None:
        """As the parent; alone, then in a group, whose messages come ready."""
        view: Any = self.view
        prefix = prefix_of(operation.id)
        begin = partial(
            self._begin, operation.query, variable_values=operation.variables, operation_name=operation.operation_name
        )
        try:
            async with aclosing(view.hub.stream(self.context, begin, self._outlet(prefix))) as answers:
                async for answer in answers:
                    if isinstance(answer, PreExecutionError):
                        await operation.send_initial_errors(answer.errors or [])
                        return
                    if isinstance(answer, Frame):
                        await self._connection.send_text(answer.message(prefix))
                    else:
                        await operation.send_next(answer)
            await operation.send_operation_message({"id": operation.id, "type": "complete"})
        except TooSlow as slow:
            await self._close(SLOW_CONSUMER, str(slow))
        except Exception as error:
            await self.handle_task_exception(error)
            with suppress(Exception):  # such as that nobody listens
                await operation.send_operation_message({"id": operation.id, "type": "complete"})

    async def _begin(self, query: Any, context: Context, **options: Any) -> Any:
        return await self.schema.stream(query, context_value=context, **options)

    @property
    def _connection(self) -> Any:
        websocket: Any = self.websocket
        return websocket.ws

    def _outlet(self, prefix: bytes) -> Outlet:
        ready = self._connection.scope.get("extensions", {}).get(READY)
        return Straight(ready, prefix) if ready is not None else Inbox()

    async def _close(self, code: int, reason: str) -> None:
        if self._connection.application_state is not WebSocketState.DISCONNECTED:
            await self.websocket.close(code=code, reason=reason)

    async def handle_invalid_message(self, error_message: str) -> None:
        """As the parent; the reason of a close has 123 bytes at most."""
        await super().handle_invalid_message(error_message.encode()[:120].decode(errors="ignore"))

    @staticmethod
    def _get_pre_execution_close_reason(error: GraphQLError) -> str | None:
        return None


def _well_formed(message: Any) -> bool:
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return False
    if message["type"] in ("subscribe", "complete") and not _is_name(message.get("id")):
        return False
    return message["type"] != "subscribe" or isinstance(message.get("payload"), dict)


def _is_name(given: Any) -> bool:
    return isinstance(given, str) and 0 < len(given) <= NAME_MAX
