"""How a command names a fact of the record that is to be taken back."""

from sqlalchemy.orm import Session

from mesgraph.api.nodes import find, parse_node_id
from mesgraph.errors import Refused, invalid, not_found
from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.ledger.queries import event_by_id
from mesgraph.orders import reporting, reversal
from mesgraph.orders.models import MaterialActual, QuantityActual


def find_fact(session: Session, reference: str) -> reversal.Fact:
    """What ``reference`` names: a genealogy event or actual by id, or what a ledger event tells of."""
    if (parsed := parse_node_id(reference)) is not None and parsed[0] == MaterialActual.kind:
        return find(session, MaterialActual, reference, "event")
    if parsed is not None and parsed[0] == QuantityActual.kind:
        fact: reversal.Fact | None = reporting.report_with(session, find(session, QuantityActual, reference, "event"))
        named = "a quantity of a report without its event"
    elif parsed is not None:
        return find(session, GenealogyEvent, reference, "event")
    else:
        event = event_by_id(session, reference)
        if event is None:
            raise Refused(not_found("event", reference[:100], "event"))
        fact, named = reversal.fact_of(session, event), f"a {event.type}"
    if fact is None:
        raise Refused(invalid(f"{named} is not reversed by an event", "event"))
    return fact
