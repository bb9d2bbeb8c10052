"""What each kind of table has for columns, and the verb that a row ends in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from mesgraph.clock import YEARS
from mesgraph.db import Entity
from mesgraph.equipment import queries as equipment_queries
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_equipment_class
from mesgraph.equipment.models import Equipment, EquipmentLevel, Site
from mesgraph.errors import Path, Refused, invalid, not_found, replace_path
from mesgraph.genealogy.actions import ReceiptLine, submit_lots
from mesgraph.materials import queries
from mesgraph.materials.actions import MaterialMaster, submit_material_definition, submit_supplier
from mesgraph.materials.models import ApprovalStatus, MaterialDefinition, MaterialKind, Supplier, Tracking
from mesgraph.quantity import UNIT_CODE, Quantity, in_base, parse_decimal
from mesgraph.work import Work

DURATION = TypeAdapter(timedelta)
Values = Mapping[str, Any]


class MastersKind(StrEnum):
    """What the rows of a table are."""

    SUPPLIERS = "SUPPLIERS"
    MATERIALS = "MATERIALS"
    EQUIPMENT_CLASSES = "EQUIPMENT_CLASSES"
    EQUIPMENT = "EQUIPMENT"
    LOTS = "LOTS"


@dataclass(frozen=True)
class Column:
    """A column: how its cells are read (``ValueError`` says what is wrong), and whether they may be empty."""

    read: Callable[[str], Any] = str
    required: bool = False


@dataclass(frozen=True)
class Kind:
    """A kind of table. ``key``: the columns that name a thing; ``find`` what is known of it; ``put`` the verb."""

    columns: Mapping[str, Column]
    key: tuple[str, ...]
    find: Callable[[Work, Site | None, Values], Entity | None]
    put: Callable[[Work, Site | None, Values], Entity]


def _word(words: type[StrEnum]) -> Callable[[str], StrEnum]:
    def read(cell: str) -> StrEnum:
        if cell.upper() not in words.__members__:
            raise ValueError(f"{cell[:40]!r} is none of {', '.join(words)}")
        return words[cell.upper()]

    return read


def _yes(cell: str) -> bool:
    if cell.lower() not in ("true", "false"):
        raise ValueError(f"{cell[:40]!r} is neither true nor false")
    return cell.lower() == "true"


def _count(cell: str) -> int:
    if not (cell.isascii() and cell.isdecimal() and len(cell) < 9):
        raise ValueError(f"{cell[:40]!r} is no whole number")
    return int(cell)


def _duration(cell: str) -> timedelta:
    try:
        if cell.startswith("P"):
            return DURATION.validate_python(cell)
    except ValidationError:
        pass
    raise ValueError(f"{cell[:40]!r} is no ISO 8601 duration such as P180D")


def _uom(cell: str) -> str:
    if not UNIT_CODE.fullmatch(cell):
        raise ValueError(f"{cell[:40]!r} is no unit code of Rec 20, such as KGM, MTR or C62")
    return cell


def _factors(cell: str) -> dict[str, Any]:
    pairs = [part.partition("=") for part in cell.split()]
    factors = {_uom(uom): parse_decimal(factor) for uom, _, factor in pairs}
    if len(factors) < len(pairs):
        raise ValueError("a unit is named twice")
    return factors


def _moment(cell: str) -> datetime | str:
    """An RFC 3339 time with offset, or a day, which ends at midnight of the site."""
    try:
        moment = datetime.fromisoformat(cell)
        if len(cell) > 10 and moment.tzinfo is None:
            raise ValueError
        moment = moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        raise ValueError(f"{cell[:40]!r} is neither a day nor a time with offset") from None
    if moment.year not in YEARS:
        raise ValueError(f"{cell[:40]!r} lies outside the years {YEARS[0]} to {YEARS[-1]}")
    return cell if len(cell) <= 10 else moment


def _supplier(work: Work, _site: Site | None, given: Values) -> Entity:
    return submit_supplier(
        work,
        code=given["code"],
        name=given["name"],
        gln=given.get("gln"),
        approval_status=given.get("approvalStatus", ApprovalStatus.APPROVED),
    )


def _material(work: Work, _site: Site | None, given: Values) -> Entity:
    master = MaterialMaster(
        code=given["code"],
        revision=given["revision"],
        name=given["name"],
        kind=given["kind"],
        base_uom=given["baseUom"],
        tracking=given["tracking"],
        gtin=given.get("gtin"),
        shelf_life=given.get("shelfLife"),
        quarantine_on_receipt=given.get("quarantineOnReceipt", False),
        has_positions=given.get("hasPositions", False),
        uom_factors=given.get("uomFactors", {}),
    )
    return submit_material_definition(work, master)


def _equipment(work: Work, site: Site | None, given: Values) -> Entity:
    master = EquipmentMaster(
        code=given["code"],
        name=given["name"],
        level=given["level"],
        parent=given.get("parent"),
        capacity=given.get("capacity", 1),
        classes=given.get("classes", []),
        storage_locations=given.get("storageLocations", []),
    )
    return submit_equipment(work, _some(site), master)


def _lot(work: Work, site: Site | None, given: Values) -> Entity:
    here = _some(site)
    material = queries.material_by_key(work.session, given["material"])
    if material is None:
        raise Refused(not_found("MaterialDefinition", given["material"][:100], "material"))
    line = ReceiptLine(
        material=material,
        lot_number=given["lotNumber"],
        quantity=_quantity(given, material),
        supplier=_supplier_of(work, given),
        supplier_lot=given.get("supplierLot"),
        expires_at=_end_of(given.get("expiresAt"), here),
        location=_location(work, given, here),
    )
    try:
        return submit_lots(work, here, [line])[0]
    except Refused as refused:
        raise _told(refused, lambda path: path[2:] if path[:1] == ("lines",) else path) from refused


def _quantity(given: Values, material: MaterialDefinition) -> Decimal:
    try:
        return in_base(Quantity(given["quantity"], given["uom"]), material.base_uom, material.uom_factors)
    except Refused as refused:
        raise _told(refused, lambda path: path if path == ("uom",) else ("quantity",)) from refused


def _told(refused: Refused, place: Callable[[Path], Path]) -> Refused:
    """The refusal of a row: its paths are columns."""
    return Refused(*(replace_path(violation, place(violation.path)) for violation in refused.violations))


def _supplier_of(work: Work, given: Values) -> Supplier | None:
    code = given.get("supplier")
    supplier = queries.supplier_by_key(work.session, code) if code else None
    if code and supplier is None:
        raise Refused(not_found("Supplier", code[:100], "supplier"))
    return supplier


def _location(work: Work, given: Values, site: Site) -> Equipment | None:
    code = given.get("location")
    place = equipment_queries.equipment_by_key(work.session, f"{site.code}/{code}") if code else None
    if code and place is None:
        raise Refused(not_found("Equipment", code[:100], "location"))
    return place


def _end_of(expiry: datetime | str | None, site: Site) -> datetime | None:
    if not isinstance(expiry, str):
        return expiry
    day = datetime.fromisoformat(expiry) + timedelta(days=1)
    return day.replace(tzinfo=ZoneInfo(site.time_zone)).astimezone(UTC)


def _some(site: Site | None) -> Site:
    if site is None:
        raise Refused(invalid("name the site, in this column or for the whole document", "site"))
    return site


KINDS: dict[MastersKind, Kind] = {
    MastersKind.SUPPLIERS: Kind(
        {
            "code": Column(required=True),
            "name": Column(required=True),
            "gln": Column(),
            "approvalStatus": Column(_word(ApprovalStatus)),
        },
        ("code",),
        lambda work, _site, given: queries.supplier_by_key(work.session, given["code"]),
        _supplier,
    ),
    MastersKind.MATERIALS: Kind(
        {
            "code": Column(required=True),
            "revision": Column(required=True),
            "name": Column(required=True),
            "kind": Column(_word(MaterialKind), required=True),
            "baseUom": Column(_uom, required=True),
            "tracking": Column(_word(Tracking), required=True),
            "gtin": Column(),
            "shelfLife": Column(_duration),
            "quarantineOnReceipt": Column(_yes),
            "hasPositions": Column(_yes),
            "uomFactors": Column(_factors),
        },
        ("code", "revision"),
        lambda work, _site, given: queries.material_by_key(work.session, f"{given['code']}:{given['revision']}"),
        _material,
    ),
    MastersKind.EQUIPMENT_CLASSES: Kind(
        {"code": Column(required=True), "name": Column(required=True)},
        ("code",),
        lambda work, _site, given: equipment_queries.class_by_key(work.session, given["code"]),
        lambda work, _site, given: submit_equipment_class(work, code=given["code"], name=given["name"]),
    ),
    MastersKind.EQUIPMENT: Kind(
        {
            "site": Column(),
            "code": Column(required=True),
            "name": Column(required=True),
            "level": Column(_word(EquipmentLevel), required=True),
            "parent": Column(),
            "capacity": Column(_count),
            "classes": Column(str.split),
            "storageLocations": Column(str.split),
        },
        ("site", "code"),
        lambda work, site, given: equipment_queries.equipment_by_key(
            work.session, f"{_some(site).code}/{given['code']}"
        ),
        _equipment,
    ),
    MastersKind.LOTS: Kind(
        {
            "site": Column(),
            "material": Column(required=True),
            "lotNumber": Column(required=True),
            "quantity": Column(parse_decimal, required=True),
            "uom": Column(_uom, required=True),
            "supplier": Column(),
            "supplierLot": Column(),
            "expiresAt": Column(_moment),
            "location": Column(),
        },
        ("material", "lotNumber"),
        lambda work, _site, given: queries.item_by_parts(
            work.session, material=given["material"], lot=given["lotNumber"]
        ),
        _lot,
    ),
}
