"""What was made of an order, in the API and as a document."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import NodeRef, find
from mesgraph.definitions.graphql import OperationsSegmentNode
from mesgraph.equipment.graphql import EquipmentNode
from mesgraph.integration.b2mml.performance import document_of
from mesgraph.integration.performance import Performance, SegmentState, performance_of
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityType, TraceableItem
from mesgraph.materials.models import Item
from mesgraph.orders.graphql.nodes import JobResponseNode, OperationsRequestNode, SegmentRequirementNode
from mesgraph.orders.models import ActualUse, OperationsRequest
from mesgraph.quantity import Quantity

described_enum(
    SegmentState,
    "How far a step of an order is, in the words of B2MML's ResponseState.",
    {
        SegmentState.WAITING: "Nothing of it runs.",
        SegmentState.RUNNING: "A job of it runs.",
        SegmentState.HELD: "Its jobs are interrupted.",
        SegmentState.COMPLETED: "It has ended.",
        SegmentState.ABORTED: "It was given up.",
        SegmentState.CANCELLED: "It was cancelled before it began; `Other` with that OtherValue in the document.",
    },
)


@strawberry.type(name="EquipmentActual", description="A run of a step on a work unit.")
class EquipmentActualType:
    """Executed on :class:`~mesgraph.integration.performance.EquipmentActual`."""

    equipment: EquipmentNode = strawberry.field(description="The work unit.")
    job_response: JobResponseNode = strawberry.field(description="The run, with its times and quantities.")


@strawberry.type(name="MaterialPerformance", description="How much of an item a step took or made in all.")
class MaterialPerformanceType:
    """Executed on :class:`~mesgraph.integration.performance.MaterialLine`."""

    item_key: str = strawberry.field(
        resolver=lambda root: root.item.key,
        description="Key of the lot or unit, also when it is at another site by now.",
    )
    material: MaterialDefinitionNode | None = strawberry.field(description="Its material.")
    use: ActualUse = strawberry.field(description="What it was to the step.")

    @strawberry.field(description="The lot or unit; null when it is at a site by now that you do not see.")
    async def item(root: strawberry.Parent[Any], info: Info) -> TraceableItem | None:
        """By the loader, within the scope."""
        return shown(await info.context.one(Item, root.item.id))

    @strawberry.field(description="How much, without what was taken back.")
    def quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """In the item's unit."""
        return shown(Quantity(root.quantity, root.item.uom))


@strawberry.type(name="SegmentResponse", description="What became of one step of an order.")
class SegmentResponseType:
    """Executed on :class:`~mesgraph.integration.performance.SegmentPerformance`."""

    segment_requirement: SegmentRequirementNode = strawberry.field(
        resolver=lambda root: root.requirement, description="The step."
    )
    segment: OperationsSegmentNode = strawberry.field(description="What the definition says of it.")
    state: SegmentState = strawberry.field(description="How far it is.")
    actual_start: datetime | None = strawberry.field(
        resolver=lambda root: root.started_at, description="When its first job started."
    )
    actual_end: datetime | None = strawberry.field(
        resolver=lambda root: root.ended_at, description="When its last job ended; null while it has not."
    )
    equipment_actuals: list[EquipmentActualType] = strawberry.field(
        resolver=lambda root: root.equipment, description="Its runs, in the order of their start."
    )
    material_actuals: list[MaterialPerformanceType] = strawberry.field(
        resolver=lambda root: root.materials, description="What it took and made, one line for each item and use."
    )

    @strawberry.field(description="What its runs reported as good.")
    def good_quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """In the unit of its output."""
        return shown(Quantity(root.good, root.uom))

    @strawberry.field(description="What its runs reported as scrap.")
    def scrap_quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """In the unit of its output."""
        return shown(Quantity(root.scrap, root.uom))


@strawberry.type(
    name="OperationsPerformance",
    description="What was made of an order and from what, as far as it is: the confirmation for a planning system.",
)
class OperationsPerformanceType:
    """Executed on :class:`~mesgraph.integration.performance.Performance`."""

    operations_request: OperationsRequestNode = strawberry.field(
        resolver=lambda root: root.request, description="The order, with its totals."
    )
    actual_start: datetime | None = strawberry.field(
        resolver=lambda root: root.started_at, description="When its first step started."
    )
    actual_end: datetime | None = strawberry.field(
        resolver=lambda root: root.ended_at, description="When its last step ended; null while one has not."
    )
    segment_responses: list[SegmentResponseType] = strawberry.field(
        resolver=lambda root: root.segments, description="Its steps, in the order of the route."
    )

    @strawberry.field(description="The same as a document of B2MML V0701: OperationsPerformance.")
    def document(root: strawberry.Parent[Any], info: Info) -> str:
        """As it is now."""
        return document_of(root, info.context.plant.clock.now())


@strawberry.type
class PerformanceQueries:
    """Reads."""

    @strawberry.field(description="What was made of an order, step by step.")
    async def operations_performance(self, info: Info, request: NodeRef) -> OperationsPerformanceType:
        """In one read, so that its figures belong together."""

        def read(session: Session) -> Performance:
            return performance_of(session, find(session, OperationsRequest, request, "request"))

        return shown(await info.context.read(read))
