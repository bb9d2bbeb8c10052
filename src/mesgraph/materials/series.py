"""Making many serial units at once: the primitive of verbs that make thousands in one command."""

from collections import Counter
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, inspect, select

from mesgraph.errors import Code, all_violations, invalid
from mesgraph.materials.actions import create_item, item_key
from mesgraph.materials.models import Item, ItemKind, MaterialDefinition
from mesgraph.words import check_number
from mesgraph.work import Work

CHUNK = 500
"""Keys per statement: both databases bound the number of parameters."""

OWN = frozenset({"id", "number", "key"})
ALIKE = [column.key for column in inspect(Item).column_attrs if column.key not in OWN]
"""What all units of a series have in common with the first one."""


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
    common = {name: getattr(first, name) for name in ALIKE}
    rest = [common | {"number": number, "key": key} for number, key in zip(numbers[1:], keys[1:], strict=True)]
    if rest:
        work.session.execute(insert(Item), rest)
    return [first, *_made(work, keys[1:])]


def _taken(work: Work, keys: Sequence[str]) -> set[str]:
    """The keys that exist already, at any site."""
    item = Item.__table__.c
    taken: set[str] = set()
    for some in _chunks(keys):
        statement = select(item.key).where(item.item_kind == ItemKind.SERIAL_UNIT, item.key.in_(some))
        taken.update(work.session.execute(statement).scalars())
    return taken


def _made(work: Work, keys: Sequence[str]) -> list[Item]:
    """The rows just inserted, in the order of ``keys``; reading them costs a third of making them as objects."""
    rows: dict[str, Item] = {}
    for some in _chunks(keys):
        statement = select(Item).where(Item.item_kind == ItemKind.SERIAL_UNIT, Item.key.in_(some))
        rows.update((item.key, item) for item in work.session.scalars(statement))
    return [rows[key] for key in keys]


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), CHUNK):
        yield keys[start : start + CHUNK]
