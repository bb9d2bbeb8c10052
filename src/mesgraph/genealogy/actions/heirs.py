"""Items that take the place of another one, or of a part of it: sublots of a split, what is reworked."""

from collections.abc import Collection, Iterator
from decimal import Decimal
from itertools import count

from mesgraph.genealogy import queries
from mesgraph.materials.creation import NewItem, Path, create_items
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.materials.queries import key_taken
from mesgraph.work import Work


def lot_of(work: Work, item: Item) -> Item:
    """The lot itself, or the lot that a sublot belongs to."""
    return item if item.lot_id is None else work.session.get_one(Item, item.lot_id)


def free_numbers(work: Work, lot: Item, given: Collection[str] = ()) -> Iterator[str]:
    """Sublot numbers that are not taken in the lot nor ``given``: 001, 002, ..."""
    taken = queries.sublot_numbers(work.session, lot.id) | set(given)
    return (number for number in (f"{n:03}" for n in count(1)) if number not in taken)


def new_sublot(
    work: Work, item: Item, number: str, quantity: Decimal, *, lifecycle: Lifecycle, path: Path = ()
) -> Item:
    """A sublot of the item's lot that has what ``item`` has."""
    material = work.session.get_one(MaterialDefinition, item.material_id)
    return _create(work, item, material, ItemKind.SUBLOT, number, quantity, lifecycle, path=path)


def next_revision(work: Work, unit: Item, *, lifecycle: Lifecycle) -> Item:
    """The same serial number once more, one revision on. Numbers of revisions that were undone are not given again."""
    material = work.session.get_one(MaterialDefinition, unit.material_id)
    stem = unit.key.partition("#")[0]
    revisions = (n for n in count(unit.item_revision + 1))
    free = next(n for n in revisions if not key_taken(work.session, ItemKind.SERIAL_UNIT, f"{stem}#{n}"))
    return _create(work, unit, material, ItemKind.SERIAL_UNIT, unit.number, Decimal(1), lifecycle, revision=free)


def _create(
    work: Work,
    item: Item,
    material: MaterialDefinition,
    kind: ItemKind,
    number: str,
    quantity: Decimal,
    lifecycle: Lifecycle,
    *,
    revision: int = 0,
    path: Path = (),
) -> Item:
    lot = lot_of(work, item) if kind is ItemKind.SUBLOT or item.lot_id is not None else None
    new = NewItem(
        site_id=item.site_id,
        item_kind=kind,
        material=material,
        number=number,
        item_revision=revision,
        quantity=quantity,
        lifecycle=Lifecycle.QUARANTINE if lifecycle is Lifecycle.REJECTED else lifecycle,
        location_id=item.location_id,
        lot=lot,
        request_id=item.request_id,
        grade=item.grade,
        produced_at=item.produced_at,
        expires_at=item.expires_at,
        supplier_id=item.supplier_id,
        supplier_lot=item.supplier_lot,
    )
    (heir,) = create_items(work, [new], [path])
    heir.lifecycle, heir.expires_at = lifecycle, item.expires_at
    return heir
