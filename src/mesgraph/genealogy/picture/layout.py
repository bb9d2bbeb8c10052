"""Where the boxes of a picture stand: layers beside each other, few crossings, short links.

The steps are those of Sugiyama: layers are given; a link over several layers gets a bend in each that it passes; the
order within a layer is swept towards the mean of the neighbours; then each vertex moves as near to its neighbours as
those beside it permit.
"""

from bisect import bisect_left, insort
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mesgraph.genealogy.picture.boxes import Bond, Boxes

WIDTH, HEIGHT, COLUMN, GAP = 184, 84, 64, 14
BEND = 6
"""How much height a link takes where it passes a layer."""
SPAN_MAX = 30
"""A link over more layers runs straight: bends would be more than boxes."""
SWEEPS = 12
SHIFTS = 12

Vertex = tuple[int, int]
"""Layer, and a number within the picture: that of a box, or one of a bend."""
Neighbours = Mapping[Vertex, Sequence[Vertex]]


@dataclass(frozen=True)
class Layout:
    """Left upper corners of the boxes, and for each bond the points where it bends; ``width`` and ``height`` of all."""

    corners: Sequence[tuple[float, float]]
    bends: Sequence[Sequence[tuple[float, float]]]
    width: float
    height: float


@dataclass
class _Graph:
    layers: list[list[Vertex]]
    before: dict[Vertex, list[Vertex]]
    after: dict[Vertex, list[Vertex]]
    routes: list[list[Vertex]]


def layout_of(boxes: Boxes, *, forward: bool) -> Layout:
    """Links always run from left to right: the root stands at the left of a forward trace, else at the right."""
    graph = _graph(boxes)
    _order(graph)
    middles = _place(graph, len(boxes.boxes))
    last = max(box.layer for box in boxes.boxes)

    def left(layer: int) -> float:
        return (layer if forward else last - layer) * (WIDTH + COLUMN)

    corners = [(left(box.layer), middles[box.layer, box.number] - HEIGHT / 2) for box in boxes.boxes]
    bends = [[(left(layer), middles[layer, number]) for layer, number in route] for route in graph.routes]
    return Layout(corners, bends, left(0 if not forward else last) + WIDTH, max(y for _, y in corners) + HEIGHT)


def _graph(boxes: Boxes) -> _Graph:
    """Boxes and bends. A route leads from the source of its bond to the target, without both."""
    layers: list[list[Vertex]] = [[] for _ in range(max(box.layer for box in boxes.boxes) + 1)]
    for box in boxes.boxes:
        layers[box.layer].append((box.layer, box.number))
    graph = _Graph(layers, defaultdict(list), defaultdict(list), [])
    long = Counter(end for bond in boxes.bonds for end in _ends(boxes, bond) if _inner(boxes, bond))
    bends: dict[tuple[Vertex, bool, int], Vertex] = {}
    for bond in boxes.bonds:
        near, far = _ends(boxes, bond)
        # the long links of a box run together: of that end which has more of them
        of = max(near, far, key=lambda end: long[end])
        route = []
        for layer in _inner(boxes, bond):
            key = (of, of == near, layer)
            if key not in bends:
                bends[key] = (layer, len(boxes.boxes) + len(bends))
                layers[layer].append(bends[key])
            route.append(bends[key])
        for one, next_one in pairwise([near, *route, far]):
            # a link within a layer is of damaged data: it is drawn, but moves nothing
            if one[0] + 1 == next_one[0] and next_one not in graph.after[one]:
                graph.after[one].append(next_one)
                graph.before[next_one].append(one)
        is_near_source = near[1] == bond.source
        graph.routes.append(route if is_near_source else route[::-1])
    return graph


def _inner(boxes: Boxes, bond: Bond) -> range:
    """The layers that a link passes."""
    near, far = _ends(boxes, bond)
    return range(near[0] + 1, far[0]) if far[0] - near[0] <= SPAN_MAX else range(0)


def _ends(boxes: Boxes, bond: Bond) -> tuple[Vertex, Vertex]:
    ends = [(boxes.boxes[number].layer, number) for number in (bond.source, bond.target)]
    near, far = sorted(ends)
    return near, far


def _order(graph: _Graph) -> None:
    """Barycentre sweeps to and fro; the order with the fewest crossings stays."""
    best, fewest = [list(layer) for layer in graph.layers], _crossings(graph)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        away = sweep % 2 == 0
        near = graph.before if away else graph.after
        for number in range(len(graph.layers)) if away else reversed(range(len(graph.layers))):
            _sort(graph, number, near)
        crossings = _crossings(graph)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in graph.layers], crossings
    graph.layers = best


def _sort(graph: _Graph, number: int, near: Neighbours) -> None:
    layer = graph.layers[number]
    spots: dict[Vertex, float] = {}
    for beside in (number - 1, number + 1):
        if 0 <= beside < len(graph.layers):
            spots.update({vertex: i for i, vertex in enumerate(graph.layers[beside])})
    centres = {
        vertex: sum(spots[one] for one in near[vertex]) / len(near[vertex]) if near.get(vertex) else float(i)
        for i, vertex in enumerate(layer)
    }
    layer.sort(key=centres.__getitem__)


def _crossings(graph: _Graph) -> int:
    """How often links cross between neighbouring layers: pairs in the wrong order, counted by insertion."""
    crossings = 0
    for layer, beyond in pairwise(graph.layers):
        spots = {vertex: i for i, vertex in enumerate(beyond)}
        passed: list[int] = []
        for vertex in layer:
            ends = sorted(spots[end] for end in graph.after.get(vertex, ()))
            crossings += sum(len(passed) - bisect_left(passed, end + 1) for end in ends)
            for end in ends:
                insort(passed, end)
    return crossings


def _place(graph: _Graph, boxes: int) -> dict[Vertex, float]:
    """The middle of each vertex, from the top."""
    heights = {vertex: HEIGHT if vertex[1] < boxes else BEND for layer in graph.layers for vertex in layer}
    middles: dict[Vertex, float] = {}
    for layer in graph.layers:
        _settle(layer, heights, dict.fromkeys(layer, 0.0), middles)
    for shift in range(SHIFTS):
        for layer in graph.layers if shift % 2 == 0 else reversed(graph.layers):
            wanted = {}
            for vertex in layer:
                beside = [*graph.before.get(vertex, ()), *graph.after.get(vertex, ())]
                wanted[vertex] = sum(middles[one] for one in beside) / len(beside) if beside else middles[vertex]
            _settle(layer, heights, wanted, middles)
    top = min(middles[vertex] - heights[vertex] / 2 for vertex in middles)
    return {vertex: round(middle - top, 1) for vertex, middle in middles.items()}


def _settle(
    layer: Sequence[Vertex],
    heights: Mapping[Vertex, float],
    wanted: Mapping[Vertex, float],
    middles: dict[Vertex, float],
) -> None:
    """The places nearest to the wanted ones (least squares) at which nothing overlaps: pooled neighbours."""
    offsets, offset = {}, 0.0
    for i, vertex in enumerate(layer):
        if i:
            offset += (heights[layer[i - 1]] + heights[vertex]) / 2 + GAP
        offsets[vertex] = offset
    pools: list[tuple[float, list[Vertex]]] = []
    for vertex in layer:
        mean, pool = wanted[vertex] - offsets[vertex], [vertex]
        while pools and pools[-1][0] > mean:
            other_mean, other = pools.pop()
            mean = (mean * len(pool) + other_mean * len(other)) / (len(pool) + len(other))
            pool = other + pool
        pools.append((mean, pool))
    for mean, pool in pools:
        middles.update({vertex: mean + offsets[vertex] for vertex in pool})
