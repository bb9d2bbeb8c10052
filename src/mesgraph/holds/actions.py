"""Verbs of holds."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from mesgraph import ledger
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment
from mesgraph.errors import (
    Code,
    Findings,
    TransitionViolation,
    Violation,
    all_violations,
    invalid,
)
from mesgraph.holds import events, queries
from mesgraph.holds.models import HeldItem, Hold, HoldScope, HoldSeverity
from mesgraph.holds.queries import Held, Range
from mesgraph.materials.models import TERMINAL, Item, ItemKind, MaterialDefinition
from mesgraph.quantity import plain, to_micro
from mesgraph.words import number_after
from mesgraph.work import Work

ITEMS_MAX = 5_000
"""How many items one hold may name."""


def place_hold(
    work: Work,
    *,
    items: Sequence[Item],
    equipment: Equipment | None,
    range: Range | None,
    severity: HoldSeverity,
) -> Hold:
    """Stop items, or the positions ``range`` of one lot, and equipment, all of one site. Needs a reason.

    Whole items and equipment count the hold, so their status shows it; a range is known to the hold alone. Refuses
    REASON_REQUIRED, VALIDATION_FAILED, and INVALID_TRANSITION for items that have ended.
    """
    items = list(dict.fromkeys(items))
    work.lock(*items, equipment)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        _check_targets(items, equipment, found)
        if range is not None:
            found.extend(_check_range(work, items, range))
    site_id = (items[0] if items else _some(equipment)).site_id
    range_from, range_to = range or (None, None)
    hold = _open(
        work,
        site_id,
        _scope(items, range),
        severity,
        equipment_id=equipment.id if equipment else None,
        range_from=range_from,
        range_to=range_to,
    )
    for item in items:
        _put_under(work, hold, item, range)
    if equipment is not None:
        equipment.open_holds += 1
    ledger.record(
        work,
        events.HoldPlaced(
            hold=hold,
            items=items,
            equipment=equipment,
            order=None,
            scope=hold.scope,
            severity=severity,
            range_from=range_from,
            range_to=range_to,
        ),
        site_id=site_id,
    )
    return hold


def place_order_hold(work: Work, order: Entity, site_id: int, severity: HoldSeverity) -> Hold:
    """Open a hold on an order of the site. Called by orders, which have locked it and see to what it means to it.

    Refuses REASON_REQUIRED.
    """
    hold = _open(work, site_id, HoldScope.ORDER, severity, request_id=order.id)
    ledger.record(
        work,
        events.HoldPlaced(
            hold=hold,
            items=[],
            equipment=None,
            order=order,
            scope=hold.scope,
            severity=severity,
            range_from=None,
            range_to=None,
        ),
        site_id=site_id,
    )
    return hold


def release_hold(work: Work, hold: Hold, *, order: Entity | None = None, expected_version: int | None = None) -> Hold:
    """End a hold on everything under it; what was under it goes on in the state it had. ``order``: the one under it.

    Refuses INVALID_TRANSITION when it is released already, HOLD_RELEASE_FORBIDDEN when the actor placed it and its
    severity is MAJOR or more (I26), TIME_ORDER_INVALID before it was placed, VERSION_CONFLICT.
    """
    equipment = work.session.get(Equipment, hold.equipment_id) if hold.equipment_id else None
    known = [item for _, item in queries.held_items(work.session, [hold.id])]
    work.lock(*known, equipment, hold)
    under = queries.held_items(work.session, [hold.id])  # a split may have added some before the lock was ours
    items = [item for _, item in under]
    work.lock(*(item for item in items if item not in known))
    work.expect(hold, expected_version)
    with all_violations() as found:
        with found.under():
            work.needs_signature(hold)
        found.add(_check_release(work, hold))
        if work.occurred_at < hold.placed_at:
            message = f"{hold.number} was placed at {hold.placed_at.isoformat()}"
            found.add(invalid(message, "event_time", code=Code.TIME_ORDER_INVALID))
    hold.released_at, hold.released_by_id = work.occurred_at, work.actor.principal_id
    for held, item in under:
        if held.range_from is None:
            item.open_holds -= 1
    if equipment is not None:
        equipment.open_holds -= 1
    ledger.record(
        work, events.HoldReleased(hold=hold, items=items, equipment=equipment, order=order), site_id=hold.site_id
    )
    return hold


def inherit_holds(work: Work, parent: Item, child: Item, child_range: Range | None = None) -> None:
    """Primitive: what is taken from a held item is held too (I1). Records nothing; the caller's event tells it.

    ``child_range`` is where the child lay in the parent. A range hold passes on only if it overlaps, as that part of
    the child when the child is as long as its range, so counts positions from its start; else the child is held whole.
    """
    inherited = queries.holds_of(work.session, [parent.id])
    work.lock(*(held.hold for held in inherited))
    present = {held.hold.id for held in queries.holds_of(work.session, [child.id])}
    for held in inherited:
        still_open = held.hold.released_at is None
        if still_open and held.stops(child_range) and held.hold.id not in present:
            _put_under(work, held.hold, child, _within_child(held, child, child_range))


def _within_child(held: Held, child: Item, child_range: Range | None) -> Range | None:
    if held.range is None or child_range is None:
        return None
    start, end = child_range
    if child.item_kind is ItemKind.SERIAL_UNIT or child.initial_quantity != end - start:
        return None
    covered = max(held.range[0], start) - start, min(held.range[1], end) - start
    return None if covered == (Decimal(0), end - start) else covered


def _put_under(work: Work, hold: Hold, item: Item, range: Range | None) -> None:
    range_from, range_to = range or (None, None)
    work.session.add(HeldItem(hold_id=hold.id, item_id=item.id, range_from=range_from, range_to=range_to))
    if range is None:
        item.open_holds += 1


def _open(work: Work, site_id: int, scope: HoldScope, severity: HoldSeverity, **under: Any) -> Hold:
    """A new hold; ``under`` are the columns that say what is under it."""
    reason = work.needs_reason()
    return work.add(
        Hold(
            site_id=site_id,
            number=_next_number(work, site_id),
            scope=scope,
            severity=severity,
            reason_code=reason.code,
            comment=reason.comment,
            placed_by_id=work.actor.principal_id,
            placed_at=work.occurred_at,
            **under,
        )
    )


def _scope(items: Sequence[Item], range: Range | None) -> HoldScope:
    if range is not None:
        return HoldScope.RANGE
    return HoldScope.ITEM if items else HoldScope.EQUIPMENT


def _check_targets(items: Sequence[Item], equipment: Equipment | None, found: Findings) -> None:
    if not items and equipment is None:
        found.add(invalid("name items, equipment, or both; or an order alone", "items"))
    if len(items) > ITEMS_MAX:
        found.add(invalid(f"{len(items)} items are more than {ITEMS_MAX}", "items"))
    sites = {target.site_id for target in (*items, equipment) if target is not None}
    if len(sites) > 1:
        found.add(invalid("a hold belongs to one site; place one hold at each", "items"))
    found.extend(
        TransitionViolation(
            message=f"{item.key} is {item.lifecycle}; only live items can be held",
            path=("items", i),
            from_state=item.lifecycle,
            allowed=(),
        )
        for i, item in enumerate(items)
        if item.lifecycle in TERMINAL
    )


def _check_range(work: Work, items: Sequence[Item], range: Range) -> list[Violation]:
    if len(items) != 1 or items[0].material_id is None:
        return [invalid("a range needs exactly one lot", "range")]
    lot = items[0]
    material = work.session.get(MaterialDefinition, lot.material_id)
    if material is None or not material.has_positions or lot.item_kind is ItemKind.SERIAL_UNIT:
        return [invalid(f"{lot.key} has no positions", "range")]
    start, end = range
    try:
        to_micro(start), to_micro(end)
    except ValueError as error:
        return [invalid(str(error), "range")]
    if not 0 <= start < end <= lot.initial_quantity:
        whole = f"[0, {plain(lot.initial_quantity)}) {lot.uom}"
        return [invalid(f"[{plain(start)}, {plain(end)}) must be a range within {whole}", "range")]
    return []


def _check_release(work: Work, hold: Hold) -> Violation | None:
    if hold.released_at is not None:
        message = f"{hold.number} was released at {hold.released_at.isoformat()}"
        return TransitionViolation(message=message, path=("hold",), from_state="RELEASED", allowed=())
    own = hold.placed_by_id == work.actor.principal_id
    if own and hold.severity is not HoldSeverity.MINOR:
        message = f"{hold.number} is {hold.severity}, so another person than the one who placed it releases it"
        return invalid(message, "hold", code=Code.HOLD_RELEASE_FORBIDDEN)
    return None


def _next_number(work: Work, site_id: int) -> str:
    # two commands at once may read the same number: the unique constraint stops the later one, which is then repeated
    return number_after(queries.last_number(work.session, site_id), "H")


def _some(equipment: Equipment | None) -> Equipment:
    assert equipment is not None  # _check_targets refused a hold on nothing
    return equipment
