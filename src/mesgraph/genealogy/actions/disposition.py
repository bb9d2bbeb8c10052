"""What becomes of rejected items."""

from enum import StrEnum
from typing import NamedTuple

from mesgraph import ledger
from mesgraph.errors import Findings, TransitionViolation, Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.heirs import free_numbers, lot_of, new_sublot, next_revision
from mesgraph.genealogy.actions.removal import scrap_item
from mesgraph.genealogy.actions.rules import packed_violations
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.holds.actions import inherit_holds
from mesgraph.materials.actions import withdraw
from mesgraph.materials.events import DispositionDecided
from mesgraph.materials.lifecycle import FOLLOWERS
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.words import check_code
from mesgraph.work import Work


class DispositionDecision(StrEnum):
    """What is decided about a rejected item."""

    USE_AS_IS = "USE_AS_IS"
    REGRADE = "REGRADE"
    REWORK = "REWORK"
    SCRAP = "SCRAP"
    RETURN_TO_SUPPLIER = "RETURN_TO_SUPPLIER"


class Disposed(NamedTuple):
    """The item that goes on - after rework its next revision or the new sublot - and the activity, if there is one."""

    item: Item
    activity: GenealogyEvent | None


def dispose_of_item(
    work: Work,
    item: Item,
    decision: DispositionDecision,
    *,
    grade: str | None = None,
    request_id: int | None = None,
    expected_version: int | None = None,
) -> Disposed:
    """Decide what becomes of a rejected item, the whole of it: split off a part that has another fate. Needs a reason.

    * USE_AS_IS, REGRADE (with a ``grade``): it is AVAILABLE.
    * REWORK: it ends, and goes on IN_PROCESS as the next revision of the same serial, with all that is installed in
      it, or as a new sublot of its lot; never as an ancestor of itself (I6). It is usable in the order ``request_id``,
      its own one when left out.
    * SCRAP, RETURN_TO_SUPPLIER: it leaves.

    Refuses REASON_REQUIRED, INVALID_TRANSITION for what is not REJECTED, ALREADY_CONTAINED, VALIDATION_FAILED (grade,
    order, no supplier), VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        found.add(_not_rejected(item))
        found.extend(packed_violations(item, "item"))
        _check_details(found, item, decision, grade, request_id)
    heir, activity = item, None
    match decision:
        case DispositionDecision.USE_AS_IS | DispositionDecision.REGRADE:
            item.lifecycle, item.grade = Lifecycle.AVAILABLE, grade or item.grade
        case DispositionDecision.REWORK:
            heir, activity = _rework(work, item, request_id or item.request_id)
        case DispositionDecision.SCRAP:
            activity = scrap_item(work, item).activity
        case DispositionDecision.RETURN_TO_SUPPLIER:
            activity = _send_back(work, item)
    decided = DispositionDecided(
        item=item,
        decision=decision,
        from_lifecycle=Lifecycle.REJECTED,
        to_lifecycle=heir.lifecycle,
        grade=grade,
    )
    ledger.record(work, decided, site_id=item.site_id)
    return Disposed(heir, activity)


def _check_details(
    found: Findings, item: Item, decision: DispositionDecision, grade: str | None, request_id: int | None
) -> None:
    regrade, rework = decision is DispositionDecision.REGRADE, decision is DispositionDecision.REWORK
    if regrade and grade is None:
        found.add(invalid("name the grade that it has from now on", "grade"))
    if grade is not None and not regrade:
        found.add(invalid(f"a grade is named with REGRADE only, not with {decision}", "grade"))
    if grade is not None:
        found.add(check_code(grade, "grade"))
    if request_id is not None and not rework:
        found.add(invalid(f"an order is named with REWORK only, not with {decision}", "request"))
    if rework and request_id is None and item.request_id is None:
        found.add(invalid(f"{item.key} belongs to no order; name the one that reworks it", "request"))
    if decision is DispositionDecision.RETURN_TO_SUPPLIER:
        found.add(_no_supplier(item))


def _not_rejected(item: Item) -> TransitionViolation | None:
    if item.lifecycle is Lifecycle.REJECTED:
        return None
    allowed = FOLLOWERS[item.lifecycle]
    way_out = "; reject it first" if Lifecycle.REJECTED in allowed else ""
    return TransitionViolation(
        message=f"{item.key} is {item.lifecycle}; it is decided about what is REJECTED{way_out}",
        path=("item",),
        from_state=item.lifecycle,
        allowed=tuple(sorted(allowed)),
    )


def _no_supplier(item: Item) -> Violation | None:
    return None if item.supplier_id else invalid(f"{item.key} came from no supplier", "item")


def _rework(work: Work, item: Item, request_id: int | None) -> Disposed:
    source = Line(item, item.quantity)
    if item.item_kind is ItemKind.SERIAL_UNIT:
        heir = next_revision(work, item, lifecycle=Lifecycle.IN_PROCESS)
    else:
        number = next(free_numbers(work, lot_of(work, item)))
        heir = new_sublot(work, item, number, item.quantity, lifecycle=Lifecycle.IN_PROCESS)
    heir.request_id = request_id
    for part in queries.directly_in(work.session, item.id):
        part.parent_id = heir.id
    withdraw(work, item, item.quantity)
    inherit_holds(work, item, heir)
    activity = record_activity(
        work,
        kind=GenealogyKind.REWORK,
        site_id=item.site_id,
        inputs=[source],
        outputs=[Line(heir, heir.initial_quantity)],
    )
    return Disposed(heir, activity)


def _send_back(work: Work, item: Item) -> GenealogyEvent:
    line = Line(item, item.quantity)
    item.lifecycle = Lifecycle.RETURNED
    return record_activity(work, kind=GenealogyKind.SHIP, site_id=item.site_id, inputs=[line], outputs=[])
