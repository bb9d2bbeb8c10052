"""The activities of the record in the order of their positions, as the core takes them."""

from array import array
from dataclasses import dataclass, field, fields
from typing import Any, cast

from sqlalchemy import BigInteger, String, Table, func, select, text, type_coerce
from sqlalchemy.orm import Session

from mesgraph.genealogy._graph import GIVES, LINKS, MARKS, REMOVES, Graph
from mesgraph.genealogy.kinds import ENDED_BY, SHAPES
from mesgraph.genealogy.models import GenealogyKind, LineRole
from mesgraph.genealogy.walk import EVENT, LINE, POSITION
from mesgraph.materials.models import Item, ItemKind

ITEM = cast(Table, Item.__table__)
NO_RANGE = -(2**63)
"""What stands in the core where no positions of an item are known."""

ITEM_KINDS = {kind: code for code, kind in enumerate(ItemKind)}
MARKING = frozenset(kind for pair in ENDED_BY.items() for kind in pair) - {
    GenealogyKind.TRANSFER_OUT,
    GenealogyKind.TRANSFER_IN,
}
"""Kinds that say where an item is, so that what they did lasts until it is ended."""


def _flags(kind: GenealogyKind) -> int:
    shape = SHAPES[kind]
    flags = (LINKS if shape.links else 0) | (GIVES if shape.gives else 0)
    if not shape.links:
        flags |= REMOVES if shape.takes else MARKS if kind in MARKING else 0
    return flags


CODES = {kind: code for code, kind in enumerate(GenealogyKind, start=1)}
"""The number of each kind in the core; 0 is none."""
KINDS: list[tuple[int, int]] = [(0, 0), *((_flags(k), CODES[ENDED_BY[k]] if k in ENDED_BY else 0) for k in CODES)]
"""What each kind does, by its number: flags, and the number of the kind that ends it."""
FED = sorted(kind for kind in GenealogyKind if _flags(kind))
BY_KEYS = text(
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_material', 'off', true), "
    "set_config('plan_cache_mode', 'force_custom_plan', true)"
)
"""Until the end of the transaction PostgreSQL reads by keys, and plans for the tables as they are now. After a burst it
does not know yet how large they have become; a plan that it made while they were empty and kept would compare every
activity with every position.
"""


@dataclass
class Columns:
    """Activities by columns, named as :meth:`~mesgraph.genealogy._graph.Graph.extend` takes them."""

    positions: "array[int]" = field(default_factory=lambda: array("q"))
    times: "array[int]" = field(default_factory=lambda: array("q"))
    kinds: "array[int]" = field(default_factory=lambda: array("B"))
    reverses: "array[int]" = field(default_factory=lambda: array("q"))
    inputs: "array[int]" = field(default_factory=lambda: array("I"))
    outputs: "array[int]" = field(default_factory=lambda: array("I"))
    items: "array[int]" = field(default_factory=lambda: array("q"))
    item_kinds: "array[int]" = field(default_factory=lambda: array("B"))
    quantities: "array[int]" = field(default_factory=lambda: array("q"))
    weights: "array[int]" = field(default_factory=lambda: array("q"))
    range_from: "array[int]" = field(default_factory=lambda: array("q"))
    range_to: "array[int]" = field(default_factory=lambda: array("q"))

    def into(self, graph: Graph) -> None:
        """Append them; without the GIL."""
        graph.extend(**{column.name: getattr(self, column.name) for column in fields(self)})


def activities(session: Session, after: int, upto: int) -> Columns:
    """The activities with positions in (``after``, ``upto``], in one statement and without objects."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(BY_KEYS)
    reversed_event, reversed_position = EVENT.alias(), POSITION.alias()
    rows = session.execute(
        select(
            POSITION.c.position,
            type_coerce(EVENT.c.occurred_at, BigInteger),
            type_coerce(EVENT.c.event_kind, String),
            func.coalesce(reversed_position.c.position, -1),
            type_coerce(LINE.c.role, String),
            LINE.c.item_id,
            type_coerce(ITEM.c.item_kind, String),
            type_coerce(LINE.c.quantity, BigInteger),
            type_coerce(LINE.c.weight, BigInteger),
            func.coalesce(type_coerce(LINE.c.range_from, BigInteger), NO_RANGE),
            func.coalesce(type_coerce(LINE.c.range_to, BigInteger), NO_RANGE),
        )
        .select_from(POSITION)
        .join(EVENT, EVENT.c.ledger_event_id == POSITION.c.ledger_event_id)
        .join(LINE, LINE.c.event_id == EVENT.c.id)
        .join(ITEM, ITEM.c.id == LINE.c.item_id)
        .outerjoin(reversed_event, reversed_event.c.id == EVENT.c.reverses_id)
        .outerjoin(reversed_position, reversed_position.c.ledger_event_id == reversed_event.c.ledger_event_id)
        .where(POSITION.c.position > after, POSITION.c.position <= upto, EVENT.c.event_kind.in_(FED))
        .order_by(POSITION.c.position, LINE.c.role, LINE.c.line)
    )
    return _columns(rows)


def lines_behind(session: Session, position: int) -> int:
    """How many lines the activities behind a position have, those that the core passes over among them."""
    lines = select(func.count()).select_from(LINE)
    if position:
        lines = (
            lines.join(EVENT, EVENT.c.id == LINE.c.event_id)
            .join(POSITION, POSITION.c.ledger_event_id == EVENT.c.ledger_event_id)
            .where(POSITION.c.position > position)
        )
    return session.scalar(lines) or 0


def _columns(rows: Any) -> Columns:
    columns, last = Columns(), None
    for position, time, kind, reverses, role, item, item_kind, quantity, weight, range_from, range_to in rows:
        if position != last:
            last = position
            columns.positions.append(position)
            columns.times.append(time)
            columns.kinds.append(CODES[GenealogyKind(kind)])
            columns.reverses.append(reverses)
            columns.inputs.append(0)
            columns.outputs.append(0)
        side = columns.inputs if role == LineRole.INPUT else columns.outputs
        side[-1] += 1
        columns.items.append(item)
        columns.item_kinds.append(ITEM_KINDS[ItemKind(item_kind)])
        columns.quantities.append(quantity)
        columns.weights.append(weight)
        columns.range_from.append(range_from)
        columns.range_to.append(range_to)
    return columns
