"""The verb by which a run reports how many units it made: good ones, scrap, and what is to be reworked."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.errors import Code, Findings, QuantityViolation, Violation, all_violations, invalid
from mesgraph.orders import execution_events as events
from mesgraph.orders.models import JobResponse, OperationsRequest, OutputQuality, QuantityActual, SegmentRequirement
from mesgraph.orders.pieces import output_of, pieces_violation
from mesgraph.orders.run import OPEN, Run, run_of
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

    Refuses INVALID_TRANSITION, TIME_ORDER_INVALID, VALIDATION_FAILED (negative, nothing, more in all than can be
    recorded, or a part of a serial unit), REASON_REQUIRED for scrap or rework without a reason, QUANTITY_NOT_CONSERVED
    when the shares by reason are not the total.
    """
    run = run_of(work.session, response)
    last = _is_last_segment(work, run)
    work.lock(run.request if last else None, run.job, response)
    bad = {"scrap": scrap, "rework": rework}
    with all_violations() as found:
        found.extend(run.violations(work, OPEN))
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
    _post(work, response, OutputQuality.GOOD, [Share(good)])
    _post(work, response, OutputQuality.SCRAP, shares["scrap"])
    _post(work, response, OutputQuality.REWORK, shares["rework"])
    ledger.record(
        work,
        events.QuantityReported(
            job_response=response,
            request=run.request if last else None,
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


def _post(work: Work, response: JobResponse, quality: OutputQuality, shares: Iterable[Share]) -> None:
    work.add_all(
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


def _is_last_segment(work: Work, run: Run) -> bool:
    last = work.session.scalar(
        select(func.max(SegmentRequirement.seq)).where(SegmentRequirement.request_id == run.request.id)
    )
    return run.requirement.seq == last
