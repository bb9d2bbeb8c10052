"""Data that goes round in a circle, which the verbs do not let anybody record, keeps no question from ending."""

from random import Random

import pytest

from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.feed import CODES, KINDS
from mesgraph.genealogy.models import GenealogyKind as K
from tests.genealogy.core.reference import MICRO


def circle(length: int) -> Graph:
    """Each lot became the next one, and the last one the first."""
    graph = Graph(KINDS)
    lots = [(i + 1, 0, MICRO, MICRO) for i in range(length)]
    graph.append(1, 0, CODES[K.RECEIVE], [], lots)
    for i in range(length):
        graph.append(2 + i, 0, CODES[K.TRANSFORM], [lots[i]], [lots[(i + 1) % length]])
    return graph


@pytest.mark.parametrize("merged", [False, True])
@pytest.mark.parametrize("length", [1, 2, 3, 300])
def test_a_circle_has_all_of_it_both_ways(length: int, merged: bool) -> None:
    graph = circle(length)
    if merged:
        graph.merge()
    everything = list(range(1, length + 1))
    for forward in (False, True):
        assert sorted(graph.items(graph.reach(0, forward))) == everything
        assert sorted(graph.items(graph.trace(0, forward, until=10).nodes)) == everything
        assert len(graph.amounts(0, forward).nodes) == length
    rest = graph.amounts(0, True, rest=True)
    assert sum(rest.remaining) + sum(rest.removed) in (0, graph.totals(memoryview(rest.nodes)[:1])[0])


@pytest.mark.parametrize("seed", range(20))
def test_many_circles_through_each_other_end(seed: int) -> None:
    random, graph = Random(seed), Graph(KINDS)
    lots = [(i + 1, 0, MICRO, MICRO) for i in range(12)]
    graph.append(1, 0, CODES[K.RECEIVE], [], lots)
    for position in range(2, 40):
        inputs, outputs = (random.sample(lots, random.choice([1, 2, 10])) for _ in range(2))
        graph.append(position, 0, CODES[K.TRANSFORM], inputs, outputs)
        if random.random() < 0.1:
            graph.merge()
    for node in range(12):
        for forward in (False, True):
            found = set(graph.reach(graph.node(node + 1), forward))
            assert set(graph.amounts(graph.node(node + 1), forward).nodes) == found
