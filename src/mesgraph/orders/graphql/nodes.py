"""Orders, steps, jobs, runs and their material as the API shows them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, find_optional, node
from mesgraph.api.plan.shapes import Computed, amount, shaped
from mesgraph.api.relations import to_many, to_one
from mesgraph.api.user_errors import ErrorCode
from mesgraph.definitions.graphql import (
    InstructionStepNode,
    OperationsDefinitionNode,
    OperationsSegmentNode,
    output_uom,
)
from mesgraph.definitions.models import OperationsDefinition, OperationsSegment
from mesgraph.definitions.queries import output_uoms
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site
from mesgraph.holds.graphql import HoldNode
from mesgraph.holds.models import Hold
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityType, TraceableItem
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders import queries
from mesgraph.orders.books import balances_of
from mesgraph.orders.graphql.balance import MassBalanceType
from mesgraph.orders.graphql.proposals import MaterialProposalType
from mesgraph.orders.graphql.recorded import DeviationNode, ParameterActualNode, StepProgressType, progress
from mesgraph.orders.mass_balance import Balance
from mesgraph.orders.models import (
    ActualUse,
    Deviation,
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    MaterialActual,
    MaterialReservation,
    OperationsRequest,
    OutputQuality,
    ParameterActual,
    QuantityActual,
    RequestState,
    ReservationState,
    SegmentRequirement,
)
from mesgraph.orders.progress import next_step
from mesgraph.orders.proposals import Proposal, Strategy, proposals_by_id
from mesgraph.orders.readiness import Readiness, readiness_by_id
from mesgraph.orders.totals import consumed_by
from mesgraph.quantity import Quantity
from mesgraph.signatures.graphql import SignatureNode, signatures_of

described_enum(
    RequestState,
    "State of a production order, in the words of B2MML's RequestState.",
    {
        RequestState.FORECAST: "Known, not released: no job exists.",
        RequestState.RELEASED: "Released; readiness has not been looked at yet.",
        RequestState.WAITING: "Released, but no job can start yet; see the readiness of its jobs.",
        RequestState.READY: "At least one job can start.",
        RequestState.RUNNING: "A job has started.",
        RequestState.HELD: "Stopped for a cause; its jobs stand still.",
        RequestState.SUSPENDED: "Stopped by choice; its jobs stand still.",
        RequestState.COMPLETED: "Every step has ended, or it was completed before.",
        RequestState.CANCELLED: "Given up before anything ran.",
        RequestState.ABORTED: "Given up while under way.",
        RequestState.CLOSED: "Completed or aborted, and settled: nothing more will be posted.",
    },
)
described_enum(
    JobState,
    "State of a job order (OPC 10031-4).",
    {
        JobState.NOT_ALLOWED_TO_START: "Stored; a supervisor or planner has to permit it.",
        JobState.ALLOWED_TO_START: "Permitted; may start when it is ready.",
        JobState.RUNNING: "Being executed.",
        JobState.INTERRUPTED: "Begun, but stands still; see the sub-state.",
        JobState.ENDED: "Came to its end.",
        JobState.ABORTED: "Given up.",
        JobState.CANCELLED: "Given up before it ran.",
    },
)
described_enum(
    JobSubState,
    "Refines the state of a job order.",
    {
        JobSubState.WAITING: "Before the start: something is missing; see `readiness`.",
        JobSubState.READY: "Before the start: nothing is missing.",
        JobSubState.LOADED: "Before the start: the recipe is in the unit.",
        JobSubState.HELD: "Interrupted by a condition.",
        JobSubState.SUSPENDED: "Interrupted by choice.",
        JobSubState.COMPLETED: "Ended as planned.",
        JobSubState.CLOSED: "Ended and settled with its order.",
    },
)
described_enum(
    OutputQuality,
    "What became of the units that a run reports.",
    {
        OutputQuality.GOOD: "They are as they should be.",
        OutputQuality.SCRAP: "They are lost.",
        OutputQuality.REWORK: "They are to be reworked: neither good nor lost yet.",
    },
)
described_enum(
    ActualUse,
    "What the material of an actual was to the run.",
    {
        ActualUse.CONSUMED: "Taken by the run.",
        ActualUse.PRODUCED: "Made by the run: its product.",
        ActualUse.CO_PRODUCT: "Made by the run on purpose, beside the product.",
        ActualUse.BY_PRODUCT: "Came out beside the product.",
    },
)
described_enum(
    ReservationState,
    "What became of a reservation.",
    {
        ReservationState.RESERVED: "Kept, as long as its order, step and job have not ended.",
        ReservationState.ISSUED: "All of it was consumed by its order.",
        ReservationState.RELEASED: "What was left of it is free for everybody again.",
    },
)


@strawberry.type(description="Something that stands in the way of a job's start.")
class Blocker:
    """Executed on :class:`mesgraph.orders.readiness.Blocker`."""

    code: ErrorCode = strawberry.field(description="The code with which a start would be refused.")
    message: str = strawberry.field(description="One sentence in English that names the thing and the value.")
    node: Node | None = strawberry.field(description="The thing to look at: a machine, a step, a material.")


@strawberry.type(
    name="Readiness",
    description="Whether a job can start now. Missing material is a blocker here, but does not refuse the start.",
)
class ReadinessType:
    """Executed on :class:`mesgraph.orders.readiness.Readiness`."""

    ready: bool = strawberry.field(description="Nothing stands in the way.")
    blockers: list[Blocker] = strawberry.field(
        description="All that stands in the way; for a job without work unit, of the best one of the class."
    )


UOM_OF_PRODUCT = (
    select(MaterialDefinition.base_uom).where(MaterialDefinition.id == OperationsRequest.product_id).scalar_subquery()
)
UOM_OF_STEP = Computed(SegmentRequirement.segment_id, (), output_uoms)
UOM_OF_JOB = Computed(JobOrder.requirement_id, (SegmentRequirement.segment_id,), output_uoms)
UOM_OF_RUN = Computed(JobResponse.job_order_id, (JobOrder.requirement_id, SegmentRequirement.segment_id), output_uoms)

ForUnit = Annotated[
    strawberry.ID | None,
    strawberry.argument(description="Judge the job on this work unit instead of its own or the best of its class."),
]


@strawberry.type(name="ConsumedMaterial", description="How much of a material an order took.")
class ConsumedType:
    """Executed on :class:`mesgraph.orders.totals.Consumed`."""

    material: MaterialDefinitionNode = strawberry.field(description="The material.")

    @strawberry.field(description="How much; what was given back by reversals is left out.")
    def quantity(root: strawberry.Parent[Any]) -> QuantityType:
        """In the material's base unit."""
        return shown(Quantity(root.quantity, root.material.base_uom))


@node(OperationsRequest, find=queries.request_by_key, of_site=True)
class OperationsRequestNode(Node):
    """A production order: demand for a quantity of a product. Named by `SITE/CODE`."""

    signatures: list[SignatureNode] = strawberry.field(
        resolver=signatures_of, description="The signatures under it, the oldest first."
    )
    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When it became known.")
    code: str = strawberry.field(description="Order number, unique within the site.")
    source_system: str = strawberry.field(description="The system that sent it.")
    external_id: str = strawberry.field(description="Its key in that system.")
    external_revision: int = strawberry.field(description="The revision of that system that is applied.")
    state: RequestState = strawberry.field(description="Where it stands.")
    priority: int = strawberry.field(description="The higher, the more urgent.")
    earliest_start: datetime | None = strawberry.field(description="No job is planned before this.")
    due_at: datetime | None = strawberry.field(description="When it is wanted.")
    site: SiteNode = to_one(OperationsRequest.site_id, Site, "Where it is made.")
    product: MaterialDefinitionNode = to_one(OperationsRequest.product_id, MaterialDefinition, "What is wanted.")
    definition: OperationsDefinitionNode | None = to_one(
        OperationsRequest.definition_id,
        OperationsDefinition,
        "How it is made; frozen at release, before that the version that was asked for, if one was.",
    )
    segment_requirements: list["SegmentRequirementNode"] = to_many(
        SegmentRequirement.request_id,
        SegmentRequirement,
        "Its steps, in the order of the route; none before release.",
        (SegmentRequirement.seq,),
    )
    job_orders: list["JobOrderNode"] = to_many(JobOrder.request_id, JobOrder, "Its jobs; none before release.")
    reservations: list["MaterialReservationNode"] = to_many(
        MaterialReservation.request_id, MaterialReservation, "Material that is or was reserved for it."
    )
    holds: list[HoldNode] = to_many(
        Hold.request_id, Hold, "The holds placed on it, released ones too; see `releasedAt`."
    )

    @strawberry.field(
        description="Its mass balance, material by material: as it was settled when the order was closed, before that "
        "as the books are now. Empty while nothing was posted."
    )
    async def mass_balance(root: strawberry.Parent[Any], info: Info) -> list[MassBalanceType]:
        """Those of one answer are read together."""

        async def load(ids: list[int]) -> list[list[tuple[int, Balance]]]:
            found = await info.context.read(lambda session: balances_of(session, ids))
            return [found.get(key, []) for key in ids]

        rows = await info.context.batched("mass_balance", root.id, load)
        return [MassBalanceType(material_id=key, balance=balance) for key, balance in rows]

    @strawberry.field(description="How much is wanted.")
    @shaped(amount(OperationsRequest.quantity, UOM_OF_PRODUCT))
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the product's base unit."""
        return await _of_product(info, root, root.quantity)

    @strawberry.field(description="Good units that the last step has reported.")
    @shaped(amount(OperationsRequest.good_quantity, UOM_OF_PRODUCT))
    async def good_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the product's base unit."""
        return await _of_product(info, root, root.good_quantity)

    @strawberry.field(description="Scrap that the last step has reported.")
    @shaped(amount(OperationsRequest.scrap_quantity, UOM_OF_PRODUCT))
    async def scrap_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the product's base unit."""
        return await _of_product(info, root, root.scrap_quantity)

    @strawberry.field(description="Units to be reworked that the last step has reported.")
    @shaped(amount(OperationsRequest.rework_quantity, UOM_OF_PRODUCT))
    async def rework_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the product's base unit."""
        return await _of_product(info, root, root.rework_quantity)

    @strawberry.field(description="What its runs took in all, by material; what is pending in them counts, too.")
    async def consumed(root: strawberry.Parent[Any], info: Info) -> list[ConsumedType]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[Any]:
            found = await info.context.read(lambda session: consumed_by(session, ids))
            return [found[key] for key in ids]

        return shown(await info.context.batched("consumed", root.id, load))


@node(SegmentRequirement)
class SegmentRequirementNode(Node):
    """A step of an order: one segment of its definition with the quantity that this order needs."""

    seq: int = strawberry.field(description="Step number.")
    started_at: datetime | None = strawberry.field(description="When its first job started.")
    ended_at: datetime | None = strawberry.field(description="When its last job ended.")
    request: OperationsRequestNode = to_one(SegmentRequirement.request_id, OperationsRequest, "The order.")
    segment: OperationsSegmentNode = to_one(SegmentRequirement.segment_id, OperationsSegment, "What is to be done.")
    job_orders: list["JobOrderNode"] = to_many(JobOrder.requirement_id, JobOrder, "Its jobs.")
    reservations: list["MaterialReservationNode"] = to_many(
        MaterialReservation.requirement_id, MaterialReservation, "Material that is or was reserved for the step."
    )

    @strawberry.field(description="How much of its own output the step has to make.")
    @shaped(amount(SegmentRequirement.quantity, UOM_OF_STEP))
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        return await _of_segment(info, root.segment_id, root.quantity)


@node(JobOrder, find=queries.job_by_key, of_site=True)
class JobOrderNode(Node):
    """A task for one work unit: a step of an order. Named by `SITE/CODE`."""

    signatures: list[SignatureNode] = strawberry.field(
        resolver=signatures_of, description="The signatures under it, the oldest first."
    )
    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    code: str = strawberry.field(description="Job number, unique within the site: order number and step number.")
    state: JobState = strawberry.field(description="Where it stands.")
    sub_state: JobSubState | None = strawberry.field(description="Refines the state; null where there is nothing to.")
    interrupted_with_order: bool = strawberry.field(
        description="It stands still because its order was held or suspended, and goes on when that is resumed."
    )
    priority: int = strawberry.field(description="The higher, the more urgent.")
    planned_start: datetime | None = strawberry.field(description="When it could start at the earliest, as planned.")
    planned_end: datetime | None = strawberry.field(description="When it would end then.")
    site: SiteNode = to_one(JobOrder.site_id, Site, "Where it is done.")
    request: OperationsRequestNode = to_one(JobOrder.request_id, OperationsRequest, "The order.")
    segment_requirement: SegmentRequirementNode = to_one(JobOrder.requirement_id, SegmentRequirement, "The step.")
    equipment: EquipmentNode | None = to_one(JobOrder.equipment_id, Equipment, "The work unit, once assigned.")
    rerouted_from: "JobOrderNode | None" = to_one(
        JobOrder.rerouted_from_id, JobOrder, "The job whose rest it makes on alternate equipment, if it was rerouted."
    )
    job_responses: list["JobResponseNode"] = to_many(
        JobResponse.job_order_id, JobResponse, "Its runs, the first one first.", (JobResponse.run,)
    )

    @strawberry.field(description="How much of the step's output it has to make.")
    @shaped(amount(JobOrder.quantity, UOM_OF_JOB))
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        requirement = await info.context.one(SegmentRequirement, root.requirement_id)
        assert requirement is not None, "a job belongs to a step of its own site"
        return await _of_segment(info, requirement.segment_id, root.quantity)

    @strawberry.field(description="Whether it can start now, and everything that stands in the way.")
    async def readiness(root: strawberry.Parent[Any], info: Info, equipment: ForUnit = None) -> ReadinessType:
        """Judged now; the jobs of one answer are judged together."""

        async def load(ids: list[int]) -> list[Readiness]:
            now = info.context.plant.clock.now()  # here: a loader lives as long as its socket

            def read(session: Session) -> dict[int, Readiness]:
                on = find_optional(session, Equipment, equipment, "equipment")
                return readiness_by_id(session, ids, now, on=on)

            found = await info.context.read(read)
            return [found[key] for key in ids]

        return shown(await info.context.batched(("readiness", equipment), root.id, load))

    @strawberry.field(
        description="Which lots it should take, for every line of its bill that is consumed. Each job is proposed for "
        "by itself, as if it were the next one."
    )
    async def material_proposals(
        root: strawberry.Parent[Any],
        info: Info,
        strategy: Annotated[Strategy, strawberry.argument(description="Which lots come first.")] = Strategy.FEFO,
        equipment: ForUnit = None,
    ) -> list[MaterialProposalType]:
        """Judged now; the jobs of one answer are looked up together."""

        async def load(ids: list[int]) -> list[list[Proposal]]:
            now = info.context.plant.clock.now()

            def read(session: Session) -> dict[int, list[Proposal]]:
                on = find_optional(session, Equipment, equipment, "equipment")
                return proposals_by_id(session, ids, now, strategy, on)

            found = await info.context.read(read)
            return [found[key] for key in ids]

        return shown(await info.context.batched(("proposals", strategy, equipment), root.id, load))

    @strawberry.field(description="Its last run; null before the start.")
    async def job_response(root: strawberry.Parent[Any], info: Info) -> "JobResponseNode | None":
        """The run with the highest number."""
        runs = await info.context.many(JobResponse, JobResponse.job_order_id, root.id, (JobResponse.run,))
        return shown(runs[-1] if runs else None)


@node(JobResponse, find=queries.response_by_key, of_site=True)
class JobResponseNode(Node):
    """The record of one run of a job. Named by `SITE/CODE`."""

    version: int = strawberry.field(description="Counts changes.")
    code: str = strawberry.field(description="Number of the run, unique within the site.")
    run: int = strawberry.field(description="1 for the first run of the job.")
    started_at: datetime = strawberry.field(description="When it began.")
    ended_at: datetime | None = strawberry.field(description="When it ended; null while it lasts.")
    job_order: JobOrderNode = to_one(JobResponse.job_order_id, JobOrder, "The job.")
    request: OperationsRequestNode = to_one(JobResponse.request_id, OperationsRequest, "The order.")
    equipment: EquipmentNode = to_one(JobResponse.equipment_id, Equipment, "Where it ran.")
    material_actuals: list["MaterialActualNode"] = to_many(
        MaterialActual.job_response_id, MaterialActual, "What it took and made, in the order of posting."
    )
    quantity_actuals: list["QuantityActualNode"] = to_many(
        QuantityActual.job_response_id, QuantityActual, "What it reported, by quality and reason, in order."
    )
    parameter_actuals: list[ParameterActualNode] = to_many(
        ParameterActual.job_response_id, ParameterActual, "What was measured, in the order of posting."
    )
    deviations: list[DeviationNode] = to_many(
        Deviation.job_response_id, Deviation, "What left its limits, in the order of opening."
    )

    @strawberry.field(
        description="The steps of its instruction, by number, with what was recorded of each; none without one."
    )
    async def steps(root: strawberry.Parent[Any], info: Info) -> list[StepProgressType]:
        """Judged now."""
        return shown(await progress(info, root.id))

    @strawberry.field(description="What its operator does next; null when no step is left.")
    async def next_step(root: strawberry.Parent[Any], info: Info) -> InstructionStepNode | None:
        """The first of the steps that is not done, optional ones that were passed over left out."""
        found = next_step(await progress(info, root.id))
        return shown(found.step if found else None)

    @strawberry.field(description="Good units reported.")
    @shaped(amount(JobResponse.good_quantity, UOM_OF_RUN))
    async def good_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        return await _of_run(info, root, root.good_quantity)

    @strawberry.field(description="Scrap reported.")
    @shaped(amount(JobResponse.scrap_quantity, UOM_OF_RUN))
    async def scrap_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        return await _of_run(info, root, root.scrap_quantity)

    @strawberry.field(description="Units reported that are to be reworked.")
    @shaped(amount(JobResponse.rework_quantity, UOM_OF_RUN))
    async def rework_quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        return await _of_run(info, root, root.rework_quantity)

    @strawberry.field(description="Subject of who began it: a person or a driver.")
    async def begun_by(root: strawberry.Parent[Any], info: Info) -> str:
        """The principal's subject."""
        return await _subject(info, root.begun_by_id)


@node(MaterialReservation)
class MaterialReservationNode(Node):
    """A quantity of an item that is kept for a step of an order, or for one job of it: others cannot take it."""

    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When it was made.")
    state: ReservationState = strawberry.field(description="What became of it.")
    item: TraceableItem | None = to_one(
        MaterialReservation.item_id, Item, "The lot or unit; null when it is at a site by now that you do not see."
    )
    request: OperationsRequestNode = to_one(MaterialReservation.request_id, OperationsRequest, "The order.")
    segment_requirement: SegmentRequirementNode = to_one(
        MaterialReservation.requirement_id, SegmentRequirement, "The step."
    )
    job_order: JobOrderNode | None = to_one(
        MaterialReservation.job_order_id, JobOrder, "The job; null when any job of the step may take it."
    )

    @strawberry.field(description="Key of the lot or unit, also when it is at another site by now.")
    async def item_key(root: strawberry.Parent[Any], info: Info) -> str:
        """By the loader."""
        return (await _label(info, root)).key

    @strawberry.field(description="How much was reserved.")
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the item's unit."""
        return await _of_item(info, root, root.quantity)

    @strawberry.field(description="How much of it the order has consumed.")
    async def issued(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the item's unit."""
        return await _of_item(info, root, root.issued)


@node(QuantityActual)
class QuantityActualNode(Node):
    """What a run reported: good units, or scrap or rework for one reason."""

    quality: OutputQuality = strawberry.field(description="What became of them.")
    reason_code: str | None = strawberry.field(description="Why, as a code of the plant's list; null for good units.")
    comment: str | None = strawberry.field(description="Why, in words.")
    posted_at: datetime = strawberry.field(description="When it was reported.")
    job_response: JobResponseNode = to_one(QuantityActual.job_response_id, JobResponse, "The run.")
    reverses: "QuantityActualNode | None" = to_one(
        QuantityActual.reverses_id, QuantityActual, "The actual that this one takes back; neither counts."
    )

    @strawberry.field(description="How many.")
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the unit of the segment's output."""
        response = await info.context.one(JobResponse, root.job_response_id)
        assert response is not None, "what a run reported lies at its site"
        return await _of_run(info, response, root.quantity)

    @strawberry.field(description="Subject of who reported it: a person or a driver.")
    async def posted_by(root: strawberry.Parent[Any], info: Info) -> str:
        """The principal's subject."""
        return await _subject(info, root.posted_by_id)


@node(MaterialActual)
class MaterialActualNode(Node):
    """Material that a run took or made. A mistake is corrected by another actual that reverses this one."""

    use: ActualUse = strawberry.field(description="What it was to the run.")
    range_from: Decimal | None = strawberry.field(description="Start of the positions taken or made, included.")
    range_to: Decimal | None = strawberry.field(description="End of the positions, excluded.")
    posted_at: datetime = strawberry.field(description="When it happened.")
    job_response: JobResponseNode = to_one(MaterialActual.job_response_id, JobResponse, "The run.")
    item: TraceableItem | None = to_one(
        MaterialActual.item_id, Item, "The lot or unit; null when it is at a site by now that you do not see."
    )
    location: EquipmentNode | None = to_one(MaterialActual.location_id, Equipment, "Where it was taken or put.")
    reverses: "MaterialActualNode | None" = to_one(
        MaterialActual.reverses_id, MaterialActual, "The actual that this one takes back."
    )

    @strawberry.field(description="Key of the lot or unit, also when it is at another site by now.")
    async def item_key(root: strawberry.Parent[Any], info: Info) -> str:
        """By the loader."""
        return (await _label(info, root)).key

    @strawberry.field(description="How much.")
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the item's unit."""
        return await _of_item(info, root, root.quantity)

    @strawberry.field(description="How much of it was taken and has not become part of an output yet.")
    async def pending(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """In the item's unit."""
        return await _of_item(info, root, root.pending)

    @strawberry.field(description="Subject of who posted it: a person or a driver.")
    async def posted_by(root: strawberry.Parent[Any], info: Info) -> str:
        """The principal's subject."""
        return await _subject(info, root.posted_by_id)


async def _of_product(info: Info, request: OperationsRequest, value: Decimal) -> Any:
    product = await info.context.one(MaterialDefinition, request.product_id)
    assert product is not None, "materials are seen by everyone"
    return Quantity(value, product.base_uom)


async def _of_segment(info: Info, segment_id: int, value: Decimal) -> Any:
    return Quantity(value, await output_uom(info, segment_id))


async def _of_run(info: Info, response: JobResponse, value: Decimal) -> Any:
    job = await info.context.one(JobOrder, response.job_order_id)
    requirement = await info.context.one(SegmentRequirement, job.requirement_id) if job else None
    assert requirement is not None, "a run belongs to a step of its own site"
    return await _of_segment(info, requirement.segment_id, value)


async def _of_item(info: Info, row: MaterialActual | MaterialReservation, value: Decimal) -> Any:
    return Quantity(value, (await _label(info, row)).uom)


async def _label(info: Info, row: MaterialActual | MaterialReservation) -> queries.ItemLabel:
    async def load(ids: list[int]) -> list[queries.ItemLabel]:
        found = await info.context.read(lambda session: queries.labels_of(session, ids))
        return [found[key] for key in ids]

    label: queries.ItemLabel = await info.context.batched("item labels", row.item_id, load)
    return label


async def _subject(info: Info, principal_id: int) -> str:
    principal = await info.context.one(Principal, principal_id)
    assert principal is not None, "principals are never deleted"
    return principal.subject
