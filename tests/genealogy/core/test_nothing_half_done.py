"""Every question about an unknown node, lines that do not fit, memory that is short: the core is as it was before."""

import subprocess
import sys
from array import array
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mesgraph.genealogy._graph import Graph
from tests.genealogy.core.feeding import KINDS, append, columns, graph_of
from tests.genealogy.core.reference import MICRO, Act, ItemKind, Kind, Line

LOT_A, LOT_B, PRODUCT, LATER = (Line(item, ItemKind.LOT, MICRO, MICRO) for item in (3, 4, 7, 9))
RECEIVED = Act(10, 10, Kind.RECEIVE, [], [LOT_A, LOT_B])
MADE = Act(20, 20, Kind.TRANSFORM, [LOT_A, LOT_B], [PRODUCT])
NEXT = Act(30, 30, Kind.TRANSFORM, [PRODUCT], [LATER])


@pytest.fixture(params=["appended", "merged"])
def graph(request: pytest.FixtureRequest) -> Graph:
    graph = Graph(KINDS)
    columns([RECEIVED, MADE]).into(graph)
    if request.param == "merged":
        graph.merge()
    return graph


def state(graph: Graph) -> tuple[Any, ...]:
    """All that can be seen of it."""
    nodes = range(graph.nodes)
    return (
        graph.events,
        graph.nodes,
        graph.edges,
        graph.last_position,
        [graph.node(item) for item in range(20)],
        [graph.amounts(node, forward, rest=True).contained.tolist() for node in nodes for forward in (True, False)],
    )


def unchanged_and_usable(graph: Graph, before: tuple[Any, ...]) -> None:
    assert state(graph) == before
    append(graph, NEXT)
    whole = graph_of([RECEIVED, MADE, NEXT])
    assert state(graph) == state(whole)
    graph.merge()
    assert state(graph) == state(whole)


UNKNOWN = array("i", [0, 999])
NEGATIVE = array("i", [-1])
QUESTIONS: list[Callable[[Graph, Any], object]] = [
    lambda graph, nodes: graph.reach(nodes[-1], True),
    lambda graph, nodes: graph.trace(nodes[-1], False, as_of=10),
    lambda graph, nodes: graph.trace(0, True, stops=nodes),
    lambda graph, nodes: graph.amounts(nodes[-1], True, rest=True),
    lambda graph, nodes: graph.reach_many(nodes, True),
    lambda graph, nodes: graph.reach_counts(nodes, True),
    lambda graph, nodes: graph.items(nodes),
    lambda graph, nodes: graph.totals(nodes),
    lambda graph, nodes: graph.marked(nodes, int(Kind.SHIP)),
    lambda graph, nodes: graph.edges_into(nodes),
    lambda graph, nodes: graph.edges_out_of(nodes),
    lambda graph, nodes: graph.made(nodes),
    lambda graph, nodes: graph.is_item(nodes[-1]),
    lambda graph, nodes: graph.related(nodes, array("i", [0])),
    lambda graph, nodes: graph.related(array("i", [0]), nodes),
    lambda graph, nodes: graph.count(nodes[-1], False),
]


@pytest.mark.parametrize("ask", QUESTIONS)
@pytest.mark.parametrize("nodes", [UNKNOWN, NEGATIVE])
def test_an_unknown_node_is_refused(graph: Graph, ask: Callable[[Graph, Any], object], nodes: Any) -> None:
    before = state(graph)
    with pytest.raises(IndexError, match=f"there is no node {nodes[-1]}"):
        ask(graph, nodes)
    unchanged_and_usable(graph, before)


@pytest.mark.parametrize("ask", QUESTIONS)
def test_an_empty_graph_knows_no_node(ask: Callable[[Graph, Any], object]) -> None:
    with pytest.raises(IndexError, match="there is no node 0"):
        ask(Graph(KINDS), array("i", [0]))


def test_what_stands_before_a_refused_activity_is_appended(graph: Graph) -> None:
    with pytest.raises(ValueError, match="position 30 does not lie behind the last one, 30"):
        columns([NEXT, NEXT]).into(graph)
    assert state(graph) == state(graph_of([RECEIVED, MADE, NEXT]))


@pytest.mark.parametrize("inputs", [0, 2, 2**32 - 1])
def test_as_many_lines_as_the_activities_say_are_needed(graph: Graph, inputs: int) -> None:
    before = state(graph)
    given = replace(columns([NEXT]), inputs=array("I", [inputs]))
    with pytest.raises(ValueError, match=r"there are (fewer|more) lines than the activities have"):
        given.into(graph)
    unchanged_and_usable(graph, before)


OUT_OF_MEMORY = """
import resource
from tests.genealogy.core.feeding import KINDS, append
from tests.genealogy.core.plant import recorded
from mesgraph.genealogy._graph import Graph

graph, whole = Graph(KINDS), Graph(KINDS)
refused = 0
usual = resource.getrlimit(resource.RLIMIT_DATA)
for act in recorded(1, 30_000):
    append(whole, act)
    used = int(open("/proc/self/statm").read().split()[5]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_DATA, (used, usual[1]))
    try:
        append(graph, act)
    except MemoryError:
        refused += 1
        resource.setrlimit(resource.RLIMIT_DATA, usual)
        append(graph, act)
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, usual)
assert refused, "nothing was refused"
for merged in (False, True):
    for node in range(0, whole.nodes, 500):
        for forward in (True, False):
            found, expected = graph.trace(node, forward), whole.trace(node, forward)
            assert found.depth_ends.tolist() == expected.depth_ends.tolist(), node
            found, expected = graph.amounts(node, forward), whole.amounts(node, forward)
            assert found.nodes.tolist() == expected.nodes.tolist(), node
            assert found.contained.tolist() == expected.contained.tolist(), node
    graph.merge(), whole.merge()
assert (graph.nodes, graph.edges) == (whole.nodes, whole.edges)
print(refused)
"""


def test_an_activity_for_which_there_is_no_memory_leaves_nothing_behind() -> None:
    ran = subprocess.run([sys.executable, "-c", OUT_OF_MEMORY], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert int(ran.stdout) > 0
