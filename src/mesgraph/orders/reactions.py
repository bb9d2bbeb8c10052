"""What follows for orders from what happens elsewhere: WAITING and READY stay true, reservations end with their owners.

The verbs of orders look at their own order again. A hold, a lot, a machine, another order or the time concerns jobs
that those verbs do not know. Here they are found and judged together without a lock; only the orders whose stored
state is no longer right are locked, judged again and changed.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from mesgraph.definitions.models import DependencyKind, MaterialSpecification, OperationsSegment, SegmentDependency
from mesgraph.equipment import events as equipment_events
from mesgraph.equipment.models import Equipment, EquipmentClassMember
from mesgraph.genealogy.events import WORDS as GENEALOGY
from mesgraph.holds import events as hold_events
from mesgraph.ledger import EVENT_TYPES
from mesgraph.ledger.queries import Recorded
from mesgraph.ledger.reader import Reader
from mesgraph.materials import events as material_events
from mesgraph.materials.models import ITEM_TYPES, Item, Lifecycle, MaterialDefinition
from mesgraph.orders import events, execution_events
from mesgraph.orders.facts import load_facts
from mesgraph.orders.lifecycle import BEFORE_START
from mesgraph.orders.models import JobOrder, JobSubState, OperationsRequest, SegmentRequirement
from mesgraph.orders.queries import jobs_of
from mesgraph.orders.readiness import blockers_of, refresh_readiness
from mesgraph.orders.reservations import release_lost, release_unneeded
from mesgraph.work import Work

CHUNK = 10_000
"""Keys of one statement; both databases take some 32,000 parameters."""

OWN = {events.JobOrderReadinessChanged.word, events.OperationsRequestReadinessChanged.word}

MODULES = {module.__name__ for module in (equipment_events, hold_events, material_events, events, execution_events)}

WATCHED = GENEALOGY | {word for word, event in EVENT_TYPES.items() if event.__module__ in MODULES} - OWN
"""Everything that happens to equipment, holds, items, orders and jobs, but for what is recorded here itself."""

ENDINGS = {
    event.word
    for event in (
        events.OperationsRequestAborted,
        events.OperationsRequestCancelled,
        events.OperationsRequestClosed,
        events.JobOrderAborted,
        events.JobOrderCancelled,
        execution_events.OperationsRequestCompleted,
        execution_events.SegmentRequirementEnded,
        execution_events.JobOrderEnded,
    )
}


def look_again(work: Work, recorded: Sequence[Recorded]) -> None:
    """Bring the stored states of orders and jobs that ``recorded`` can concern, or the time, up to date.

    Without events every job that has not started is looked at. Reservations that nobody needs any more, or of which
    nothing is left, are released.
    """
    if not recorded or any(event.type in ENDINGS for event in recorded):
        release_unneeded(work)
    if not recorded or any(event.type in GENEALOGY for event in recorded):
        release_lost(work)
    jobs = list(work.session.scalars(_concerned(work.session, recorded)))
    stale = {
        facts.job.request_id
        for facts in load_facts(work.session, jobs, work.now, verified=False)
        if (facts.job.sub_state is JobSubState.WAITING) is not bool(blockers_of(facts, work.now))
    }
    requests = list(work.session.scalars(select(OperationsRequest).where(OperationsRequest.id.in_(stale))))
    work.lock(*requests, *(job for request in requests for job in jobs_of(work.session, request.id)))
    for request in requests:
        refresh_readiness(work, request)


def next_look(session: Session, now: datetime, site_id: int | None = None) -> datetime | None:
    """The next moment after ``now`` at which the time alone changes what can start, anywhere or at a site: a delay
    after a step has passed, or a lot expires.
    """
    moments = [*_ends_of_delays(session, site_id), _next_expiry(session, now, site_id)]
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


READINESS = Reader(name="orders-readiness", types=frozenset(WATCHED), effect=look_again, due=next_look, from_now=True)


def _concerned(session: Session, recorded: Sequence[Recorded]) -> Select[JobOrder]:
    """Statement for the jobs before their start whose readiness the events can change."""
    statement = (
        select(JobOrder)
        .join(SegmentRequirement, SegmentRequirement.id == JobOrder.requirement_id)
        .join(OperationsSegment, OperationsSegment.id == SegmentRequirement.segment_id)
        .where(JobOrder.state.in_(sorted(BEFORE_START)))
        .order_by(JobOrder.id)
    )
    if not recorded:
        return statement
    of_jobs = list(session.scalars(select(JobOrder).where(JobOrder.id.in_(_subjects(recorded, {JobOrder.kind})))))
    # their own orders, too: a delay may have ended since the verb looked
    requests = _subjects(recorded, {OperationsRequest.kind}) | {job.request_id for job in of_jobs}
    # a job that begins or ends takes or frees capacity
    units = _subjects(recorded, {Equipment.kind}) | {job.equipment_id for job in of_jobs if job.equipment_id}
    classes = select(EquipmentClassMember.class_id).where(EquipmentClassMember.equipment_id.in_(units))
    taking = (
        select(MaterialSpecification.segment_id)
        .join(MaterialDefinition, MaterialDefinition.id == MaterialSpecification.material_id)
        .where(MaterialDefinition.code.in_(_codes(session, _subjects(recorded, set(ITEM_TYPES.values())))))
    )
    return statement.where(
        JobOrder.site_id.in_({event.site_id for event in recorded}),
        or_(
            JobOrder.equipment_id.in_(units),
            JobOrder.equipment_id.is_(None) & OperationsSegment.equipment_class_id.in_(classes),
            OperationsSegment.id.in_(taking),
            JobOrder.request_id.in_(requests),
        ),
    )


def _subjects(recorded: Sequence[Recorded], kinds: Collection[str]) -> set[int]:
    return {key for event in recorded for kind, key, _ in event.subjects if kind in kinds}


def _codes(session: Session, item_ids: Collection[int]) -> set[str]:
    """The codes of the materials of these items."""
    keys, found = sorted(item_ids), set[str]()
    for start in range(0, len(keys), CHUNK):
        found.update(
            session.scalars(
                select(MaterialDefinition.code)
                .join(Item, Item.material_id == MaterialDefinition.id)
                .where(Item.id.in_(keys[start : start + CHUNK]))
                .distinct()
            )
        )
    return found


def _ends_of_delays(session: Session, site_id: int | None) -> list[datetime]:
    """When the delays of jobs end whose step waits for some time after another one."""
    after = aliased(SegmentRequirement)
    statement = (
        select(after.started_at, after.ended_at, SegmentDependency.dependency, SegmentDependency.delay_s)
        .select_from(JobOrder)
        .join(SegmentRequirement, SegmentRequirement.id == JobOrder.requirement_id)
        .join(SegmentDependency, SegmentDependency.segment_id == SegmentRequirement.segment_id)
        .join(after, (after.request_id == JobOrder.request_id) & (after.segment_id == SegmentDependency.after_id))
        .where(JobOrder.state.in_(sorted(BEFORE_START)), SegmentDependency.delay_s > 0)
        .distinct()
    )
    if site_id is not None:
        statement = statement.where(JobOrder.site_id == site_id)
    ends = []
    for started_at, ended_at, kind, delay_s in session.execute(statement):
        reached = ended_at if kind is DependencyKind.AFTER_END else started_at
        if reached is not None:
            ends.append(reached + timedelta(seconds=delay_s))
    return ends


def _next_expiry(session: Session, now: datetime, site_id: int | None) -> datetime | None:
    statement = select(func.min(Item.expires_at)).where(
        Item.expires_at > now, Item.lifecycle.in_([Lifecycle.AVAILABLE, Lifecycle.IN_PROCESS])
    )
    if site_id is not None:
        statement = statement.where(Item.site_id == site_id)
    return session.scalar(statement)
