"""The as-built record: everything that the plant knows of how one item came to be, and what is missing in it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from enum import StrEnum
from typing import TypeVar

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from mesgraph.db import EVERY_SITE, Sited, Sites, every_site
from mesgraph.definitions.models import MaterialUse
from mesgraph.definitions.specifications import parameters_of
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.trace import TraceDirection, TraceEdge, trace
from mesgraph.genealogy.walk import EVENT, NOW
from mesgraph.holds.models import Hold
from mesgraph.holds.queries import holds_of
from mesgraph.ledger.models import LedgerEvent, SubjectEntry
from mesgraph.materials.events import DispositionDecided
from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition
from mesgraph.orders.bill import bill_lines
from mesgraph.orders.models import (
    ActualUse,
    Deviation,
    DeviationState,
    JobOrder,
    JobResponse,
    JobState,
    MaterialActual,
    OperationsRequest,
    ParameterActual,
    SegmentRequirement,
    StepExecution,
)
from mesgraph.orders.progress import StepProgress, StepState, progress_of
from mesgraph.orders.queries import requirements_of
from mesgraph.orders.run import row
from mesgraph.quantity import plain

S = TypeVar("S", bound=Sited)


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
    """Something that the record still lacks."""

    code: GapCode
    message: str


@dataclass(frozen=True)
class AsBuilt:
    """The record of one item.

    ``job_responses``: the runs of its order that made it or what it was made from, and those that worked on it without
    making anything. ``material_actuals``: what those runs took and made, reversals included; ``parameter_actuals``:
    what they measured, but for values of other items; ``step_executions``: what was done in them, every attempt;
    ``deviations``: what left its limits in them. ``inputs``: its direct inputs with their shares. ``holds``: of the
    item and its components, released ones too.
    ``completeness_pct``: the part of what is expected that is there.
    """

    item: Item
    job_responses: list[JobResponse]
    material_actuals: list[MaterialActual]
    parameter_actuals: list[ParameterActual]
    step_executions: list[StepExecution]
    deviations: list[Deviation]
    components: list[Item]
    inputs: list[TraceEdge]
    events: list[GenealogyEvent]
    holds: list[Hold]
    completeness_pct: Decimal
    gaps: list[Gap]

    def seen_from(self, sites: Sites) -> "AsBuilt":
        """The record without the rows of other sites."""
        if sites is None:
            return self
        return replace(
            self,
            job_responses=_at(sites, self.job_responses),
            material_actuals=_at(sites, self.material_actuals),
            parameter_actuals=_at(sites, self.parameter_actuals),
            step_executions=_at(sites, self.step_executions),
            deviations=_at(sites, self.deviations),
            components=_at(sites, self.components),
            inputs=[edge for edge in self.inputs if {edge.event.site_id, edge.from_item.site_id} <= sites],
            events=_at(sites, self.events),
            holds=_at(sites, self.holds),
        )


def as_built(session: Session, item: Item) -> AsBuilt:
    """The record of ``item``; the number of statements does not grow with its lineage.

    Complete is complete, whoever asks: what is missing is judged with the rows of all sites, and only those in the
    session's scope are shown.
    """
    with every_site(session) as scope:
        return _gather(session, item).seen_from(scope)


def _gather(session: Session, item: Item) -> AsBuilt:
    lineage = trace(session, item, TraceDirection.BACKWARD).edges
    events = _events(session, item)
    revisions = _revisions(item, lineage)
    made_by = {edge.event.job_response_id for edge in lineage} | _makers(session, revisions)
    first_steps, steps = _steps(session, revisions[-1], made_by), _all_steps(session, revisions, made_by)
    runs = _runs(session, revisions, steps, made_by)
    components = _components(session, item)
    actuals = _actuals(session, runs)
    measured = _measured(session, runs, {item.id} | {edge.from_item.id for edge in lineage})
    progress = progress_of(session, [run.id for run in runs])
    deviations = _deviations(session, runs, measured)
    held = holds_of(session, [item.id, *(component.id for component in components)], open_only=False)
    holds = list({entry.hold.id: entry.hold for entry in held}.values())
    checks = [
        _origin(session, item),
        *_ended(session, steps, runs),
        *_bill(session, first_steps, runs, actuals),
        *_settled(session, runs, actuals),
        *_parameters(session, steps, measured),
        *_done(runs, _jobs(session, runs), progress),
        *_filled(session, revisions, components),
        *_decided(session, revisions, deviations),
        *_released(item, holds),
    ]
    return AsBuilt(
        item=item,
        job_responses=runs,
        material_actuals=actuals,
        parameter_actuals=measured,
        step_executions=[x for run in runs for step in progress[run.id] for x in step.attempts],
        deviations=deviations,
        components=components,
        inputs=[edge for edge in lineage if edge.to_item.id == item.id],
        events=events,
        holds=holds,
        completeness_pct=_percentage(checks),
        gaps=[check for check in checks if check is not None],
    )


def _at(sites: frozenset[int], rows: Sequence[S]) -> list[S]:
    return [row for row in rows if row.site_id in sites]


def _percentage(checks: Sequence[Gap | None]) -> Decimal:
    """The part of the checks that found no gap, rounded down to a tenth, so that only all of them make 100."""
    passed = sum(check is None for check in checks)
    return (Decimal(100 * passed) / len(checks)).quantize(Decimal("0.1"), ROUND_DOWN)


def _events(session: Session, item: Item) -> list[GenealogyEvent]:
    """The activities that name the item, in the order of their happening."""
    naming = select(GenealogyLine.event_id).where(GenealogyLine.item_id == item.id)
    return list(
        session.scalars(
            select(GenealogyEvent)
            .where(GenealogyEvent.id.in_(naming))
            .order_by(GenealogyEvent.occurred_at, GenealogyEvent.id)
        )
    )


def _makers(session: Session, revisions: Sequence[Item]) -> set[int | None]:
    """The runs that made the item, or an earlier revision."""
    return set(
        session.scalars(
            select(GenealogyEvent.job_response_id)
            .join(GenealogyLine, GenealogyLine.event_id == GenealogyEvent.id)
            .where(
                GenealogyLine.item_id.in_([revision.id for revision in revisions]),
                GenealogyLine.role == LineRole.OUTPUT,
            )
        )
    )


def _revisions(item: Item, lineage: Sequence[TraceEdge]) -> list[Item]:
    """The item and what it was before each rework, the latest first."""
    before = {edge.to_item.id: edge.from_item for edge in lineage if edge.event.event_kind is GenealogyKind.REWORK}
    revisions = [item]
    while (earlier := before.get(revisions[-1].id)) is not None:
        revisions.append(earlier)
    return revisions


def _all_steps(
    session: Session, revisions: Sequence[Item], made_by: Collection[int | None]
) -> list[SegmentRequirement]:
    """The steps that the item passes, those before a rework first; a rework takes nothing of them back."""
    found = (step for revision in reversed(revisions) for step in _steps(session, revision, made_by))
    return list({step.id: step for step in found}.values())


def _steps(session: Session, item: Item, made_by: Collection[int | None]) -> list[SegmentRequirement]:
    """The steps of the order that the item passes: up to the one that makes it, for the order's product all."""
    if item.request_id is None:
        return []
    request = row(session, OperationsRequest, item.request_id)
    steps = requirements_of(session, request.id)
    product = row(session, MaterialDefinition, request.product_id)
    material = row(session, MaterialDefinition, item.material_id) if item.material_id is not None else None
    if material is not None and material.code == product.code:
        return steps
    made_in = session.scalar(
        select(func.max(SegmentRequirement.seq))
        .join(JobOrder, JobOrder.requirement_id == SegmentRequirement.id)
        .join(JobResponse, JobResponse.job_order_id == JobOrder.id)
        .where(JobResponse.id.in_(_known(made_by)), SegmentRequirement.request_id == request.id)
    )
    return [step for step in steps if made_in is not None and step.seq <= made_in]


def _runs(
    session: Session,
    revisions: Sequence[Item],
    steps: Sequence[SegmentRequirement],
    made_by: Collection[int | None],
) -> list[JobResponse]:
    """The runs of those steps, without the ones that made other items only, and those given up that made nothing."""
    makes = exists().where(MaterialActual.job_response_id == JobResponse.id, MaterialActual.use != ActualUse.CONSUMED)
    return list(
        session.scalars(
            select(JobResponse)
            .join(JobOrder, JobOrder.id == JobResponse.job_order_id)
            .where(
                JobResponse.request_id.in_({revision.request_id for revision in revisions}),
                JobOrder.requirement_id.in_([step.id for step in steps]),
                or_(JobResponse.id.in_(_known(made_by)), ~makes & (JobOrder.state != JobState.ABORTED)),
            )
            .order_by(JobResponse.started_at, JobResponse.id)
        )
    )


def _known(keys: Collection[int | None]) -> list[int]:
    return sorted(key for key in keys if key is not None)


def _components(session: Session, item: Item) -> list[Item]:
    """What is installed in the item, by slot."""
    return list(
        session.scalars(
            select(Item)
            .where(Item.parent_id == item.id, Item.lifecycle == Lifecycle.INSTALLED)
            .order_by(Item.slot, Item.id)
        )
    )


def _actuals(session: Session, runs: Sequence[JobResponse]) -> list[MaterialActual]:
    return list(
        session.scalars(
            select(MaterialActual)
            .where(MaterialActual.job_response_id.in_([run.id for run in runs]))
            .order_by(MaterialActual.id)
        )
    )


def _measured(session: Session, runs: Sequence[JobResponse], lineage: Collection[int]) -> list[ParameterActual]:
    """The values of the runs that were measured on no item, on this one, or on one that it was made from."""
    rows = session.scalars(
        select(ParameterActual)
        .where(ParameterActual.job_response_id.in_([run.id for run in runs]))
        .order_by(ParameterActual.id)
    )
    return [row for row in rows if row.item_id is None or row.item_id in lineage]


def _deviations(session: Session, runs: Sequence[JobResponse], measured: Sequence[ParameterActual]) -> list[Deviation]:
    """What left its limits in the runs, values of other items left out."""
    rows = session.scalars(
        select(Deviation).where(Deviation.job_response_id.in_([run.id for run in runs])).order_by(Deviation.id)
    )
    own = {None, *(actual.id for actual in measured)}
    return [row for row in rows if row.parameter_actual_id in own]


def _origin(session: Session, item: Item) -> Gap | None:
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


def _ended(session: Session, steps: Sequence[SegmentRequirement], runs: Sequence[JobResponse]) -> Iterator[Gap | None]:
    """Every step has run, and every run has come to its end."""
    jobs = _jobs(session, runs)
    for step in steps:
        if not any(jobs[run.job_order_id].requirement_id == step.id for run in runs):
            yield Gap(GapCode.RUN_NOT_ENDED, f"step {step.seq} has not run yet")
    for run in runs:
        yield None if run.ended_at else Gap(GapCode.RUN_NOT_ENDED, f"{run.code} has not come to its end")


def _jobs(session: Session, runs: Sequence[JobResponse]) -> dict[int, JobOrder]:
    wanted = {run.job_order_id for run in runs}
    return {job.id: job for job in session.scalars(select(JobOrder).where(JobOrder.id.in_(wanted)))}


def _bill(
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
        .execution_options(**EVERY_SITE)
    )
    return {row[0]: row[1] for row in rows}


def _settled(session: Session, runs: Sequence[JobResponse], actuals: Sequence[MaterialActual]) -> Iterator[Gap | None]:
    """Nothing that a run took waits for an output."""
    for run in runs:
        waiting = [actual for actual in actuals if actual.job_response_id == run.id and actual.pending > 0]
        if not waiting:
            yield None
        for actual in waiting:
            item = row(session, Item, actual.item_id)
            amount = f"{plain(actual.pending)} {item.uom} of {item.key}"
            yield Gap(GapCode.MATERIAL_PENDING, f"{amount} are pending in {run.code}")


def _parameters(
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


def _done(
    runs: Sequence[JobResponse], jobs: Mapping[int, JobOrder], progress: Mapping[int, Sequence[StepProgress]]
) -> Iterator[Gap | None]:
    """Every mandatory step of the instructions is done: in the run, or after one that was given up or rerouted in
    another run of the same step of the order.
    """
    rerouted = {job.rerouted_from_id for job in jobs.values()}
    done = {
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
                elsewhere = left and (job.requirement_id, x.step.id) in done
                message = f"step {x.step.no} of the instruction is not done in {run.code}: {x.state}"
                yield None if x.state is StepState.DONE or elsewhere else Gap(GapCode.STEP_INCOMPLETE, message)


def _filled(session: Session, revisions: Sequence[Item], components: Sequence[Item]) -> Iterator[Gap | None]:
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


def _decided(session: Session, revisions: Sequence[Item], deviations: Sequence[Deviation]) -> Iterator[Gap | None]:
    """Every deviation is decided, and where a value was rejected, the item was judged since.

    What was rejected before it was done - more material than the bill allows - left no trace in the item.
    """
    judged_at = _judged_at(session, revisions)
    for deviation in deviations:
        if deviation.state is DeviationState.OPEN:
            message = f"deviation {deviation.number} is not decided: {deviation.description}"
            yield Gap(GapCode.DEVIATION_OPEN, message)
        elif deviation.state is DeviationState.REJECTED and deviation.parameter_actual_id is not None:
            decided_at = deviation.decided_at
            since = judged_at is not None and decided_at is not None and judged_at >= decided_at
            way_out = f"reject {revisions[0].key} and decide what becomes of it"
            message = f"deviation {deviation.number} was rejected; {way_out}"
            yield None if since else Gap(GapCode.DEVIATION_REJECTED, message)
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


def _released(item: Item, holds: Sequence[Hold]) -> Iterator[Gap | None]:
    """No hold is open on the item or on what is installed in it."""
    waiting = [hold for hold in holds if hold.released_at is None]
    if not waiting:
        yield None
    for hold in waiting:
        yield Gap(GapCode.HOLD_OPEN, f"hold {hold.number} on {item.key} or a part of it is open: {hold.reason_code}")
