"""Rules that several verbs ask about their items."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from mesgraph.equipment.models import Equipment, EquipmentLevel
from mesgraph.errors import Code, Findings, QuantityViolation, Violation, invalid
from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.holds.queries import hold_violations
from mesgraph.materials.actions import usable_violations
from mesgraph.materials.lifecycle import refuse_step
from mesgraph.materials.models import TERMINAL, Item, ItemKind, Lifecycle
from mesgraph.quantity import plain
from mesgraph.work import Work

STORES = frozenset({EquipmentLevel.STORAGE_ZONE, EquipmentLevel.STORAGE_UNIT})
DIVISIBLE = frozenset({ItemKind.LOT, ItemKind.SUBLOT})
"""Kinds of items with a quantity that can be divided."""
USED_UP = frozenset({Lifecycle.CONSUMED, Lifecycle.SCRAPPED})
"""How a lot ends of which nothing is left."""
ITEMS_MAX = 500
"""How many items one command may name or make."""


class Posted(NamedTuple):
    """What a verb did: the activity, and the items that it is about for the caller."""

    activity: GenealogyEvent
    items: list[Item]


def live_violations(item: Item, to: Lifecycle, *path: str | int) -> list[Violation]:
    """Why nothing can be done with the item: it has ended (INVALID_TRANSITION) or is packed (ALREADY_CONTAINED)."""
    if item.lifecycle in TERMINAL:
        return [refuse_step(item, to, *path)]
    return packed_violations(item, *path)


def taking_violations(item: Item, quantity: Decimal, *path: str | int) -> list[Violation]:
    """Why no ``quantity`` can be taken of the item; of one that is used up there is too little, not a wrong state."""
    if item.item_kind in DIVISIBLE and item.lifecycle in USED_UP:
        return [too_little(item, quantity, *path)]
    return live_violations(item, Lifecycle.CONSUMED, *path)


def too_little(item: Item, quantity: Decimal, *path: str | int) -> Violation:
    """INSUFFICIENT_QUANTITY: less is on hand than ``quantity``."""
    return QuantityViolation(
        code=Code.INSUFFICIENT_QUANTITY,
        message=f"{item.key} has {plain(item.quantity)} {item.uom}, {plain(quantity)} asked",
        path=path,
        available=item.quantity,
        requested=quantity,
        uom=item.uom,
    )


def reserved_violation(
    item: Item, quantity: Decimal, *path: str | int, kept: Decimal | None = None
) -> Violation | None:
    """LOT_RESERVED: ``quantity`` is more than what is not ``kept`` for others, that is for any order unless told (I10).

    More than there is at all has a code of its own.
    """
    kept = item.reserved if kept is None else kept
    free = max(item.quantity - kept, Decimal(0))
    if kept == 0 or quantity <= free or quantity > item.quantity:
        return None
    return QuantityViolation(
        code=Code.LOT_RESERVED,
        message=f"{plain(kept)} {item.uom} of {item.key} are reserved for other orders; {plain(free)} {item.uom} "
        "are free",
        path=path,
        available=free,
        requested=quantity,
        uom=item.uom,
    )


def packed_violations(item: Item, *path: str | int) -> list[Violation]:
    """ALREADY_CONTAINED when the item is packed in a unit."""
    if item.parent_id is None:
        return []
    return [invalid(f"{item.key} is packed in another unit", *path, code=Code.ALREADY_CONTAINED)]


def divisible_violation(item: Item, *path: str | int) -> Violation | None:
    """A part can be taken of a lot or sublot only."""
    if item.item_kind in DIVISIBLE:
        return None
    return invalid(f"{item.key} is a {item.item_kind}; only lots and sublots can be divided or counted", *path)


def unusable(work: Work, item: Item, *path: str | int) -> list[Violation]:
    """Why the item may not be used, packed or shipped now: its state, its expiry, its holds (I7, I8)."""
    return [*usable_violations(item, work.occurred_at, *path), *hold_violations(work.session, item, *path)]


def store_violation(location: Equipment, site_id: int, *path: str | int) -> Violation | None:
    """Items are kept in stores of their own site."""
    if location.site_id != site_id:
        return invalid(f"{location.code} belongs to another site", *path)
    if location.level not in STORES:
        return invalid(f"{location.code} is a {location.level}; items are kept in storage zones and units", *path)
    return None


def check_list(found: Findings, items: Sequence[Item], name: str) -> None:
    """A command names at least one item, none twice, not too many, all of one site."""
    if not items:
        found.add(invalid("name at least one item", name))
    if len(items) > ITEMS_MAX:
        found.add(invalid(f"{len(items)} items are more than {ITEMS_MAX}", name))
    seen: set[int] = set()
    for i, item in enumerate(items):
        if item.id in seen:
            found.add(invalid(f"{item.key} is named twice", name, i))
        if item.site_id != items[0].site_id:
            found.add(invalid(f"{item.key} belongs to another site than {items[0].key}", name, i))
        seen.add(item.id)
