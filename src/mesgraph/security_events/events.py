"""What happens to security events, and reads that are recorded."""

from dataclasses import dataclass

from mesgraph.access.models import Principal
from mesgraph.ledger import Event
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.models import SecurityEvent


@dataclass(frozen=True, kw_only=True)
class SecurityEventRaised(Event):
    """Something looks like an attack."""

    subjects = ("event",)
    event: SecurityEvent
    event_kind: SecurityEventKind
    source: str
    count: int


@dataclass(frozen=True, kw_only=True)
class SecurityEventGrew(Event):
    """It goes on: the count has risen."""

    subjects = ("event",)
    event: SecurityEvent
    count: int


@dataclass(frozen=True, kw_only=True)
class SecurityEventAcknowledged(Event):
    """Somebody said that they know of it."""

    subjects = ("event",)
    event: SecurityEvent


@dataclass(frozen=True, kw_only=True)
class DataRead(Event):
    """Somebody read what the policy wants to be recorded: which fields, and how many things each showed."""

    subjects = ("principal",)
    principal: Principal
    fields: list[str]
    rows: int
    operation: str | None = None
