"""A cap on request bodies that holds while reading: what is too long is refused before it is kept."""

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class TooLong(Exception):
    """The body passed the limit."""


class BodyLimit:
    """ASGI middleware; answers 413 to a body of more than ``limit`` bytes."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Count what is read."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        length = dict(scope["headers"]).get(b"content-length", b"0")
        if length.isdigit() and int(length) > self._limit:
            await self._refuse(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._limit:
                raise TooLong
            return message

        try:
            await self._app(scope, counted, send)
        except TooLong:
            await self._refuse(scope, receive, send)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send) -> None:
        message = f"the request is longer than {self._limit} bytes"
        error = {
            "message": message,
            "extensions": {"code": "VALIDATION_FAILED", "retryable": False, "path": []},
        }
        await JSONResponse({"errors": [error]}, status_code=413)(scope, receive, send)
