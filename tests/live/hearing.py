"""Subscribers of a hub, in this process, and what they hear."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mesgraph.api.answer_size import written
from mesgraph.api.context import Context
from mesgraph.api.live.hub import Hub
from mesgraph.api.live.outlet import Frame, Inbox
from mesgraph.schema import build_schema
from mesgraph.work import Actor
from tests.api import Api

QUIET_S = 0.4


async def begin(document: str, variables: dict[str, Any], context: Context) -> Any:
    """The answers of plain execution."""
    return await build_schema().stream(document, variable_values=variables, context_value=context)


def payload_of(answer: Any) -> bytes:
    """What is sent of it."""
    if isinstance(answer, Frame):
        return answer.payload
    told = {"data": answer.data} | ({"errors": [error.formatted for error in answer.errors]} if answer.errors else {})
    return written(told).encode()


class Hearer:
    """A subscriber that listens all the time; of a hub, or of plain execution where there is none."""

    def __init__(self, api: Api, actor: Actor, document: str, hub: Hub | None, **variables: Any) -> None:
        self.heard: list[bytes] = []
        self.from_group = 0
        context = Context(api.plant, actor)
        self._task = asyncio.create_task(self._listen(hub, context, partial(begin, document, variables)))

    async def _listen(self, hub: Hub | None, context: Context, start: Any) -> None:
        async for answer in hub.stream(context, start, Inbox()) if hub else await start(context):
            self.heard.append(payload_of(answer))
            self.from_group += isinstance(answer, Frame)

    async def count(self) -> int:
        """How many messages it has heard."""
        return len(self.heard)

    async def leave(self) -> None:
        """Stop listening."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


@asynccontextmanager
async def hearing(
    api: Api, actor: Actor, document: str, hub: Hub | None = None, **variables: Any
) -> AsyncIterator[Hearer]:
    """A subscriber for the time of the block."""
    hearer = Hearer(api, actor, document, hub, **variables)
    try:
        yield hearer
    finally:
        await hearer.leave()


async def quiet(*hearers: Hearer) -> None:
    """Wait until nobody hears anything any more."""
    before = None
    while before != (before := [len(hearer.heard) for hearer in hearers]):  # noqa: ASYNC110  # nobody tells
        await asyncio.sleep(QUIET_S)


async def recorded(api: Api) -> None:
    """Wait until the tail has what is committed."""
    await api.plant.tail.moved_from((await api.plant.tail.end()).position - 1)
