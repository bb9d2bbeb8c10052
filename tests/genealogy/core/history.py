"""Random histories of a plant: what is recorded, one activity after the other, by a seed.

Each item has a rank, and edges lead up the ranks only, so that nothing is made of itself. The order in which items are
first named, and by that their numbers in the core, has nothing to do with ranks. What a plant would not allow happens,
too: anything may be reversed, also what others were built on, and more may be taken of an item than there is.
"""

from collections import Counter
from itertools import pairwise
from random import Random

from tests.genealogy.core.reference import ENDED_BY, MICRO, UNITS, Act, ItemKind, Kind, Line

K = Kind
MAKING = [K.TRANSFORM, K.TRANSFORM, K.TRANSFORM, K.SPLIT, K.MERGE, K.REWORK, K.ASSEMBLE, K.PACK, K.PACK]
OF_ONE = {K.SPLIT, K.REWORK}
INTO_ONE = {K.MERGE: None, K.REWORK: None, K.ASSEMBLE: ItemKind.SERIAL_UNIT, K.PACK: ItemKind.LOGISTIC_UNIT}
"""Kinds with one output, and of which kind that is when it is new."""
COMING = [K.RECEIVE, K.RECEIVE, K.COMMISSION, K.ADJUST]
GOING = [K.SAMPLE, K.SCRAP, K.ADJUST, K.SHIP, K.TRANSFER_OUT, K.MOVE]


class History:
    """``acts``: what happened, oldest first. ``items``: their numbers, by rank. ``kinds``: of each item."""

    def __init__(self, seed: int, length: int, *, wide: bool = False) -> None:
        self.rng = Random(seed)
        self.largest = self.rng.choice([*[10**9] * 6, 10**15])
        self.acts: list[Act] = []
        self.items: list[int] = []
        self.kinds: dict[int, ItemKind] = {}
        self.left = Counter[int]()
        self.record(K.RECEIVE, [], [self.made(self.new(0))])
        if wide:
            self._begin_wide()
        for _ in range(length):
            self._step()

    def _begin_wide(self) -> None:
        """Thousands of lots from the first one, so many that a search from it goes on without the GIL and by numbers.

        Some of the last go into older items, against the order of the numbers, of which others were made before.
        """
        older = [self.new() for _ in range(16)]
        for old, product in pairwise(older):
            self.record(K.RECEIVE, [], [self.made(old)])
            self.record(K.TRANSFORM, [self.taken(old)], [self.made(product)])
        self.fan_out(self.items[0], self.rng.randint(3000, 4500))
        for _ in range(3):
            self.fan_out(self.rng.choice(self.items[1:3000]), 1500)
        newest = self.acts[-1].outputs[-1].item
        for item in older[:12]:
            self.record(K.ASSEMBLE, [self.taken(newest)], [self.made(item)])
        for _ in range(6):
            self._make_many()
            self._repair()

    # --- what may happen

    def _step(self) -> None:
        often, usual = [self._make], [self._make, self._lose, self._take_out, self._reverse]
        seldom = [self._receive, self._repair, self._diamond, self._make_many]
        self.rng.choice([*often * 3, *usual * 2, *seldom])()

    def _receive(self) -> None:
        """Something new, or more of what there is."""
        self.record(self.rng.choice(COMING), [], self._some_made(0, self.rng.randint(1, 3)))

    def _lose(self) -> None:
        self.record(self.rng.choice(GOING), self._some_taken(self.items, self.rng.randint(1, 3)), [])

    def _make(self) -> None:
        kind, most = self.rng.choice(MAKING), self.rng.choice([1, 2, 3, 12])
        at = self.rng.randint(1, len(self.items))
        # often of what stands close below, so that long ways come about
        below = self.items[self.rng.choice([0, max(at - 5, 0)]) : at]
        inputs = self._some_taken(below, 1 if kind in OF_ONE else self.rng.randint(1, most))
        if kind in INTO_ONE:
            outputs = self._some_made(at, 1, INTO_ONE[kind])
        else:
            outputs = self._some_made(at, self.rng.randint(1, most))
        self.record(kind, inputs, outputs)

    def _make_many(self) -> None:
        """Nearly always so many lines on both sides that a hub stands between them."""
        at = self.rng.randint(1, len(self.items))
        inputs = [self.taken(self.rng.choice(self.items[:at])) for _ in range(self.rng.randint(5, 12))]
        self.record(K.TRANSFORM, inputs, self._some_made(at, self.rng.randint(20, 26)))

    def _diamond(self) -> None:
        """The same by two ways."""
        lot = self.rng.choice(self.items)
        ways = [self.new() for _ in range(2)]
        for way in ways:
            self.record(K.TRANSFORM, [self.taken(lot)], [self.made(way)])
        self.record(K.TRANSFORM, [self.taken(way) for way in ways], [self.made(self.new())])

    def _repair(self) -> None:
        """A newer part into an older item that has products already, which then are made of it, too."""
        old = self.rng.choice([act.inputs[0].item for act in self.acts if act.inputs] or self.items)
        part = self.new(self.rng.randint(0, self.items.index(old)))
        self.record(K.RECEIVE, [], [self.made(part)])
        self.record(self.rng.choice([K.ASSEMBLE, K.TRANSFORM]), [self.taken(part)], [self.made(old)])

    def _take_out(self) -> None:
        """Out of where it was put, or perhaps is no more, and sometimes into the same or another one again."""
        kind = self.rng.choice(list(ENDED_BY))
        put = [act for act in self.acts if act.kind is kind]
        if not put:
            self.record(ENDED_BY[kind], self._some_taken(self.items, 1), [])
            return
        inputs, outputs = (act := self.rng.choice(put)).inputs, act.outputs
        some = self.rng.sample(inputs, self.rng.randint(1, len(inputs)))
        self.record(ENDED_BY[kind], some, outputs)
        if self.rng.random() < 0.5:
            other = outputs and self.rng.random() < 0.5
            self.record(kind, some, [self.made(self.new(kind=INTO_ONE[kind]))] if other else outputs)

    def _reverse(self) -> None:
        """Any activity; often one of the newest, or one that took something out of where it was."""
        undone = {act.reverses for act in self.acts}
        standing = [act for act in self.acts if act.reverses < 0 and act.position not in undone]
        endings = [act for act in standing if act.kind in ENDED_BY.values()]
        if candidates := self.rng.choice([standing, standing[-3:], endings or standing]):
            act = self.rng.choice(candidates)
            self.record(act.kind, act.inputs, act.outputs, reverses=act.position)

    def fan_out(self, whole: int, width: int) -> None:
        """Very many of one, below all that is above it."""
        at = self.items.index(whole) + 1
        self.record(K.SPLIT, [self.taken(whole)], [self.made(self.new(at, ItemKind.LOT)) for _ in range(width)])

    # --- items and lines

    def new(self, rank: int | None = None, kind: ItemKind | None = None) -> int:
        """An item above all others or at a rank. Numbers are far apart and in no order."""
        item = 7919 * len(self.kinds) % 100_003
        self.items.insert(len(self.items) if rank is None else rank, item)
        self.kinds[item] = self.rng.choice(list(ItemKind)) if kind is None else kind
        return item

    def made(self, item: int) -> Line:
        """Sometimes a by-product, which weighs nothing and gets nothing of what went in."""
        quantity = (
            MICRO if self.kinds[item] in UNITS else self.rng.choice([1, 7, *[self.rng.randint(1, self.largest)] * 8])
        )
        self.left[item] += quantity
        return self._line(item, quantity, self.rng.choice([*[quantity] * 7, self.rng.randint(1, self.largest), 0]))

    def taken(self, item: int) -> Line:
        """Some of it or all, of an empty one a little nevertheless, and sometimes more than there is."""
        left = max(self.left[item], 1)
        quantity = self.rng.choice([left, left, self.rng.randint(1, left), self.rng.randint(1, left), 1, MICRO])
        self.left[item] -= quantity
        return self._line(item, quantity, 0)

    def _line(self, item: int, quantity: int, weight: int) -> Line:
        line = Line(item, self.kinds[item], quantity, weight)
        if self.rng.random() < 0.8:
            return line
        begin = self.rng.randint(-5, 10**6)
        return line._replace(range_from=begin, range_to=begin + quantity)

    def _some_taken(self, items: list[int], count: int) -> list[Line]:
        return [self.taken(item) for item in self._one_twice(self.rng.sample(items, min(count, len(items))))]

    def _some_made(self, at: int, count: int, kind: ItemKind | None = None) -> list[Line]:
        """Of items from rank ``at`` on: some are there already, most are new, anywhere above."""
        old = self.rng.sample(self.items[at:], min(count // 3 + self.rng.randint(0, 1), count, len(self.items) - at))
        items = old + [self.new(self.rng.randint(at, len(self.items)), kind) for _ in range(count - len(old))]
        return [self.made(item) for item in self._one_twice(items)]

    def _one_twice(self, items: list[int]) -> list[int]:
        """Now and then an activity of several names an item twice."""
        return [*items, self.rng.choice(items)] if len(items) > 1 and self.rng.random() < 0.15 else items

    # --- the record

    def record(self, kind: Kind, inputs: list[Line], outputs: list[Line], reverses: int = -1) -> None:
        """Positions have gaps; now and then an activity is told long after it happened, or before."""
        position = (self.acts[-1].position if self.acts else 0) + self.rng.choice([1, 1, 2, 5])
        time = 10 * (position if self.rng.random() < 0.7 else self.rng.randint(0, position + 5))
        self.acts.append(Act(position, time, kind, inputs, outputs, reverses))
