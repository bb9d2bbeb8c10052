"""Planning in the API: orders submitted, released, cancelled; jobs permitted and assigned."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.answers import freeze, plain_input, thaw
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find, find_optional
from mesgraph.api.places import at, named
from mesgraph.api.user_errors import UserError
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import sites
from mesgraph.errors import Refused, all_violations, invalid, replace_path
from mesgraph.integration import inbox
from mesgraph.ledger.entry import encode
from mesgraph.materials.graphql import QuantityInput, read_quantity
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders import planning, schedule
from mesgraph.orders.graphql.nodes import JobOrderNode, OperationsRequestNode
from mesgraph.orders.graphql.places import job_and_equipment
from mesgraph.orders.models import JobOrder, OperationsRequest
from mesgraph.orders.schedule import Demand, Outcome, WantedState
from mesgraph.work import Work

REQUESTS_MAX = 100

described_enum(
    WantedState,
    "What the sender wants of an order.",
    {
        WantedState.FORECAST: "It is to be known. An order that is released already stays released.",
        WantedState.RELEASED: "It is to be made: it is released at once, if its definition permits.",
    },
    name="SubmittedRequestState",
)
described_enum(
    Outcome,
    "What became of a submitted order.",
    {
        Outcome.ACCEPTED: "It was not known and is now.",
        Outcome.UPDATED: "This later revision was applied.",
        Outcome.UNCHANGED: "This revision with this content is stored already.",
        Outcome.CANCELLED: "It was cancelled, as its source system asked.",
        Outcome.STALE: "A later revision is stored; this one was not applied (STALE_REVISION).",
        Outcome.REJECTED: "It was refused and not applied; see `userErrors`.",
    },
    name="SubmissionOutcome",
)


@strawberry.input(description="An order as the source system states it, as a whole: a revision replaces it.")
class OperationsRequestInput:
    """One order."""

    external_id: str = strawberry.field(description="Its key in the source system.")
    revision: int = strawberry.field(
        description="Its revision there, from 0: a higher one is applied, a lower one is STALE, the same one must say "
        "the same. After the start only a larger quantity, dueAt and priority are applied (ORDER_ALREADY_STARTED)."
    )
    product: strawberry.ID = strawberry.field(description="What is wanted, `CODE` or `CODE:REVISION`.")
    quantity: QuantityInput = strawberry.field(description="How much.")
    code: str | None = strawberry.field(
        default=None, description="Order number within the site, 50 characters at most; the externalId when left out."
    )
    site: strawberry.ID | None = strawberry.field(
        default=None, description="Where it is made; may be left out by who sees only one site."
    )
    due_at: datetime | None = strawberry.field(default=None, description="When it is wanted.")
    earliest_start: datetime | None = strawberry.field(default=None, description="When it may start.")
    priority: int = strawberry.field(default=0, description="The higher, the more urgent.")
    definition: strawberry.ID | None = strawberry.field(
        default=None,
        description="The version to make it by, `CODE:VERSION`; when left out, at release the one that is effective.",
    )
    state: WantedState = strawberry.field(default=WantedState.FORECAST, description="Whether it is to be released.")


@strawberry.input(
    description="A message of the ERP with orders. The same message again gives the first answer and does nothing."
)
class SubmitOperationsScheduleInput(CommandInput):
    """Many orders."""

    source_system: str = strawberry.field(description="Code of the system that sends; its externalIds are its own.")
    message_id: str = strawberry.field(
        description="The message's id in that system, 100 characters at most. The same id with other content is "
        "refused (IDEMPOTENCY_CONFLICT)."
    )
    atomic: bool = strawberry.field(
        default=False, description="True: all orders or none. False: a refused order does not block the others."
    )
    requests: list[OperationsRequestInput] = strawberry.field(description="The orders, 1 to 100.")


@strawberry.type(description="What became of one order of the message.")
class OperationsRequestResult:
    """One order."""

    external_id: str = strawberry.field(description="Its key in the source system.")
    outcome: Outcome = strawberry.field(description="What became of it.")
    operations_request: OperationsRequestNode | None = strawberry.field(
        default=None, description="The order as it is now; null when it was refused."
    )
    user_errors: list[UserError] = strawberry.field(
        default_factory=list, description="Every rule that this order breaks; empty when it was applied."
    )


@strawberry.type(description="A message that was answered before.")
class DuplicateOf:
    """The first one."""

    message_id: str = strawberry.field(description="Its id.")


@strawberry.type(description="What became of the orders of the message.")
class SubmitOperationsSchedulePayload(CommandPayload):
    """Answer."""

    results: list[OperationsRequestResult] | None = strawberry.field(
        default=None, description="One for each order, in the order asked."
    )
    duplicate_of: DuplicateOf | None = strawberry.field(
        default=None,
        description="Set when the message was known: this is the first answer again, its orders shown as they are now.",
    )


@strawberry.input
class OperationsRequestStepInput(CommandInput):
    """What every step of an order takes."""

    operations_request: strawberry.ID = strawberry.field(description="The order, `SITE/CODE`.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you decided on; another stored one is a VERSION_CONFLICT."
    )


@strawberry.input(description="An order to release.")
class ReleaseOperationsRequestInput(OperationsRequestStepInput):
    """One order."""

    definition: strawberry.ID | None = strawberry.field(
        default=None,
        description="The version to make it by; when left out the one that the order asks for, else the effective one.",
    )


@strawberry.type(description="The released order with its jobs.")
class ReleaseOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input(description="An order to give up before anything of it has run.")
class CancelOperationsRequestInput(OperationsRequestStepInput):
    """One order."""


@strawberry.type(description="The order, given up.")
class CancelOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input
class JobOrderStepInput(CommandInput):
    """What every planning step of a job takes."""

    job_order: strawberry.ID = strawberry.field(description="The job, `SITE/CODE`.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you decided on; another stored one is a VERSION_CONFLICT."
    )


@strawberry.input(description="A job to allow to start.")
class PermitJobOrderInput(JobOrderStepInput):
    """One job."""


@strawberry.type(description="The job, allowed to start.")
class PermitJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="A job to take the permission to start from.")
class RevokeStartInput(JobOrderStepInput):
    """One job."""


@strawberry.type(description="The job, not allowed to start.")
class RevokeStartPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.input(description="A job to give to a work unit.")
class AssignJobOrderInput(JobOrderStepInput):
    """One job and its work unit."""

    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="The work unit, of the class that the step needs; none when left out."
    )


@strawberry.type(description="The job with its work unit.")
class AssignJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")


@strawberry.type
class PlanningCommands:
    """Writes."""

    @command
    def submit_operations_schedule(work: Work, input: SubmitOperationsScheduleInput) -> SubmitOperationsSchedulePayload:
        """Make the orders of a message known, or apply their later revisions. Each order is judged for itself unless
        `atomic`. The same message again gives the first answer, with `duplicateOf`.
        """
        _check_message(input)
        digest = _digest(input)
        receipt = inbox.claim(work, input.source_system, input.message_id, digest)
        if receipt.answer:
            known: SubmitOperationsSchedulePayload = thaw(work.session, receipt.answer)
            work.events.extend(known.ledger_events)
            known.duplicate_of = DuplicateOf(message_id=input.message_id)
            return known
        readers = [(item.external_id, _reader(work.session, input.source_system, item)) for item in input.requests]
        results = schedule.submit_operations_schedule(work, input.source_system, readers, atomic=input.atomic)
        inbox.keep(
            work,
            source_system=input.source_system,
            message_id=input.message_id,
            kind="SUBMIT_OPERATIONS_SCHEDULE",
            digest=digest,
            outcomes=[result.outcome for result in results],
        )
        payload = SubmitOperationsSchedulePayload(
            results=[_result(i, result) for i, result in enumerate(results)], ledger_events=shown(work.events)
        )
        work.session.flush()
        receipt.answer = freeze(payload)
        return payload

    @command
    def release_operations_request(work: Work, input: ReleaseOperationsRequestInput) -> ReleaseOperationsRequestPayload:
        """Release an order: freeze its definition and make its steps and jobs, which are allowed to start. Then it is
        WAITING or READY.
        """
        with all_violations() as found:
            with found.under():
                request = find_request(work, input)
            with found.under():
                definition = find_optional(work.session, OperationsDefinition, input.definition, "definition")
        planning.release_operations_request(
            work, request, definition=definition, expected_version=input.expected_version
        )
        return ReleaseOperationsRequestPayload(operations_request=shown(request))

    @command
    def cancel_operations_request(work: Work, input: CancelOperationsRequestInput) -> CancelOperationsRequestPayload:
        """Give up an order of which nothing has run, and its jobs."""
        row = planning.cancel_operations_request(
            work, find_request(work, input), expected_version=input.expected_version
        )
        return CancelOperationsRequestPayload(operations_request=shown(row))

    @command
    @at(named(JobOrder, "job_order"))
    def permit_job_order(work: Work, input: PermitJobOrderInput) -> PermitJobOrderPayload:
        """Allow a job to start. It does not begin by that: `startJobOrder` begins it."""
        row = planning.permit_job_order(work, find_job(work, input), expected_version=input.expected_version)
        return PermitJobOrderPayload(job_order=shown(row))

    @command
    @at(named(JobOrder, "job_order"))
    def revoke_start(work: Work, input: RevokeStartInput) -> RevokeStartPayload:
        """Take the permission to start from a job that has not begun."""
        row = planning.revoke_start(work, find_job(work, input), expected_version=input.expected_version)
        return RevokeStartPayload(job_order=shown(row))

    @command
    @at(job_and_equipment)
    def assign_job_order(work: Work, input: AssignJobOrderInput) -> AssignJobOrderPayload:
        """Give a job that has not begun to a work unit of its class at its site, or take it from the one it has."""
        with all_violations() as found:
            with found.under():
                job = find_job(work, input)
            with found.under():
                equipment = find_optional(work.session, Equipment, input.equipment, "equipment")
        row = planning.assign_job_order(work, job, equipment, expected_version=input.expected_version)
        return AssignJobOrderPayload(job_order=shown(row))


def find_request(work: Work, input: OperationsRequestStepInput) -> OperationsRequest:
    """The order that a step names."""
    return find(work.session, OperationsRequest, input.operations_request, "operations_request")


def find_job(work: Work, input: JobOrderStepInput) -> JobOrder:
    """The job that a step names."""
    return find(work.session, JobOrder, input.job_order, "job_order")


def _check_message(input: SubmitOperationsScheduleInput) -> None:
    with all_violations() as found:
        with found.under():
            inbox.check_message(input.source_system, input.message_id)
        if not 1 <= len(input.requests) <= REQUESTS_MAX:
            found.add(invalid(f"a message has 1 to {REQUESTS_MAX} orders, this one {len(input.requests)}", "requests"))


def _digest(input: SubmitOperationsScheduleInput) -> bytes:
    """What the message says, without what belongs to the command that carries it."""
    content = {"atomic": input.atomic, "requests": plain_input(input.requests)}
    return hashlib.sha256(encode(content)).digest()


def _reader(session: Session, source_system: str, input: OperationsRequestInput) -> Callable[[], Demand]:
    """Reads an order when its turn comes; refuses NOT_FOUND, UOM_MISMATCH, VALIDATION_FAILED."""

    def read() -> Demand:
        with all_violations() as found:
            with found.under():
                site = _site(session, input.site)
            with found.under():
                product = find(session, MaterialDefinition, input.product, "product")
                quantity = read_quantity(input.quantity, product, "quantity")
            with found.under():
                definition = find_optional(session, OperationsDefinition, input.definition, "definition")
        return Demand(
            source_system=source_system,
            external_id=input.external_id,
            revision=input.revision,
            code=input.code,
            site=site,
            product=product,
            quantity=quantity,
            priority=input.priority,
            earliest_start=input.earliest_start,
            due_at=input.due_at,
            definition=definition,
            state=input.state,
        )

    return read


def _site(session: Session, reference: str | None) -> Site:
    if reference is not None:
        return find(session, Site, reference, "site")
    seen = sites(session)
    if len(seen) != 1:
        raise Refused(invalid(f"name the site: you see {len(seen)} of them", "site"))
    return seen[0]


def _result(index: int, result: schedule.Result) -> OperationsRequestResult:
    path = ("input", "requests", index)
    errors: list[Any] = [replace_path(violation, (*path, *violation.path)) for violation in result.violations]
    return OperationsRequestResult(
        external_id=result.external_id,
        outcome=result.outcome,
        operations_request=shown(result.request),
        user_errors=errors,
    )
