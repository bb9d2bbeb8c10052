"""Verbs of materials, and the primitives with which higher domains make, use up and restore items.

A primitive changes rows and keeps their small invariants, but records nothing: the event of the verb that calls it
tells what happened. Whoever calls one has locked the item before (:meth:`mesgraph.work.Work.lock`).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from mesgraph import ledger
from mesgraph.errors import (
    Code,
    Findings,
    QuantityViolation,
    Refused,
    Violation,
    all_violations,
    invalid,
)
from mesgraph.materials import events, queries
from mesgraph.materials.creation import amount_violation, exact_violation
from mesgraph.materials.lifecycle import check_trigger, refuse_step
from mesgraph.materials.models import (
    TERMINAL,
    ApprovalStatus,
    Item,
    ItemKind,
    Lifecycle,
    MaterialDefinition,
    MaterialKind,
    Supplier,
    Tracking,
)
from mesgraph.quantity import UNIT_CODE, plain
from mesgraph.words import check_code, check_gs1_key, check_name
from mesgraph.work import Work

SHELF_LIFE_MAX = timedelta(days=365 * 50)


def submit_supplier(work: Work, *, code: str, name: str, gln: str | None, approval_status: ApprovalStatus) -> Supplier:
    """Make a supplier known, or change it. Refuses VALIDATION_FAILED, INVALID_GS1_KEY."""
    with all_violations() as found:
        found.add(check_code(code, "code"), check_name(name, "name"))
        if gln is not None:
            found.add(check_gs1_key(gln, "GLN", 13, "gln"))
    supplier = queries.supplier_by_key(work.session, code)
    if supplier is None:
        supplier = work.add(Supplier(code=code, name=name, gln=gln, approval_status=approval_status))
    else:
        work.lock(supplier)
        supplier.name, supplier.gln, supplier.approval_status = name, gln, approval_status
    ledger.record(
        work, events.SupplierSubmitted(supplier=supplier, name=name, gln=gln, approval_status=approval_status)
    )
    return supplier


@dataclass(frozen=True, kw_only=True)
class MaterialMaster:
    """What is known of one revision of a material. ``uom_factors``: base units in one of each further unit."""

    code: str
    revision: str
    name: str
    kind: MaterialKind
    base_uom: str
    tracking: Tracking
    gtin: str | None = None
    shelf_life: timedelta | None = None
    quarantine_on_receipt: bool = False
    has_positions: bool = False
    uom_factors: dict[str, Decimal] = field(default_factory=dict)

    @property
    def counted_in(self) -> tuple[object, ...]:
        """What may not change once items exist, because their quantities and positions are counted in it."""
        return self.base_uom, self.tracking, self.has_positions, self.factors

    @property
    def factors(self) -> dict[str, str]:
        """The factors as they are stored."""
        return {uom: plain(factor) for uom, factor in sorted(self.uom_factors.items())}


def submit_material_definition(work: Work, master: MaterialMaster) -> MaterialDefinition:
    """Make a revision of a material known, or change it.

    Refuses VALIDATION_FAILED, INVALID_GS1_KEY, DUPLICATE_KEY (the GTIN of another material), and RECORD_IMMUTABLE when
    unit, tracking, positions or factors of a revision change that has items: submit a new revision.
    """
    with all_violations() as found:
        _check_master(work, master, found)
    material = queries.material_by_key(work.session, f"{master.code}:{master.revision}")
    values = {
        "name": master.name,
        "gtin": master.gtin,
        "material_kind": master.kind,
        "base_uom": master.base_uom,
        "tracking": master.tracking,
        "shelf_life_s": None if master.shelf_life is None else int(master.shelf_life.total_seconds()),
        "quarantine_on_receipt": master.quarantine_on_receipt,
        "has_positions": master.has_positions,
        "uom_factors": master.factors,
    }
    if material is None:
        material = work.add(MaterialDefinition(code=master.code, revision=master.revision, **values))
    else:
        work.lock(material)
        _refuse_recounting(work, material, master)
        for name, value in values.items():
            setattr(material, name, value)
    ledger.record(
        work,
        events.MaterialDefinitionSubmitted(
            material=material,
            name=master.name,
            gtin=master.gtin,
            kind=master.kind,
            base_uom=master.base_uom,
            tracking=master.tracking,
            shelf_life_seconds=material.shelf_life_s,
            quarantine_on_receipt=master.quarantine_on_receipt,
            has_positions=master.has_positions,
            uom_factors=[f"{uom} {factor}" for uom, factor in master.factors.items()],
        ),
    )
    return material


def _check_master(work: Work, master: MaterialMaster, found: Findings) -> None:
    found.add(
        check_code(master.code, "code"),
        check_code(master.revision, "revision"),
        check_name(master.name, "name"),
        _check_unit(master.base_uom, "base_uom"),
    )
    if master.gtin is not None:
        found.add(check_gs1_key(master.gtin, "GTIN", 14, "gtin"), _check_gtin_free(work, master))
    life = master.shelf_life
    if life is not None and not (timedelta(0) < life <= SHELF_LIFE_MAX and life.microseconds == 0):
        found.add(invalid(f"a shelf life of {life} is not whole seconds between 1 s and 50 years", "shelf_life"))
    for i, (uom, factor) in enumerate(master.uom_factors.items()):
        found.add(_check_unit(uom, "uom_factors", i, "uom"), _check_factor(factor, "uom_factors", i, "factor"))
        if uom == master.base_uom:
            found.add(invalid(f"{uom} is the base unit itself", "uom_factors", i, "uom"))


def _check_unit(uom: str, *path: str | int) -> Violation | None:
    return None if UNIT_CODE.fullmatch(uom) else invalid(f"{uom[:40]!r} is no unit code of Rec 20", *path)


def _check_factor(factor: Decimal, *path: str | int) -> Violation | None:
    if not factor.is_finite() or factor <= 0:
        return invalid(f"a factor must be greater than zero, not {factor}", *path)
    return exact_violation(factor, *path)


def _check_gtin_free(work: Work, master: MaterialMaster) -> Violation | None:
    other = queries.material_by_gtin(work.session, master.gtin or "")
    if other is None or other.code == master.code:
        return None
    return invalid(f"GTIN {master.gtin} belongs to {other.code}", "gtin", code=Code.DUPLICATE_KEY)


def _refuse_recounting(work: Work, material: MaterialDefinition, master: MaterialMaster) -> None:
    stored = (material.base_uom, material.tracking, material.has_positions, material.uom_factors)
    if stored != master.counted_in and queries.has_items(work.session, material.id):
        raise Refused(
            invalid(
                f"{material.human_key} has items, so its base unit, tracking, positions and unit factors stay as they "
                "are; submit a new revision",
                "revision",
                code=Code.RECORD_IMMUTABLE,
            )
        )


def release_lot(work: Work, item: Item, *, expected_version: int | None = None) -> Item:
    """Release an item from quarantine for use. A hold on it stays on top, so it is usable when that is released too.

    Refuses INVALID_TRANSITION outside QUARANTINE, SIGNATURE_REQUIRED, VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        with found.under():
            work.needs_signature(item)
        found.add(check_trigger(item, "release", "item"))
    item.lifecycle = Lifecycle.AVAILABLE
    released = events.LotReleased(item=item, from_lifecycle=Lifecycle.QUARANTINE, to_lifecycle=Lifecycle.AVAILABLE)
    ledger.record(work, released, site_id=item.site_id)
    return item


def reject_lot(work: Work, item: Item, *, expected_version: int | None = None) -> Item:
    """Find an item unfit for use; a disposition decides what becomes of it. Needs a reason.

    Refuses REASON_REQUIRED, INVALID_TRANSITION outside QUARANTINE, AVAILABLE and IN_PROCESS, VALIDATION_FAILED for a
    logistic unit (reject what is in it), VERSION_CONFLICT.
    """
    work.lock(item)
    work.expect(item, expected_version)
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        found.add(check_trigger(item, "reject", "item"))
        if item.item_kind is ItemKind.LOGISTIC_UNIT:
            found.add(invalid(f"{item.key} is a logistic unit; reject what is in it", "item"))
    before, item.lifecycle = item.lifecycle, Lifecycle.REJECTED
    rejected = events.LotRejected(item=item, from_lifecycle=before, to_lifecycle=Lifecycle.REJECTED)
    ledger.record(work, rejected, site_id=item.site_id)
    return item


def withdraw(work: Work, item: Item, quantity: Decimal, *path: str | int) -> None:
    """Primitive: take ``quantity`` away. A live item that is empty then is CONSUMED, whatever state it was in.

    Refuses INSUFFICIENT_QUANTITY (I4). To end as something else (scrap), change the lifecycle first.
    """
    if quantity > item.quantity:
        raise Refused(
            QuantityViolation(
                code=Code.INSUFFICIENT_QUANTITY,
                message=f"{item.key} has {plain(item.quantity)} {item.uom}, {plain(quantity)} asked",
                path=path,
                available=item.quantity,
                requested=quantity,
                uom=item.uom,
            )
        )
    item.quantity -= quantity
    if item.quantity == 0 and item.lifecycle not in TERMINAL:
        item.lifecycle = Lifecycle.CONSUMED


def deposit(work: Work, item: Item, quantity: Decimal, *path: str | int) -> None:
    """Primitive: ``quantity`` more was produced, received or found; it counts as initial quantity too.

    Refuses INVALID_TRANSITION on an item that has ended, VALIDATION_FAILED for an amount that cannot be stored.
    """
    if item.lifecycle in TERMINAL:
        raise Refused(refuse_step(item, Lifecycle.AVAILABLE, *path, allowed=frozenset()))
    wrong = amount_violation(item.item_kind, item.initial_quantity + quantity, *path)
    if wrong is not None:
        raise Refused(wrong)
    item.quantity += quantity
    item.initial_quantity += quantity


def put_back(work: Work, item: Item, quantity: Decimal, lifecycle: Lifecycle) -> None:
    """Primitive of reversals (I30): give ``quantity`` back and restore the lifecycle before the reversed event.

    Refuses QUANTITY_NOT_CONSERVED when there would be more than ever was.
    """
    if item.quantity + quantity > item.initial_quantity:
        raise Refused(
            QuantityViolation(
                code=Code.QUANTITY_NOT_CONSERVED,
                message=f"{item.key} never had more than {plain(item.initial_quantity)} {item.uom}",
                available=item.initial_quantity - item.quantity,
                requested=quantity,
                uom=item.uom,
            )
        )
    item.quantity += quantity
    item.lifecycle = lifecycle


def usable_violations(
    item: Item,
    now: datetime,
    *path: str | int,
    request_id: int | None = None,
    planned_end: datetime | None = None,
) -> list[Violation]:
    """Why the item may not be used at ``now`` (I7, I8), holds left aside: those are known to the holds domain.

    IN_PROCESS is usable inside its own order ``request_id`` only; a main input must also last until ``planned_end``.
    """
    found = Findings()
    if item.lifecycle in (Lifecycle.CONSUMED, Lifecycle.INSTALLED):
        found.add(invalid(f"{item.key} is {item.lifecycle}", *path, code=Code.ALREADY_CONTAINED))
    elif item.parent_id is not None:
        found.add(invalid(f"{item.key} is packed in another unit", *path, code=Code.ALREADY_CONTAINED))
    elif not _released(item, request_id):
        found.add(invalid(f"{item.key} is {item.lifecycle}", *path, code=Code.LOT_NOT_RELEASED))
    expires = item.expires_at
    if expires is not None and expires <= now:
        found.add(invalid(f"{item.key} expired at {expires.isoformat()}", *path, code=Code.LOT_EXPIRED))
    elif expires is not None and planned_end is not None and planned_end > expires:
        message = f"{item.key} expires at {expires.isoformat()}, before the planned end {planned_end.isoformat()}"
        found.add(invalid(message, *path, code=Code.LOT_EXPIRED))
    return found.violations


def _released(item: Item, request_id: int | None) -> bool:
    own = item.lifecycle is Lifecycle.IN_PROCESS and request_id is not None and item.request_id == request_id
    return item.lifecycle is Lifecycle.AVAILABLE or own
