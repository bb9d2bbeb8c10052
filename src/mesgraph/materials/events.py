"""What happens to master data of materials, and to items outside of activities."""

from dataclasses import dataclass

from mesgraph.ledger import Event
from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition, Supplier


@dataclass(frozen=True, kw_only=True)
class SupplierSubmitted(Event):
    """A supplier was made known, or its name, GLN or approval was changed."""

    subjects = ("supplier",)
    supplier: Supplier
    name: str
    gln: str | None
    approval_status: str


@dataclass(frozen=True, kw_only=True)
class MaterialDefinitionSubmitted(Event):
    """A revision of a material was made known or changed. Factors are written as unit, space, base units of one."""

    subjects = ("material",)
    material: MaterialDefinition
    name: str
    gtin: str | None
    kind: str
    base_uom: str
    tracking: str
    shelf_life_seconds: int | None
    quarantine_on_receipt: bool
    has_positions: bool
    uom_factors: list[str]


@dataclass(frozen=True, kw_only=True)
class LotReleased(Event):
    """An item was released from quarantine for use."""

    subjects = ("item",)
    item: Item
    from_lifecycle: Lifecycle
    to_lifecycle: Lifecycle


@dataclass(frozen=True, kw_only=True)
class LotRejected(Event):
    """An item was found unfit for use; the reason says why."""

    subjects = ("item",)
    item: Item
    from_lifecycle: Lifecycle
    to_lifecycle: Lifecycle


@dataclass(frozen=True, kw_only=True)
class DispositionDecided(Event):
    """It was decided what becomes of a rejected item. What was done with it stands in the activity beside, if any."""

    subjects = ("item",)
    item: Item
    decision: str
    from_lifecycle: Lifecycle
    to_lifecycle: Lifecycle
    grade: str | None = None
