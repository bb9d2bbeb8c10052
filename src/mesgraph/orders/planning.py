"""Verbs of planning: release and cancel an order; permit, revoke, assign a job."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.definitions import queries as definition_queries
from mesgraph.definitions.models import OperationsDefinition, OperationsSegment
from mesgraph.equipment.capability import unmet
from mesgraph.equipment.models import Equipment, EquipmentClassMember
from mesgraph.equipment.queries import belongs_to_class
from mesgraph.errors import (
    Code,
    Refused,
    Violation,
    all_violations,
    invalid,
)
from mesgraph.orders import events, lifecycle
from mesgraph.orders.facts import accepted_classes
from mesgraph.orders.halt import check, lock_with_jobs
from mesgraph.orders.models import (
    JobOrder,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
)
from mesgraph.orders.readiness import refresh_readiness
from mesgraph.quantity import MAX, plain
from mesgraph.work import Work


def release_operations_request(
    work: Work,
    request: OperationsRequest,
    *,
    definition: OperationsDefinition | None = None,
    expected_version: int | None = None,
) -> OperationsRequest:
    """Release an order: freeze its definition and make its steps and jobs, one job for each step.

    The definition is the one given here, else the one that the order asked for, else the one that is effective for its
    product. A job whose class has only one work unit at the site is assigned to it. Then the order is WAITING or READY.
    Refuses VERSION_CONFLICT, INVALID_TRANSITION, DEFINITION_NOT_EFFECTIVE (I16), DUPLICATE_KEY for a job number,
    VALIDATION_FAILED for more than can be planned.
    """
    work.lock(request)
    starts = earliest_start(work, request)
    wanted = definition or _asked_for(work, request)
    with all_violations() as found:
        with found.under():
            work.expect(request, expected_version)
        with found.under():
            lifecycle.check_request_step(request, RequestState.RELEASED)
        chosen = wanted or definition_queries.effective_definition(
            work.session, request.product_id, request.site_id, starts
        )
        if chosen is None:
            message = f"no definition of this product is approved and effective at {starts.isoformat()} at the site"
            found.add(invalid(message, "definition", code=Code.DEFINITION_NOT_EFFECTIVE))
        else:
            found.extend(_definition_violations(work, request, chosen, starts))
            found.extend(_number_violations(work, request, chosen))
    assert chosen is not None, "an order without a definition was refused"
    request.definition_id, request.state = chosen.id, RequestState.RELEASED
    jobs = _make_steps(work, request, chosen)
    ledger.record(
        work,
        events.OperationsRequestReleased(
            request=request, jobs=jobs, definition=chosen, content_hash=chosen.content_hash or b""
        ),
        site_id=request.site_id,
    )
    refresh_readiness(work, request)
    return request


def cancel_operations_request(
    work: Work, request: OperationsRequest, *, expected_version: int | None = None
) -> OperationsRequest:
    """Give up an order of which nothing has run, and its jobs. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    jobs = [job for job in lock_with_jobs(work, request) if job.state in lifecycle.LIVE]
    check(work, request, RequestState.CANCELLED, expected_version)
    for job in jobs:
        lifecycle.check_job_step(job, JobState.CANCELLED, None)
        job.state, job.sub_state = JobState.CANCELLED, None
    request.state = RequestState.CANCELLED
    ledger.record(work, events.OperationsRequestCancelled(request=request, jobs=jobs), site_id=request.site_id)
    return request


def permit_job_order(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobOrder:
    """Allow a job to start; it does not begin by that. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    request = lock_with_request(work, job)
    _check_permission(work, job, JobState.ALLOWED_TO_START, expected_version)
    job.state = JobState.ALLOWED_TO_START
    ledger.record(work, events.JobOrderPermitted(job_order=job, state=job.state), site_id=job.site_id)
    refresh_readiness(work, request)
    return job


def revoke_start(work: Work, job: JobOrder, *, expected_version: int | None = None) -> JobOrder:
    """Take the permission to start from a job. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    request = lock_with_request(work, job)
    _check_permission(work, job, JobState.NOT_ALLOWED_TO_START, expected_version)
    job.state = JobState.NOT_ALLOWED_TO_START
    ledger.record(work, events.JobOrderStartRevoked(job_order=job, state=job.state), site_id=job.site_id)
    refresh_readiness(work, request)
    return job


def assign_job_order(
    work: Work, job: JobOrder, equipment: Equipment | None, *, expected_version: int | None = None
) -> JobOrder:
    """Give a job that has not started to a work unit of its class, or with ``None`` take it from the one it has.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, EQUIPMENT_NOT_CAPABLE (I13; equipment of another site is never
    capable).
    """
    request = lock_with_request(work, job)
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        found.add(before_start_violation(job, "its work unit is chosen before it starts"))
        if equipment is not None:
            segment = segment_of(work, job.requirement_id)
            class_ids = accepted_classes(work.session, [job], {job.id: segment})[job.id]
            found.add(capability_violation(work, equipment, job.site_id, segment, class_ids))
    before = work.session.get(Equipment, job.equipment_id) if job.equipment_id is not None else None
    job.equipment_id = equipment.id if equipment else None
    ledger.record(work, events.JobOrderAssigned(job_order=job, equipment=equipment, before=before), site_id=job.site_id)
    refresh_readiness(work, request)
    return job


@dataclass(frozen=True)
class Plan:
    """What an order asks of each segment of its definition, by segment id: how much, and when at the earliest."""

    quantities: Mapping[int, Decimal]
    windows: Mapping[int, tuple[datetime, datetime]]


def plan_of(work: Work, request: OperationsRequest, definition: OperationsDefinition, *path: str | int) -> Plan:
    """The plan of an order that has not started: as early as the order and its dependencies permit.

    Refuses VALIDATION_FAILED for an order so large that a step makes more than can be recorded, or has no end.
    """
    route = definition_queries.route_of(work.session, definition)
    try:
        quantities = route.quantities(request.quantity)
        windows = route.windows(earliest_start(work, request), quantities)
    except (InvalidOperation, OverflowError):
        quantities, windows = {}, {}
    if not quantities or max(quantities.values()) > MAX:
        message = (
            f"{request.code} asks for {plain(request.quantity)}: a step of {definition.human_key} would make more than "
            f"{plain(MAX)}, or never end; order less"
        )
        raise Refused(invalid(message, *path))
    return Plan(quantities, windows)


def earliest_start(work: Work, request: OperationsRequest) -> datetime:
    """When the order can start: not before now."""
    return max(request.earliest_start or work.now, work.now)


def job_code(request: OperationsRequest, seq: int, number: int = 1) -> str:
    """``<order>-<step>``; further jobs of the step get a number behind it."""
    return f"{request.code}-{seq}" if number == 1 else f"{request.code}-{seq}-{number}"


def free_job_code(work: Work, request: OperationsRequest, seq: int, number: int) -> str:
    """The first job number of the step from ``number`` on that no job has."""
    while work.session.scalar(
        select(func.count()).where(JobOrder.site_id == request.site_id, JobOrder.code == job_code(request, seq, number))
    ):
        number += 1
    return job_code(request, seq, number)


def _asked_for(work: Work, request: OperationsRequest) -> OperationsDefinition | None:
    if request.definition_id is None:
        return None
    return work.session.get(OperationsDefinition, request.definition_id)


def _definition_violations(
    work: Work, request: OperationsRequest, definition: OperationsDefinition, starts: datetime
) -> list[Violation]:
    """I16: approved, effective when the order starts, allowed at its site, for its product, content unchanged."""
    session, key = work.session, definition.human_key
    messages = []
    if not definition_queries.is_effective(definition, starts):
        messages.append(f"{key} is {definition.state} and not effective at {starts.isoformat()}")
    if not definition_queries.allowed_at(session, definition.id, request.site_id):
        messages.append(f"{key} is not allowed at the site of {request.code}")
    if definition.product_id != request.product_id:
        messages.append(f"{key} makes another product, or another revision of it, than {request.code} asks for")
    if definition.content_hash is not None and definition.content_hash != definition_queries.content_hash(
        session, definition
    ):
        messages.append(f"the content of {key} is not what was approved")
    return [invalid(message, "definition", code=Code.DEFINITION_NOT_EFFECTIVE) for message in messages]


def _number_violations(work: Work, request: OperationsRequest, definition: OperationsDefinition) -> list[Violation]:
    numbers = [
        job_code(request, segment.seq) for segment in definition_queries.segments_of(work.session, definition.id)
    ]
    taken = work.session.scalars(
        select(JobOrder.code).where(
            JobOrder.site_id == request.site_id, JobOrder.code.in_(numbers), JobOrder.request_id != request.id
        )
    )
    return [
        invalid(f"there is a job {code} of another order already", "operations_request", code=Code.DUPLICATE_KEY)
        for code in taken
    ]


def _make_steps(work: Work, request: OperationsRequest, definition: OperationsDefinition) -> list[JobOrder]:
    segments = definition_queries.segments_of(work.session, definition.id)
    plan = plan_of(work, request, definition, "operations_request")
    steps = work.add_all(
        [
            SegmentRequirement(
                site_id=request.site_id,
                request_id=request.id,
                segment_id=segment.id,
                seq=segment.seq,
                quantity=plan.quantities[segment.id],
            )
            for segment in segments
        ]
    )
    return work.add_all(
        [
            JobOrder(
                site_id=request.site_id,
                code=job_code(request, segment.seq),
                request_id=request.id,
                requirement_id=step.id,
                equipment_id=only_unit(work, segment, request.site_id),
                quantity=step.quantity,
                priority=request.priority,
                planned_start=plan.windows[segment.id][0],
                planned_end=plan.windows[segment.id][1],
                state=JobState.ALLOWED_TO_START,
                sub_state=JobSubState.WAITING,
            )
            for segment, step in zip(segments, steps, strict=True)
        ]
    )


def only_unit(work: Work, segment: OperationsSegment, site_id: int) -> int | None:
    """The equipment that a job of this segment gets because no other could do it at the site."""
    ids = work.session.scalars(
        select(Equipment.id)
        .join(EquipmentClassMember, EquipmentClassMember.equipment_id == Equipment.id)
        .where(EquipmentClassMember.class_id == segment.equipment_class_id, Equipment.site_id == site_id)
        .limit(2)
    ).all()
    return ids[0] if len(ids) == 1 else None


def lock_with_request(work: Work, job: JobOrder) -> OperationsRequest:
    """Lock a job and its order; the order."""
    request = work.session.get(OperationsRequest, job.request_id)
    assert request is not None, "a job belongs to an order of its own site"
    work.lock(request, job)
    return request


def _check_permission(work: Work, job: JobOrder, to: JobState, expected_version: int | None) -> None:
    with all_violations() as found:
        with found.under():
            work.expect(job, expected_version)
        if (to, job.sub_state) not in lifecycle.job_targets((job.state, job.sub_state)):
            found.add(lifecycle.job_step_violation(job, _why_no_permission(job, to)))


def _why_no_permission(job: JobOrder, to: JobState) -> str:
    if job.state is not to:
        return "is permitted to start, or not, before it starts only"
    return "permitted already" if to is JobState.ALLOWED_TO_START else "not permitted anyway"


def before_start_violation(job: JobOrder, why: str) -> Violation | None:
    """INVALID_TRANSITION when the job has begun or ended; ``why`` completes the sentence."""
    return None if job.state in lifecycle.BEFORE_START else lifecycle.job_step_violation(job, why)


def capability_violation(
    work: Work, equipment: Equipment, site_id: int, segment: OperationsSegment, class_ids: Collection[int]
) -> Violation | None:
    """EQUIPMENT_NOT_CAPABLE when it stands elsewhere, is of none of the classes, or lacks a property (I13)."""
    if equipment.site_id != site_id:
        message = f"{equipment.code} stands at another site than the order"
    elif not any(belongs_to_class(work.session, equipment.id, class_id) for class_id in class_ids):
        message = f"{equipment.code} is not of the class that step {segment.human_key} needs"
    elif lacks := unmet(segment.equipment_properties, equipment.properties):
        message = f"{equipment.code} cannot do step {segment.human_key}: {'; '.join(lacks)}"
    else:
        return None
    return invalid(message, "equipment", code=Code.EQUIPMENT_NOT_CAPABLE)


def segment_of(work: Work, requirement_id: int) -> OperationsSegment:
    """What a step of an order asks to be done."""
    return work.session.scalars(
        select(OperationsSegment)
        .join(SegmentRequirement, SegmentRequirement.segment_id == OperationsSegment.id)
        .where(SegmentRequirement.id == requirement_id)
    ).one()
