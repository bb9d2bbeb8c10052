"""What a trace answers, whoever computed it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.materials.models import Item

Range = tuple[Decimal, Decimal]


class TraceDirection(StrEnum):
    """Which way a trace goes."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    BOTH = "BOTH"


class Missing(StrEnum):
    """Why a trace is not complete; the weightiest reason first."""

    OUT_OF_SCOPE = "OUT_OF_SCOPE"
    MAX_DEPTH = "MAX_DEPTH"
    NARROWED = "NARROWED"


@dataclass(frozen=True)
class TraceNode:
    """An item of a trace, ``depth`` activities away from the root at least.

    ``contained`` is, forward, how much of the root is in the item (``uom`` of the root) and, backward, how much of the
    item is in the root (``uom`` of the item). ``remains`` and ``removed``, forward only, are the parts of it that are
    still in the item and that samples, losses and scrap took out of it; the rest went on. ``shipped``: it left the
    plant.
    """

    item: Item
    depth: int
    direction: TraceDirection | None
    contained: Decimal
    uom: str
    remains: Decimal | None = None
    removed: Decimal | None = None
    shipped: bool = False


@dataclass(frozen=True)
class TraceEdge:
    """``share`` of ``from_item``, in its unit, went into ``to_item`` by ``event``."""

    event: GenealogyEvent
    from_item: Item
    to_item: Item
    share: Decimal
    input_range: Range | None = None
    output_range: Range | None = None
    slot: str | None = None


@dataclass(frozen=True)
class Completeness:
    """Whether the trace has everything; else why not, and how many items are missing."""

    complete: bool
    reason: Missing | None = None
    missing: int = 0

    @classmethod
    def of(cls, missing: Mapping[int, Missing]) -> "Completeness":
        """By the items that are missing; the weightiest of the reasons is told."""
        reason = next((reason for reason in Missing if reason in missing.values()), None)
        return cls(not missing, reason, len(missing))


@dataclass(frozen=True)
class Trace:
    """The answer. ``nodes`` by depth, the root first; ``edges`` by activity; ``depth`` that of the farthest node."""

    root: Item
    direction: TraceDirection
    nodes: list[TraceNode]
    edges: list[TraceEdge]
    depth: int
    completeness: Completeness
    as_of: int | None = None
    at: datetime | None = None
