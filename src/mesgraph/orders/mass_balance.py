"""The mass balance of an order: of each material where it came from, where it went, what nobody accounts for (I47).

Everything that a run takes is shared out over what it makes, so within an activity nothing can be missing. What can be
missing is what the books still show: an *intermediate*, made by the order for its own later steps, of which lots are
left when the order has ended and which nobody declared as carried over. That is unaccounted for. Pure.

    issued + made = returned + in products + output + by-products + samples + scrap + adjusted + closing WIP
                    + unaccounted
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from mesgraph.quantity import QUANTUM

ZERO = Decimal(0)
TOLERANCE_PCT = Decimal("0.5")
"""How much of what came in may be unaccounted for when an order is closed, in percent."""


class Purpose(StrEnum):
    """What a material is to an order: what it is made of, what it makes for its own steps, and what it is for."""

    INPUT = "INPUT"
    INTERMEDIATE = "INTERMEDIATE"
    BY_PRODUCT = "BY_PRODUCT"
    OUTPUT = "OUTPUT"


@dataclass
class Flows:
    """Sums of what the order posted of one material, reversals left out. ``used``: what became part of outputs."""

    issued: Decimal = ZERO
    made: Decimal = ZERO
    returned: Decimal = ZERO
    used: Decimal = ZERO
    samples: Decimal = ZERO
    scrap: Decimal = ZERO
    adjusted: Decimal = ZERO


@dataclass(frozen=True)
class Balance:
    """The balance of one material, in its base unit."""

    issued: Decimal
    made: Decimal
    in_products: Decimal
    output: Decimal
    by_products: Decimal
    samples: Decimal
    scrap: Decimal
    returned: Decimal
    adjusted: Decimal
    closing_wip: Decimal
    unaccounted: Decimal

    @property
    def inputs(self) -> Decimal:
        """All that came in: issued to the order, or made by its own steps."""
        return self.issued + self.made

    @property
    def unaccounted_pct(self) -> Decimal:
        """What is unaccounted for, in percent of what came in, to six decimals."""
        return (self.unaccounted * 100 / self.inputs).quantize(QUANTUM).normalize() if self.inputs else ZERO

    @property
    def tolerated(self) -> Decimal:
        """How much may be unaccounted for."""
        return self.inputs * TOLERANCE_PCT / 100

    @property
    def exceeded(self) -> bool:
        """Whether more is unaccounted for than is tolerated."""
        return abs(self.unaccounted) > self.tolerated


def balance(flows: Flows, purpose: Purpose, undeclared: Decimal) -> Balance:
    """The balance of one material. ``undeclared``: what lots of an intermediate still have and nobody declared.

    What remains of an output is output, of a by-product by-product; of all else it is work in process that was
    carried over, passed on to other orders, or is still in a run.
    """
    unaccounted = undeclared if purpose is Purpose.INTERMEDIATE else ZERO
    gone = flows.returned + flows.used + flows.samples + flows.scrap + flows.adjusted
    remainder = flows.issued + flows.made - gone - unaccounted
    return Balance(
        issued=flows.issued,
        made=flows.made,
        in_products=flows.used,
        output=remainder if purpose is Purpose.OUTPUT else ZERO,
        by_products=remainder if purpose is Purpose.BY_PRODUCT else ZERO,
        samples=flows.samples,
        scrap=flows.scrap,
        returned=flows.returned,
        adjusted=flows.adjusted,
        closing_wip=ZERO if purpose in (Purpose.OUTPUT, Purpose.BY_PRODUCT) else remainder,
        unaccounted=unaccounted,
    )
