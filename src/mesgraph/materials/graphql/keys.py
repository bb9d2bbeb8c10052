"""How commands name items and amounts."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.access.places import Places
from mesgraph.api.nodes import find, parse_node_id
from mesgraph.api.plan.shapes import Key
from mesgraph.api.scalars import GTIN, SSCC, UnitCode
from mesgraph.errors import Findings, Refused, invalid, not_found
from mesgraph.materials import queries
from mesgraph.materials.models import ITEM_TYPES, Item, ItemKind, MaterialDefinition
from mesgraph.quantity import Quantity, in_base


@strawberry.input(description="An amount in the base unit of its material or in a unit with a declared factor.")
class QuantityInput:
    """An exact amount."""

    value: Decimal = strawberry.field(description="The amount, as a string of plain digits.")
    uom: UnitCode = strawberry.field(description="Its unit.")


def read_quantity(
    input: QuantityInput, material: MaterialDefinition, *path: str | int, positive: bool = True
) -> Decimal:
    """The amount in the material's base unit. Refuses UOM_MISMATCH, VALIDATION_FAILED (I45)."""
    amount = Quantity(input.value, input.uom)
    return in_base(amount, material.base_uom, material.uom_factors, *path, positive=positive)


def read_item_quantity(
    session: Session, input: QuantityInput, item: Item, *path: str | int, positive: bool = True
) -> Decimal:
    """The amount in the item's unit: by its material's factors, or as it is for a logistic unit, which has none."""
    if item.material_id is None:
        return in_base(Quantity(input.value, input.uom), item.uom, {}, *path, positive=positive)
    material = session.get(MaterialDefinition, item.material_id)
    assert material is not None, "materials are seen by everyone"
    return read_quantity(input, material, *path, positive=positive)


@strawberry.input(
    description="Names one item by exactly one of: `id`; `sscc`; `material` or `gtin` with `lot`; with `lot` and "
    "`sublot`; with `serial` (a `lot` beside it must be the unit's). A reworked item is named in its latest revision."
)
class ItemKey:
    """One resolvable combination."""

    id: strawberry.ID | None = strawberry.field(default=None, description="Opaque id, or the item's whole `key`.")
    material: str | None = strawberry.field(default=None, description="Code of the material.")
    gtin: GTIN | None = strawberry.field(default=None, description="GTIN of the material, as scanned.")
    lot: str | None = strawberry.field(default=None, description="Lot number.")
    sublot: str | None = strawberry.field(default=None, description="Sublot number, beside its lot.")
    serial: str | None = strawberry.field(default=None, description="Serial number.")
    sscc: SSCC | None = strawberry.field(default=None, description="SSCC of a logistic unit.")


NAMING = {
    frozenset({"id"}),
    frozenset({"sscc"}),
    *(
        frozenset({owner, *numbers})
        for owner in ("material", "gtin")
        for numbers in (("lot",), ("lot", "sublot"), ("serial",), ("lot", "serial"))
    ),
}
"""The combinations of parts that name one item."""
OF_KIND = {kind: queries.of_kinds({kind}) for kind in ItemKind}


def find_item(session: Session, key: ItemKey, *path: str | int) -> Item:
    """The item that ``key`` names in the session's scope; else NOT_FOUND, or VALIDATION_FAILED for other mixtures."""
    parts = {name: str(value) for name, value in vars(key).items() if value is not None}
    if frozenset(parts) not in NAMING:
        given = " and ".join(parts) or "nothing"
        message = (
            f"{given} alone names no item: give its id, its sscc, or material (or gtin) together with lot, lot and "
            "sublot, or serial"
        )
        raise Refused(invalid(message, *path))
    if "id" in parts:
        return find(session, Item, parts["id"], *path)
    item = queries.item_by_parts(session, **parts)
    if item is None:
        raise Refused(not_found("item", "/".join(parts.values())[:100], *path))
    return item


def named_by_one_column(key: ItemKey) -> Key | None:
    """What :func:`find_item` looks for, where that is the value of one column."""
    parts = {name: str(value) for name, value in vars(key).items() if value is not None}
    if (parsed := parse_node_id(parts.get("id", ""))) is not None and parts.keys() == {"id"}:
        kind = next((kind for kind, name in ITEM_TYPES.items() if name == parsed[0]), None)
        return None if kind is None else Key(Item.id, parsed[1], (OF_KIND[kind],))
    code = parts.get("material", "").partition(":")[0]
    match sorted(parts):
        case ["id"]:
            return Key(Item.key, parts["id"])
        case ["sscc"]:
            return Key(Item.key, parts["sscc"], (OF_KIND[ItemKind.LOGISTIC_UNIT],))
        case ["lot", "material"]:
            return Key(Item.key, f"{code}/{parts['lot']}", (OF_KIND[ItemKind.LOT],))
        case ["lot", "material", "sublot"]:
            return Key(Item.key, f"{code}/{parts['lot']}/{parts['sublot']}", (OF_KIND[ItemKind.SUBLOT],))
    return None


def find_revisions(session: Session, reference: str, *path: str | int) -> list[int]:
    """Ids of the revisions that an opaque id or ``CODE:REVISION`` names, or ``CODE`` (all of them); else NOT_FOUND."""
    if parse_node_id(reference) is not None:
        return [find(session, MaterialDefinition, reference, *path).id]
    revisions = queries.revisions_of(session, reference)
    if not revisions:
        raise Refused(not_found(MaterialDefinition.kind, reference[:100], *path))
    return sorted(revisions)


def named_item(name: str) -> Places:
    """The item that a field of a command names, as where it acts."""

    def find_in(session: Session, input: Any) -> Sequence[Item]:
        return [find_item(session, getattr(input, name), name)]

    return find_in


def named_items(name: str) -> Places:
    """The items that a field of a command names, as where it acts."""

    def find_in(session: Session, input: Any) -> Sequence[Item]:
        return find_items(session, getattr(input, name), name)

    return find_in


def find_items(session: Session, keys: Sequence[ItemKey], name: str) -> list[Item]:
    """The items, or every key that names none."""
    found, rows = Findings(), []
    for i, key in enumerate(keys):
        with found.under():
            rows.append(find_item(session, key, name, i))
    found.refuse()
    return rows
