"""What the core does not take: it says so, and is as it was."""

from array import array
from collections.abc import Callable
from typing import Any

import pytest

from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.feed import CODES, KINDS
from mesgraph.genealogy.models import GenealogyKind as K
from tests.genealogy.core.reference import MICRO

TRANSFORM = CODES[K.TRANSFORM]
FAR = 10**6
Call = Callable[[Graph], Any]


def lot(item: int, kind: int = 0) -> tuple[int, int, int, int]:
    return item, kind, MICRO, MICRO


def small_graph() -> Graph:
    """Lot 1 became lot 2; 10 is its last position. Half of it is in the base."""
    graph = Graph(KINDS)
    graph.append(5, 0, CODES[K.RECEIVE], [], [lot(1)])
    graph.merge()
    graph.append(10, 0, TRANSFORM, [lot(1)], [lot(2)])
    return graph


def state(graph: Graph) -> list[object]:
    nodes = array("i", range(graph.nodes))
    return [
        [graph.events, graph.nodes, graph.edges, graph.appended, graph.last_position, graph.merged],
        [graph.node(item) for item in range(100)],
        [column.tolist() for column in graph.edges_into(nodes)],
        [column.tolist() for column in graph.made(nodes)],
        [graph.reach(node, forward).tolist() for node in nodes for forward in (False, True)],
    ]


def columns(**other: "array[int]") -> dict[str, "array[int]"]:
    """One transform of lot 2 into lot 3, in the form of columns, with some of them otherwise."""
    given = {
        "positions": array("q", [11]),
        "times": array("q", [0]),
        "kinds": array("B", [TRANSFORM]),
        "reverses": array("q", [-1]),
        "inputs": array("I", [1]),
        "outputs": array("I", [1]),
        "items": array("q", [2, 3]),
        "item_kinds": array("B", [0, 0]),
        "quantities": array("q", [MICRO, MICRO]),
        "weights": array("q", [1, 1]),
    }
    return given | other


def extended(**other: "array[int]") -> Call:
    return lambda graph: graph.extend(**columns(**other))  # type: ignore[arg-type]


def appended(position: int, inputs: list[Any], outputs: list[Any]) -> Call:
    return lambda graph: graph.append(position, 0, TRANSFORM, inputs, outputs)


REFUSED: dict[str, tuple[type[Exception], Call]] = {
    "a position that was taken": (ValueError, appended(10, [lot(2)], [lot(3)])),
    "a position that goes back": (ValueError, appended(7, [lot(2)], [lot(3)])),
    "an item below zero": (ValueError, appended(11, [lot(2)], [lot(-1)])),
    "an item below zero behind one that is new": (ValueError, appended(11, [lot(3)], [lot(-1)])),
    "an item that is far too large": (ValueError, appended(11, [lot(2)], [lot(2**62)])),
    "a hub as an item": (ValueError, appended(11, [lot(2)], [lot(3, kind=4)])),
    "a line without a quantity": (ValueError, appended(11, [lot(2)], [(3, 0)])),
    "a quantity of more than 64 bits": (OverflowError, appended(11, [(2, 0, 2**64, 1)], [lot(3)])),
    "a line that is none": (TypeError, appended(11, [lot(2)], [None])),
    "times that are missing": (ValueError, extended(times=array("q"))),
    "kinds that are too many": (ValueError, extended(kinds=array("B", [TRANSFORM, TRANSFORM]))),
    "counts that are missing": (ValueError, extended(outputs=array("I"))),
    "quantities that are missing": (ValueError, extended(quantities=array("q", [MICRO]))),
    "weights that are too many": (ValueError, extended(weights=array("q", [1, 1, 1]))),
    "ranges with a begin only": (ValueError, extended(range_from=array("q", [0, 0]), range_to=array("q", [1]))),
    "fewer lines than were said": (ValueError, extended(outputs=array("I", [2]))),
    "as many lines as can be counted": (ValueError, extended(outputs=array("I", [2**32 - 1]))),
    "columns of a wrong type": (ValueError, extended(positions=array("i", [11]))),
    "items with too few kinds": (ValueError, lambda graph: graph.add_items(array("q", [7, 8]), array("B", [0]))),
    "an item of no kind": (ValueError, lambda graph: graph.add_items(array("q", [7]), array("B", [9]))),
}

ASKED: dict[str, Call] = {
    "reach": lambda graph: graph.reach(FAR, True),
    "reach below zero": lambda graph: graph.reach(-1, True),
    "reach beyond 32 bits": lambda graph: graph.reach(2**40, True),
    "reach_many": lambda graph: graph.reach_many(array("i", [0, FAR]), True),
    "reach_counts": lambda graph: graph.reach_counts(array("i", [0, FAR]), True),
    "reach_all": lambda graph: graph.reach_all(array("i", [0, FAR]), True),
    "times_at": lambda graph: graph.times_at(array("q", [10**12])),
    "related": lambda graph: graph.related(array("i", [0, FAR]), array("i", [0])),
    "related others": lambda graph: graph.related(array("i", [0]), array("i", [0, -1])),
    "trace": lambda graph: graph.trace(FAR, False),
    "trace with stops": lambda graph: graph.trace(0, False, stops=array("i", [FAR])),
    "amounts": lambda graph: graph.amounts(-1, True),
    "count": lambda graph: graph.count(FAR, True),
    "edges_into": lambda graph: graph.edges_into(array("i", [0, FAR])),
    "edges_out_of": lambda graph: graph.edges_out_of(array("i", [0, -1])),
    "made": lambda graph: graph.made(array("i", [FAR])),
    "totals": lambda graph: graph.totals(array("i", [0, FAR])),
    "marked": lambda graph: graph.marked(array("i", [0, -1]), CODES[K.SHIP]),
    "is_item": lambda graph: graph.is_item(FAR),
    "items": lambda graph: graph.items(array("i", [0, FAR])),
    "items below zero": lambda graph: graph.items(array("i", [-1])),
}


def goes_on(graph: Graph) -> None:
    graph.append(11, 0, TRANSFORM, [lot(2)], [lot(3)])
    assert sorted(graph.items(graph.reach(graph.node(3), False))) == [1, 2, 3]


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_refused_changes_nothing(what: str) -> None:
    graph, (error, call) = small_graph(), REFUSED[what]
    before = state(graph)
    with pytest.raises(error):
        call(graph)
    assert state(graph) == before
    goes_on(graph)


@pytest.mark.parametrize("question", ASKED)
def test_an_unknown_node_is_an_index_error(question: str) -> None:
    graph = small_graph()
    with pytest.raises(IndexError):
        ASKED[question](graph)
    goes_on(graph)


def test_an_item_that_nobody_named_has_no_node() -> None:
    graph = small_graph()
    assert [graph.node(item) for item in (3, -1, 10**12)] == [-1, -1, -1]


def test_activities_before_the_refused_one_are_appended() -> None:
    graph = small_graph()
    with pytest.raises(ValueError, match="position 11"):
        graph.extend(
            **{name: column + column for name, column in columns().items()}  # type: ignore[arg-type]
        )
    assert (graph.events, graph.last_position) == (3, 11)
    assert sorted(graph.items(graph.reach(graph.node(3), False))) == [1, 2, 3]


def test_a_reversal_of_something_that_is_not_there_is_no_activity_but_takes_its_place() -> None:
    graph = small_graph()
    graph.append(12, 0, TRANSFORM, [lot(1)], [lot(2)], 7)
    assert graph.last_position == 12
    assert sorted(graph.items(graph.reach(graph.node(1), True))) == [1, 2]


def test_what_was_reversed_twice_counts_no_more_from_the_first_time_on() -> None:
    graph = small_graph()
    for position in (12, 14):
        graph.append(position, 0, TRANSFORM, [lot(1)], [lot(2)], 10)
    for as_of, found in [(11, 2), (12, 1), (13, 1), (14, 1)]:
        assert len(graph.trace(graph.node(1), True, as_of=as_of).nodes) == found


def test_a_position_at_which_nothing_was_recorded_has_no_ranges() -> None:
    graph = Graph(KINDS)
    graph.append(5, 0, CODES[K.RECEIVE], [], [(*lot(1), 0, MICRO)])
    assert graph.ranges_at(array("q", [4, 5, 6])) == [(5, graph.node(1), True, 0, MICRO)]
