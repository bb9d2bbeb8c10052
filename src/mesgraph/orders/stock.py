"""What a site has of some materials: how much is usable where, what of it is kept for orders, and what stands apart.

Usable is what is released, neither held nor expired nor packed, for everybody; and what is in process in an order, for
that order (I7, I8). Of an item that is kept for an order, the others may use the rest only (I10).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition
from mesgraph.orders.models import MaterialReservation
from mesgraph.orders.reservations import OPEN, counting

LIVE = (Lifecycle.AVAILABLE, Lifecycle.IN_PROCESS)


@dataclass(frozen=True)
class Sum:
    """A sum of usable items of one material revision at one place; of one order, if that alone may use them yet."""

    material_id: int
    location_id: int | None
    request_id: int | None
    quantity: Decimal


@dataclass(frozen=True)
class Kept:
    """A usable item of which something is kept, by order."""

    item_id: int
    place: Sum
    by_request: Mapping[int, Decimal]

    def for_others(self, request_id: int) -> Decimal:
        """What order ``request_id`` may not take of it; never more than there is."""
        others = sum((amount for key, amount in self.by_request.items() if key != request_id), Decimal(0))
        return min(others, self.place.quantity)

    def for_order(self, request_id: int) -> Decimal:
        """What is kept for order ``request_id``, as far as it is there."""
        free = self.place.quantity - self.for_others(request_id)
        return min(self.by_request.get(request_id, Decimal(0)), free)


@dataclass(frozen=True)
class Stock:
    """What a site has of the materials that were asked for; ``definitions`` are all their revisions."""

    definitions: Mapping[int, MaterialDefinition]
    sums: tuple[Sum, ...]
    kept: tuple[Kept, ...]
    apart: Mapping[str, Mapping[str, Decimal]] = field(default_factory=dict)

    def usable(self, material_ids: Collection[int], request_id: int) -> dict[int | None, Decimal]:
        """What an order may take of these materials at each place."""
        found: dict[int | None, Decimal] = defaultdict(Decimal)
        for sum_ in _of(self.sums, material_ids, request_id):
            found[sum_.location_id] += sum_.quantity
        for kept in self.kept_of(material_ids, request_id):
            found[kept.place.location_id] -= kept.for_others(request_id)
        return found

    def for_others(self, material_ids: Collection[int], request_id: int) -> Decimal:
        """What is there of these materials, but kept for other orders."""
        return sum((kept.for_others(request_id) for kept in self.kept_of(material_ids, request_id)), Decimal(0))

    def kept_of(self, material_ids: Collection[int], request_id: int) -> list[Kept]:
        """The items of these materials of which something is kept and which the order might use otherwise."""
        return [kept for kept in self.kept if any(_of([kept.place], material_ids, request_id))]


def stock_of(session: Session, site_id: int, codes: Collection[str], now: datetime, *, apart: bool = False) -> Stock:
    """The stock of every revision of the materials ``codes`` at a site; with ``apart`` also what is there but not
    usable, by material code and cause.
    """
    definitions = {
        row.id: row
        for row in session.scalars(select(MaterialDefinition).where(MaterialDefinition.code.in_(sorted(codes))))
    }
    return Stock(
        definitions=definitions,
        sums=tuple(_sums(session, site_id, definitions, now)),
        kept=tuple(_kept(session, site_id, definitions, now)),
        apart=_apart(session, site_id, definitions, now) if apart else {},
    )


def usable(site_id: int, material_ids: Iterable[int], now: datetime) -> ColumnElement[bool]:
    """Condition on items: usable at ``now``, by everybody or by their own order."""
    return and_(
        Item.site_id == site_id,
        Item.material_id.in_(sorted(material_ids)),
        or_(
            Item.lifecycle == Lifecycle.AVAILABLE,
            and_(Item.lifecycle == Lifecycle.IN_PROCESS, Item.request_id.is_not(None)),
        ),
        Item.parent_id.is_(None),
        Item.open_holds == 0,
        or_(Item.expires_at.is_(None), Item.expires_at > now),
        Item.quantity > Decimal(0),
    )


OWNER = case((Item.lifecycle == Lifecycle.IN_PROCESS, Item.request_id))
"""The order that alone may use an item, if it is in process."""


def _of(sums: Iterable[Sum], material_ids: Collection[int], request_id: int) -> Iterable[Sum]:
    return (s for s in sums if s.material_id in material_ids and s.request_id in (None, request_id))


def _sums(session: Session, site_id: int, material_ids: Iterable[int], now: datetime) -> Iterable[Sum]:
    rows = session.execute(
        select(Item.material_id, Item.location_id, OWNER, func.sum(Item.quantity))
        .where(usable(site_id, material_ids, now))
        .group_by(Item.material_id, Item.location_id, OWNER)
    )
    return [Sum(material_id or 0, location_id, owner, quantity) for material_id, location_id, owner, quantity in rows]


def _kept(session: Session, site_id: int, material_ids: Iterable[int], now: datetime) -> Iterable[Kept]:
    statement = counting(
        select(
            MaterialReservation.item_id,
            MaterialReservation.request_id,
            func.sum(OPEN),
            Item.material_id,
            Item.location_id,
            OWNER,
            Item.quantity,
        ).join(Item, Item.id == MaterialReservation.item_id)
    )
    rows = session.execute(
        statement.where(usable(site_id, material_ids, now)).group_by(
            MaterialReservation.item_id,
            MaterialReservation.request_id,
            Item.material_id,
            Item.location_id,
            OWNER,
            Item.quantity,
        )
    )
    by_item: dict[int, dict[int, Decimal]] = defaultdict(dict)
    places: dict[int, Sum] = {}
    for item_id, request_id, amount, material_id, location_id, owner, quantity in rows:
        by_item[item_id][request_id] = amount
        places[item_id] = Sum(material_id or 0, location_id, owner, quantity)
    return [Kept(item_id, places[item_id], by_request) for item_id, by_request in sorted(by_item.items())]


def _apart(
    session: Session, site_id: int, definitions: Mapping[int, MaterialDefinition], now: datetime
) -> dict[str, dict[str, Decimal]]:
    cause = case(
        (Item.open_holds > 0, "on hold"),
        (Item.expires_at <= now, "expired"),
        (Item.lifecycle == Lifecycle.QUARANTINE, "in quarantine"),
        (Item.parent_id.is_not(None), "packed"),
    )
    rows = session.execute(
        select(Item.material_id, cause, func.sum(Item.quantity))
        .where(
            Item.site_id == site_id,
            Item.material_id.in_(sorted(definitions)),
            Item.lifecycle.in_([*LIVE, Lifecycle.QUARANTINE]),
            Item.quantity > Decimal(0),
            cause.is_not(None),
        )
        .group_by(Item.material_id, cause)
        .order_by(cause)
    )
    found: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for material_id, word, quantity in rows:
        code = definitions[material_id or 0].code
        found[code][word] = found[code].get(word, Decimal(0)) + quantity
    return found
