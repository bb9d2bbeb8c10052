"""Which lots a job should take, as the API shows it."""

from typing import Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.user_errors import ErrorCode
from mesgraph.equipment.graphql import EquipmentNode
from mesgraph.equipment.models import Equipment
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityType, TraceableItem
from mesgraph.orders.proposals import Strategy
from mesgraph.quantity import Quantity

described_enum(
    Strategy,
    "Which of several usable lots comes first.",
    {
        Strategy.FEFO: "The one that expires first, then the one that was received first.",
        Strategy.FIFO: "The one that was received first.",
    },
)


@strawberry.type(name="MaterialPick", description="A part of what a job needs: take so much of this item.")
class MaterialPickType:
    """Executed on :class:`mesgraph.orders.proposals.Pick`."""

    item: TraceableItem = strawberry.field(description="The lot or unit.")
    at_hand: bool = strawberry.field(
        description="It lies where the work unit takes from. Else it has to be moved there first (`moveMaterial`)."
    )

    @strawberry.field(description="How much of it.")
    def quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """In the item's unit."""
        return shown(Quantity(root.quantity, root.item.uom))

    @strawberry.field(description="Where it lies.")
    async def location(root: strawberry.Parent[Any], info: Info) -> EquipmentNode | None:
        """The item's location."""
        return shown(await info.context.one(Equipment, root.item.location_id))


@strawberry.type(name="MaterialShortage", description="What no usable lot of the site covers.")
class MaterialShortageType:
    """Executed on :class:`mesgraph.orders.proposals.Shortage` with its unit."""

    quantity: QuantityType = strawberry.field(description="How much is missing.")
    code: ErrorCode = strawberry.field(
        description="LOT_RESERVED when what is reserved for other orders would do, else INSUFFICIENT_QUANTITY."
    )
    message: str = strawberry.field(description="One sentence in English: what is there but cannot be used, and why.")


@strawberry.type(
    name="MaterialProposal",
    description="Which lots a job should take for a line of its bill: first what is reserved for its order, then what "
    "lies where the work unit takes from, then what lies elsewhere at the site. What is held, expired, not released or "
    "reserved for other orders is left out.",
)
class MaterialProposalType:
    """Executed on :class:`mesgraph.orders.proposals.Proposal`."""

    picks: list[MaterialPickType] = strawberry.field(description="What to take, in this order.")

    @strawberry.field(description="Number of the bill line.")
    def line(root: strawberry.Parent[Any]) -> int:
        """Of the specification."""
        return int(root.line.specification.line)

    @strawberry.field(description="The material of the line.")
    def material(root: strawberry.Parent[Any]) -> MaterialDefinitionNode:
        """Of the specification."""
        return shown(root.line.material)

    @strawberry.field(description="What the job needs for its whole quantity, less what its runs have taken.")
    def needed(root: strawberry.Parent[Any]) -> QuantityType:
        """In the material's base unit."""
        return shown(Quantity(root.needed, root.line.material.base_uom))

    @strawberry.field(description="What the picks do not cover; null when they cover all.")
    def shortage(root: strawberry.Parent[Any]) -> MaterialShortageType | None:
        """In the material's base unit."""
        short = root.shortage
        if short is None:
            return None
        quantity = Quantity(short.quantity, root.line.material.base_uom)
        return MaterialShortageType(quantity=shown(quantity), code=short.code, message=short.message)
