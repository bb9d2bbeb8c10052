"""Verbs that bring an order to an early end: complete it before its last step has ended, abort it."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.db import EVERY_SITE
from mesgraph.errors import all_violations
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials import lifecycle as item_lifecycle
from mesgraph.materials.actions import withdraw
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders import events, execution, lifecycle, queries
from mesgraph.orders.halt import check, lock_with_jobs
from mesgraph.orders.loss import scrap_pending
from mesgraph.orders.models import (
    JobResponse,
    JobState,
    MaterialActual,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
)
from mesgraph.orders.run import Run, run_of
from mesgraph.work import Work


class WipDisposition(StrEnum):
    """What becomes of the items that are in process in an aborted order."""

    SCRAP = "SCRAP"
    QUARANTINE = "QUARANTINE"


def complete_operations_request(
    work: Work, request: OperationsRequest, *, expected_version: int | None = None
) -> OperationsRequest:
    """Complete a running order before its last step has ended (short-close). Needs a reason.

    Jobs that have not begun are cancelled, steps that have begun end; what is in process becomes AVAILABLE. Refuses
    VERSION_CONFLICT, REASON_REQUIRED, INVALID_TRANSITION, also for every job that has begun and not ended.
    """
    jobs = lock_with_jobs(work, request)
    steps = queries.requirements_of(work.session, request.id)
    work.lock(*execution.in_process(work, request))
    begun = [job for job in jobs if job.state in (JobState.RUNNING, JobState.INTERRUPTED)]
    with all_violations() as found:
        with found.under():
            check(work, request, RequestState.COMPLETED, expected_version)
        with found.under():
            work.needs_reason()
        if request.state is RequestState.RUNNING:
            found.extend(
                lifecycle.job_step_violation(job, "has to be stopped or aborted first", "operations_request")
                for job in begun
            )
    not_begun = [job for job in jobs if job.state in lifecycle.BEFORE_START]
    for job in not_begun:
        lifecycle.check_job_step(job, JobState.CANCELLED, None)
        job.state, job.sub_state = JobState.CANCELLED, None
    _end_steps(work, request, steps)
    execution.complete(work, request, not_begun)
    return request


def abort_operations_request(
    work: Work, request: OperationsRequest, *, disposition: WipDisposition, expected_version: int | None = None
) -> OperationsRequest:
    """Give up an order that is under way, and its jobs. Needs a reason.

    Open runs end now, and what is pending in them is scrapped: reverse the consumption of what can still be used
    before. Items in process are scrapped or go into quarantine, as ``disposition`` says. Refuses VERSION_CONFLICT,
    INVALID_TRANSITION, REASON_REQUIRED, TIME_ORDER_INVALID before the last actual of an open run.
    """
    jobs = lock_with_jobs(work, request)
    runs = _open_runs(work, request)
    steps = queries.requirements_of(work.session, request.id)
    in_process = execution.in_process(work, request)
    work.lock(*(run.response for run in runs), *in_process, *_pending_items(work, runs))
    with all_violations() as found:
        with found.under():
            check(work, request, RequestState.ABORTED, expected_version)
        with found.under():
            work.needs_reason()
        with found.under():
            work.needs_signature(request)
        found.add(*(execution.end_violation(work, run) for run in runs))
    for run in runs:
        end_run(work, run)
    live = [job for job in jobs if job.state in lifecycle.LIVE]
    for job in live:
        lifecycle.check_job_step(job, JobState.ABORTED, None)
        job.state, job.sub_state, job.interrupted_with_order = JobState.ABORTED, None, False
    _end_steps(work, request, steps)
    to = _dispose(work, request, in_process, disposition)
    request.state = RequestState.ABORTED
    ledger.record(
        work,
        events.OperationsRequestAborted(request=request, jobs=live, items=in_process, disposition=to),
        site_id=request.site_id,
    )
    return request


def end_run(work: Work, run: Run) -> None:
    """Primitive: an open run ends without having come to its end; what is pending in it is scrapped."""
    scrap_pending(work, run)
    run.response.ended_at = work.occurred_at


def _end_steps(work: Work, request: OperationsRequest, steps: Sequence[SegmentRequirement]) -> None:
    """Steps that have begun end with the order; those that never began have neither start nor end."""
    for step in steps:
        if step.started_at is not None and step.ended_at is None:
            execution.end_step(work, step, request)


def _open_runs(work: Work, request: OperationsRequest) -> list[Run]:
    statement = select(JobResponse).where(JobResponse.request_id == request.id, JobResponse.ended_at.is_(None))
    return [run_of(work.session, response) for response in work.session.scalars(statement.order_by(JobResponse.id))]


def _pending_items(work: Work, runs: Sequence[Run]) -> list[Item]:
    responses = [run.response.id for run in runs]
    waiting = select(MaterialActual.item_id).where(
        MaterialActual.job_response_id.in_(responses), MaterialActual.pending > Decimal(0)
    )
    statement = select(Item).where(Item.id.in_(waiting)).execution_options(**EVERY_SITE)
    return list(work.session.scalars(statement))


def _dispose(work: Work, request: OperationsRequest, items: Sequence[Item], disposition: WipDisposition) -> Lifecycle:
    """Scrap the items, as one activity, or put them into quarantine."""
    to = Lifecycle.SCRAPPED if disposition is WipDisposition.SCRAP else Lifecycle.QUARANTINE
    lines = [Line(item, item.quantity) for item in items]
    for item, line in zip(items, lines, strict=True):
        item_lifecycle.move_to(item, to)
        if to is Lifecycle.SCRAPPED:
            withdraw(work, item, line.quantity)
    if lines and to is Lifecycle.SCRAPPED:
        record_activity(work, kind=GenealogyKind.SCRAP, site_id=request.site_id, inputs=lines, outputs=[])
    return to
