"""The verb that takes the rest of a job to alternate equipment (I44)."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.definitions.models import OperationsSegment
from mesgraph.definitions.queries import alternates_of
from mesgraph.equipment.models import Equipment, EquipmentClassMember
from mesgraph.errors import Code, Violation, all_violations, invalid
from mesgraph.orders import events, execution, lifecycle
from mesgraph.orders.facts import load_facts
from mesgraph.orders.jobs import reported
from mesgraph.orders.models import JobOrder, JobState, JobSubState, OperationsRequest, SegmentRequirement
from mesgraph.orders.planning import free_job_code, segment_of
from mesgraph.orders.readiness import capacity_blockers, refresh_readiness, state_blockers
from mesgraph.orders.run import Run, row, run_of
from mesgraph.quantity import plain
from mesgraph.work import Work


@dataclass(frozen=True, kw_only=True)
class Rerouted:
    """The job that makes the rest, and the one that it comes from."""

    job: JobOrder
    rerouted: JobOrder


def reroute_job_order(
    work: Work,
    job: JobOrder,
    *,
    equipment: Equipment | None = None,
    quantity: Decimal | None = None,
    expected_version: int | None = None,
) -> Rerouted:
    """Take the rest of a job to equipment of an alternate that the definition lists for the step.

    What the job has reported stays with it, and it ends; one that has not begun is cancelled. The rest, or
    ``quantity``, goes to a new job on ``equipment``; left out, to the first alternate that is free and fit. The new job
    may start if the old one might. Refuses VERSION_CONFLICT, INVALID_TRANSITION, NO_ALTERNATE_ROUTE (I44),
    VALIDATION_FAILED when nothing is left, TIME_ORDER_INVALID, and QUANTITY_NOT_CONSERVED while material is pending in
    its run.
    """
    request = row(work.session, OperationsRequest, job.request_id)
    requirement = row(work.session, SegmentRequirement, job.requirement_id)
    response = execution.open_response(work, job)
    run = run_of(work.session, response) if response else None
    segment = segment_of(work, requirement.id)
    units = _alternate_units(work, job, segment)
    chosen = equipment or _first_fit(work, job, units)
    work.lock(request, requirement, job, response, chosen)
    made = reported(work, job)
    rest = job.quantity - made if quantity is None else quantity
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        with found.under():
            _check_step(job, run)
        found.add(_route_violation(job, segment, units, chosen))
        if rest <= 0:
            message = f"{job.code} has reported {plain(made)} of {plain(job.quantity)}; {plain(rest)} is no rest"
            found.add(invalid(message, "quantity"))
        if run is not None:
            found.extend(execution.pending_violations(work, run))
            found.add(execution.end_violation(work, run))
    assert chosen is not None, "a job without alternate equipment was refused"
    new = work.add(_rest_of(work, request, requirement, job, chosen, rest))
    if run is None:
        job.state, job.sub_state = JobState.CANCELLED, None
        ledger.record(work, events.JobOrderCancelled(job_order=job), site_id=job.site_id)
    else:
        job.quantity = made
        execution.end_job(work, run)
    ledger.record(
        work,
        events.JobOrderRerouted(job_order=new, rerouted=job, quantity=rest, equipment=chosen),
        site_id=job.site_id,
    )
    refresh_readiness(work, request)
    return Rerouted(job=new, rerouted=job)


def _check_step(job: JobOrder, run: Run | None) -> None:
    if run is None:
        lifecycle.check_job_step(job, JobState.CANCELLED, None)
    else:
        lifecycle.check_job_step(job, JobState.ENDED, JobSubState.COMPLETED)


def _alternate_units(work: Work, job: JobOrder, segment: OperationsSegment) -> list[Equipment]:
    """The equipment of the listed alternates at the job's site, but for where the job is, the first choice first."""
    alternates = alternates_of(work.session, [segment.id])[segment.id]
    rank = {alternate.equipment_class_id: number for number, alternate in enumerate(alternates)}
    rows = work.session.execute(
        select(EquipmentClassMember.class_id, Equipment)
        .join(Equipment, Equipment.id == EquipmentClassMember.equipment_id)
        .where(EquipmentClassMember.class_id.in_(rank), Equipment.site_id == job.site_id)
    )
    ordered = sorted(((rank[class_id], unit.code, unit) for class_id, unit in rows), key=lambda row: row[:2])
    return list(dict.fromkeys(unit for _, _, unit in ordered if unit.id != job.equipment_id))


def _first_fit(work: Work, job: JobOrder, units: Sequence[Equipment]) -> Equipment | None:
    """The first unit that could take the job now, else the first one."""
    for equipment in units:
        [facts] = load_facts(work.session, [job], work.occurred_at, on=equipment, with_material=False)
        [unit] = facts.units
        if not [*state_blockers(unit), *capacity_blockers(facts, unit)]:
            return equipment
    return units[0] if units else None


def _route_violation(
    job: JobOrder, segment: OperationsSegment, units: Sequence[Equipment], chosen: Equipment | None
) -> Violation | None:
    if chosen is not None and chosen in units:
        return None
    listed = ", ".join(unit.code for unit in units) or "none"
    wanted = f"{chosen.code} is no alternate of" if chosen else "there is no alternate for"
    return invalid(
        f"{wanted} step {segment.human_key} of {job.code}; alternates are {listed}",
        "equipment",
        code=Code.NO_ALTERNATE_ROUTE,
    )


def _rest_of(
    work: Work,
    request: OperationsRequest,
    requirement: SegmentRequirement,
    job: JobOrder,
    equipment: Equipment,
    quantity: Decimal,
) -> JobOrder:
    jobs = work.session.scalar(select(func.count()).where(JobOrder.requirement_id == requirement.id)) or 0
    begun = job.state not in lifecycle.BEFORE_START
    starts = work.now if begun else job.planned_start
    late = starts is not None and job.planned_end is not None and job.planned_end < starts
    return JobOrder(
        site_id=job.site_id,
        code=free_job_code(work, request, requirement.seq, jobs + 1),
        request_id=request.id,
        requirement_id=requirement.id,
        equipment_id=equipment.id,
        quantity=quantity,
        priority=job.priority,
        planned_start=starts,
        planned_end=None if late else job.planned_end,
        rerouted_from_id=job.id,
        state=JobState.ALLOWED_TO_START if begun else job.state,
        sub_state=JobSubState.WAITING,
    )
