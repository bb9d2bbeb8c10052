"""Traces."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.budget import timed
from mesgraph.api.command import shown
from mesgraph.api.context import Context, Info
from mesgraph.api.nodes import opaque_id
from mesgraph.api.plan.shapes import Called, Entries, shaped
from mesgraph.api.scalars import IntegerColumn, TextColumn
from mesgraph.errors import Refused, invalid
from mesgraph.genealogy.answer import Answer, Entry, Fact, edges_of, facts_of, items_of, visible
from mesgraph.genealogy.attribution import AttributionModel
from mesgraph.genealogy.graphql.lists import GenealogyLists
from mesgraph.genealogy.graphql.trace_types import (
    GenealogyEdgeType,
    MaterialExposure,
    TraceColumns,
    TraceCompletenessType,
    TraceNodeType,
    TraceTotals,
)
from mesgraph.genealogy.trace import Half, Question, halves
from mesgraph.genealogy.traced import TraceDirection
from mesgraph.ledger.queries import Cursor, head
from mesgraph.materials.graphql import ItemFilter, ItemKey, TraceableItem, find_item, of_items
from mesgraph.materials.models import ITEM_TYPES, Item, MaterialDefinition, shown_status
from mesgraph.quantity import Quantity, from_micro, plain

OBJECTS_MAX = 10_000
"""Nodes or edges that are given as objects at once; more come in pages, or as columns."""

SkipArgument = Annotated[
    int, strawberry.argument(description="Leave out so many. For a page of the same answer, pass `position` as `asOf`.")
]
FirstArgument = Annotated[
    int | None,
    strawberry.argument(description="How many at most, up to 10,000; all when left out, if they are no more."),
]


@strawberry.input(description="Positions of a lot in its base unit, half-open: [from, to).")
class ItemRangeInput:
    """A range."""

    from_: Decimal = strawberry.field(name="from", description="First position, included.")
    to: Decimal = strawberry.field(description="End, excluded.")


def begin(skip: int) -> int:
    """How many to leave out; refuses less than none."""
    if skip < 0:
        raise Refused(invalid(f"skip is {skip}; it cannot be negative", "skip"))
    return skip


def _size(first: int | None) -> int | None:
    if first is not None and first < 1:
        raise Refused(invalid(f"first is {first}; it must be at least 1", "first"))
    return first


def _page(found: Sequence[Any], first: int | None, skip: int, name: str) -> Sequence[Any]:
    page = found[begin(skip) :][: _size(first)]
    if len(page) > OBJECTS_MAX:
        message = f"{len(page)} {name} are too many to be objects at once: ask for pages with first and skip"
        raise Refused(invalid(message, "first"))
    return page


def _rows(answer: Answer, first: int | None = None, skip: int = 0) -> list[tuple[Any, ...]]:
    """What a plan writes of the nodes of a page."""
    page: Sequence[Entry] = _page(answer.entries, first, skip, "nodes")
    return [(entry.item_id, entry.depth, entry.direction, entry.half.shipped[entry.place]) for entry in page]


@strawberry.type(description="What an item was made from, and where it went.")
class TraceResult:
    """Executed on :class:`~mesgraph.genealogy.answer.Answer`."""

    root: TraceableItem = strawberry.field(description="The item asked about.")
    direction: TraceDirection = strawberry.field(description="Which way.")
    depth: int = strawberry.field(description="How far the farthest item is away.")
    at: datetime | None = strawberry.field(description="The event time asked for.")
    completeness: TraceCompletenessType = strawberry.field(description="Whether this is all.")

    @strawberry.field(description="The model by which amounts are attributed.")
    def model(root: strawberry.Parent[Any]) -> AttributionModel:
        """As asked for."""
        return shown(root.question.model)

    @strawberry.field(description="The place in the record asked for; null: all that was recorded.")
    def as_of(root: strawberry.Parent[Any], info: Info) -> Cursor | None:
        """As a cursor."""
        return _cursor(info, root.question.position) if root.as_of_asked else None

    @strawberry.field(
        description="The place in the record up to which this answer counts. With it as `asOf` the same answer is "
        "given again, whatever has been recorded since; a page of its nodes is not computed anew."
    )
    def position(root: strawberry.Parent[Any], info: Info) -> Cursor:
        """As a cursor."""
        return _cursor(info, root.question.position)

    @strawberry.field(description="How many nodes there are in all, of those that `filter` lists.")
    def node_count(root: strawberry.Parent[Any]) -> int:
        """Of what the caller may see."""
        return len(root.entries)

    @strawberry.field(description="The items, nearest first; the root is the first.")
    @shaped(Entries(_rows, {"item": 0, "depth": 1, "direction": 2, "shipped": 3}, Item))
    async def nodes(
        root: strawberry.Parent[Any], info: Info, first: FirstArgument = None, skip: SkipArgument = 0
    ) -> list[TraceNodeType]:
        """With their rows, in a few statements."""
        page: Sequence[Entry] = _page(root.entries, first, skip, "nodes")
        ids = [entry.item_id for entry in page]
        rows = await info.context.read(lambda session: items_of(session, ids))
        return shown([root.node(entry, rows[entry.item_id]) for entry in page if entry.item_id in rows])

    @strawberry.field(
        description="The same nodes as columns, which large answers want: a list a field, not an object each."
    )
    async def columns(
        root: strawberry.Parent[Any],
        info: Info,
        first: Annotated[int | None, strawberry.argument(description="How many at most; all when left out.")] = None,
        skip: SkipArgument = 0,
    ) -> TraceColumns:
        """Out of plain columns of the database."""
        page = root.entries[begin(skip) :][: _size(first)]
        facts = await info.context.read(lambda session: facts_of(session, [entry.item_id for entry in page]))
        materials = await info.context.read(material_keys)
        return _columns(root, [e for e in page if e.item_id in facts], facts, materials, info.context)

    @strawberry.field(description="The links between them, by activity.")
    async def edges(
        root: strawberry.Parent[Any], info: Info, first: FirstArgument = None, skip: SkipArgument = 0
    ) -> list[GenealogyEdgeType]:
        """Out of the lines of their activities."""
        if first is None:
            _page(root.entries, None, 0, "items and the links between them")
        graph = info.context.plant.core.graph
        found = await info.context.read(lambda session: edges_of(session, graph, root))
        return shown(_page(found, first, skip, "edges"))

    @strawberry.field(description="Sums over the items.")
    async def totals(root: strawberry.Parent[Any], info: Info) -> TraceTotals:
        """Counted when asked for."""
        ids = [entry.item_id for entry in root.entries]
        return totals_of(root, await info.context.read(lambda session: facts_of(session, ids)))


def _cursor(info: Info, position: int) -> Cursor:
    return Cursor(info.context.plant.tail.cursor.epoch, position)


def material_keys(session: Session) -> dict[int, str]:
    """``CODE:REVISION`` of every material."""
    rows = session.execute(select(MaterialDefinition.id, MaterialDefinition.code, MaterialDefinition.revision))
    return {id_: f"{code}:{revision}" for id_, code, revision in rows}


def _columns(
    answer: Answer, page: Sequence[Entry], facts: dict[int, Fact], materials: dict[int, str], context: Context
) -> TraceColumns:
    now = context.plant.clock.now()
    rows = [facts[entry.item_id] for entry in page]
    statuses = (shown_status(fact.lifecycle, fact.open_holds, fact.expires_at, now) for fact in rows)
    return TraceColumns(
        ids=TextColumn([opaque_id(ITEM_TYPES[fact.item_kind], fact.id) for fact in rows]),
        keys=TextColumn([fact.key for fact in rows]),
        materials=TextColumn([None if fact.material_id is None else materials[fact.material_id] for fact in rows]),
        statuses=TextColumn([status.value for status in statuses]),
        quantities=TextColumn([plain(fact.quantity) for fact in rows]),
        uoms=TextColumn([fact.uom for fact in rows]),
        depths=IntegerColumn([entry.depth for entry in page]),
        directions=TextColumn([None if entry.direction is None else entry.direction.value for entry in page]),
        contained=TextColumn([plain(from_micro(entry.half.contained[entry.place])) for entry in page]),
        contained_uoms=TextColumn([answer.uom(e, fact.uom) for e, fact in zip(page, rows, strict=True)]),
        shipped=IntegerColumn([int(e.half.shipped[e.place]) for e in page]),
    )


def totals_of(answer: Answer, facts: dict[int, Fact]) -> TraceTotals:
    """The sums of a trace."""
    forward = [entry for entry in answer.entries if entry.half.left is not None and entry.half.removed is not None]
    onward = [
        entry
        for entry in answer.entries
        if entry.direction is not TraceDirection.BACKWARD and TraceDirection.FORWARD in answer.halves
    ]
    gone = {entry.item_id for entry in onward if entry.half.shipped[entry.place]}

    def amount(parts: Iterable[int]) -> Any:
        return Quantity(from_micro(sum(parts)), answer.root.uom) if forward else None

    left = [(entry.item_id in gone, entry.half.left[entry.place]) for entry in forward if entry.half.left]
    return TraceTotals(
        by_material=_by_material(answer, facts),
        shipped_count=len(gone),
        on_hand=amount(part for away, part in left if not away),
        shipped=amount(part for away, part in left if away),
        removed=amount(entry.half.removed[entry.place] for entry in forward if entry.half.removed),
    )


def _by_material(answer: Answer, facts: dict[int, Fact]) -> list[MaterialExposure]:
    groups: dict[tuple[TraceDirection, int | None, str], list[int]] = defaultdict(list)
    for entry in answer.entries:
        fact = facts.get(entry.item_id)
        if entry.direction is not None and fact is not None:
            key = entry.direction, fact.material_id, answer.uom(entry, fact.uom)
            groups[key].append(entry.half.contained[entry.place])
    return [
        MaterialExposure(
            material_id=material_id, amount=from_micro(sum(parts)), unit=uom, direction=direction, count=len(parts)
        )
        for (direction, material_id, uom), parts in groups.items()
    ]


@dataclass(frozen=True)
class Wanted:
    """What of a trace is wanted: the conditions on its items, and how far it goes."""

    max_depth: int | None = None
    since: datetime | None = None
    stop_at: ItemFilter | None = None
    filter: ItemFilter | None = None


async def answer_of(
    context: Context, root: Item, direction: TraceDirection, question: Question, wanted: Wanted, as_of_asked: bool
) -> Answer:
    """The trace as the caller may see it."""

    async def asked(question: Question) -> dict[TraceDirection, Half]:
        ways = {way: way is TraceDirection.FORWARD for way in halves(direction)}
        half = context.plant.core.half
        return {way: await half(question, forward=forward, timed=timed) for way, forward in ways.items()}

    async def meeting(condition: ItemFilter | None, name: str) -> set[int]:
        def find(session: Session) -> set[int]:
            now = context.plant.clock.now()
            return visible(session, ids, *(of_items(session, condition, now, name) if condition else ()))

        return await context.read(find)

    whole = await asked(question)
    ids = sorted({item for half in whole.values() for item in half.items})
    stops = await meeting(wanted.stop_at, "stop_at") if wanted.stop_at else ()
    question = replace(question, since=wanted.since, stops=frozenset(stops))
    return Answer(
        root,
        direction,
        question,
        await asked(question),
        whole,
        wanted.max_depth,
        seen=None if context.sites is None else await meeting(None, "filter"),
        listed=await meeting(wanted.filter, "filter") if wanted.filter else None,
        as_of_asked=as_of_asked,
    )


async def position_of(context: Context, as_of: Cursor | None) -> int:
    """The position up to which an answer counts: ``as_of``, or all that is committed now.

    Refuses a cursor of another life of the database, or one that lies ahead of it.
    """
    position = await context.plant.core.fresh()
    if as_of is None:
        return position
    end = await context.read(head)
    if as_of.epoch != end.epoch or as_of.position > end.position:
        raise Refused(invalid(f"cursor {as_of} is no place in this record, which ends at {end}", "as_of"))
    return as_of.position


async def traced(
    context: Context,
    item: ItemKey,
    direction: TraceDirection,
    max_depth: int | None = None,
    since: datetime | None = None,
    at: datetime | None = None,
    as_of: Cursor | None = None,
    model: AttributionModel = AttributionModel.PROPORTIONAL,
    range: ItemRangeInput | None = None,
    stop_at: ItemFilter | None = None,
    filter: ItemFilter | None = None,
) -> Answer:
    """One trace, at one position of the record."""
    if max_depth is not None and max_depth < 0:
        raise Refused(invalid(f"maxDepth is {max_depth}; it cannot be negative", "max_depth"))
    position = await position_of(context, as_of)
    root = await context.read(lambda session: find_item(session, item, "item"))
    part = None if range is None else (range.from_, range.to)
    question = Question(root.id, root.initial_quantity, position, at, model, part)
    wanted = Wanted(max_depth, since, stop_at, filter)
    return await answer_of(context, root, direction, question, wanted, as_of is not None)


@strawberry.type
class GenealogyQueries(GenealogyLists):
    """Reads."""

    @strawberry.field(
        description="Everything that an item was made from, and everything that was made from it, at any depth, with "
        "the amounts. The answer is complete or says why not. Activities that were reversed do not count."
    )
    @shaped(Called(traced))
    async def trace(
        self,
        info: Info,
        item: Annotated[ItemKey, strawberry.argument(description="The item asked about.")],
        direction: Annotated[TraceDirection, strawberry.argument(description="Which way.")],
        max_depth: Annotated[
            int | None, strawberry.argument(description="How many activities away at most; all when left out.")
        ] = None,
        since: Annotated[
            datetime | None,
            strawberry.argument(
                description="Follow only activities from this event time on. Amounts stay those of the whole trace."
            ),
        ] = None,
        at: Annotated[
            datetime | None, strawberry.argument(description="Only what had happened by this event time.")
        ] = None,
        as_of: Annotated[
            Cursor | None, strawberry.argument(description="Only what was recorded by then: what was believed.")
        ] = None,
        model: Annotated[
            AttributionModel, strawberry.argument(description="How amounts are attributed.")
        ] = AttributionModel.PROPORTIONAL,
        range: Annotated[
            ItemRangeInput | None,
            strawberry.argument(description="Only these positions of the item; with the model POSITIONAL."),
        ] = None,
        stop_at: Annotated[
            ItemFilter | None,
            strawberry.argument(
                description="Do not go on from items that meet all this; they are part of the answer. The root never "
                "stops the trace. Amounts stay those of the whole trace."
            ),
        ] = None,
        filter: Annotated[
            ItemFilter | None,
            strawberry.argument(
                description="List only items that meet all this, as they are now, and the root; the trace goes through "
                "the others all the same."
            ),
        ] = None,
    ) -> TraceResult:
        """One trace, at one position of the record."""
        return shown(
            await traced(info.context, item, direction, max_depth, since, at, as_of, model, range, stop_at, filter)
        )
