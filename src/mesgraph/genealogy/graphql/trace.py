"""Traces and lists of activities."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.errors import Refused, invalid
from mesgraph.genealogy.attribution import AttributionModel
from mesgraph.genealogy.graphql.lists import GenealogyLists
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode, ItemRange, range_of
from mesgraph.genealogy.trace import Missing, Trace, TraceDirection, TraceNode, trace
from mesgraph.ledger.queries import Cursor, head
from mesgraph.materials.graphql import ItemKey, MaterialDefinitionNode, QuantityType, TraceableItem, find_item
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
    },
    name="TraceIncompleteReason",
)
described_enum(
    AttributionModel,
    "How the content of an item is thought to be spread over what was made from it.",
    {
        AttributionModel.PROPORTIONAL: "Everything mixes: a third of the lot holds a third of all that is in it. Right "
        "for statistics; a recall counts every item of the trace."
    },
)


@strawberry.type(name="TraceNode", description="An item of a trace.")
class TraceNodeType:
    """Executed on :class:`~mesgraph.genealogy.trace.TraceNode`."""

    item: TraceableItem = strawberry.field(description="The item, shown as it is now.")
    depth: int = strawberry.field(description="How many activities away from the root at least; the root has 0.")
    direction: TraceDirection | None = strawberry.field(
        description="BACKWARD: the root was made from it. FORWARD: it was made from the root. Null for the root."
    )
    shipped: bool = strawberry.field(description="Whether it had left the plant, at the time asked for.")

    @strawberry.field(
        description="Forward: how much of the root is in it, or went through it, in the root's unit. Backward: how "
        "much of it is in the root, in its own unit. By the model asked for, rounded to six decimals."
    )
    def contained(root: strawberry.Parent[Any]) -> QuantityType:
        """With its unit."""
        return shown(Quantity(root.contained, root.uom))

    @strawberry.field(
        description="Forward only: how much of the root is still in it, in the root's unit. `remains` and `removed` of "
        "all items add up to all there ever was of the root, to the last digit."
    )
    def remains(root: strawberry.Parent[Any]) -> QuantityType | None:
        """With its unit."""
        return shown(None if root.remains is None else Quantity(root.remains, root.uom))

    @strawberry.field(description="Forward only: how much of the root samples, losses and scrap took out of it.")
    def removed(root: strawberry.Parent[Any]) -> QuantityType | None:
        """With its unit."""
        return shown(None if root.removed is None else Quantity(root.removed, root.uom))


@strawberry.type(name="GenealogyEdge", description="A link: some of one item went into another.")
class GenealogyEdgeType:
    """Executed on :class:`~mesgraph.genealogy.trace.TraceEdge`."""

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
    description="Sums over the items of the trace that you see. In a complete forward trace `onHand`, `shipped` and "
    "`removed` add up to all there ever was of the root."
)
class TraceTotals:
    """Sums."""

    by_material: list[MaterialExposure] = strawberry.field(description="By material and direction.")
    shipped_count: int = strawberry.field(description="How many items of the forward trace had left the plant.")
    on_hand: QuantityType | None = strawberry.field(description="How much of the root is in the plant; forward only.")
    shipped: QuantityType | None = strawberry.field(description="How much of the root left the plant; forward only.")
    removed: QuantityType | None = strawberry.field(
        description="How much of the root went into samples, losses and scrap; forward only."
    )


@strawberry.type(name="TraceCompleteness", description="Whether a trace has everything, and if not, why not.")
class TraceCompletenessType:
    """Executed on :class:`~mesgraph.genealogy.trace.Completeness`."""

    complete: bool = strawberry.field(description="Whether nothing is missing.")
    reason: Missing | None = strawberry.field(description="Why something is missing.")
    missing: int = strawberry.field(description="How many items are missing.")


@strawberry.type(description="What an item was made from, and where it went.")
class TraceResult:
    """Executed on :class:`~mesgraph.genealogy.trace.Trace`."""

    root: TraceableItem = strawberry.field(description="The item asked about.")
    direction: TraceDirection = strawberry.field(description="Which way.")
    depth: int = strawberry.field(description="How far the farthest item is away.")
    at: datetime | None = strawberry.field(description="The event time asked for.")
    nodes: list[TraceNodeType] = strawberry.field(description="The items, nearest first; the root is the first.")
    edges: list[GenealogyEdgeType] = strawberry.field(description="The links between them, by activity.")
    completeness: TraceCompletenessType = strawberry.field(description="Whether this is all.")

    @strawberry.field(description="The place in the record asked for; null: all that was recorded.")
    def as_of(root: strawberry.Parent[Any], info: Info) -> Cursor | None:
        """As a cursor."""
        epoch = info.context.plant.tail.cursor.epoch
        return None if root.as_of is None else Cursor(epoch, root.as_of)

    @strawberry.field(description="Sums over the items.")
    def totals(root: strawberry.Parent[Any]) -> TraceTotals:
        """Counted when asked for."""
        return totals_of(root)


def totals_of(trace: Trace) -> TraceTotals:
    """The sums of a trace."""
    forward = [node for node in trace.nodes if node.remains is not None]
    inside = [node for node in forward if not node.shipped]
    gone = [node for node in forward if node.shipped]

    def amount(parts: Iterable[Decimal | None]) -> Any:
        total = sum((part for part in parts if part is not None), Decimal(0))
        return Quantity(total, trace.root.uom) if forward else None

    return TraceTotals(
        by_material=_by_material(trace),
        shipped_count=sum(1 for node in gone if node.depth),
        on_hand=amount(node.remains for node in inside),
        shipped=amount(node.remains for node in gone),
        removed=amount(node.removed for node in forward),
    )


def _by_material(trace: Trace) -> list[MaterialExposure]:
    groups: dict[tuple[TraceDirection, int | None, str], list[TraceNode]] = defaultdict(list)
    for node in trace.nodes:
        if node.direction is not None:
            groups[node.direction, node.item.material_id, node.uom].append(node)
    return [
        MaterialExposure(
            material_id=material_id,
            amount=sum((node.contained for node in nodes), Decimal(0)),
            unit=uom,
            direction=direction,
            count=len(nodes),
        )
        for (direction, material_id, uom), nodes in groups.items()
    ]


@strawberry.type
class GenealogyQueries(GenealogyLists):
    """Reads."""

    @strawberry.field(
        description="Everything that an item was made from, and everything that was made from it, at any depth, with "
        "the amounts. The answer is complete or says why not. Activities that were reversed do not count."
    )
    async def trace(
        self,
        info: Info,
        item: Annotated[ItemKey, strawberry.argument(description="The item asked about.")],
        direction: Annotated[TraceDirection, strawberry.argument(description="Which way.")],
        max_depth: Annotated[
            int | None, strawberry.argument(description="How many activities away at most; all when left out.")
        ] = None,
        at: Annotated[
            datetime | None, strawberry.argument(description="Only what had happened by this event time.")
        ] = None,
        as_of: Annotated[
            Cursor | None, strawberry.argument(description="Only what was recorded by then: what was believed.")
        ] = None,
        model: Annotated[
            AttributionModel, strawberry.argument(description="How amounts are attributed.")
        ] = AttributionModel.PROPORTIONAL,
    ) -> TraceResult:
        """One trace on one snapshot."""

        def read(session: Session) -> Trace:
            root = find_item(session, item, "item")
            position = None if as_of is None else _position(session, as_of)
            return trace(session, root, direction, max_depth=max_depth, as_of=position, at=at)

        return shown(await info.context.read(read))


def _position(session: Session, cursor: Cursor) -> int:
    """The position of ``cursor``; refuses one of another life of the database, or ahead of it."""
    end = head(session)
    if cursor.epoch != end.epoch or cursor.position > end.position:
        raise Refused(invalid(f"cursor {cursor} is no place in this record, which ends at {end}", "as_of"))
    return cursor.position
