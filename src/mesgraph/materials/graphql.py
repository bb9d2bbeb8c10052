"""Materials, suppliers and traceable items in the API."""

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import quote

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.live import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import Node, find, node
from mesgraph.api.paging import After, Connection, First, Order, page
from mesgraph.api.record import LedgerEventType
from mesgraph.api.relations import to_many, to_one
from mesgraph.api.scalars import GLN, GTIN, SSCC, Duration, UnitCode
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Findings, Refused, invalid, not_found
from mesgraph.holds.queries import holds_of
from mesgraph.ledger.queries import Cursor
from mesgraph.materials import actions, queries
from mesgraph.materials.lifecycle import ISA95_DISPOSITION, Isa95Disposition
from mesgraph.materials.models import (
    ITEM_TYPES,
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
from mesgraph.quantity import Quantity, in_base
from mesgraph.work import Work

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
    kind: MaterialKind = strawberry.field(
        resolver=lambda root: root.material_kind, description="Where it stands between purchase and sale."
    )
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

    @strawberry.field(description="Shown state, as of now.")
    def status(root: strawberry.Parent[Any], info: Info) -> ItemStatus:
        """With the plant's clock."""
        return _row(root).status_at(info.context.plant.clock.now())

    @strawberry.field(description="The shown state in the words of ISA-95.", name="isa95Disposition")
    def isa95_disposition(root: strawberry.Parent[Any], info: Info) -> Isa95Disposition:
        """Projected, never stored."""
        return ISA95_DISPOSITION[_row(root).status_at(info.context.plant.clock.now())]

    @strawberry.field(description="On hand, in the base unit.")
    def quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """What is left."""
        return shown(Quantity(_row(root).quantity, _row(root).uom))

    @strawberry.field(description="All that was ever received or produced, in the base unit.")
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
        "`.../00/SSCC`. Null for materials without GTIN and for sublots, which GS1 gives no key."
    )
    async def digital_link(root: strawberry.Parent[Any], info: Info) -> str | None:
        """From the GTIN and the numbers."""
        item = _row(root)
        if item.item_kind is ItemKind.LOGISTIC_UNIT:
            return f"https://id.gs1.org/00/{item.number}"
        material = await info.context.one(MaterialDefinition, item.material_id)
        if material is None or material.gtin is None or item.item_kind is ItemKind.SUBLOT:
            return None
        lot = item if item.item_kind is ItemKind.LOT else await info.context.one(Item, item.lot_id)
        lot_part = f"/10/{quote(lot.number, safe='')}" if lot else ""
        serial_part = f"/21/{quote(item.number, safe='')}" if item.item_kind is ItemKind.SERIAL_UNIT else ""
        return f"https://id.gs1.org/01/{material.gtin}{lot_part}{serial_part}"


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


def find_item(session: Session, key: ItemKey, *path: str | int) -> Item:
    """The item that ``key`` names in the session's scope; else NOT_FOUND, or VALIDATION_FAILED for other mixtures."""
    parts = {name: str(value) for name, value in vars(key).items() if value is not None}
    if frozenset(parts) not in NAMING:
        given = ", ".join(parts) or "nothing"
        raise Refused(
            invalid(
                f"an item is named by id, by sscc, or by material or gtin with lot, lot and sublot, or serial; not by "
                f"{given}",
                *path,
            )
        )
    if "id" in parts:
        return find(session, Item, parts["id"], *path)
    item = queries.item_by_parts(session, **parts)
    if item is None:
        raise Refused(not_found("item", "/".join(parts.values())[:100], *path))
    return item


@strawberry.input(description="Which lots. All conditions that are given must hold.")
class LotFilter:
    """Conditions on lots."""

    material: str | None = strawberry.field(
        default=None, description="Of this material: `CODE` for all revisions, or `CODE:REVISION`."
    )
    lifecycle: Lifecycle | None = strawberry.field(default=None, description="In this stored state.")
    location: strawberry.ID | None = strawberry.field(default=None, description="At this store or equipment.")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")


@strawberry.input(description="Which materials. All conditions that are given must hold.")
class MaterialDefinitionFilter:
    """Conditions on revisions of materials."""

    code: str | None = strawberry.field(default=None, description="Revisions of this material.")
    kind: MaterialKind | None = strawberry.field(default=None, description="Of this kind.")


def _lots(session: Session, filter: LotFilter) -> Any:
    location = find(session, Equipment, filter.location, "filter", "location") if filter.location else None
    site = find(session, Site, filter.site, "filter", "site") if filter.site else None
    return queries.lots(
        material_ids=None if filter.material is None else queries.revisions_of(session, filter.material),
        lifecycle=filter.lifecycle,
        location_id=location.id if location else None,
        site_id=site.id if site else None,
    )


@strawberry.type
class MaterialQueries:
    """Reads."""

    @strawberry.field(description="The item with this key; null when there is none, or none for you.")
    async def item(
        self,
        info: Info,
        key: Annotated[ItemKey, strawberry.argument(description="Names the item.")],
    ) -> TraceableItem | None:
        """One by key."""

        def read(session: Session) -> Item | None:
            try:
                return find_item(session, key, "key")
            except Refused as refused:
                if all(v.code == "NOT_FOUND" for v in refused.violations):
                    return None
                raise

        return shown(await info.context.read(read))

    @strawberry.field(description="Lots, the newest first.")
    async def material_lots(
        self,
        info: Info,
        filter: Annotated[LotFilter | None, strawberry.argument(description="Which; all when left out.")] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[MaterialLot]:
        """A page."""
        statement = await info.context.read(lambda s: _lots(s, filter or LotFilter()))
        return await page(info, statement, Order((Item.id,), descending=True), first, after)

    @strawberry.field(description="The revision of a material, the latest when none is named; null when there is none.")
    async def material_definition(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="Code of the material.")],
        revision: Annotated[str | None, strawberry.argument(description="Its revision.")] = None,
    ) -> MaterialDefinitionNode | None:
        """One by key."""
        key = code if revision is None else f"{code}:{revision}"
        return shown(await info.context.read(lambda s: queries.material_by_key(s, key)))

    @strawberry.field(description="Revisions of materials, in the order in which they were made.")
    async def material_definitions(
        self,
        info: Info,
        filter: Annotated[
            MaterialDefinitionFilter | None, strawberry.argument(description="Which; all when left out.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[MaterialDefinitionNode]:
        """A page."""
        wanted = filter or MaterialDefinitionFilter()
        statement = queries.materials(wanted.code, wanted.kind)
        return await page(info, statement, Order((MaterialDefinition.id,)), first, after)

    @strawberry.field(description="Suppliers, by code.")
    async def suppliers(self, info: Info, first: First = 50, after: After = None) -> Connection[SupplierNode]:
        """A page."""
        return await page(info, queries.suppliers(), Order((Supplier.code,)), first, after)


@strawberry.input(description="Master data of a supplier.")
class SupplierInput:
    """One supplier."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")
    gln: GLN | None = strawberry.field(default=None, description="GS1 location number.")
    approval_status: ApprovalStatus = strawberry.field(
        default=ApprovalStatus.APPROVED, description="Whether it may deliver."
    )


@strawberry.input(description="Suppliers to make known or to change, all or none.")
class SubmitSuppliersInput(CommandInput):
    """Many suppliers."""

    suppliers: list[SupplierInput] = strawberry.field(description="The suppliers; a known code is changed.")


@strawberry.type(description="The suppliers as they are now.")
class SubmitSuppliersPayload(CommandPayload):
    """Answer."""

    suppliers: list[SupplierNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="A further unit of a material.")
class UomFactorInput:
    """One unit."""

    uom: UnitCode = strawberry.field(description="The unit.")
    factor: Decimal = strawberry.field(description="How many base units one of it is; at most six decimals.")


@strawberry.input(description="Master data of one revision of a material.")
class MaterialDefinitionInput:
    """One revision."""

    code: str = strawberry.field(description="Code of the material.")
    revision: str = strawberry.field(description="Revision, unique within the code.")
    name: str = strawberry.field(description="Name.")
    kind: MaterialKind = strawberry.field(description="Where it stands between purchase and sale.")
    base_uom: UnitCode = strawberry.field(description="Unit in which all quantities are kept. Fixed by the first item.")
    tracking: Tracking = strawberry.field(description="Lots, serial units, or both. Fixed by the first item.")
    gtin: GTIN | None = strawberry.field(default=None, description="GS1 trade item number, of this code alone.")
    shelf_life: Duration | None = strawberry.field(
        default=None, description="How long it lasts, in whole seconds, at most 50 years."
    )
    quarantine_on_receipt: bool = strawberry.field(
        default=False, description="Whether received items wait for release by role QA."
    )
    has_positions: bool = strawberry.field(
        default=False, description="Whether lots count positions in the base unit. Fixed by the first item."
    )
    uom_factors: list[UomFactorInput] = strawberry.field(
        default_factory=list, description="Further units for quantities. Fixed by the first item."
    )


@strawberry.input(description="Revisions of materials to make known or to change, all or none.")
class SubmitMaterialDefinitionsInput(CommandInput):
    """Many revisions."""

    definitions: list[MaterialDefinitionInput] = strawberry.field(
        description="The revisions; a known code and revision is changed."
    )


@strawberry.type(description="The revisions as they are now.")
class SubmitMaterialDefinitionsPayload(CommandPayload):
    """Answer."""

    definitions: list[MaterialDefinitionNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="An item to release from quarantine.")
class ReleaseLotInput(CommandInput):
    """One item."""

    item: ItemKey = strawberry.field(description="The item.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The released item.")
class ReleaseLotPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The item as it is now.")


def _master(input: MaterialDefinitionInput) -> actions.MaterialMaster:
    factors = {str(f.uom): f.factor for f in input.uom_factors}
    if len(factors) < len(input.uom_factors):
        raise Refused(invalid("a unit is named twice", "uom_factors"))
    return actions.MaterialMaster(**(vars(input) | {"uom_factors": factors}))


@strawberry.type
class MaterialCommands:
    """Writes."""

    @command
    def submit_suppliers(work: Work, input: SubmitSuppliersInput) -> SubmitSuppliersPayload:
        """Make suppliers known, or change their name, GLN or approval."""
        found, rows = Findings(), []
        for i, supplier in enumerate(input.suppliers):
            with found.under("suppliers", i):
                rows.append(actions.submit_supplier(work, **vars(supplier)))
        found.refuse()
        return SubmitSuppliersPayload(suppliers=shown(rows))

    @command
    def submit_material_definitions(
        work: Work, input: SubmitMaterialDefinitionsInput
    ) -> SubmitMaterialDefinitionsPayload:
        """Make revisions of materials known, or change them. What quantities are counted in - base unit, tracking,
        positions, unit factors - changes only until the first item exists; after that submit a new revision.
        """
        found, rows = Findings(), []
        for i, definition in enumerate(input.definitions):
            with found.under("definitions", i):
                rows.append(actions.submit_material_definition(work, _master(definition)))
        found.refuse()
        return SubmitMaterialDefinitionsPayload(definitions=shown(rows))

    @command
    def release_lot(work: Work, input: ReleaseLotInput) -> ReleaseLotPayload:
        """Release an item from QUARANTINE: it becomes AVAILABLE. An open hold stays and is released by itself."""
        item = find_item(work.session, input.item, "item")
        return ReleaseLotPayload(item=shown(actions.release_lot(work, item, expected_version=input.expected_version)))


@strawberry.input(description="Which items to follow. All conditions that are given must hold.")
class ItemScopeInput:
    """Conditions on items."""

    site: strawberry.ID | None = strawberry.field(default=None, description="Items of this site.")
    material: str | None = strawberry.field(
        default=None, description="Items of this material: `CODE` for all revisions, or `CODE:REVISION`."
    )


@strawberry.type(description="Something happened to an item.")
class LotStatusEvent:
    """One message of the topic."""

    cursor: Cursor = strawberry.field(
        description="Pass it as `after` to go on. An event about several items makes a message for each; going on "
        "from within them sends the event's messages again, so that none is lost."
    )
    event: LedgerEventType = strawberry.field(description="What happened.")
    item: TraceableItem = strawberry.field(description="The item as it is now.")


@strawberry.type
class MaterialSubscriptions:
    """Live."""

    @strawberry.subscription(
        description="Whatever happens to items: received, consumed, moved, held, released. One message for each item "
        "that an event is about, with the item as it is now."
    )
    async def lot_status_changed(
        self,
        info: Info,
        scope: Annotated[ItemScopeInput | None, strawberry.argument(description="Which; all when left out.")] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[LotStatusEvent, None]:
        """Follow the record."""
        context = info.context
        site_id, material_ids = await context.read(lambda s: _followed(s, scope or ItemScopeInput()))
        kinds = frozenset(ITEM_TYPES.values())
        async for event in follow(context, after):
            subjects = [id_ for kind, id_, _ in event.subjects if kind in kinds]
            rows = [row for id_ in subjects if (row := await context.one(Item, id_)) is not None]
            wanted = [
                row
                for row in rows
                if site_id in (None, row.site_id) and (material_ids is None or row.material_id in material_ids)
            ]
            here = cursor_of(context, event)
            before = Cursor(here.epoch, here.position - 1)
            for i, row in enumerate(wanted, start=1):
                place = here if i == len(wanted) else before
                yield LotStatusEvent(cursor=place, event=shown(event), item=shown(row))


def _followed(session: Session, scope: ItemScopeInput) -> tuple[int | None, set[int] | None]:
    site = find(session, Site, scope.site, "scope", "site") if scope.site else None
    if scope.material is None:
        return (site.id if site else None), None
    material_ids = queries.revisions_of(session, scope.material)
    if not material_ids:
        raise Refused(not_found("MaterialDefinition", scope.material[:100], "scope", "material"))
    return (site.id if site else None), material_ids
