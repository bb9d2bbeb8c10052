"""The as-built record: everything that the plant knows of how one item came to be, and what is missing in it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_DOWN, Decimal
from typing import TypeVar

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session

from mesgraph.db import Sited, Sites, every_site
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.traced import TraceDirection, TraceEdge
from mesgraph.genealogy.walked import trace
from mesgraph.holds.models import Hold
from mesgraph.holds.queries import holds_of
from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition
from mesgraph.orders import gaps
from mesgraph.orders.gaps import Gap
from mesgraph.orders.models import (
    ActualUse,
    Deviation,
    JobOrder,
    JobResponse,
    JobState,
    MaterialActual,
    OperationsRequest,
    ParameterActual,
    SegmentRequirement,
    StepExecution,
)
from mesgraph.orders.progress import progress_of
from mesgraph.orders.queries import requirements_of
from mesgraph.orders.run import row

S = TypeVar("S", bound=Sited)


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
            gaps=[gap.seen_from(sites) for gap in self.gaps],
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
        gaps.origin(session, item),
        *gaps.ended(session, steps, runs),
        *gaps.bill(session, first_steps, runs, actuals),
        *gaps.settled(session, runs, actuals),
        *gaps.parameters(session, steps, measured),
        *gaps.done(session, runs, progress),
        *gaps.filled(session, revisions, components),
        *gaps.decided(session, revisions, deviations),
        *gaps.released(item, holds),
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
