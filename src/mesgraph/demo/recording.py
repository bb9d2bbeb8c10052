"""What is measured and asked while the demo's jobs run: as engineering writes it down, and as the floor records it.

The mixers have two process parameters, the stacker has a short instruction. The first cathode batch is measured too
thick: the deviation is accepted by another person, because the second sample of the same batch is right.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from mesgraph.demo.plan import CATHODE, Batch, Plan
from mesgraph.demo.step import STEP, Ref, Step, lot

P1, VISCOUS, MILLIMETRE = "P1", "C24", "MMT"


def _between(code: str, name: str, uom: str, target: str, low: str, high: str, **more: Any) -> dict[str, Any]:
    return {"code": code, "name": name, "uom": uom, "target": target, "low": low, "high": high, **more}


PARAMETERS: dict[tuple[str, int], list[dict[str, Any]]] = {
    ("OD-CATH-105", 20): [
        _between("VISCOSITY", "Viscosity", VISCOUS, "5500", "4000", "7000", critical=True),
        _between("SOLIDS", "Solids", P1, "62", "61.2", "62.8"),
    ],
    ("OD-AND-105", 20): [
        _between("VISCOSITY", "Viscosity", VISCOUS, "3500", "2500", "4500", critical=True),
        _between("SOLIDS", "Solids", P1, "50", "49.2", "50.8"),
    ],
}
"""The parameters of a definition's step."""


def _scan(field: str, prompt: str, material: str) -> dict[str, Any]:
    return {"field": field, "prompt": prompt, "dataType": "ITEM", "material": material}


OVERHANG = {"field": "overhang", "prompt": "Smallest overhang of the anode", "uom": MILLIMETRE, "low": "0.3"}
STACKING_STEPS: list[dict[str, Any]] = [
    {
        "no": 10,
        "kind": "SCAN",
        "prompt": "Scan both coils on the unwinders",
        "entries": [_scan("cathode", "Cathode coil", "COIL-C"), _scan("anode", "Anode coil", "COIL-A")],
    },
    {
        "no": 20,
        "kind": "CHECK",
        "prompt": "Look at the machine",
        "entries": [{"field": "blades", "prompt": "Blades clean and guard closed?", "dataType": "BOOLEAN"}],
    },
    {"no": 30, "kind": "DATA", "prompt": "X-ray the first stack", "entries": [OVERHANG]},
    {"no": 40, "kind": "SIGN", "prompt": "Release the series", "anotherPerson": True},
]
INSTRUCTIONS: dict[tuple[str, int], dict[str, Any]] = {
    ("OD-CELL-105", 10): {"code": "WI-STACK", "version": "1", "name": "Set up the stacker", "steps": STACKING_STEPS}
}
"""The instruction of a definition's step."""


def measure(batch: Batch, run: Ref, end: datetime, *, thick: bool) -> Iterator[Step]:
    """Viscosity and solids of a batch, by the inspector, on the slurry. ``thick``: it seems so at first."""
    at = end - timedelta(minutes=4)
    first = "62.9" if thick else SOLIDS[batch.coil_material]
    yield _measured(batch, run, at, "viscosity", "VISCOSITY", VISCOSITIES[batch.coil_material], VISCOUS)
    yield _measured(batch, run, at + STEP, "solids", "SOLIDS", first, P1)
    if thick:
        again = SOLIDS[batch.coil_material]
        yield _measured(batch, run, at + 2 * STEP, "solids/again", "SOLIDS", again, P1)
        deviation = Ref("deviation", f"batch/{batch.lot}/solids")
        because = {"code": "MEASURED_AGAIN", "comment": f"second sample of the batch has {again} %"}
        decision = {"deviation": deviation, "accept": True, "reason": because}
        yield Step(at + 3 * STEP, "qa-01", "decideDeviation", f"batch/{batch.lot}/accept", decision)


VISCOSITIES = {"COIL-C": "5480.5", "COIL-A": "3420"}
SOLIDS = {"COIL-C": "62.1", "COIL-A": "50.2"}


def _measured(batch: Batch, run: Ref, at: datetime, name: str, parameter: str, value: str, uom: str) -> Step:
    given = {"jobResponse": run, "parameter": parameter, "value": value, "uom": uom, "source": "LABORATORY"}
    return Step(
        at,
        "q-05",
        "recordParameter",
        f"batch/{batch.lot}/{name}",
        {**given, "item": lot(batch.material, batch.lot)},
    )


def is_thick(plan: Plan, batch: Batch) -> bool:
    """The first cathode batch."""
    return batch is plan.batches[CATHODE][0]


def set_up(coils: dict[str, tuple[str, str]], run: Ref, operator: str, start: datetime) -> Iterator[Step]:
    """The instruction of the stacker, with the coils by field; the shift lead signs."""
    entries: list[list[dict[str, Any]]] = [
        [{"field": field, "item": lot(*coil)} for field, coil in coils.items()],
        [{"field": "blades", "value": "true"}],
        [{"field": "overhang", "value": "0.42", "uom": MILLIMETRE}],
        [],
    ]
    for n, (step, given) in enumerate(zip(STACKING_STEPS, entries, strict=True), start=1):
        who = "sup-02" if step["kind"] == "SIGN" else operator
        done = {"jobResponse": run, "step": str(step["no"]), "entries": given}
        yield Step(start + timedelta(minutes=n), who, "recordStep", f"stack/step/{step['no']}", done)
