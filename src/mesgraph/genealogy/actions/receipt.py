"""Items that begin without an input: what suppliers deliver, and what is found or was made outside of an order."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Code, Refused, Violation, all_violations, invalid, replace_path
from mesgraph.genealogy.actions.rules import Posted, store_violation
from mesgraph.genealogy.activity import Activity, Line, record_activities
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials.creation import NewItem, Path, create_items
from mesgraph.materials.models import ApprovalStatus, Item, ItemKind, Lifecycle, MaterialDefinition, Supplier
from mesgraph.materials.queries import item_by_parts
from mesgraph.quantity import plain
from mesgraph.work import Work

RECEIVED_MAX = 5_000
"""Lots and units of one command: they keep the writer busy for seconds."""


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """A line of a delivery note: a lot with its quantity, or serial units.

    Without ``expires_at`` the shelf life of the material counts from the receipt.
    """

    material: MaterialDefinition
    lot_number: str | None = None
    quantity: Decimal | None = None
    serial_numbers: Sequence[str] = ()
    supplier: Supplier | None = None
    supplier_lot: str | None = None
    expires_at: datetime | None = None
    location: Equipment | None = None


def receive_items(work: Work, site: Site, lines: Sequence[ReceiptLine]) -> list[Posted]:
    """Receive what a delivery note names, all or none; each line is an activity, so that it can be reversed alone.

    Items begin in QUARANTINE where their material says so, else AVAILABLE. Refuses VALIDATION_FAILED (quantity, number,
    supplier that is blocked, location that is no store of the site), DUPLICATE_KEY, SERIAL_NOT_UNIQUE, LOT_EXPIRED.
    """
    return _bring_in(work, GenealogyKind.RECEIVE, site, lines)


def commission_items(work: Work, site: Site, lines: Sequence[ReceiptLine]) -> list[Posted]:
    """Make items known that were found, or made outside of an order: nothing says what they were made from.

    Needs a reason. Refuses REASON_REQUIRED, and what :func:`receive_items` refuses.
    """
    work.needs_reason()
    return _bring_in(work, GenealogyKind.COMMISSION, site, lines)


def submit_lots(work: Work, site: Site, lines: Sequence[ReceiptLine]) -> list[Item]:
    """Open stock, such as at the start of a plant: lots that are there become known as if found. Needs a reason.

    A lot that is known with the same site and all there ever was of it stays as it is, so a list can be sent again.
    Refuses what :func:`commission_items` refuses; DUPLICATE_KEY for a known lot with another amount: count it.
    """
    work.needs_reason()
    known = [_known_lot(work, site, line) for line in lines]
    new = [i for i, lot in enumerate(known) if lot is None]
    made: dict[int, Item] = {}
    if new or not lines:
        try:
            posted = commission_items(work, site, [lines[i] for i in new])
        except Refused as refused:
            raise Refused(*(_of_line(violation, new) for violation in refused.violations)) from refused
        made = {i: each.items[0] for i, each in zip(new, posted, strict=True)}
    return [lot or made[i] for i, lot in enumerate(known)]


def _known_lot(work: Work, site: Site, line: ReceiptLine) -> Item | None:
    if line.lot_number is None:
        return None
    lot = item_by_parts(work.session, material=line.material.code, lot=line.lot_number)
    same = lot is not None and (lot.site_id, lot.initial_quantity) == (site.id, line.quantity)
    return lot if same else None


def _of_line(violation: Violation, lines: Sequence[int]) -> Violation:
    """``violation`` with the place of its line among all lines."""
    if len(violation.path) < 2 or violation.path[0] != "lines":
        return violation
    return replace_path(violation, ("lines", lines[int(violation.path[1])], *violation.path[2:]))


def _bring_in(work: Work, kind: GenealogyKind, site: Site, lines: Sequence[ReceiptLine]) -> list[Posted]:
    count = sum(len(line.serial_numbers) or 1 for line in lines)
    with all_violations() as found:
        if not 1 <= count <= RECEIVED_MAX:
            found.add(invalid(f"{count} items; one command has 1 to {RECEIVED_MAX}", "lines"))
    with all_violations() as found:
        for i, line in enumerate(lines):
            with found.under("lines", i), all_violations() as of_line:
                of_line.extend(_line_violations(work, site, line))
        items: list[Item] = []
        with found.under():
            items = _create(work, site, lines)
        found.violations.sort(key=lambda violation: violation.path[1:2])
    remaining = iter(items)
    parts = [[next(remaining) for _ in line.serial_numbers or (line.lot_number,)] for line in lines]
    activities = [
        Activity(
            kind=kind,
            site_id=site.id,
            inputs=[],
            outputs=[Line(item, item.quantity) for item in made],
            location=line.location,
        )
        for line, made in zip(lines, parts, strict=True)
    ]
    recorded = record_activities(work, activities)
    return [Posted(activity, made) for activity, made in zip(recorded, parts, strict=True)]


def _create(work: Work, site: Site, lines: Sequence[ReceiptLine]) -> list[Item]:
    wanted: list[NewItem] = []
    paths: list[Path] = []
    for i, line in enumerate(lines):
        wanted += _begins(site, line)
        paths += [("lines", i, "serial_numbers", n) for n in range(len(line.serial_numbers))] or [
            ("lines", i, "lot_number")
        ]
    return create_items(work, wanted, paths)


def _begins(site: Site, line: ReceiptLine) -> list[NewItem]:
    units = bool(line.serial_numbers)
    return [
        NewItem(
            site_id=site.id,
            item_kind=ItemKind.SERIAL_UNIT if units else ItemKind.LOT,
            material=line.material,
            number=number,
            quantity=Decimal(1) if units else line.quantity or Decimal(0),
            lifecycle=Lifecycle.QUARANTINE if line.material.quarantine_on_receipt else Lifecycle.AVAILABLE,
            location_id=line.location.id if line.location else None,
            expires_at=line.expires_at,
            supplier_id=line.supplier.id if line.supplier else None,
            supplier_lot=line.supplier_lot,
        )
        for number in line.serial_numbers or (line.lot_number or "",)
    ]


def _line_violations(work: Work, site: Site, line: ReceiptLine) -> Iterable[Violation]:
    if (line.lot_number is None) == (not line.serial_numbers):
        yield invalid("name either a lot with its quantity or serial numbers", "lot_number")
    elif line.lot_number is not None and line.quantity is None:
        yield invalid(f"lot {line.lot_number} needs a quantity", "quantity")
    elif line.serial_numbers and line.quantity not in (None, Decimal(len(line.serial_numbers))):
        yield invalid(
            f"{len(line.serial_numbers)} serial numbers are not {plain(line.quantity or Decimal(0))}", "quantity"
        )
    if line.quantity is not None and line.quantity <= 0:
        yield invalid(f"quantity {plain(line.quantity)} must be greater than zero", "quantity")
    if line.supplier is not None and line.supplier.approval_status is ApprovalStatus.BLOCKED:
        yield invalid(f"supplier {line.supplier.code} is blocked", "supplier")
    if line.expires_at is not None and line.expires_at <= work.occurred_at:
        what = f"lot {line.lot_number}" if line.lot_number else f"what you receive of {line.material.code}"
        yield invalid(f"{what} expired at {line.expires_at.isoformat()}", "expires_at", code=Code.LOT_EXPIRED)
    if line.location is not None:
        misplaced = store_violation(line.location, site.id, "location")
        if misplaced is not None:
            yield misplaced
