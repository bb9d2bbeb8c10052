"""Messages to other systems in the API: destinations, what waits for them, and taking it over."""

from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import strawberry
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.access.policy import ADMIN, INBOX_READERS
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Context, Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition
from mesgraph.api.live.topics import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import Node, find_optional, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.relations import read_from, to_one
from mesgraph.equipment.graphql import SiteNode
from mesgraph.equipment.models import Site
from mesgraph.errors import Refused, invalid, not_found
from mesgraph.integration import outbox
from mesgraph.integration.models import (
    Destination,
    DestinationKind,
    OutboundMessage,
    OutboundState,
    OutboundTrigger,
)
from mesgraph.integration.poster import BREAKER_AFTER
from mesgraph.ledger.models import Position
from mesgraph.ledger.queries import Cursor, history_of
from mesgraph.orders.graphql.nodes import OperationsRequestNode
from mesgraph.orders.models import OperationsRequest
from mesgraph.work import Actor, Work

QUEUED = ("OUTBOUND_MESSAGE_QUEUED", "OUTBOUND_MESSAGE_RETRIED")
WAITING = (OutboundState.PENDING, OutboundState.SENT)


class Breaker(StrEnum):
    """Whether messages are posted to a destination."""

    CLOSED = "CLOSED"
    OPEN = "OPEN"


described_enum(
    DestinationKind,
    "How a system gets its messages.",
    {
        DestinationKind.CONNECTOR: "A program of its own fetches them: `outboundReady`, then `acknowledgeOutbound`.",
        DestinationKind.HTTP: "They are posted to its URL, signed.",
    },
)
described_enum(
    OutboundState,
    "How far a message to another system is.",
    {
        OutboundState.PENDING: "It waits to be fetched or posted.",
        OutboundState.SENT: "It was posted and received (202), but not taken over yet.",
        OutboundState.ACKNOWLEDGED: "The destination has taken it over.",
        OutboundState.FAILED: "The destination refuses it. `retryOutbound` sends it again.",
    },
    name="OutboundMessageState",
)
described_enum(
    OutboundTrigger,
    "Why a message was written.",
    {
        OutboundTrigger.SEGMENT_ENDED: "A step of the order ended; the document has this step.",
        OutboundTrigger.ORDER_COMPLETED: "The last step of the order ended; the document has all of them.",
        OutboundTrigger.ORDER_ABORTED: "The order was given up while under way.",
        OutboundTrigger.ORDER_CLOSED: "The order was settled: these are the last figures.",
    },
)
described_enum(
    Breaker,
    "Whether messages are posted to a destination.",
    {
        Breaker.CLOSED: "They are.",
        Breaker.OPEN: "Posting failed again and again: now and then one message is tried, until one gets through.",
    },
    name="BreakerState",
)


@strawberry.type(name="Destination", description="A system that is told what was made. Named by its code.")
class DestinationType:
    """Executed on :class:`~mesgraph.integration.models.Destination`."""

    code: str = strawberry.field(description="Its code.")
    kind: DestinationKind = read_from(Destination.destination_kind, "How it gets its messages.")
    url: str | None = strawberry.field(description="Where messages are posted.")
    site: SiteNode | None = to_one(Destination.site_id, Site, "It is told of orders of this site alone; null: of all.")
    source_system: str | None = strawberry.field(description="It is told of orders of this system alone; null: of all.")
    active: bool = strawberry.field(description="Whether it is told of anything at all.")
    failures: int = strawberry.field(description="Tries that failed since the last one that did not.")
    last_error: str | None = strawberry.field(description="Why the last try failed.")
    last_success_at: datetime | None = strawberry.field(description="When a message was last received.")
    last_failure_at: datetime | None = strawberry.field(description="When a try last failed.")

    @strawberry.field(description="Whether messages are posted to it.")
    def breaker(root: strawberry.Parent[Any]) -> Breaker:
        """From the failures in a row."""
        return Breaker.OPEN if root.failures >= BREAKER_AFTER else Breaker.CLOSED


@node(OutboundMessage, find=outbox.message_by_key)
class OutboundMessageNode(Node):
    """A message to another system about an order. Named by its message id."""

    message_id: str = strawberry.field(description="Its id for ever, however often it is sent: do what it says once.")
    destination: DestinationType = to_one(OutboundMessage.destination_id, Destination, "For whom it is.")
    trigger: OutboundTrigger = strawberry.field(description="Why it was written.")
    operations_request: OperationsRequestNode = to_one(
        OutboundMessage.request_id, OperationsRequest, "The order that it is about."
    )
    document: str = strawberry.field(description="SyncOperationsPerformance, a document of B2MML V0701.")
    state: OutboundState = strawberry.field(description="How far it is.")
    attempts: int = strawberry.field(description="How often it was posted.")
    last_error: str | None = strawberry.field(description="Why the last try failed, or why it is refused.")
    created_at: datetime = strawberry.field(description="When it was written.")
    sent_at: datetime | None = strawberry.field(description="When it was posted last.")
    acknowledged_at: datetime | None = strawberry.field(description="When the destination took it over.")


@strawberry.input(description="Which messages. All conditions that are given must hold.")
class OutboundMessageFilter:
    """Conditions on messages."""

    destination: str | None = strawberry.field(default=None, description="For this destination, by its code.")
    state: list[OutboundState] | None = strawberry.field(default=None, description="In any of these states.")
    request: strawberry.ID | None = strawberry.field(default=None, description="About this order.")


@strawberry.input(description="Which destinations. All conditions that are given must hold.")
class DestinationFilter:
    """Conditions on destinations."""

    kind: list[DestinationKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    active: bool | None = strawberry.field(default=None, description="Only those that are told, or only the others.")


class OutboundMessageOrder(StrEnum):
    """The orders in which messages are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"


class DestinationOrder(StrEnum):
    """The orders in which destinations are listed."""

    OLDEST = "OLDEST"
    CODE = "CODE"


MESSAGE_ORDERS = orders(
    OutboundMessageOrder,
    "The order of a list of messages.",
    {
        OutboundMessageOrder.OLDEST: (Order((OutboundMessage.id,)), "The oldest first."),
        OutboundMessageOrder.NEWEST: (Order((OutboundMessage.id,), descending=True), "The newest first."),
    },
)
DESTINATION_ORDERS = orders(
    DestinationOrder,
    "The order of a list of destinations.",
    {
        DestinationOrder.OLDEST: (Order((Destination.id,)), "In the order in which they were made known."),
        DestinationOrder.CODE: (Order((Destination.code,)), "By code."),
    },
)


def _of_messages(context: Context, session: Session, wanted: OutboundMessageFilter) -> Iterator[Condition]:
    destination = _destination(context, session, wanted.destination, "filter", "destination")
    if destination is not None:
        yield OutboundMessage.destination_id == destination.id
    if wanted.state is not None:
        yield OutboundMessage.state.in_(wanted.state)
    request = find_optional(session, OperationsRequest, wanted.request, "filter", "request")
    if request is not None:
        yield OutboundMessage.request_id == request.id


def _of_destinations(wanted: DestinationFilter) -> Iterator[Condition]:
    if wanted.kind is not None:
        yield Destination.destination_kind.in_(wanted.kind)
    if wanted.active is not None:
        yield Destination.active.is_(wanted.active)


def _seen_by(actor: Actor) -> Select[Destination]:
    return outbox.destinations(actor.sites_with(INBOX_READERS))


@strawberry.type
class OutboundQueries:
    """Reads."""

    destinations: Connection[DestinationType] = listing(
        "The systems that are told what was made.",
        DestinationFilter,
        DESTINATION_ORDERS,
        DestinationOrder.OLDEST,
        lambda context: _seen_by(context.actor),
        lambda _, __, wanted: _of_destinations(wanted),
    )

    outbound_messages: Connection[OutboundMessageNode] = listing(
        "Messages to other systems.",
        OutboundMessageFilter,
        MESSAGE_ORDERS,
        OutboundMessageOrder.OLDEST,
        select(OutboundMessage),
        _of_messages,
    )


def _destination(context: Context, session: Session, code: str | None, *path: str) -> Destination | None:
    if code is None:
        return None
    destination = session.scalar(_seen_by(context.actor).where(Destination.code == code))
    if destination is None:
        raise Refused(not_found("Destination", code[:100], *path))
    return destination


@strawberry.input(description="A system that is to be told what is made from now on; a known code is changed.")
class RegisterDestinationInput(CommandInput):
    """One destination."""

    code: str = strawberry.field(description="Its code.")
    kind: DestinationKind = strawberry.field(description="How it gets its messages; this never changes.")
    url: str | None = strawberry.field(
        default=None, description="For HTTP: where messages are posted, http or https, without user and password."
    )
    site: strawberry.ID | None = strawberry.field(
        default=None, description="Tell it of orders of this site alone; of all when left out."
    )
    source_system: str | None = strawberry.field(
        default=None, description="Tell it of orders of this system alone; of all when left out."
    )
    active: bool = strawberry.field(default=True, description="False: tell it of nothing more.")
    new_secret: bool = strawberry.field(
        default=False,
        description="Make a new secret for the signature; the old one stops counting at once. A `url` of another "
        "scheme, host or port makes one without being asked.",
    )


@strawberry.type(description="The destination.")
class RegisterDestinationPayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("secret",)

    destination: DestinationType | None = strawberry.field(default=None, description="The destination.")
    secret: str | None = strawberry.field(
        default=None, description="The secret that signs what is posted, when it is new. Shown this once."
    )


@strawberry.input(description="Messages that the destination has taken over, or refuses.")
class AcknowledgeOutboundInput(CommandInput):
    """Some messages."""

    messages: list[str] = strawberry.field(description="Their message ids, 1 to 500.")
    error: str | None = strawberry.field(
        default=None, description="Why they are refused for good; they are FAILED then. Left out: they are taken over."
    )


@strawberry.type(description="The messages as they are now.")
class AcknowledgeOutboundPayload(CommandPayload):
    """Answer."""

    messages: list[OutboundMessageNode] | None = strawberry.field(default=None, description="The messages.")


@strawberry.input(description="Failed messages that are to be sent again.")
class RetryOutboundInput(CommandInput):
    """Some messages."""

    messages: list[str] = strawberry.field(description="Their message ids, 1 to 500.")


@strawberry.type(description="The messages as they are now.")
class RetryOutboundPayload(CommandPayload):
    """Answer."""

    messages: list[OutboundMessageNode] | None = strawberry.field(default=None, description="The messages.")


@strawberry.type
class OutboundCommands:
    """Writes."""

    @command
    def register_destination(work: Work, input: RegisterDestinationInput) -> RegisterDestinationPayload:
        """Tell a system what is made from now on: a message when a step of an order ends, and when the order is
        completed, aborted or closed. An administrator of single sites names one of them.
        """
        site = find_optional(work.session, Site, input.site, "site")
        _check_reach(work, site, input.code)
        row, secret = outbox.register_destination(
            work,
            code=input.code,
            kind=input.kind,
            url=input.url,
            site=site,
            source_system=input.source_system,
            active=input.active,
            new_secret=input.new_secret,
        )
        return RegisterDestinationPayload(destination=shown(row), secret=secret)

    @command
    def acknowledge_outbound(work: Work, input: AcknowledgeOutboundInput) -> AcknowledgeOutboundPayload:
        """Take messages over: they are not sent again. Doing it twice changes nothing. With `error` they are refused
        for good.
        """
        messages = outbox.messages_by_id(work.session, input.messages, "messages")
        if input.error is None:
            return AcknowledgeOutboundPayload(messages=shown(outbox.acknowledge(work, messages)))
        return AcknowledgeOutboundPayload(messages=shown(outbox.fail(work, messages, input.error)))

    @command
    def retry_outbound(work: Work, input: RetryOutboundInput) -> RetryOutboundPayload:
        """Send failed messages again, under the same ids."""
        messages = outbox.messages_by_id(work.session, input.messages, "messages")
        return RetryOutboundPayload(messages=shown(outbox.retry(work, messages)))


def _check_reach(work: Work, site: Site | None, code: str) -> None:
    """Who administers single sites neither hears nor changes what concerns others."""
    sites = work.actor.whole_sites_with(ADMIN)
    if sites is None:
        return
    if site is None:
        raise Refused(invalid("name one of your sites: you do not administer all of them", "site"))
    known = outbox.destination_by_key(work.session, code)
    if known is not None and known.site_id not in sites:
        raise Refused(invalid(f"{code} is a destination of others; take another code", "code"))


@strawberry.type(description="A message that waits to be taken over.")
class OutboundMessageEvent:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    message: OutboundMessageNode = strawberry.field(description="The message.")


@strawberry.type
class OutboundSubscriptions:
    """Live."""

    @strawberry.subscription(
        description="The messages of a destination that it has not taken over yet, in order, then each new one. "
        "Without `after` it begins with the oldest of them, so nothing is missed by a connector that keeps no cursor."
    )
    async def outbound_ready(
        self,
        info: Info,
        destination: Annotated[str, strawberry.argument(description="Code of the destination.")],
        after: AfterCursor = None,
    ) -> AsyncGenerator[OutboundMessageEvent, None]:
        """Follow the record from the first message that waits."""
        context = info.context
        wanted = await context.read(lambda session: _destination(context, session, destination, "destination"))
        assert wanted is not None, "a destination was named"
        start = after
        if start is None:
            first = await context.read(lambda session: _first_waiting(session, wanted.id))
            end = context.plant.tail.cursor
            start = end if first is None else Cursor(end.epoch, min(first - 1, end.position))
        async for event in follow(context, start, types=QUEUED):
            for kind, key, _ in event.subjects:
                message = await context.one(OutboundMessage, key) if kind == OutboundMessage.kind else None
                if message is not None and message.destination_id == wanted.id and message.state in WAITING:
                    yield OutboundMessageEvent(cursor=cursor_of(context, event), message=shown(message))


def _first_waiting(session: Session, destination_id: int) -> int | None:
    """The position at which the oldest message was queued that still waits; ``None`` when none does."""
    waiting = outbox.unacknowledged(session, destination_id, 0, 1)
    if not waiting:
        return None
    queued = session.execute(
        history_of(OutboundMessage.kind, waiting[0].id).order_by(Position.position).limit(1)
    ).first()
    return queued[1] if queued else None
