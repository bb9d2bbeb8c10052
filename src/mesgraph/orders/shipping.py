"""What was made here leaves the plant only with a complete as-built record (I43)."""

from collections.abc import Iterator, Sequence

from mesgraph.errors import Code, Violation, all_violations, invalid
from mesgraph.genealogy import actions, queries
from mesgraph.genealogy.actions.rules import Posted
from mesgraph.materials.models import Item, ItemKind
from mesgraph.orders.as_built import as_built
from mesgraph.orders.gaps import GapCode
from mesgraph.work import Work

TOLD = 3
"""How many gaps of an item a refusal names; ``asBuilt`` shows all."""


def ship_items(work: Work, items: Sequence[Item]) -> Posted:
    """Items leave the plant, and what is packed in them with them.

    Refuses NOT_RELEASED_FOR_SHIPMENT when the as-built record of anything in the shipment that an order here made has
    gaps - a lot or a unit, alone, packed, or installed in another unit - and all that genealogy refuses. Open holds are
    told by genealogy, which looks further.
    """
    with all_violations() as found:
        found.extend(_gaps(work, items))
        with found.under():
            posted = actions.ship_items(work, items)
    return posted


def _gaps(work: Work, items: Sequence[Item]) -> Iterator[Violation]:
    for i, item in enumerate(items):
        inside = [part for part in queries.contents_of(work.session, [item.id]) if part not in items]
        for part in [item, *inside]:
            if part.item_kind is ItemKind.LOGISTIC_UNIT or part.request_id is None:
                continue
            gaps = [gap.message for gap in as_built(work.session, part).gaps if gap.code is not GapCode.HOLD_OPEN]
            if gaps:
                more = f" and {len(gaps) - TOLD} more" if len(gaps) > TOLD else ""
                message = f"the as-built record of {part.key} is not complete: {'; '.join(gaps[:TOLD])}{more}"
                yield invalid(message, "items", i, code=Code.NOT_RELEASED_FOR_SHIPMENT)
