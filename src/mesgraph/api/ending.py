"""Answers that never end by themselves end when the server is asked to stop, or when the right to them ends.

The server tells a WebSocket that it stops, but not a stream of server-sent events: it would wait for the stream until
its patience ends and then break it off. The stream ends without a last word instead, so a client knows that it was cut
and comes back with its cursor.
"""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeAlias

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mesgraph.api.door import Door

ADMITTED = "mesgraph.admitted"
"""Where in the scope the view says whom it let in: a future of the Authorization value and the actor."""
AGAIN_S = 0.05
SERVICE_RESTART = 1012
OPEN_SOCKET = frozenset({"websocket.accept", "websocket.send"})

Reason: TypeAlias = Callable[[Scope], Awaitable[int]]

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


class Ends:
    """The ASGI application ``app``, whose endless answers end for the first of ``reasons``, in whatever state they are.

    A reason waits until it holds, and then says with which code a WebSocket closes.
    """

    def __init__(self, app: ASGIApp, *reasons: Reason) -> None:
        self._app = app
        self._reasons = reasons

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or one socket."""
        last: Message = {}
        code = 0

        async def noting(message: Message) -> None:
            nonlocal last
            last = message
            await send(message)

        scope[ADMITTED] = asyncio.get_running_loop().create_future()
        answering = asyncio.current_task()
        assert answering is not None, "an application runs in a task"

        async def end(reason: Reason) -> None:
            nonlocal code
            code = await reason(scope)
            while True:  # until it ends, whatever it waits for next
                answering.cancel()
                await asyncio.sleep(AGAIN_S)

        ending = [asyncio.create_task(end(reason)) for reason in self._reasons]
        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:
            if not code:
                raise
            while answering.uncancel():
                pass
        finally:
            for task in ending:
                task.cancel()
        if last.get("type") == "http.response.start" or last.get("more_body"):
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        elif code and last.get("type") in OPEN_SOCKET:
            await send({"type": "websocket.close", "code": code})


def server_stops(stopping: asyncio.Event) -> Reason:
    """The reason to end when the server is asked to stop."""

    async def wait(_: Scope) -> int:
        await stopping.wait()
        return SERVICE_RESTART

    return wait


def right_ends(door: Door) -> Reason:
    """The reason to end when whoever asked may not ask any more; only after the view has let somebody in."""

    async def wait(scope: Scope) -> int:
        authorization, actor = await scope[ADMITTED]
        return await door.lost(authorization, actor)

    return wait
