"""Dividing a lot into sublots, and making one lot of several."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from mesgraph.errors import Code, QuantityViolation, Refused, Violation, all_violations, invalid
from mesgraph.genealogy._shares import apportion
from mesgraph.genealogy.actions.heirs import free_numbers, lot_of, new_sublot
from mesgraph.genealogy.actions.rules import (
    DIVISIBLE,
    ITEMS_MAX,
    Posted,
    check_list,
    divisible_violation,
    reserved_violation,
    taking_violations,
    too_little,
    unusable,
)
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.holds.actions import inherit_holds
from mesgraph.materials.actions import withdraw
from mesgraph.materials.creation import PIECE, create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.quantity import DIGITS, from_micro, plain, to_micro
from mesgraph.work import Work

ZERO = Decimal(0)


@dataclass(frozen=True)
class Child:
    """A part to split off. Without a number it gets the next free one of its lot."""

    quantity: Decimal
    number: str | None = None


def split_lot(
    work: Work,
    item: Item,
    *,
    children: Sequence[Child] = (),
    parts: int | None = None,
    quantity: Decimal | None = None,
    loss: Decimal = ZERO,
    expected_version: int | None = None,
) -> Posted:
    """Divide a lot or sublot into sublots of the same lot; what is not divided stays in it (I1).

    Name the ``children``, or how many equal ``parts``: where it does not divide, the first parts are larger by the
    smallest step (10^-6, or one piece), so that nothing is gained or lost. ``quantity`` is how much is divided, loss
    included: what the children add up to, or all that is on hand, when left out. ``loss`` is what the cut destroyed; it
    is scrapped, by an activity of its own. The children inherit material, expiry, holds, grade, state, order and place.
    A lot on hold may be split; what is reserved for orders stays in it. Refuses QUANTITY_NOT_CONSERVED when children
    and loss are not ``quantity``, INSUFFICIENT_QUANTITY, LOT_RESERVED (I10), VALIDATION_FAILED, INVALID_TRANSITION,
    ALREADY_CONTAINED, DUPLICATE_KEY, VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        wanted = sum((child.quantity for child in children), loss) if quantity is None else quantity
        found.extend(taking_violations(item, wanted, "item"))
        found.add(divisible_violation(item, "item"))
        if loss < 0:
            found.add(invalid(f"a loss of {plain(loss)} must be zero or more", "loss"))
        if quantity is not None and quantity <= 0:
            found.add(invalid(f"quantity {plain(quantity)} must be greater than zero", "quantity"))
        found.extend(_size_violations(children, parts))
    if parts is not None:
        children = _equal_children(item, parts, (item.quantity if quantity is None else quantity) - loss)
    with all_violations() as found:
        for i, child in enumerate(children):
            if child.quantity <= 0:
                found.add(invalid(f"quantity {plain(child.quantity)} must be above zero", "children", i, "quantity"))
        total = sum((child.quantity for child in children), loss)
        found.add(_amount_violation(item, total, quantity))
    if loss:
        _lose(work, item, loss)
    source = Line(item, total - loss)
    made = _make_children(work, item, children)
    withdraw(work, item, total - loss)
    outputs = [Line(child, child.quantity) for child in made]
    activity = record_activity(work, kind=GenealogyKind.SPLIT, site_id=item.site_id, inputs=[source], outputs=outputs)
    return Posted(activity, made)


def _size_violations(children: Sequence[Child], parts: int | None) -> list[Violation]:
    if (parts is None and not children) or (parts is not None and children):
        return [invalid("name either the children or the number of equal parts", "children")]
    if parts is not None and not 1 <= parts <= ITEMS_MAX:
        return [invalid(f"{parts} parts; a split has 1 to {ITEMS_MAX}", "parts")]
    if len(children) > ITEMS_MAX:
        return [invalid(f"{len(children)} children; a split has 1 to {ITEMS_MAX}", "children")]
    return []


def _equal_children(item: Item, parts: int, total: Decimal) -> list[Child]:
    pieces = item.uom == PIECE and total == total.to_integral_value()
    step = 10**DIGITS if pieces else 1
    units = to_micro(max(total, ZERO)) // step
    if units < parts:
        raise Refused(invalid(f"{plain(total)} {item.uom} cannot be divided into {parts} parts", "parts"))
    return [Child(from_micro(part * step)) for part in apportion(units, [1] * parts)]


def _amount_violation(item: Item, total: Decimal, declared: Decimal | None) -> Violation | None:
    if declared is not None and total != declared:
        return QuantityViolation(
            code=Code.QUANTITY_NOT_CONSERVED,
            message=f"children and loss add up to {plain(total)}, not to {plain(declared)} {item.uom}",
            path=("quantity",),
            available=declared,
            requested=total,
            uom=item.uom,
        )
    return too_little(item, total, "item") if total > item.quantity else reserved_violation(item, total, "item")


def _lose(work: Work, item: Item, loss: Decimal) -> None:
    line = Line(item, loss)
    withdraw(work, item, loss, "loss")
    record_activity(work, kind=GenealogyKind.SCRAP, site_id=item.site_id, inputs=[line], outputs=[])


def _make_children(work: Work, item: Item, children: Sequence[Child]) -> list[Item]:
    free = free_numbers(work, lot_of(work, item), [child.number for child in children if child.number])
    made: list[Item] = []
    with all_violations() as found:
        for i, child in enumerate(children):
            with found.under("children", i):
                number = child.number or next(free)
                made.append(new_sublot(work, item, number, child.quantity, lifecycle=item.lifecycle, path=("number",)))
    for sublot in made:
        inherit_holds(work, item, sublot)
    return made


def merge_lots(work: Work, items: Sequence[Item], *, lot_number: str) -> Posted:
    """Make one new lot of all that is on hand in several (I2). It expires with the first of them.

    Refuses MERGE_INCOMPATIBLE when they differ in material, revision, grade or site, are no lots or sublots, or are
    not usable (with the reason beside it: LOT_ON_HOLD, LOT_NOT_RELEASED, LOT_EXPIRED, ALREADY_CONTAINED), LOT_RESERVED
    when a part of one is kept for an order (I10), VALIDATION_FAILED, DUPLICATE_KEY.
    """
    work.lock(*items)
    with all_violations() as found:
        if len(items) < 2:
            found.add(invalid("a merge needs at least two lots", "items"))
        check_list(found, items, "items")
        for i, item in enumerate(items):
            found.extend(_merge_violations(work, items[0], item, "items", i))
    first = items[0]
    material = work.session.get_one(MaterialDefinition, first.material_id)
    expiries = [item.expires_at for item in items if item.expires_at is not None]
    lot = create_item(
        work,
        site_id=first.site_id,
        item_kind=ItemKind.LOT,
        material=material,
        number=lot_number,
        quantity=sum((item.quantity for item in items), ZERO),
        lifecycle=Lifecycle.AVAILABLE,
        location_id=first.location_id,
        request_id=first.request_id if len({item.request_id for item in items}) == 1 else None,
        grade=first.grade,
        produced_at=work.occurred_at,
        expires_at=min(expiries, default=None),
        path=("lot_number",),
    )
    lot.expires_at = min(expiries, default=None)
    inputs = [Line(item, item.quantity) for item in items]
    for line in inputs:
        withdraw(work, line.item, line.quantity)
    activity = record_activity(
        work,
        kind=GenealogyKind.MERGE,
        site_id=first.site_id,
        inputs=inputs,
        outputs=[Line(lot, lot.quantity)],
    )
    return Posted(activity, [lot])


def _merge_violations(work: Work, first: Item, item: Item, *path: str | int) -> list[Violation]:
    if item.item_kind not in DIVISIBLE:
        return [_incompatible(f"{item.key} is a {item.item_kind}", *path)]
    found = []
    if (item.material_id, item.uom) != (first.material_id, first.uom):
        found.append(_incompatible(f"{item.key} is of another material or revision than {first.key}", *path))
    if item.grade != first.grade:
        found.append(_incompatible(f"{item.key} is of another grade than {first.key}", *path))
    reasons = unusable(work, item, *path)
    if reasons:
        found.append(_incompatible(f"{item.key} is not usable", *path))
    kept = reserved_violation(item, item.quantity, *path)
    return [*found, *reasons, *([kept] if kept else [])]


def _incompatible(message: str, *path: str | int) -> Violation:
    return invalid(message, *path, code=Code.MERGE_INCOMPATIBLE)
