"""What happens between the plant and other systems."""

from dataclasses import dataclass

from mesgraph.integration.models import InboundMessage
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class InboundMessageDeadLettered(Event):
    """A message could not be read; it was kept by its hash and nothing of it was applied."""

    subjects = ("message",)
    message: InboundMessage
    payload_hash: bytes
    problem: str
