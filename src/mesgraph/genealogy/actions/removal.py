"""Quantity that leaves without becoming anything: samples, scrap, and what a count corrects."""

from decimal import Decimal

from mesgraph.errors import Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.rules import (
    DIVISIBLE,
    Posted,
    divisible_violation,
    live_violations,
    packed_violations,
    taking_violations,
)
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials.actions import deposit, withdraw
from mesgraph.materials.lifecycle import check_step, refuse_step
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.quantity import plain
from mesgraph.work import Work


def take_sample(work: Work, item: Item, quantity: Decimal, *, expected_version: int | None = None) -> Posted:
    """Take a quantity out of a lot or sublot to be tested; it does not come back.

    A lot in quarantine or on hold may be sampled. Refuses INSUFFICIENT_QUANTITY, VALIDATION_FAILED,
    INVALID_TRANSITION, ALREADY_CONTAINED, VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        found.extend(taking_violations(item, quantity, "quantity"))
        found.add(divisible_violation(item, "item"), _not_positive(quantity))
    line = Line(item, quantity)
    withdraw(work, item, quantity, "quantity")
    activity = record_activity(work, kind=GenealogyKind.SAMPLE, site_id=item.site_id, inputs=[line], outputs=[])
    return Posted(activity, [item])


def scrap_item(
    work: Work, item: Item, quantity: Decimal | None = None, *, expected_version: int | None = None
) -> Posted:
    """Throw away an item, or a ``quantity`` of a lot. Needs a reason; a hold does not prevent it.

    A whole item becomes SCRAPPED. Refuses REASON_REQUIRED, INSUFFICIENT_QUANTITY, INVALID_TRANSITION,
    ALREADY_CONTAINED (take it out first), VALIDATION_FAILED (a logistic unit that is not empty), VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    whole = quantity is None or quantity == item.quantity
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        if quantity is None:
            found.add(check_step(item, Lifecycle.SCRAPPED, "item"))
            found.extend(packed_violations(item, "item"))
        else:
            found.extend(taking_violations(item, quantity, "quantity"))
            found.add(_not_positive(quantity))
        if not whole:
            found.add(divisible_violation(item, "quantity"))
        if item.item_kind not in DIVISIBLE and _holds_packed(work, item):
            found.add(invalid(f"{item.key} is not empty; unpack it first", "item"))
    amount = item.quantity if quantity is None else quantity
    line = Line(item, amount)
    if whole:
        item.lifecycle = Lifecycle.SCRAPPED
    withdraw(work, item, amount, "quantity")
    activity = record_activity(work, kind=GenealogyKind.SCRAP, site_id=item.site_id, inputs=[line], outputs=[])
    return Posted(activity, [item])


def _holds_packed(work: Work, item: Item) -> bool:
    inside = queries.directly_in(work.session, item.id)
    return any(child.lifecycle is not Lifecycle.INSTALLED for child in inside)


def adjust_lot(work: Work, item: Item, counted: Decimal, *, expected_version: int | None = None) -> Posted:
    """Set the quantity on hand to what was counted. Needs a reason.

    A surplus raises the initial quantity with it, since more was there than anybody knew. Refuses REASON_REQUIRED,
    VALIDATION_FAILED (negative, or what is on record already), INVALID_TRANSITION, ALREADY_CONTAINED,
    VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        found.extend(live_violations(item, Lifecycle.AVAILABLE, "item"))
        if item.lifecycle is Lifecycle.PLANNED:  # a number without a lot, such as a reversal leaves
            found.add(refuse_step(item, Lifecycle.AVAILABLE, "item", allowed=frozenset()))
        found.add(divisible_violation(item, "item"))
        if counted < 0:
            found.add(invalid(f"{plain(counted)} cannot be counted", "counted"))
        if counted == item.quantity:
            found.add(invalid(f"{item.key} has {plain(counted)} {item.uom} on record already", "counted"))
    line = Line(item, abs(counted - item.quantity))
    short = counted < item.quantity
    if short:
        withdraw(work, item, line.quantity, "counted")
    else:
        deposit(work, item, line.quantity, "counted")
    activity = record_activity(
        work,
        kind=GenealogyKind.ADJUST,
        site_id=item.site_id,
        inputs=[line] if short else [],
        outputs=[] if short else [line],
    )
    return Posted(activity, [item])


def _not_positive(quantity: Decimal) -> Violation | None:
    return None if quantity > 0 else invalid(f"quantity {plain(quantity)} must be greater than zero", "quantity")
