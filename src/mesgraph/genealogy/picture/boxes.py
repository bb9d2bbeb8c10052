"""What a picture shows: items in layers, many of one kind in one box, and the links between the boxes."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass

from mesgraph.genealogy.picture.answer import Answer, Node, natural
from mesgraph.genealogy.picture.words import total
from mesgraph.quantity import Quantity

WIDTHS = (12, 8, 5, 3, 1)
"""A layer of more items than this shows those of one kind in one box: the first width that is not confusing."""
CONFUSING = 60
"""More links than this are not followed by eye."""


@dataclass(frozen=True)
class Box:
    """Items that are shown at one place; what ``nodes`` have in common is that of the first."""

    number: int
    layer: int
    nodes: tuple[Node, ...]

    @property
    def first(self) -> Node:
        """Stands for all."""
        return self.nodes[0]

    @property
    def quantity(self) -> Quantity:
        """Of all."""
        return total(node.quantity for node in self.nodes)

    @property
    def contained(self) -> Quantity:
        """Of all: no item of a layer went into another one of it, so nothing is counted twice."""
        return total(node.contained for node in self.nodes)


@dataclass(frozen=True)
class Bond:
    """All links from one box to another (numbers)."""

    source: int
    target: int
    share: Quantity
    kinds: tuple[str, ...]
    links: int


@dataclass(frozen=True)
class Boxes:
    """The boxes, by number and so by layer, and what binds them. The root is box 0, alone in layer 0."""

    boxes: Sequence[Box]
    bonds: Sequence[Bond]


def boxes_of(answer: Answer) -> Boxes:
    """The boxes of a trace, as many as can be read."""
    for wide in WIDTHS:
        found = collapsed(answer, wide)
        if len(found.bonds) <= CONFUSING:
            break
    return found


def collapsed(answer: Answer, wide: int) -> Boxes:
    """The boxes of a trace; a layer of more than ``wide`` items is collapsed."""
    made: list[Box] = []
    place: dict[str, int] = {}
    kinds, parents = _coming(answer)
    levels: dict[int, list[Node]] = defaultdict(list)
    for key, layer in layers_of(answer).items():
        levels[layer].append(answer.by_id[key])
    for layer in sorted(levels):
        nodes = sorted(levels[layer], key=lambda node: (node.material or "", node.status, natural(node.key), node.id))
        origins = {node.id: frozenset(place[key] for key in parents[node.id] if key in place) for node in nodes}
        for group in _groups(nodes, kinds, origins, wide):
            place.update({node.id: len(made) for node in group})
            made.append(Box(len(made), layer, tuple(group)))
    return Boxes(made, _bonds(answer, place))


def layers_of(answer: Answer) -> dict[str, int]:
    """The layer of each item: the longest way from the root, and not less than its depth, where a way is not shown.

    Damaged data may hold a circle; the link that closes it does not count.
    """
    waiting: dict[str, int] = defaultdict(int)
    for far in answer.away.values():
        for key in far:
            waiting[key] += 1
    layers = {node.id: node.depth for node in answer.nodes}
    ready = deque([answer.root.id, *(node.id for node in answer.nodes[1:] if not waiting[node.id])])
    rest = iter(answer.nodes)
    done: set[str] = set()
    while len(done) < len(layers):
        key = ready.popleft() if ready else next(node.id for node in rest if node.id not in done)
        if key in done:
            continue
        done.add(key)
        for far_key in answer.away.get(key, ()):
            if far_key in done:
                continue
            layers[far_key] = max(layers[far_key], layers[key] + 1)
            waiting[far_key] -= 1
            if not waiting[far_key]:
                ready.append(far_key)
    return layers


def _coming(answer: Answer) -> tuple[dict[str, frozenset[str]], dict[str, set[str]]]:
    """Of each item the kinds of the activities that lead to it from the root's side, and from which items."""
    kinds: dict[str, set[str]] = {node.id: set() for node in answer.nodes}
    parents: dict[str, set[str]] = {node.id: set() for node in answer.nodes}
    for link in answer.links:
        near, far = (link.source, link.target) if answer.forward else (link.target, link.source)
        kinds[far].add(link.kind)
        parents[far].add(near)
    return {key: frozenset(found) for key, found in kinds.items()}, parents


def _groups(
    nodes: Sequence[Node], kinds: dict[str, frozenset[str]], origins: dict[str, frozenset[int]], wide: int
) -> list[list[Node]]:
    """One box each in a narrow layer; else by what is alike, and by less of it while the layer stays wide."""

    def alike(node: Node) -> tuple[Hashable, ...]:
        return node.material, node.name, node.status, node.quantity.uom, node.contained.uom

    found = [[node] for node in nodes]
    ways: tuple[Callable[[Node], Hashable], ...] = (
        lambda node: (alike(node), kinds[node.id], origins[node.id]),
        lambda node: (alike(node), kinds[node.id]),
        alike,
    )
    for way in ways:
        if len(found) <= wide:
            break
        found = _by(nodes, way)
    return found


def _by(nodes: Iterable[Node], way: Callable[[Node], Hashable]) -> list[list[Node]]:
    groups: dict[Hashable, list[Node]] = defaultdict(list)
    for node in nodes:
        groups[way(node)].append(node)
    return list(groups.values())


def _bonds(answer: Answer, place: dict[str, int]) -> list[Bond]:
    found: dict[tuple[int, int, str], tuple[list[Quantity], set[str]]] = defaultdict(lambda: ([], set()))
    for link in answer.links:
        shares, kinds = found[place[link.source], place[link.target], link.share.uom]
        shares.append(link.share)
        kinds.add(link.kind)
    return [
        Bond(source, target, total(shares), tuple(sorted(kinds)), len(shares))
        for (source, target, _), (shares, kinds) in sorted(found.items())
    ]
