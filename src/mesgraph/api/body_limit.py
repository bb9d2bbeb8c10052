"""A cap on request bodies that holds while reading: what is too long is refused before it is kept."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Permitted: TypeAlias = Callable[[Scope], Awaitable[int]]
"""How many bytes whoever sends a request may send at most."""


class TooLong(Exception):
    """The body passed the limit."""


class BodyLimit:
    """ASGI middleware; answers 413 to a body of more than ``limit`` bytes.

    A body that is longer is read on only if ``permitted`` says so of its sender; that is asked at this moment, once.
    """

    def __init__(self, app: ASGIApp, limit: int, permitted: Permitted) -> None:
        self._app = app
        self._limit = limit
        self._permitted = permitted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit, asked, received = self._limit, False, 0

        async def fits(length: int) -> bool:
            nonlocal limit, asked
            if length > limit and not asked:
                asked, limit = True, max(limit, await self._permitted(scope))
            return length <= limit

        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and not await fits(int(announced)):
            await self._refuse(limit, scope, receive, send)
            return

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if not await fits(received):
                raise TooLong
            return message

        try:
            await self._app(scope, counted, send)
        except TooLong:
            await self._refuse(limit, scope, receive, send)

    async def _refuse(self, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        error = {
            "message": f"the request is longer than {limit} bytes",
            "extensions": {"code": "VALIDATION_FAILED", "retryable": False, "path": []},
        }
        # what still comes is thrown away by the server: closing instead could cost the sender this answer
        await JSONResponse({"errors": [error]}, status_code=413)(scope, receive, send)
