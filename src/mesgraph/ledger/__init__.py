"""The record: every change of the plant, once, in one causal order.

Words: an *event* is what a verb says happened (:class:`Event`); an *entry* is its final stored form, deterministic
CBOR whose hash is a *leaf*; a *subject* is a thing whose history the event belongs to, with a counter of its own; the
*position* is the event's place in the one order of the database, and a *cursor* is (epoch, position).

Invariants: a recorded entry is never changed (I29); the counters of a subject have no gap and each entry names the
subject's previous leaf (I31); positions are dense and causal: what a transaction has seen stands before what it
recorded. The transaction that changes rows is the one that records the event.
"""

from mesgraph.ledger.event import EVENT_TYPES, Event
from mesgraph.ledger.record import record, record_all

__all__ = ["EVENT_TYPES", "Event", "record", "record_all"]
