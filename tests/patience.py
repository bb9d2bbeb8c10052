"""Waiting for what happens by itself, a moment later."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

PATIENCE_S = 10


async def eventually(ask: Callable[[], Awaitable[T]], wanted: Callable[[T], bool]) -> T:
    """The first answer that is ``wanted``; the last one is named when none comes in time."""
    answer = await ask()
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE_S
    while not wanted(answer):
        assert loop.time() < deadline, f"still {answer!r}"
        await asyncio.sleep(0.02)
        answer = await ask()
    return answer
