"""Answers that never end by themselves end when the server is asked to stop.

The server tells a WebSocket that it stops, but not a stream of server-sent events: it would wait for the stream until
its patience ends and then break it off. The stream ends without a last word instead, so a client knows that it was cut
and comes back with its cursor.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import anyio
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stop_asked() -> Iterator[asyncio.Event]:
    """An event that is set when the process is asked to stop; whoever listens to the signals already is told, too.

    Only the main thread hears signals: a server in another one is stopped by whoever started it.
    """
    stopping = asyncio.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopping
        return
    loop = asyncio.get_running_loop()
    before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in STOP_SIGNALS}

    def tell(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopping.set)
        handler = before[signal.Signals(number)]
        if callable(handler):
            handler(number, frame)

    for number in STOP_SIGNALS:
        signal.signal(number, tell)
    try:
        yield stopping
    finally:
        for stop, handler in before.items():
            signal.signal(stop, handler)


class EndsWithServer:
    """The ASGI application ``app``, whose answers end when ``stopping`` is set, in whatever state they are."""

    def __init__(self, app: ASGIApp, stopping: asyncio.Event) -> None:
        self._app = app
        self._stopping = stopping

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        last: Message = {}

        async def noting(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        async with anyio.create_task_group() as group:

            async def end() -> None:
                await self._stopping.wait()
                group.cancel_scope.cancel()

            group.start_soon(end)
            await self._app(scope, receive, noting)
            group.cancel_scope.cancel()
        if last.get("type") == "http.response.start" or last.get("more_body"):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
