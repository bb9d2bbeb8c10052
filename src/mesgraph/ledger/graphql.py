"""The record and the state of the system in the API."""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated

import strawberry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph import __version__
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.live import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import NODES, parse_node_id
from mesgraph.api.paging import Connection, Edge, First, PageInfo, check_first
from mesgraph.api.record import LedgerEventType
from mesgraph.errors import Refused, not_found
from mesgraph.ledger.models import Position
from mesgraph.ledger.queries import Cursor, Recorded, history_of, recorded


@strawberry.type(description="How the server is.")
class SystemStatus:
    """Answered from memory."""

    software_version: str = strawberry.field(description="Version of mesgraph.")
    database: str = strawberry.field(description="sqlite or postgresql.")
    now: datetime = strawberry.field(description="The clock that stamps records.")
    virtual_clock: bool = strawberry.field(
        description="True on a demo server, whose clock is set by the demo's shift. Never true in production."
    )
    cursor: Cursor = strawberry.field(description="The end of the record: pass it as `after` to follow from here.")


@strawberry.type(description="An event of the record, as it was appended.")
class LedgerEventMessage:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    event: LedgerEventType = strawberry.field(description="The event.")


@strawberry.type
class LedgerQueries:
    """Reads."""

    @strawberry.field(description="How the server is, and where the record ends.")
    async def system_status(self, info: Info) -> SystemStatus:
        """The state."""
        plant = info.context.plant
        return SystemStatus(
            software_version=__version__,
            database=plant.database.dialect,
            now=plant.clock.now(),
            virtual_clock=plant.clock.virtual,
            cursor=plant.tail.cursor,
        )

    @strawberry.field(description="What happened to a thing, the oldest first. `after` is the cursor of an event.")
    async def history(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Opaque id of the thing.")],
        first: First = 50,
        after: Annotated[
            Cursor | None, strawberry.argument(description="Cursor of the last event of the page before.")
        ] = None,
    ) -> Connection[LedgerEventType]:
        """A page of the subject's chain."""
        check_first(first)
        await info.context.plant.tail.check(after)
        kind, key = await _visible(info, id)
        behind = after.position if after else 0

        def query(session: Session) -> list[Recorded]:
            statement = history_of(kind, key).where(Position.position > behind).order_by(Position.position)
            return [recorded(event, place) for event, place, _ in session.execute(statement.limit(first + 1))]

        events = await info.context.read(query)

        async def count() -> int:
            counted = select(func.count()).select_from(history_of(kind, key).subquery())
            return await info.context.read(lambda s: s.scalar(counted) or 0)

        page = [event for event in events[:first] if info.context.may_see(event.type, event.site_id)]
        cursors = [str(cursor_of(info.context, event)) for event in page]
        return Connection(
            edges=[Edge(cursor=c, node=shown(e)) for c, e in zip(cursors, page, strict=True)],
            nodes=shown(page),
            page_info=PageInfo(has_next_page=len(events) > first, end_cursor=cursors[-1] if cursors else None),
            counting=count,
        )


async def _visible(info: Info, id: str) -> tuple[str, int]:
    parsed = parse_node_id(id)
    row = await info.context.one(NODES[parsed[0]].row, parsed[1]) if parsed else None
    if parsed is None or row is None or row.subject_kind != parsed[0]:
        raise Refused(not_found("node", id[:100], "id"))
    return parsed


@strawberry.type
class LedgerSubscriptions:
    """Live."""

    @strawberry.subscription(description="Every event of the record in your sites, in order, each once.")
    async def ledger_appended(
        self,
        info: Info,
        types: Annotated[
            list[str] | None, strawberry.argument(description="Only these types, such as JOB_ORDER_STARTED.")
        ] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[LedgerEventMessage, None]:
        """Follow the record."""
        async for event in follow(info.context, after, types=types):
            yield LedgerEventMessage(cursor=cursor_of(info.context, event), event=shown(event))
