"""Reservations: a quantity of an item that is kept for a step of an order, or for one of its jobs (I10).

A reservation counts while it is RESERVED and its order still needs it: from the moment at which the order, the step
or the job has ended it keeps nothing from other orders any more, and a moment later the plant releases it. What cannot
ask orders - splitting, merging, shipping - asks ``item.reserved``: what all that are RESERVED keep.
"""

from decimal import Decimal
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, type_coerce
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.db import Exact
from mesgraph.errors import Code, QuantityViolation, TransitionViolation, Violation, all_violations, invalid
from mesgraph.genealogy.actions.rules import reserved_violation
from mesgraph.materials.models import TERMINAL, Item, ItemKind, MaterialDefinition
from mesgraph.orders import execution_events as events
from mesgraph.orders.bill import INPUTS, bill_lines, bill_violation
from mesgraph.orders.lifecycle import LIVE, NOT_STARTED, UNDER_WAY, shown_place
from mesgraph.orders.models import (
    JobOrder,
    MaterialReservation,
    OperationsRequest,
    ReservationState,
    SegmentRequirement,
)
from mesgraph.orders.run import Run, row
from mesgraph.quantity import plain
from mesgraph.work import Work

S = TypeVar("S", bound=Select[Any])

OPEN = type_coerce(MaterialReservation.quantity - MaterialReservation.issued, Exact)
"""What a reservation that is RESERVED still keeps."""


def reserve_material(
    work: Work, requirement: SegmentRequirement, item: Item, quantity: Decimal, *, job: JobOrder | None = None
) -> MaterialReservation:
    """Keep ``quantity`` of ``item``, in its base unit, for a step of an order, or for ``job`` of that step.

    The item may still be in quarantine, on hold, or on its way to the work unit. Refuses INVALID_TRANSITION (the
    order, the step or the job has ended; the item has), LOT_NOT_AT_LOCATION (another site), WRONG_MATERIAL,
    WRONG_MATERIAL_VERSION (I9), VALIDATION_FAILED (not positive; a part of a unit), INSUFFICIENT_QUANTITY, and
    LOT_RESERVED when what is not reserved yet does not suffice (I10).
    """
    request = row(work.session, OperationsRequest, requirement.request_id)
    work.lock(request, requirement, job, item)
    with all_violations() as found:
        found.add(_ended_violation(request, requirement, job), _item_violation(request, item))
        material = work.session.get(MaterialDefinition, item.material_id) if item.material_id else None
        found.add(bill_violation(bill_lines(work.session, requirement.segment_id), material, INPUTS, "item"))
        if quantity <= 0:
            found.add(invalid(f"{plain(quantity)} is not a quantity to reserve", "quantity"))
        elif item.item_kind is ItemKind.SERIAL_UNIT and quantity != 1:
            found.add(invalid(f"{item.key} is one unit, it is not divided into {plain(quantity)}", "quantity"))
        elif item.lifecycle not in TERMINAL:
            found.add(_amount_violation(work.session, item, quantity))
    reservation = work.add(
        MaterialReservation(
            site_id=request.site_id,
            request_id=request.id,
            requirement_id=requirement.id,
            job_order_id=job.id if job else None,
            item_id=item.id,
            quantity=quantity,
            issued=Decimal(0),
            state=ReservationState.RESERVED,
        )
    )
    item.reserved += quantity
    ledger.record(
        work,
        events.MaterialReserved(
            item=item,
            request=request,
            reservation=reservation,
            requirement=requirement,
            job_order=job,
            quantity=quantity,
            uom=item.uom,
        ),
        site_id=request.site_id,
    )
    return reservation


def release_reservation(
    work: Work, reservation: MaterialReservation, *, expected_version: int | None = None
) -> MaterialReservation:
    """Let go of what a reservation still keeps. Refuses VERSION_CONFLICT, INVALID_TRANSITION."""
    item = row(work.session, Item, reservation.item_id)
    work.lock(item, reservation)
    with all_violations() as found:
        with found.under():
            work.expect(reservation, expected_version)
        if reservation.state is not ReservationState.RESERVED:
            found.add(
                TransitionViolation(
                    message=f"{reservation.human_key} is {reservation.state} already",
                    path=("reservation",),
                    from_state=reservation.state,
                    allowed=(),
                )
            )
    _release(work, reservation, item)
    return reservation


def release_unneeded(work: Work) -> None:
    """Release what ended orders, steps and jobs still keep."""
    statement = (
        _with_owners(select(MaterialReservation))
        .where(MaterialReservation.state == ReservationState.RESERVED, ~_needed())
        .order_by(MaterialReservation.id)
    )
    reservations = list(work.session.scalars(statement))
    items = {r.item_id: row(work.session, Item, r.item_id) for r in reservations}
    work.lock(*items.values(), *reservations)
    for reservation in reservations:
        if reservation.state is ReservationState.RESERVED:
            _release(work, reservation, items[reservation.item_id])


def release_lost(work: Work) -> None:
    """Release what is kept of items that have ended, or of which less is left: the youngest reservations first."""
    gone = or_(Item.lifecycle.in_(sorted(TERMINAL)), Item.reserved > Item.quantity)
    kept = select(MaterialReservation.item_id).where(MaterialReservation.state == ReservationState.RESERVED)
    items = list(work.session.scalars(select(Item).where(Item.id.in_(kept), gone).order_by(Item.id)))
    work.lock(*items)
    for item in items:
        left = Decimal(0) if item.lifecycle in TERMINAL else item.quantity
        for reservation in _open(work.session, item, youngest_first=True):
            if item.reserved <= left:
                break
            work.lock(reservation)
            _release(work, reservation, item)


def issue(work: Work, run: Run, item: Item, quantity: Decimal) -> None:
    """The order of ``run`` consumed ``quantity`` of ``item``: that comes out of what was kept for it.

    First out of what was kept for the job, then for its step, then for the rest of the order, the oldest first. A
    consumption that is reversed does not reserve again. The item is locked already.
    """
    if item.reserved == 0:
        return
    own = [kept for kept in _open(work.session, item) if kept.request_id == run.request.id]
    own.sort(key=lambda r: (r.job_order_id != run.job.id, r.requirement_id != run.requirement.id))
    for reservation in own:
        part = min(quantity, reservation.open)
        reservation.issued += part
        item.reserved -= part
        quantity -= part
        if reservation.open == 0:
            reservation.state = ReservationState.ISSUED
            ledger.record(
                work,
                events.MaterialReservationIssued(item=item, reservation=reservation),
                site_id=reservation.site_id,
            )
        if quantity == 0:
            return


def reserved_for_others(
    session: Session, item: Item, quantity: Decimal, request_id: int, *path: str | int
) -> Violation | None:
    """LOT_RESERVED when order ``request_id`` would take what is kept for others (I10)."""
    if item.reserved == 0:
        return None
    return reserved_violation(item, quantity, *path, kept=kept_of(session, item.id, other_than=request_id))


def kept_of(session: Session, item_id: int, *, other_than: int | None = None) -> Decimal:
    """How much of an item is kept, for other orders than ``other_than``."""
    statement = counting(select(func.coalesce(func.sum(OPEN), Decimal(0)))).where(
        MaterialReservation.item_id == item_id
    )
    if other_than is not None:
        statement = statement.where(MaterialReservation.request_id != other_than)
    return session.scalar(statement) or Decimal(0)


def counting(statement: S) -> S:
    """``statement`` on reservations, restricted to those that keep something now."""
    return _with_owners(statement).where(MaterialReservation.state == ReservationState.RESERVED, _needed())


def _open(session: Session, item: Item, *, youngest_first: bool = False) -> list[MaterialReservation]:
    """The reservations of an item that are RESERVED, the oldest first unless told."""
    order = MaterialReservation.id.desc() if youngest_first else MaterialReservation.id
    return list(
        session.scalars(
            select(MaterialReservation)
            .where(MaterialReservation.item_id == item.id, MaterialReservation.state == ReservationState.RESERVED)
            .order_by(order)
        )
    )


def _with_owners(statement: S) -> S:
    return (
        statement.join(OperationsRequest, OperationsRequest.id == MaterialReservation.request_id)
        .join(SegmentRequirement, SegmentRequirement.id == MaterialReservation.requirement_id)
        .outerjoin(JobOrder, JobOrder.id == MaterialReservation.job_order_id)
    )


def _needed() -> ColumnElement[bool]:
    """Neither the order, nor the step, nor the job has come to its end."""
    return and_(
        OperationsRequest.state.in_(sorted(NOT_STARTED | UNDER_WAY)),
        SegmentRequirement.ended_at.is_(None),
        or_(MaterialReservation.job_order_id.is_(None), JobOrder.state.in_(sorted(LIVE))),
    )


def _release(work: Work, reservation: MaterialReservation, item: Item) -> None:
    kept, reservation.state = reservation.open, ReservationState.RELEASED
    item.reserved -= kept
    ledger.record(
        work,
        events.MaterialReservationReleased(item=item, reservation=reservation, quantity=kept, uom=item.uom),
        site_id=reservation.site_id,
    )


def _ended_violation(
    request: OperationsRequest, requirement: SegmentRequirement, job: JobOrder | None
) -> Violation | None:
    if request.state not in NOT_STARTED | UNDER_WAY:
        what, state, path = request.code, str(request.state), "segment_requirement"
    elif requirement.ended_at is not None:
        what, state, path = f"step {requirement.seq} of {request.code}", "ENDED", "segment_requirement"
    elif job is not None and job.state not in LIVE:
        what, state, path = job.code, shown_place((job.state, job.sub_state)), "job_order"
    else:
        return None
    return TransitionViolation(
        message=f"{what} is {state}; it needs no material any more", path=(path,), from_state=state, allowed=()
    )


def _item_violation(request: OperationsRequest, item: Item) -> Violation | None:
    if item.lifecycle in TERMINAL:
        return TransitionViolation(
            message=f"{item.key} is {item.lifecycle}", path=("item",), from_state=item.lifecycle, allowed=()
        )
    if item.site_id != request.site_id:
        message = f"{item.key} is at another site than {request.code}"
        return invalid(message, "item", code=Code.LOT_NOT_AT_LOCATION)
    return None


def _amount_violation(session: Session, item: Item, quantity: Decimal) -> Violation | None:
    kept = kept_of(session, item.id)
    rest = max(item.quantity - kept, Decimal(0))
    if quantity <= rest:
        return None
    missing = quantity > item.quantity
    return QuantityViolation(
        code=Code.INSUFFICIENT_QUANTITY if missing else Code.LOT_RESERVED,
        message=f"{item.key} has {plain(item.quantity)} {item.uom}, of which {plain(kept)} {item.uom} are reserved "
        f"already; {plain(quantity)} {item.uom} are asked for",
        path=("quantity",),
        available=item.quantity if missing else rest,
        requested=quantity,
        uom=item.uom,
    )
