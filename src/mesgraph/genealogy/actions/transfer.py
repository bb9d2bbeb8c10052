"""Between the sites of one company: items leave one, are in transit, and come to the other, or are lost on the way.

What is in transit belongs to the site that it is bound for, is SHIPPED there and lies nowhere, so nobody can use it
(I40). The document of a transfer, its lines and their differences are the business of the sites domain.
"""

from collections.abc import Sequence

from mesgraph.equipment.models import Equipment
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.movement import leaving
from mesgraph.genealogy.actions.rules import Posted
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.materials.actions import withdraw
from mesgraph.materials.lifecycle import move_to
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.work import Work


def transfer_out(work: Work, items: Sequence[Item], to_site_id: int) -> Posted:
    """Items leave their site for another one, with all that is in them. The answer names what was packed, too.

    Refuses VALIDATION_FAILED, ALREADY_CONTAINED for packed items (send the unit), and what a shipment refuses:
    NOT_RELEASED_FOR_SHIPMENT with its reasons (I43), LOT_RESERVED (I10).
    """
    lines, contents = leaving(work, items)
    site_id = items[0].site_id
    for item in [*items, *contents]:
        item.site_id, item.location_id, item.in_transit = to_site_id, None, True
    for line in lines:
        move_to(line.item, Lifecycle.SHIPPED)
    activity = record_activity(work, kind=GenealogyKind.TRANSFER_OUT, site_id=site_id, inputs=lines, outputs=[])
    return Posted(activity, [line.item for line in lines])


def transfer_in(
    work: Work, items: Sequence[Item], location: Equipment, *, left_out: Sequence[Item] = ()
) -> GenealogyEvent:
    """Items in transit come to a store, which says at which site; what is installed in them comes with them.

    ``items`` names what is packed, too. ``left_out`` did not come, although the unit that it was packed in did: it is
    out of it. The caller has locked all of them.
    """
    inside = queries.contents_of(work.session, [item.id for item in items])
    installed = [item for item in inside if item.lifecycle is Lifecycle.INSTALLED]
    units = {item.id: item for item in items}
    for item in left_out:
        unit = units.get(item.parent_id or 0)
        if unit is not None:
            item.parent_id = None
            record_activity(
                work,
                kind=GenealogyKind.UNPACK,
                site_id=location.site_id,
                inputs=[Line(item, item.quantity)],
                outputs=[Line(unit, unit.quantity)],
            )
    lines = [Line(item, item.quantity) for item in items]
    for item in items:
        move_to(item, Lifecycle.AVAILABLE)
    for item in [*items, *installed]:
        item.site_id, item.location_id, item.in_transit = location.site_id, location.id, False
    return record_activity(
        work,
        kind=GenealogyKind.TRANSFER_IN,
        site_id=location.site_id,
        inputs=lines,
        outputs=[],
        location=location,
    )


def lose_items(work: Work, items: Sequence[Item]) -> GenealogyEvent:
    """Items in transit are given up: they are SCRAPPED. Locked by the caller. Refuses REASON_REQUIRED."""
    work.needs_reason()
    lines = [Line(item, item.quantity) for item in items]
    for item in items:
        item.lifecycle, item.in_transit, item.parent_id = Lifecycle.SCRAPPED, False, None
        withdraw(work, item, item.quantity)
    return record_activity(work, kind=GenealogyKind.SCRAP, site_id=items[0].site_id, inputs=lines, outputs=[])
