"""What happens to holds."""

from dataclasses import dataclass
from decimal import Decimal

from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment
from mesgraph.holds.models import Hold, HoldScope, HoldSeverity
from mesgraph.ledger import Event
from mesgraph.materials.models import Item


@dataclass(frozen=True, kw_only=True)
class HoldPlaced(Event):
    """Items, a range of positions of one lot, equipment, or an order were put on hold."""

    subjects = ("hold", "items", "equipment", "order")
    hold: Hold
    items: list[Item]
    equipment: Equipment | None
    order: Entity | None
    scope: HoldScope
    severity: HoldSeverity
    range_from: Decimal | None
    range_to: Decimal | None


@dataclass(frozen=True, kw_only=True)
class HoldReleased(Event):
    """A hold was released from everything under it, what inherited it included."""

    subjects = ("hold", "items", "equipment", "order")
    hold: Hold
    items: list[Item]
    equipment: Equipment | None
    order: Entity | None
