"""A shift as data: what is delivered, ordered, made of what, and by whom. Read it like a shift book.

Quantities are text in the base unit of the material, so nothing is rounded on the way. Two shifts are written down in
:mod:`mesgraph.demo.shifts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mesgraph.demo.halvard import PACK_SITE, SITE, ZONE

START = datetime(2026, 2, 16, 6, 0, tzinfo=ZoneInfo(ZONE))
"""Monday morning, first shift."""

CATHODE, ANODE, CELL, MODULE, PACK = "10041", "10042", "10043", "10044", "10045"
"""The orders, by their number in the ERP."""
MIXING, COATING = 20, 30
STACKING, GRADING = 10, 90
BUSBARS, MODULE_TEST, ASSEMBLY = 30, 40, 10
"""The steps that take or make material."""

SCHEDULE_MESSAGE = "BOD-7781"
CATHODE_M, ANODE_M = "3.34", "3.48"
CELL_LOTS = (
    ("RM-SEP", "SEP-6620", "7.1"),
    ("RM-CAN", "CAN-2201", "1"),
    ("RM-LID", "LID-2202", "1"),
    ("RM-ELY", "ELY-4409", "0.265"),
)
"""What a cell takes beside its electrodes."""
CELLS_PER_MODULE = 8
MODULE_LOTS = (("RM-ENDPLATE", "EP-2204", "2"), ("RM-BUSBAR", "BB-2203", "9"))
MODULES_PER_PACK = 2
PACK_LOTS = (("RM-HOUSING", "HSG-2205", "1"), ("BMS-48", "BMS-9001", "1"))
PACKS_PER_PALLET = 8


@dataclass(frozen=True)
class Receipt:
    """A lot that a supplier delivered."""

    material: str
    supplier: str
    quantity: str
    lot: str
    site: str = SITE


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
    site: str = SITE


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


@dataclass(frozen=True)
class Pallet:
    """Packs that travel together under one SSCC."""

    sscc: str
    packs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole shift. ``binder`` is the lot whose way is checked to the last microgram. An ``eventful`` shift has
    mistakes, corrections and commands that the plant must refuse, and modules and packs are made at the second site.
    """

    receipts: tuple[Receipt, ...]
    orders: tuple[Order, ...]
    batches: Mapping[str, tuple[Batch, ...]]
    binder: tuple[str, str]
    held_coil: tuple[str, str]
    cells: tuple[str, ...]
    failed_cells: tuple[str, ...]
    cells_per_coil: int
    modules: tuple[str, ...]
    packs: tuple[str, ...]
    pallets: tuple[Pallet, ...]
    eventful: bool = False

    @property
    def sites(self) -> tuple[str, ...]:
        """Where it plays."""
        return (SITE, PACK_SITE) if self.eventful else (SITE,)

    @property
    def good_cells(self) -> tuple[str, ...]:
        """The cells that passed the last test, in the order of their numbers."""
        failed = set(self.failed_cells)
        return tuple(cell for cell in self.cells if cell not in failed)

    def coils_of(self, order: str) -> list[tuple[str, str]]:
        """The coils that an order makes, as material and lot, in the order in which they are used."""
        return [(batch.coil_material, lot) for batch in self.batches[order] for lot, _ in batch.coils]

    @property
    def counts(self) -> dict[str, int]:
        """What the shift ends with."""
        return {
            "orders": len(self.orders),
            "batches": sum(map(len, self.batches.values())),
            "coils": sum(len(self.coils_of(order)) for order in self.batches),
            "cells": len(self.cells),
            "cellsGood": len(self.good_cells),
            "cellsScrapped": len(self.failed_cells),
            "modules": len(self.modules),
            "packs": len(self.packs),
            "pallets": len(self.pallets),
        }
