"""Activities as they are recorded."""

from collections.abc import AsyncGenerator
from contextlib import nullcontext
from typing import Annotated

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.live.topics import AfterCursor, cursor_of, follow
from mesgraph.api.record import LedgerEventType
from mesgraph.genealogy import queries
from mesgraph.genealogy.events import WORDS
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.ledger.queries import Cursor
from mesgraph.materials.graphql import ItemKey, find_item


@strawberry.type(description="An activity was recorded.")
class GenealogyEventMessage:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    event: LedgerEventType = strawberry.field(description="The record; its payload has the lines.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(description="The activity as it is now.")


@strawberry.type
class GenealogySubscriptions:
    """Live."""

    @strawberry.subscription(
        description="Activities as they are recorded: all, or those that touch an item, what it was made from, or what "
        "was made from it, in the record up to the activity. So the trace is followed as it grows."
    )
    async def genealogy_appended(
        self,
        info: Info,
        item: Annotated[
            ItemKey | None,
            strawberry.argument(name="root", description="Only what touches the trace of this item, both ways."),
        ] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[GenealogyEventMessage, None]:
        """Follow the record."""
        context = info.context
        root = None if item is None else await context.read(lambda session: find_item(session, item, "root").id)
        standing = context.plant.core.standing
        with nullcontext() if root is None else standing.watching(root):
            async for event in follow(context, after, types=WORDS):
                if root is not None and not await standing.touches(event, root):
                    continue
                activity = await context.read(lambda s, id_=event.ledger_event_id: queries.activity_of(s, id_))  # type: ignore[misc]  # of a default
                yield GenealogyEventMessage(
                    cursor=cursor_of(context, event), event=shown(event), genealogy_event=shown(activity)
                )
