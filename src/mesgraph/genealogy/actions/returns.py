"""Goods that come back after they were shipped."""

from collections import defaultdict
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.rules import check_list, store_violation
from mesgraph.genealogy.activity import Activity, Line, record_activities
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.materials.lifecycle import check_trigger, refuse_step
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.work import Work

ONE = Decimal(1)


class Returned(NamedTuple):
    """What came back, and the activities: an unpacking for each unit that stayed away, then the return."""

    activities: list[GenealogyEvent]
    items: list[Item]


def return_items(work: Work, items: Sequence[Item], location: Equipment) -> Returned:
    """Items that were shipped come back to a store, in QUARANTINE, with all that is packed in them.

    An item that comes back without the unit that it was packed in is taken out of it by that. Logistic units are
    AVAILABLE again; what is in them is judged by itself. Refuses INVALID_TRANSITION for what is not SHIPPED,
    VALIDATION_FAILED (no store of the site that shipped them), ALREADY_CONTAINED for an item that is installed in
    another one, TIME_ORDER_INVALID before the shipment.
    """
    inside = [item for item in queries.contents_of(work.session, [item.id for item in items]) if item not in items]
    parents = _left_behind(work, items)
    work.lock(*items, *inside, *parents.values())
    shipped = [item for item in inside if item.lifecycle is Lifecycle.SHIPPED]
    with all_violations() as found:
        check_list(found, items, "items")
        for i, item in enumerate(items):
            found.add(check_trigger(item, "return", "items", i), _installed(item, parents, i))
            if item.in_transit:
                # it has not left the company: the receipt of its transfer is confirmed instead
                found.add(refuse_step(item, Lifecycle.QUARANTINE, "items", i, allowed=frozenset({Lifecycle.AVAILABLE})))
        if items:
            found.add(store_violation(location, items[0].site_id, "location"))
    activities = _unpackings(items, parents)
    lines = [Line(item, item.quantity) for item in [*items, *shipped]]
    site_id = items[0].site_id
    activities.append(Activity(kind=GenealogyKind.RETURN, site_id=site_id, inputs=lines, outputs=[], location=location))
    for item in items:
        if item.parent_id in parents:
            item.parent_id = None
    for item in [*items, *inside]:
        item.location_id = location.id
        if item.lifecycle is Lifecycle.SHIPPED:
            container = item.item_kind is ItemKind.LOGISTIC_UNIT
            item.lifecycle = Lifecycle.AVAILABLE if container else Lifecycle.QUARANTINE
    return Returned(record_activities(work, activities), list(items))


def _left_behind(work: Work, items: Sequence[Item]) -> dict[int, Item]:
    """The units that items are in, which do not come back themselves."""
    coming = {item.id for item in items}
    away = {item.parent_id for item in items if item.parent_id is not None} - coming
    return {key: work.session.get_one(Item, key) for key in sorted(away)}


def _installed(item: Item, parents: dict[int, Item], place: int) -> Violation | None:
    parent = parents.get(item.parent_id or 0)
    if parent is None or parent.item_kind is ItemKind.LOGISTIC_UNIT:
        return None
    message = f"{item.key} is installed in {parent.key}, which has to come back with it"
    return invalid(message, "items", place, code=Code.ALREADY_CONTAINED)


def _unpackings(items: Sequence[Item], parents: dict[int, Item]) -> list[Activity]:
    groups: dict[int, list[Item]] = defaultdict(list)
    for item in items:
        if item.parent_id in parents:
            groups[item.parent_id or 0].append(item)
    return [
        Activity(
            kind=GenealogyKind.UNPACK,
            site_id=parents[key].site_id,
            inputs=[Line(item, item.quantity) for item in taken],
            outputs=[Line(parents[key], ONE)],
        )
        for key, taken in groups.items()
    ]
