"""The index of the readers that act: what follows by itself from what is recorded."""

from mesgraph.integration.outbox import OUTBOX
from mesgraph.orders.reactions import READINESS
from mesgraph.security_events.reactions import SECURITY_EVENTS

READERS = (READINESS, OUTBOX, SECURITY_EVENTS)
