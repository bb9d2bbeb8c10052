"""Verbs by which a run takes material and makes items of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.db import EVERY_SITE
from mesgraph.definitions.models import IssueMethod
from mesgraph.equipment import queries as equipment_queries
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, QuantityViolation, Violation, all_violations, invalid
from mesgraph.genealogy.activity import least_on_hand
from mesgraph.genealogy.models import GenealogyEvent, GenealogyLine, LineRole
from mesgraph.holds.queries import Range, hold_violations
from mesgraph.materials.actions import usable_violations, withdraw
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.orders import execution_events as events
from mesgraph.orders import reservations
from mesgraph.orders.bill import INPUTS, BillLine, bill_lines, bill_violation
from mesgraph.orders.models import ActualUse, JobResponse, MaterialActual
from mesgraph.orders.run import Run, row, run_of
from mesgraph.quantity import plain
from mesgraph.work import Work


@dataclass(frozen=True, kw_only=True)
class Take:
    """Material that a run takes: how much of which item, and from which positions if that is known."""

    item: Item
    quantity: Decimal
    positions: Range | None = None


def consume_material(work: Work, response: JobResponse, take: Take) -> MaterialActual:
    """Take material into a run, where it is pending until it becomes part of an output.

    Refuses INVALID_TRANSITION, TIME_ORDER_INVALID (before the run or before the item was there),
    INSUFFICIENT_QUANTITY (I4), LOT_ON_HOLD, LOT_NOT_RELEASED, ALREADY_CONTAINED (I7, I5), LOT_EXPIRED (I8),
    WRONG_MATERIAL, WRONG_MATERIAL_VERSION (I9), LOT_RESERVED, LOT_NOT_AT_LOCATION (I10), VALIDATION_FAILED
    (positions).
    """
    run = run_of(work.session, response)
    run.lock(work, take.item)
    with all_violations() as found:
        found.extend(run.violations(work))
        with found.under():
            actual = take_in(work, run, take, bill_lines(work.session, run.requirement.segment_id))
    return actual


def take_in(
    work: Work, run: Run, take: Take, bill: Sequence[BillLine], issue: IssueMethod = IssueMethod.PICK
) -> MaterialActual:
    """Check one taking, withdraw it, and record it as pending. The item is locked already."""
    lifecycle_before = take.item.lifecycle
    with all_violations() as found:
        found.extend(take_violations(work, run, take, bill))
        with found.under():
            withdraw(work, take.item, take.quantity, "quantity")
    positions = take.positions or (None, None)
    actual = work.add(
        MaterialActual(
            site_id=run.response.site_id,
            job_response_id=run.response.id,
            use=ActualUse.CONSUMED,
            item_id=take.item.id,
            quantity=take.quantity,
            pending=take.quantity,
            range_from=positions[0],
            range_to=positions[1],
            location_id=take.item.location_id,
            posted_by_id=work.actor.principal_id,
            posted_at=work.occurred_at,
        )
    )
    location = take.item.location_id
    ledger.record(
        work,
        events.MaterialConsumed(
            item=take.item,
            job_response=run.response,
            material_actual=actual,
            quantity=take.quantity,
            uom=take.item.uom,
            range_from=positions[0],
            range_to=positions[1],
            lifecycle_before=lifecycle_before,
            location=row(work.session, Equipment, location) if location is not None else None,
            issue=issue,
        ),
        site_id=run.response.site_id,
    )
    reservations.issue(work, run, take.item, take.quantity)
    return actual


def take_violations(work: Work, run: Run, take: Take, bill: Sequence[BillLine]) -> list[Violation]:
    """Every reason why this may not be taken, but for the amount, which the withdrawal itself checks."""
    item, session = take.item, work.session
    found: list[Violation | None] = []
    if item.lifecycle is not Lifecycle.CONSUMED:  # a used-up item is simply not enough
        found += usable_violations(item, work.occurred_at, "item", request_id=run.request.id)
    found += hold_violations(session, item, "item", range=take.positions)
    found.append(reservations.reserved_for_others(session, item, take.quantity, run.request.id, "item"))
    material = session.get(MaterialDefinition, item.material_id) if item.material_id else None
    found.append(bill_violation(bill, material, INPUTS, "item"))
    absent = _presence_violation(work, item)
    found += [_location_violation(work, run, item), absent]
    if item.item_kind is ItemKind.SERIAL_UNIT and take.quantity != 1:
        found.append(invalid(f"{item.key} is one unit, it is not divided into {plain(take.quantity)}", "quantity"))
    if take.positions is not None:
        found.append(_positions_violation(work, take, take.positions))
    if absent is None:
        found.append(_late_violation(work, take))
    return [violation for violation in found if violation is not None]


def _location_violation(work: Work, run: Run, item: Item) -> Violation | None:
    """The item lies at a storage location of the work unit, below one, or at the work unit itself (I10)."""
    stores = [store for _, store in equipment_queries.stores_of(work.session, [run.equipment.id])]
    places = _places(work, item)
    if {place.id for place in places} & {run.equipment.id, *(store.id for store in stores)}:
        return None
    at = places[0].code if places else "no location"
    wanted = ", ".join(store.code for store in stores) or run.equipment.code
    return invalid(
        f"{item.key} is at {at}; {run.equipment.code} takes from {wanted}", "item", code=Code.LOT_NOT_AT_LOCATION
    )


def _places(work: Work, item: Item) -> list[Equipment]:
    """Where the item is, and what that is part of, up to the site."""
    places: list[Equipment] = []
    key = item.location_id
    while key is not None and (place := work.session.get(Equipment, key)) is not None and place not in places:
        places.append(place)
        key = place.parent_id
    return places


def _presence_violation(work: Work, item: Item) -> Violation | None:
    """Nothing is taken before it was received or made (I32)."""
    there_since = item.produced_at if item.request_id is not None else None
    first = work.session.scalar(
        select(func.min(GenealogyEvent.occurred_at))
        .join(GenealogyLine, GenealogyLine.event_id == GenealogyEvent.id)
        .where(GenealogyLine.item_id == item.id, GenealogyLine.role == LineRole.OUTPUT)
    )
    there_since = first or there_since
    if there_since is None or work.occurred_at >= there_since:
        return None
    return invalid(
        f"{item.key} is there since {there_since.isoformat()}, after this consumption",
        "event_time",
        code=Code.TIME_ORDER_INVALID,
    )


def _positions_violation(work: Work, take: Take, positions: Range) -> Violation | None:
    """Positions lie within the item, are as long as the quantity, and were not taken before."""
    item, (start, end) = take.item, positions
    material = work.session.get(MaterialDefinition, item.material_id) if item.material_id else None
    if material is None or not material.has_positions:
        return invalid(f"{item.key} has no positions", "range")
    if not 0 <= start < end <= item.initial_quantity:
        return invalid(
            f"positions {plain(start)} to {plain(end)} do not lie within 0 to {plain(item.initial_quantity)} "
            f"{item.uom} of {item.key}",
            "range",
        )
    if end - start != take.quantity:
        return invalid(
            f"positions {plain(start)} to {plain(end)} are {plain(end - start)} {item.uom}, "
            f"the quantity is {plain(take.quantity)}",
            "range",
        )
    overlapping = work.session.scalars(
        select(MaterialActual)
        .where(
            MaterialActual.item_id == item.id,
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.reverses_id.is_(None),
            MaterialActual.range_from < end,
            MaterialActual.range_to > start,
        )
        .execution_options(**EVERY_SITE)
    )
    for actual in overlapping:
        if actual.range_from is not None and (until := actual.range_from + actual.quantity - actual.returned) > start:
            before = f"{plain(actual.range_from)} to {plain(until)}"
            return invalid(f"positions {before} of {item.key} were taken before", "range")
    return None


def _late_violation(work: Work, take: Take) -> Violation | None:
    """A late posting needs the amount at its own time, too: what was found later does not count (I4)."""
    item = take.item
    later = work.session.scalar(
        select(func.count())
        .select_from(GenealogyLine)
        .join(GenealogyEvent, GenealogyEvent.id == GenealogyLine.event_id)
        .where(
            GenealogyLine.item_id == item.id,
            GenealogyLine.role == LineRole.OUTPUT,
            GenealogyEvent.occurred_at > work.occurred_at,
        )
        .execution_options(**EVERY_SITE)
    )
    if not later:
        return None  # from then on the item only became less, so what is on hand now decides
    pending = work.session.scalar(
        select(func.coalesce(func.sum(MaterialActual.pending), Decimal(0)))
        .where(MaterialActual.item_id == item.id)
        .execution_options(**EVERY_SITE)
    )
    least = max(least_on_hand(work, item, work.occurred_at) - (pending or Decimal(0)), Decimal(0))
    if take.quantity <= least:
        return None
    return QuantityViolation(
        code=Code.INSUFFICIENT_QUANTITY,
        message=f"{item.key} had only {plain(least)} {item.uom} at the event time or after it",
        path=("event_time",),
        available=least,
        requested=take.quantity,
        uom=item.uom,
    )
