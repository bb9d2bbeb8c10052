"""How items are related: the ways from one to another, and what several have in common."""

from array import array
from collections import defaultdict, deque
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.trace import depths_of

Ids = Sequence[int]


@dataclass(frozen=True)
class Ways:
    """The ways on which something of one item came into another.

    ``shortest``: the items of a shortest one, both ends included, however long it is; empty when there is none.
    ``between``: all items on ways of up to the length asked for, with the number of activities of the shortest such way
    through each.
    """

    shortest: list[int]
    between: dict[int, int]


def ways(graph: Graph, source: int, target: int, *, as_of: int, longest: int | None = None) -> Ways:
    """The ways from one item to another in the record up to ``as_of``, without those longer than ``longest``
    activities, or than the shortest one.
    """
    start, end = graph.node(source), graph.node(target)
    if start < 0 or end < 0:
        return Ways([], {})
    to_end = depths_of(graph.trace(end, False, as_of=as_of))
    if start not in to_end:
        return Ways([], {})
    steps = _steps(graph, to_end, as_of)
    from_start = _forward(start, steps)
    most = to_end[start] if longest is None else longest
    through = {node: from_start[node] + to_end[node] for node in from_start if from_start[node] + to_end[node] <= most}
    path = [start]
    while path[-1] != end:
        path.append(min(node for node in steps[path[-1]] if to_end[node] == to_end[path[-1]] - 1))
    items = dict(zip(through, graph.items(array("i", through)), strict=True))
    return Ways(list(graph.items(array("i", path))), {items[node]: length for node, length in through.items()})


def _steps(graph: Graph, nodes: Collection[int], as_of: int | None) -> dict[int, set[int]]:
    """From which of the items to which others an activity leads; hubs between them are no step."""
    steps: dict[int, set[int]] = defaultdict(set)
    behind_hub: dict[int, set[int]] = defaultdict(set)
    for source, target, _, _ in zip(*graph.edges_into(array("i", nodes), as_of=as_of), strict=True):
        (steps if graph.is_item(source) else behind_hub)[source].add(target)
    for source, hub, _, _ in zip(*graph.edges_into(array("i", sorted(behind_hub)), as_of=as_of), strict=True):
        steps[source] |= behind_hub[hub]
    return steps


def _forward(start: int, steps: Mapping[int, set[int]]) -> dict[int, int]:
    depths, queue = {start: 0}, deque([start])
    while queue:
        node = queue.popleft()
        for other in steps.get(node, ()):
            if other not in depths:
                depths[other] = depths[node] + 1
                queue.append(other)
    return depths


@dataclass(frozen=True)
class Shared:
    """An ancestor of ``count`` of the items asked about, and of ``others`` of those they are compared with.

    ``nearest``: it is an ancestor of all of them, and nothing that was made from it is.
    """

    item_id: int
    count: int
    others: int
    nearest: bool


def shared_ancestors(graph: Graph, items: Ids, among: Ids = (), *, as_of: int | None = None) -> list[Shared]:
    """What the items were made from, in the record up to ``as_of``: most shared first, and of that what fewest of the
    others were made from.

    A cause shows as an ancestor of (nearly) all bad items and of few good ones.
    """
    nodes = array("i", sorted({node for item in items if (node := graph.node(item)) >= 0}))
    if not nodes:
        return []
    found, counts = graph.reach_counts(nodes, False, as_of=as_of)
    common = array("i", [n for n, count in zip(found, counts, strict=True) if count == len(set(items))])
    above = set(_steps(graph, common, as_of)) if common else set()
    nearest = set(common) - above
    others = array("i", sorted({node for item in among if (node := graph.node(item)) >= 0}))
    compared = dict(zip(*graph.reach_counts(others, False, as_of=as_of), strict=True)) if others else {}
    shared = [
        Shared(item, count, compared.get(node, 0), node in nearest)
        for node, item, count in zip(found, graph.items(memoryview(found)), counts, strict=True)
    ]
    return sorted(shared, key=lambda one: (-one.count, one.others, not one.nearest, one.item_id))
