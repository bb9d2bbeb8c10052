"""What a topic is written with: follow the record from a cursor on, or look at a state whenever it may have changed.

Every event topic takes ``after``; a client that reconnects with the last cursor it saw misses nothing and sees nothing
twice. A state topic begins with the state and sends it again when it has changed; what changes at once is sent once.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from datetime import datetime
from functools import partial
from typing import Annotated, Protocol

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.context import Context
from mesgraph.clock import reach
from mesgraph.ledger.queries import Cursor, Recorded

AfterCursor = Annotated[
    Cursor | None,
    strawberry.argument(description="Send everything behind this place first. From now on when left out."),
]


async def follow(
    context: Context,
    after: Cursor | None,
    *,
    types: Collection[str] | None = None,
    wanted: Callable[[Recorded], bool] | None = None,
) -> AsyncIterator[Recorded]:
    """The recorded events of ``types`` (``None``: all) in the actor's sites that are ``wanted``.

    Ends with UNAUTHENTICATED at the first event after the actor's key ended, and at the end of the record where a
    group goes on (:class:`~mesgraph.api.live.place.Place`).
    """
    place, tail = context.place, context.plant.tail
    start = place.start or after or tail.cursor
    place.end(start.position)
    async for event in tail.follow(start, to_end=place.stops):
        await context.prove_again()
        await context.rest()
        place.begin(event.position)
        if (
            context.may_see(event.type, event.site_id)
            and (types is None or event.type in types)
            and (wanted is None or wanted(event))
        ):
            yield event
        place.end(event.position)
    place.arrive(Cursor(start.epoch, place.done))


class Due(Protocol):
    """Names the next moment after ``now`` at which something changes by the time alone."""

    def __call__(self, session: Session, now: datetime) -> datetime | None: ...


REST_S = 0.05
"""How long a state topic waits for what comes together with an event."""


async def moments(context: Context, *, wanted: Callable[[Recorded], bool], due: Due) -> AsyncGenerator[Cursor, None]:
    """When to look at a state: at once, a moment after events that are ``wanted``, and when the clock reaches what is
    ``due`` next. Each time with the place in the record up to which the state must count.

    Where a group goes on there is no moment: the group looks for all.
    """
    place, clock, seen = context.place, context.plant.clock, context.plant.tail.cursor
    if place.stops:
        place.arrive(seen, state=True)
        return
    woken = place.woken = asyncio.Event()

    async def listen(after: Cursor) -> None:
        nonlocal seen
        async for event in follow(context, after, wanted=wanted):
            seen = cursor_of(context, event)
            woken.set()

    listening = asyncio.create_task(listen(seen))
    try:
        while True:
            woken.clear()
            place.look()
            looked_at = clock.now()
            yield seen
            place.looked()
            moment = await context.read(partial(due, now=looked_at))
            waiting: set[asyncio.Task[object]] = {listening, asyncio.create_task(woken.wait())}
            if moment is not None:
                waiting.add(asyncio.create_task(reach(clock, moment)))
            try:
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in waiting - {listening}:
                    task.cancel()
            if listening.done():
                listening.result()  # raises why it ended
            await asyncio.sleep(REST_S)
            await context.prove_again()
    finally:
        listening.cancel()


def cursor_of(context: Context, event: Recorded) -> Cursor:
    """The place of ``event``; pass it as ``after`` to go on behind it."""
    return Cursor(context.plant.tail.cursor.epoch, event.position)


def cursors_of(context: Context, event: Recorded, messages: int) -> list[Cursor]:
    """The places of so many messages about one event: only the last of them is behind it."""
    behind = cursor_of(context, event)
    return [Cursor(behind.epoch, behind.position - 1)] * (messages - 1) + [behind][:messages]
