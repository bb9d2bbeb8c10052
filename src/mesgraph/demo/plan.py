"""The shift of the mini fixture as data: read it like a shift book.

One cathode and one anode batch, two coils of each, 34 cells started of which two fail the last test, 4 modules,
2 packs, 1 pallet. Quantities are text in the base unit of the material, so nothing is rounded on the way.
"""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mesgraph.demo.halvard import ZONE

START = datetime(2026, 2, 16, 6, 0, tzinfo=ZoneInfo(ZONE))
"""Monday morning, first shift."""


# --- what is there in the morning ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Receipt:
    """A lot that a supplier delivered."""

    material: str
    supplier: str
    quantity: str
    lot: str


BINDER = ("RM-PVDF", "PVDF-2219")
"""The lot whose whole way is checked to the last microgram."""

RECEIPTS = (
    Receipt("RM-LFP", "SUP-LFP", "600", "LFP-8841"),
    Receipt("RM-CB", "SUP-CARB", "20", "CB-1174"),
    Receipt("RM-PVDF", "SUP-BIND", "25", "PVDF-2219"),
    Receipt("RM-NMP", "SUP-CHEM", "400", "NMP-3302"),
    Receipt("RM-GRA", "SUP-CARB", "300", "GRA-5120"),
    Receipt("RM-CMC", "SUP-BIND", "10", "CMC-0457"),
    Receipt("RM-SBR", "SUP-BIND", "15", "SBR-0918"),
    Receipt("RM-DIW", "SUP-CHEM", "300", "DIW-26047"),
    Receipt("RM-ALFOIL", "SUP-FOIL", "3000", "AL-7701"),
    Receipt("RM-CUFOIL", "SUP-FOIL", "3000", "CU-7702"),
    Receipt("RM-SEP", "SUP-FOIL", "500", "SEP-6620"),
    Receipt("RM-ELY", "SUP-CHEM", "20", "ELY-4409"),
    Receipt("RM-CAN", "SUP-PART", "40", "CAN-2201"),
    Receipt("RM-LID", "SUP-PART", "40", "LID-2202"),
    Receipt("RM-BUSBAR", "SUP-PART", "40", "BB-2203"),
    Receipt("RM-ENDPLATE", "SUP-PART", "10", "EP-2204"),
    Receipt("RM-HOUSING", "SUP-PART", "3", "HSG-2205"),
    Receipt("BMS-48", "SUP-PART", "3", "BMS-9001"),
)


# --- the orders and their jobs --------------------------------------------------------------------------------------

SCHEDULE_MESSAGE = "BOD-7781"


@dataclass(frozen=True)
class Job:
    """A step of an order on a work unit. ``minutes`` is its whole time, set-up included."""

    seq: int
    unit: str
    operator: str
    minutes: int


@dataclass(frozen=True)
class Order:
    """An order of the ERP with the jobs that make it; ``after`` names the orders whose product it needs."""

    external_id: str
    product: str
    definition: str
    quantity: str
    jobs: tuple[Job, ...]
    after: tuple[str, ...] = ()
    priority: int = 50
    scrap: int = 0


def _jobs(operator: str, *steps: tuple[int, str, int]) -> tuple[Job, ...]:
    return tuple(Job(seq, unit, operator, minutes) for seq, unit, minutes in steps)


CATHODE, ANODE, CELL, MODULE, PACK = "10041", "10042", "10043", "10044", "10045"
MIXING, COATING = 20, 30
STACKING, GRADING = 10, 90
BUSBARS, ASSEMBLY = 30, 10
"""The steps that take or make material."""

ORDERS = (
    Order(
        CATHODE,
        "COIL-C",
        "OD-CATH-105",
        "2296",
        _jobs(
            "op-017", (10, "WB01", 30), (20, "MIX01", 225), (30, "COAT01", 311), (40, "CAL01", 51), (50, "SLIT01", 51)
        ),
    ),
    Order(
        ANODE,
        "COIL-A",
        "OD-AND-105",
        "2540",
        _jobs(
            "op-017", (10, "WB02", 30), (20, "MIX02", 225), (30, "COAT03", 342), (40, "CAL02", 55), (50, "SLIT02", 55)
        ),
    ),
    Order(
        CELL,
        "CELL-105",
        "OD-CELL-105",
        "32",
        (
            *_jobs("op-022", (10, "STK01", 27), (20, "LTW01", 27), (30, "CAS01", 27), (40, "VO01", 12 * 60)),
            *_jobs("op-022", (50, "EF01", 12), (60, "FORM01", 18 * 60), (70, "SEAL01", 9), (80, "AR01", 73 * 60)),
            *_jobs("op-022", (90, "GRD01", 23)),
        ),
        after=(CATHODE, ANODE),
        scrap=2,
    ),
    Order(
        MODULE,
        "MOD-8S",
        "OD-MOD-8S",
        "4",
        _jobs("op-031", (10, "SRT01", 15), (20, "CMP01", 15), (30, "LW01", 15), (40, "ETM01", 15)),
        after=(CELL,),
    ),
    Order(
        PACK,
        "PACK-48-105",
        "OD-PACK-48-105",
        "2",
        _jobs(
            "op-031",
            *((10, "PA01", 22), (20, "ETP01", 22), (30, "ETP01", 22)),
            *((40, "ETP01", 22), (50, "LBL01", 22), (60, "LBL01", 22)),
        ),
        after=(MODULE,),
    ),
)


@dataclass(frozen=True)
class Batch:
    """A batch of slurry and what became of it: coils, a sample, and what stuck to the mixer."""

    material: str
    lot: str
    quantity: str
    inputs: tuple[tuple[str, str, str], ...]
    coil_material: str
    coil_metres: str
    foil: tuple[str, str]
    coils: tuple[tuple[str, str], ...]
    sample: str
    cleaning: str
    recovered: tuple[tuple[str, str], ...] = ()


CATHODE_BATCH = Batch(
    material="SLURRY-C",
    lot="SC-26047-01",
    quantity="800",
    inputs=(
        ("RM-LFP", "LFP-8841", "481.12"),
        ("RM-CB", "CB-1174", "7.44"),
        ("RM-PVDF", "PVDF-2219", "7.44"),
        ("RM-NMP", "NMP-3302", "304.00"),
    ),
    coil_material="COIL-C",
    coil_metres="1148",
    foil=("RM-ALFOIL", "AL-7701"),
    coils=(("CC-26047-01-A", "399.0"), ("CC-26047-01-B", "398.9")),
    sample="0.50",
    cleaning="1.60",
    recovered=(("NR-26047-01-A", "150.82"), ("NR-26047-01-B", "150.78")),
)
ANODE_BATCH = Batch(
    material="SLURRY-A",
    lot="SA-26047-01",
    quantity="500",
    inputs=(
        ("RM-GRA", "GRA-5120", "240"),
        ("RM-CMC", "CMC-0457", "3.75"),
        ("RM-SBR", "SBR-0918", "6.25"),
        ("RM-DIW", "DIW-26047", "250"),
    ),
    coil_material="COIL-A",
    coil_metres="1270",
    foil=("RM-CUFOIL", "CU-7702"),
    coils=(("AC-26047-01-A", "249.0"), ("AC-26047-01-B", "249.0")),
    sample="0.50",
    cleaning="1.50",
)
BATCHES = {CATHODE: CATHODE_BATCH, ANODE: ANODE_BATCH}

HELD_COIL = ("COIL-C", "CC-26047-01-B")
"""An edge bead was seen: held after slitting by the inspector, measured, and released by another person."""

CELLS = tuple(f"HC26047{n:05d}" for n in range(1, 35))
CELLS_PER_COIL = 17
CATHODE_M, ANODE_M = "3.34", "3.48"
CELL_LOTS = (
    ("RM-SEP", "SEP-6620", "7.1"),
    ("RM-CAN", "CAN-2201", "1"),
    ("RM-LID", "LID-2202", "1"),
    ("RM-ELY", "ELY-4409", "0.265"),
)
"""What a cell takes beside its electrodes."""
FAILED_CELLS = ("HC2604700012", "HC2604700027")
"""ACIR out of limits at EOL-CELL."""
GOOD_CELLS = tuple(cell for cell in CELLS if cell not in FAILED_CELLS)

MODULES = tuple(f"HM26052{n:04d}" for n in range(1, 5))
CELLS_PER_MODULE = 8
MODULE_LOTS = (("RM-ENDPLATE", "EP-2204", "2"), ("RM-BUSBAR", "BB-2203", "9"))
PACKS = ("HP260520001", "HP260520002")
MODULES_PER_PACK = 2
PACK_LOTS = (("RM-HOUSING", "HSG-2205", "1"), ("BMS-48", "BMS-9001", "1"))
PALLET = "095212340000000013"

COUNTS = {
    "orders": len(ORDERS),
    "batches": len(BATCHES),
    "coils": sum(len(batch.coils) for batch in BATCHES.values()),
    "cells": len(CELLS),
    "cellsGood": len(GOOD_CELLS),
    "cellsScrapped": len(FAILED_CELLS),
    "modules": len(MODULES),
    "packs": len(PACKS),
    "pallets": 1,
}
"""What the mini fixture ends with."""
