"""Lists of items, lots, materials and suppliers."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.filters import Condition, DateTimeRange, in_range, prefix_field, starts_with
from mesgraph.api.nodes import find
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.scalars import GTIN
from mesgraph.equipment.graphql import within
from mesgraph.equipment.models import Site
from mesgraph.materials import queries
from mesgraph.materials.graphql.keys import ItemKey, find_item, find_revisions
from mesgraph.materials.graphql.nodes import MaterialDefinitionNode, MaterialLot, SupplierNode, TraceableItem
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
from mesgraph.orders.models import OperationsRequest


class ItemOrder(StrEnum):
    """The orders in which items of all kinds are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    KEY = "KEY"
    EXPIRES_AT = "EXPIRES_AT"


class LotOrder(StrEnum):
    """The orders in which lots are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    KEY = "KEY"
    EXPIRES_AT = "EXPIRES_AT"


class MaterialDefinitionOrder(StrEnum):
    """The orders in which materials are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    CODE = "CODE"


class SupplierOrder(StrEnum):
    """The orders in which suppliers are listed."""

    CODE = "CODE"
    OLDEST = "OLDEST"
    NEWEST = "NEWEST"


ITEM_ORDERS = orders(
    ItemOrder,
    "The order of a list of items.",
    {
        ItemOrder.NEWEST: (Order((Item.id,), descending=True), "The newest first."),
        ItemOrder.OLDEST: (Order((Item.id,)), "The oldest first."),
        # the kind, not the id: together they are unique, and one index is both the rule and the order
        ItemOrder.KEY: (Order((Item.key, Item.item_kind)), "By key: material, then number."),
        ItemOrder.EXPIRES_AT: (
            Order((Item.expires_at, Item.id)),
            "What expires first, first (FEFO); items that do not expire at the end.",
        ),
    },
)
LOT_ORDERS = orders(
    LotOrder,
    "The order of a list of lots.",
    {
        LotOrder.NEWEST: (Order((Item.id,), descending=True), "The newest first."),
        LotOrder.OLDEST: (Order((Item.id,)), "The oldest first."),
        LotOrder.KEY: (Order((Item.key, Item.id)), "By key: material, then number."),
        LotOrder.EXPIRES_AT: (
            Order((Item.expires_at, Item.id)),
            "What expires first, first (FEFO); lots that do not expire at the end.",
        ),
    },
)
MATERIAL_ORDERS = orders(
    MaterialDefinitionOrder,
    "The order of a list of materials.",
    {
        MaterialDefinitionOrder.OLDEST: (Order((MaterialDefinition.id,)), "In the order of their making."),
        MaterialDefinitionOrder.NEWEST: (Order((MaterialDefinition.id,), descending=True), "The newest first."),
        MaterialDefinitionOrder.CODE: (
            Order((MaterialDefinition.code, MaterialDefinition.id)),
            "By code; the revisions of one in the order of their making.",
        ),
    },
)
SUPPLIER_ORDERS = orders(
    SupplierOrder,
    "The order of a list of suppliers.",
    {
        SupplierOrder.CODE: (Order((Supplier.code,)), "By code."),
        SupplierOrder.OLDEST: (Order((Supplier.id,)), "In the order in which they were made known."),
        SupplierOrder.NEWEST: (Order((Supplier.id,), descending=True), "Those made known last, first."),
    },
)


@strawberry.input(description="Which lots. All conditions that are given must hold.")
class LotFilter:
    """Conditions on lots."""

    key_prefix: str | None = prefix_field("key (`MATERIAL/NUMBER`, an SSCC)")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    material: strawberry.ID | None = strawberry.field(
        default=None, description="Of this material, by id, `CODE:REVISION`, or `CODE` for all of its revisions."
    )
    status: list[ItemStatus] | None = strawberry.field(
        default=None, description="Shown in any of these states now; ON_HOLD and EXPIRED are such states."
    )
    lifecycle: list[Lifecycle] | None = strawberry.field(
        default=None, description="In any of these stored states, held and expired lots included."
    )
    location: strawberry.ID | None = strawberry.field(
        default=None, description="At this store or equipment, or anywhere below it."
    )
    supplier: strawberry.ID | None = strawberry.field(default=None, description="Delivered by this supplier.")
    supplier_lot: str | None = strawberry.field(default=None, description="With this lot number of its supplier.")
    expires_at: DateTimeRange | None = strawberry.field(default=None, description="Expiring in this window.")


@strawberry.input(description="Which items, of whatever kind. All conditions that are given must hold.")
class ItemFilter(LotFilter):
    """Conditions on items: those on lots, which are items, and those that tell the kinds apart."""

    kind: list[ItemKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    lot: ItemKey | None = strawberry.field(default=None, description="Sublots and serial units of this lot.")
    parent: ItemKey | None = strawberry.field(
        default=None, description="Installed or packed in this item, not deeper; for more see `trace`."
    )
    request: strawberry.ID | None = strawberry.field(
        default=None, description="Made for this order (operations request), by id or `SITE/CODE`."
    )


@strawberry.input(description="Which revisions of materials. All conditions that are given must hold.")
class MaterialDefinitionFilter:
    """Conditions on revisions of materials."""

    key_prefix: str | None = prefix_field("code")
    code: str | None = strawberry.field(default=None, description="Of this code.")
    gtin: GTIN | None = strawberry.field(default=None, description="With this GTIN.")
    kind: list[MaterialKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    tracking: list[Tracking] | None = strawberry.field(default=None, description="Tracked in any of these ways.")


@strawberry.input(description="Which suppliers. All conditions that are given must hold.")
class SupplierFilter:
    """Conditions on suppliers."""

    key_prefix: str | None = prefix_field("code")
    approval_status: list[ApprovalStatus] | None = strawberry.field(
        default=None, description="In any of these states of approval."
    )


def _of_lots(session: Session, wanted: LotFilter, now: datetime, name: str = "filter") -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Item.key, wanted.key_prefix)
    if wanted.site is not None:
        yield Item.site_id == find(session, Site, wanted.site, name, "site").id
    if wanted.material is not None:
        yield Item.material_id.in_(find_revisions(session, wanted.material, name, "material"))
    if wanted.status is not None:
        yield queries.has_status(wanted.status, now)
    if wanted.lifecycle is not None:
        yield Item.lifecycle.in_(wanted.lifecycle)
    if wanted.location is not None:
        yield Item.location_id.in_(within(session, wanted.location, name, "location"))
    if wanted.supplier is not None:
        yield Item.supplier_id == find(session, Supplier, wanted.supplier, name, "supplier").id
    if wanted.supplier_lot is not None:
        yield Item.supplier_lot == wanted.supplier_lot
    if wanted.expires_at is not None:
        yield in_range(Item.expires_at, wanted.expires_at, name, "expires_at")


def of_items(session: Session, wanted: ItemFilter, now: datetime, name: str = "filter") -> Iterator[Condition]:
    """The conditions on items; ``name`` is that of the argument that has them, for what is refused."""
    yield from _of_lots(session, wanted, now, name)
    if wanted.kind is not None:
        yield queries.of_kinds(set(wanted.kind))
    if wanted.lot is not None:
        yield Item.lot_id == find_item(session, wanted.lot, name, "lot").id
    if wanted.parent is not None:
        yield Item.parent_id == find_item(session, wanted.parent, name, "parent").id
    if wanted.request is not None:
        yield Item.request_id == find(session, OperationsRequest, wanted.request, name, "request").id


def _of_materials(wanted: MaterialDefinitionFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(MaterialDefinition.code, wanted.key_prefix)
    if wanted.code is not None:
        yield MaterialDefinition.code == wanted.code
    if wanted.gtin is not None:
        yield MaterialDefinition.gtin == wanted.gtin
    if wanted.kind is not None:
        yield MaterialDefinition.material_kind.in_(wanted.kind)
    if wanted.tracking is not None:
        yield MaterialDefinition.tracking.in_(wanted.tracking)


def _of_suppliers(wanted: SupplierFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Supplier.code, wanted.key_prefix)
    if wanted.approval_status is not None:
        yield Supplier.approval_status.in_(wanted.approval_status)


@strawberry.type
class MaterialLists:
    """Reads."""

    items: Connection[TraceableItem] = listing(
        "Items of all kinds: lots, sublots, serial units, logistic units. What lies in a store, what was "
        "made for an order, the units of a lot; for lots alone `materialLots` has the same conditions.",
        ItemFilter,
        ITEM_ORDERS,
        ItemOrder.NEWEST,
        select(Item),
        lambda context, session, wanted: of_items(session, wanted, context.plant.clock.now()),
    )

    material_lots: Connection[MaterialLot] = listing(
        "Lots; `items` lists the other kinds, too.",
        LotFilter,
        LOT_ORDERS,
        LotOrder.NEWEST,
        select(Item).where(queries.of_kinds({ItemKind.LOT})),
        lambda context, session, wanted: _of_lots(session, wanted, context.plant.clock.now()),
    )

    material_definitions: Connection[MaterialDefinitionNode] = listing(
        "Revisions of materials.",
        MaterialDefinitionFilter,
        MATERIAL_ORDERS,
        MaterialDefinitionOrder.OLDEST,
        select(MaterialDefinition),
        lambda _context, _session, wanted: _of_materials(wanted),
    )

    suppliers: Connection[SupplierNode] = listing(
        "Suppliers.",
        SupplierFilter,
        SUPPLIER_ORDERS,
        SupplierOrder.CODE,
        select(Supplier),
        lambda _context, _session, wanted: _of_suppliers(wanted),
    )
