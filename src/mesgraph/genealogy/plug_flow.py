"""How much of one item is in another: the FIFO model (plug flow: what came first goes first).

The content of a lot lies along an axis of its own, [0, Q0): what it received or was made of stands there in the order
of arrival, each arrival mixed in itself, and what is taken of it is taken from the beginning. The order is that in
which things happened, whenever they were recorded; of what happened at once, that of the record. So a lot that was
topped up gives its first customers nothing of the second filling. What came in one arrival only, such as a batch or a
serial unit, is mixed, and for it this model is the PROPORTIONAL one.

Forward, each item gets a density of the start along its axis; backward, each gets a weight along its axis, which says
how much of what lay there went into the start. Both are constant between arrivals or takings, so integrals are sums.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext

from mesgraph.genealogy.attribution import PRECISION, ZERO, Link, in_order

ONE = Decimal(1)


@dataclass(frozen=True)
class Arrival:
    """``amount`` of an item came in by the activity at ``position``, at ``time``."""

    position: int
    time: int
    amount: Decimal


@dataclass(frozen=True)
class Taking:
    """``share`` of ``source`` went into ``target`` by the activity at ``position``, at ``time``."""

    source: int
    target: int
    position: int
    time: int
    share: Decimal


@dataclass(frozen=True)
class Stretch:
    """A part of an item's axis, and the density or weight on it."""

    begin: Decimal
    end: Decimal
    value: Decimal


class Flows:
    """What came into each item and what was taken of it. ``takings`` hold all of each item that is asked about, those
    into other items included, because each moves the place from which the next one takes.
    """

    def __init__(
        self, totals: Mapping[int, Decimal], arrivals: Mapping[int, Sequence[Arrival]], takings: Iterable[Taking]
    ) -> None:
        self.totals = totals
        self._taken = self._placed(takings)
        self.into: dict[int, list[tuple[Taking, Decimal]]] = defaultdict(list)
        for taking, begin in self._taken:
            self.into[taking.target].append((taking, begin))
        self._arrivals = {item: self._placed_arrivals(item, found) for item, found in arrivals.items()}

    def links(self) -> list[Link]:
        """The takings without their places."""
        return [Link(taking.source, taking.target, taking.share) for taking, _ in self._taken]

    def arrivals(self, item: int) -> list[tuple[int | None, Decimal, Decimal]]:
        """(position, begin, end) of each arrival on the item's axis; one of no position where all is mixed."""
        placed = self._arrivals.get(item, [])
        known = {position for position, _, _ in placed}
        if not placed or any(taking.position not in known for taking, _ in self.into[item]):
            return [(None, ZERO, self.totals[item])]
        return [*placed]

    @staticmethod
    def _placed(takings: Iterable[Taking]) -> list[tuple[Taking, Decimal]]:
        """Each taking with the place where it begins, in the order in which they happened."""
        begins: dict[int, Decimal] = defaultdict(Decimal)
        placed = []
        for taking in sorted(takings, key=lambda taking: (taking.time, taking.position)):
            placed.append((taking, begins[taking.source]))
            begins[taking.source] += taking.share
        return placed

    def _placed_arrivals(self, item: int, arrivals: Sequence[Arrival]) -> list[tuple[int | None, Decimal, Decimal]]:
        placed: list[tuple[int | None, Decimal, Decimal]] = []
        begin = ZERO
        for arrival in sorted(arrivals, key=lambda arrival: (arrival.time, arrival.position)):
            if arrival.amount:
                placed.append((arrival.position, begin, begin + arrival.amount))
                begin += arrival.amount
        return placed if begin == self.totals[item] else []  # a unit counts one, whatever was built into it


def spread(root: int, flows: Flows) -> dict[int, Decimal]:
    """How much of ``root`` is in each item that was made from it, or went through it, in the unit of ``root``."""
    amounts: dict[int, Decimal] = {}
    density: dict[int, list[Stretch]] = {}
    with localcontext(prec=PRECISION):
        for item in in_order(root, flows.links()):
            if item == root:
                amounts[item] = flows.totals[item]
                density[item] = [Stretch(ZERO, flows.totals[item], ONE)]
                continue
            came: dict[int | None, Decimal] = defaultdict(Decimal)
            arrivals = flows.arrivals(item)
            mixed = arrivals[0][0] is None
            for taking, begin in flows.into[item]:
                if taking.source in density:
                    part = _integral(density[taking.source], begin, begin + taking.share)
                    came[None if mixed else taking.position] += part
            amounts[item] = sum(came.values(), ZERO)
            density[item] = [Stretch(a, b, came[position] / (b - a)) for position, a, b in arrivals if b > a]
    return amounts


def gather(root: int, flows: Flows) -> dict[int, Decimal]:
    """How much of each item that ``root`` was made from is in it, each in its own unit."""
    weights: dict[int, list[Stretch]] = defaultdict(list)
    amounts: dict[int, Decimal] = {}
    turned = [Link(link.target, link.source, link.share) for link in flows.links()]
    with localcontext(prec=PRECISION):
        weights[root] = [Stretch(ZERO, flows.totals[root], ONE)]
        for item in in_order(root, turned):
            amounts[item] = sum(((s.end - s.begin) * s.value for s in weights[item]), ZERO)
            arrivals = flows.arrivals(item)
            places = {position: (a, b) for position, a, b in arrivals}
            for taking, begin in flows.into[item]:
                a, b = places.get(taking.position) or places[None]
                if b > a:
                    weight = _integral(weights[item], a, b) / (b - a)
                    weights[taking.source].append(Stretch(begin, begin + taking.share, weight))
    return amounts


def _integral(stretches: Sequence[Stretch], begin: Decimal, end: Decimal) -> Decimal:
    return sum(
        ((min(s.end, end) - max(s.begin, begin)) * s.value for s in stretches if s.begin < end and begin < s.end), ZERO
    )
