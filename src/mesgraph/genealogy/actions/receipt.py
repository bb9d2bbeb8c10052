"""Receipt of lots from suppliers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Code, Findings, Violation, all_violations, invalid
from mesgraph.genealogy.actions.rules import Posted, store_violation
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.materials.actions import create_item
from mesgraph.materials.models import ApprovalStatus, ItemKind, Lifecycle, MaterialDefinition, Supplier
from mesgraph.quantity import plain
from mesgraph.work import Work

LINES_MAX = 100
"""Lots of one receipt: each is an activity of its own, and all of them keep the writer busy."""


@dataclass(frozen=True, kw_only=True)
class ReceiptLine:
    """A lot on a delivery note. Without ``expires_at`` the shelf life of the material counts from the receipt."""

    material: MaterialDefinition
    lot_number: str
    quantity: Decimal
    supplier: Supplier | None = None
    supplier_lot: str | None = None
    expires_at: datetime | None = None
    location: Equipment | None = None


def receive_items(work: Work, site: Site, lines: Sequence[ReceiptLine]) -> list[Posted]:
    """Receive lots, all or none; each is an activity of its own, so that it can be reversed alone.

    A lot begins in QUARANTINE where its material says so, else AVAILABLE. Refuses VALIDATION_FAILED (quantity, number,
    supplier that is blocked, location that is no store of the site), DUPLICATE_KEY, LOT_EXPIRED.
    """
    with all_violations() as found:
        if not 1 <= len(lines) <= LINES_MAX:
            found.add(invalid(f"{len(lines)} lines; a receipt has 1 to {LINES_MAX}", "lines"))
    found, posted = Findings(), []
    for i, line in enumerate(lines):
        with found.under("lines", i):
            posted.append(_receive(work, site, line))
    found.refuse()
    return posted


def _receive(work: Work, site: Site, line: ReceiptLine) -> Posted:
    with all_violations() as found:
        if line.quantity <= 0:
            found.add(invalid(f"quantity {plain(line.quantity)} must be greater than zero", "quantity"))
        found.add(_blocked(line.supplier), _expired(work, line))
        if line.location is not None:
            found.add(store_violation(line.location, site.id, "location"))
    lot = create_item(
        work,
        site_id=site.id,
        item_kind=ItemKind.LOT,
        material=line.material,
        number=line.lot_number,
        quantity=line.quantity,
        lifecycle=Lifecycle.QUARANTINE if line.material.quarantine_on_receipt else Lifecycle.AVAILABLE,
        location_id=line.location.id if line.location else None,
        expires_at=line.expires_at,
        supplier_id=line.supplier.id if line.supplier else None,
        supplier_lot=line.supplier_lot,
        path=("lot_number",),
    )
    activity = record_activity(
        work,
        kind=GenealogyKind.RECEIVE,
        site_id=site.id,
        inputs=[],
        outputs=[Line(lot, line.quantity)],
        location=line.location,
    )
    return Posted(activity, [lot])


def _blocked(supplier: Supplier | None) -> Violation | None:
    if supplier is None or supplier.approval_status is not ApprovalStatus.BLOCKED:
        return None
    return invalid(f"supplier {supplier.code} is blocked", "supplier")


def _expired(work: Work, line: ReceiptLine) -> Violation | None:
    if line.expires_at is None or line.expires_at > work.occurred_at:
        return None
    message = f"lot {line.lot_number} expired at {line.expires_at.isoformat()}"
    return invalid(message, "expires_at", code=Code.LOT_EXPIRED)
