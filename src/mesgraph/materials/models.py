"""Rows of materials."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, TextClause, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Exact, Instant, Sited, Word, key_text


class ApprovalStatus(StrEnum):
    """Whether a supplier may deliver."""

    APPROVED = "APPROVED"
    CONDITIONAL = "CONDITIONAL"
    BLOCKED = "BLOCKED"


class MaterialKind(StrEnum):
    """Where a material stands between purchase and sale."""

    RAW = "RAW"
    INTERMEDIATE = "INTERMEDIATE"
    FINISHED = "FINISHED"
    CONSUMABLE = "CONSUMABLE"
    PACKAGING = "PACKAGING"
    SERVICE_PART = "SERVICE_PART"


class Tracking(StrEnum):
    """How instances of a material are told apart."""

    LOT = "LOT"
    SERIAL = "SERIAL"
    LOT_AND_SERIAL = "LOT_AND_SERIAL"


class ItemKind(StrEnum):
    """The four kinds of traceable items."""

    LOT = "LOT"
    SUBLOT = "SUBLOT"
    SERIAL_UNIT = "SERIAL_UNIT"
    LOGISTIC_UNIT = "LOGISTIC_UNIT"


class Lifecycle(StrEnum):
    """Stored state of an item; what is shown also counts holds and expiry (:class:`ItemStatus`)."""

    PLANNED = "PLANNED"
    QUARANTINE = "QUARANTINE"
    IN_PROCESS = "IN_PROCESS"
    AVAILABLE = "AVAILABLE"
    REJECTED = "REJECTED"
    CONSUMED = "CONSUMED"
    INSTALLED = "INSTALLED"
    SHIPPED = "SHIPPED"
    SCRAPPED = "SCRAPPED"
    RETURNED = "RETURNED"
    CLOSED = "CLOSED"


class ItemStatus(StrEnum):
    """Shown state: a terminal lifecycle, else ON_HOLD, else EXPIRED, else the lifecycle."""

    PLANNED = "PLANNED"
    QUARANTINE = "QUARANTINE"
    IN_PROCESS = "IN_PROCESS"
    AVAILABLE = "AVAILABLE"
    REJECTED = "REJECTED"
    CONSUMED = "CONSUMED"
    INSTALLED = "INSTALLED"
    SHIPPED = "SHIPPED"
    SCRAPPED = "SCRAPPED"
    RETURNED = "RETURNED"
    CLOSED = "CLOSED"
    ON_HOLD = "ON_HOLD"
    EXPIRED = "EXPIRED"


class Supplier(Entity):
    """A company that delivers material."""

    __tablename__ = "supplier"
    kind: ClassVar[str] = "Supplier"

    code: Mapped[str] = mapped_column(key_text(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    gln: Mapped[str | None] = mapped_column(String(13))
    approval_status: Mapped[ApprovalStatus] = mapped_column(Word(ApprovalStatus))

    @property
    def human_key(self) -> str:
        """The code."""
        return self.code


class MaterialDefinition(Entity):
    """One revision of a material. ``uom_factors`` maps further units to how many base units one of them is."""

    __tablename__ = "material_definition"
    kind: ClassVar[str] = "MaterialDefinition"

    code: Mapped[str] = mapped_column(key_text(64))
    revision: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    gtin: Mapped[str | None] = mapped_column(String(14), index=True)
    material_kind: Mapped[MaterialKind] = mapped_column(Word(MaterialKind))
    base_uom: Mapped[str] = mapped_column(String(3))
    tracking: Mapped[Tracking] = mapped_column(Word(Tracking))
    shelf_life_s: Mapped[int | None]
    quarantine_on_receipt: Mapped[bool] = mapped_column(default=False)
    has_positions: Mapped[bool] = mapped_column(default=False)
    uom_factors: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)

    __table_args__ = (UniqueConstraint("code", "revision"), Index("ix_material_definition_by_code", "code", "id"))

    @property
    def human_key(self) -> str:
        """Code and revision."""
        return f"{self.code}:{self.revision}"


def only(kind: ItemKind) -> TextClause:
    """The condition of a partial index that holds one kind of items alone."""
    return text(f"item_kind = '{kind}'")


EXPIRING = text("expires_at IS NOT NULL")
LISTS_OF_LOTS = {
    "by_id": ("id",),
    "by_key": ("key", "id"),
    "by_expiry": ("expires_at", "id"),
    "by_location": ("location_id", "id"),
    "by_supplier": ("supplier_id", "id"),
}
"""Indexes that hold lots alone: among thousands of serial units a list of lots would else look at every one."""


ITEM_TYPES = {
    ItemKind.LOT: "MaterialLot",
    ItemKind.SUBLOT: "MaterialSublot",
    ItemKind.SERIAL_UNIT: "SerialUnit",
    ItemKind.LOGISTIC_UNIT: "LogisticUnit",
}


class Item(Sited, Entity):
    """A traceable item: lot, sublot, serial unit or logistic unit. One table, so one dense id space for the graph.

    Small invariants live here; ``open_holds`` is written by the holds domain only, ``request_id`` and ``reserved``
    (what open reservations keep of it, I10) by orders only.
    ``in_transit``: it left one site and has not arrived at another one; it belongs to the one that it is bound for.
    ``quantity`` is on hand, ``initial_quantity`` all that was ever received or produced, both in ``uom``. A serial
    unit counts 1. ``parent_id``: what the item is installed or packed in; ``lot_id``: the lot that a sublot or serial
    unit belongs to.
    """

    __tablename__ = "item"
    kind: ClassVar[str] = "Item"
    kinds = ("item_kind", ITEM_TYPES)
    lock_rank = 40

    item_kind: Mapped[ItemKind] = mapped_column(Word(ItemKind))
    key: Mapped[str] = mapped_column(key_text(150))
    number: Mapped[str] = mapped_column(String(20), index=True)
    item_revision: Mapped[int] = mapped_column(default=0)
    material_id: Mapped[int | None] = mapped_column(ForeignKey("material_definition.id"))
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    uom: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[Decimal] = mapped_column(Exact)
    initial_quantity: Mapped[Decimal] = mapped_column(Exact)
    reserved: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    lifecycle: Mapped[Lifecycle] = mapped_column(Word(Lifecycle))
    open_holds: Mapped[int] = mapped_column(default=0)
    in_transit: Mapped[bool] = mapped_column(default=False)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    slot: Mapped[str | None] = mapped_column(String(64))
    request_id: Mapped[int | None] = mapped_column(ForeignKey("operations_request.id"), index=True)
    grade: Mapped[str | None] = mapped_column(String(64))
    produced_at: Mapped[datetime | None] = mapped_column(Instant)
    expires_at: Mapped[datetime | None] = mapped_column(Instant)
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    supplier_lot: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        UniqueConstraint("key", "item_kind"),
        Index("ix_item_material_lifecycle", "material_id", "lifecycle"),
        Index("ix_item_by_expiry", "expires_at", "id", sqlite_where=EXPIRING, postgresql_where=EXPIRING),
        Index("ix_item_by_location", "location_id", "id"),
        *(
            Index(f"ix_item_lot_{name}", *columns, sqlite_where=only(ItemKind.LOT), postgresql_where=only(ItemKind.LOT))
            for name, columns in LISTS_OF_LOTS.items()
        ),
        *(
            Index(f"ix_item_{kind.lower()}_by_id", "id", sqlite_where=only(kind), postgresql_where=only(kind))
            for kind in (ItemKind.SUBLOT, ItemKind.LOGISTIC_UNIT)
        ),
        CheckConstraint("quantity >= 0", name="quantity_not_negative"),
        CheckConstraint("quantity <= initial_quantity", name="quantity_at_most_initial"),
    )

    @property
    def place_id(self) -> int | None:
        """Where it lies."""
        return self.location_id

    @property
    def human_key(self) -> str:
        """Material and number: ``RM-PVDF/PVDF-2219``; an SSCC for a logistic unit."""
        return self.key

    def status_at(self, now: datetime) -> ItemStatus:
        """What is shown at ``now``."""
        return shown_status(self.lifecycle, self.open_holds, self.expires_at, now)


def shown_status(lifecycle: Lifecycle, open_holds: int, expires_at: datetime | None, now: datetime) -> ItemStatus:
    """The shown state of an item that has these columns."""
    if lifecycle in TERMINAL:
        return ItemStatus(lifecycle)
    if open_holds:
        return ItemStatus.ON_HOLD
    if expires_at is not None and expires_at <= now:
        return ItemStatus.EXPIRED
    return ItemStatus(lifecycle)


TERMINAL = frozenset(
    {
        Lifecycle.CONSUMED,
        Lifecycle.INSTALLED,
        Lifecycle.SHIPPED,
        Lifecycle.SCRAPPED,
        Lifecycle.RETURNED,
        Lifecycle.CLOSED,
    }
)
