"""What happens between the plant and other systems."""

from dataclasses import dataclass

from mesgraph.integration.models import (
    Destination,
    DestinationKind,
    InboundMessage,
    OutboundMessage,
    OutboundTrigger,
)
from mesgraph.ledger import Event
from mesgraph.orders.models import OperationsRequest


@dataclass(frozen=True, kw_only=True)
class InboundMessageDeadLettered(Event):
    """A message could not be read; it was kept by its hash and nothing of it was applied."""

    subjects = ("message",)
    message: InboundMessage
    payload_hash: bytes
    problem: str


@dataclass(frozen=True, kw_only=True)
class DestinationRegistered(Event):
    """A system that is told what was made became known, or was changed. Its secret is not in the record."""

    subjects = ("destination",)
    destination: Destination
    kind: DestinationKind
    url: str | None
    site: str | None
    source_system: str | None
    active: bool
    new_secret: bool


@dataclass(frozen=True, kw_only=True)
class OutboundMessageQueued(Event):
    """A message to a destination was written: a step of an order ended, or the order came to an end."""

    subjects = ("message",)
    message: OutboundMessage
    destination: Destination
    request: OperationsRequest
    trigger: OutboundTrigger


@dataclass(frozen=True, kw_only=True)
class OutboundMessageAcknowledged(Event):
    """The destination has taken a message over; it is not sent again."""

    subjects = ("message",)
    message: OutboundMessage


@dataclass(frozen=True, kw_only=True)
class OutboundMessageFailed(Event):
    """The destination refuses a message for good; those behind it go on."""

    subjects = ("message",)
    message: OutboundMessage
    error: str


@dataclass(frozen=True, kw_only=True)
class OutboundMessageRetried(Event):
    """A failed message is to be sent again, under the same id."""

    subjects = ("message",)
    message: OutboundMessage
