"""What the ERP demands: orders submitted, revised and repeated (I38).

A source system numbers the revisions of its orders. A higher revision is applied as far as the order's state permits, a
lower one is not, and the same one changes nothing if it says the same.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select, text

from mesgraph import ledger
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.equipment.models import Site
from mesgraph.errors import (
    Code,
    Findings,
    QuantityViolation,
    Refused,
    TransitionViolation,
    Violation,
    all_violations,
    invalid,
    not_found,
    replace_path,
)
from mesgraph.ledger.entry import canonical, encode
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders import events, lifecycle, planning, queries
from mesgraph.orders.models import (
    JobOrder,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
    WithdrawnOrder,
)
from mesgraph.orders.pieces import pieces_violation
from mesgraph.orders.readiness import refresh_readiness
from mesgraph.quantity import MAX, plain
from mesgraph.words import check_code
from mesgraph.work import Work

CODE_MAX = 50
"""Longest order number: the numbers of its jobs and runs are made by adding to it."""
PRIORITY_MAX = 1_000_000
REVISION_MAX = 2_000_000_000
ORDER_LOCKS = 0x6F726472  # "ordr"
"""Class of the advisory locks under which PostgreSQL writers submit orders."""
ORDER_LOCKS_MAX = 1024
"""All orders share so many locks, for the server holds few. Two orders of one lock wait for each other needlessly."""
ORDER_LOCK_TIMEOUT = "9s"
"""Messages of the same orders queue, so one waits longer than for a row; a statement is given up after 10 s."""


class WantedState(StrEnum):
    """What the sender wants of an order: to be known, or to be made."""

    FORECAST = "FORECAST"
    RELEASED = "RELEASED"


class Outcome(StrEnum):
    """What became of a submitted order."""

    ACCEPTED = "ACCEPTED"
    UPDATED = "UPDATED"
    UNCHANGED = "UNCHANGED"
    CANCELLED = "CANCELLED"
    STALE = "STALE"
    REJECTED = "REJECTED"


@dataclass(frozen=True, kw_only=True)
class Demand:
    """An order as its source system states it; ``quantity`` is in the product's base unit."""

    source_system: str
    external_id: str
    revision: int
    code: str | None
    site: Site
    product: MaterialDefinition
    quantity: Decimal
    priority: int = 0
    earliest_start: datetime | None = None
    due_at: datetime | None = None
    definition: OperationsDefinition | None = None
    state: WantedState = WantedState.FORECAST

    @property
    def number(self) -> str:
        """The order number: the given code, else the key in the source system."""
        return self.code or self.external_id

    @property
    def digest(self) -> bytes:
        """SHA-256 of all that it says, so that a repeat can be told from a change."""
        content = {
            "number": self.number,
            "site": self.site.code,
            "product": self.product.human_key,
            "quantity": plain(self.quantity),
            "priority": self.priority,
            "earliest_start": self.earliest_start,
            "due_at": self.due_at,
            "definition": self.definition.human_key if self.definition else None,
            "state": str(self.state),
        }
        return hashlib.sha256(encode(canonical(content))).digest()


@dataclass(frozen=True, kw_only=True)
class Withdrawal:
    """An order that its source system takes back. Without ``revision`` it means whatever is stored."""

    source_system: str
    external_id: str
    revision: int | None = None


def submit_operations_request(work: Work, demand: Demand) -> tuple[OperationsRequest, Outcome]:
    """Make an order known, apply a later revision of it, or find that nothing changed.

    Refuses VALIDATION_FAILED, DUPLICATE_KEY, TIME_ORDER_INVALID, STALE_REVISION for a lower revision and for other
    content under the same one, ORDER_ALREADY_STARTED, RECORD_IMMUTABLE, INVALID_TRANSITION for an order that has come
    to its end, and what a release refuses when the order is to be released (I38).
    """
    stored = queries.request_of_source(work.session, demand.source_system, demand.external_id)
    with all_violations() as found:
        found.extend(_content_violations(work, demand, stored))
    if stored is None:
        request = _create(work, demand)
        if _was_withdrawn(work, request):
            return planning.cancel_operations_request(work, request), Outcome.CANCELLED
        outcome = Outcome.ACCEPTED
    else:
        work.lock(stored)
        if _is_repeat(stored, demand):
            return stored, Outcome.UNCHANGED
        request, outcome = _revise(work, stored, demand), Outcome.UPDATED
    if demand.state is WantedState.RELEASED and request.state is RequestState.FORECAST:
        planning.release_operations_request(work, request)
    return request, outcome


def withdraw_operations_request(work: Work, withdrawal: Withdrawal) -> tuple[OperationsRequest | None, Outcome]:
    """Cancel the order that its source system takes back; one that is cancelled already stays as it is.

    A withdrawal with a revision may overtake its order: it is kept, and the order is cancelled when it comes. Refuses
    NOT_FOUND, STALE_REVISION for a lower revision (I38), INVALID_TRANSITION when it has started.
    """
    stored = queries.request_of_source(work.session, withdrawal.source_system, withdrawal.external_id)
    if stored is None:
        _keep_withdrawal(work, withdrawal)
        return None, Outcome.CANCELLED
    work.lock(stored)
    if withdrawal.revision is not None and withdrawal.revision < stored.external_revision:
        raise Refused(_overtaken(stored, withdrawal.revision))
    if stored.state is RequestState.CANCELLED:
        outcome = Outcome.UNCHANGED
    else:
        planning.cancel_operations_request(work, stored)
        outcome = Outcome.CANCELLED
    stored.external_revision = max(stored.external_revision, withdrawal.revision or 0)
    return stored, outcome


def _keep_withdrawal(work: Work, withdrawal: Withdrawal) -> None:
    """Note a withdrawal that came before its order; refuses what :func:`withdraw_operations_request` refuses."""
    revision = withdrawal.revision
    with all_violations() as found:
        found.add(check_code(withdrawal.external_id, "external_id"))
        if revision is None or _is_taken(work, withdrawal.source_system, withdrawal.external_id):
            found.add(not_found("order", withdrawal.external_id, "external_id"))
        elif not 0 <= revision <= REVISION_MAX:
            found.add(invalid(f"revision {revision} must lie between 0 and {REVISION_MAX}", "revision"))
    assert revision is not None, "a withdrawal of nothing was refused"
    kept = work.session.get(WithdrawnOrder, (withdrawal.source_system, withdrawal.external_id), with_for_update=True)
    if kept is None:
        work.session.add(
            WithdrawnOrder(
                source_system=withdrawal.source_system,
                external_id=withdrawal.external_id,
                revision=revision,
                created_at=work.now,
            )
        )
    else:
        kept.revision = max(kept.revision, revision)
    ledger.record(
        work,
        events.OperationsRequestWithdrawn(
            source_system=withdrawal.source_system, external_id=withdrawal.external_id, revision=revision
        ),
    )


def _was_withdrawn(work: Work, request: OperationsRequest) -> bool:
    """Whether its source system took this revision of a new order back before it sent it."""
    kept = work.session.get(WithdrawnOrder, (request.source_system, request.external_id))
    if kept is None or kept.revision < request.external_revision:
        return False
    request.external_revision = kept.revision
    return True


def _overtaken(stored: OperationsRequest, revision: int) -> Violation:
    message = f"revision {stored.external_revision} of {stored.code} is stored, yours is {revision}"
    return invalid(message, "revision", code=Code.STALE_REVISION)


@dataclass(frozen=True)
class Result:
    """What became of one order of a message; a refused one has violations and was not applied."""

    external_id: str
    outcome: Outcome
    request: OperationsRequest | None
    violations: tuple[Violation, ...] = ()


def submit_operations_schedule(
    work: Work,
    source_system: str,
    demands: Sequence[tuple[str, Callable[[], Demand | Withdrawal]]],
    *,
    atomic: bool,
) -> list[Result]:
    """Submit the orders of one message, each for itself: one that is refused does not block the others (I49).

    A demand, or its withdrawal, is given by its key in the source system and a function that reads it and may refuse.
    Refuses everything, with the violations of all orders, when ``atomic`` and one is refused. Messages that name the
    same orders are done one after the other.
    """
    _wait_for_turn(work, source_system, {external_id for external_id, _ in demands})
    results = [_submit_one(work, external_id, read) for external_id, read in demands]
    if atomic:
        found = Findings()
        for i, result in enumerate(results):
            found.extend(replace_path(violation, ("requests", i, *violation.path)) for violation in result.violations)
        found.refuse()
    return results


def _wait_for_turn(work: Work, source_system: str, external_ids: set[str]) -> None:
    """Wait for other messages of these orders, known or not, in one order; then lock and read anew those stored."""
    if work.session.get_bind().dialect.name != "postgresql" or not external_ids:
        return
    locks = sorted({_order_lock(source_system, external_id) for external_id in external_ids})
    work.session.execute(text("SELECT set_config('lock_timeout', :limit, true)"), {"limit": ORDER_LOCK_TIMEOUT})
    work.session.execute(
        text("SELECT pg_advisory_xact_lock(:kind, lock) FROM unnest(CAST(:locks AS integer[])) AS lock"),
        {"kind": ORDER_LOCKS, "locks": locks},
    )
    work.session.execute(text("SET LOCAL lock_timeout TO DEFAULT"))
    stored = work.session.scalars(
        select(OperationsRequest).where(
            OperationsRequest.source_system == source_system, OperationsRequest.external_id.in_(external_ids)
        )
    )
    work.lock(*stored)


def _order_lock(source_system: str, external_id: str) -> int:
    """The lock of an order, the same in every process."""
    digest = hashlib.sha256(encode([source_system, external_id])).digest()
    return int.from_bytes(digest[:4], "big") % ORDER_LOCKS_MAX


def _submit_one(work: Work, external_id: str, read: Callable[[], Demand | Withdrawal]) -> Result:
    recorded = len(work.events)
    stale = False
    try:
        with work.session.begin_nested():
            said = read()
            stored = queries.request_of_source(work.session, said.source_system, said.external_id)
            stale = stored is not None and said.revision is not None and said.revision < stored.external_revision
            if isinstance(said, Withdrawal):
                request, outcome = withdraw_operations_request(work, said)
            else:
                request, outcome = submit_operations_request(work, said)
    except Refused as refused:
        del work.events[recorded:]
        outcome = Outcome.STALE if stale else Outcome.REJECTED
        return Result(external_id, outcome, None, refused.violations)
    return Result(external_id, outcome, request)


def _content_violations(work: Work, demand: Demand, stored: OperationsRequest | None) -> list[Violation]:
    found = Findings()
    found.add(check_code(demand.source_system, "source_system"), check_code(demand.external_id, "external_id"))
    found.add(pieces_violation(demand.product, demand.quantity, "quantity"))
    if demand.code is not None:
        found.add(check_code(demand.code, "code"))
    if len(demand.number) > CODE_MAX:
        field = "external_id" if demand.code is None else "code"
        found.add(invalid(f"an order number has at most {CODE_MAX} characters", field))
    if not 0 <= demand.revision <= REVISION_MAX:
        found.add(invalid(f"revision {demand.revision} must lie between 0 and {REVISION_MAX}", "revision"))
    if not -PRIORITY_MAX <= demand.priority <= PRIORITY_MAX:
        found.add(invalid(f"priority {demand.priority} must lie within {PRIORITY_MAX} of 0", "priority"))
    if demand.earliest_start and demand.due_at and demand.due_at < demand.earliest_start:
        message = f"due at {demand.due_at.isoformat()}, before the earliest start {demand.earliest_start.isoformat()}"
        found.add(invalid(message, "due_at", code=Code.TIME_ORDER_INVALID))
    if stored is None:
        found.extend(_key_violations(work, demand))
    return found.violations


def _key_violations(work: Work, demand: Demand) -> list[Violation]:
    """A new order's keys are free - at every site, whether the sender may see it or not (I46)."""
    table = OperationsRequest.__table__
    found = []
    if _is_taken(work, demand.source_system, demand.external_id):
        found.append(invalid(f"{demand.external_id} is known already", "external_id", code=Code.DUPLICATE_KEY))
    if work.session.execute(
        select(table.c.id).where(table.c.site_id == demand.site.id, table.c.code == demand.number)
    ).first():
        message = f"{demand.site.code} has an order {demand.number} already"
        field = "external_id" if demand.code is None else "code"
        found.append(invalid(message, field, code=Code.DUPLICATE_KEY))
    return found


def _is_taken(work: Work, source_system: str, external_id: str) -> bool:
    """Whether a source system has sent such an order, at whatever site."""
    table = OperationsRequest.__table__
    known = select(table.c.id).where(table.c.source_system == source_system, table.c.external_id == external_id)
    return work.session.execute(known).first() is not None


def _create(work: Work, demand: Demand) -> OperationsRequest:
    request = work.add(
        OperationsRequest(
            site_id=demand.site.id,
            code=demand.number,
            source_system=demand.source_system,
            external_id=demand.external_id,
            external_revision=demand.revision,
            content_digest=demand.digest,
            product_id=demand.product.id,
            definition_id=demand.definition.id if demand.definition else None,
            quantity=demand.quantity,
            priority=demand.priority,
            earliest_start=demand.earliest_start,
            due_at=demand.due_at,
            state=RequestState.FORECAST,
        )
    )
    ledger.record(
        work,
        events.OperationsRequestSubmitted(
            request=request,
            source_system=demand.source_system,
            external_id=demand.external_id,
            revision=demand.revision,
            product=demand.product,
            quantity=demand.quantity,
            uom=demand.product.base_uom,
            earliest_start=demand.earliest_start,
            due_at=demand.due_at,
            priority=demand.priority,
            definition=demand.definition,
        ),
        site_id=request.site_id,
    )
    return request


def _is_repeat(stored: OperationsRequest, demand: Demand) -> bool:
    """The same revision with the same content; refuses STALE_REVISION for a lower one and for other content."""
    with all_violations() as found:
        if demand.revision < stored.external_revision:
            found.add(_overtaken(stored, demand.revision))
        elif demand.revision == stored.external_revision and demand.digest != stored.content_digest:
            message = f"revision {demand.revision} of {stored.code} is stored with other content"
            found.add(invalid(message, "revision", code=Code.STALE_REVISION))
    return demand.revision == stored.external_revision


def _revise(work: Work, request: OperationsRequest, demand: Demand) -> OperationsRequest:
    with all_violations() as found:
        found.extend(_revision_violations(request, demand))
    request.external_revision, request.content_digest = demand.revision, demand.digest
    request.earliest_start, request.due_at = demand.earliest_start, demand.due_at
    request.quantity, request.priority = demand.quantity, demand.priority
    if request.state is RequestState.FORECAST:
        request.product_id = demand.product.id
        request.definition_id = demand.definition.id if demand.definition else None
    jobs = _revise_jobs(work, request)
    ledger.record(
        work,
        events.OperationsRequestRevised(
            request=request,
            jobs=jobs,
            revision=demand.revision,
            product=demand.product,
            quantity=demand.quantity,
            uom=demand.product.base_uom,
            earliest_start=demand.earliest_start,
            due_at=demand.due_at,
            priority=demand.priority,
            definition=demand.definition,
        ),
        site_id=request.site_id,
    )
    if request.state is not RequestState.FORECAST:
        refresh_readiness(work, request)
    return request


def _revision_violations(request: OperationsRequest, demand: Demand) -> list[Violation]:
    """What may not change any more: keys never, the product after the release, most of the rest after the start."""
    found: list[Violation] = []
    if demand.site.id != request.site_id or demand.number != request.code:
        found.append(
            invalid(
                f"{request.code} keeps its number and site; submit another order",
                "code" if demand.number != request.code else "site",
                code=Code.RECORD_IMMUTABLE,
            )
        )
    if request.state is RequestState.FORECAST:
        return found
    started = request.state not in lifecycle.NOT_STARTED
    if started and request.state not in lifecycle.UNDER_WAY:
        allowed = tuple(map(str, lifecycle.request_targets(request.state)))
        message = f"{request.code} is {request.state} and cannot be changed"
        return [TransitionViolation(message=message, from_state=request.state, allowed=allowed, path=("revision",))]
    code = Code.ORDER_ALREADY_STARTED if started else Code.RECORD_IMMUTABLE
    word = "started" if started else "been released"
    if demand.product.id != request.product_id:
        found.append(invalid(f"{request.code} has {word}; its product stays", "product", code=code))
    if demand.definition is not None and demand.definition.id != request.definition_id:
        found.append(invalid(f"{request.code} has {word}; its definition stays", "definition", code=code))
    if started and demand.earliest_start != request.earliest_start:
        found.append(invalid(f"{request.code} has started; its earliest start stays", "earliest_start", code=code))
    if started and demand.quantity < request.quantity:
        found.append(
            QuantityViolation(
                code=code,
                message=f"{request.code} has started; its quantity does not fall below {plain(request.quantity)}",
                path=("quantity",),
                available=request.quantity,
                requested=demand.quantity,
                uom=demand.product.base_uom,
            )
        )
    return found


def _revise_jobs(work: Work, request: OperationsRequest) -> list[JobOrder]:
    """Bring steps and jobs of a released order in line with it; the jobs that changed.

    Until the order starts its jobs are planned anew; after that only quantities and priority change.
    """
    if request.definition_id is None or request.state is RequestState.FORECAST:
        return []
    definition = work.session.get(OperationsDefinition, request.definition_id)
    assert definition is not None, "definitions are never deleted"
    plan = planning.plan_of(work, request, definition, "quantity")
    jobs = queries.jobs_of(work.session, request.id)
    before = {job.id: _planned(job) for job in jobs}
    for step in queries.requirements_of(work.session, request.id):
        of_step = [job for job in jobs if job.requirement_id == step.id]
        change = plan.quantities[step.segment_id] - step.quantity
        if change:
            step.quantity += change
            _change_job(work, request, step, of_step, change)
        if request.state in lifecycle.NOT_STARTED:
            for job in of_step:
                if job.state not in lifecycle.LIVE:
                    continue
                job.planned_start, job.planned_end = plan.windows[step.segment_id]
    for job in jobs:
        if job.state in lifecycle.LIVE:
            job.priority = request.priority
    work.session.flush()
    return [job for job in queries.jobs_of(work.session, request.id) if before.get(job.id) != _planned(job)]


def _planned(job: JobOrder) -> tuple[object, ...]:
    return job.state, job.quantity, job.priority, job.planned_start, job.planned_end


def _take_back(jobs: Sequence[JobOrder], less: Decimal) -> None:
    """An order is reduced before it starts only, so none of its jobs has begun."""
    for job in reversed(jobs):
        if job.quantity > less:
            job.quantity -= less
            return
        less -= job.quantity
        lifecycle.check_job_step(job, JobState.CANCELLED, None)
        job.state, job.sub_state = JobState.CANCELLED, None


def _change_job(
    work: Work, request: OperationsRequest, step: SegmentRequirement, jobs: list[JobOrder], change: Decimal
) -> None:
    """The last job of the step that is still to be done takes what is more; else a new one is made for it. Of less, the
    last jobs are smaller first, and cancelled where nothing is left of them.
    """
    open_jobs = [job for job in jobs if job.state in lifecycle.LIVE]
    if change < 0:
        _take_back(open_jobs, -change)
        return
    if open_jobs:
        last = open_jobs[-1]
        if last.quantity + change > MAX:
            message = f"job {last.code} would have to make more than {plain(MAX)}; order less"
            raise Refused(invalid(message, "quantity"))
        last.quantity += change
        return
    step.ended_at = None
    work.add(
        JobOrder(
            site_id=request.site_id,
            code=planning.free_job_code(work, request, step.seq, len(jobs) + 1),
            request_id=request.id,
            requirement_id=step.id,
            equipment_id=next(job.equipment_id for job in reversed(jobs) if job.rerouted_from_id is None),
            quantity=change,
            priority=request.priority,
            planned_start=work.now,
            planned_end=None,
            state=JobState.ALLOWED_TO_START,
            sub_state=JobSubState.WAITING,
        )
    )
