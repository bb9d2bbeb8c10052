"""Named reads of holds."""

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.equipment.queries import split_site
from mesgraph.errors import HoldViolation
from mesgraph.holds.models import HeldItem, Hold
from mesgraph.materials.models import Item
from mesgraph.quantity import plain

Range: TypeAlias = tuple[Decimal, Decimal]
"""Half-open range of positions [from, to) in the lot's base unit."""


@dataclass(frozen=True)
class Held:
    """An item under a hold; ``range`` is ``None`` when the whole item is."""

    item_id: int
    hold: Hold
    range: Range | None

    def stops(self, taken: Range | None) -> bool:
        """Whether taking ``taken`` (``None``: unknown, or all of it) meets the hold."""
        if self.range is None or taken is None:
            return True
        return self.range[0] < taken[1] and taken[0] < self.range[1]


def hold_by_key(session: Session, key: str) -> Hold | None:
    """The hold ``SITE/NUMBER``; the site may be left out when only one is in scope."""
    site, number = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(Hold).where(Hold.site_id == site.id, Hold.number == number))


def last_number(session: Session, site_id: int) -> str | None:
    """The number of the site's latest hold."""
    return session.scalar(select(Hold.number).where(Hold.site_id == site_id).order_by(Hold.id.desc()).limit(1))


def holds_on(item_id: int) -> Select[int]:
    """Statement for the ids of the holds on an item, released ones included."""
    return select(HeldItem.hold_id).where(HeldItem.item_id == item_id)


def holds_of(session: Session, item_ids: Collection[int], *, open_only: bool = True) -> list[Held]:
    """What holds these items, by hold; released holds too unless ``open_only``."""
    statement = (
        select(HeldItem, Hold)
        .join(Hold, Hold.id == HeldItem.hold_id)
        .where(HeldItem.item_id.in_(sorted(set(item_ids))))
        .order_by(Hold.id)
    )
    if open_only:
        statement = statement.where(Hold.released_at.is_(None))
    return [Held(held.item_id, hold, _range_of(held)) for held, hold in session.execute(statement)]


def open_holds_of_orders(session: Session, request_ids: Collection[int]) -> dict[int, list[Hold]]:
    """The open holds of each of these orders that has any."""
    found: dict[int, list[Hold]] = {}
    statement = select(Hold).where(Hold.request_id.in_(sorted(set(request_ids))), Hold.released_at.is_(None))
    for hold in session.scalars(statement.order_by(Hold.id)):
        found.setdefault(hold.request_id or 0, []).append(hold)
    return found


def open_holds_of(session: Session, item_ids: Collection[int]) -> dict[int, list[Hold]]:
    """The open holds of each of these items that has any, range holds included."""
    found: dict[int, list[Hold]] = {}
    for held in holds_of(session, item_ids):
        found.setdefault(held.item_id, []).append(held.hold)
    return found


def held_items(session: Session, hold_ids: Collection[int]) -> list[tuple[HeldItem, Item]]:
    """What is under these holds, and the items."""
    rows = session.execute(
        select(HeldItem, Item)
        .join(Item, Item.id == HeldItem.item_id)
        .where(HeldItem.hold_id.in_(sorted(set(hold_ids))))
        .order_by(Item.id)
    )
    return [(row[0], row[1]) for row in rows]


def hold_violations(session: Session, item: Item, *path: str | int, range: Range | None = None) -> list[HoldViolation]:
    """The open holds that stop the use of ``item``, or of a ``range`` of its positions, as one violation (I7).

    Without a range every hold of the item stops it, since what is taken may lie anywhere.
    """
    stopping = [held for held in holds_of(session, [item.id]) if held.stops(range)]
    if not stopping:
        return []
    numbers = ", ".join(held.hold.number for held in stopping)
    where = f" at [{plain(range[0])}, {plain(range[1])})" if range else ""
    return [
        HoldViolation(
            message=f"{item.key}{where} is on hold: {numbers}",
            path=path,
            holds=tuple(held.hold.id for held in stopping),
        )
    ]


def _range_of(held: HeldItem) -> Range | None:
    if held.range_from is None or held.range_to is None:
        return None
    return held.range_from, held.range_to
