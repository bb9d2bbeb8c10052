"""Materials, suppliers and traceable items as the API shows them."""

import asyncio
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

import strawberry

from mesgraph.api.budget import timed
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, node
from mesgraph.api.plan.shapes import NOW, Reads, amount, shaped
from mesgraph.api.relations import read_from, to_many, to_one
from mesgraph.api.scalars import GLN, GTIN, Duration, UnitCode
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site
from mesgraph.holds.queries import holds_of
from mesgraph.materials import queries
from mesgraph.materials.lifecycle import ISA95_DISPOSITION, Isa95Disposition
from mesgraph.materials.models import (
    ApprovalStatus,
    Item,
    ItemKind,
    ItemStatus,
    Lifecycle,
    MaterialDefinition,
    MaterialKind,
    Supplier,
    Tracking,
)
from mesgraph.quantity import Quantity
from mesgraph.signatures.graphql import SignatureNode, signatures_of

HoldNodes = list[Annotated["HoldNode", strawberry.lazy("mesgraph.holds.graphql")]]  # type: ignore[name-defined]  # noqa: F821

LIFECYCLES = {
    Lifecycle.PLANNED: "The number is reserved; nothing exists yet.",
    Lifecycle.QUARANTINE: "Waits for release by role QA; not usable.",
    Lifecycle.IN_PROCESS: "Produced by a running order; usable inside it only.",
    Lifecycle.AVAILABLE: "Usable.",
    Lifecycle.REJECTED: "Failed; waits for a disposition.",
    Lifecycle.CONSUMED: "Used up by production, merge or split. Ended.",
    Lifecycle.INSTALLED: "Built into a parent unit. Ended, unless taken out again.",
    Lifecycle.SHIPPED: "Left the plant. Ended, unless it comes back.",
    Lifecycle.SCRAPPED: "Destroyed. Ended.",
    Lifecycle.RETURNED: "Sent back to the supplier. Ended.",
    Lifecycle.CLOSED: "Ended, and its retention began.",
}
described_enum(Lifecycle, "Stored state of an item. Screens show `ItemStatus` instead.", LIFECYCLES)
described_enum(
    ItemKind,
    "The four kinds of traceable items.",
    {
        ItemKind.LOT: "A homogeneous quantity of one material.",
        ItemKind.SUBLOT: "A part of a lot, split off.",
        ItemKind.SERIAL_UNIT: "One piece with a serial number of its own.",
        ItemKind.LOGISTIC_UNIT: "A pallet, box or tray with an SSCC.",
    },
)
described_enum(
    ItemStatus,
    "Shown state of an item: an ended lifecycle first, else ON_HOLD, else EXPIRED, else the lifecycle.",
    {ItemStatus(word): meaning for word, meaning in LIFECYCLES.items()}
    | {
        ItemStatus.ON_HOLD: "At least one open hold on the whole item; the lifecycle under it is kept.",
        ItemStatus.EXPIRED: "Its expiry has passed.",
    },
)
described_enum(
    Isa95Disposition,
    "What ISA-95 part 2 calls the state of a lot.",
    {
        Isa95Disposition.PLANNED: "Planned: does not exist yet.",
        Isa95Disposition.IN_PROCESS: "In-Process: being produced.",
        Isa95Disposition.RESTRICTED: "Restricted: in quarantine, rejected, on hold or expired.",
        Isa95Disposition.UNRESTRICTED: "UnRestricted: available.",
        Isa95Disposition.CLOSED: "Closed: consumed, installed, shipped, scrapped, returned.",
    },
)
described_enum(
    ApprovalStatus,
    "Whether a supplier may deliver.",
    {
        ApprovalStatus.APPROVED: "May deliver.",
        ApprovalStatus.CONDITIONAL: "May deliver under conditions.",
        ApprovalStatus.BLOCKED: "May not deliver.",
    },
)
described_enum(
    MaterialKind,
    "Where a material stands between purchase and sale.",
    {
        MaterialKind.RAW: "Bought, goes into products.",
        MaterialKind.INTERMEDIATE: "Made here, goes into products.",
        MaterialKind.FINISHED: "Made here, sold.",
        MaterialKind.CONSUMABLE: "Used up without going into the product.",
        MaterialKind.PACKAGING: "Around the product.",
        MaterialKind.SERVICE_PART: "Replaces a part in the field.",
    },
)
described_enum(
    Tracking,
    "How instances of a material are told apart.",
    {
        Tracking.LOT: "By lot: an amount with one number.",
        Tracking.SERIAL: "By serial number: every piece has its own.",
        Tracking.LOT_AND_SERIAL: "Pieces with serial numbers that belong to lots.",
    },
)


@strawberry.type(name="Quantity", description="An exact amount with its unit.")
class QuantityType:
    """Executed on :class:`mesgraph.quantity.Quantity`."""

    value: Decimal = strawberry.field(description="The amount.")
    uom: UnitCode = strawberry.field(description="Its unit.")


@node(Supplier, find=queries.supplier_by_key)
class SupplierNode(Node):
    """A company that delivers material."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")
    gln: GLN | None = strawberry.field(description="GS1 location number.")
    approval_status: ApprovalStatus = strawberry.field(description="Whether it may deliver.")


@strawberry.type(description="A further unit of a material.")
class UomFactor:
    """One unit."""

    uom: UnitCode = strawberry.field(description="The unit.")
    factor: Decimal = strawberry.field(description="How many base units one of it is.")


@node(MaterialDefinition, find=queries.material_by_key)
class MaterialDefinitionNode(Node):
    """One revision of a material. Named by `CODE:REVISION`; `CODE` alone names the latest one."""

    version: int = strawberry.field(description="Counts changes.")
    code: str = strawberry.field(description="Code of the material, common to its revisions.")
    revision: str = strawberry.field(description="Revision, unique within the code.")
    name: str = strawberry.field(description="Name.")
    gtin: GTIN | None = strawberry.field(description="GS1 trade item number; with one, items have a digital link.")
    kind: MaterialKind = read_from(MaterialDefinition.material_kind, "Where it stands between purchase and sale.")
    base_uom: UnitCode = strawberry.field(description="Unit in which all its quantities are kept.")
    tracking: Tracking = strawberry.field(description="Whether it comes in lots, in serial units, or both.")
    quarantine_on_receipt: bool = strawberry.field(description="Whether received items wait for release by role QA.")
    has_positions: bool = strawberry.field(
        description="Whether its lots count positions in the base unit (metres of a coil), so that ranges of them can "
        "be consumed and held."
    )

    @strawberry.field(description="How long it lasts after production or receipt; null when it does not expire.")
    def shelf_life(root: strawberry.Parent[Any]) -> Duration | None:
        """The stored seconds as a duration."""
        seconds = root.shelf_life_s
        return None if seconds is None else Duration(timedelta(seconds=seconds))

    @strawberry.field(description="Further units that quantities may be given in, by unit.")
    def uom_factors(root: strawberry.Parent[Any]) -> list[UomFactor]:
        """The stored factors."""
        return [UomFactor(uom=UnitCode(uom), factor=Decimal(text)) for uom, text in sorted(root.uom_factors.items())]


@strawberry.interface(
    description="A lot, sublot, serial unit or logistic unit: whatever has a place in the genealogy. Where a command "
    "wants an `ItemKey`, give its `id`, or the parts of its key."
)
class TraceableItem(Node):
    """Executed on rows of Item."""

    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    key: str = strawberry.field(
        description="What people call it: `MATERIAL/NUMBER`, `MATERIAL/LOT/SUBLOT`, an SSCC; after rework with `#1`."
    )
    number: str = strawberry.field(description="Lot, sublot or serial number, or SSCC.")
    material: MaterialDefinitionNode | None = to_one(
        Item.material_id, MaterialDefinition, "Its material; null for logistic units."
    )
    lifecycle: Lifecycle = strawberry.field(description="Stored state, holds and expiry left aside.")
    item_revision: int = strawberry.field(description="0, and one more after each rework.")
    open_holds: int = strawberry.field(description="Number of open holds on the whole item.")
    location: EquipmentNode | None = to_one(Item.location_id, Equipment, "The store or equipment where it is.")
    site: SiteNode = to_one(Item.site_id, Site, "The site that it belongs to.")
    parent: "TraceableItem | None" = to_one(Item.parent_id, Item, "What it is installed or packed in.")
    slot: str | None = strawberry.field(description="Where in the parent it sits.")
    lot: "MaterialLot | None" = to_one(Item.lot_id, Item, "The lot of a sublot or serial unit.")
    children: list["TraceableItem"] = to_many(
        Item.parent_id, Item, "What is installed or packed in it, by slot.", (Item.slot, Item.id)
    )
    grade: str | None = strawberry.field(description="Grade, such as A.")
    produced_at: datetime | None = strawberry.field(description="When it was made.")
    expires_at: datetime | None = strawberry.field(description="From this moment on it may not be used.")
    supplier: SupplierNode | None = to_one(Item.supplier_id, Supplier, "Who delivered it.")
    supplier_lot: str | None = strawberry.field(description="The supplier's lot number.")
    signatures: list[SignatureNode] = strawberry.field(
        resolver=signatures_of, description="The signatures under it, the oldest first."
    )

    @strawberry.field(description="How many items it was made from, at any depth and of any site.")
    async def ancestors_count(root: strawberry.Parent[Any], info: Info) -> int:
        """Out of memory."""
        return await _counted(info, _row(root), forward=False)

    @strawberry.field(description="How many items were made from it or hold it, at any depth and of any site.")
    async def descendants_count(root: strawberry.Parent[Any], info: Info) -> int:
        """Out of memory."""
        return await _counted(info, _row(root), forward=True)

    @strawberry.field(description="Shown state, as of now.")
    @shaped(Reads(queries.shown_status(NOW)))
    def status(root: strawberry.Parent[Any], info: Info) -> ItemStatus:
        """With the plant's clock."""
        return _row(root).status_at(info.context.plant.clock.now())

    @strawberry.field(description="The shown state in the words of ISA-95.", name="isa95Disposition")
    def isa95_disposition(root: strawberry.Parent[Any], info: Info) -> Isa95Disposition:
        """Projected, never stored."""
        return ISA95_DISPOSITION[_row(root).status_at(info.context.plant.clock.now())]

    @strawberry.field(description="On hand, in the base unit.")
    @shaped(amount(Item.quantity, Item.uom))
    def quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """What is left."""
        return shown(Quantity(_row(root).quantity, _row(root).uom))

    @strawberry.field(description="What of it orders have reserved, in the base unit; others can take the rest.")
    @shaped(amount(Item.reserved, Item.uom))
    def reserved(root: strawberry.Parent[Any]) -> QuantityType:
        """What is kept."""
        return shown(Quantity(_row(root).reserved, _row(root).uom))

    @strawberry.field(description="All that was ever received or produced, in the base unit.")
    @shaped(amount(Item.initial_quantity, Item.uom))
    def initial_quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """What there was."""
        return shown(Quantity(_row(root).initial_quantity, _row(root).uom))

    @strawberry.field(description="Its open holds, those on ranges of positions included; by age.")
    async def holds(
        root: strawberry.Parent[Any],
        info: Info,
        include_released: Annotated[bool, strawberry.argument(description="Also those that have ended.")] = False,
    ) -> HoldNodes:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[Any]]:
            held = await info.context.read(lambda s: holds_of(s, ids, open_only=not include_released))
            return [[h.hold for h in held if h.item_id == key] for key in ids]

        holds: HoldNodes = await info.context.batched(("holds", include_released), root.id, load)
        return holds

    @strawberry.field(
        description="GS1 Digital Link, for labels: `https://id.gs1.org/01/GTIN/10/LOT`, `.../01/GTIN/21/SERIAL` or "
        "`.../00/SSCC`; the plant may have another domain. Null for materials without GTIN and for sublots, which GS1 "
        "gives no key. `itemByScan` reads it."
    )
    async def digital_link(root: strawberry.Parent[Any], info: Info) -> str | None:
        """From the GTIN and the numbers."""
        item, domain = _row(root), info.context.plant.settings.digital_link
        if item.item_kind is ItemKind.LOGISTIC_UNIT:
            return f"{domain}/00/{item.number}"
        material = await info.context.one(MaterialDefinition, item.material_id)
        if material is None or material.gtin is None or item.item_kind is ItemKind.SUBLOT:
            return None
        lot = item if item.item_kind is ItemKind.LOT else await info.context.one(Item, item.lot_id)
        lot_part = f"/10/{quote(lot.number, safe='')}" if lot else ""
        serial_part = f"/21/{quote(item.number, safe='')}" if item.item_kind is ItemKind.SERIAL_UNIT else ""
        return f"{domain}/01/{material.gtin}{lot_part}{serial_part}"


async def _counted(info: Info, item: Item, *, forward: bool) -> int:
    """What the core counts; items of one tick wait for the record once."""

    async def load(ids: list[int]) -> list[int]:
        core = info.context.plant.core
        await core.fresh()
        return await asyncio.to_thread(timed(core.count), ids, forward=forward)

    counted: int = await info.context.batched(("related", forward), item.id, load)
    return counted


def _row(root: object) -> Item:
    assert isinstance(root, Item)
    return root


@node(Item, find=queries.item_by_key, name="MaterialLot")
class MaterialLot(TraceableItem):
    """A homogeneous amount of one material with one number."""

    sublots: list["MaterialSublot"] = to_many(Item.lot_id, Item, "Its parts.", (Item.id,))


@node(Item, find=queries.item_by_key, name="MaterialSublot")
class MaterialSublot(TraceableItem):
    """A part or container of a lot, with a quantity of its own."""


@node(Item, find=queries.item_by_key, name="SerialUnit")
class SerialUnit(TraceableItem):
    """A single piece with its own serial number, never used twice for a material."""


@node(Item, find=queries.item_by_key, name="LogisticUnit")
class LogisticUnit(TraceableItem):
    """A pallet, box or other container, named by its SSCC. What is packed in it are its `children`."""
