"""What an as-built record still lacks: each check gives a gap, or ``None`` where there is none."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from mesgraph.definitions.models import MaterialUse
from mesgraph.definitions.specifications import parameters_of
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.walk import EVENT, NOW
from mesgraph.holds.models import Hold
from mesgraph.ledger.models import LedgerEvent, SubjectEntry
from mesgraph.materials.events import DispositionDecided
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders.bill import bill_lines
from mesgraph.orders.models import (
    ActualUse,
    Deviation,
    DeviationState,
    JobOrder,
    JobResponse,
    JobState,
    MaterialActual,
    ParameterActual,
    SegmentRequirement,
)
from mesgraph.orders.progress import StepProgress, StepState
from mesgraph.orders.run import row
from mesgraph.quantity import plain


class GapCode(StrEnum):
    """What is missing in an as-built record."""

    ORIGIN_UNKNOWN = "ORIGIN_UNKNOWN"
    RUN_NOT_ENDED = "RUN_NOT_ENDED"
    ACTUAL_MISSING = "ACTUAL_MISSING"
    MATERIAL_PENDING = "MATERIAL_PENDING"
    PARAMETER_MISSING = "PARAMETER_MISSING"
    STEP_INCOMPLETE = "STEP_INCOMPLETE"
    COMPONENT_MISSING = "COMPONENT_MISSING"
    DEVIATION_OPEN = "DEVIATION_OPEN"
    DEVIATION_REJECTED = "DEVIATION_REJECTED"
    HOLD_OPEN = "HOLD_OPEN"


@dataclass(frozen=True)
class Gap:
    """Something that the record still lacks; with ``site_id`` its message names what belongs to that site."""

    code: GapCode
    message: str
    site_id: int | None = None

    def seen_from(self, sites: Collection[int]) -> "Gap":
        """As somebody with a role at ``sites`` alone may see it."""
        known = self.site_id is None or self.site_id in sites
        return self if known else Gap(self.code, "at a site that you may not see", self.site_id)


def origin(session: Session, item: Item) -> Gap | None:
    """The record says where the item came from."""
    origin = (
        select(GenealogyEvent.id)
        .join(GenealogyLine, GenealogyLine.event_id == GenealogyEvent.id)
        .where(GenealogyLine.item_id == item.id, GenealogyLine.role == LineRole.OUTPUT, NOW.holds(EVENT))
        .limit(1)
    )
    if session.scalar(origin) is not None:
        return None
    return Gap(GapCode.ORIGIN_UNKNOWN, f"nothing says where {item.key} came from")


def ended(session: Session, steps: Sequence[SegmentRequirement], runs: Sequence[JobResponse]) -> Iterator[Gap | None]:
    """Every step has run, and every run has come to its end."""
    jobs = _jobs(session, runs)
    for step in steps:
        if not any(jobs[run.job_order_id].requirement_id == step.id for run in runs):
            yield Gap(GapCode.RUN_NOT_ENDED, f"step {step.seq} has not run yet")
    for run in runs:
        yield None if run.ended_at else Gap(GapCode.RUN_NOT_ENDED, f"{run.code} has not come to its end", run.site_id)


def _jobs(session: Session, runs: Sequence[JobResponse]) -> dict[int, JobOrder]:
    wanted = {run.job_order_id for run in runs}
    return {job.id: job for job in session.scalars(select(JobOrder).where(JobOrder.id.in_(wanted)))}


def bill(
    session: Session,
    steps: Sequence[SegmentRequirement],
    runs: Sequence[JobResponse],
    actuals: Sequence[MaterialActual],
) -> Iterator[Gap | None]:
    """Every bill line of the steps that names a consumed material has an actual in a run of its step. A rework need not
    take the bill once more, so the steps are those of the order that made the item first.
    """
    jobs = _jobs(session, runs)
    step_of = {run.id: jobs[run.job_order_id].requirement_id for run in runs}
    codes = _codes(session, actuals)
    reversed_ids = {actual.reverses_id for actual in actuals}
    taken = {
        (step_of[actual.job_response_id], codes.get(actual.item_id))
        for actual in actuals
        if actual.use is ActualUse.CONSUMED and actual.reverses_id is None and actual.id not in reversed_ids
    }
    for step in steps:
        for line in bill_lines(session, step.segment_id):
            if line.specification.use is MaterialUse.CONSUMED:
                missing = not any((step.id, code) in taken for code in line.codes)
                message = f"step {step.seq} has no actual of {line.material.code}, line {line.specification.line}"
                yield Gap(GapCode.ACTUAL_MISSING, message) if missing else None


def _codes(session: Session, actuals: Sequence[MaterialActual]) -> dict[int, str]:
    """Material code by item id."""
    wanted = select(MaterialActual.item_id).where(MaterialActual.id.in_([actual.id for actual in actuals]))
    rows = session.execute(
        select(Item.id, MaterialDefinition.code)
        .join(MaterialDefinition, MaterialDefinition.id == Item.material_id)
        .where(Item.id.in_(wanted))
    )
    return {row[0]: row[1] for row in rows}


def settled(session: Session, runs: Sequence[JobResponse], actuals: Sequence[MaterialActual]) -> Iterator[Gap | None]:
    """Nothing that a run took waits for an output."""
    for run in runs:
        waiting = [actual for actual in actuals if actual.job_response_id == run.id and actual.pending > 0]
        if not waiting:
            yield None
        for actual in waiting:
            item = row(session, Item, actual.item_id)
            amount = f"{plain(actual.pending)} {item.uom} of {item.key}"
            yield Gap(GapCode.MATERIAL_PENDING, f"{amount} are pending in {run.code}", run.site_id)


def parameters(
    session: Session, steps: Sequence[SegmentRequirement], measured: Sequence[ParameterActual]
) -> Iterator[Gap | None]:
    """Every parameter of the steps has a value; one that a rework measured is there."""
    known = {actual.specification_id for actual in measured}
    once = {step.segment_id: step for step in steps}
    asked = parameters_of(session, list(once))
    for segment_id, step in once.items():
        for parameter in asked[segment_id]:
            missing = Gap(GapCode.PARAMETER_MISSING, f"step {step.seq} has no value of {parameter.code}")
            yield None if parameter.id in known else missing


def done(
    session: Session, runs: Sequence[JobResponse], progress: Mapping[int, Sequence[StepProgress]]
) -> Iterator[Gap | None]:
    """Every mandatory step of the instructions is done: in the run, or after one that was given up or rerouted in
    another run of the same step of the order.
    """
    jobs = _jobs(session, runs)
    rerouted = {job.rerouted_from_id for job in jobs.values()}
    finished = {
        (jobs[run.job_order_id].requirement_id, x.step.id)
        for run in runs
        for x in progress[run.id]
        if x.state is StepState.DONE
    }
    for run in runs:
        job = jobs[run.job_order_id]
        for x in progress[run.id]:
            if x.step.mandatory:
                left = job.state is JobState.ABORTED or job.id in rerouted
                elsewhere = left and (job.requirement_id, x.step.id) in finished
                message = f"step {x.step.no} of the instruction is not done in {run.code}: {x.state}"
                missing = Gap(GapCode.STEP_INCOMPLETE, message, run.site_id)
                yield None if x.state is StepState.DONE or elsewhere else missing


def filled(session: Session, revisions: Sequence[Item], components: Sequence[Item]) -> Iterator[Gap | None]:
    """Every slot that the assembly of the item filled, or that of an earlier revision, holds a component."""
    made = aliased(GenealogyLine)
    slots = session.scalars(
        select(GenealogyLine.slot)
        .join(GenealogyEvent, GenealogyEvent.id == GenealogyLine.event_id)
        .join(made, (made.event_id == GenealogyLine.event_id) & (made.role == LineRole.OUTPUT))
        .where(
            GenealogyEvent.event_kind == GenealogyKind.ASSEMBLE,
            NOW.holds(EVENT),
            made.item_id.in_([revision.id for revision in revisions]),
            GenealogyLine.role == LineRole.INPUT,
            GenealogyLine.slot.is_not(None),
        )
        .distinct()
        .order_by(GenealogyLine.slot)
    )
    filled = {component.slot for component in components}
    for slot in slots:
        yield None if slot in filled else Gap(GapCode.COMPONENT_MISSING, f"slot {slot} of {revisions[0].key} is empty")


def decided(session: Session, revisions: Sequence[Item], deviations: Sequence[Deviation]) -> Iterator[Gap | None]:
    """Every deviation is decided, and where a value was rejected, the item was judged since.

    What was rejected before it was done - more material than the bill allows - left no trace in the item.
    """
    judged_at = _judged_at(session, revisions)
    for deviation in deviations:
        if deviation.state is DeviationState.OPEN:
            message = f"deviation {deviation.number} is not decided: {deviation.description}"
            yield Gap(GapCode.DEVIATION_OPEN, message, deviation.site_id)
        elif deviation.state is DeviationState.REJECTED and deviation.parameter_actual_id is not None:
            decided_at = deviation.decided_at
            since = judged_at is not None and decided_at is not None and judged_at >= decided_at
            way_out = f"reject {revisions[0].key} and decide what becomes of it"
            message = f"deviation {deviation.number} was rejected; {way_out}"
            yield None if since else Gap(GapCode.DEVIATION_REJECTED, message, deviation.site_id)
        else:
            yield None


def _judged_at(session: Session, revisions: Sequence[Item]) -> datetime | None:
    """When it was last decided what becomes of the item, or of an earlier revision, after a rejection."""
    return session.scalar(
        select(func.max(LedgerEvent.occurred_at))
        .join(SubjectEntry, SubjectEntry.ledger_event_id == LedgerEvent.id)
        .where(
            LedgerEvent.type == DispositionDecided.word,
            SubjectEntry.subject_kind == revisions[0].subject_kind,
            SubjectEntry.subject_id.in_([revision.id for revision in revisions]),
        )
    )


def released(item: Item, holds: Sequence[Hold]) -> Iterator[Gap | None]:
    """No hold is open on the item or on what is installed in it."""
    waiting = [hold for hold in holds if hold.released_at is None]
    if not waiting:
        yield None
    for hold in waiting:
        message = f"hold {hold.number} on {item.key} or a part of it is open: {hold.reason_code}"
        yield Gap(GapCode.HOLD_OPEN, message, hold.site_id)
