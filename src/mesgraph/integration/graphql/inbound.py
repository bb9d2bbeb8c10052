"""Messages of other systems in the API: B2MML documents in, and what became of every message."""

import asyncio
import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import partial
from typing import Annotated, Any

import strawberry
from sqlalchemy import Select
from sqlalchemy.orm import Session

from mesgraph.access.policy import INBOX_READERS
from mesgraph.api.answers import freeze, thaw
from mesgraph.api.budget import timed
from mesgraph.api.command import CommandInput, CommandPayload, run, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition
from mesgraph.api.nodes import find_optional
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.relations import read_from
from mesgraph.api.scalars import JSON
from mesgraph.api.user_errors import UserError
from mesgraph.equipment.models import Site
from mesgraph.errors import Code, Refused, Violation, invalid, replace_path
from mesgraph.integration import inbound, inbox
from mesgraph.integration.b2mml import DOCUMENT_MAX
from mesgraph.integration.b2mml.acknowledgement import Answer, acknowledge, refuse
from mesgraph.integration.b2mml.schedule import ScheduleMessage, read_schedule
from mesgraph.integration.models import InboundMessage, MessageState
from mesgraph.ledger.receipts import CommandReceipt
from mesgraph.orders.graphql.planning import DuplicateOf, OperationsRequestResult
from mesgraph.orders.schedule import Result
from mesgraph.work import Actor, Work

described_enum(
    MessageState,
    "What became of a message of another system.",
    {
        MessageState.APPLIED: "Everything that it asks is so now.",
        MessageState.PARTIAL: "Some of its requests were refused or overtaken; the others were applied.",
        MessageState.REJECTED: "None of its requests was applied.",
        MessageState.DEAD_LETTER: "It could not be read. It is kept by its hash, and nothing of it was applied.",
    },
    name="InboundMessageState",
)


@strawberry.type(description="What became of one request of a message.")
class InboundResult(OperationsRequestResult):
    """One request."""

    derived_id: bool = strawberry.field(
        default=False, description="True when the request had no ID: `externalId` is made from the message id."
    )
    warnings: list[str] = strawberry.field(
        default_factory=list,
        description="What was read in a way that its sender should know of: a time without offset, parts of the "
        "request that the product's definition decides.",
    )


@strawberry.type(
    name="InboundMessage",
    description="A message that another system sent. Senders see their own; planners, administrators and auditors of "
    "all sites see every one.",
)
class InboundMessageType:
    """Executed on :class:`~mesgraph.integration.models.InboundMessage`."""

    @strawberry.field(description="The system that sent it; null when that could not be read.")
    def source_system(root: strawberry.Parent[Any]) -> str | None:
        """Its code."""
        return root.source_system or None

    message_id: str = strawberry.field(
        description="Its id there. A dead letter has `sha256:` and the hash of its text instead."
    )
    kind: str = read_from(
        InboundMessage.message_kind,
        "Verb and noun, such as PROCESS_OPERATIONS_SCHEDULE; SUBMIT_OPERATIONS_SCHEDULE for the command.",
    )
    state: MessageState = strawberry.field(description="What became of it.")
    received_at: datetime = read_from(InboundMessage.created_at, "When it came for the first time.")
    request_count: int = strawberry.field(description="How many requests it has.")
    applied_count: int = strawberry.field(description="How many of them were applied, or were so already.")

    @strawberry.field(description="SHA-256 of what it says, as hexadecimal digits.")
    def payload_hash(root: strawberry.Parent[Any]) -> str:
        """The digest."""
        return str(root.payload_hash.hex())

    @strawberry.field(description="Why it could not be read, with the place in the document; empty for what was read.")
    def user_errors(root: strawberry.Parent[Any]) -> list[UserError]:
        """The reason of a dead letter."""
        if root.problem is None:
            return []
        return shown([invalid(root.problem, *_document_path(root.problem_path), code=Code.MESSAGE_INVALID)])

    @strawberry.field(description="The beginning of a document that could not be read, 2,000 characters at most.")
    def excerpt(root: strawberry.Parent[Any]) -> str | None:
        """Of a dead letter."""
        return None if root.excerpt is None else str(root.excerpt)

    @strawberry.field(
        description="Elements of other namespaces by the externalId of their request: `{path namespace name text "
        "attributes children}`. They are kept, not applied."
    )
    def extensions(root: strawberry.Parent[Any]) -> JSON | None:
        """As they were read."""
        return None if root.extensions is None else JSON(json.loads(root.extensions))

    @strawberry.field(description="What became of each request, in the order of the message; orders as they are now.")
    async def results(root: strawberry.Parent[Any], info: Info) -> list[InboundResult]:
        """From the receipt."""
        key = (inbox.namespace_of(root.source_system), root.message_id)
        return shown(await info.context.read(lambda session: _results(session, key)))


def _results(session: Session, key: tuple[str, str]) -> list[Any]:
    receipt = session.get(CommandReceipt, key)
    return [] if receipt is None else [_full(result) for result in thaw(session, receipt.answer).results]


def _full(result: OperationsRequestResult) -> InboundResult:
    if isinstance(result, InboundResult):
        return result
    return InboundResult(
        external_id=result.external_id,
        outcome=result.outcome,
        operations_request=result.operations_request,
        user_errors=result.user_errors,
    )


@strawberry.input(description="Which messages. All conditions that are given must hold.")
class MessageFilter:
    """Conditions on messages."""

    source_system: str | None = strawberry.field(default=None, description="Of this system.")
    state: list[MessageState] | None = strawberry.field(default=None, description="In any of these states.")


class InboundMessageOrder(StrEnum):
    """The orders in which messages are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


ORDERS = orders(
    InboundMessageOrder,
    "The order of a list of messages.",
    {
        InboundMessageOrder.NEWEST: (Order((InboundMessage.id,), descending=True), "The newest first."),
        InboundMessageOrder.OLDEST: (Order((InboundMessage.id,)), "In the order of their arrival."),
    },
)


def _conditions(wanted: MessageFilter) -> Iterator[Condition]:
    if wanted.source_system is not None:
        yield InboundMessage.source_system == wanted.source_system
    if wanted.state is not None:
        yield InboundMessage.state.in_(wanted.state)


def _seen_by(actor: Actor) -> Select[InboundMessage]:
    """All messages for who reads the inbox of every site, else one's own."""
    return inbox.messages(None if actor.sites_with(INBOX_READERS) is None else actor.principal_id)


@strawberry.type
class InboundQueries:
    """Reads."""

    inbound_messages: Connection[InboundMessageType] = listing(
        "Messages of other systems.",
        MessageFilter,
        ORDERS,
        InboundMessageOrder.NEWEST,
        lambda context: _seen_by(context.actor),
        lambda _, __, wanted: _conditions(wanted),
    )


@strawberry.input(description="A document of B2MML with orders.")
class SubmitB2mmlInput(CommandInput):
    """One document."""

    document: str = strawberry.field(
        description="Process, Sync, Change or Cancel of OperationsSchedule or ProductionSchedule (V0401 to V0701), or "
        "such a schedule alone; 16 MiB at most. It is text already, so whatever encoding it declares is ignored; "
        "one that is none, UTF-7, and XML 1.1 are refused."
    )
    source_system: str | None = strawberry.field(
        default=None, description="Code of the system that sends; the document's Sender/LogicalID when left out."
    )
    site: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where an order is made that names no site; may be left out by who sees only one site.",
    )


@strawberry.type(description="What became of the document and of each of its requests.")
class SubmitB2mmlPayload(CommandPayload):
    """Answer."""

    message: InboundMessageType | None = strawberry.field(
        default=None,
        description="The message as it is kept. State DEAD_LETTER says that the document could not be read.",
    )
    results: list[InboundResult] | None = strawberry.field(
        default=None, description="One for each request, in the order of the document; empty for a dead letter."
    )
    acknowledgement: str | None = strawberry.field(
        default=None,
        description="The answer as a document of B2MML V0701, for the sender to file: Acknowledge for Process, Respond "
        "for Change, else ConfirmBOD.",
    )
    duplicate_of: DuplicateOf | None = strawberry.field(
        default=None,
        description="Set when the message was known: this is the first answer again, its orders shown as they are now.",
    )


@strawberry.type
class InboundCommands:
    """Writes."""

    @strawberry.mutation(
        description="Do what a document of B2MML asks: make orders known, revise them, release them, cancel them. "
        "Each request is judged for itself; `path` of a refusal ends with the XPath of the element. The same message "
        "id with the same content gives the first answer. A document that cannot be read is kept as a dead letter."
    )
    async def submit_b2mml(
        self, info: Info, input: Annotated[SubmitB2mmlInput, strawberry.argument(description="The command.")]
    ) -> SubmitB2mmlPayload:
        """The document is read before the transaction opens, so that nobody waits for it."""
        read = await asyncio.to_thread(timed(_read), input.document)
        payload: SubmitB2mmlPayload = await run(
            info.context, info.field_name, partial(_submit, read), input, SubmitB2mmlPayload
        )
        return payload


def _read(document: str) -> ScheduleMessage | Refused:
    if len(document.encode()) > DOCUMENT_MAX:
        return Refused(invalid(f"a document has at most {DOCUMENT_MAX} bytes", code=Code.MESSAGE_INVALID))
    try:
        return read_schedule(document)
    except Refused as refused:
        return refused


def _submit(read: ScheduleMessage | Refused, work: Work, input: SubmitB2mmlInput) -> SubmitB2mmlPayload:
    if isinstance(read, Refused):
        return _dead_letter(work, input, read)
    site = find_optional(work.session, Site, input.site, "site")
    source = input.source_system or read.sender
    if source is None:
        raise Refused(invalid("the document names no sender: say who sends it", "source_system"))
    message_id = read.message_id or f"doc-{read.digest.hex()}"
    try:
        inbox.check_message(source, message_id)
        receipt = inbox.claim(work, source, message_id, read.digest)
    except Refused as refused:
        raise Refused(*(_said_by_document(input, violation) for violation in refused.violations)) from refused
    if receipt.answer:
        known: SubmitB2mmlPayload = thaw(work.session, receipt.answer)
        work.events.extend(known.ledger_events)
        known.duplicate_of = DuplicateOf(message_id=message_id)
        return known
    results = inbound.submit_message(work, read, source, site.code if site else None)
    message = inbox.keep(
        work,
        source_system=source,
        message_id=message_id,
        kind=read.kind,
        digest=read.digest,
        outcomes=[result.outcome for result in results],
        extensions=_extensions(read),
    )
    payload = SubmitB2mmlPayload(
        message=shown(message),
        results=[_result(read, i, result) for i, result in enumerate(results)],
        acknowledgement=_acknowledgement(work, read, source, message_id, results),
        ledger_events=shown(work.events),
    )
    work.session.flush()
    receipt.answer = freeze(payload)
    return payload


def _said_by_document(input: SubmitB2mmlInput, violation: Violation) -> Violation:
    """What the input does not name, the document does."""
    named = violation.path == ("source_system",) and input.source_system is not None
    return violation if named else replace_path(violation, ("document",))


def _dead_letter(work: Work, input: SubmitB2mmlInput, refused: Refused) -> SubmitB2mmlPayload:
    if input.source_system is not None:
        inbox.check_message(input.source_system, "-")
    source, reason = input.source_system or "", refused.violations[0]
    message, known = inbox.keep_dead_letter(
        work,
        source_system=source,
        digest=hashlib.sha256(input.document.encode()).digest(),
        excerpt=input.document[: inbox.EXCERPT_MAX],
        reason=reason,
    )
    return SubmitB2mmlPayload(
        message=shown(message),
        results=[],
        acknowledgement=refuse(source, message.message_id, reason, message.created_at),
        duplicate_of=DuplicateOf(message_id=message.message_id) if known else None,
    )


def _document_path(place: str | None) -> tuple[str, ...]:
    return ("input", "document", place) if place else ("input", "document")


def _result(message: ScheduleMessage, index: int, result: Result) -> InboundResult:
    order = message.orders[index]
    errors: list[Any] = [
        replace_path(violation, ("input", "document", *violation.path)) for violation in result.violations
    ]
    return InboundResult(
        external_id=result.external_id,
        outcome=result.outcome,
        operations_request=shown(result.request),
        user_errors=errors,
        derived_id=order.derived_id,
        warnings=order.warnings,
    )


def _acknowledgement(work: Work, message: ScheduleMessage, source: str, message_id: str, results: list[Result]) -> str:
    answers = [
        Answer(
            order=order,
            outcome=result.outcome,
            accepted=result.outcome not in inbox.NOT_APPLIED,
            state=result.request.state if result.request is not None else None,
            violations=result.violations,
        )
        for order, result in zip(message.orders, results, strict=True)
    ]
    return acknowledge(message, source, message_id, answers, work.now)


def _extensions(message: ScheduleMessage) -> str | None:
    kept = {order.external_id: order.extensions for order in message.orders if order.extensions}
    return json.dumps(kept, ensure_ascii=False) if kept else None
