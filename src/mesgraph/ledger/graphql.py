"""The record and the state of the system in the API."""

from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import strawberry
from sqlalchemy import func, select, true
from sqlalchemy.orm import Session

from mesgraph import __version__
from mesgraph.access.policy import EVENT_AUDIENCE
from mesgraph.api.command import shown
from mesgraph.api.context import Context, Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, DateTimeRange, in_range
from mesgraph.api.live.topics import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import NODES, parse_node_id
from mesgraph.api.paging import Connection, Edge, First, PageInfo, check_first
from mesgraph.api.record import LedgerEventType
from mesgraph.errors import Refused, not_found
from mesgraph.ledger.models import LedgerEvent, Position
from mesgraph.ledger.queries import Cursor, Recorded, history_of, recorded


@strawberry.type(description="How the genealogy is that a server process keeps in memory.")
class GenealogyStatus:
    """Executed on :class:`~mesgraph.genealogy.core.CoreStatus`."""

    position: int = strawberry.field(description="Position of the record up to which it counts.")
    behind: int = strawberry.field(
        description="Events of the record that it has not taken yet. A trace waits for them, five seconds at most."
    )
    nodes: int = strawberry.field(description="Items, and activities that stand between many of them.")
    edges: int = strawberry.field(description="Links between them.")
    mebibytes: int = strawberry.field(description="Memory that it holds.", resolver=lambda root: root.bytes >> 20)
    restored: bool = strawberry.field(description="Whether it began from the snapshot of an earlier process.")
    refused: str | None = strawberry.field(description="Why it did not, though there was a snapshot.")


@strawberry.type(description="How the server is.")
class SystemStatus:
    """Answered from memory, but for the end of the record."""

    software_version: str = strawberry.field(description="Version of mesgraph.")
    database: str = strawberry.field(description="sqlite or postgresql.")
    row_security: bool = strawberry.field(
        description="Whether the database itself hides rows of other sites, should the server ever forget to. False on "
        "SQLite, and where the database role is a superuser or bypasses row security."
    )
    now: datetime = strawberry.field(description="The clock that stamps records.")
    virtual_clock: bool = strawberry.field(
        description="True on a demo server, whose clock is set by the demo's shift. Never true in production."
    )
    cursor: Cursor = strawberry.field(
        description="The end of the record, with all that was answered before: pass it as `after` to follow from here."
    )
    genealogy: GenealogyStatus = strawberry.field(description="The genealogy in memory, out of which traces answer.")


@strawberry.type(description="An event of the record, as it was appended.")
class LedgerEventMessage:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    event: LedgerEventType = strawberry.field(description="The event.")


class HistoryOrder(StrEnum):
    """The orders in which events are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"


described_enum(
    HistoryOrder,
    "The order of the events of a thing.",
    {HistoryOrder.OLDEST: "What was recorded first, first.", HistoryOrder.NEWEST: "What was recorded last, first."},
)


@strawberry.input(description="Which events. All conditions that are given must hold.")
class HistoryFilter:
    """Conditions on events."""

    type: list[str] | None = strawberry.field(default=None, description="Of any of these types: JOB_ORDER_STARTED.")
    occurred_at: DateTimeRange | None = strawberry.field(default=None, description="Happened in this window.")


@strawberry.type
class LedgerQueries:
    """Reads."""

    @strawberry.field(description="How the server is, and where the record ends.")
    async def system_status(self, info: Info) -> SystemStatus:
        """The state; the end of the record as the database has it."""
        plant = info.context.plant
        return SystemStatus(
            software_version=__version__,
            database=plant.database.dialect,
            row_security=plant.database.row_security,
            now=plant.clock.now(),
            virtual_clock=plant.clock.virtual,
            cursor=await plant.tail.end(),
            genealogy=shown(plant.core.status()),
        )

    @strawberry.field(description="What happened to a thing. `after` is the cursor of an event.")
    async def history(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Opaque id of the thing.")],
        filter: Annotated[HistoryFilter | None, strawberry.argument(description="Which; all when left out.")] = None,
        order_by: Annotated[HistoryOrder, strawberry.argument(description="In which order.")] = HistoryOrder.OLDEST,
        first: First = 50,
        after: Annotated[
            Cursor | None, strawberry.argument(description="Cursor of the last event of the page before.")
        ] = None,
    ) -> Connection[LedgerEventType]:
        """A page of the subject's chain."""
        check_first(first)
        await info.context.plant.tail.check(after)
        kind, key = await _visible(info, id)
        await info.context.plant.tail.numbered(kind, key)
        statement = history_of(kind, key).where(*_conditions(info.context, filter or HistoryFilter()))
        behind, order = _behind(order_by, after)

        def query(session: Session) -> list[Recorded]:
            rows = session.execute(statement.where(behind).order_by(order).limit(first + 1))
            return [recorded(event, place) for event, place, _ in rows]

        async def count() -> int:
            counted = select(func.count()).select_from(statement.subquery())
            return await info.context.read(lambda s: s.scalar(counted) or 0)

        events = await info.context.read(query)
        page = events[:first]
        cursors = [str(cursor_of(info.context, event)) for event in page]
        return Connection(
            edges=[Edge(cursor=c, node=shown(e)) for c, e in zip(cursors, page, strict=True)],
            nodes=shown(page),
            page_info=PageInfo(has_next_page=len(events) > first, end_cursor=cursors[-1] if cursors else None),
            counting=count,
        )


def _conditions(context: Context, wanted: HistoryFilter) -> Iterator[Condition]:
    """What is wanted of what the actor may see (:meth:`Context.may_see`)."""
    yield LedgerEvent.type.not_in([name for name in EVENT_AUDIENCE if not context.may_see(name, None)])
    if context.sites is not None:
        yield LedgerEvent.site_id.is_(None) | LedgerEvent.site_id.in_(sorted(context.sites))
    if wanted.type is not None:
        yield LedgerEvent.type.in_(wanted.type)
    if wanted.occurred_at is not None:
        yield in_range(LedgerEvent.occurred_at, wanted.occurred_at, "filter", "occurred_at")


def _behind(order: HistoryOrder, after: Cursor | None) -> tuple[Condition, Any]:
    if order is HistoryOrder.NEWEST:
        return true() if after is None else Position.position < after.position, Position.position.desc()
    return true() if after is None else Position.position > after.position, Position.position


async def _visible(info: Info, id: str) -> tuple[str, int]:
    parsed = parse_node_id(id)
    row = await info.context.visible(NODES[parsed[0]].row, parsed[1]) if parsed else None
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
