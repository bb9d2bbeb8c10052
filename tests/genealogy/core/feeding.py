"""Activities of the reference, put into a graph of the core."""

from array import array
from collections.abc import Iterable
from pathlib import Path

from mesgraph.genealogy import snapshot
from mesgraph.genealogy._graph import GIVES, LINKS, MARKS, REMOVES, Graph
from mesgraph.genealogy.feed import Columns
from tests.genealogy.core.reference import ENDED_BY, GIVING, LINKING, MARKING, NO_RANGE, REMOVING, Act, Kind, Line


def _flags(kind: Kind) -> int:
    linking, giving, removing = kind in LINKING, kind in GIVING, kind in REMOVING
    return LINKS * linking | GIVES * giving | REMOVES * removing | MARKS * (kind in MARKING)


KINDS = [(0, 0), *((_flags(kind), int(ENDED_BY.get(kind, 0))) for kind in Kind)]


def append(graph: Graph, act: Act) -> None:
    """One activity, as tuples; those without a range are short."""
    inputs, outputs = (
        [line if line.range_from != NO_RANGE else line[:4] for line in side] for side in (act.inputs, act.outputs)
    )
    graph.append(act.position, act.time, act.kind, inputs, outputs, act.reverses)


def columns(acts: Iterable[Act]) -> Columns:
    """Many activities, as they come out of the database."""
    acts = list(acts)
    lines: list[Line] = [line for act in acts for line in act.inputs + act.outputs]
    return Columns(
        positions=array("q", [act.position for act in acts]),
        times=array("q", [act.time for act in acts]),
        kinds=array("B", [act.kind for act in acts]),
        reverses=array("q", [act.reverses for act in acts]),
        inputs=array("I", [len(act.inputs) for act in acts]),
        outputs=array("I", [len(act.outputs) for act in acts]),
        items=array("q", [line.item for line in lines]),
        item_kinds=array("B", [line.kind for line in lines]),
        quantities=array("q", [line.quantity for line in lines]),
        weights=array("q", [line.weight for line in lines]),
        range_from=array("q", [line.range_from for line in lines]),
        range_to=array("q", [line.range_to for line in lines]),
    )


def graph_of(acts: Iterable[Act]) -> Graph:
    """All of them in one base."""
    graph = Graph(KINDS)
    columns(acts).into(graph)
    graph.merge()
    return graph


def restored(path: Path) -> Graph:
    """The graph of a snapshot that is whole."""
    found, graph = snapshot.read(path), Graph(KINDS)
    found.verify()
    found.restore(graph)
    return graph


def answers(graph: Graph) -> list[object]:
    """What a graph says of all its nodes."""
    nodes = array("i", range(graph.nodes))
    return [
        graph.events,
        graph.edges,
        graph.last_position,
        graph.items(nodes).tolist(),
        [graph.node(item) for item in graph.items(nodes)],
        graph.totals(nodes).tolist(),
        [column.tolist() for column in graph.edges_into(nodes)],
        [graph.trace(node, way, as_of=graph.last_position // 2).nodes.tolist() for node in nodes for way in (0, 1)],
        [graph.amounts(node, way).contained.tolist() for node in nodes for way in (0, 1)],
    ]
