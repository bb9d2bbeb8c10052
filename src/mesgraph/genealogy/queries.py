"""Named reads of genealogy."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.genealogy.kinds import SHAPES, WHOLE
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.walk import EVENT, LINE, NOW, reached_from
from mesgraph.holds.models import HeldItem, Hold
from mesgraph.materials.models import Item, ItemKind


def activities_with(item_id: int) -> Select[int]:
    """Statement for the ids of the activities of an item."""
    return select(GenealogyLine.event_id).where(GenealogyLine.item_id == item_id)


def lines_of(session: Session, event_ids: Collection[int], role: LineRole | None = None) -> list[GenealogyLine]:
    """The lines of activities, in the order in which they were recorded."""
    statement = select(GenealogyLine).where(GenealogyLine.event_id.in_(event_ids))
    if role is not None:
        statement = statement.where(GenealogyLine.role == role)
    return list(session.scalars(statement.order_by(GenealogyLine.event_id, GenealogyLine.role, GenealogyLine.line)))


def items_in(session: Session, ids: Collection[int]) -> dict[int, Item]:
    """Items by id, at whatever site."""
    statement = select(Item).where(Item.id.in_(ids)).execution_options(**EVERY_SITE)
    return {item.id: item for item in session.scalars(statement)}


def activity_of(session: Session, ledger_event_id: int) -> GenealogyEvent | None:
    """The activity that this event of the record tells of."""
    return session.scalar(select(GenealogyEvent).where(GenealogyEvent.ledger_event_id == ledger_event_id))


def reversal_of(session: Session, event_id: int) -> GenealogyEvent | None:
    """The activity that undid this one."""
    return session.scalar(select(GenealogyEvent).where(GenealogyEvent.reverses_id == event_id))


def built_on(session: Session, activity: GenealogyEvent, lines: Collection[GenealogyLine]) -> list[GenealogyEvent]:
    """Later activities, not undone, that were built on the items of ``activity`` (I30).

    Of two parts that were built into one unit, neither stands on the other.
    """
    shape = SHAPES[activity.event_kind]
    touching = []
    for role, kinds in ((LineRole.INPUT, shape.on_inputs), (LineRole.OUTPUT, shape.on_outputs)):
        items = {line.item_id for line in lines if line.role is role}
        if items and kinds:
            alongside = and_(EVENT.c.event_kind == GenealogyKind.ASSEMBLE, LINE.c.role == LineRole.OUTPUT)
            on_it = and_(LINE.c.item_id.in_(items), EVENT.c.event_kind.in_(sorted(kinds)))
            touching.append(and_(on_it, ~alongside) if activity.event_kind is GenealogyKind.ASSEMBLE else on_it)
    if not touching:
        return []
    later = (
        select(EVENT.c.id)
        .join(LINE, LINE.c.event_id == EVENT.c.id)
        .where(EVENT.c.id > activity.id, or_(*touching), NOW.holds(EVENT))
    )
    return list(session.scalars(select(GenealogyEvent).where(GenealogyEvent.id.in_(later)).order_by(GenealogyEvent.id)))


def built_on_item(session: Session, item_id: int, ledger_event_id: int) -> list[GenealogyEvent]:
    """Activities, not undone, about an item as it stood after that event of the record, wherever it was then (I30).

    Not where it was put, and not what runs made of, or lost of, what they had taken out of it.
    """
    later = (
        select(EVENT.c.id)
        .join(LINE, LINE.c.event_id == EVENT.c.id)
        .where(
            LINE.c.item_id == item_id,
            EVENT.c.event_kind.in_(sorted(WHOLE - {GenealogyKind.MOVE})),
            EVENT.c.job_response_id.is_(None),
            EVENT.c.ledger_event_id > ledger_event_id,
            NOW.holds(EVENT),
        )
    )
    return list(session.scalars(select(GenealogyEvent).where(GenealogyEvent.id.in_(later)).order_by(GenealogyEvent.id)))


def contents_of(session: Session, item_ids: Collection[int]) -> list[Item]:
    """All that is packed or installed in these items, at any depth."""
    inside = select(Item.id).where(Item.parent_id.in_(item_ids)).cte("inside", recursive=True)
    inside = inside.union(select(Item.id).join(inside, Item.parent_id == inside.c.id))
    return list(session.scalars(select(Item).where(Item.id.in_(select(inside.c.id))).order_by(Item.id)))


def directly_in(session: Session, container_id: int) -> list[Item]:
    """What is packed or installed directly in an item."""
    return list(session.scalars(select(Item).where(Item.parent_id == container_id).order_by(Item.id)))


def sublot_numbers(session: Session, lot_id: int) -> set[str]:
    """The numbers of a lot's sublots."""
    return set(session.scalars(select(Item.number).where(Item.lot_id == lot_id, Item.item_kind == ItemKind.SUBLOT)))


@dataclass(frozen=True)
class HeldSource:
    """A hold on something that an item was made from, and whether it stops what was taken."""

    item_id: int
    hold_id: int
    number: str


def holds_behind(session: Session, item_ids: Collection[int]) -> list[HeldSource]:
    """Open holds on these items or on anything they were made from, at any site.

    A hold on a range of positions counts only where positions of that range, or unknown ones, were taken.
    """
    walk = reached_from(item_ids, NOW, forward=False)
    taken = (
        select(LINE.c.item_id, LINE.c.range_from, LINE.c.range_to)
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(LINE.c.event_id.in_(select(walk.c.event_id)), LINE.c.role == LineRole.INPUT, NOW.still_in(LINE, EVENT))
    ).subquery()
    held, hold = HeldItem.__table__.c, Hold.__table__.c
    columns = (held.item_id, hold.id, hold.number)
    open_holds = select(*columns).join_from(HeldItem.__table__, Hold.__table__, hold.id == held.hold_id)
    open_holds = open_holds.where(hold.released_at.is_(None))
    meets = or_(
        held.range_from.is_(None),
        taken.c.range_from.is_(None),
        (held.range_from < taken.c.range_to) & (held.range_to > taken.c.range_from),
    )
    behind = open_holds.where(exists(select(taken.c.item_id).where(taken.c.item_id == held.item_id, meets)))
    on_them = open_holds.where(held.item_id.in_(item_ids))
    rows = session.execute(behind.union(on_them)).all()
    return sorted((HeldSource(*row) for row in rows), key=lambda source: (source.number, source.item_id))
