"""Single jobs in the API: stored, rescheduled, cancelled, aborted, rerouted."""

from datetime import datetime
from decimal import Decimal

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find, find_optional
from mesgraph.api.places import at, named
from mesgraph.definitions.queries import output_uoms
from mesgraph.equipment.models import Equipment
from mesgraph.errors import all_violations
from mesgraph.materials.graphql import QuantityInput
from mesgraph.orders import jobs, reroute
from mesgraph.orders.graphql.nodes import JobOrderNode
from mesgraph.orders.graphql.places import new_job, rerouted_job
from mesgraph.orders.graphql.planning import JobOrderStepInput, find_job
from mesgraph.orders.models import JobOrder, SegmentRequirement
from mesgraph.orders.run import row
from mesgraph.quantity import Quantity, in_base
from mesgraph.work import Work


@strawberry.input(description="A further job of a step.")
class StoreJobOrderInput(CommandInput):
    """One job."""

    segment_requirement: strawberry.ID = strawberry.field(description="The step of a released order, by its id.")
    quantity: QuantityInput = strawberry.field(description="How much of the step's output it has to make.")
    taken_from: strawberry.ID | None = strawberry.field(
        default=None,
        description="A job of the same step that has so much less to make then: the step is split over two jobs.",
    )
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="Its work unit, of the class of the step; the only one of the class if left out."
    )
    priority: int | None = strawberry.field(default=None, description="Its priority; the order's when left out.")
    planned_start: datetime | None = strawberry.field(default=None, description="When it is planned to start.")
    planned_end: datetime | None = strawberry.field(default=None, description="When it is planned to end.")
    permit: bool = strawberry.field(default=False, description="True: it is allowed to start at once.")


@strawberry.type(description="The new job.")
class StoreJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="What changes of a job that has not begun; what is left out stays.")
class RescheduleJobOrderInput(JobOrderStepInput):
    """One job."""

    priority: int | None = strawberry.field(default=None, description="The higher, the more urgent.")
    planned_start: datetime | None = strawberry.field(default=None, description="When it is planned to start.")
    planned_end: datetime | None = strawberry.field(default=None, description="When it is planned to end.")


@strawberry.type(description="The job with its new plan.")
class RescheduleJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="A job to give up before it begins.")
class CancelJobOrderInput(JobOrderStepInput):
    """One job."""


@strawberry.type(description="The job, given up.")
class CancelJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="A job to give up before its end. Needs a reason.")
class AbortJobOrderInput(JobOrderStepInput):
    """One job."""


@strawberry.type(description="The job, given up.")
class AbortJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="A job whose rest goes to alternate equipment.")
class RerouteJobOrderInput(JobOrderStepInput):
    """One job."""

    equipment: strawberry.ID | None = strawberry.field(
        default=None,
        description="Equipment of an alternate that the definition lists for the step (`alternates` of its segment); "
        "when left out, the first one by priority that is free and fit.",
    )
    quantity: QuantityInput | None = strawberry.field(
        default=None,
        description="How much the new job has to make; when left out, what the old one has not reported as good, scrap "
        "or rework.",
    )


@strawberry.type(description="The job that makes the rest, and the one that it comes from.")
class RerouteJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The new job.")
    rerouted: JobOrderNode | None = strawberry.field(
        default=None, description="The old one: ended with what it has reported, or cancelled if it had not begun."
    )


@strawberry.type
class JobCommands:
    """Writes."""

    @command
    @at(new_job)
    def store_job_order(work: Work, input: StoreJobOrderInput) -> StoreJobOrderPayload:
        """Make a further job of a step of an order that is released and has not come to its end. Name `takenFrom` to
        split a step over two work units.
        """
        with all_violations() as found:
            with found.under():
                step = find(work.session, SegmentRequirement, input.segment_requirement, "segment_requirement")
                quantity = _of_step(work, step, input.quantity)
            with found.under():
                taken_from = find_optional(work.session, JobOrder, input.taken_from, "taken_from")
            with found.under():
                equipment = find_optional(work.session, Equipment, input.equipment, "equipment")
        job = jobs.store_job_order(
            work,
            step,
            quantity,
            equipment=equipment,
            taken_from=taken_from,
            priority=input.priority,
            planned_start=input.planned_start,
            planned_end=input.planned_end,
            permit=input.permit,
        )
        return StoreJobOrderPayload(job_order=shown(job))

    @command
    @at(named(JobOrder, "job_order"))
    def reschedule_job_order(work: Work, input: RescheduleJobOrderInput) -> RescheduleJobOrderPayload:
        """Give a job that has not begun another priority or planned window."""
        job = jobs.reschedule_job_order(
            work,
            find_job(work, input),
            priority=input.priority,
            planned_start=input.planned_start,
            planned_end=input.planned_end,
            expected_version=input.expected_version,
        )
        return RescheduleJobOrderPayload(job_order=shown(job))

    @command
    @at(named(JobOrder, "job_order"))
    def cancel_job_order(work: Work, input: CancelJobOrderInput) -> CancelJobOrderPayload:
        """Give up a job that has not begun. Its step ends if its other jobs have, and stays open if it has no other."""
        job = jobs.cancel_job_order(work, find_job(work, input), expected_version=input.expected_version)
        return CancelJobOrderPayload(job_order=shown(job))

    @command
    @at(named(JobOrder, "job_order"))
    def abort_job_order(work: Work, input: AbortJobOrderInput) -> AbortJobOrderPayload:
        """Give up a job before its end. Its run ends, and what it took and has made nothing of is scrapped: before,
        reverse the consumption of what can still be used. Its step ends if its other jobs have, and stays open if it
        has no other.
        """
        job = jobs.abort_job_order(work, find_job(work, input), expected_version=input.expected_version)
        return AbortJobOrderPayload(job_order=shown(job))

    @command
    @at(rerouted_job)
    def reroute_job_order(work: Work, input: RerouteJobOrderInput) -> RerouteJobOrderPayload:
        """Take the rest of a job to equipment of an alternate that the definition lists. What the job has reported
        stays with it, and it ends; one that has not begun is cancelled.
        """
        with all_violations() as found:
            with found.under():
                job = find_job(work, input)
            with found.under():
                equipment = find_optional(work.session, Equipment, input.equipment, "equipment")
        quantity = None
        if input.quantity is not None:
            quantity = _of_step(work, row(work.session, SegmentRequirement, job.requirement_id), input.quantity)
        made = reroute.reroute_job_order(
            work, job, equipment=equipment, quantity=quantity, expected_version=input.expected_version
        )
        return RerouteJobOrderPayload(job_order=shown(made.job), rerouted=shown(made.rerouted))


def _of_step(work: Work, step: SegmentRequirement, given: QuantityInput) -> Decimal:
    """A quantity in the unit of the step's output; refuses UOM_MISMATCH, VALIDATION_FAILED."""
    uom = output_uoms(work.session, [step.segment_id])[step.segment_id]
    return in_base(Quantity(given.value, given.uom), uom, {}, "quantity")
