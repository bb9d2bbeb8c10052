"""Verbs of deviations: something in a run left its approved limits (I11, I20, I21).

A deviation is the record of one excursion and of the decision on it: accepted, the run may go on with it; rejected, it
may not. What to do with the affected output is not decided here: a nonconformance (kind DEVIATION) of the quality
domain names the deviations that it gathers and carries containment, disposition and corrective action. Therefore a
deviation never changes once it is decided, and its number can be cited.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.definitions.models import MaterialUse
from mesgraph.errors import Code, Findings, TransitionViolation, Violation, all_violations, invalid
from mesgraph.holds.models import Hold
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders import queries
from mesgraph.orders import record_events as events
from mesgraph.orders.bill import OutOfTolerance, bill_lines, bill_violation, line_of
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    DeviationState,
    JobOrder,
    JobResponse,
    OperationsRequest,
    ParameterActual,
    StepExecution,
)
from mesgraph.orders.run import OPEN, Run, run_of
from mesgraph.words import number_after
from mesgraph.work import Work

D = DeviationState
NAMED_MAX = 20
"""How many deviations a refusal names."""


def record_deviation(
    work: Work,
    run: Run,
    kind: DeviationKind,
    description: str,
    *,
    parameter_actual: ParameterActual | None = None,
    step_execution: StepExecution | None = None,
    bill_line_id: int | None = None,
    hold: Hold | None = None,
) -> Deviation:
    """Open a deviation of a run that the caller has locked; whoever acts has opened it."""
    site_id = run.response.site_id
    deviation = work.add(
        Deviation(
            site_id=site_id,
            # two commands at once may read the same number: the unique constraint stops the later one, which repeats
            number=number_after(queries.last_deviation(work.session, site_id), "D"),
            deviation_kind=kind,
            state=D.OPEN,
            job_response_id=run.response.id,
            parameter_actual_id=parameter_actual.id if parameter_actual else None,
            step_execution_id=step_execution.id if step_execution else None,
            bill_line_id=bill_line_id,
            hold_id=hold.id if hold else None,
            description=description,
            opened_by_id=work.actor.principal_id,
            opened_at=work.occurred_at,
        )
    )
    ledger.record(
        work,
        events.DeviationOpened(
            deviation=deviation, job_response=run.response, kind=kind, description=description, hold=hold
        ),
        site_id=site_id,
    )
    return deviation


def open_deviation(work: Work, response: JobResponse, material: MaterialDefinition) -> Deviation:
    """Ask for a consumption of ``material`` outside the tolerance of its bill line in this run. Needs a reason.

    Once it is accepted, productions of the run pass that the line would block (I11). Refuses REASON_REQUIRED,
    INVALID_TRANSITION for a run that has ended, TIME_ORDER_INVALID, WRONG_MATERIAL, WRONG_MATERIAL_VERSION for what
    no line of the segment consumes, VALIDATION_FAILED for a line without tolerance, and DUPLICATE_KEY while one for
    the same line is open or accepted.
    """
    run = run_of(work.session, response)
    run.lock(work)
    bill = bill_lines(work.session, run.requirement.segment_id)
    line = line_of(bill, material)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        found.extend(run.violations(work, OPEN))
        if line is None:
            found.add(bill_violation(bill, material, {MaterialUse.CONSUMED}, "material"))
        elif line.specification.tolerance_pct is None:
            found.add(invalid(f"any amount of {material.code} passes: its line has no tolerance", "material"))
        else:
            found.add(_known_violation(work, run, line.specification.id))
    assert line is not None, "a material on no line was refused"
    reason = work.needs_reason()
    told = f": {reason.comment}" if reason.comment else ""
    description = f"{line.material.code} outside the tolerance of line {line.specification.line}, {reason.code}{told}"
    return record_deviation(
        work, run, DeviationKind.CONSUMPTION, description[:2000], bill_line_id=line.specification.id
    )


def decide_deviation(
    work: Work, deviation: Deviation, *, accept: bool, expected_version: int | None = None
) -> Deviation:
    """Accept or reject a deviation. Needs a reason.

    Refuses VERSION_CONFLICT, REASON_REQUIRED, INVALID_TRANSITION when it is decided already, SAME_PERSON_FORBIDDEN
    for the one who opened it (I35), TIME_ORDER_INVALID before it was opened.
    """
    work.lock(deviation)
    target = D.ACCEPTED if accept else D.REJECTED
    with all_violations() as found:
        with found.under():
            work.expect(deviation, expected_version)
        with found.under():
            work.needs_reason()
        with found.under():
            work.needs_signature(deviation)
        found.add(_decided_violation(deviation), _own_violation(work, deviation))
        if work.occurred_at < deviation.opened_at:
            message = f"{deviation.number} was opened at {deviation.opened_at.isoformat()}"
            found.add(invalid(message, "event_time", code=Code.TIME_ORDER_INVALID))
    reason = work.needs_reason()
    deviation.state = target
    deviation.decided_by_id, deviation.decided_at = work.actor.principal_id, work.occurred_at
    deviation.reason_code, deviation.comment = reason.code, reason.comment
    ledger.record(work, events.DeviationDecided(deviation=deviation, state=target), site_id=deviation.site_id)
    return deviation


@dataclass(frozen=True)
class Tolerated:
    """What passes although it lies outside a tolerance: a sentence for each, and the deviations that let it pass."""

    warnings: list[str]
    deviations: list[Deviation]


def tolerate(
    work: Work, response: JobResponse, outside: Sequence[OutOfTolerance], found: Findings, *path: str | int
) -> Tolerated:
    """Judge consumptions outside their tolerance (I11): a line that warns passes, and so does one that blocks when a
    deviation of this run is accepted for it; notes CONSUMPTION_OUT_OF_TOLERANCE for the others.
    """
    accepted = _accepted(work, response, [x.line.specification.id for x in outside if x.blocks])
    warnings, used = [], []
    for x in outside:
        deviation = accepted.get(x.line.specification.id)
        if deviation is not None:
            used.append(deviation)
            warnings.append(f"{x}; {deviation.number} is accepted")
        elif x.blocks:
            found.add(invalid(str(x), *path, code=Code.CONSUMPTION_OUT_OF_TOLERANCE))
        else:
            warnings.append(str(x))
    return Tolerated(warnings, used)


def _accepted(work: Work, response: JobResponse, bill_line_ids: Collection[int]) -> dict[int, Deviation]:
    """The accepted deviations of a run by bill line."""
    if not bill_line_ids:
        return {}
    rows = work.session.scalars(
        select(Deviation).where(
            Deviation.job_response_id == response.id,
            Deviation.bill_line_id.in_(bill_line_ids),
            Deviation.state == D.ACCEPTED,
        )
    )
    return {row.bill_line_id: row for row in rows if row.bill_line_id is not None}


def open_violation(work: Work, request: OperationsRequest, *path: str | int) -> Violation | None:
    """DEVIATION_OPEN while deviations of the order's runs wait for their decision; names them."""
    waiting = (
        select(Deviation.number)
        .join(JobResponse, JobResponse.id == Deviation.job_response_id)
        .join(JobOrder, JobOrder.id == JobResponse.job_order_id)
        .where(JobOrder.request_id == request.id, Deviation.state == D.OPEN)
        .order_by(Deviation.number)
    )
    numbers = work.session.scalars(waiting.limit(NAMED_MAX + 1)).all()
    if not numbers:
        return None
    more = " and more" if len(numbers) > NAMED_MAX else ""
    message = f"deviations of {request.code} wait for a decision: {', '.join(numbers[:NAMED_MAX])}{more}"
    return invalid(message, *path, code=Code.DEVIATION_OPEN)


def _known_violation(work: Work, run: Run, bill_line_id: int) -> Violation | None:
    known = work.session.scalar(
        select(Deviation).where(
            Deviation.job_response_id == run.response.id,
            Deviation.bill_line_id == bill_line_id,
            Deviation.state != D.REJECTED,
        )
    )
    if known is None:
        return None
    return invalid(f"{known.number} asks for the same and is {known.state}", "material", code=Code.DUPLICATE_KEY)


def _decided_violation(deviation: Deviation) -> Violation | None:
    if deviation.state is D.OPEN:
        return None
    message = f"{deviation.number} is {deviation.state}; a decision is made once"
    return TransitionViolation(message=message, path=("deviation",), from_state=deviation.state, allowed=())


def _own_violation(work: Work, deviation: Deviation) -> Violation | None:
    if deviation.opened_by_id != work.actor.principal_id:
        return None
    return invalid(
        f"{work.actor.subject} opened {deviation.number} and cannot decide it",
        "deviation",
        code=Code.SAME_PERSON_FORBIDDEN,
    )
