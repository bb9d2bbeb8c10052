"""HALVARD's sites, stores, suppliers and materials at the size of unit tests (domain.md, section 8)."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy.orm import Session

from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_site
from mesgraph.equipment.models import Equipment, EquipmentLevel, Site
from mesgraph.equipment.queries import equipment_by_key, site_by_key
from mesgraph.materials.actions import MaterialMaster, submit_material_definition, submit_supplier
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import (
    ApprovalStatus,
    Item,
    ItemKind,
    Lifecycle,
    MaterialDefinition,
    MaterialKind,
    Tracking,
)
from mesgraph.materials.queries import material_by_key
from tests.api import Api
from tests.factories.snapshot import make_once

SSCC = "095212340000000013"
"""The first pallet."""

MATERIALS = [
    MaterialMaster(
        code=code,
        revision="1",
        name=name,
        kind=kind,
        base_uom=uom,
        tracking=tracking,
        **more,  # type: ignore[arg-type]
    )
    for code, name, kind, uom, tracking, more in [
        (
            "RM-LFP",
            "Lithium iron phosphate",
            MaterialKind.RAW,
            "KGM",
            Tracking.LOT,
            {"quarantine_on_receipt": True, "uom_factors": {"GRM": Decimal("0.001")}},
        ),
        ("RM-CB", "Carbon black", MaterialKind.RAW, "KGM", Tracking.LOT, {}),
        (
            "RM-PVDF",
            "PVDF binder",
            MaterialKind.RAW,
            "KGM",
            Tracking.LOT,
            {"uom_factors": {"GRM": Decimal("0.001")}},
        ),
        ("RM-NMP", "NMP solvent", MaterialKind.RAW, "KGM", Tracking.LOT, {}),
        ("RM-ALFOIL", "Aluminium foil", MaterialKind.RAW, "MTR", Tracking.LOT, {}),
        (
            "RM-ELY",
            "Electrolyte",
            MaterialKind.RAW,
            "KGM",
            Tracking.LOT,
            {"shelf_life": timedelta(days=180), "uom_factors": {"GRM": Decimal("0.001")}},
        ),
        (
            "SLURRY-C",
            "Cathode slurry",
            MaterialKind.INTERMEDIATE,
            "KGM",
            Tracking.LOT,
            {"gtin": "09521234004202", "shelf_life": timedelta(hours=24)},
        ),
        (
            "SLURRY-A",
            "Anode slurry",
            MaterialKind.INTERMEDIATE,
            "KGM",
            Tracking.LOT,
            {"gtin": "09521234004103", "shelf_life": timedelta(hours=24)},
        ),
        ("COIL-C", "Cathode coil", MaterialKind.INTERMEDIATE, "MTR", Tracking.LOT, {"has_positions": True}),
        ("COIL-A", "Anode coil", MaterialKind.INTERMEDIATE, "MTR", Tracking.LOT, {"has_positions": True}),
        ("CELL-105", "Cell 105 Ah", MaterialKind.INTERMEDIATE, "C62", Tracking.SERIAL, {"gtin": "09521234003007"}),
        ("MOD-8S", "Module 8S", MaterialKind.INTERMEDIATE, "C62", Tracking.SERIAL, {"gtin": "09521234002000"}),
        ("BMS", "Battery management system", MaterialKind.RAW, "C62", Tracking.SERIAL, {}),
        (
            "PACK-48-105",
            "Storage pack 5.4 kWh",
            MaterialKind.FINISHED,
            "C62",
            Tracking.SERIAL,
            {"gtin": "09521234001003"},
        ),
    ]
]


async def make_halvard(api: Api) -> None:
    """Sites HV1 and HV2 with stores and one work unit each, two suppliers, and all materials."""
    await make_once(api, "halvard", lambda session: put_halvard(api, session))


def put_halvard(api: Api, session: Session) -> None:
    """The same in a session."""
    work = api.work(session)
    for code, zone, gln, stores, unit in (
        ("HV1", "Europe/Stockholm", "9521234000013", ("STORE-RM", "STORE-WIP"), "COAT01"),
        ("HV2", "Europe/Lisbon", "9521234000020", ("STORE-FG",), "PA01"),
    ):
        site = submit_site(work, code=code, name=f"Halvard {code}", gln=gln, time_zone=zone)
        for store in stores:
            submit_equipment(work, site, EquipmentMaster(code=store, name=store, level=EquipmentLevel.STORAGE_ZONE))
        submit_equipment(
            work,
            site,
            EquipmentMaster(code=unit, name=unit, level=EquipmentLevel.WORK_CELL, storage_locations=list(stores)),
        )
    for code, name in (("SOLEXA", "Solexa Polymers"), ("FERROVIA", "Ferrovia Cathode Powders")):
        submit_supplier(work, code=code, name=name, gln=None, approval_status=ApprovalStatus.APPROVED)
    for master in MATERIALS:
        submit_material_definition(work, master)


def site(session: Session, code: str = "HV1") -> Site:
    """A site of the fixture."""
    row = site_by_key(session, code)
    assert row is not None
    return row


def equipment(session: Session, key: str) -> Equipment:
    """Equipment of the fixture, such as ``HV1/STORE-RM``."""
    row = equipment_by_key(session, key)
    assert row is not None
    return row


def material(session: Session, code: str) -> MaterialDefinition:
    """A material of the fixture."""
    row = material_by_key(session, code)
    assert row is not None
    return row


async def make_item(
    api: Api,
    code: str,
    number: str,
    quantity: str = "1",
    *,
    lifecycle: Lifecycle = Lifecycle.AVAILABLE,
    location: str | None = "HV1/STORE-RM",
    site_code: str = "HV1",
) -> Item:
    """A lot or serial unit of a material of the fixture, as its tracking says, made by the primitive alone."""

    def make(session: Session) -> Item:
        definition = material(session, code)
        serial = definition.tracking is Tracking.SERIAL
        return create_item(
            api.work(session),
            site_id=site(session, site_code).id,
            item_kind=ItemKind.SERIAL_UNIT if serial else ItemKind.LOT,
            material=definition,
            number=number,
            quantity=Decimal(quantity),
            lifecycle=lifecycle,
            location_id=equipment(session, location).id if location else None,
        )

    return await api.plant.database.write(make)


async def pvdf_2219(api: Api, quantity: str = "25") -> Item:
    """The binder lot of story S3: 25 kg, released, in STORE-RM."""
    return await make_item(api, "RM-PVDF", "PVDF-2219", quantity)


async def coil_c(api: Api, number: str = "CC-26047-04-A", length: str = "655") -> Item:
    """The cathode coil of story S2, with positions in metres."""
    return await make_item(api, "COIL-C", number, length, location="HV1/STORE-WIP")
