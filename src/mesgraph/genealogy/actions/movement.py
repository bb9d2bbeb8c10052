"""Bringing items elsewhere: to a store, into and out of logistic units, out of the plant."""

from collections.abc import Sequence
from decimal import Decimal

from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, Findings, HoldViolation, Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.rules import (
    Posted,
    check_list,
    live_violations,
    packed_violations,
    reserved_violation,
    store_violation,
    unusable,
)
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.materials.queries import item_by_parts
from mesgraph.words import check_gs1_key
from mesgraph.work import Work

ONE = Decimal(1)
TOLD_OTHERWISE = frozenset({Code.ALREADY_CONTAINED, Code.LOT_ON_HOLD})
"""What a shipment says itself, of the item that leaves and of all that is behind it."""


def move_material(work: Work, items: Sequence[Item], location: Equipment) -> Posted:
    """Bring items to a store of their site, with all that is in them.

    Refuses VALIDATION_FAILED (no store of the site, or they are there already), INVALID_TRANSITION for items that have
    ended, ALREADY_CONTAINED for packed ones: move the unit.
    """
    contents = _locked_contents(work, items)
    with all_violations() as found:
        check_list(found, items, "items")
        for i, item in enumerate(items):
            found.extend(live_violations(item, Lifecycle.AVAILABLE, "items", i))
            if item.location_id == location.id:
                found.add(invalid(f"{item.key} is at {location.code} already", "items", i))
        if items:
            found.add(store_violation(location, items[0].site_id, "location"))
    lines = [Line(item, item.quantity) for item in [*items, *contents]]
    for line in lines:
        line.item.location_id = location.id
    activity = record_activity(
        work, kind=GenealogyKind.MOVE, site_id=items[0].site_id, inputs=lines, outputs=[], location=location
    )
    return Posted(activity, list(items))


def _locked_contents(work: Work, items: Sequence[Item]) -> list[Item]:
    """All that is in ``items``; both are locked.

    Whoever packs or unpacks locks the unit, so under the lock of all units the contents stay as they are.
    """
    work.lock(*items)
    locked: list[Item] = []
    while True:
        inside = queries.contents_of(work.session, [item.id for item in items])
        contents = [item for item in inside if item not in items]
        if {item.id for item in contents} <= {item.id for item in locked}:
            return contents
        work.lock(*contents)
        locked = contents


def pack(work: Work, items: Sequence[Item], *, sscc: str, location: Equipment | None = None) -> Posted:
    """Put items into the logistic unit ``sscc``, which is made known by that if it is new.

    The unit stands at ``location``, or where its first content was. Refuses INVALID_GS1_KEY, VALIDATION_FAILED,
    ALREADY_CONTAINED, LOT_ON_HOLD, LOT_NOT_RELEASED, LOT_EXPIRED (only usable items are packed, I7, I43),
    GENEALOGY_CYCLE for a unit in itself.
    """
    unit = item_by_parts(work.session, sscc=sscc)
    work.lock(*items, unit)
    with all_violations() as found:
        check_list(found, items, "items")
        found.add(check_gs1_key(sscc, "SSCC", 18, "sscc"))
        for i, item in enumerate(items):
            found.extend(unusable(work, item, "items", i))
        if items:
            _check_unit(work, found, unit, items[0].site_id, location)
    if unit is None:
        unit = create_item(
            work,
            site_id=items[0].site_id,
            item_kind=ItemKind.LOGISTIC_UNIT,
            material=None,
            number=sscc,
            quantity=ONE,
            lifecycle=Lifecycle.AVAILABLE,
            location_id=location.id if location else items[0].location_id,
            path=("sscc",),
        )
    lines = [Line(item, item.quantity) for item in items]
    activity = record_activity(
        work, kind=GenealogyKind.PACK, site_id=unit.site_id, inputs=lines, outputs=[Line(unit, ONE)], location=location
    )
    for item in items:
        item.parent_id, item.location_id = unit.id, unit.location_id
    for item in _locked_contents(work, items):
        item.location_id = unit.location_id
    return Posted(activity, [unit])


def _check_unit(work: Work, found: Findings, unit: Item | None, site_id: int, location: Equipment | None) -> None:
    if location is not None:
        found.add(store_violation(location, site_id, "location"))
    if unit is None:
        return
    found.extend(unusable(work, unit, "sscc"))
    if unit.site_id != site_id:
        found.add(invalid(f"{unit.key} belongs to another site", "sscc"))
    if location is not None and unit.location_id != location.id:
        found.add(invalid(f"{unit.key} stands elsewhere; move it first", "location"))


def unpack(work: Work, unit: Item, items: Sequence[Item] | None = None) -> Posted:
    """Take items, or all, out of a logistic unit. They stay where the unit is.

    Refuses VALIDATION_FAILED for what is not directly in it, INVALID_TRANSITION when the unit left or was scrapped.
    """
    work.lock(unit)
    inside = queries.directly_in(work.session, unit.id)
    wanted = inside if items is None else list(items)
    work.lock(*wanted)
    with all_violations() as found:
        if unit.item_kind is not ItemKind.LOGISTIC_UNIT:
            found.add(invalid(f"{unit.key} is no logistic unit", "sscc"))
        found.extend(live_violations(unit, Lifecycle.AVAILABLE, "sscc"))
        check_list(found, wanted, "items")
        for i, item in enumerate(wanted):
            if item.parent_id != unit.id:
                found.add(invalid(f"{item.key} is not in {unit.key}", "items", i))
    lines = [Line(item, item.quantity) for item in wanted]
    for item in wanted:
        item.parent_id = None
    activity = record_activity(
        work, kind=GenealogyKind.UNPACK, site_id=unit.site_id, inputs=lines, outputs=[Line(unit, ONE)]
    )
    return Posted(activity, wanted)


def ship_items(work: Work, items: Sequence[Item]) -> Posted:
    """Items leave the plant, and what is packed in them with them.

    Refuses NOT_RELEASED_FOR_SHIPMENT for whatever is not AVAILABLE or has an open hold on itself, in it, or on anything
    it was made from (I43), with the reason beside it (LOT_NOT_RELEASED, LOT_EXPIRED, ALREADY_CONTAINED); the holds are
    named. LOT_RESERVED when something of it is kept for an order (I10).
    """
    lines, _ = leaving(work, items)
    for line in lines:
        line.item.lifecycle = Lifecycle.SHIPPED
    activity = record_activity(work, kind=GenealogyKind.SHIP, site_id=items[0].site_id, inputs=lines, outputs=[])
    return Posted(activity, list(items))


def leaving(work: Work, items: Sequence[Item]) -> tuple[list[Line], list[Item]]:
    """Lines of what may leave - the items and what is packed in them - and all that is in them, locked.

    Refuses what :func:`ship_items` refuses.
    """
    contents = _locked_contents(work, items)
    packed = [item for item in contents if item.lifecycle is not Lifecycle.INSTALLED]
    with all_violations() as found:
        check_list(found, items, "items")
        for i, item in enumerate(items):
            found.extend(packed_violations(item, "items", i))
            found.extend(_ship_violations(work, item, packed, "items", i))
    return [Line(item, item.quantity) for item in [*items, *packed]], contents


def _ship_violations(work: Work, item: Item, packed: Sequence[Item], *path: str | int) -> list[Violation]:
    """Why ``item`` may not leave. ``packed``: what is packed in any item of the command."""
    inside = _within(item, packed)
    found: list[Violation] = []
    for part in [item, *inside]:
        reasons = [v for v in unusable(work, part, *path) if v.code not in TOLD_OTHERWISE]
        if part.lifecycle is not Lifecycle.AVAILABLE:
            message = f"{part.key} is {part.lifecycle}"
            found.append(invalid(message, *path, code=Code.NOT_RELEASED_FOR_SHIPMENT))
        found.extend(reasons)
        kept = reserved_violation(part, part.quantity, *path)
        found += [kept] if kept else []
    # an installed part hangs in the genealogy of its unit, so the walk passes it
    behind = queries.holds_behind(work.session, [part.id for part in [item, *inside]])
    if behind:
        found.append(
            HoldViolation(
                code=Code.NOT_RELEASED_FOR_SHIPMENT,
                message=_held(item, inside, behind),
                path=path,
                holds=tuple(sorted({source.hold_id for source in behind})),
            )
        )
    return found


def _held(item: Item, inside: Sequence[Item], behind: Sequence[queries.HeldSource]) -> str:
    """Which holds stop ``item``, and what of it each is on."""
    contents = {part.id for part in inside}
    numbers: dict[str, set[str]] = {}
    for source in behind:
        within = "something in it" if source.item_id in contents else "something it was made from"
        numbers.setdefault(item.key if source.item_id == item.id else within, set()).add(source.number)
    told = "; ".join(f"{what} is on hold ({', '.join(sorted(found))})" for what, found in numbers.items())
    return f"{item.key} does not leave: {told}"


def _within(item: Item, packed: Sequence[Item]) -> list[Item]:
    """Those of ``packed`` that are in ``item``, at any depth; a unit comes before its contents or after."""
    inside: list[Item] = []
    ids = {item.id}
    pending = list(packed)
    while True:
        more = [part for part in pending if part.parent_id in ids]
        if not more:
            return inside
        inside += more
        ids |= {part.id for part in more}
        pending = [part for part in pending if part.id not in ids]
