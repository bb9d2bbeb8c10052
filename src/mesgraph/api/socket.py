"""A WebSocket of graphql-transport-ws: what strawberry takes on trust is looked at first."""

from typing import Any

from graphql import GraphQLError
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import BaseGraphQLTransportWSHandler

from mesgraph.api.context import Context
from mesgraph.api.limits import NAME_MAX
from mesgraph.api.stored import asked, with_extensions


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
        payload = with_extensions(message["payload"])
        payload["query"] = asked(payload.get("query"), payload.get("extensions"))
        message["payload"] = payload
        await super().handle_subscribe(message)

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
