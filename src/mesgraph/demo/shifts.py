"""The shifts that the demo plays: the mini fixture of the tests, and a share of a full day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from math import ceil

from biip.checksums import gs1_standard_check_digit

from mesgraph.demo.halvard import DEFINITIONS, PACK_SITE, SITE
from mesgraph.demo.plan import (
    ANODE,
    CATHODE,
    CELL,
    CELL_LOTS,
    CELLS_PER_MODULE,
    MODULE,
    MODULE_LOTS,
    MODULES_PER_PACK,
    PACK,
    PACK_LOTS,
    PACKS_PER_PALLET,
    Batch,
    Job,
    Order,
    Pallet,
    Plan,
    Receipt,
)
from mesgraph.quantity import plain

PACKS_PER_DAY = 144
YIELD = Decimal("0.96")
"""Good cells of cells started, at full scale."""
CELLS_PER_COIL = 343
"""A cathode coil of 1,148 m gives so many cells of 3.34 m; an anode coil gives more."""
COILS = "AB"
"""Each batch coats two coils."""
BINDER = "RM-PVDF"
BINDER_LOT_KG = 25
BATCHES_PER_BINDER_LOT = 3
"""25 kg of binder are enough for three batches of 7.44 kg."""
RESERVE = Decimal("1.05")
"""What is delivered, of what is needed."""

SUPPLIED = {
    "RM-LFP": ("SUP-LFP", "LFP-8841"),
    "RM-CB": ("SUP-CARB", "CB-1174"),
    "RM-NMP": ("SUP-CHEM", "NMP-3302"),
    "RM-GRA": ("SUP-CARB", "GRA-5120"),
    "RM-CMC": ("SUP-BIND", "CMC-0457"),
    "RM-SBR": ("SUP-BIND", "SBR-0918"),
    "RM-DIW": ("SUP-CHEM", "DIW-26047"),
    "RM-ALFOIL": ("SUP-FOIL", "AL-7701"),
    "RM-CUFOIL": ("SUP-FOIL", "CU-7702"),
    "RM-SEP": ("SUP-FOIL", "SEP-6620"),
    "RM-ELY": ("SUP-CHEM", "ELY-4409"),
    "RM-CAN": ("SUP-PART", "CAN-2201"),
    "RM-LID": ("SUP-PART", "LID-2202"),
    "RM-BUSBAR": ("SUP-PART", "BB-2203"),
    "RM-ENDPLATE": ("SUP-PART", "EP-2204"),
    "RM-HOUSING": ("SUP-PART", "HSG-2205"),
    "BMS-48": ("SUP-PART", "BMS-9001"),
}
"""Who delivers a material, and the number of the lot."""


def mini() -> Plan:
    """One batch each, 2 + 2 coils, 34 cells started of which two fail the last test, 4 modules, 2 packs, 1 pallet."""
    return _plan(packs=2, started=34, failed=(12, 27), cells_per_coil=17)


def one_pack() -> Plan:
    """The smallest whole shift: a batch each, 17 cells started of which one fails, 2 modules, 1 pack, 1 pallet."""
    return _plan(packs=1, started=17, failed=(9,), cells_per_coil=9)


def shift(scale: float) -> Plan:
    """A share of the full day of 144 packs: 0.14 are the 20 packs of one order of the ERP. 0 < ``scale`` <= 1."""
    packs = max(MODULES_PER_PACK, round(PACKS_PER_DAY * scale))
    good = packs * MODULES_PER_PACK * CELLS_PER_MODULE
    started = ceil(good / YIELD)
    step = Decimal(started) / (started - good)
    failed = [ceil(step * n) for n in range(1, started - good + 1)]
    return _plan(packs=packs, started=started, failed=failed, cells_per_coil=CELLS_PER_COIL, eventful=True)


def _plan(*, packs: int, started: int, failed: Sequence[int], cells_per_coil: int, eventful: bool = False) -> Plan:
    batches = ceil(started / cells_per_coil / len(COILS))
    cathode = tuple(_cathode(n) for n in range(1, batches + 1))
    anode = tuple(_anode(n) for n in range(1, batches + 1))
    modules = packs * MODULES_PER_PACK
    pack_site = PACK_SITE if eventful else SITE
    cells = tuple(f"HC26047{n:05d}" for n in range(1, started + 1))
    numbers = tuple(f"HP26052{n:04d}" for n in range(1, packs + 1))
    return Plan(
        receipts=tuple(_receipts([*cathode, *anode], started, modules, packs, pack_site)),
        orders=tuple(_orders(cathode, anode, started, len(failed), modules, packs, pack_site)),
        batches={CATHODE: cathode, ANODE: anode},
        binder=(BINDER, _binder_lot(1)),
        held_coil=(cathode[0].coil_material, cathode[0].coils[1][0]),
        cells=cells,
        failed_cells=tuple(cells[n - 1] for n in failed),
        cells_per_coil=cells_per_coil,
        modules=tuple(f"HM26052{n:04d}" for n in range(1, modules + 1)),
        packs=numbers,
        pallets=tuple(
            Pallet(sscc(n), numbers[begin : begin + PACKS_PER_PALLET])
            for n, begin in enumerate(range(0, packs, PACKS_PER_PALLET), start=1)
        ),
        eventful=eventful,
    )


def _cathode(n: int) -> Batch:
    return Batch(
        material="SLURRY-C",
        lot=f"SC-26047-{n:02d}",
        quantity="800",
        inputs=(
            ("RM-LFP", SUPPLIED["RM-LFP"][1], "481.12"),
            ("RM-CB", SUPPLIED["RM-CB"][1], "7.44"),
            (BINDER, _binder_lot(n), "7.44"),
            ("RM-NMP", SUPPLIED["RM-NMP"][1], "304.00"),
        ),
        coil_material="COIL-C",
        coil_metres="1148",
        foil=("RM-ALFOIL", SUPPLIED["RM-ALFOIL"][1]),
        coils=tuple((f"CC-26047-{n:02d}-{coil}", kg) for coil, kg in zip(COILS, ("399.0", "398.9"), strict=True)),
        sample="0.50",
        cleaning="1.60",
        recovered=tuple((f"NR-26047-{n:02d}-{coil}", kg) for coil, kg in zip(COILS, ("150.82", "150.78"), strict=True)),
    )


def _anode(n: int) -> Batch:
    return Batch(
        material="SLURRY-A",
        lot=f"SA-26047-{n:02d}",
        quantity="500",
        inputs=tuple(
            (material, SUPPLIED[material][1], kg)
            for material, kg in (("RM-GRA", "240"), ("RM-CMC", "3.75"), ("RM-SBR", "6.25"), ("RM-DIW", "250"))
        ),
        coil_material="COIL-A",
        coil_metres="1270",
        foil=("RM-CUFOIL", SUPPLIED["RM-CUFOIL"][1]),
        coils=tuple((f"AC-26047-{n:02d}-{coil}", "249.0") for coil in COILS),
        sample="0.50",
        cleaning="1.50",
    )


def _binder_lot(batch: int) -> str:
    return f"PVDF-{2219 + (batch - 1) // BATCHES_PER_BINDER_LOT}"


def sscc(n: int) -> str:
    """The ``n``-th SSCC of the plant."""
    digits = f"09521234{n:09d}"
    return f"{digits}{gs1_standard_check_digit(digits)}"


def _receipts(batches: Sequence[Batch], cells: int, modules: int, packs: int, pack_site: str) -> Iterator[Receipt]:
    """What the suppliers deliver: what is needed and a little more, in whole units; binder in lots of 25 kg."""
    needed: dict[str, Decimal] = defaultdict(Decimal)
    for batch in batches:
        for material, _, kg in batch.inputs:
            needed[material] += Decimal(kg)
        needed[batch.foil[0]] += Decimal(batch.coil_metres) * len(batch.coils)
    for lots, count in ((CELL_LOTS, cells), (MODULE_LOTS, modules), (PACK_LOTS, packs)):
        for material, _, each in lots:
            needed[material] += Decimal(each) * count
    of_packs = {material for lots in (MODULE_LOTS, PACK_LOTS) for material, _, _ in lots}
    for material, (supplier, lot) in SUPPLIED.items():
        site = pack_site if material in of_packs else SITE
        yield Receipt(material, supplier, str(ceil(needed[material] * RESERVE)), lot, site)
    for lot in dict.fromkeys(lot for batch in batches for material, lot, _ in batch.inputs if material == BINDER):
        yield Receipt(BINDER, "SUP-BIND", str(BINDER_LOT_KG), lot)


def _orders(
    cathode: Sequence[Batch],
    anode: Sequence[Batch],
    started: int,
    failed: int,
    modules: int,
    packs: int,
    pack_site: str,
) -> Iterator[Order]:
    yield _order(CATHODE, "OD-CATH-105", _metres(cathode), batches=len(cathode))
    yield _order(ANODE, "OD-AND-105", _metres(anode), batches=len(anode))
    cells = _order(CELL, "OD-CELL-105", Decimal(started), after=(CATHODE, ANODE))
    yield replace(cells, quantity=str(started - failed), scrap=failed)
    yield replace(_order(MODULE, "OD-MOD-8S", Decimal(modules), after=(CELL,)), site=pack_site)
    yield replace(_order(PACK, "OD-PACK-48-105", Decimal(packs), after=(MODULE,)), site=pack_site)


def _metres(batches: Sequence[Batch]) -> Decimal:
    return sum((Decimal(batch.coil_metres) * len(batch.coils) for batch in batches), Decimal(0))


LINES = {
    "OD-CATH-105": ("op-017", ("WB01", "MIX01", "COAT01", "CAL01", "SLIT01")),
    "OD-AND-105": ("op-017", ("WB02", "MIX02", "COAT03", "CAL02", "SLIT02")),
    "OD-CELL-105": ("op-022", ("STK01", "LTW01", "CAS01", "VO01", "EF01", "FORM01", "SEAL01", "AR01", "GRD01")),
    "OD-MOD-8S": ("op-031", ("SRT01", "CMP01", "LW01", "ETM01")),
    "OD-PACK-48-105": ("op-031", ("PA01", "ETP01", "ETP01", "ETP01", "LBL01", "LBL01")),
}
"""Who works at the line that makes a product, and the work unit of each step."""
BATCH_MIN = {"DISP-C": 25, "DISP-A": 25, "MIX-C": 210, "MIX-A": 210}
"""How long each batch takes."""
CHAMBER_MIN = {"BAKE": 12 * 60, "FORM": 18 * 60, "AGE": 73 * 60}
"""How long cells stay in a chamber, however many there are."""


def _order(number: str, definition: str, quantity: Decimal, *, batches: int = 0, after: tuple[str, ...] = ()) -> Order:
    """An order and its jobs. A job takes its set-up and the time of each unit, batch or chamber."""
    content = next(known for known in DEFINITIONS if known.code == definition)
    operator, units = LINES[definition]
    jobs = []
    for segment, unit in zip(content.segments, units, strict=True):
        minutes = segment.setup_min + Decimal(segment.run_s_per_unit) * quantity / 60
        minutes += BATCH_MIN.get(segment.name, 0) * batches + CHAMBER_MIN.get(segment.name, 0)
        jobs.append(Job(segment.seq, unit, operator, ceil(minutes)))
    return Order(number, content.product, definition, plain(quantity), tuple(jobs), after)
