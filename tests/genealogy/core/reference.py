"""The genealogy in plain Python and fractions, written from the rules alone: what the compiled core is compared with.

It is slow and short. It knows what kinds of activities do, nothing of marks, merges or the order of numbers.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from enum import IntEnum
from fractions import Fraction
from functools import cached_property
from graphlib import TopologicalSorter
from typing import NamedTuple

MICRO = 10**6
NO_RANGE = -(2**63)


class ItemKind(IntEnum):
    LOT = 0
    SUBLOT = 1
    SERIAL_UNIT = 2
    LOGISTIC_UNIT = 3


class Kind(IntEnum):
    RECEIVE = 1
    COMMISSION = 2
    TRANSFORM = 3
    SPLIT = 4
    MERGE = 5
    ASSEMBLE = 6
    DISASSEMBLE = 7
    REWORK = 8
    PACK = 9
    UNPACK = 10
    MOVE = 11
    SHIP = 12
    RETURN = 13
    TRANSFER_OUT = 14
    TRANSFER_IN = 15
    SAMPLE = 16
    ADJUST = 17
    SCRAP = 18


K = Kind
LINKING = {K.TRANSFORM, K.SPLIT, K.MERGE, K.ASSEMBLE, K.REWORK, K.PACK}
GIVING = {K.RECEIVE, K.COMMISSION, K.TRANSFORM, K.SPLIT, K.MERGE, K.REWORK, K.ADJUST}
REMOVING = {K.SAMPLE, K.ADJUST, K.SCRAP}
MARKING = {K.DISASSEMBLE, K.UNPACK, K.SHIP, K.RETURN}
ENDED_BY = {K.ASSEMBLE: K.DISASSEMBLE, K.PACK: K.UNPACK, K.SHIP: K.RETURN, K.TRANSFER_OUT: K.TRANSFER_IN}
UNITS = {ItemKind.SERIAL_UNIT, ItemKind.LOGISTIC_UNIT}


class Line(NamedTuple):
    """An item in an activity, as the core takes it; numbers in millionths. The weight of an input says nothing."""

    item: int
    kind: ItemKind
    quantity: int
    weight: int = 0
    range_from: int = NO_RANGE
    range_to: int = NO_RANGE


class Act(NamedTuple):
    """An activity, or a reversal, which has the lines of the activity at position ``reverses``."""

    position: int
    time: int
    kind: Kind
    inputs: list[Line]
    outputs: list[Line]
    reverses: int = -1

    @property
    def by_hub(self) -> bool:
        """Direct edges would be more than four times as many as those into and out of a node between."""
        inputs, outputs = len(self.inputs), len(self.outputs)
        return self.kind in LINKING and inputs * outputs > 4 * (inputs + outputs)


class Between(NamedTuple):
    """The hub or sink of an activity, by the activity's index in the record."""

    act: int


Node = int | Between
"""An item is its number."""


class Edge(NamedTuple):
    source: Node
    target: Node
    position: int
    share: int


class Given(NamedTuple):
    """So much of a node was received, or made of others."""

    node: Node
    position: int
    quantity: int


class Believed:
    """The graph of what was recorded up to position ``as_of`` and happened between ``since`` and ``until``."""

    def __init__(
        self,
        acts: Sequence[Act],
        item_kinds: dict[int, ItemKind],
        *,
        as_of: int | None = None,
        since: int | None = None,
        until: int | None = None,
    ) -> None:
        known = [act for act in acts if as_of is None or act.position <= as_of]
        undone = {act.reverses for act in known}
        self.acts, self.item_kinds = acts, item_kinds
        limits = {"as_of": as_of, "since": since, "until": until}
        self.limits = {name: limit for name, limit in limits.items() if limit is not None}
        self.happened = {
            i: act
            for i, act in enumerate(known)
            if act.reverses < 0
            and act.position not in undone
            and (since is None or act.time >= since)
            and (until is None or act.time <= until)
        }

    # --- what activities leave behind

    @cached_property
    def _last_ends(self) -> dict[tuple[Kind, int], int]:
        return {(act.kind, line.item): act.position for act in self.happened.values() for line in act.inputs}

    def lasts(self, act: Act, item: int) -> bool:
        """No later activity took the item out of where this one had put it."""
        return act.kind not in ENDED_BY or self._last_ends.get((ENDED_BY[act.kind], item), -1) < act.position

    @cached_property
    def edges(self) -> list[Edge]:
        return [edge for i, act in self.happened.items() for edge in self._edges_of(act, Between(i))]

    def _edges_of(self, act: Act, between: Between) -> Iterator[Edge]:
        taken = [line for line in act.inputs if self.lasts(act, line.item)]
        if act.kind in REMOVING or act.by_hub:
            yield from (Edge(line.item, between, act.position, line.quantity) for line in taken)
        if act.by_hub:
            yield from (Edge(between, line.item, act.position, line.weight) for line in act.outputs)
        elif act.kind in LINKING:
            for line in taken:
                shares = shares_of(line.quantity, [output.weight for output in act.outputs])
                for output, share in zip(act.outputs, shares, strict=True):
                    yield Edge(line.item, output.item, act.position, share)

    @cached_property
    def ahead(self) -> dict[Node, list[Edge]]:
        return _by_end(self.edges, 0)

    @cached_property
    def behind(self) -> dict[Node, list[Edge]]:
        return _by_end(self.edges, 1)

    @cached_property
    def given(self) -> Counter[Given]:
        """Into a hub goes as much as the outputs weigh, so that each takes its part of all inputs."""
        given = Counter[Given]()
        for i, act in self.happened.items():
            if act.kind in GIVING:
                given.update(Given(line.item, act.position, line.quantity) for line in act.outputs)
            if act.by_hub:
                given[Given(Between(i), act.position, sum(line.weight for line in act.outputs))] += 1
        return given

    @cached_property
    def _totals(self) -> Counter[Node]:
        totals = Counter[Node]()
        for given, times in self.given.items():
            totals[given.node] += given.quantity * times
        return totals

    def total(self, node: Node) -> int:
        """All there ever was of a node; a unit is one."""
        is_unit = isinstance(node, int) and self.item_kinds[node] in UNITS
        return MICRO if is_unit else self._totals[node]

    def marked(self, item: int, kind: Kind) -> bool:
        """An activity of this kind removed the item or says where it is, and that lasts."""
        return kind in MARKING | REMOVING and any(
            act.kind == kind and self.lasts(act, item) and item in {line.item for line in act.inputs}
            for act in self.happened.values()
        )

    # --- what is reached

    def _next(self, node: Node, forward: bool) -> list[tuple[Node, int]]:
        if forward:
            return [(edge.target, edge.share) for edge in self.ahead.get(node, ())]
        return [(edge.source, edge.share) for edge in self.behind.get(node, ())]

    def _items_next(self, node: Node, forward: bool) -> Iterator[int]:
        """A hub is no step of its own, and nothing leaves a sink."""
        for other, _ in self._next(node, forward):
            yield from [other] if isinstance(other, int) else self._items_next(other, forward)

    def reach(
        self, start: int, forward: bool, max_depth: int = -1, stops: Collection[int] = ()
    ) -> tuple[dict[int, int], bool]:
        """How many activities each item is away, and whether the search went on from every item that it found."""
        depths, queue, complete = {start: 0}, [start], True
        for item in queue:
            if depths[item] == max_depth or (item in stops and item != start):
                complete = False
                continue
            for other in self._items_next(item, forward):
                if other not in depths:
                    depths[other] = depths[item] + 1
                    queue.append(other)
        return depths, complete

    # --- how much

    def amounts(self, start: int, forward: bool) -> dict[Node, Fraction]:
        """Forward, how much of the start is in each node; backward, how much of each in the start: everything mixes."""
        amounts: dict[Node, Fraction] = defaultdict(Fraction, {start: Fraction(self.total(start))})
        for node in self._in_order(start, forward):
            total = self.total(node)
            part = amounts[node] / total if total else Fraction(node == start and not forward)
            for other, share in self._next(node, forward):
                amounts[other] += share * part
        return amounts

    def _in_order(self, start: int, forward: bool) -> Iterable[Node]:
        """The nodes that are reached, each behind all that lead to it."""
        order, found, waiting = TopologicalSorter[Node]({start: ()}), {start}, list[Node]([start])
        while waiting:
            node = waiting.pop()
            following = {other for other, _ in self._next(node, forward)}
            for other in following:
                order.add(other, node)
            waiting += following - found
            found |= following
        return order.static_order()

    def rests(self, start: int) -> dict[int, tuple[Fraction, Fraction]]:
        """Of the start: what remains in each item, and what was removed from it; together all there was of it."""
        parts = {}
        for item, amount in self.amounts(start, True).items():
            if isinstance(item, int):
                total, edges = self.total(item), self.ahead.get(item, ())
                part = amount / total if total else Fraction()
                left = max(total - sum(edge.share for edge in edges), 0)
                removed = sum(edge.share for edge in edges if self._is_sink(edge.target))
                parts[item] = left * part, removed * part
        whole = sum(left + removed for left, removed in parts.values())
        scale = self.total(start) / whole if whole else Fraction()
        return {item: (left * scale, removed * scale) for item, (left, removed) in parts.items()}

    def _is_sink(self, node: Node) -> bool:
        return isinstance(node, Between) and self.acts[node.act].kind in REMOVING


def shares_of(total: int, weights: Sequence[int]) -> list[int]:
    """Whole numbers in proportion, by the largest remainder, at a tie the lower index; nothing when nothing weighs."""
    whole = sum(weights)
    if not whole:
        return [0] * len(weights)
    shares, rests = zip(*(divmod(total * weight, whole) for weight in weights), strict=True)
    one_more = set(sorted(range(len(weights)), key=lambda i: (-rests[i], i))[: total - sum(shares)])
    return [share + (i in one_more) for i, share in enumerate(shares)]


def _by_end(edges: Iterable[Edge], end: int) -> dict[Node, list[Edge]]:
    found = defaultdict(list)
    for edge in edges:
        found[edge[end]].append(edge)
    return found
