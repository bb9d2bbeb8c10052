"""Whether a job can start, and what stands in its way.

Material is a blocker of readiness, not of the start: what is consumed is checked when it is consumed. Everything else
that is found here refuses a start (I13, I14, I16, I17).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.db import Entity
from mesgraph.definitions.models import DependencyKind
from mesgraph.equipment.capability import unmet
from mesgraph.equipment.models import Equipment, EquipmentMode
from mesgraph.equipment.packml import NOT_PRODUCTIVE
from mesgraph.errors import Code, HoldViolation, TransitionViolation, Violation, invalid
from mesgraph.holds.models import Hold
from mesgraph.orders import events, lifecycle, queries
from mesgraph.orders.facts import JobFacts, Need, Unit, load_facts
from mesgraph.orders.lifecycle import BEFORE_START, WAITS
from mesgraph.orders.models import JobOrder, JobState, JobSubState, OperationsRequest, RequestState
from mesgraph.quantity import plain
from mesgraph.work import Work


@dataclass(frozen=True)
class Blocker:
    """Something that stands in the way of a start: a code of the refusals, one sentence, and the thing to look at."""

    code: Code
    message: str
    node: Entity | None = None


@dataclass(frozen=True)
class Readiness:
    """Whether a job can start now, and all that stands in the way."""

    blockers: tuple[Blocker, ...]

    @property
    def ready(self) -> bool:
        """Nothing stands in the way."""
        return not self.blockers


def equipment_blockers(facts: JobFacts, unit: Unit) -> Iterator[Blocker]:
    """The work unit is of a class that can do the step, and nothing of its own is in the way (I13)."""
    equipment = unit.equipment
    if not facts.class_ids & unit.class_ids:
        message = (
            f"step {facts.segment.human_key} needs class {facts.equipment_class.code}, {equipment.code} is not of it"
        )
        yield Blocker(Code.EQUIPMENT_NOT_CAPABLE, message, equipment)
    for lack in unmet(facts.segment.equipment_properties, equipment.properties):
        message = f"{equipment.code} cannot do step {facts.segment.human_key}: {lack}"
        yield Blocker(Code.EQUIPMENT_NOT_CAPABLE, message, equipment)
    yield from state_blockers(unit)


def state_blockers(unit: Unit) -> Iterator[Blocker]:
    """The work unit is in mode PRODUCTION, neither aborted nor clearing, and without a hold (I13)."""
    equipment = unit.equipment
    if equipment.mode is not EquipmentMode.PRODUCTION:
        yield Blocker(Code.EQUIPMENT_NOT_READY, f"{equipment.code} is in mode {equipment.mode}", equipment)
    if equipment.packml_state in NOT_PRODUCTIVE:
        yield Blocker(Code.EQUIPMENT_NOT_READY, f"{equipment.code} is {equipment.packml_state}", equipment)
    if equipment.open_holds:
        yield Blocker(Code.EQUIPMENT_NOT_READY, f"{equipment.code} has {equipment.open_holds} open hold(s)", equipment)


def capacity_blockers(facts: JobFacts, unit: Unit) -> Iterator[Blocker]:
    """No more jobs run on a work unit than it has capacity for (I14)."""
    others = len(unit.running - {facts.job.id})
    if others >= unit.equipment.capacity:
        yield Blocker(
            Code.EQUIPMENT_BUSY,
            f"{unit.equipment.code} runs {others} job(s) and has capacity for {unit.equipment.capacity}",
            unit.equipment,
        )


def definition_blockers(facts: JobFacts) -> Iterator[Blocker]:
    """The content of the frozen definition is what was approved (I16)."""
    if not facts.intact:
        yield Blocker(
            Code.DEFINITION_NOT_EFFECTIVE,
            f"the content of {facts.definition.human_key} is not what was approved",
            facts.definition,
        )


def dependency_blockers(facts: JobFacts, now: datetime) -> Iterator[Blocker]:
    """What the step waits for has happened, and the delay after it has passed (I17)."""
    for waits in facts.waits:
        after_end = waits.kind is DependencyKind.AFTER_END
        reached = waits.requirement.ended_at if after_end else waits.requirement.started_at
        name, word = waits.segment.human_key, "ended" if after_end else "started"
        if reached is None:
            message = f"step {name} has not {word}"
        elif reached + waits.delay > now:
            message = f"step {name} {word} at {reached.isoformat()}; wait until {(reached + waits.delay).isoformat()}"
        else:
            continue
        yield Blocker(Code.SEGMENT_DEPENDENCY_UNMET, message, waits.requirement)


def material_blockers(facts: JobFacts, unit: Unit) -> Iterator[Blocker]:
    """Enough of every consumed material is usable by the order where the work unit takes from (I10)."""
    for need in facts.needs:
        here = sum((amount for place, amount in need.usable.items() if place in unit.places), Decimal(0))
        if here < need.quantity:
            yield _missing(need, here, unit)


def _missing(need: Need, here: Decimal, unit: Unit) -> Blocker:
    everywhere = sum(need.usable.values(), Decimal(0))
    uom, code = need.material.base_uom, need.material.code
    wanted = f"{plain(need.quantity)} {uom} of {code}"
    if everywhere >= need.quantity:
        message = (
            f"{wanted} are needed at {unit.equipment.code}, {plain(here)} {uom} are there; the rest lies elsewhere"
        )
        return Blocker(Code.LOT_NOT_AT_LOCATION, message, need.material)
    message = f"{wanted} are needed, {plain(everywhere)} {uom} are usable at the site"
    if everywhere + need.for_others >= need.quantity:
        message += f"; {plain(need.for_others)} {uom} are reserved for other orders"
        return Blocker(Code.LOT_RESERVED, message, need.material)
    return Blocker(Code.INSUFFICIENT_QUANTITY, message, need.material)


def order_blockers(facts: JobFacts) -> Iterator[Blocker]:
    """The order is not stopped, and no open hold lies on it."""
    order = facts.request
    if order.state in lifecycle.STOPPED:
        yield Blocker(Code.INVALID_TRANSITION, f"order {order.code} is {order.state}", order)
    for hold in facts.holds:
        yield Blocker(Code.ORDER_ON_HOLD, f"order {order.code} is on hold: {hold.number}", hold)


def permission_blockers(job: JobOrder) -> Iterator[Blocker]:
    """The state of the job permits a start."""
    if job.state is JobState.NOT_ALLOWED_TO_START:
        yield Blocker(Code.INVALID_TRANSITION, f"{job.code} is not permitted to start", job)
    elif job.state is not JobState.ALLOWED_TO_START:
        yield Blocker(Code.INVALID_TRANSITION, f"{job.code} is {job.state} already", job)


def blockers_of(facts: JobFacts, now: datetime) -> tuple[Blocker, ...]:
    """Everything but the permission: what concerns the job, and what concerns the best of its work units."""
    common = [*order_blockers(facts), *definition_blockers(facts), *dependency_blockers(facts, now)]
    if not facts.units:
        message = f"no equipment of class {facts.equipment_class.code} stands at the site"
        return (Blocker(Code.EQUIPMENT_NOT_CAPABLE, message, facts.equipment_class), *common)
    of_units = [
        [*equipment_blockers(facts, u), *capacity_blockers(facts, u), *material_blockers(facts, u)] for u in facts.units
    ]
    return (*min(of_units, key=len), *common)


def readiness_of(
    session: Session, jobs: Sequence[JobOrder], now: datetime, *, on: Equipment | None = None
) -> list[Readiness]:
    """Whether each job can start at ``now``, on its work unit or on ``on``; a job that has none yet is judged by the
    best work unit of the class.
    """
    return [
        Readiness((*permission_blockers(facts.job), *blockers_of(facts, now)))
        if facts.job.state in BEFORE_START
        else Readiness(tuple(permission_blockers(facts.job)))
        for facts in load_facts(session, jobs, now, on=on)
    ]


def readiness_by_id(
    session: Session, ids: Collection[int], now: datetime, *, on: Equipment | None = None
) -> dict[int, Readiness]:
    """:func:`readiness_of` the jobs with these ids."""
    jobs = session.scalars(select(JobOrder).where(JobOrder.id.in_(set(ids)))).all()
    return {job.id: found for job, found in zip(jobs, readiness_of(session, jobs, now, on=on), strict=True)}


def start_violations(work: Work, job: JobOrder, equipment: Equipment) -> list[Violation]:
    """Every reason why ``job`` may not run on ``equipment`` at the event time (I13, I14, I16, I17; its order is stopped
    or on hold), all at once.
    """
    [facts] = load_facts(work.session, [job], work.occurred_at, on=equipment, with_material=False)
    [unit] = facts.units
    of_unit = [*equipment_blockers(facts, unit), *capacity_blockers(facts, unit)]
    of_job = [*definition_blockers(facts), *dependency_blockers(facts, work.occurred_at)]
    return [
        *_order_violations(facts),
        *(invalid(blocker.message, "equipment", code=blocker.code) for blocker in of_unit),
        *(invalid(blocker.message, "job_order", code=blocker.code) for blocker in of_job),
    ]


def _order_violations(facts: JobFacts) -> Iterator[Violation]:
    """:func:`order_blockers` as refusals with what is allowed instead, and the holds."""
    order = facts.request
    if order.state in lifecycle.STOPPED:
        allowed = tuple(map(str, lifecycle.request_targets(order.state)))
        message = f"order {order.code} is {order.state}; resume it first"
        yield TransitionViolation(message=message, path=("job_order",), from_state=order.state, allowed=allowed)
    if facts.holds:
        yield order_hold_violation(order, facts.holds, "job_order")


def order_hold_violation(order: OperationsRequest, holds: Sequence[Hold], *path: str | int) -> HoldViolation:
    """ORDER_ON_HOLD: open holds lie on the order."""
    numbers = ", ".join(hold.number for hold in holds)
    return HoldViolation(
        code=Code.ORDER_ON_HOLD,
        message=f"order {order.code} is on hold: {numbers}",
        path=path,
        holds=tuple(hold.id for hold in holds),
    )


def refresh_readiness(work: Work, request: OperationsRequest) -> None:
    """Look again at the jobs of an order that have not started, and at the order itself, and record what changed.

    The caller has locked the order, which serialises this.
    """
    work.session.flush()
    jobs = [job for job in queries.jobs_of(work.session, request.id) if job.state in BEFORE_START]
    for facts in load_facts(work.session, jobs, work.now, verified=False):
        _refresh_job(work, facts.job, blockers_of(facts, work.now))
    if request.state in lifecycle.NOT_STARTED and request.state is not RequestState.FORECAST:
        startable = any(j.state is JobState.ALLOWED_TO_START and j.sub_state is not JobSubState.WAITING for j in jobs)
        _refresh_request(work, request, RequestState.READY if startable else RequestState.WAITING)


def _refresh_job(work: Work, job: JobOrder, blockers: Sequence[Blocker]) -> None:
    waits = job.sub_state is JobSubState.WAITING
    assert job.sub_state in WAITS, "a job that has not started has such a sub-state"
    if waits is bool(blockers):
        return
    sub_state = JobSubState.WAITING if blockers else JobSubState.READY
    lifecycle.check_job_step(job, job.state, sub_state)
    job.sub_state = sub_state
    ledger.record(
        work,
        events.JobOrderReadinessChanged(
            job_order=job,
            sub_state=sub_state,
            blockers=[{"code": str(blocker.code), "message": blocker.message} for blocker in blockers],
        ),
        site_id=job.site_id,
    )


def _refresh_request(work: Work, request: OperationsRequest, to: RequestState) -> None:
    if request.state is to:
        return
    lifecycle.check_request_step(request, to)
    before, request.state = request.state, to
    ledger.record(
        work,
        events.OperationsRequestReadinessChanged(request=request, from_state=before, to_state=to),
        site_id=request.site_id,
    )
