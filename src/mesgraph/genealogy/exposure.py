"""What is exposed to a part of an item: the POSITIONAL model.

Where it is known which positions of a lot an activity took, and which positions of its output it made, exposure follows
them: cells that were cut from metres 0 to 612 of a coil have nothing of what happened at metre 640. Where positions are
not known, all of the item counts.
"""

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

Interval = tuple[int, int]
"""Positions in millionths of the unit, half-open."""
WHOLE: Interval = (-(2**63), 2**63)


@dataclass(frozen=True)
class Step:
    """An edge: some of ``source``, from ``taken`` if that is known, went into ``made`` of ``target``."""

    source: int
    target: int
    taken: Interval | None = None
    made: Interval | None = None


def exposed(
    roots: Mapping[int, Interval | None], steps: Iterable[Step], *, forward: bool, hubs: Collection[int] = ()
) -> dict[int, int]:
    """The items that are exposed to ``roots``, or to the part of each that is given, with their depths from the nearest
    one; ``hubs`` stand between items and are no step.

    Backward: the items from which something is in that part. An item is looked at again when more of it is exposed.
    """
    following: dict[int, list[tuple[int, Interval | None, Interval | None]]] = defaultdict(list)
    for step in steps:
        if forward:
            following[step.source].append((step.target, step.taken, step.made))
        else:
            following[step.target].append((step.source, step.made, step.taken))
    parts: dict[int, list[Interval]] = defaultdict(list)
    for root, part in roots.items():
        parts[root].append(part or WHOLE)
    depths, waiting = dict.fromkeys(roots, 0), deque(roots)
    while waiting:
        item = waiting.popleft()
        for other, here, there in following[item]:
            if here is not None and not _meets(parts[item], here):
                continue
            new = there or WHOLE
            if _covered(parts[other], new):
                continue
            parts[other].append(new)
            if other in hubs:
                depths.setdefault(other, depths[item])
                waiting.appendleft(other)
            else:
                depths.setdefault(other, depths[item] + 1)
                waiting.append(other)
    return depths


def _meets(parts: Sequence[Interval], interval: Interval) -> bool:
    return any(begin < interval[1] and interval[0] < end for begin, end in parts)


def _covered(parts: Sequence[Interval], interval: Interval) -> bool:
    return any(begin <= interval[0] and interval[1] <= end for begin, end in parts)
