"""Verbs of transfers: create, cancel, ship, confirm the receipt, adjust what did not come."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import sites
from mesgraph.errors import (
    Code,
    Findings,
    QuantityViolation,
    Refused,
    Violation,
    all_violations,
    invalid,
    replace_path,
)
from mesgraph.genealogy.actions import adjust_lot, lose_items, transfer_in, transfer_out
from mesgraph.genealogy.actions.reversal import reverse_activity
from mesgraph.genealogy.actions.rules import check_list, packed_violations, store_violation
from mesgraph.materials.models import TERMINAL, Item
from mesgraph.quantity import plain
from mesgraph.sites import events, lifecycle, queries
from mesgraph.sites.models import Resolution, Transfer, TransferLine, TransferState
from mesgraph.words import number_after
from mesgraph.work import Work


@dataclass(frozen=True)
class Destination:
    """The site that something is sent to; the sender need not see it."""

    site_id: int
    code: str


def create_transfer(work: Work, site: Site, to: Destination, items: Sequence[Item]) -> Transfer:
    """Draft a transfer of whole items of ``site``; what is packed in them goes with them.

    Refuses VALIDATION_FAILED (the same site, no items, twice the same, of another site), INVALID_TRANSITION for items
    that have ended, ALREADY_CONTAINED for packed ones: name the unit, DUPLICATE_KEY for items on another draft.
    """
    work.lock(*items)  # of two drafts at once with the same item, the later one sees the earlier one
    drafted = queries.drafts_with(work.session, [item.id for item in items], site.id)
    with all_violations() as found:
        check_list(found, items, "items")
        if to.site_id == site.id:
            found.add(invalid(f"{to.code} is the site that sends", "to_site"))
        for i, item in enumerate(items):
            found.extend(packed_violations(item, "items", i))
            if item.site_id != site.id:
                found.add(invalid(f"{item.key} is not at {site.code}", "items", i))
            if item.lifecycle in TERMINAL:
                found.add(invalid(f"{item.key} is {item.lifecycle}", "items", i, code=Code.INVALID_TRANSITION))
            if item.id in drafted:
                message = f"{item.key} stands on {drafted[item.id]} already; ship or cancel that first"
                found.add(invalid(message, "items", i, code=Code.DUPLICATE_KEY))
    transfer = work.add(
        Transfer(
            from_site_id=site.id,
            to_site_id=to.site_id,
            from_code=site.code,
            to_code=to.code,
            number=number_after(queries.last_number(work.session, site.id), f"{site.code}-T"),
            state=TransferState.DRAFT,
        )
    )
    _write_lines(work, transfer, items)
    ledger.record(
        work,
        events.TransferCreated(
            transfer=transfer, items=[item.key for item in items], from_site=site.code, to_site=to.code
        ),
        site_id=site.id,
    )
    return transfer


def cancel_transfer(work: Work, transfer: Transfer, *, expected_version: int | None = None) -> Transfer:
    """Give up a draft; its items are free for another one, wherever they are by now.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION once it was shipped, NOT_FOUND (the sending site alone cancels).
    """
    work.lock(transfer)
    _expect(work, transfer, TransferState.CANCELLED, expected_version)
    if transfer.from_site_id not in {site.id for site in sites(work.session)}:
        message = f"{transfer.number} is a draft of {transfer.from_code}, which alone cancels it"
        raise Refused(invalid(message, "transfer", code=Code.NOT_FOUND))
    lifecycle.move_to(transfer, TransferState.CANCELLED)
    ledger.record(work, events.TransferCancelled(transfer=transfer), site_id=transfer.from_site_id)
    return transfer


def ship_transfer(work: Work, transfer: Transfer, *, expected_version: int | None = None) -> Transfer:
    """The items leave, with all that is packed in them now, and are in transit until the other site receives them.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION, NOT_FOUND (the sending site alone ships), and what a shipment refuses
    (I43).
    """
    work.lock(transfer)
    _expect(work, transfer, TransferState.SHIPPED, expected_version)
    items = _items(work, transfer, transfer.from_site_id)
    try:
        sent = transfer_out(work, items, transfer.to_site_id).items
    except Refused as refused:  # the caller named no items: the messages do
        raise Refused(*(replace_path(violation, ("transfer",)) for violation in refused.violations)) from refused
    _write_lines(work, transfer, sent)
    lifecycle.move_to(transfer, TransferState.SHIPPED)
    transfer.shipped_at = work.occurred_at
    count = len(sent)
    ledger.record(work, events.TransferShipped(transfer=transfer, item_count=count), site_id=transfer.from_site_id)
    lifecycle.move_to(transfer, TransferState.IN_TRANSIT)
    ledger.record(work, events.TransferAnnounced(transfer=transfer, item_count=count), site_id=transfer.to_site_id)
    return transfer


def confirm_receipt(
    work: Work,
    transfer: Transfer,
    location: Equipment,
    received: Mapping[int, Decimal],
    *,
    expected_version: int | None = None,
) -> Transfer:
    """The receiving site says what has come: all that was shipped, but for ``received`` (by item id), which is less.

    A unit that did not come is received as 0, and what is packed in it has not come either. What is missing stays in
    transit; of a lot that came short, the rest is counted off, which needs a reason. Then the transfer is RECONCILED,
    or DISPUTED until every difference is adjusted. Refuses VERSION_CONFLICT, INVALID_TRANSITION, VALIDATION_FAILED (no
    store of the receiving site), TRANSFER_DISCREPANCY (more than was shipped, or not of this transfer; I40),
    REASON_REQUIRED, TIME_ORDER_INVALID (before it was shipped).
    """
    work.lock(transfer)
    _expect(work, transfer, TransferState.RECEIVED, expected_version)
    lines = queries.lines_of(work.session, transfer.id)
    items = {item.id: item for item in _items(work, transfer, transfer.to_site_id)}
    work.lock(*items.values())
    with all_violations() as found:
        found.add(store_violation(location, transfer.to_site_id, "location"), _before_shipped(work, transfer))
        found.extend(_receipt_violations(lines, received))
        if any(0 < received.get(line.item_id, line.shipped) < line.shipped for line in lines):
            with found.under():
                work.needs_reason()
    gone = _not_come(items, {key for key, amount in received.items() if amount == 0})
    for line in lines:
        line.received = Decimal(0) if line.item_id in gone else received.get(line.item_id, line.shipped)
    came = [items[line.item_id] for line in lines if line.item_id not in gone]
    if came:
        transfer_in(work, came, location, left_out=[items[key] for key in sorted(gone)])
    for line in lines:
        if line.received and line.difference:
            adjust_lot(work, items[line.item_id], line.received)
    lifecycle.move_to(transfer, TransferState.RECEIVED)
    transfer.received_at = work.occurred_at
    missing = [line.item_key for line in lines if line.difference]
    ledger.record(
        work,
        events.TransferReceived(transfer=transfer, location=location, missing=missing),
        site_id=transfer.to_site_id,
    )
    _settle(work, transfer, lines)
    return transfer


def adjust_transfer(
    work: Work,
    transfer: Transfer,
    items: Sequence[Item],
    resolution: Resolution,
    *,
    location: Equipment | None = None,
    expected_version: int | None = None,
) -> Transfer:
    """Say what became of missing items: they arrived late, never left, or are lost. Needs a reason.

    What arrived late comes to a store of the receiving site, what never left to one of the sending site; lost units are
    SCRAPPED. The rest of a lot that came short is put back when it arrived late, and stays counted off when lost. With
    the last difference the transfer is RECONCILED. Refuses REASON_REQUIRED, VERSION_CONFLICT, INVALID_TRANSITION,
    TRANSFER_DISCREPANCY for items of which nothing is missing, VALIDATION_FAILED (no store of the right site).
    """
    work.lock(transfer, *items)
    _expect(work, transfer, TransferState.RECONCILED, expected_version)
    lines = {line.item_id: line for line in queries.lines_of(work.session, transfer.id)}
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        found.extend(_adjust_violations(lines, items, resolution))
        found.add(_place_violation(transfer, resolution, location))
    whole = [item for item in items if lines[item.id].received == 0]
    if whole and resolution is Resolution.LOST:
        lose_items(work, whole)
    elif whole:
        assert location is not None, "a place was asked for"
        transfer_in(work, whole, location)
    if resolution is Resolution.ARRIVED_LATE:
        for item in items:
            loss = None if item in whole else queries.loss_at_receipt(work.session, transfer, item.id)
            if loss is not None:
                reverse_activity(work, loss, whatever_followed=True)
    for item in items:
        lines[item.id].resolution = resolution
    ledger.record(
        work,
        events.TransferAdjusted(transfer=transfer, items=list(items), resolution=resolution),
        site_id=transfer.to_site_id,
    )
    _settle(work, transfer, list(lines.values()))
    return transfer


def _settle(work: Work, transfer: Transfer, lines: Sequence[TransferLine]) -> None:
    """RECONCILED when nothing is missing any more, else DISPUTED; told to both sites."""
    missing = [line.item_key for line in lines if line.difference]
    to = TransferState.DISPUTED if missing else TransferState.RECONCILED
    if transfer.state is not to:
        lifecycle.move_to(transfer, to)
    for site_id in (transfer.to_site_id, transfer.from_site_id):
        ledger.record(work, events.TransferSettled(transfer=transfer, state=to, missing=missing), site_id=site_id)


def _write_lines(work: Work, transfer: Transfer, items: Sequence[Item]) -> None:
    """What is sent; what was drafted before is replaced."""
    for line in queries.lines_of(work.session, transfer.id):
        work.session.delete(line)
    work.session.flush()
    work.add_all(
        [
            TransferLine(
                transfer_id=transfer.id,
                line=number,
                item_id=item.id,
                item_key=item.key,
                uom=item.uom,
                shipped=item.quantity,
            )
            for number, item in enumerate(items, start=1)
        ]
    )


def _items(work: Work, transfer: Transfer, site_id: int) -> list[Item]:
    """The items of a transfer; refuses NOT_FOUND when they, and so ``site_id``, are not the actor's business."""
    lines = queries.lines_of(work.session, transfer.id)
    rows = work.session.scalars(select(Item).where(Item.id.in_([line.item_id for line in lines])))
    found = {row.id: row for row in rows if row.site_id == site_id}
    away = [line.item_key for line in lines if line.item_id not in found]
    if away:
        code = transfer.from_code if site_id == transfer.from_site_id else transfer.to_code
        message = f"{', '.join(away[:5])} of {transfer.number}: not at {code}, or not your business there"
        if transfer.state is TransferState.DRAFT:
            message += "; if it left by another way, cancel the draft"
        raise Refused(invalid(message, "transfer", code=Code.NOT_FOUND))
    return [found[line.item_id] for line in lines]


def _expect(work: Work, transfer: Transfer, to: TransferState, expected_version: int | None) -> None:
    """The version and the state decide whether anything else can be judged."""
    with all_violations() as found:
        with found.under():
            work.expect(transfer, expected_version)
        with found.under():
            lifecycle.check_step(transfer, to)


def _before_shipped(work: Work, transfer: Transfer) -> Violation | None:
    if transfer.shipped_at is None or work.occurred_at >= transfer.shipped_at:
        return None
    message = f"{transfer.number} was shipped at {transfer.shipped_at.isoformat()}, after this receipt"
    return invalid(message, "event_time", code=Code.TIME_ORDER_INVALID)


def _receipt_violations(lines: Sequence[TransferLine], received: Mapping[int, Decimal]) -> list[Violation]:
    of_item = {line.item_id: line for line in lines}
    found: list[Violation] = []
    for place, (key, amount) in enumerate(received.items()):
        line = of_item.get(key)
        if line is None:
            message = "the item is on no line of the transfer"
            found.append(invalid(message, "received", place, "item", code=Code.TRANSFER_DISCREPANCY))
        elif amount > line.shipped:
            found.append(
                QuantityViolation(
                    code=Code.TRANSFER_DISCREPANCY,
                    message=f"{plain(line.shipped)} {line.uom} of {line.item_key} were shipped, {plain(amount)} "
                    "cannot have come",
                    path=("received", place, "quantity"),
                    available=line.shipped,
                    requested=amount,
                    uom=line.uom,
                )
            )
    return found


def _not_come(items: Mapping[int, Item], missing: set[int]) -> set[int]:
    """What did not come, and what is packed in that, at any depth."""
    gone = set(missing)
    while True:
        inside = {key for key, item in items.items() if item.parent_id in gone} - gone
        if not inside:
            return gone
        gone |= inside


def _adjust_violations(
    lines: Mapping[int, TransferLine], items: Sequence[Item], resolution: Resolution
) -> list[Violation]:
    found = Findings()
    if not items:
        found.add(invalid("name at least one item", "items"))
    for place, item in enumerate(items):
        line = lines.get(item.id)
        if line is None or not line.difference:
            message = f"nothing of {item.key} is missing in this transfer"
            found.add(invalid(message, "items", place, code=Code.TRANSFER_DISCREPANCY))
        elif line.received and resolution is Resolution.NEVER_LEFT:
            message = f"a part of {item.key} has come; a part of a lot cannot be at another site: split it first"
            found.add(invalid(message, "items", place))
    if len({item.id for item in items}) < len(items):
        found.add(invalid("an item is named twice", "items"))
    return found.violations


def _place_violation(transfer: Transfer, resolution: Resolution, location: Equipment | None) -> Violation | None:
    if resolution is Resolution.LOST:
        return None if location is None else invalid("what is lost lies nowhere", "location")
    if location is None:
        return invalid("say where the items are", "location")
    late = resolution is Resolution.ARRIVED_LATE
    return store_violation(location, transfer.to_site_id if late else transfer.from_site_id, "location")
