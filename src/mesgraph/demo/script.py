"""The shift as a list of commands in the order of time, made from the plan before anything is sent."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from mesgraph.demo.halvard import MATERIALS
from mesgraph.demo.happenings import demand, happenings, schedule
from mesgraph.demo.making import report_of, work_of
from mesgraph.demo.plan import CELL, SCHEDULE_MESSAGE, STACKING, START, Job, Order, Plan
from mesgraph.demo.step import STEP, Ref, Step, amount, lot, unit
from mesgraph.demo.travel import transfer


def script(plan: Plan) -> list[Step]:
    """The whole shift."""
    steps = [*morning(plan), *planning(plan)]
    ends: dict[str, datetime] = {}
    times: dict[tuple[str, int], tuple[datetime, datetime]] = {}
    used: set[str] = set()
    for order in plan.orders:
        start = max([START, *(ends[name] for name in order.after)]) + timedelta(minutes=10)
        for job in order.jobs:
            end = start + timedelta(minutes=job.minutes)
            times[order.external_id, job.seq] = start, end
            steps += machine_of(order, job, start, end, again=job.unit in used)
            steps += run_of(plan, order, job, start, end)
            used.add(job.unit)
            start = end + timedelta(minutes=2)
        ends[order.external_id] = start
        steps.append(_close(order, start))
        if order.external_id == CELL and len(plan.sites) > 1:
            travelling = list(transfer(plan, start))
            steps += travelling
            ends[CELL] = travelling[-1].at
    steps += happenings(plan, times)
    steps += evening(plan, max(ends.values()))
    return sorted(steps, key=lambda step: step.at)


# --- before the machines turn ----------------------------------------------------------------------------------------


def morning(plan: Plan) -> Iterator[Step]:
    """Suppliers deliver; what comes into quarantine is released by qa."""
    at = START
    for receipt in plan.receipts:
        at += STEP
        line = {
            "material": receipt.material,
            "lotNumber": receipt.lot,
            "quantity": amount(receipt.material, receipt.quantity),
            "supplier": receipt.supplier,
            "supplierLot": receipt.lot,
            "location": f"{receipt.site}/STORE-RM",
        }
        key = f"receive/{receipt.material}/{receipt.lot}"
        yield Step(at, "op-017", "receiveItems", key, {"site": receipt.site, "lines": [line]})
    waiting = {material.code for material in MATERIALS if material.quarantine}
    for receipt in plan.receipts:
        if receipt.material in waiting:
            at += STEP
            key = f"release/{receipt.material}/{receipt.lot}"
            yield Step(at, "qa-01", "releaseLot", key, {"item": lot(receipt.material, receipt.lot)})


def planning(plan: Plan) -> Iterator[Step]:
    """The ERP sends the orders; planning releases them and gives each job its work unit.

    A released job may start. The shift lead takes that back from the stacker until it has its coils.
    """
    at = START + timedelta(minutes=7, seconds=20)
    message = schedule(SCHEDULE_MESSAGE, [demand(plan, order.external_id) for order in plan.orders])
    yield Step(at, "erp", "submitOperationsSchedule", f"schedule/{SCHEDULE_MESSAGE}", message)
    for order in plan.orders:
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
            assigned = {"jobOrder": ref, "equipment": f"{order.site}/{job.unit}"}
            yield Step(at, "plan-01", "assignJobOrder", f"{name}/assign", assigned)
    stacking = Ref("job", CELL, STACKING)
    yield Step(at + STEP, "sup-02", "revokeStart", f"job/{CELL}/{STACKING}/revoke", {"jobOrder": stacking})


# --- job by job ------------------------------------------------------------------------------------------------------


def run_of(plan: Plan, order: Order, job: Job, start: datetime, end: datetime) -> Iterator[Step]:
    """Start, take and make, report, stop."""
    name = f"job/{order.external_id}/{job.seq}"
    ref = Ref("job", order.external_id, job.seq)
    if (order.external_id, job.seq) == (CELL, STACKING):
        yield Step(start, "sup-02", "permitJobOrder", f"{name}/permit", {"jobOrder": ref})
    yield Step(start, job.operator, "startJobOrder", f"{name}/start", {"jobOrder": ref})
    yield from work_of(plan, order, job, start, end)
    yield Step(end, job.operator, "reportQuantity", f"{name}/report", report_of(plan, order, job))
    yield Step(end, job.operator, "stopJobOrder", f"{name}/stop", {"jobOrder": ref})


def machine_of(order: Order, job: Job, start: datetime, end: datetime, *, again: bool) -> Iterator[Step]:
    """What the machine's driver reports, in the words of PackML; between two jobs the machine is reset."""
    states = [(start, "STARTING"), (start + timedelta(minutes=1), "EXECUTE"), (end, "COMPLETING"), (end, "COMPLETE")]
    if again:
        states = [(start, "RESETTING"), (start, "IDLE"), *states]
    for at, state in states:
        key = f"machine/{job.unit}/{order.external_id}/{job.seq}/{state}"
        report = {"equipment": f"{order.site}/{job.unit}", "state": state, "setBy": "DRIVER"}
        yield Step(at, "drv-lines", "reportEquipmentState", key, report)


# --- the end ---------------------------------------------------------------------------------------------------------


def _close(order: Order, at: datetime) -> Step:
    request = Ref("order", order.external_id)
    key = f"order/{order.external_id}/close"
    return Step(at, "plan-01", "closeOperationsRequest", key, {"operationsRequest": request})


def evening(plan: Plan, at: datetime) -> Iterator[Step]:
    """The packs go on pallets, and the pallets to the finished goods."""
    for pallet in plan.pallets:
        packs = [unit("PACK-48-105", pack) for pack in pallet.packs]
        packed = {"sscc": pallet.sscc, "items": packs, "location": f"{plan.sites[-1]}/STORE-WIP"}
        yield Step(at, "op-031", "pack", f"pallet/{pallet.sscc}/pack", packed)
        moved = {"items": [{"sscc": pallet.sscc}], "location": f"{plan.sites[-1]}/STORE-FG"}
        yield Step(at + STEP, "op-031", "moveMaterial", f"pallet/{pallet.sscc}/move", moved)
        at += 3 * STEP
