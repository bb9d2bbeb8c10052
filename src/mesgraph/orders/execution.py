"""Verbs of running jobs: start, pause, resume, stop."""

from collections.abc import Collection, Sequence
from decimal import Decimal

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.db import EVERY_SITE
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, QuantityViolation, Refused, Violation, all_violations, invalid
from mesgraph.ledger.queries import last_time
from mesgraph.materials import lifecycle as item_lifecycle
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders import execution_events as events
from mesgraph.orders import lifecycle, readiness
from mesgraph.orders.events import OperationsRequestHeld, OperationsRequestResumed, OperationsRequestSuspended
from mesgraph.orders.models import (
    ActualUse,
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    MaterialActual,
    OperationsRequest,
    ParameterActual,
    RequestState,
    SegmentRequirement,
    StepExecution,
)
from mesgraph.orders.progress import step_violations
from mesgraph.orders.run import Run, row, run_of
from mesgraph.quantity import plain
from mesgraph.work import Work

TURNS = frozenset(
    event.word
    for event in (
        events.JobOrderStarted,
        events.JobOrderPaused,
        events.JobOrderResumed,
        OperationsRequestHeld,
        OperationsRequestSuspended,
        OperationsRequestResumed,
    )
)
"""Events by which a job runs or stands still; those of its order are events of the jobs that they stop or let go on."""


def start_job_order(
    work: Work, job: JobOrder, *, equipment: Equipment | None = None, expected_version: int | None = None
) -> JobResponse:
    """Begin a job on its work unit and open the response of the run. The first start of an order makes it RUNNING.

    ``equipment`` is needed when the job has none yet. Refuses VERSION_CONFLICT, INVALID_TRANSITION,
    VALIDATION_FAILED (no equipment, or another than assigned), TIME_ORDER_INVALID (before the last run ended), and
    everything that :func:`mesgraph.orders.readiness.start_violations` finds, all at once (I12 to I19).
    """
    session = work.session
    request = row(session, OperationsRequest, job.request_id)
    requirement = row(session, SegmentRequirement, job.requirement_id)
    if equipment is None and job.equipment_id is not None:
        equipment = row(session, Equipment, job.equipment_id)
    work.lock(request, requirement, job, equipment)
    last = _last_run(work, job)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            _check_from(job, lifecycle.BEFORE_START, JobState.RUNNING)
        found.add(_assignment_violation(job, equipment), _after_violation(work, last))
        if equipment is not None:
            found.extend(readiness.start_violations(work, job, equipment))
    assert equipment is not None
    job.equipment_id = equipment.id
    job.state, job.sub_state = JobState.RUNNING, None
    response = work.add(
        JobResponse(
            site_id=job.site_id,
            code=f"{job.code}-R{last.run + 1 if last else 1}",
            job_order_id=job.id,
            request_id=job.request_id,
            run=last.run + 1 if last else 1,
            equipment_id=equipment.id,
            begun_by_id=work.actor.principal_id,
            started_at=work.occurred_at,
        )
    )
    requirement.started_at = requirement.started_at or work.occurred_at
    ledger.record(
        work,
        events.JobOrderStarted(job_order=job, job_response=response, equipment=equipment, request=request),
        site_id=job.site_id,
    )
    if request.state is not RequestState.RUNNING:
        lifecycle.check_request_step(request, RequestState.RUNNING)
        request.state = RequestState.RUNNING
        ledger.record(work, events.OperationsRequestStarted(request=request), site_id=request.site_id)
    readiness.refresh_readiness(work, request)
    return response


def pause_job_order(
    work: Work, job: JobOrder, *, sub_state: JobSubState = JobSubState.SUSPENDED, expected_version: int | None = None
) -> JobResponse:
    """Interrupt a running job: SUSPENDED by choice, HELD by a condition, which needs a reason.

    The one may become the other. A job that was interrupted with its order is then interrupted for itself, and does not
    go on with the order.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, REASON_REQUIRED, TIME_ORDER_INVALID before the job was last started,
    paused or resumed.
    """
    run = _open_run(work, job)
    run.lock(work)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            lifecycle.check_job_step(job, JobState.INTERRUPTED, sub_state)
        if sub_state is JobSubState.HELD:
            with found.under():
                work.needs_reason()
        found.add(_turn_violation(work, run))
    job.state, job.sub_state, job.interrupted_with_order = JobState.INTERRUPTED, sub_state, False
    ledger.record(
        work,
        events.JobOrderPaused(job_order=job, job_response=run.response, sub_state=sub_state),
        site_id=job.site_id,
    )
    return run.response


def resume_job_order(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobResponse:
    """Let an interrupted job run again, if everything that a start needs still holds.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, TIME_ORDER_INVALID before it was interrupted, and what a start refuses
    (I12 to I19).
    """
    run = _open_run(work, job)
    work.lock(run.request, run.requirement, job, run.response, run.equipment)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            _check_from(job, {JobState.INTERRUPTED}, JobState.RUNNING)
        found.add(_turn_violation(work, run))
        found.extend(readiness.start_violations(work, job, run.equipment))
    job.state, job.sub_state, job.interrupted_with_order = JobState.RUNNING, None, False
    ledger.record(work, events.JobOrderResumed(job_order=job, job_response=run.response), site_id=job.site_id)
    return run.response


def stop_job_order(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobResponse:
    """Bring a job to its end. With its last job the step ends, with its last step the order is COMPLETED.

    Items that are in process in a completed order become AVAILABLE (route end). Refuses VERSION_CONFLICT,
    INVALID_TRANSITION, TIME_ORDER_INVALID, QUANTITY_NOT_CONSERVED while material is pending in the run - produce what
    it became, or reverse its consumption -, STEP_INCOMPLETE while a mandatory step of the instruction is not done, and
    PARAMETER_OUT_OF_LIMITS while one has failed (I21).
    """
    run = _open_run(work, job)
    work.lock(run.request, run.requirement, job, run.response, *freed_items(work, run.request), run.equipment)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            lifecycle.check_job_step(job, JobState.ENDED, JobSubState.COMPLETED)
        found.extend(pending_violations(work, run))
        found.extend(step_violations(work, run))
        found.add(end_violation(work, run))
    end_job(work, run)
    end_segment(work, run.requirement, run.request)
    return run.response


def end_job(work: Work, run: Run) -> None:
    """Primitive: a job and its run have come to their end."""
    job = run.job
    job.state, job.sub_state, job.interrupted_with_order = JobState.ENDED, JobSubState.COMPLETED, False
    run.response.ended_at = work.occurred_at
    ledger.record(
        work,
        events.JobOrderEnded(
            job_order=job,
            job_response=run.response,
            good_quantity=run.response.good_quantity,
            scrap_quantity=run.response.scrap_quantity,
        ),
        site_id=job.site_id,
    )


def open_response(work: Work, job: JobOrder) -> JobResponse | None:
    """The response of the run that has not ended, if the job has one."""
    return work.session.scalar(
        select(JobResponse).where(JobResponse.job_order_id == job.id, JobResponse.ended_at.is_(None))
    )


def _open_run(work: Work, job: JobOrder) -> Run:
    """The run of a job that has begun; refuses INVALID_TRANSITION when there is none."""
    response = open_response(work, job)
    if response is None:
        begun = job.state not in lifecycle.BEFORE_START
        why = "has no run that goes on" if begun else "has not begun: start it first (startJobOrder)"
        raise Refused(lifecycle.job_step_violation(job, why))
    return run_of(work.session, response)


def _check_from(job: JobOrder, states: Collection[JobState], to: JobState) -> None:
    """Refuse INVALID_TRANSITION unless the job is in one of ``states`` and may go on to ``to``."""
    lifecycle.check_job_step(job, to, None)
    if job.state not in states:
        raise Refused(lifecycle.job_step_violation(job, f"this needs {' or '.join(sorted(states))}"))


def _last_run(work: Work, job: JobOrder) -> JobResponse | None:
    return work.session.scalar(
        select(JobResponse).where(JobResponse.job_order_id == job.id).order_by(JobResponse.run.desc()).limit(1)
    )


def _assignment_violation(job: JobOrder, equipment: Equipment | None) -> Violation | None:
    if equipment is None:
        return invalid(f"{job.code} has no equipment yet; name the one it starts on", "equipment")
    if job.equipment_id is not None and job.equipment_id != equipment.id:
        return invalid(f"{job.code} is assigned to other equipment than {equipment.code}", "equipment")
    if equipment.site_id != job.site_id:
        return invalid(f"{equipment.code} stands at another site than {job.code}", "equipment")
    return None


def _after_violation(work: Work, last: JobResponse | None) -> Violation | None:
    if last is None or last.ended_at is None or work.occurred_at >= last.ended_at:
        return None
    return invalid(
        f"{last.code} ended at {last.ended_at.isoformat()}, after this start",
        "event_time",
        code=Code.TIME_ORDER_INVALID,
    )


def _turn_violation(work: Work, run: Run) -> Violation | None:
    """TIME_ORDER_INVALID: a job is not paused, resumed or ended before it last began, was interrupted or went on."""
    last = last_time(work.session, run.job, TURNS)
    if last is None or work.occurred_at >= last:
        return None
    return invalid(
        f"{run.job.code} was last started, paused or resumed at {last.isoformat()}, after this",
        "event_time",
        code=Code.TIME_ORDER_INVALID,
    )


def end_violation(work: Work, run: Run) -> Violation | None:
    """TIME_ORDER_INVALID: a run does not end before it began, nor before its last actual, pause or resume (I32)."""
    posted = [
        work.session.scalar(select(func.max(cls.posted_at)).where(cls.job_response_id == run.response.id))
        for cls in (MaterialActual, ParameterActual, StepExecution)
    ]
    begun = max([run.response.started_at, *(last for last in posted if last is not None)])
    if work.occurred_at >= begun:
        return _turn_violation(work, run)
    return invalid(
        f"{run.response.code} has actuals until {begun.isoformat()}, after this end",
        "event_time",
        code=Code.TIME_ORDER_INVALID,
    )


def pending_violations(work: Work, run: Run) -> list[Violation]:
    """QUANTITY_NOT_CONSERVED for every item of which something is pending in the run."""
    pending = work.session.execute(
        select(Item.key, Item.uom, func.sum(MaterialActual.pending))
        .join(Item, Item.id == MaterialActual.item_id)
        .where(
            MaterialActual.job_response_id == run.response.id,
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.pending > Decimal(0),
        )
        .group_by(Item.key, Item.uom)
        .order_by(Item.key)
        .execution_options(**EVERY_SITE)
    )
    return [
        QuantityViolation(
            code=Code.QUANTITY_NOT_CONSERVED,
            message=f"{plain(amount)} {uom} of {key} are pending in {run.response.code}: produce what they became "
            "(produceMaterial), or reverse their consumption (reverseEvent)",
            path=("job_order",),
            available=Decimal(0),
            requested=amount,
            uom=uom,
        )
        for key, uom, amount in pending
    ]


def freed_items(work: Work, request: OperationsRequest) -> list[Item]:
    """What is in process in the order, if this is the last job of it that has not come to its end."""
    unfinished = work.session.scalar(
        select(func.count()).where(JobOrder.request_id == request.id, JobOrder.state.in_(sorted(lifecycle.LIVE)))
    )
    return in_process(work, request) if unfinished == 1 else []


def end_segment(work: Work, requirement: SegmentRequirement, request: OperationsRequest) -> None:
    """Primitive: end the step when all its jobs are over and one of them came to its end, and the order when all its
    steps have ended. A step whose jobs were all given up is still to be done.
    """
    work.session.flush()
    states = set(work.session.scalars(select(JobOrder.state).where(JobOrder.requirement_id == requirement.id)))
    if not lifecycle.LIVE & states and JobState.ENDED in states and requirement.ended_at is None:
        end_step(work, requirement, request)
    open_steps = work.session.scalar(
        select(func.count()).where(SegmentRequirement.request_id == request.id, SegmentRequirement.ended_at.is_(None))
    )
    if open_steps:
        readiness.refresh_readiness(work, request)
        return
    complete(work, request)


def end_step(work: Work, requirement: SegmentRequirement, request: OperationsRequest) -> None:
    """Primitive: a step has come to its end."""
    requirement.ended_at = work.occurred_at
    ledger.record(
        work,
        events.SegmentRequirementEnded(requirement=requirement, request=request),
        site_id=request.site_id,
    )


def complete(work: Work, request: OperationsRequest, cancelled: Sequence[JobOrder] = ()) -> None:
    """Primitive: an order is complete, what is in process in it is AVAILABLE. ``cancelled``: jobs that never began.

    The caller has locked the order and its items in process. Refuses INVALID_TRANSITION.
    """
    lifecycle.check_request_step(request, RequestState.COMPLETED)
    items = in_process(work, request)
    for item in items:
        item_lifecycle.move_to(item, Lifecycle.AVAILABLE)
    request.state = RequestState.COMPLETED
    ledger.record(
        work,
        events.OperationsRequestCompleted(
            request=request,
            good_quantity=request.good_quantity,
            scrap_quantity=request.scrap_quantity,
            items=items,
            jobs=list(cancelled),
        ),
        site_id=request.site_id,
    )


def in_process(work: Work, request: OperationsRequest) -> list[Item]:
    """What is in process in the order."""
    return list(
        work.session.scalars(
            select(Item).where(Item.request_id == request.id, Item.lifecycle == Lifecycle.IN_PROCESS).order_by(Item.id)
        )
    )
