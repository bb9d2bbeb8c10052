"""New items, one or thousands at once: the primitive of every verb that makes, receives or finds them.

It stores items and keeps their small invariants, but records nothing: the event of the verb that calls it tells what
happened.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import insert, select

from mesgraph.errors import Code, Findings, Violation, all_violations, invalid
from mesgraph.materials.lifecycle import INITIAL
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition, Tracking
from mesgraph.quantity import plain, to_micro
from mesgraph.words import check_code, check_gs1_key, check_number
from mesgraph.work import Work

PIECE = "C62"
"""Unit of things that are counted (UN/ECE Rec 20)."""

DIVISIBLE = frozenset({ItemKind.LOT, ItemKind.SUBLOT})
KEYS_PER_STATEMENT = 500
"""Both databases bound the number of parameters."""

KINDS_OF: dict[Tracking, frozenset[ItemKind]] = {
    Tracking.LOT: frozenset({ItemKind.LOT, ItemKind.SUBLOT}),
    Tracking.SERIAL: frozenset({ItemKind.SERIAL_UNIT}),
    Tracking.LOT_AND_SERIAL: frozenset({ItemKind.LOT, ItemKind.SUBLOT, ItemKind.SERIAL_UNIT}),
}
"""The kinds of items that a material may have."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, kw_only=True)
class NewItem:
    """What an item begins as. ``number`` is the lot, sublot or serial number, or the SSCC; ``lot`` its lot, if any.

    Without ``expires_at`` it expires with its lot, else at the end of the material's shelf life, counted from
    ``produced_at`` or from the event time.
    """

    site_id: int
    item_kind: ItemKind
    material: MaterialDefinition | None
    number: str
    lifecycle: Lifecycle
    quantity: Decimal = Decimal(1)
    location_id: int | None = None
    lot: Item | None = None
    item_revision: int = 0
    request_id: int | None = None
    grade: str | None = None
    produced_at: datetime | None = None
    expires_at: datetime | None = None
    supplier_id: int | None = None
    supplier_lot: str | None = None

    @property
    def key(self) -> str:
        """The human key: ``CODE/NUMBER``, ``CODE/LOT/SUBLOT``, the SSCC; rework revisions end in ``#n``."""
        suffix = f"#{self.item_revision}" if self.item_revision else ""
        if self.item_kind is ItemKind.SUBLOT and self.lot is not None:
            return f"{self.lot.key}/{self.number}{suffix}"
        return f"{self.material.code}/{self.number}{suffix}" if self.material else self.number + suffix

    def values(self, work: Work) -> dict[str, Any]:
        """The columns of its row."""
        return {
            "version": 1,
            "created_at": work.now,
            "site_id": self.site_id,
            "item_kind": self.item_kind,
            "key": self.key,
            "number": self.number,
            "item_revision": self.item_revision,
            "material_id": self.material.id if self.material else None,
            "lot_id": self.lot.id if self.lot else None,
            "uom": self.material.base_uom if self.material else PIECE,
            "quantity": self.quantity,
            "initial_quantity": self.quantity,
            "lifecycle": self.lifecycle,
            "open_holds": 0,
            "location_id": self.location_id,
            "request_id": self.request_id,
            "grade": self.grade,
            "produced_at": self.produced_at,
            "expires_at": self.expires_at or self._expiry(self.produced_at or work.occurred_at),
            "supplier_id": self.supplier_id,
            "supplier_lot": self.supplier_lot,
        }

    def _expiry(self, made: datetime) -> datetime | None:
        if self.lot is not None:
            return self.lot.expires_at
        if self.material is None or self.material.shelf_life_s is None:
            return None
        return made + timedelta(seconds=self.material.shelf_life_s)


def create_items(work: Work, wanted: Sequence[NewItem], paths: Sequence[Path]) -> list[Item]:
    """Primitive: new items, in a few statements however many there are.

    Refuses VALIDATION_FAILED, INVALID_GS1_KEY, DUPLICATE_KEY, SERIAL_NOT_UNIQUE (I5, I46), with all violations of all
    items. Those of the number of an item point to its place in ``paths``.
    """
    known = _taken(work, wanted)
    met: set[tuple[ItemKind, str]] = set()
    with all_violations() as found:
        for new, path in zip(wanted, paths, strict=True):
            _check_form(new, path, found)
            place = new.item_kind, new.key
            if place in known or place in met:
                code = Code.SERIAL_NOT_UNIQUE if new.item_kind is ItemKind.SERIAL_UNIT else Code.DUPLICATE_KEY
                what = "exists already" if place in known else "is named twice"
                found.add(invalid(f"{new.key} {what}", *path, code=code))
            met.add(place)
        found.violations[:] = dict.fromkeys(found.violations)  # what many items share is said once
    if len(wanted) == 1:
        return [work.add(Item(**wanted[0].values(work)))]
    if not wanted:
        return []
    statement = insert(Item).returning(Item, sort_by_parameter_order=True)
    return list(work.session.scalars(statement, [new.values(work) for new in wanted]))


def create_item(work: Work, *, path: Path = (), **begins: Any) -> Item:
    """Primitive: a new item; ``begins`` is what :class:`NewItem` takes. See :func:`create_items`."""
    return create_items(work, [NewItem(**begins)], [path])[0]


def create_serial_units(
    work: Work, *, material: MaterialDefinition, numbers: Sequence[str], path: Path = (), **alike: Any
) -> list[Item]:
    """Primitive: a serial unit for each of ``numbers``; ``alike`` is what :class:`NewItem` takes besides.

    The violations of a number point to ``path`` and its index.
    """
    wanted = [NewItem(item_kind=ItemKind.SERIAL_UNIT, material=material, number=number, **alike) for number in numbers]
    return create_items(work, wanted, [(*path, i) for i in range(len(numbers))])


def _taken(work: Work, wanted: Sequence[NewItem]) -> set[tuple[ItemKind, str]]:
    """Which of the keys exist already, at any site. A lot A/B and sublot B of lot A would be called the same."""
    keys: dict[ItemKind, list[str]] = defaultdict(list)
    for new in wanted:
        keys[new.item_kind].append(new.key)
    item = Item.__table__.c
    taken: set[tuple[ItemKind, str]] = set()
    for kind, of_kind in keys.items():
        alike = DIVISIBLE if kind in DIVISIBLE else {kind}
        for some in _chunks(of_kind):
            statement = select(item.key).where(item.item_kind.in_(alike), item.key.in_(some))
            taken.update((kind, key) for key in work.session.execute(statement).scalars())
    return taken


def _chunks(keys: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(keys), KEYS_PER_STATEMENT):
        yield keys[start : start + KEYS_PER_STATEMENT]


def _check_form(new: NewItem, path: Path, found: Findings) -> None:
    beside = path[:-2] if path and isinstance(path[-1], int) else path[:-1]
    found.add(
        _kind_violation(new, path),
        _number_violation(new, path),
        amount_violation(new.item_kind, new.quantity, *beside, "quantity"),
    )
    if new.lifecycle not in INITIAL:
        found.add(invalid(f"an item cannot begin as {new.lifecycle}", *path))
    if new.grade is not None:
        found.add(check_code(new.grade, *beside, "grade"))
    if new.supplier_lot is not None:
        found.add(check_code(new.supplier_lot, *beside, "supplier_lot"))


def _kind_violation(new: NewItem, path: Path) -> Violation | None:
    kind, material, lot = new.item_kind, new.material, new.lot
    if kind is ItemKind.LOGISTIC_UNIT:
        return invalid("a logistic unit is of no material", *path) if material or lot else None
    if material is None:
        return invalid(f"a {kind} needs a material", *path)
    if kind not in KINDS_OF[material.tracking]:
        return invalid(f"{material.human_key} is tracked by {material.tracking}, so it has no {kind}", *path)
    if kind is ItemKind.SUBLOT and lot is None:
        return invalid("a sublot needs its lot", *path)
    if lot is not None and (kind is ItemKind.LOT or lot.material_id != material.id):
        return invalid(f"{lot.key} cannot be the lot of a {kind} of {material.human_key}", *path)
    return None


def _number_violation(new: NewItem, path: Path) -> Violation | None:
    if new.item_kind is ItemKind.LOGISTIC_UNIT:
        return check_gs1_key(new.number, "SSCC", 18, *path)
    return check_number(new.number, *path)


def amount_violation(kind: ItemKind, quantity: Decimal, *path: str | int) -> Violation | None:
    """An amount that an item of this kind cannot have."""
    wrong = exact_violation(quantity, *path)
    if wrong is None and quantity < 0:
        wrong = invalid(f"quantity {plain(quantity)} must be zero or more", *path)
    if wrong is None and kind in (ItemKind.SERIAL_UNIT, ItemKind.LOGISTIC_UNIT) and quantity != 1:
        wrong = invalid(f"a {kind} counts 1, not {plain(quantity)}", *path)
    return wrong


def exact_violation(value: Decimal, *path: str | int) -> Violation | None:
    """A number that cannot be stored exactly."""
    try:
        to_micro(value)
    except ValueError as error:
        return invalid(str(error), *path)
    return None
