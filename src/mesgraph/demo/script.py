"""The shift as a list of commands in the order of time, made from the plan before anything is sent.

Every command has a key that says what it does, and the same shift always has the same keys: that is what makes it
safe to send any of them again. What the plant alone can know - the numbers of orders, jobs and runs - stands here as
a reference and is filled in when the shift is played.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mesgraph.demo import plan
from mesgraph.demo.halvard import MATERIALS, SITE

UOM = {material.code: material.uom for material in MATERIALS}
STEP = timedelta(seconds=20)
"""Between two commands of one moment."""


@dataclass(frozen=True)
class Ref:
    """An order, the job of one of its steps, or the run of that job."""

    kind: str
    order: str
    seq: int = 0


@dataclass(frozen=True)
class Step:
    """``who`` sends ``command`` at ``at``."""

    at: datetime
    who: str
    command: str
    key: str
    input: dict[str, Any] = field(default_factory=dict)


def amount(material: str, value: str) -> dict[str, str]:
    """A quantity in the material's base unit."""
    return {"value": value, "uom": UOM[material]}


def lot(material: str, number: str) -> dict[str, str]:
    """Names a lot."""
    return {"material": material, "lot": number}


def unit(material: str, number: str) -> dict[str, str]:
    """Names a serial unit."""
    return {"material": material, "serial": number}


def take(material: str, number: str, quantity: str, span: tuple[str, str] | None = None) -> dict[str, Any]:
    """What is taken of a lot, and from which positions."""
    taken: dict[str, Any] = {"item": lot(material, number), "quantity": amount(material, quantity)}
    if span is not None:
        taken["range"] = {"from": span[0], "to": span[1]}
    return taken


def script() -> list[Step]:
    """The whole shift."""
    steps = [*morning(), *planning()]
    ends: dict[str, datetime] = {}
    used: set[str] = set()
    for order in plan.ORDERS:
        start = max([plan.START, *(ends[name] for name in order.after)]) + timedelta(minutes=10)
        for job in order.jobs:
            end = start + timedelta(minutes=job.minutes)
            steps += machine_of(order, job, start, end, again=job.unit in used)
            steps += run_of(order, job, start, end)
            used.add(job.unit)
            start = end + timedelta(minutes=2)
        ends[order.external_id] = start
        steps.append(_close(order, start))
    steps += evening(max(ends.values()))
    return sorted(steps, key=lambda step: step.at)


# --- before the machines turn ----------------------------------------------------------------------------------------


def morning() -> Iterator[Step]:
    """Suppliers deliver; what comes into quarantine is released by qa."""
    at = plan.START
    for receipt in plan.RECEIPTS:
        at += STEP
        line = {
            "material": receipt.material,
            "lotNumber": receipt.lot,
            "quantity": amount(receipt.material, receipt.quantity),
            "supplier": receipt.supplier,
            "supplierLot": receipt.lot,
            "location": f"{SITE}/STORE-RM",
        }
        key = f"receive/{receipt.material}/{receipt.lot}"
        yield Step(at, "op-017", "receiveItems", key, {"site": SITE, "lines": [line]})
    waiting = {material.code for material in MATERIALS if material.quarantine}
    for receipt in plan.RECEIPTS:
        if receipt.material in waiting:
            at += STEP
            key = f"release/{receipt.material}/{receipt.lot}"
            yield Step(at, "qa-01", "releaseLot", key, {"item": lot(receipt.material, receipt.lot)})


def planning() -> Iterator[Step]:
    """The ERP sends the orders; planning releases them and gives each job its work unit.

    A released job may start. The shift lead takes that back from the stacker until it has its coils.
    """
    at = plan.START + timedelta(minutes=7, seconds=20)
    requests = [
        {
            "externalId": order.external_id,
            "revision": 1,
            "site": SITE,
            "product": order.product,
            "quantity": amount(order.product, order.quantity),
            "priority": order.priority,
            "dueAt": "2026-03-02T16:00:00+01:00",
        }
        for order in plan.ORDERS
    ]
    message = {"sourceSystem": "ERP1", "messageId": plan.SCHEDULE_MESSAGE, "atomic": True, "requests": requests}
    yield Step(at, "erp", "submitOperationsSchedule", f"schedule/{plan.SCHEDULE_MESSAGE}", message)
    for order in plan.ORDERS:
        at += STEP
        request = Ref("order", order.external_id)
        yield Step(
            at,
            "plan-01",
            "releaseOperationsRequest",
            f"order/{order.external_id}/release",
            {"operationsRequest": request},
        )
        for job in order.jobs:
            ref, name = Ref("job", order.external_id, job.seq), f"job/{order.external_id}/{job.seq}"
            assigned = {"jobOrder": ref, "equipment": f"{SITE}/{job.unit}"}
            yield Step(at, "plan-01", "assignJobOrder", f"{name}/assign", assigned)
    stacking = Ref("job", plan.CELL, plan.STACKING)
    yield Step(at + STEP, "sup-02", "revokeStart", f"job/{plan.CELL}/{plan.STACKING}/revoke", {"jobOrder": stacking})


# --- job by job ------------------------------------------------------------------------------------------------------


def run_of(order: plan.Order, job: plan.Job, start: datetime, end: datetime) -> Iterator[Step]:
    """Start, take and make, report, stop."""
    name = f"job/{order.external_id}/{job.seq}"
    ref = Ref("job", order.external_id, job.seq)
    if (order.external_id, job.seq) == (plan.CELL, plan.STACKING):
        yield Step(start, "sup-02", "permitJobOrder", f"{name}/permit", {"jobOrder": ref})
    yield Step(start, job.operator, "startJobOrder", f"{name}/start", {"jobOrder": ref})
    yield from work_of(order, job, start, end)
    yield Step(end, job.operator, "reportQuantity", f"{name}/report", report_of(order, job))
    yield Step(end, job.operator, "stopJobOrder", f"{name}/stop", {"jobOrder": ref})


def machine_of(order: plan.Order, job: plan.Job, start: datetime, end: datetime, *, again: bool) -> Iterator[Step]:
    """What the machine's driver reports, in the words of PackML; between two jobs the machine is reset."""
    states = [(start, "STARTING"), (start + timedelta(minutes=1), "EXECUTE"), (end, "COMPLETING"), (end, "COMPLETE")]
    if again:
        states = [(start, "RESETTING"), (start, "IDLE"), *states]
    for at, state in states:
        key = f"machine/{job.unit}/{order.external_id}/{job.seq}/{state}"
        report = {"equipment": f"{SITE}/{job.unit}", "state": state, "setBy": "DRIVER"}
        yield Step(at, "drv-lines", "reportEquipmentState", key, report)


def report_of(order: plan.Order, job: plan.Job) -> dict[str, Any]:
    """What a run made, in the unit of its step's output: kilograms of slurry first, metres of coil from the coater on;
    at the last step of the cells also what failed.
    """
    good, scrap, material = order.quantity, 0, order.product
    batch = plan.BATCHES.get(order.external_id)
    if batch is not None and job.seq <= plan.MIXING:
        good, material = batch.quantity, batch.material
    if order.scrap:
        last = job is order.jobs[-1]
        scrap = order.scrap if last else 0
        good = order.quantity if last else str(int(order.quantity) + order.scrap)
    report = {"jobResponse": Ref("run", order.external_id, job.seq), "good": amount(material, good)}
    if scrap:
        report |= {"scrap": amount(material, str(scrap)), "reason": {"code": "ACIR_OUT_OF_LIMITS"}}
    return report


def work_of(order: plan.Order, job: plan.Job, start: datetime, end: datetime) -> Iterator[Step]:
    """What a run takes and makes, where it does."""
    batch = plan.BATCHES.get(order.external_id)
    match order.external_id, job.seq:
        case _, plan.MIXING if batch is not None:
            yield from mix(batch, Ref("run", order.external_id, job.seq), job.operator, start, end)
        case _, plan.COATING if batch is not None:
            yield from coat(batch, Ref("run", order.external_id, job.seq), job.operator, start, end)
        case plan.CELL, plan.STACKING:
            yield from stack(Ref("run", order.external_id, job.seq), job.operator, start, end)
        case plan.CELL, plan.GRADING:
            yield from grade(end)
        case plan.MODULE, plan.BUSBARS:
            yield from build_modules(Ref("run", order.external_id, job.seq), job.operator, end)
        case plan.PACK, plan.ASSEMBLY:
            yield from build_packs(Ref("run", order.external_id, job.seq), job.operator, end)


def mix(batch: plan.Batch, run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
    """Everything is charged one after another, and becomes slurry when it is degassed; a sample goes to the lab."""
    for n, (material, number, quantity) in enumerate(batch.inputs, start=1):
        charged = {"jobResponse": run, **take(material, number, quantity)}
        at = start + timedelta(minutes=15 + 5 * n)
        yield Step(at, operator, "consumeMaterial", f"batch/{batch.lot}/charge/{material}", charged)
    made = {"material": batch.material, "lot": batch.lot, "quantity": amount(batch.material, batch.quantity)}
    at = end - timedelta(minutes=5)
    yield Step(at, operator, "produceMaterial", f"batch/{batch.lot}/make", {"jobResponse": run, "outputs": [made]})
    yield Step(
        end - timedelta(minutes=1),
        "q-05",
        "takeSample",
        f"batch/{batch.lot}/sample",
        {
            "item": lot(batch.material, batch.lot),
            "quantity": amount(batch.material, batch.sample),
            "reason": {"code": "VISCOSITY"},
        },
    )


def coat(batch: plan.Batch, run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
    """Coil after coil; recovered solvent is a by-product, and what sticks to the mixer is a loss."""
    each = (end - start - timedelta(minutes=30)) / len(batch.coils)
    for n, (number, slurry) in enumerate(batch.coils):
        metres = amount(batch.coil_material, batch.coil_metres)
        outputs: list[dict[str, Any]] = [{"material": batch.coil_material, "lot": number, "quantity": metres}]
        if batch.recovered:
            recovered_lot, recovered = batch.recovered[n]
            quantity = amount("NMP-REC", recovered)
            outputs.append({"material": "NMP-REC", "lot": recovered_lot, "quantity": quantity, "use": "BY_PRODUCT"})
        consumed = [take(batch.material, batch.lot, slurry), take(*batch.foil, batch.coil_metres)]
        at = start + timedelta(minutes=24) + each * (n + 1)
        yield Step(
            at,
            operator,
            "produceMaterial",
            f"coil/{number}/make",
            {"jobResponse": run, "consumed": consumed, "outputs": outputs},
        )
    yield Step(
        end - timedelta(minutes=2),
        "sup-02",
        "scrapItem",
        f"batch/{batch.lot}/cleaning",
        {
            "item": lot(batch.material, batch.lot),
            "quantity": amount(batch.material, batch.cleaning),
            "reason": {"code": "CLEANING", "comment": "left in mixer and pipes"},
        },
    )
    if plan.HELD_COIL[1] in dict(batch.coils):
        yield from hold_and_release(end)


def stack(run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
    """Cell after cell; cell k of a coil takes its metres from k times its length on."""
    takt = (end - start - timedelta(minutes=10)) / (len(plan.CELLS) + 1)
    for n, cell in enumerate(plan.CELLS):
        coil, k = divmod(n, plan.CELLS_PER_COIL)
        consumed = [
            take(batch.coil_material, batch.coils[coil][0], length, span(length, k))
            for batch, length in ((plan.CATHODE_BATCH, plan.CATHODE_M), (plan.ANODE_BATCH, plan.ANODE_M))
        ]
        consumed += [take(*of_lot) for of_lot in plan.CELL_LOTS]
        yield Step(
            start + timedelta(minutes=10) + takt * (n + 1),
            operator,
            "produceMaterial",
            f"cell/{cell}/stack",
            {
                "jobResponse": run,
                "consumed": consumed,
                "outputs": [{"material": "CELL-105", "serialNumbers": [cell]}],
            },
        )


def span(length: str, k: int) -> tuple[str, str]:
    """The metres of cell ``k``: [length x k, length x (k + 1))."""
    return str(Decimal(length) * k), str(Decimal(length) * (k + 1))


def grade(end: datetime) -> Iterator[Step]:
    """Cells that fail the last test are scrapped."""
    for cell in plan.FAILED_CELLS:
        yield Step(
            end - timedelta(minutes=1),
            "sup-02",
            "scrapItem",
            f"cell/{cell}/scrap",
            {"item": unit("CELL-105", cell), "reason": {"code": "ACIR_OUT_OF_LIMITS", "comment": "EOL-CELL"}},
        )


def build_modules(run: Ref, operator: str, end: datetime) -> Iterator[Step]:
    """Eight cells in slots, two end plates, busbars."""
    for n, module in enumerate(plan.MODULES):
        cells = plan.GOOD_CELLS[n * plan.CELLS_PER_MODULE : (n + 1) * plan.CELLS_PER_MODULE]
        parts = [{"item": unit("CELL-105", cell), "slot": f"C{place}"} for place, cell in enumerate(cells, start=1)]
        at = end - timedelta(seconds=90 * (len(plan.MODULES) - n))
        yield _assemble(run, operator, at, "MOD-8S", module, parts, plan.MODULE_LOTS)


def build_packs(run: Ref, operator: str, end: datetime) -> Iterator[Step]:
    """Two modules and a battery management unit in a housing."""
    for n, pack in enumerate(plan.PACKS):
        modules = plan.MODULES[n * plan.MODULES_PER_PACK : (n + 1) * plan.MODULES_PER_PACK]
        parts = [{"item": unit("MOD-8S", module), "slot": f"M{place}"} for place, module in enumerate(modules, start=1)]
        at = end - timedelta(minutes=8 * (len(plan.PACKS) - n))
        yield _assemble(run, operator, at, "PACK-48-105", pack, parts, plan.PACK_LOTS)


def _assemble(
    run: Ref,
    operator: str,
    at: datetime,
    material: str,
    serial: str,
    parts: list[dict[str, Any]],
    lots: tuple[tuple[str, str, str], ...],
) -> Step:
    return Step(
        at,
        operator,
        "assembleUnit",
        f"unit/{serial}/assemble",
        {
            "jobResponse": run,
            "material": material,
            "serialNumber": serial,
            "components": parts,
            "consumed": [take(*of_lot) for of_lot in lots],
        },
    )


# --- what else happens -----------------------------------------------------------------------------------------------


def _close(order: plan.Order, at: datetime) -> Step:
    request = Ref("order", order.external_id)
    key = f"order/{order.external_id}/close"
    return Step(at, "plan-01", "closeOperationsRequest", key, {"operationsRequest": request})


def hold_and_release(at: datetime) -> Iterator[Step]:
    """An edge bead: the inspector holds the coil, measures it, and another person releases it."""
    held = lot(*plan.HELD_COIL)
    reason = {"code": "EDGE_BEAD", "comment": "coil edge measured at 366 g/m2"}
    yield Step(at, "q-05", "placeHold", "hold/place", {"items": [held], "severity": "MAJOR", "reason": reason})
    later = at + timedelta(minutes=4)
    found = {"code": "MEASURED", "comment": "within 360 +- 5.4 g/m2 after trimming"}
    yield Step(later, "qa-01", "releaseHold", "hold/release", {"hold": Ref("hold", ""), "reason": found})


def evening(at: datetime) -> Iterator[Step]:
    """The packs go on a pallet, and the pallet to the finished goods."""
    packs = [unit("PACK-48-105", pack) for pack in plan.PACKS]
    packed = {"sscc": plan.PALLET, "items": packs, "location": f"{SITE}/STORE-WIP"}
    yield Step(at, "op-031", "pack", f"pallet/{plan.PALLET}/pack", packed)
    moved = {"items": [{"sscc": plan.PALLET}], "location": f"{SITE}/STORE-FG"}
    yield Step(at + STEP, "op-031", "moveMaterial", f"pallet/{plan.PALLET}/move", moved)
