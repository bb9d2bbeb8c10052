"""The genealogy of a plant as activities, and every call of the compiled core that the benchmark makes.

One activity makes each node: a transformation of all that has an edge to it, else a receipt. Activities stand in the
order of their nodes, which is the order of creation.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, cast

import numpy as np

from benchmarks.genealogy_data import Array, Genealogy
from mesgraph.genealogy import _graph, snapshot

LOT = 0
RECEIVE, TRANSFORM = 0, 1
KINDS = ((_graph.GIVES, 0), (_graph.LINKS | _graph.GIVES, 0))
MICRO = 1_000_000
BATCH_EDGES = 1_000_000
ANY_DEPTH = 2**31 - 1
"""A limit of depth that nothing reaches: the core then searches breadth-first, whatever it would choose itself."""

TOPOLOGY = ("in_offset", "in_neighbour", "out_offset", "out_neighbour")
SHARES = ("amount", "out_amount", "block", "block_slot", "block_event", "made")
"""Parts of the memory that say how much, and by which activity."""

Line = tuple[int, int, int, int]


class Activity(NamedTuple):
    """What ``append`` takes."""

    position: int
    time: int
    kind: int
    inputs: list[Line]
    outputs: list[Line]

    @property
    def edges(self) -> list[tuple[int, int]]:
        """The same for peers: parent and child."""
        return [(line[0], self.outputs[0][0]) for line in self.inputs]


class Activities:
    """The activities of a genealogy; number n makes node n."""

    def __init__(self, genealogy: Genealogy) -> None:
        self.nodes, self.edges = genealogy.nodes, genealogy.edges
        order = np.argsort(genealogy.child, kind="stable")
        self.parent = genealogy.parent[order]
        self.quantity = np.maximum(np.rint(genealogy.quantity[order] * MICRO), 1).astype(np.int64)
        self.made = np.maximum(np.rint(genealogy.made * MICRO), 1).astype(np.int64)
        self.fan_in = np.bincount(genealogy.child, minlength=self.nodes)
        self.fan_out = np.bincount(genealogy.parent, minlength=self.nodes)
        self.first = np.concatenate([[0], np.cumsum(self.fan_in)])
        """Where the edges of a node's activity begin; the edges are those of ``parent`` and ``quantity``."""
        self.time = genealogy.created - genealogy.created.min()

    def pairs(self, begin: int, end: int) -> list[tuple[int, int]]:
        """The edges of these activities, for peers."""
        parents = self.parent[self.first[begin] : self.first[end]].tolist()
        return list(zip(parents, np.repeat(np.arange(begin, end), self.fan_in[begin:end]).tolist(), strict=True))

    def until(self, share: float) -> int:
        """The first activity behind this share of the edges."""
        return int(np.searchsorted(self.first, share * self.edges))

    def scanned(self, nodes: Array, forward: bool) -> int:
        """How many edges a trace with this result looks at."""
        return int((self.fan_out if forward else self.fan_in)[nodes].sum())

    def share_from(self, begin: int, nodes: Array, forward: bool) -> float:
        """Which share of the edges that a trace looks at is of this activity and later ones."""
        if forward:
            later = self.parent[self.first[begin] :]
            fan_out = np.bincount(later, minlength=self.nodes)[nodes].sum()
            return float(fan_out / max(self.scanned(nodes, True), 1))
        return float(self.fan_in[nodes[nodes >= begin]].sum() / max(self.scanned(nodes, False), 1))

    def batches(self, begin: int, end: int, shift: int = 0) -> Iterator[dict[str, Array]]:
        """Columns for ``extend``, of about a million edges each; ``shift`` moves their positions."""
        while begin < end:
            stop = int(np.searchsorted(self.first, self.first[begin] + BATCH_EDGES, side="right")) - 1
            stop = min(max(stop, begin + 1), end)
            yield self._columns(begin, stop, shift)
            begin = stop

    def _columns(self, begin: int, end: int, shift: int) -> dict[str, Array]:
        first, last = self.first[begin], self.first[end]
        fan_in = self.fan_in[begin:end]
        events = np.arange(end - begin)
        inputs = np.arange(last - first) + np.repeat(events, fan_in)
        outputs = self.first[begin + 1 : end + 1] - first + events
        items = np.empty(last - first + end - begin, np.int64)
        quantities = np.empty_like(items)
        items[inputs], items[outputs] = self.parent[first:last], np.arange(begin, end)
        quantities[inputs], quantities[outputs] = self.quantity[first:last], self.made[begin:end]
        return {
            "positions": np.arange(begin + 1 + shift, end + 1 + shift, dtype=np.int64),
            "times": self.time[begin:end],
            "kinds": np.where(fan_in > 0, TRANSFORM, RECEIVE).astype(np.uint8),
            "reverses": np.full(end - begin, -1, np.int64),
            "inputs": fan_in.astype(np.uint32),
            "outputs": np.ones(end - begin, np.uint32),
            "items": items,
            "item_kinds": np.full(len(items), LOT, np.uint8),
            "quantities": quantities,
            "weights": quantities,
        }

    def whole(self, number: int, position: int) -> Activity:
        """An activity by itself."""
        return self._one(number, range(self.first[number], self.first[number + 1]), position)

    def of_one_edge(self, edge: int, position: int) -> Activity:
        """An activity with this edge alone."""
        return self._one(int(np.searchsorted(self.first, edge, side="right")) - 1, [edge], position)

    def _one(self, number: int, edges: Sequence[int], position: int) -> Activity:
        made = int(self.made[number])
        taken = [(int(self.parent[edge]), LOT, int(self.quantity[edge]), int(self.quantity[edge])) for edge in edges]
        kind = TRANSFORM if taken else RECEIVE
        return Activity(position, int(self.time[number]), kind, taken, [(number, LOT, made, made)])


class Core:
    """The compiled core, filled with nodes."""

    def __init__(self, nodes: int) -> None:
        self.graph = _graph.Graph(KINDS)
        # All nodes first and in this order, so that a node is called the same here and in the peers.
        self.graph.add_items(np.arange(nodes, dtype=np.int64), np.full(nodes, LOT, np.uint8))

    @classmethod
    def opened(cls, path: Path) -> "Core":
        """From a snapshot."""
        core = cls.__new__(cls)
        core.graph = _graph.Graph(KINDS)
        snapshot.read(path).restore(core.graph)
        return core

    def save(self, path: Path) -> None:
        """Write a snapshot."""
        snapshot.save(self.graph, KINDS, snapshot.End(1, self.graph.last_position, ""), path)

    def extend(self, columns: dict[str, Array]) -> None:
        """Append activities by columns."""
        self.graph.extend(**columns)

    @property
    def append(self) -> Callable[..., None]:
        """Takes the parts of an activity."""
        return cast(Callable[..., None], self.graph.append)

    def merge(self) -> None:
        """All that was appended into the base."""
        self.graph.merge()

    @property
    def appended(self) -> int:
        """Edges that are not merged."""
        return int(self.graph.appended)

    def tracer(self, forward: bool) -> Callable[[int], Array]:
        """From a node to all that it reaches, itself included."""
        reach, as_array = self.graph.reach, np.asarray
        return lambda node: as_array(reach(node, forward))

    def breadth_first(self, forward: bool) -> Callable[[int], Array]:
        """The same, always breadth-first."""
        reach, as_array = self.graph.reach, np.asarray
        return lambda node: as_array(reach(node, forward, ANY_DEPTH))

    def trace_many(self, nodes: Array, forward: bool) -> tuple[Array, Array]:
        """From many nodes at once: offsets, and the nodes that each reaches."""
        offsets, reached = self.graph.reach_many(nodes, forward)
        return np.asarray(offsets), np.asarray(reached)

    def amounts(self, forward: bool) -> Callable[[int], tuple[Array, Array]]:
        """From a node to what it reaches, and how much of the one is in the other."""
        amounts, as_array = self.graph.amounts, np.asarray

        def found(node: int) -> tuple[Array, Array]:
            result = amounts(node, forward)
            return as_array(result.nodes), as_array(result.contained)

        return found

    def memory(self) -> dict[str, int]:
        """Bytes: edges and nodes alone, with shares and activities of the edges, and all."""
        parts = self.graph.memory()
        topology = sum(parts[name] for name in TOPOLOGY)
        return {
            "topology": topology,
            "with_shares": topology + sum(parts[name] for name in SHARES),
            "all": sum(parts.values()),
        }


def filled(activities: Activities, share: float = 1.0) -> tuple[Core, int]:
    """A merged core with the oldest activities, and the number of the first one that is missing."""
    core, end = Core(activities.nodes), activities.until(share)
    for columns in activities.batches(0, end):
        core.extend(columns)
    core.merge()
    return core, end
