"""Subscriptions: follow the record from a cursor on.

Every event topic takes ``after``; a client that reconnects with the last cursor it saw misses nothing and sees nothing
twice.
"""

from collections.abc import AsyncIterator, Callable, Collection
from typing import Annotated

import strawberry

from mesgraph.api.context import Context
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

    Ends with UNAUTHENTICATED at the first event after the actor's key ended.
    """
    with context.plant.metrics.subscriptions.track_inprogress():
        async for event in context.plant.tail.follow(after):
            await context.prove_again()
            if (
                context.may_see(event.type, event.site_id)
                and (types is None or event.type in types)
                and (wanted is None or wanted(event))
            ):
                yield event


def cursor_of(context: Context, event: Recorded) -> Cursor:
    """The place of ``event``; pass it as ``after`` to go on behind it."""
    return Cursor(context.plant.tail.cursor.epoch, event.position)
