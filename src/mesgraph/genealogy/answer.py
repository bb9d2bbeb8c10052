"""A trace as it is shown to one caller: the numbers of the core, what of them may be seen, and the rows behind them."""

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.attribution import shares_of
from mesgraph.genealogy.models import GenealogyEvent, GenealogyLine, LineRole
from mesgraph.genealogy.trace import WHOLE_ITEMS, Half, Question
from mesgraph.genealogy.traced import Completeness, Missing, TraceDirection, TraceEdge, TraceNode
from mesgraph.ledger.models import Position
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.quantity import from_micro

IDS_PER_STATEMENT = 5_000


@dataclass(frozen=True)
class Entry:
    """An item of a trace: where its numbers stand."""

    item_id: int
    depth: int
    half: Half
    place: int
    direction: TraceDirection | None


@dataclass
class Answer:
    """What ``question`` found, and the ``whole`` trace that it narrows.

    ``seen``: ids of the items that the caller may see, ``None`` for all; ``listed``: of those that are to be listed.
    """

    root: Item
    direction: TraceDirection
    question: Question
    halves: Mapping[TraceDirection, Half]
    whole: Mapping[TraceDirection, Half]
    max_depth: int | None = None
    seen: Collection[int] | None = None
    listed: Collection[int] | None = None
    as_of_asked: bool = False
    entries: list[Entry] = field(init=False)
    completeness: Completeness = field(init=False)

    def __post_init__(self) -> None:
        reached = {item_id for half in self.halves.values() for item_id in half.items}
        missing = {
            item_id: Missing.NARROWED
            for half in self.whole.values()
            for item_id in half.items
            if item_id not in reached
        }
        entries: dict[int, Entry] = {}
        for way, half in self.halves.items():
            for place, (item_id, depth) in enumerate(zip(half.items, half.depths, strict=True)):
                if self.max_depth is not None and depth > self.max_depth:
                    missing[item_id] = Missing.MAX_DEPTH
                elif self.seen is not None and item_id not in self.seen:
                    missing[item_id] = Missing.OUT_OF_SCOPE
                elif place == 0 or self.listed is None or item_id in self.listed:
                    entries[item_id] = Entry(item_id, depth, half, place, way if place else None)
        self.entries = sorted(entries.values(), key=lambda entry: (entry.depth, entry.item_id))
        self.completeness = Completeness.of(missing)

    @property
    def depth(self) -> int:
        """How far the farthest item is away."""
        return self.entries[-1].depth

    @property
    def at(self) -> datetime | None:
        """The event time asked for."""
        return self.question.at

    def uom(self, entry: Entry, own: str) -> str:
        """The unit of what an item contains; ``own`` is that of the item."""
        whole = self.question.model in WHOLE_ITEMS or entry.direction is TraceDirection.BACKWARD
        return own if whole else self.root.uom

    def node(self, entry: Entry, item: Item) -> TraceNode:
        """The entry with its row."""
        half, place = entry.half, entry.place
        return TraceNode(
            item=item,
            depth=entry.depth,
            direction=entry.direction,
            contained=from_micro(half.contained[place]),
            uom=self.uom(entry, item.uom),
            remains=None if half.left is None else from_micro(half.left[place]),
            removed=None if half.removed is None else from_micro(half.removed[place]),
            shipped=half.shipped[place],
        )

    def nodes_of(self, way: TraceDirection) -> "array[int]":
        """The nodes of the core that are shown in one direction."""
        half = self.halves[way]
        return array("i", [half.nodes[e.place] for e in self.entries if e.half is half or e.place == 0])


@dataclass(frozen=True)
class Fact:
    """What sums and columns need of an item."""

    id: int
    key: str
    item_kind: ItemKind
    material_id: int | None
    uom: str
    lifecycle: Lifecycle
    open_holds: int
    expires_at: datetime | None
    quantity: Decimal
    location_id: int | None
    request_id: int | None


def facts_of(session: Session, ids: Sequence[int]) -> dict[int, Fact]:
    """Facts of the items that the session may see."""
    columns = [getattr(Item, name) for name in Fact.__dataclass_fields__]
    statement = select(*columns)
    return {row[0]: Fact(*row) for part in _parts(ids) for row in session.execute(statement.where(Item.id.in_(part)))}


def items_of(session: Session, ids: Sequence[int]) -> dict[int, Item]:
    """The items that the session may see."""
    return {row.id: row for part in _parts(ids) for row in session.scalars(select(Item).where(Item.id.in_(part)))}


def visible(session: Session, ids: Sequence[int], *conditions: ColumnElement[bool]) -> set[int]:
    """Which of the items the session may see, and meet all conditions."""
    wanted = select(Item.id).where(*conditions)
    return {id_ for part in _parts(ids) for id_ in session.scalars(wanted.where(Item.id.in_(part)))}


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        yield ids[start : start + IDS_PER_STATEMENT]


def edges_of(session: Session, graph: Graph, answer: Answer) -> list[TraceEdge]:
    """The edges between the items of an answer, by activity; those of activities that the session may not see left out.

    The core says which there are, the lines of their activities how much, where and from which positions.
    """
    wanted = [_wanted(graph, answer, way) for way in answer.halves]
    positions = sorted({position for found in wanted for position in found})
    events = _events(session, positions)
    lines = _lines(session, [event.id for event in events.values()])
    rows = items_of(session, [entry.item_id for entry in answer.entries])
    edges: dict[tuple[int, int], TraceEdge] = {}
    for position, event in events.items():
        pairs = set().union(*(found.get(position, ()) for found in wanted))
        for number, (source, target, share) in enumerate(_pairs(lines[event.id])):
            if (source.item_id, target.item_id) in pairs:
                edges[event.id, number] = TraceEdge(
                    event=event,
                    from_item=rows[source.item_id],
                    to_item=rows[target.item_id],
                    share=share,
                    input_range=_range(source),
                    output_range=_range(target),
                    slot=source.slot,
                )
    return [edges[key] for key in sorted(edges)]


def _wanted(graph: Graph, answer: Answer, way: TraceDirection) -> dict[int, set[tuple[int, int]]]:
    """The pairs of items that an edge joins, by the position of the activity."""
    window = answer.question.window
    nodes = answer.nodes_of(way)
    if nodes[0] < 0:
        return {}
    item_of = dict(zip(nodes, graph.items(nodes), strict=True))
    found: dict[int, set[tuple[int, int]]] = defaultdict(set)
    through: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for source, target, position, _ in zip(*graph.edges_into(nodes, **window), strict=True):
        if source in item_of:
            found[position].add((item_of[source], item_of[target]))
        elif not graph.is_item(source):
            through[source].append((position, item_of[target]))
    for source, hub, _, _ in zip(*graph.edges_into(array("i", sorted(through)), **window), strict=True):
        for position, target in through[hub] if source in item_of else ():
            found[position].add((item_of[source], target))
    return found


def _events(session: Session, positions: Sequence[int]) -> dict[int, GenealogyEvent]:
    statement = select(Position.position, GenealogyEvent).join(
        GenealogyEvent, GenealogyEvent.ledger_event_id == Position.ledger_event_id
    )
    return {
        position: event
        for part in _parts(positions)
        for position, event in session.execute(statement.where(Position.position.in_(part)))
    }


def _lines(session: Session, event_ids: Sequence[int]) -> dict[int, list[GenealogyLine]]:
    lines: dict[int, list[GenealogyLine]] = defaultdict(list)
    order = (GenealogyLine.event_id, GenealogyLine.role, GenealogyLine.line)
    for part in _parts(event_ids):
        for line in session.scalars(select(GenealogyLine).where(GenealogyLine.event_id.in_(part)).order_by(*order)):
            lines[line.event_id].append(line)
    return lines


def _pairs(lines: Iterable[GenealogyLine]) -> Iterator[tuple[GenealogyLine, GenealogyLine, Decimal]]:
    """Each input with each output, and how much of the one went into the other."""
    inputs = [line for line in lines if line.role is LineRole.INPUT]
    outputs = [line for line in lines if line.role is LineRole.OUTPUT]
    weights = [line.weight for line in outputs]
    for source in inputs:
        for target, share in zip(outputs, shares_of(source.quantity, weights), strict=True):
            yield source, target, share


def _range(line: GenealogyLine) -> tuple[Decimal, Decimal] | None:
    return None if line.range_from is None or line.range_to is None else (line.range_from, line.range_to)
