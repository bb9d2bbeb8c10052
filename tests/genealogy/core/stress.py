"""Threads on one graph: one appends, one merges, one saves snapshots, and many ask about positions that were published.

What they are told is compared with answers that were computed before, in a graph that nobody else touched. It is a
program, too, because sanitizers must be there when Python starts: ``python -m tests.genealogy.core.stress EDGES``.
"""

import sys
import tempfile
import threading
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random

from mesgraph.genealogy import snapshot
from mesgraph.genealogy._graph import Graph
from tests.genealogy.core.feeding import KINDS, append, columns, restored
from tests.genealogy.core.reference import MICRO, Act, ItemKind, Kind, Line

K = Kind
READERS = 8
RECENT = 60
KNOWN = 400


@dataclass(frozen=True)
class Known:
    """An answer that is right at a position."""

    position: int
    item: int
    forward: bool
    depths: list[frozenset[int]]
    amounts: dict[int, float]
    total: int
    edges: frozenset[tuple[int, int]]


@dataclass
class Plot:
    """A history of many activities: lots become lots, are packed, unpacked, shipped, scrapped; some of it is undone."""

    edges: int
    random: Random = field(default_factory=lambda: Random(3))
    acts: list[Act] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.items = 0
        self.lots = [self._new() for _ in range(2 * RECENT)]
        self.packed: list[tuple[Line, Line]] = []
        self.undone: set[int] = set()
        self._act(K.RECEIVE, [], self.lots)
        made = 0
        while made < self.edges:
            act = self._next()
            lines = len(act.inputs) + len(act.outputs)
            direct = len(act.inputs) * max(len(act.outputs), 1)
            made += 0 if act.reverses >= 0 else lines if act.by_hub else direct
        self.every = len(self.acts) // KNOWN + 1

    def _next(self) -> Act:
        chance = self.random.random()
        recent = self.lots[-RECENT:]
        if chance < 0.08 and len(self.acts) > 20:
            return self._reversal()
        if chance < 0.16:
            lots, unit = self.random.sample(recent, 3), self._new(ItemKind.LOGISTIC_UNIT)
            self.packed += [(lot, unit) for lot in lots]
            return self._act(K.PACK, lots, [unit])
        if chance < 0.24 and self.packed:
            lot, unit = self.random.choice(self.packed[-RECENT:])
            return self._act(K.UNPACK, [lot], [unit])
        if chance < 0.30:
            return self._act(self.random.choice([K.SCRAP, K.SHIP]), self.random.sample(recent, 2), [])
        if chance < 0.305:  # from time to time all begins anew, or everything would be made from everything
            self.lots = [self._new() for _ in range(RECENT)]
            return self._act(K.RECEIVE, [], self.lots)
        if chance < 0.35:  # a late edge, into a lot from which others were made
            first, second = sorted(self.random.sample(range(len(recent)), 2))
            return self._act(K.TRANSFORM, [recent[first]], [recent[second]])
        many = self.random.choice([1, 2, 4, 12])
        outputs = [self._new() for _ in range(self.random.choice([1, 2, many]))]
        act = self._act(K.TRANSFORM, self.random.sample(recent, many), outputs)
        self.lots = self.lots[-RECENT:] + outputs
        return act

    def _reversal(self) -> Act:
        while True:
            act = self.random.choice(self.acts[-200:])
            if act.reverses < 0 and act.position not in self.undone:
                self.undone.add(act.position)
                return self._act(act.kind, act.inputs, act.outputs, act.position)

    def _act(self, kind: Kind, inputs: list[Line], outputs: list[Line], reverses: int = -1) -> Act:
        position = 2 * len(self.acts) + 1
        self.acts.append(Act(position, position, kind, inputs, outputs, reverses))
        return self.acts[-1]

    def _new(self, kind: ItemKind = ItemKind.LOT) -> Line:
        self.items += 1
        return Line(self.items, kind, MICRO, MICRO)

    def known(self) -> list[Known]:
        """Answers at many positions, from a graph that has nothing behind them."""
        graph, found = Graph(KINDS), []
        for i, act in enumerate(self.acts):
            append(graph, act)
            if graph.appended > graph.edges // 8 + 1000:
                graph.merge()  # or the answers about a large graph would take minutes
            if i % self.every == 0:
                for forward in (False, True):
                    line = self.random.choice(act.inputs + act.outputs)
                    found.append(answer(graph, act.position, line.item, forward, as_of=None))
        return found


def answer(graph: Graph, position: int, item: int, forward: bool, *, as_of: int | None) -> Known:
    """What a graph says of an item."""
    node = graph.node(item)
    trace = graph.trace(node, forward, as_of=as_of, max_depth=12)
    items, ends = list(graph.items(memoryview(trace.nodes))), [0, *trace.depth_ends]
    amounts = graph.amounts(node, forward, as_of=as_of)
    sources, _, positions, _ = graph.edges_into(array("i", [node]), as_of=as_of)
    return Known(
        position,
        item,
        forward,
        [frozenset(items[begin:end]) for begin, end in pairwise(ends)],
        dict(zip(graph.items(memoryview(amounts.nodes)), amounts.contained, strict=True)),
        graph.totals(array("i", [node]), as_of=as_of)[0],
        frozenset(zip(graph.items(memoryview(sources)), positions, strict=True)),
    )


def same(told: Known, right: Known) -> bool:
    """Amounts are added up in another order when edges were merged, so their last digits may differ."""
    return (
        (told.depths, told.total, told.edges) == (right.depths, right.total, right.edges)
        and told.amounts.keys() == right.amounts.keys()
        and all(abs(told.amounts[x] - n) <= 1e-9 * abs(n) for x, n in right.amounts.items())
    )


class Stress:
    """``wrong``: answers that were not right. ``asked``, ``merges``, ``saves``: how often."""

    def __init__(self, plot: Plot, folder: Path) -> None:
        self.plot, self.folder = plot, folder
        self.known = plot.known()
        self.graph = Graph(KINDS)
        self.wrong: list[tuple[Known, Known]] = []
        self.errors: list[BaseException] = []
        self.asked = self.merges = self.saves = 0
        self.written = threading.Event()

    def run(self) -> None:
        work = [self._write, self._merge, self._save] + [lambda seed=i: self._read(seed) for i in range(READERS)]
        threads = [threading.Thread(target=self._guarded, args=(one,)) for one in work]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self.errors:
            raise self.errors[0]

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.errors.append(error)
            self.written.set()

    def _write(self) -> None:
        at, random = 0, Random(4)
        while at < len(self.plot.acts) and not self.written.is_set():
            end = at + random.choice([1, 3, 20])
            columns(self.plot.acts[at:end]).into(self.graph)
            at = end
        self.written.set()

    def _merge(self) -> None:
        while not self.written.is_set():
            self.merges += self.graph.merge()
            self.written.wait(0.001)

    def _save(self) -> None:
        while not self.written.is_set():
            path = self.folder / "graph"
            snapshot.save(self.graph, KINDS, snapshot.End(1, 1, ""), path)
            self.saves += 1
            self._ask(restored(path), Random(self.saves))

    def _read(self, seed: int) -> None:
        random = Random(seed)
        while not self.written.is_set():
            self._ask(self.graph, random)
        for _ in range(20):
            self._ask(self.graph, random)

    def _ask(self, graph: Graph, random: Random) -> None:
        published = graph.last_position
        count = (published + 1) // 2 // self.plot.every * 2
        if count < 2:
            return
        recent = max(0, count - 40) if random.random() < 0.5 else 0
        right = self.known[random.randrange(recent, count)]
        told = answer(graph, right.position, right.item, right.forward, as_of=right.position)
        self.asked += 1
        if not same(told, right):
            self.wrong.append((told, right))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        stress = Stress(Plot(int(sys.argv[1])), Path(name))
        stress.run()
        if stress.wrong:
            raise SystemExit(f"wrong: {stress.wrong[0]}")
