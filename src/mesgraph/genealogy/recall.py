"""What a recall would concern: everything that is exposed to a set of suspects."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.equipment.models import Equipment
from mesgraph.equipment.queries import within
from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.trace import SHIP, Window, exposed_among
from mesgraph.genealogy.traced import Range
from mesgraph.genealogy.walk import EVENT, LINE, Belief


@dataclass(frozen=True)
class Exposed:
    """The items that suspects lead to, each once: how near each is to one of them, and which ones left the plant."""

    depths: Mapping[int, int]
    shipped: frozenset[int]
    suspects: frozenset[int]


def exposed_to(graph: Graph, suspects: Mapping[int, Range | None], position: int) -> Exposed:
    """What is exposed to items, or to parts of them, by the model POSITIONAL, in the record up to ``position``."""
    nodes = {item: graph.node(item) for item in suspects}
    roots = {node: suspects[item] for item, node in nodes.items() if node >= 0}
    window: Window = {"as_of": position, "until": None, "since": None}
    reached = graph.reach_all(array("i", roots), True, as_of=position)
    found = exposed_among(graph, roots, reached, window, forward=True)
    order = array("i", found)
    items = list(graph.items(order))
    marks = graph.marked(order, SHIP, as_of=position)
    depths = dict.fromkeys(suspects, 0) | dict(zip(items, found.values(), strict=True))
    gone = frozenset(item for item, mark in zip(items, marks, strict=True) if mark)
    return Exposed(depths, gone, frozenset(suspects))


def made_at(session: Session, equipment: Equipment, begin: datetime, end: datetime, belief: Belief) -> list[int]:
    """The ids of the items that were made on a piece of equipment, or on what stands below it, in [``begin``, ``end``).

    Wherever they are now: what the caller may see of them is decided when they are shown.
    """
    made = (
        select(LINE.c.item_id)
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(
            EVENT.c.location_id.in_(within(session, equipment.id)),
            EVENT.c.event_kind.in_((GenealogyKind.TRANSFORM, GenealogyKind.ASSEMBLE, GenealogyKind.REWORK)),
            EVENT.c.occurred_at >= begin,
            EVENT.c.occurred_at < end,
            LINE.c.role == LineRole.OUTPUT,
            belief.holds(EVENT),
        )
    )
    return list(session.scalars(made.distinct().order_by(LINE.c.item_id).execution_options(**EVERY_SITE)))


def shipments_of(session: Session, ids: Sequence[int], belief: Belief) -> dict[GenealogyEvent, int]:
    """The shipments by which items left the plant, and how many of the items each took, oldest first."""
    counts: dict[int, int] = defaultdict(int)
    events: dict[int, GenealogyEvent] = {}
    for start in range(0, len(ids), 5_000):
        statement = (
            select(GenealogyLine.item_id, GenealogyEvent)
            .join(GenealogyEvent, GenealogyEvent.id == GenealogyLine.event_id)
            .where(
                GenealogyLine.item_id.in_(ids[start : start + 5_000]),
                GenealogyLine.role == LineRole.INPUT,
                GenealogyEvent.event_kind == GenealogyKind.SHIP,
                belief.holds(EVENT),
                belief.still_in(LINE, EVENT),
            )
        )
        for _, event in session.execute(statement):
            events[event.id] = event
            counts[event.id] += 1
    return {events[key]: counts[key] for key in sorted(events)}
