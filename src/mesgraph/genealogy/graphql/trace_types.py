"""What a trace consists of, in GraphQL."""

from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.scalars import IntegerColumn, TextColumn
from mesgraph.genealogy.attribution import AttributionModel
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode, ItemRange, range_of
from mesgraph.genealogy.traced import Missing, TraceDirection
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityType, TraceableItem
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import Quantity

described_enum(
    TraceDirection,
    "Which way a trace goes.",
    {
        TraceDirection.BACKWARD: "To what the item was made from.",
        TraceDirection.FORWARD: "To what was made from it, and what that is packed in.",
        TraceDirection.BOTH: "Both ways from the item; not to other products of its ancestors.",
    },
)
described_enum(
    Missing,
    "Why a trace is not complete.",
    {
        Missing.MAX_DEPTH: "There is more behind `maxDepth`.",
        Missing.OUT_OF_SCOPE: "It leads to items of sites that you may not see.",
        Missing.NARROWED: "There is more before `since`, or behind the items of `stopAt`.",
    },
    name="TraceIncompleteReason",
)
described_enum(
    AttributionModel,
    "How the content of an item is thought to be spread over what was made from it.",
    {
        AttributionModel.PROPORTIONAL: "Everything mixes: a third of the lot holds a third of all that is in it. Right "
        "for statistics; a recall counts every item of the trace.",
        AttributionModel.FIFO: "What came first goes first: a lot that was topped up gives its first customers nothing "
        "of the second filling. What came at once is mixed.",
        AttributionModel.WORST_CASE: "Whatever has anything of it is exposed as a whole: the amounts are those of the "
        "items. For recalls.",
        AttributionModel.POSITIONAL: "As WORST_CASE, but where positions are known (metres of a coil) only what was "
        "made of the positions asked about is exposed. For recalls of a part.",
    },
)


@strawberry.type(name="TraceNode", description="An item of a trace.")
class TraceNodeType:
    """Executed on :class:`~mesgraph.genealogy.traced.TraceNode`."""

    item: TraceableItem = strawberry.field(description="The item, shown as it is now.")
    depth: int = strawberry.field(description="How many activities away from the root at least; the root has 0.")
    direction: TraceDirection | None = strawberry.field(
        description="BACKWARD: the root was made from it. FORWARD: it was made from the root. Null for the root."
    )
    shipped: bool = strawberry.field(description="Whether it had left the plant, at the time asked for.")

    @strawberry.field(
        description="Forward: how much of the root is in it, or went through it, in the root's unit. Backward: how "
        "much of it is in the root, in its own unit. By the model asked for, rounded to six decimals; by WORST_CASE "
        "and POSITIONAL all of the item, in its own unit."
    )
    def contained(root: strawberry.Parent[Any]) -> QuantityType:
        """With its unit."""
        return shown(Quantity(root.contained, root.uom))

    @strawberry.field(
        description="Forward only, by the model PROPORTIONAL: how much of the root is still in it, in the root's unit. "
        "`remains` and `removed` of "
        "all items add up to all there ever was of the root, to the last digit."
    )
    def remains(root: strawberry.Parent[Any]) -> QuantityType | None:
        """With its unit."""
        return shown(None if root.remains is None else Quantity(root.remains, root.uom))

    @strawberry.field(
        description="Forward only, by the model PROPORTIONAL: how much of the root samples, losses and scrap took out "
        "of it."
    )
    def removed(root: strawberry.Parent[Any]) -> QuantityType | None:
        """With its unit."""
        return shown(None if root.removed is None else Quantity(root.removed, root.uom))


@strawberry.type(name="GenealogyEdge", description="A link: some of one item went into another.")
class GenealogyEdgeType:
    """Executed on :class:`~mesgraph.genealogy.traced.TraceEdge`."""

    event: GenealogyEventNode = strawberry.field(description="The activity.")
    from_: TraceableItem = strawberry.field(
        name="from", resolver=lambda root: root.from_item, description="What went in."
    )
    to: TraceableItem = strawberry.field(resolver=lambda root: root.to_item, description="What came out, or holds it.")
    slot: str | None = strawberry.field(description="Where in the output it was built in.")

    @strawberry.field(description="How much of the input went into this output, in the unit of the input.")
    def input_share(root: strawberry.Parent[Any]) -> QuantityType:
        """With its unit."""
        return shown(Quantity(root.share, root.from_item.uom))

    @strawberry.field(description="The positions of the input that were taken, where they are known.")
    def input_range(root: strawberry.Parent[Any]) -> ItemRange | None:
        """With its unit."""
        return range_of(root.input_range, root.from_item.uom)

    @strawberry.field(description="The positions of the output that were made, where they are known.")
    def output_range(root: strawberry.Parent[Any]) -> ItemRange | None:
        """With its unit."""
        return range_of(root.output_range, root.to_item.uom)


@strawberry.type(description="The nodes of a trace as columns: the n-th entry of each is about the same item.")
class TraceColumns:
    """Built at once, serialised at once."""

    ids: TextColumn = strawberry.field(description="Opaque ids.")
    keys: TextColumn = strawberry.field(description="What people call the items.")
    materials: TextColumn = strawberry.field(description="`CODE:REVISION` of the materials; null for logistic units.")
    statuses: TextColumn = strawberry.field(description="Shown states (ItemStatus), as of now.")
    quantities: TextColumn = strawberry.field(description="On hand, decimal numbers in `uoms`.")
    uoms: TextColumn = strawberry.field(description="Base units of the items.")
    depths: IntegerColumn = strawberry.field(description="How many activities away from the root at least.")
    directions: TextColumn = strawberry.field(description="BACKWARD, FORWARD, null for the root.")
    contained: TextColumn = strawberry.field(description="As in `nodes`, decimal numbers in `containedUoms`.")
    contained_uoms: TextColumn = strawberry.field(description="Units of `contained`.")
    shipped: IntegerColumn = strawberry.field(description="1 for what had left the plant, else 0.")


@strawberry.type(description="What a trace has of one material. The root itself is not counted.")
class MaterialExposure:
    """A line of the totals."""

    material_id: strawberry.Private[int | None]
    amount: strawberry.Private[Decimal]
    unit: strawberry.Private[str]
    direction: TraceDirection = strawberry.field(description="BACKWARD for what the root was made from, else FORWARD.")
    count: int = strawberry.field(description="How many items.")

    @strawberry.field(description="The material; null for logistic units.")
    async def material(self, info: Info) -> MaterialDefinitionNode | None:
        """Batched by the kit."""
        return shown(await info.context.one(MaterialDefinition, self.material_id))

    @strawberry.field(
        description="Forward: how much of the root went into items of this material, in the root's unit. Backward: how "
        "much of this material is in the root. What is counted in one material may be counted again in the next one."
    )
    def exposed(self) -> QuantityType:
        """With its unit."""
        return shown(Quantity(self.amount, self.unit))


@strawberry.type(
    description="Sums over the items of the trace that are listed. In a complete forward trace by the model "
    "PROPORTIONAL, without a `filter`, `onHand`, `shipped` and `removed` add up to all there ever was of the root; by "
    "other models they are null."
)
class TraceTotals:
    """Sums."""

    by_material: list[MaterialExposure] = strawberry.field(description="By material and direction.")
    shipped_count: int = strawberry.field(
        description="How many items of the forward trace had left the plant, the root among them."
    )
    on_hand: QuantityType | None = strawberry.field(description="How much of the root is in the plant; forward only.")
    shipped: QuantityType | None = strawberry.field(description="How much of the root left the plant; forward only.")
    removed: QuantityType | None = strawberry.field(
        description="How much of the root went into samples, losses and scrap; forward only."
    )


@strawberry.type(name="TraceCompleteness", description="Whether a trace has everything, and if not, why not.")
class TraceCompletenessType:
    """Executed on :class:`~mesgraph.genealogy.traced.Completeness`."""

    complete: bool = strawberry.field(description="Whether nothing is missing.")
    reason: Missing | None = strawberry.field(description="Why something is missing.")
    missing: int = strawberry.field(description="How many items are missing.")
