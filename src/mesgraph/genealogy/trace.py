"""Traces out of memory: what an item was made from, and where it went, in microseconds and at any depth.

The core answers in numbers, for one position of the record (:class:`Half`). What the caller may see, and the rows that
are shown, are read from the database afterwards: numbers are the same for everybody.
"""

from array import array
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from itertools import product
from typing import TypeAlias, TypedDict

from typing_extensions import Buffer

from mesgraph.clock import to_micros
from mesgraph.errors import Refused, invalid
from mesgraph.genealogy import exposure, plug_flow
from mesgraph.genealogy._graph import Graph, Reached
from mesgraph.genealogy.attribution import AttributionModel
from mesgraph.genealogy.feed import CODES
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.genealogy.traced import Range, TraceDirection
from mesgraph.quantity import plain, to_micro

Nodes: TypeAlias = "array[int]"
SHIP = CODES[GenealogyKind.SHIP]
WHOLE_ITEMS = frozenset({AttributionModel.WORST_CASE, AttributionModel.POSITIONAL})
"""Models by which an item is exposed as a whole, so that its amount is that of the item, in the unit of the item."""


class When(TypedDict):
    """A position of the record and an event time up to which it counts."""

    as_of: int
    until: int | None


class Window(When):
    """From when on it counts, too."""

    since: int | None


@dataclass(frozen=True)
class Question:
    """What is asked: of ``item_id``, in the record up to ``position`` and what had happened by ``at``.

    ``part``: positions of the item that are asked about, for the POSITIONAL model. A narrowed question follows only
    activities that happened at ``since`` or later, and does not go on from the items ``stops``.
    """

    item_id: int
    initial_quantity: Decimal
    position: int
    at: datetime | None = None
    model: AttributionModel = AttributionModel.PROPORTIONAL
    part: Range | None = None
    since: datetime | None = None
    stops: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if self.since is not None and self.at is not None and self.at < self.since:
            message = f"nothing happened by {self.at.isoformat()} and not before {self.since.isoformat()}"
            raise Refused(invalid(message, "since"))
        if self.part is not None and self.model is not AttributionModel.POSITIONAL:
            raise Refused(invalid(f"a range is followed by the model POSITIONAL, not by {self.model}", "range"))
        check_part(self.part, self.initial_quantity)

    @property
    def when(self) -> "When":
        """Up to where and by when, as the core takes it."""
        return {"as_of": self.position, "until": None if self.at is None else to_micros(self.at)}

    @property
    def window(self) -> "Window":
        """``when`` with the begin of a narrowed question."""
        return {**self.when, "since": None if self.since is None else to_micros(self.since)}

    @property
    def whole(self) -> "Question":
        """The question that is not narrowed."""
        return replace(self, since=None, stops=frozenset())


def check_part(part: Range | None, quantity: Decimal) -> None:
    """Refuse VALIDATION_FAILED for positions that are no part of an item of so much."""
    if part is not None and not 0 <= part[0] < part[1] <= quantity:
        given, most = [plain(end) for end in part], plain(quantity)
        message = (
            f"range [{given[0]}, {given[1]}) is no part of [0, {most}): it must begin before it ends, and in there"
        )
        raise Refused(invalid(message, "range"))


@dataclass(frozen=True)
class Half:
    """One direction of a trace, nearest items first and those of one depth by id; the start is the first.

    By item: its node in the core, its depth, in millionths of a unit how much is ``contained``, and whether it was
    ``shipped``; forward also what is ``left`` of the start and what was ``removed`` of it, where the model tells.
    """

    items: list[int]
    nodes: Nodes
    depths: list[int]
    contained: list[int]
    shipped: list[bool]
    left: list[int] | None = None
    removed: list[int] | None = None


def half_of(graph: Graph, question: Question, *, forward: bool) -> Half:
    """Everything in one direction. Long ones leave the GIL, so this may run in a thread."""
    start = graph.node(question.item_id)
    if start < 0:
        return _alone(question, forward)
    depths = _depths(graph, start, question, forward)
    nodes, items = _ordered(graph, depths)
    contained, left, removed = _amounts(graph, start, nodes, question, forward)
    if question.model not in WHOLE_ITEMS:
        contained[0] = graph.totals(nodes[:1], **question.when)[0]  # exact, where doubles are not
    return Half(
        items=items,
        nodes=nodes,
        depths=[depths[node] for node in nodes],
        contained=contained,
        left=left,
        removed=removed,
        shipped=_shipped(graph, nodes, question),
    )


def narrowed(graph: Graph, question: Question, whole: Half, *, forward: bool) -> Half:
    """What of a whole trace its narrowed question reaches, at the depths at which it does.

    Amounts stay those of the whole: they say how much is in an item, on whatever way it came there.
    """
    if whole.nodes[0] < 0:
        return whole
    depths = _depths(graph, whole.nodes[0], question, forward)
    nodes, items = _ordered(graph, depths)
    place = {node: i for i, node in enumerate(whole.nodes)}
    kept = [place[node] for node in nodes]
    return Half(
        items=items,
        nodes=nodes,
        depths=[depths[node] for node in nodes],
        contained=[whole.contained[i] for i in kept],
        left=None if whole.left is None else [whole.left[i] for i in kept],
        removed=None if whole.removed is None else [whole.removed[i] for i in kept],
        shipped=[whole.shipped[i] for i in kept],
    )


def _alone(question: Question, forward: bool) -> Half:
    """An item that no activity has named."""
    amount = to_micro(question.initial_quantity)
    rest = ([amount], [0]) if forward else (None, None)
    return Half([question.item_id], array("i", [-1]), [0], [amount], [False], *rest)


def _depths(graph: Graph, start: int, question: Question, forward: bool) -> dict[int, int]:
    if question.model is AttributionModel.POSITIONAL:
        return _exposed(graph, start, question, forward)
    return depths_of(graph.trace(start, forward, **question.window, stops=_stops(graph, question)))


def _stops(graph: Graph, question: Question) -> "Nodes | None":
    nodes = (graph.node(item) for item in question.stops)
    return array("i", [node for node in nodes if node >= 0]) if question.stops else None


def depths_of(reached: Reached) -> dict[int, int]:
    """How many activities away each node is at least."""
    nodes, begin = reached.nodes.tolist(), 0
    depths: dict[int, int] = {}
    for depth, end in enumerate(reached.depth_ends):
        depths |= dict.fromkeys(nodes[begin:end], depth)
        begin = end
    return depths


def _ordered(graph: Graph, depths: Mapping[int, int]) -> tuple[Nodes, list[int]]:
    """Nodes and items by depth, then by item."""
    nodes = list(depths)
    items = dict(zip(nodes, graph.items(array("i", nodes)), strict=True))
    nodes.sort(key=lambda node: (depths[node], items[node]))
    return array("i", nodes), [items[node] for node in nodes]


def _shipped(graph: Graph, nodes: Nodes, question: Question) -> list[bool]:
    marks = graph.marked(nodes, SHIP, **question.when)
    return [bool(mark) for mark in marks]


def _amounts(
    graph: Graph, start: int, nodes: Nodes, question: Question, forward: bool
) -> tuple[list[int], list[int] | None, list[int] | None]:
    if question.model in WHOLE_ITEMS:
        return graph.totals(nodes, **question.when).tolist(), None, None
    if question.model is AttributionModel.FIFO:
        amounts = _plug_flow(graph, start, nodes, question, forward)
        return [round(amounts[node]) for node in nodes], None, None
    found = graph.amounts(start, forward, **question.when, rest=forward)
    place = {node: i for i, node in enumerate(found.nodes)}
    order = [place[node] for node in nodes]
    contained = [round(found.contained[i]) for i in order]
    if not forward:
        return contained, None, None
    return contained, [found.remaining[i] for i in order], [found.removed[i] for i in order]


def _plug_flow(graph: Graph, start: int, nodes: Nodes, question: Question, forward: bool) -> dict[int, Decimal]:
    """The FIFO model, in millionths. What others took of an item counts, too: it moves the place of the next taking."""
    when = question.when
    hubs = {source for source in graph.edges_into(nodes, **when)[0] if not graph.is_item(source)}
    known = array("i", [*nodes, *hubs])
    taken = list(zip(*graph.edges_out_of(known, **when), strict=True))
    made = list(zip(*graph.made(known, **when), strict=True))
    positions = array("q", sorted({position for _, _, position, _ in [*taken, *made]}))
    time_at = dict(zip(positions, graph.times_at(positions), strict=True))
    takings = [
        plug_flow.Taking(source, target, position, time_at[position], Decimal(share))
        for source, target, position, share in taken
    ]
    arrivals: dict[int, list[plug_flow.Arrival]] = {}
    for node, _, position, amount in made:
        arrivals.setdefault(node, []).append(plug_flow.Arrival(position, time_at[position], Decimal(amount)))
    everything = array("i", sorted({*known, *(taking.target for taking in takings)}))
    totals = graph.totals(everything, **when)
    flows = plug_flow.Flows(
        {node: Decimal(total) for node, total in zip(everything, totals, strict=True)}, arrivals, takings
    )
    amounts = (plug_flow.spread if forward else plug_flow.gather)(start, flows)
    return {node: amounts.get(node, Decimal(0)) for node in nodes}


def _exposed(graph: Graph, start: int, question: Question, forward: bool) -> dict[int, int]:
    """The POSITIONAL model: what is reached, without what lies at other positions."""
    stops = _stops(graph, question)
    reached = graph.trace(start, forward, **question.window, stops=stops).nodes
    ends = set(stops or ()) - {start}
    return exposed_among(graph, {start: question.part}, reached, question.window, forward=forward, ends=ends)


def exposed_among(
    graph: Graph,
    roots: Mapping[int, Range | None],
    reached: Buffer,
    window: "Window",
    *,
    forward: bool,
    ends: Collection[int] = (),
) -> dict[int, int]:
    """How many activities away from the nearest of ``roots``, or the parts of them, each node is of those ``reached``
    that is exposed to them; nothing is exposed through ``ends``.
    """
    inside = set(memoryview(reached))
    listed = list(zip(*graph.edges_into(reached, **window), strict=True))
    hubs = {source for source, *_ in listed if not graph.is_item(source)}
    listed += zip(*graph.edges_into(array("i", sorted(hubs)), **window), strict=True)
    edges = [
        (source, target, position)
        for source, target, position, _ in listed
        if (source if forward else target) not in ends and (not forward or source in inside or source in hubs)
    ]
    ranges = _ranges(graph, (position for _, _, position in edges))
    steps = [step for edge, lines in Counter(edges).items() for step in _steps(*edge, lines, ranges)]
    parts = {root: part and (to_micro(part[0]), to_micro(part[1])) for root, part in roots.items()}
    depths = exposure.exposed(parts, steps, forward=forward, hubs=hubs)
    return {node: depth for node, depth in depths.items() if node not in hubs}


Ranges: TypeAlias = Mapping[tuple[int, int, bool], list[exposure.Interval]]
"""By position of the activity, node, and whether the node is what was made."""


def _steps(source: int, target: int, position: int, lines: int, ranges: Ranges) -> list[exposure.Step]:
    """What an activity took of one item for another: from each range into each; without ranges, of the whole."""
    taken = ranges.get((position, source, False), [])
    made = ranges.get((position, target, True), [])
    whole: list[exposure.Interval | None] = [None]
    pairs = list(product(taken or whole, made or whole))
    if lines > len(pairs):
        pairs.append((None, None))
    return [exposure.Step(source, target, *pair) for pair in pairs]


def _ranges(graph: Graph, positions: Iterable[int]) -> Ranges:
    """All ranges that the activities took or made."""
    ranges: dict[tuple[int, int, bool], list[exposure.Interval]] = defaultdict(list)
    for position, node, output, begin, end in graph.ranges_at(array("q", sorted(set(positions)))):
        ranges[position, node, output].append((begin, end))
    return ranges


def halves(direction: TraceDirection) -> list[TraceDirection]:
    """The single directions of one that is asked for."""
    both = direction is TraceDirection.BOTH
    return [TraceDirection.BACKWARD, TraceDirection.FORWARD] if both else [direction]
