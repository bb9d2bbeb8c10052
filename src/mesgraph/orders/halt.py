"""Verbs that stop an order and let it go on: hold, suspend, resume, and holds placed on the order itself.

To *hold* or *suspend* a running order stops it as a whole; its running jobs are interrupted with it. A *hold on the
order* is a record of its own, which only quality or qa releases: while it is open, no job of the order begins or goes
on, and the order is not resumed. It holds an order that runs, and makes one that has not started WAITING.
"""

from dataclasses import dataclass

from mesgraph import ledger
from mesgraph.equipment.models import Equipment
from mesgraph.errors import all_violations
from mesgraph.holds import actions as hold_actions
from mesgraph.holds.models import Hold, HoldSeverity
from mesgraph.holds.queries import open_holds_of_orders
from mesgraph.orders import events, lifecycle, queries
from mesgraph.orders.models import JobOrder, JobState, JobSubState, OperationsRequest, RequestState
from mesgraph.orders.readiness import order_hold_violation, refresh_readiness, start_violations
from mesgraph.orders.run import row
from mesgraph.work import Work


def hold_operations_request(
    work: Work, request: OperationsRequest, *, expected_version: int | None = None
) -> OperationsRequest:
    """Stop a running order for a cause; its running jobs are interrupted (HELD). Needs a reason.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, REASON_REQUIRED.
    """
    jobs = lock_with_jobs(work, request)
    with all_violations() as found:
        with found.under():
            check(work, request, RequestState.HELD, expected_version)
        with found.under():
            work.needs_reason()
    _hold(work, request, jobs)
    return request


def suspend_operations_request(
    work: Work, request: OperationsRequest, *, expected_version: int | None = None
) -> OperationsRequest:
    """Stop a running order by choice; its running jobs are interrupted (SUSPENDED).

    Refuses VERSION_CONFLICT, INVALID_TRANSITION.
    """
    jobs = lock_with_jobs(work, request)
    check(work, request, RequestState.SUSPENDED, expected_version)
    stopped = _interrupt(jobs, JobSubState.SUSPENDED)
    request.state = RequestState.SUSPENDED
    ledger.record(work, events.OperationsRequestSuspended(request=request, jobs=stopped), site_id=request.site_id)
    return request


@dataclass(frozen=True, kw_only=True)
class Resumed:
    """An order that goes on: the jobs that run again, and those that were interrupted with it and cannot."""

    request: OperationsRequest
    jobs: list[JobOrder]
    standing: list[JobOrder]


def resume_operations_request(
    work: Work, request: OperationsRequest, *, expected_version: int | None = None
) -> Resumed:
    """Let a stopped order go on, and with it the jobs that were interrupted with it, each as far as everything that a
    start needs still holds. A job that cannot go on stays interrupted, and is resumed for itself later.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, ORDER_ON_HOLD while a hold on the order is open. Denies (FORBIDDEN)
    when the table names other roles for the state that the order is in.
    """
    jobs = lock_with_jobs(work, request)
    interrupted = [job for job in jobs if job.interrupted_with_order]
    units = {job.id: row(work.session, Equipment, job.equipment_id or 0) for job in interrupted}
    work.lock(*units.values())
    with all_violations() as found:
        with found.under():
            _check_resume(work, request, expected_version)
        holds = open_holds_of_orders(work.session, [request.id]).get(request.id)
        if holds:
            found.add(order_hold_violation(request, holds, "operations_request"))
    lifecycle.check_request_role(work, request, RequestState.RUNNING)
    request.state = RequestState.RUNNING
    work.session.flush()
    resumed = [job for job in interrupted if _goes_on(work, job, units[job.id])]
    standing = [job for job in interrupted if job not in resumed]
    ledger.record(
        work,
        events.OperationsRequestResumed(request=request, jobs=resumed, standing=standing),
        site_id=request.site_id,
    )
    refresh_readiness(work, request)
    return Resumed(request=request, jobs=resumed, standing=standing)


def place_hold(work: Work, request: OperationsRequest, severity: HoldSeverity) -> Hold:
    """Place a hold on an order. Needs a reason. A running order is HELD by it; one that has not started is WAITING.

    Refuses REASON_REQUIRED, INVALID_TRANSITION for an order that has come to its end.
    """
    jobs = lock_with_jobs(work, request)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        if request.state not in lifecycle.NOT_STARTED | lifecycle.UNDER_WAY:
            with found.under():
                lifecycle.refuse_request_step(request, "cannot be stopped any more; hold what it made")
    hold = hold_actions.place_order_hold(work, request, request.site_id, severity)
    if request.state is RequestState.RUNNING:
        _hold(work, request, jobs)
    refresh_readiness(work, request)
    return hold


def release_hold(work: Work, hold: Hold, *, expected_version: int | None = None) -> Hold:
    """Release a hold, of an order or of anything else. An order that has not started is looked at again; one that is
    HELD stays so until it is resumed. Refuses what :func:`mesgraph.holds.actions.release_hold` refuses.
    """
    if hold.request_id is None:
        return hold_actions.release_hold(work, hold, expected_version=expected_version)
    request = row(work.session, OperationsRequest, hold.request_id)
    lock_with_jobs(work, request)
    released = hold_actions.release_hold(work, hold, order=request, expected_version=expected_version)
    refresh_readiness(work, request)
    return released


def lock_with_jobs(work: Work, request: OperationsRequest) -> list[JobOrder]:
    """Lock an order, then its steps and jobs; the jobs."""
    work.lock(request)
    jobs = queries.jobs_of(work.session, request.id)
    work.lock(*queries.requirements_of(work.session, request.id), *jobs)
    return jobs


def check(work: Work, request: OperationsRequest, to: RequestState, expected_version: int | None) -> None:
    """Refuse VERSION_CONFLICT and INVALID_TRANSITION, both at once."""
    with all_violations() as found:
        with found.under():
            work.expect(request, expected_version)
        with found.under():
            lifecycle.check_request_step(request, to)


def _check_resume(work: Work, request: OperationsRequest, expected_version: int | None) -> None:
    """An order that has not started becomes RUNNING by the start of a job, not by this."""
    check(work, request, RequestState.RUNNING, expected_version)
    if request.state not in lifecycle.STOPPED:
        lifecycle.refuse_request_step(request, "cannot be resumed; it runs when a job of it starts")


def _hold(work: Work, request: OperationsRequest, jobs: list[JobOrder]) -> None:
    stopped = _interrupt(jobs, JobSubState.HELD)
    request.state = RequestState.HELD
    ledger.record(work, events.OperationsRequestHeld(request=request, jobs=stopped), site_id=request.site_id)


def _interrupt(jobs: list[JobOrder], sub_state: JobSubState) -> list[JobOrder]:
    """Interrupt the jobs that run; those that stand still already do so for a reason of their own."""
    running = [job for job in jobs if job.state is JobState.RUNNING]
    for job in running:
        lifecycle.check_job_step(job, JobState.INTERRUPTED, sub_state)
        job.state, job.sub_state, job.interrupted_with_order = JobState.INTERRUPTED, sub_state, True
    return running


def _goes_on(work: Work, job: JobOrder, unit: Equipment) -> bool:
    """Resume a job if its guards hold; the next one is judged with this one running."""
    job.interrupted_with_order = False
    if start_violations(work, job, unit):
        return False
    lifecycle.check_job_step(job, JobState.RUNNING, None)
    job.state, job.sub_state = JobState.RUNNING, None
    work.session.flush()
    return True
