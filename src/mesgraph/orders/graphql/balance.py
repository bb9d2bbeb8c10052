"""The mass balance of an order as the API shows it."""

from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.scalars import UnitCode
from mesgraph.materials.graphql import MaterialDefinitionNode
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders.mass_balance import TOLERANCE_PCT, Balance


def _part(name: str, description: str) -> Any:
    """An amount of the balance, in ``uom``."""

    def resolve(root: strawberry.Parent[Any]) -> Decimal:
        value: Decimal = getattr(root.balance, name)
        return value

    return strawberry.field(resolver=resolve, description=description)


@strawberry.type(
    name="MassBalance",
    description="Where one material of an order came from and where it went, in `uom`: issued + made = returned + "
    "inProducts + output + byProducts + samples + scrap + adjusted + closingWip + unaccounted.",
)
class MassBalanceType:
    """Executed on the id of the material and its balance."""

    material_id: strawberry.Private[int]
    balance: strawberry.Private[Balance]

    issued: Decimal = _part("issued", "Taken by its runs, of lots that others made or delivered.")
    made: Decimal = _part("made", "Made by its runs.")
    in_products: Decimal = _part("in_products", "What became part of what its runs made.")
    output: Decimal = _part("output", "What it made for others: its product, co-products.")
    by_products: Decimal = _part("by_products", "What came out beside the products.")
    samples: Decimal = _part("samples", "Taken of its items as samples.")
    scrap: Decimal = _part("scrap", "Scrapped: its items, and what was pending in runs that were given up.")
    returned: Decimal = _part("returned", "Taken by its runs and given back.")
    adjusted: Decimal = _part("adjusted", "Counted to be missing of its items; negative: counted to be more.")
    closing_wip: Decimal = _part(
        "closing_wip", "Work in process: carried over, passed on to other orders, waiting for a decision, or in a run."
    )
    unaccounted: Decimal = _part(
        "unaccounted",
        "What lots of an intermediate still have in the books when the order has ended and nobody declared; written "
        "off when it is closed.",
    )
    unaccounted_pct: Decimal = _part("unaccounted_pct", "In percent of issued + made, to six decimals.")

    @strawberry.field(description="The material.")
    async def material(self, info: Info) -> MaterialDefinitionNode:
        """By the loader."""
        return shown(await info.context.one(MaterialDefinition, self.material_id))

    @strawberry.field(description="The material's base unit, in which all amounts are.")
    async def uom(self, info: Info) -> UnitCode:
        """Of the material."""
        material = await info.context.one(MaterialDefinition, self.material_id)
        assert material is not None, "materials are seen by everyone"
        return UnitCode(material.base_uom)

    @strawberry.field(description="How much may be unaccounted for when the order is closed, in percent.")
    def tolerance_pct(self) -> Decimal:
        """The plant's tolerance."""
        return TOLERANCE_PCT
