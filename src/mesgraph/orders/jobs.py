"""Verbs of single jobs beside running them: store a further one, reschedule, cancel, abort."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select, type_coerce

from mesgraph import ledger
from mesgraph.db import Exact
from mesgraph.definitions.queries import output_uoms
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, QuantityViolation, Violation, all_violations, invalid
from mesgraph.materials.models import Item
from mesgraph.orders import events, execution, lifecycle
from mesgraph.orders.ending import end_run
from mesgraph.orders.models import (
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
)
from mesgraph.orders.pieces import output_of, pieces_violation
from mesgraph.orders.planning import (
    before_start_violation,
    capability_violation,
    free_job_code,
    lock_with_request,
    only_unit,
    segment_of,
)
from mesgraph.orders.production import pending_of
from mesgraph.orders.readiness import refresh_readiness
from mesgraph.orders.run import row, run_of
from mesgraph.orders.schedule import PRIORITY_MAX
from mesgraph.quantity import plain
from mesgraph.work import Work


def store_job_order(
    work: Work,
    requirement: SegmentRequirement,
    quantity: Decimal,
    *,
    equipment: Equipment | None = None,
    taken_from: JobOrder | None = None,
    priority: int | None = None,
    planned_start: datetime | None = None,
    planned_end: datetime | None = None,
    permit: bool = False,
) -> JobOrder:
    """Make a further job of a step, ``quantity`` of its output; ``taken_from``, a job of the same step, has so much
    less to make then. A step that had ended is open again. The job is not allowed to start unless ``permit`` says so.

    Refuses INVALID_TRANSITION for an order that is not released or has come to its end, VALIDATION_FAILED,
    INSUFFICIENT_QUANTITY when ``taken_from`` has not so much left to make, EQUIPMENT_NOT_CAPABLE (I13),
    TIME_ORDER_INVALID.
    """
    request = row(work.session, OperationsRequest, requirement.request_id)
    work.lock(request, requirement, taken_from)
    segment = segment_of(work, requirement.id)
    with all_violations() as found:
        if request.state is RequestState.FORECAST or request.state not in lifecycle.NOT_STARTED | lifecycle.UNDER_WAY:
            with found.under():
                lifecycle.refuse_request_step(request, "takes no job", "segment_requirement")
        if quantity <= 0:
            found.add(invalid(f"quantity {plain(quantity)} must be greater than zero", "quantity"))
        found.add(pieces_violation(output_of(work.session, segment.id), quantity, "quantity"))
        if taken_from is not None:
            found.extend(_taken_from_violations(work, requirement, taken_from, quantity))
        if equipment is not None:
            found.add(capability_violation(work, equipment, request.site_id, segment, [segment.equipment_class_id]))
        found.extend(_plan_violations(priority, planned_start, planned_end))
    jobs = work.session.scalar(select(func.count()).where(JobOrder.requirement_id == requirement.id)) or 0
    job = work.add(
        JobOrder(
            site_id=request.site_id,
            code=free_job_code(work, request, requirement.seq, jobs + 1),
            request_id=request.id,
            requirement_id=requirement.id,
            equipment_id=equipment.id if equipment else only_unit(work, segment, request.site_id),
            quantity=quantity,
            priority=request.priority if priority is None else priority,
            planned_start=planned_start,
            planned_end=planned_end,
            state=JobState.ALLOWED_TO_START if permit else JobState.NOT_ALLOWED_TO_START,
            sub_state=JobSubState.WAITING,
        )
    )
    requirement.ended_at = None
    if taken_from is not None:
        taken_from.quantity -= quantity
    ledger.record(
        work,
        events.JobOrderStored(
            job_order=job,
            request=request,
            requirement=requirement,
            quantity=quantity,
            equipment=equipment,
            taken_from=taken_from,
        ),
        site_id=request.site_id,
    )
    refresh_readiness(work, request)
    return job


def reschedule_job_order(
    work: Work,
    job: JobOrder,
    *,
    priority: int | None = None,
    planned_start: datetime | None = None,
    planned_end: datetime | None = None,
    expected_version: int | None = None,
) -> JobOrder:
    """Give a job that has not begun another priority or planned window; what is left out stays.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, VALIDATION_FAILED, TIME_ORDER_INVALID.
    """
    lock_with_request(work, job)
    starts, ends = planned_start or job.planned_start, planned_end or job.planned_end
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        found.add(before_start_violation(job, "is rescheduled before it starts"))
        if priority is None and planned_start is None and planned_end is None:
            found.add(invalid("nothing is to change: name a priority or a time", "priority"))
        found.extend(_plan_violations(priority, starts, ends))
    job.priority = job.priority if priority is None else priority
    job.planned_start, job.planned_end = starts, ends
    ledger.record(
        work,
        events.JobOrderRescheduled(job_order=job, priority=job.priority, planned_start=starts, planned_end=ends),
        site_id=job.site_id,
    )
    return job


def cancel_job_order(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobOrder:
    """Give up a job that has not begun. Its step ends if the others have ended, and is still to be done if there is no
    other. Refuses VERSION_CONFLICT, INVALID_TRANSITION.
    """
    request, requirement = _lock_with_step(work, job)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            lifecycle.check_job_step(job, JobState.CANCELLED, None)
    job.state, job.sub_state = JobState.CANCELLED, None
    ledger.record(work, events.JobOrderCancelled(job_order=job), site_id=job.site_id)
    execution.end_segment(work, requirement, request)
    return job


def abort_job_order(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobOrder:
    """Give up a job before its end. Needs a reason. Its run ends, and what is pending in it is scrapped: reverse the
    consumption of what can still be used before.

    Its step ends if the others have ended, and is still to be done if there is no other: store another job, or complete
    or abort the order. Refuses VERSION_CONFLICT, INVALID_TRANSITION, REASON_REQUIRED, TIME_ORDER_INVALID.
    """
    response = execution.open_response(work, job)
    run = run_of(work.session, response) if response else None
    request, requirement = _lock_with_step(work, job, response, *(i for _, i in pending_of(work, run)) if run else ())
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            lifecycle.check_job_step(job, JobState.ABORTED, None)
        with found.under():
            work.needs_reason()
        with found.under():
            work.needs_signature(job)
        if run is not None:
            found.add(execution.end_violation(work, run))
    if run is not None:
        end_run(work, run)
    job.state, job.sub_state, job.interrupted_with_order = JobState.ABORTED, None, False
    ledger.record(work, events.JobOrderAborted(job_order=job, job_response=response), site_id=job.site_id)
    execution.end_segment(work, requirement, request)
    return job


def left_to_make(work: Work, job: JobOrder) -> Decimal:
    """What a job has not reported yet."""
    return job.quantity - reported(work, job)


def reported(work: Work, job: JobOrder) -> Decimal:
    """What the runs of a job have reported: good units, scrap, and what is to be reworked."""
    made = JobResponse.good_quantity + JobResponse.scrap_quantity + JobResponse.rework_quantity
    sums = type_coerce(func.coalesce(func.sum(made), 0), Exact)
    total: Decimal = work.session.execute(select(sums).where(JobResponse.job_order_id == job.id)).scalar_one()
    return total


def _lock_with_step(
    work: Work, job: JobOrder, *more: JobResponse | Item | None
) -> tuple[OperationsRequest, SegmentRequirement]:
    """Lock what the end of a job can change: its order, its step, and what it frees when the order is complete."""
    request = row(work.session, OperationsRequest, job.request_id)
    requirement = row(work.session, SegmentRequirement, job.requirement_id)
    work.lock(request, requirement, job, *more, *execution.freed_items(work, request))
    return request, requirement


def _taken_from_violations(
    work: Work, requirement: SegmentRequirement, job: JobOrder, quantity: Decimal
) -> Sequence[Violation]:
    if job.requirement_id != requirement.id:
        return [invalid(f"{job.code} is a job of another step", "taken_from")]
    if job.state not in lifecycle.LIVE:
        return [lifecycle.job_step_violation(job, "has nothing left to make", "taken_from")]
    left = left_to_make(work, job)
    if quantity < left or (quantity == left and left < job.quantity):
        return []
    return [
        QuantityViolation(
            code=Code.INSUFFICIENT_QUANTITY,
            message=f"{job.code} has {plain(left)} left to make, {plain(quantity)} asked; a job keeps a part of it",
            path=("quantity",),
            available=left,
            requested=quantity,
            uom=output_uoms(work.session, [requirement.segment_id])[requirement.segment_id],
        )
    ]


def _plan_violations(
    priority: int | None, planned_start: datetime | None, planned_end: datetime | None
) -> Sequence[Violation]:
    found = []
    if priority is not None and not -PRIORITY_MAX <= priority <= PRIORITY_MAX:
        found.append(invalid(f"priority {priority} must lie within {PRIORITY_MAX} of 0", "priority"))
    if planned_start is not None and planned_end is not None and planned_end < planned_start:
        message = f"the end {planned_end.isoformat()} lies before the start {planned_start.isoformat()}"
        found.append(invalid(message, "planned_end", code=Code.TIME_ORDER_INVALID))
    return found
