"""The verb by which a run reports how many units it made - good ones, scrap, what is to be reworked -, and back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.errors import Code, Findings, QuantityViolation, Violation, all_violations, invalid
from mesgraph.ledger.models import LedgerEvent, SubjectEntry
from mesgraph.orders import execution_events as events
from mesgraph.orders.models import (
    JobResponse,
    OperationsRequest,
    OutputQuality,
    QuantityActual,
    RequestState,
    SegmentRequirement,
)
from mesgraph.orders.pieces import output_of, pieces_violation
from mesgraph.orders.run import OPEN, Run, row, run_of
from mesgraph.quantity import MAX, plain
from mesgraph.work import Reason, Work

NOTHING = Decimal(0)
REASONS_MAX = 100


@dataclass(frozen=True)
class Share:
    """Units for one reason; good units have none."""

    quantity: Decimal
    reason: Reason | None = None


@dataclass(frozen=True)
class Reported:
    """Units of one quality. ``shares`` divide ``total`` by reason; without them the reason of the command stands for
    all, without a total it is their sum.
    """

    total: Decimal | None = None
    shares: Sequence[Share] = ()

    @property
    def quantity(self) -> Decimal:
        """How many units in all."""
        return self.total if self.total is not None else sum((share.quantity for share in self.shares), NOTHING)


NONE = Reported()


def report_quantity(
    work: Work, response: JobResponse, *, good: Decimal = NOTHING, scrap: Reported = NONE, rework: Reported = NONE
) -> JobResponse:
    """Add to what a run made. At the last step of the route it also counts for the order.

    An ended run takes a report only in the place of one that was taken back, until its order is closed.

    Refuses INVALID_TRANSITION, TIME_ORDER_INVALID, VALIDATION_FAILED (negative, nothing, more in all than can be
    recorded, or a part of a serial unit), REASON_REQUIRED for scrap or rework without a reason, QUANTITY_NOT_CONSERVED
    when the shares by reason are not the total.
    """
    run = run_of(work.session, response)
    last = _is_last_segment(work, run)
    work.lock(run.request if last else None, run.job, response)
    bad = {"scrap": scrap, "rework": rework}
    with all_violations() as found:
        corrects = _was_taken_back(work, run)
        found.extend(v for v in run.violations(work, OPEN) if not (corrects and v.code is Code.INVALID_TRANSITION))
        if good < 0:
            found.add(invalid(f"good is {plain(good)}; it must be zero or more", "good"))
        for name, reported in bad.items():
            _check(name, reported, found)
        if good == scrap.quantity == rework.quantity == 0:
            found.add(invalid("nothing is reported: good, scrap and rework are all zero", "good"))
        if any(reported.quantity > 0 and not reported.shares for reported in bad.values()):
            with found.under():
                work.needs_reason()
        counted_by = (response, run.request) if last else (response,)
        for name, reported in {"good": Reported(good), **bad}.items():
            found.extend(_piece_violations(work, run, name, reported))
            found.add(_sum_violation(counted_by, name, reported))
    for counted in counted_by:
        counted.good_quantity += good
        counted.scrap_quantity += scrap.quantity
        counted.rework_quantity += rework.quantity
    shares = {name: reported.shares or [Share(reported.quantity, work.reason)] for name, reported in bad.items()}
    posted = [
        *_post(work, response, OutputQuality.GOOD, [Share(good)]),
        *_post(work, response, OutputQuality.SCRAP, shares["scrap"]),
        *_post(work, response, OutputQuality.REWORK, shares["rework"]),
    ]
    ledger.record(
        work,
        events.QuantityReported(
            job_response=response,
            request=run.request if last else None,
            quantity_actuals=posted,
            good=good,
            scrap=scrap.quantity,
            rework=rework.quantity,
            scrap_reasons=_told(scrap.shares),
            rework_reasons=_told(rework.shares),
        ),
        site_id=response.site_id,
    )
    return response


def _check(name: str, reported: Reported, found: Findings) -> None:
    if reported.quantity < 0:
        found.add(invalid(f"{name} is {plain(reported.quantity)}; it must be zero or more", name))
    if len(reported.shares) > REASONS_MAX:
        found.add(invalid(f"{len(reported.shares)} reasons are more than {REASONS_MAX}", f"{name}_reasons"))
    by_reason = sum((share.quantity for share in reported.shares), NOTHING)
    if reported.shares and by_reason != reported.quantity:
        found.add(
            QuantityViolation(
                code=Code.QUANTITY_NOT_CONSERVED,
                message=f"{name} is {plain(reported.quantity)}, its reasons add up to {plain(by_reason)}",
                path=(f"{name}_reasons",),
                available=reported.quantity,
                requested=by_reason,
                uom="C62",
            )
        )


def _piece_violations(work: Work, run: Run, name: str, reported: Reported) -> Iterable[Violation]:
    material = output_of(work.session, run.requirement.segment_id)
    paths: list[tuple[str | int, ...]] = [(f"{name}_reasons", i, "quantity") for i in range(len(reported.shares))]
    amounts = [share.quantity for share in reported.shares]
    if reported.total is not None:
        paths, amounts = [(name,), *paths], [reported.total, *amounts]
    for path, amount in zip(paths, amounts, strict=True):
        violation = pieces_violation(material, amount, *path)
        if violation is not None:
            yield violation


def _sum_violation(
    counted_by: Sequence[JobResponse | OperationsRequest], name: str, reported: Reported
) -> Violation | None:
    """VALIDATION_FAILED when a sum outgrows what can be recorded."""
    path = name if reported.total is not None else f"{name}_reasons"
    for counted in counted_by:
        before: Decimal = getattr(counted, f"{name}_quantity")
        if before + reported.quantity > MAX:
            return invalid(
                f"{counted.code} has {plain(before)} {name} reported, and {plain(reported.quantity)} more are in all "
                f"more than {plain(MAX)}: correct the number, or take a wrong report back first (reverseEvent)",
                path,
            )
    return None


def _post(work: Work, response: JobResponse, quality: OutputQuality, shares: Iterable[Share]) -> list[QuantityActual]:
    return work.add_all(
        [
            QuantityActual(
                site_id=response.site_id,
                job_response_id=response.id,
                quality=quality,
                quantity=share.quantity,
                reason_code=share.reason.code if share.reason else None,
                comment=share.reason.comment if share.reason else None,
                posted_by_id=work.actor.principal_id,
                posted_at=work.occurred_at,
            )
            for share in shares
            if share.quantity > 0
        ]
    )


def _told(shares: Iterable[Share]) -> list[dict[str, object]]:
    return [{"quantity": share.quantity, "reason": share.reason.code if share.reason else None} for share in shares]


def _was_taken_back(work: Work, run: Run) -> bool:
    """Whether a report of the run was reversed after its end, in an order that is not closed."""
    if run.request.state is RequestState.CLOSED or run.response.ended_at is None:
        return False
    reversing = select(QuantityActual.id).where(
        QuantityActual.job_response_id == run.response.id,
        QuantityActual.reverses_id.is_not(None),
        QuantityActual.posted_at >= run.response.ended_at,
    )
    return work.session.scalar(reversing.limit(1)) is not None


@dataclass(frozen=True)
class Report:
    """What one command reported: its event, and what it posted."""

    event: LedgerEvent
    actuals: Sequence[QuantityActual]


def report_of(session: Session, event: LedgerEvent) -> Report | None:
    """The report that an event of the record tells of."""
    of_event = select(SubjectEntry.subject_id).where(
        SubjectEntry.ledger_event_id == event.id, SubjectEntry.subject_kind == QuantityActual.kind
    )
    rows = session.scalars(select(QuantityActual).where(QuantityActual.id.in_(of_event)).order_by(QuantityActual.id))
    actuals = rows.all()
    return Report(event, actuals) if actuals else None


def report_with(session: Session, actual: QuantityActual) -> Report | None:
    """The report that posted ``actual``: the first event in its history tells of it."""
    event = session.scalar(
        select(LedgerEvent)
        .join(SubjectEntry, SubjectEntry.ledger_event_id == LedgerEvent.id)
        .where(
            SubjectEntry.subject_kind == QuantityActual.kind,
            SubjectEntry.subject_id == actual.id,
            SubjectEntry.counter == 1,
        )
    )
    return report_of(session, event) if event is not None else None


def take_back_report(work: Work, report: Report) -> list[QuantityActual]:
    """Take a report back, also after the end of its run: the sums of run and order go down by it.

    The caller has checked the reason. Refuses RECORD_IMMUTABLE for what is reversed already and for orders that are
    closed.
    """
    response = row(work.session, JobResponse, report.actuals[0].job_response_id)
    run = run_of(work.session, response)
    last = _is_last_segment(work, run)
    work.lock(run.request, run.job, response)
    keys = [actual.id for actual in report.actuals]
    known = work.session.scalar(select(QuantityActual.id).where(QuantityActual.reverses_id.in_(keys)).limit(1))
    with all_violations() as found:
        if run.request.state is RequestState.CLOSED:
            found.add(invalid(f"order {run.request.code} is closed", "event", code=Code.RECORD_IMMUTABLE))
        if known is not None or any(actual.reverses_id is not None for actual in report.actuals):
            message = "this report is reversed, or a reversal itself; report the quantity anew"
            found.add(invalid(message, "event", code=Code.RECORD_IMMUTABLE))
    sums = dict.fromkeys(OutputQuality, NOTHING)
    for actual in report.actuals:
        sums[actual.quality] += actual.quantity
    for counted in (response, run.request) if last else (response,):
        counted.good_quantity -= sums[OutputQuality.GOOD]
        counted.scrap_quantity -= sums[OutputQuality.SCRAP]
        counted.rework_quantity -= sums[OutputQuality.REWORK]
    reversing = work.add_all(
        [
            QuantityActual(
                site_id=actual.site_id,
                job_response_id=response.id,
                quality=actual.quality,
                quantity=actual.quantity,
                reason_code=work.reason.code if work.reason else None,
                comment=work.reason.comment if work.reason else None,
                posted_by_id=work.actor.principal_id,
                posted_at=work.occurred_at,
                reverses_id=actual.id,
            )
            for actual in report.actuals
        ]
    )
    ledger.record(
        work,
        events.QuantityReportReversed(
            job_response=response,
            request=run.request if last else None,
            quantity_actuals=reversing,
            reverses=str(UUID(bytes=report.event.event_id)),
            good=sums[OutputQuality.GOOD],
            scrap=sums[OutputQuality.SCRAP],
            rework=sums[OutputQuality.REWORK],
        ),
        site_id=response.site_id,
    )
    return reversing


def _is_last_segment(work: Work, run: Run) -> bool:
    last = work.session.scalar(
        select(func.max(SegmentRequirement.seq)).where(SegmentRequirement.request_id == run.request.id)
    )
    return run.requirement.seq == last
