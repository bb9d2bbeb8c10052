"""Traces by SQL: for rules that must know, in the transaction that writes, what an item was made from.

Set-based: the number of statements does not grow with the depth. The walk passes through items of every site; what lies
outside the caller's scope is left out of the answer and counted, and the amounts are those of the whole graph. Who asks
is answered from memory (:mod:`mesgraph.genealogy.trace`); both give the same answers, and tests compare them.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, cast

from sqlalchemy import Table, func, literal, or_, select
from sqlalchemy.orm import Session

from mesgraph.errors import Refused, invalid
from mesgraph.genealogy.attribution import ZERO, Account, Link, gather, settle, shares_of, spread
from mesgraph.genealogy.kinds import GIVING, PASSING, REMOVING
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, LineRole
from mesgraph.genealogy.traced import Completeness, Missing, Range, Trace, TraceDirection, TraceEdge, TraceNode
from mesgraph.genealogy.walk import EVENT, LINE, Belief, reached_from
from mesgraph.materials.models import Item, ItemKind
from mesgraph.quantity import QUANTUM

ITEM = cast(Table, Item.__table__)
COUNTED = frozenset({ItemKind.SERIAL_UNIT, ItemKind.LOGISTIC_UNIT})
"""Kinds of items of which there is one, however often something is built or packed into it."""


@dataclass(frozen=True)
class _Line:
    item_id: int
    quantity: Decimal
    weight: Decimal
    range: Range | None
    slot: str | None


@dataclass
class _Activity:
    inputs: list[_Line] = field(default_factory=list)
    outputs: list[_Line] = field(default_factory=list)


@dataclass(frozen=True)
class _Edge:
    event_id: int
    link: Link
    input: _Line
    output: _Line


@dataclass
class _Half:
    """One direction of a trace over the whole graph; ``items`` and ``events`` are those that the caller may see."""

    depths: dict[int, int]
    edges: list[_Edge]
    accounts: dict[int, Account]
    shipped: set[int]
    items: dict[int, Item]
    events: dict[int, GenealogyEvent]


def trace(
    session: Session,
    root: Item,
    direction: TraceDirection,
    *,
    max_depth: int | None = None,
    as_of: int | None = None,
    at: datetime | None = None,
) -> Trace:
    """Everything that ``root`` was made from (BACKWARD), that was made from it or holds it (FORWARD), or both.

    ``as_of`` is a position of the record: what was believed then. ``at`` is an event time: what had happened by then.
    Reversed activities never happened. Refuses VALIDATION_FAILED for a negative ``max_depth``.
    """
    if max_depth is not None and max_depth < 0:
        raise Refused(invalid(f"maxDepth is {max_depth}; it cannot be negative", "max_depth"))
    belief = Belief(as_of, at)
    halves: list[tuple[TraceDirection, _Half]] = []
    if direction is not TraceDirection.FORWARD:
        halves.append((TraceDirection.BACKWARD, _load(session, root, belief, forward=False)))
    if direction is not TraceDirection.BACKWARD:
        halves.append((TraceDirection.FORWARD, _load(session, root, belief, forward=True)))
    nodes: dict[int, TraceNode] = {}
    edges: dict[tuple[int, int, int], TraceEdge] = {}
    missing: dict[int, Missing] = {}
    for way, half in halves:
        kept = {item for item, depth in half.depths.items() if max_depth is None or depth <= max_depth}
        missing |= {item: Missing.MAX_DEPTH for item in half.depths if item not in kept}
        missing |= {item: Missing.OUT_OF_SCOPE for item in kept if item not in half.items}
        kept &= half.items.keys()
        nodes |= {node.item.id: node for node in _nodes(root, half, kept, way)}
        for number, edge in enumerate(half.edges):
            shown = _shown_edge(half, edge, kept)
            if shown is not None:
                edges[edge.event_id, way is TraceDirection.FORWARD, number] = shown
    return Trace(
        root=root,
        direction=direction,
        nodes=sorted(nodes.values(), key=lambda node: (node.depth, node.item.id)),
        edges=[edges[key] for key in sorted(edges)],
        depth=max((node.depth for node in nodes.values()), default=0),
        completeness=Completeness.of(missing),
        as_of=as_of,
        at=at,
    )


def _nodes(root: Item, half: _Half, kept: Iterable[int], way: TraceDirection) -> Iterable[TraceNode]:
    links = [edge.link for edge in half.edges]
    totals = {item: account.total for item, account in half.accounts.items()}
    forward = way is TraceDirection.FORWARD
    amounts = (spread if forward else gather)(root.id, links, totals)
    settled = settle(root.id, amounts, half.accounts) if forward else {}
    for key in kept:
        item = half.items[key]
        remains, removed = settled.get(key, (None, None))
        yield TraceNode(
            item=item,
            depth=half.depths[key],
            direction=None if key == root.id else way,
            contained=amounts.get(key, ZERO).quantize(QUANTUM, ROUND_HALF_EVEN),
            uom=root.uom if forward else item.uom,
            remains=remains,
            removed=removed,
            shipped=key in half.shipped,
        )


def _shown_edge(half: _Half, edge: _Edge, kept: set[int]) -> TraceEdge | None:
    event, link = half.events.get(edge.event_id), edge.link
    if event is None or link.source not in kept or link.target not in kept:
        return None
    return TraceEdge(
        event=event,
        from_item=half.items[link.source],
        to_item=half.items[link.target],
        share=link.share,
        input_range=edge.input.range,
        output_range=edge.output.range,
        slot=edge.input.slot,
    )


def _load(session: Session, root: Item, belief: Belief, *, forward: bool) -> _Half:
    """Four statements, whatever the depth: lines, flows, items, activities."""
    walk = reached_from([root.id], belief, forward=forward)
    inside = select(walk.c.event_id)
    far = LineRole.OUTPUT if forward else LineRole.INPUT
    present = or_(LINE.c.role == LineRole.OUTPUT, belief.still_in(LINE, EVENT))
    of_walk = LINE.join(EVENT, EVENT.c.id == LINE.c.event_id)
    lines = session.execute(
        select(*(LINE.c[name] for name in COLUMNS))
        .select_from(of_walk)
        .where(LINE.c.event_id.in_(inside), present)
        .order_by(LINE.c.event_id, LINE.c.role, LINE.c.line)
    ).all()
    activities: dict[int, _Activity] = defaultdict(_Activity)
    for event_id, role, item_id, quantity, weight, range_from, range_to, slot in lines:
        spot = None if range_from is None else (range_from, range_to)
        side = activities[event_id].inputs if role is LineRole.INPUT else activities[event_id].outputs
        side.append(_Line(item_id, quantity, weight, spot, slot))
    depths = _depths(root.id, activities, forward=forward)
    reached = (
        select(LINE.c.item_id).select_from(of_walk).where(LINE.c.event_id.in_(inside), LINE.c.role == far, present)
    )
    reached_items = reached.union(select(literal(root.id)))
    flows = session.execute(
        select(LINE.c.item_id, ITEM.c.item_kind, LINE.c.role, EVENT.c.event_kind, func.sum(LINE.c.quantity))
        .select_from(of_walk.join(ITEM, ITEM.c.id == LINE.c.item_id))
        .where(LINE.c.item_id.in_(reached_items), belief.holds(EVENT), present)
        .group_by(LINE.c.item_id, ITEM.c.item_kind, LINE.c.role, EVENT.c.event_kind)
    ).all()
    items = {item.id: item for item in session.scalars(select(Item).where(Item.id.in_(reached_items)))}
    events = {e.id: e for e in session.scalars(select(GenealogyEvent).where(GenealogyEvent.id.in_(inside)))}
    return _Half(
        depths=depths,
        edges=_edges(activities, depths, forward=forward),
        accounts=_accounts(root, depths, flows),
        shipped={item_id for item_id, _, _, kind, _ in flows if kind is GenealogyKind.SHIP},
        items=items,
        events=events,
    )


COLUMNS = ("event_id", "role", "item_id", "quantity", "weight", "range_from", "range_to", "slot")


def _depths(root: int, activities: dict[int, _Activity], *, forward: bool) -> dict[int, int]:
    """How many activities each item is away from the root, at least; breadth first, each activity once."""
    leading: dict[int, list[_Activity]] = defaultdict(list)
    for activity in activities.values():
        for line in activity.inputs if forward else activity.outputs:
            leading[line.item_id].append(activity)
    depths, queue, seen = {root: 0}, [root], set[int]()
    for item in queue:
        for activity in leading[item]:
            if id(activity) in seen:
                continue
            seen.add(id(activity))
            for line in activity.outputs if forward else activity.inputs:
                if line.item_id not in depths:
                    depths[line.item_id] = depths[item] + 1
                    queue.append(line.item_id)
    return depths


def _edges(activities: dict[int, _Activity], depths: dict[int, int], *, forward: bool) -> list[_Edge]:
    edges = []
    for event_id, activity in activities.items():
        weights = [line.weight for line in activity.outputs]
        for source in activity.inputs:
            if forward and source.item_id not in depths:
                continue
            shares = shares_of(source.quantity, weights)
            for target, share in zip(activity.outputs, shares, strict=True):
                if forward or target.item_id in depths:
                    link = Link(source.item_id, target.item_id, share)
                    edges.append(_Edge(event_id, link, source, target))
    return edges


def _accounts(root: Item, depths: dict[int, int], flows: Iterable[Any]) -> dict[int, Account]:
    """What there ever was of each item, from its lines; a unit is one, however often something is built into it."""
    given: dict[int, Decimal] = defaultdict(Decimal)
    taken: dict[int, Decimal] = defaultdict(Decimal)
    removed: dict[int, Decimal] = defaultdict(Decimal)
    units = set()
    for item_id, item_kind, role, kind, quantity in flows:
        if item_kind in COUNTED:
            units.add(item_id)
        if role is LineRole.OUTPUT and kind in GIVING:
            given[item_id] += quantity
        if role is LineRole.INPUT and kind in PASSING:
            taken[item_id] += quantity
        if role is LineRole.INPUT and kind in REMOVING:
            removed[item_id] += quantity
    given.setdefault(root.id, root.initial_quantity)
    accounts = {}
    for item_id in depths:
        total = Decimal(1) if item_id in units else given[item_id]
        accounts[item_id] = Account(total, removed[item_id], max(total - taken[item_id], ZERO))
    return accounts
