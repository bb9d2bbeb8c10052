"""Making many serial units at once: the primitive of verbs that make thousands in one command."""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from mesgraph.errors import Code, all_violations, invalid
from mesgraph.materials.actions import create_item, item_key
from mesgraph.materials.models import Item, ItemKind, MaterialDefinition
from mesgraph.words import check_number
from mesgraph.work import Work

CHUNK = 500
"""Keys per statement: both databases bound the number of parameters."""


def create_serial_units(
    work: Work,
    *,
    material: MaterialDefinition,
    numbers: Sequence[str],
    path: tuple[str | int, ...] = (),
    **alike: Any,
) -> list[Item]:
    """Primitive: a serial unit for each of ``numbers``; ``alike`` is what :func:`create_item` takes besides.

    All numbers are checked and stored in a few statements. Refuses what ``create_item`` refuses; the violations of a
    number point to ``path`` and its index (I5, I46).
    """
    keys = [item_key(ItemKind.SERIAL_UNIT, material, number, None, 0) for number in numbers]
    twice = {key for key, count in Counter(keys).items() if count > 1}
    known = _taken(work, keys)
    with all_violations() as found:
        for i, (number, key) in enumerate(zip(numbers, keys, strict=True)):
            found.add(check_number(number, *path, i))
            if key in known:
                found.add(invalid(f"{key} exists already", *path, i, code=Code.SERIAL_NOT_UNIQUE))
            elif key in twice:
                found.add(invalid(f"{key} is named twice", *path, i, code=Code.SERIAL_NOT_UNIQUE))
    if not numbers:
        return []
    first = create_item(
        work,
        item_kind=ItemKind.SERIAL_UNIT,
        material=material,
        number=numbers[0],
        quantity=Decimal(1),
        path=(*path, 0),
        **alike,
    )
    rest = [_like(first, number, key) for number, key in zip(numbers[1:], keys[1:], strict=True)]
    return [first, *work.add_all(rest)]


def _taken(work: Work, keys: Sequence[str]) -> set[str]:
    """The keys that exist already, at any site."""
    item = Item.__table__.c
    taken: set[str] = set()
    for start in range(0, len(keys), CHUNK):
        some = keys[start : start + CHUNK]
        statement = select(item.key).where(item.item_kind == ItemKind.SERIAL_UNIT, item.key.in_(some))
        taken.update(work.session.execute(statement).scalars())
    return taken


def _like(first: Item, number: str, key: str) -> Item:
    """Another unit of the same kind, made in the same breath."""
    return Item(
        site_id=first.site_id,
        item_kind=first.item_kind,
        key=key,
        number=number,
        item_revision=first.item_revision,
        material_id=first.material_id,
        lot_id=first.lot_id,
        uom=first.uom,
        quantity=first.quantity,
        initial_quantity=first.initial_quantity,
        lifecycle=first.lifecycle,
        location_id=first.location_id,
        request_id=first.request_id,
        grade=first.grade,
        produced_at=first.produced_at,
        expires_at=first.expires_at,
    )
