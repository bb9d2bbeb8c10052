"""The checks of a shift: the model, the plant, the record and the journal of the client held against each other."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from mesgraph.demo.checks import (
    Check,
    amounts,
    every_answer_is_kept,
    one_answer_for_each_key,
    positions_are_dense,
    same,
    serials_once,
    subscriber_saw_the_record,
)
from mesgraph.demo.client import Acknowledged, Seen
from mesgraph.demo.model import Model
from mesgraph.demo.observe import Observed
from mesgraph.demo.plan import CATHODE, Plan
from mesgraph.demo.step import Step
from mesgraph.quantity import plain

STEP_MICRO = Fraction(1, 10**6)
FOIL_WIDTH_M, LOADING_KG_M2 = Fraction("0.6"), Fraction("0.36")
UNACCOUNTED_PCT_MAX = Fraction("0.5")


@dataclass(frozen=True)
class Shown:
    """What was seen of a shift."""

    plan: Plan
    steps: Sequence[Step]
    observed: Observed
    acknowledged: Sequence[Acknowledged]
    live: Sequence[Seen]
    record: Sequence[Seen]


def checks(shown: Shown) -> list[Check]:
    """Everything that must hold."""
    plan = shown.plan
    model = Model(plan.binder).play(shown.steps)
    return [
        *_orders(plan, shown.observed),
        *_recorded(shown.steps, shown.observed),
        *_mass_balance(plan, model, shown.observed),
        *_units(plan, shown.observed),
        _transfers(plan, shown.observed),
        *_binder(plan, model, shown.observed),
        *_genealogy(plan, model, shown.observed),
        positions_are_dense(shown.record),
        subscriber_saw_the_record(shown.live, shown.record),
        every_answer_is_kept(shown.acknowledged, shown.record),
        one_answer_for_each_key([step.key for step in shown.steps if not step.refused], _of_script(shown)),
    ]


def counts(shown: Shown) -> dict[str, int]:
    """What the shift made, counted."""
    made = [key.partition("/")[0] for key in shown.observed.made]
    scrapped = len(shown.observed.scrapped)
    return {
        "orders": len(shown.observed.order_states),
        "batches": made.count("SLURRY-C") + made.count("SLURRY-A"),
        "coils": made.count("COIL-C") + made.count("COIL-A"),
        "cells": made.count("CELL-105"),
        "cellsGood": made.count("CELL-105") - scrapped,
        "cellsScrapped": scrapped,
        "modules": made.count("MOD-8S"),
        "packs": made.count("PACK-48-105"),
        "pallets": sum(pallet.sscc in shown.observed.packed for pallet in shown.plan.pallets),
        "jobs": sum(shown.observed.job_states.values()),
        "commands": len({entry.key for entry in shown.acknowledged}),
        "ledgerEvents": len(shown.record),
    }


def _orders(plan: Plan, observed: Observed) -> Iterable[Check]:
    closed = {order.external_id: "CLOSED" for order in plan.orders}
    yield same("every order is closed", closed, observed.order_states)
    reported = {order.external_id: f"{order.quantity} / {order.scrap}" for order in plan.orders}
    yield same("good / scrap reported for each order", reported, observed.good_and_scrap)
    yield same("no hold is open", 0, observed.open_holds)
    yield same("nothing is pending in a run", "0", shown_amount(observed.pending))


def _recorded(steps: Sequence[Step], observed: Observed) -> Iterable[Check]:
    """What the floor recorded: every step done, every value there, and the one that failed decided."""
    sent = Counter(step.command for step in steps if not step.refused)
    yield same("every step of an instruction is done", {"DONE": sent["recordStep"]}, dict(observed.steps))
    failed = sent["decideDeviation"]
    passed = sent["recordParameter"] - failed
    yield same("values of parameters, by verdict", {"PASS": passed, "FAIL": failed}, dict(observed.verdicts))
    yield same("every deviation is decided", {"ACCEPTED": failed}, dict(observed.deviations))


def _mass_balance(plan: Plan, model: Model, observed: Observed) -> Iterable[Check]:
    """What went in and came out per order and material, and what is left of each lot."""
    for order in plan.orders:
        name = order.external_id
        yield amounts(f"consumed by order {name}", _of(name, model.consumed), _of(name, observed.consumed))
        yield amounts(f"produced by order {name}", _of(name, model.produced), _of(name, observed.produced))
    lots = {f"{m}/{n}": account for (m, n), account in model.accounts.items() if account.is_lot}
    yield same(
        "every lot: all there ever was / on hand",
        {key: f"{shown_amount(a.total)} / {shown_amount(a.on_hand)}" for key, a in sorted(lots.items())},
        {key: f"{shown_amount(all_)} / {shown_amount(left)}" for key, (all_, left) in sorted(observed.lots.items())},
    )
    yield same(
        "every lot: received or made = used + removed + on hand",
        [],
        [
            key
            for key, a in lots.items()
            if a.used + a.removed + observed.lots.get(key, (0, Fraction(-1)))[1] != a.total
        ],
    )
    yield _slurry_balance(plan, observed)


def _slurry_balance(plan: Plan, observed: Observed) -> Check:
    """The cathode batches in kilograms: coating by its target loading, recovered solvent, samples, cleaning."""
    batches = plan.batches[CATHODE]
    metres = observed.produced.get((CATHODE, batches[0].coil_material), Fraction(0))
    recovered = observed.produced.get((CATHODE, "NMP-REC"), Fraction(0))
    removed = sum((Fraction(batch.sample) + Fraction(batch.cleaning) for batch in batches), Fraction(0))
    accounted = metres * FOIL_WIDTH_M * LOADING_KG_M2 + recovered + removed
    lots = [observed.lots.get(f"{batch.material}/{batch.lot}", (Fraction(0), Fraction(0))) for batch in batches]
    issued = sum((all_ for all_, _ in lots), Fraction(0))
    lost_pct = abs(issued - accounted) / issued * 100 if issued else Fraction(100)
    name = f"mass balance of the cathode slurry: unaccounted, in percent of {shown_amount(issued)} kg"
    return Check(
        name, f"at most {float(UNACCOUNTED_PCT_MAX)}", round(float(lost_pct), 3), lost_pct <= UNACCOUNTED_PCT_MAX
    )


def _units(plan: Plan, observed: Observed) -> Iterable[Check]:
    """Every serial number came into being once, and is in exactly one place now."""
    serials = {"CELL-105": plan.cells, "MOD-8S": plan.modules, "PACK-48-105": plan.packs}
    for material, numbers in serials.items():
        wanted = [f"{material}/{number}" for number in numbers]
        made = [key for key in observed.made if key.startswith(f"{material}/")]
        yield serials_once(f"every {material} was made once", wanted, made)
    in_modules = [key for module in _units_of("MOD-8S", observed) for key in observed.packed[module]]
    wanted = [f"CELL-105/{cell}" for cell in plan.good_cells]
    yield serials_once("every good cell is in exactly one module", wanted, in_modules)
    failed = [f"CELL-105/{cell}" for cell in plan.failed_cells]
    yield serials_once("every failed cell was scrapped once", failed, observed.scrapped)
    in_packs = [key for pack in _units_of("PACK-48-105", observed) for key in observed.packed[pack]]
    yield serials_once("every module is in exactly one pack", [f"MOD-8S/{m}" for m in plan.modules], in_packs)
    on_pallets = [pack for pallet in plan.pallets for pack in observed.packed.get(pallet.sscc, [])]
    yield serials_once(
        "every pack is on exactly one pallet", [f"PACK-48-105/{pack}" for pack in plan.packs], on_pallets
    )
    stand = {pallet.sscc: "STORE-FG" for pallet in plan.pallets}
    yield same("every pallet stands in the finished goods", stand, observed.pallet_locations)


def _units_of(material: str, observed: Observed) -> list[str]:
    return [key for key in observed.packed if key.startswith(f"{material}/")]


def _transfers(plan: Plan, observed: Observed) -> Check:
    """The cells travelled by one transfer; what was missing of it was found."""
    wanted = ["RECONCILED"] if len(plan.sites) > 1 else []
    return same("every transfer between the sites is reconciled", wanted, observed.transfers)


def _binder(plan: Plan, model: Model, observed: Observed) -> Iterable[Check]:
    """The binder lot is all there: exactly in the sum, and to the last digit in every material."""
    name, total = "/".join(plan.binder), model.accounts[plan.binder].total
    found = sum(observed.remains.values(), Fraction(0)) + sum(observed.removed.values(), Fraction(0))
    yield same(f"{name}: stock + coils + cells + samples + losses", shown_amount(total), shown_amount(found))
    yield same(f"{name}: the model has it all, too", shown_amount(total), shown_amount(_sum(model)))
    yield _close(f"{name}: what is in each material", model.remaining(), observed.remains, plan)
    yield _close(f"{name}: what samples, cleaning and scrap took", model.removed(), observed.removed, plan)


def _sum(model: Model) -> Fraction:
    return sum(model.remaining().values(), Fraction(0)) + sum(model.removed().values(), Fraction(0))


def _close(name: str, expected: Mapping[str, Fraction], actual: Mapping[str, Fraction], plan: Plan) -> Check:
    """Equal, but for the rounding of each item to 10^-6 of the unit: at most as many items as there are cells."""
    rounded = len(plan.cells)
    near = set(expected) == set(actual) and all(
        abs(expected[key] - actual[key]) <= rounded * STEP_MICRO for key in expected
    )
    return Check(name, _shown(expected), _shown(actual), near)


def _genealogy(plan: Plan, model: Model, observed: Observed) -> Iterable[Check]:
    """Every pack leads back to all lots of the suppliers that its coils and its parts were made of."""
    bought = {(receipt.material, receipt.lot) for receipt in plan.receipts}
    yield same(
        "every pack traces back to the lots of its suppliers",
        {pack: sorted(map("/".join, model.made_of(("PACK-48-105", pack)) & bought)) for pack in plan.packs},
        observed.suppliers_lots,
    )
    yield same("the traces are complete", True, observed.complete)


def _of_script(shown: Shown) -> list[Acknowledged]:
    """The answers to the script's own commands; what stands before the shift has keys of its own."""
    keys = {step.key for step in shown.steps}
    return [entry for entry in shown.acknowledged if entry.key in keys]


def _of(order: str, sums: Mapping[tuple[str, str], Fraction]) -> dict[str, str]:
    return {material: shown_amount(value) for (name, material), value in sums.items() if name == order}


def _shown(values: Mapping[str, Fraction]) -> dict[str, str]:
    return {key: shown_amount(value) for key, value in sorted(values.items())}


def shown_amount(value: Fraction) -> str:
    """A fraction as a decimal of at most nine digits behind the point."""
    return plain(Decimal(round(value * 10**9)).scaleb(-9))


def as_json(database: str, shown: Shown, found: Sequence[Check]) -> dict[str, Any]:
    """The report that `mesgraph demo --once --json` prints."""
    return {
        "ok": all(check.ok for check in found),
        "database": database,
        "counts": counts(shown),
        "orderStates": shown.observed.order_states,
        "checks": [check.as_json() for check in found],
    }
