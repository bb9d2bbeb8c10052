"""The compiled core against the reference in plain Python, on random histories: every question that it answers."""

from array import array
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise, product
from math import isclose
from pathlib import Path

import pytest
from typing_extensions import Buffer

from mesgraph.genealogy import feed, snapshot
from mesgraph.genealogy._graph import Graph, Reached
from tests.genealogy.core.feeding import KINDS, append, columns, restored
from tests.genealogy.core.history import History
from tests.genealogy.core.reference import MARKING, NO_RANGE, Act, Believed, Between, Edge, Given, Kind, Node
from tests.stages import scaled

BATCHES = 10
HISTORIES = scaled(150, 5000) // BATCHES
WAYS = [False, True]
RELATIVE = 1e-9
"""What doubles may be off. Shares are the same on both sides, so nothing is allowed for the rounding of them."""


def test_kinds_do_here_what_they_do_in_the_plant() -> None:
    assert KINDS == feed.KINDS


@pytest.mark.parametrize("batch", range(BATCHES))
@pytest.mark.timeout(1800)
def test_any_history_is_answered_like_in_the_reference(batch: int, tmp_path: Path) -> None:
    for seed in range(batch * HISTORIES, (batch + 1) * HISTORIES):
        try:
            Compared(History(seed, 4 + seed % 57, wide=seed % 50 == 0), tmp_path / "graph").run()
        except Exception as error:
            error.add_note(f"history of seed {seed}")
            raise


@pytest.mark.parametrize("merged", [True, False])
def test_a_large_search_comes_back_to_all_that_was_made_of_an_older_item(merged: bool, tmp_path: Path) -> None:
    """The older item has products, and these have products, all named before the lot from which the search begins."""
    history = History(0, 0)
    old = [history.new() for _ in range(5)]
    history.record(Kind.RECEIVE, [], [history.made(old[0])])
    for source, target in pairwise(old):
        history.record(Kind.TRANSFORM, [history.taken(source)], [history.made(target)])
    # so many between that the older ones stand before all that the search finds until it comes back to them
    history.record(Kind.RECEIVE, [], [history.made(history.new()) for _ in range(100)])
    lot = history.new(0)
    history.record(Kind.RECEIVE, [], [history.made(lot)])
    history.fan_out(lot, 6000)
    # two steps away, so behind all of the first step in any order
    part = history.new(history.items.index(old[0]))
    history.record(Kind.TRANSFORM, [history.taken(history.acts[-1].outputs[-1].item)], [history.made(part)])
    history.record(Kind.ASSEMBLE, [history.taken(part)], [history.made(old[0])])
    compared = Compared(history, tmp_path / "graph")
    compared.tell(len(history.acts))
    if merged:
        compared.graph.merge()
    now = compared.believed()
    depths, _ = now.reach(lot, True)
    assert set(old) <= depths.keys()
    compared.reach_is_right(lot, True, depths)
    compared.amounts_are_right(now, lot, True)


class Compared:
    """A history that is told to a graph bit by bit, and what the reference says of what was told."""

    def __init__(self, history: History, file: Path) -> None:
        self.history, self.rng, self.file = history, history.rng, file
        self.graph, self.told = Graph(KINDS), 0

    def run(self) -> None:
        merges = self.rng.choice([0, 0.02, 0.2, 1])
        if self.rng.random() < 0.5:
            self.number_items_in_any_order()
        while self.told < len(self.history.acts):
            self.tell(self.rng.randint(1, 8))
            if self.rng.random() < merges:
                self.graph.merge()
            if self.rng.random() < 0.05:
                self.restart()
            if self.rng.random() < 0.1:
                self.ask()
        assert self.graph.events == len(self.history.acts)
        assert self.graph.last_position == self.history.acts[-1].position
        for _ in range(4 if len(self.history.items) < 2000 else 1):
            self.ask()
        self.graph.merge()
        self.ask()

    # --- telling

    def number_items_in_any_order(self) -> None:
        items = self.rng.sample(self.history.items, len(self.history.items))
        self.graph.add_items(array("q", items), array("B", [self.history.kinds[item] for item in items]))

    def tell(self, count: int) -> None:
        """Some more activities, one by one or in columns."""
        acts = self.history.acts[self.told : self.told + count]
        if self.rng.random() < 0.5:
            columns(acts).into(self.graph)
        else:
            for act in acts:
                append(self.graph, act)
        self.told += len(acts)

    def restart(self) -> None:
        """Go on with a graph that comes out of a snapshot."""
        self.graph.merge()
        snapshot.save(self.graph, KINDS, snapshot.End(1, self.told, ""), self.file)
        self.graph = restored(self.file)

    def believed(self, **limits: int) -> Believed:
        return Believed(self.acts, self.history.kinds, **limits)

    # --- nodes and what they are

    @property
    def acts(self) -> list[Act]:
        """Those that were told."""
        return self.history.acts[: self.told]

    def node(self, item: int) -> int:
        return self.graph.node(item)

    def nodes(self, items: Iterable[int]) -> "array[int]":
        return array("i", map(self.node, items))

    def named(self, nodes: Buffer) -> list[Node]:
        numbers = zip(memoryview(nodes), self.graph.items(nodes), strict=True)
        return [number if self.graph.is_item(node) else Between(number) for node, number in numbers]

    def some_items(self, count: int) -> list[int]:
        """The first one, of which most is made in wide histories, and others that something happened to."""
        acts = self.acts[:1] + self.rng.choices(self.acts, k=count - 1)
        return [self.rng.choice(act.inputs + act.outputs).item for act in acts]

    def some_nodes(self, count: int) -> "array[int]":
        """Of all but the sinks that only say where something went."""
        names = enumerate(self.named(array("i", range(self.graph.nodes))))
        nodes = [node for node, name in names if isinstance(name, int) or self.acts[name.act].kind not in MARKING]
        return array("i", self.rng.sample(nodes, min(count, len(nodes))))

    # --- asking

    def ask(self) -> None:
        """All questions, about now and about another moment."""
        items, now = self.some_items(4), self.believed()
        moment, times = self.some_limits()
        self.sets_are_right(now, items)
        for as_of in (None, self.rng.randint(0, self.acts[-1].position)):
            self.relations_are_right(items, as_of)
        self.ranges_are_right()
        for believed in (now, self.believed(**moment)):
            self.lists_are_right(believed, self.some_nodes(8))
            for item, forward in product(items[:2], WAYS):
                self.amounts_are_right(believed, item, forward)
        self.links_are_right(self.believed(**times), self.some_nodes(8))
        for believed, max_depth in product([now, self.believed(**times)], [-1, self.rng.randint(0, 3)]):
            for item, forward, stops in product(items[:2], WAYS, [[], self.some_items(4)]):
                self.trace_is_right(believed, item, forward, max_depth, stops)

    def some_limits(self) -> tuple[dict[str, int], dict[str, int]]:
        """Another moment, by position (often a recent one), by time or by both; and one with a beginning."""
        last = self.acts[-1].position
        recent = self.rng.choice(self.acts[-8:]).position - self.rng.choice([0, 0, 1])
        as_of, until = self.rng.choice([recent, self.rng.randint(0, last)]), self.rng.randint(0, 10 * last)
        moment = self.rng.choice([{"as_of": as_of}, {"until": until}, {"as_of": as_of, "until": until}])
        return moment, moment | self.rng.choice([{}, {"since": self.rng.randint(0, 5 * last)}])

    def sets_are_right(self, now: Believed, items: list[int]) -> None:
        for forward in WAYS:
            depths = {item: now.reach(item, forward)[0] for item in items}
            for item in items:
                self.reach_is_right(item, forward, depths[item])
            ends, nodes = self.graph.reach_many(self.nodes(items), forward)
            found = self.named(nodes)
            assert [sorted(found[a:b]) for a, b in pairwise(ends)] == [sorted(depths[item]) for item in items]

    def relations_are_right(self, items: list[int], as_of: int | None) -> None:
        then = self.believed() if as_of is None else self.believed(as_of=as_of)
        reached = {(item, forward): then.reach(item, forward)[0] for item, forward in product(items, WAYS)}
        for forward in WAYS:
            nodes, counts = self.graph.reach_counts(self.nodes(items), forward, as_of=as_of)
            expected = Counter(other for item in items for other in reached[item, forward] if other != item)
            assert dict(zip(self.named(nodes), counts, strict=True)) == expected
        some, others = items[: self.rng.randint(0, 2)], items + self.some_items(4)
        related = {other for item, forward in product(some, WAYS) for other in reached[item, forward]}
        flags = self.graph.related(self.nodes(some), self.nodes(others), as_of=as_of)
        assert list(flags) == [other in related for other in others]
        for forward in WAYS:
            found = self.named(self.graph.reach_all(self.nodes(some), forward, as_of=as_of))
            assert sorted(found) == sorted({other for item in some for other in reached[item, forward]})

    def reach_is_right(self, item: int, forward: bool, depths: dict[int, int]) -> None:
        node = self.node(item)
        assert sorted(self.named(self.graph.reach(node, forward))) == sorted(depths)
        assert self.graph.count(node, forward) == len(depths) - 1
        for max_depth in (0, 1, 3):
            near = self.named(self.graph.reach(node, forward, max_depth))
            assert sorted(near) == sorted(other for other, depth in depths.items() if depth <= max_depth)
            assert near == sorted(near, key=depths.__getitem__), "nearest first"

    def trace_is_right(self, believed: Believed, item: int, forward: bool, max_depth: int, stops: list[int]) -> None:
        nodes = self.nodes(stops) if stops else None
        reached = self.graph.trace(self.node(item), forward, max_depth=max_depth, stops=nodes, **believed.limits)
        assert (self.depths(reached), reached.complete) == believed.reach(item, forward, max_depth, stops)

    def depths(self, reached: Reached) -> dict[Node, int]:
        items, ends = self.named(reached.nodes), [0, *reached.depth_ends]
        assert ends == sorted(set(ends)), "no depth is empty"
        assert ends[-1] == len(items) == len(set(items))
        return {item: depth for depth, (a, b) in enumerate(pairwise(ends)) for item in items[a:b]}

    def amounts_are_right(self, believed: Believed, item: int, forward: bool) -> None:
        rest = self.rng.random() < 0.7
        reached = self.graph.amounts(self.node(item), forward, rest=rest, **believed.limits)
        amounts = believed.amounts(item, forward)
        found = self.named(reached.nodes)
        assert found == sorted((x for x in amounts if isinstance(x, int)), key=self.node)
        for other, amount in zip(found, reached.contained, strict=True):
            assert isclose(amount, amounts[other], rel_tol=RELATIVE), other
        if rest and forward:
            self.rests_are_right(believed, item, found, reached)

    def rests_are_right(self, believed: Believed, start: int, items: list[Node], reached: Reached) -> None:
        """Whole numbers that add up to all there was, each next to what it exactly is."""
        expected = believed.rests(start)
        rests = list(zip(reached.remaining, reached.removed, strict=True))
        assert sum(map(sum, rests)) == (believed.total(start) if any(map(any, expected.values())) else 0)
        for item, parts in zip(items, rests, strict=True):
            for part, exact in zip(parts, expected[item], strict=True):
                assert part >= 0
                assert abs(part - exact) <= 1 + exact * RELATIVE, item

    def lists_are_right(self, believed: Believed, nodes: "array[int]") -> None:
        graph, names, limits = self.graph, self.named(nodes), believed.limits
        assert list(graph.totals(nodes, **limits)) == [believed.total(name) for name in names]
        self.links_are_right(believed, nodes)
        out_of = graph.edges_out_of(nodes, **limits)
        assert self.edges(out_of) == Counter(edge for name in names for edge in believed.ahead.get(name, ()))
        _, made, positions, quantities = graph.made(nodes, **limits)
        # what an activity puts into an item, but does not make of it, is listed with nothing
        given = Counter(one for one in map(Given, self.named(made), positions, quantities) if one.quantity)
        assert given == Counter({one: times for one, times in believed.given.items() if one.node in names})
        for kind in Kind:
            marks = graph.marked(nodes, kind, **limits)
            assert list(marks) == [believed.marked(name, kind) for name in names]

    def links_are_right(self, believed: Believed, nodes: "array[int]") -> None:
        into, names = self.graph.edges_into(nodes, **believed.limits), self.named(nodes)
        assert self.edges(into) == Counter(edge for name in names for edge in believed.behind.get(name, ()))

    def edges(self, listed: tuple[Buffer, ...]) -> Counter[Edge]:
        sources, targets, positions, shares = listed
        return Counter(map(Edge, self.named(sources), self.named(targets), positions, shares))

    def ranges_are_right(self) -> None:
        """Of all activities but reversals: what each took, and what it made."""
        expected = [
            (act.position, self.node(line.item), i >= len(act.inputs), line.range_from, line.range_to)
            for act in self.acts
            if act.reverses < 0
            for i, line in enumerate(act.inputs + act.outputs)
            if line.range_from != NO_RANGE
        ]
        positions = array("q", [act.position for act in self.acts])
        assert self.graph.ranges_at(positions) == expected
        assert list(self.graph.times_at(positions)) == [act.time for act in self.acts]
