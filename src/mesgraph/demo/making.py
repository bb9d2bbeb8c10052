"""What runs take and make: the commands of the floor, step by step."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from mesgraph.demo.plan import (
    ANODE,
    ANODE_M,
    ASSEMBLY,
    BUSBARS,
    CATHODE,
    CATHODE_M,
    CELL,
    CELL_LOTS,
    CELLS_PER_MODULE,
    COATING,
    GRADING,
    MIXING,
    MODULE,
    MODULE_LOTS,
    MODULES_PER_PACK,
    PACK,
    PACK_LOTS,
    STACKING,
    Batch,
    Job,
    Order,
    Plan,
)
from mesgraph.demo.recording import is_thick, measure, set_up
from mesgraph.demo.step import Ref, Step, amount, lot, take, unit


def report_of(plan: Plan, order: Order, job: Job) -> dict[str, Any]:
    """What a run made, in the unit of its step's output: kilograms of slurry first, metres of coil from the coater on;
    at the last step of the cells also what failed.
    """
    good, scrap, material = order.quantity, 0, order.product
    batches = plan.batches.get(order.external_id, ())
    if batches and job.seq <= MIXING:
        good = str(sum(int(batch.quantity) for batch in batches))
        material = batches[0].material
    if order.scrap:
        last = job is order.jobs[-1]
        scrap = order.scrap if last else 0
        good = order.quantity if last else str(int(order.quantity) + order.scrap)
    report = {"jobResponse": Ref("run", order.external_id, job.seq), "good": amount(material, good)}
    if scrap:
        report |= {"scrap": amount(material, str(scrap)), "reason": {"code": "ACIR_OUT_OF_LIMITS"}}
    return report


def work_of(plan: Plan, order: Order, job: Job, start: datetime, end: datetime) -> Iterator[Step]:
    """What a run takes and makes, where it does."""
    run, name = Ref("run", order.external_id, job.seq), order.external_id
    if name in plan.batches and job.seq in (MIXING, COATING):
        batches = plan.batches[name]
        each = (end - start) / len(batches)
        for n, batch in enumerate(batches):
            window = start + each * n, start + each * (n + 1)
            if job.seq == MIXING:
                yield from mix(plan, batch, run, job.operator, *window)
            else:
                yield from coat(batch, run, job.operator, *window)
    elif (name, job.seq) == (CELL, STACKING):
        yield from stack(plan, run, job.operator, start, end)
    elif (name, job.seq) == (CELL, GRADING):
        yield from grade(plan, end)
    elif (name, job.seq) == (MODULE, BUSBARS):
        yield from build_modules(plan, run, job.operator, end)
    elif (name, job.seq) == (PACK, ASSEMBLY):
        yield from build_packs(plan, run, job.operator, end)


def mix(plan: Plan, batch: Batch, run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
    """Everything is charged one after another, and becomes slurry when it is degassed; a sample goes to the lab, which
    measures it.
    """
    for n, (material, number, quantity) in enumerate(batch.inputs, start=1):
        charged = {"jobResponse": run, **take(material, number, quantity)}
        at = start + timedelta(minutes=15 + 5 * n)
        yield Step(at, operator, "consumeMaterial", f"batch/{batch.lot}/charge/{material}", charged)
    made = {"material": batch.material, "lot": batch.lot, "quantity": amount(batch.material, batch.quantity)}
    at = end - timedelta(minutes=5)
    yield Step(at, operator, "produceMaterial", f"batch/{batch.lot}/make", {"jobResponse": run, "outputs": [made]})
    yield from measure(batch, run, end, thick=is_thick(plan, batch))
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


def coat(batch: Batch, run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
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


def stack(plan: Plan, run: Ref, operator: str, start: datetime, end: datetime) -> Iterator[Step]:
    """Cell after cell; cell k of a coil takes its metres from k times its length on."""
    coils = {"cathode": plan.coils_of(CATHODE)[0], "anode": plan.coils_of(ANODE)[0]}
    yield from set_up(coils, run, operator, start)
    takt = (end - start - timedelta(minutes=10)) / (len(plan.cells) + 1)
    for n, cell in enumerate(plan.cells):
        coil, k = divmod(n, plan.cells_per_coil)
        consumed = [
            take(*plan.coils_of(order)[coil], length, span(length, k))
            for order, length in ((CATHODE, CATHODE_M), (ANODE, ANODE_M))
        ]
        consumed += [take(*of_lot) for of_lot in CELL_LOTS]
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


def grade(plan: Plan, end: datetime) -> Iterator[Step]:
    """Cells that fail the last test are scrapped."""
    for cell in plan.failed_cells:
        yield Step(
            end - timedelta(minutes=1),
            "sup-02",
            "scrapItem",
            f"cell/{cell}/scrap",
            {"item": unit("CELL-105", cell), "reason": {"code": "ACIR_OUT_OF_LIMITS", "comment": "EOL-CELL"}},
        )


def build_modules(plan: Plan, run: Ref, operator: str, end: datetime) -> Iterator[Step]:
    """Eight cells in slots, two end plates, busbars."""
    for n, module in enumerate(plan.modules):
        cells = plan.good_cells[n * CELLS_PER_MODULE : (n + 1) * CELLS_PER_MODULE]
        parts = [{"item": unit("CELL-105", cell), "slot": f"C{place}"} for place, cell in enumerate(cells, start=1)]
        at = end - timedelta(seconds=90 * (len(plan.modules) - n))
        yield _assemble(run, operator, at, "MOD-8S", module, parts, MODULE_LOTS)


def build_packs(plan: Plan, run: Ref, operator: str, end: datetime) -> Iterator[Step]:
    """Two modules and a battery management unit in a housing."""
    for n, pack in enumerate(plan.packs):
        modules = plan.modules[n * MODULES_PER_PACK : (n + 1) * MODULES_PER_PACK]
        parts = [{"item": unit("MOD-8S", module), "slot": f"M{place}"} for place, module in enumerate(modules, start=1)]
        at = end - timedelta(minutes=8 * (len(plan.packs) - n))
        yield _assemble(run, operator, at, "PACK-48-105", pack, parts, PACK_LOTS)


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
