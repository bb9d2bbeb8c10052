"""The plant HALVARD as data: people, machines, materials, and how things are made.

Quantities are text in the unit beside them, so nothing is rounded on the way.

HALVARD has two sites, HV1 for electrodes and cells and HV2 for modules and packs; cells travel between them. The mini
fixture plays at HV1 alone, with the module and pack lines as its areas AREA-MOD and AREA-PACK.
"""

from collections.abc import Sequence
from dataclasses import dataclass

SITE, PACK_SITE = "HV1", "HV2"
ZONE = "Europe/Stockholm"
SITE_MASTERS = {
    SITE: {"code": SITE, "name": "Halvard electrode and cell", "timeZone": ZONE, "gln": "9521234000013"},
    PACK_SITE: {"code": PACK_SITE, "name": "Halvard pack", "timeZone": "Europe/Lisbon", "gln": "9521234000020"},
}


# --- the plant -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """Who acts, in which roles: a human being, or a service."""

    subject: str
    name: str
    roles: tuple[str, ...]
    service: bool = False


PEOPLE = (
    Person("op-017", "Coating", ("OPERATOR",)),
    Person("op-022", "Formation", ("OPERATOR",)),
    Person("op-031", "Laser and pack", ("OPERATOR",)),
    Person("sup-02", "Shift lead", ("SUPERVISOR",)),
    Person("q-05", "Inspector", ("QUALITY",)),
    Person("qa-01", "Release", ("QA",)),
    Person("eng-03", "Process engineer", ("ENGINEER",)),
    Person("plan-01", "Planning", ("PLANNER",)),
    Person("erp", "ERP1", ("ERP",), service=True),
    Person("drv-lines", "Line drivers", ("DRIVER",), service=True),
    Person("viewer", "Dashboard", ("VIEWER",), service=True),
    Person("audit-01", "Auditor", ("AUDITOR",)),
)

EQUIPMENT_CLASSES = {
    "DISPENSING": "Weighing booth",
    "MIXING": "Planetary mixer",
    "COATING": "Slot-die coater",
    "CALENDERING": "Calender",
    "SLITTING": "Slitter",
    "STACKING": "Z-fold stacker",
    "LASER-WELDING": "Laser welder",
    "CASING": "Can inserter",
    "VACUUM-OVEN": "Vacuum oven",
    "FILLING": "Electrolyte filler",
    "FORMATION": "Formation rack",
    "SEALING": "Sealer",
    "AGEING": "Ageing room",
    "CELL-TEST": "Cell grading tester",
    "SORTING": "Cell sorter",
    "COMPRESSION": "Stack press",
    "MODULE-TEST": "Module tester",
    "PACK-ASSEMBLY": "Pack assembly cell",
    "PACK-TEST": "Pack tester",
    "LABELLING": "Labeller and palletiser",
}


@dataclass(frozen=True)
class Machine:
    """A role in the plant. Work units take from both stores and put into the first one named."""

    code: str
    name: str
    level: str
    parent: str | None = None
    classes: tuple[str, ...] = ()
    stores: tuple[str, ...] = ()
    capacity: int = 1


def _unit(code: str, name: str, parent: str, equipment_class: str, capacity: int = 1) -> Machine:
    return Machine(code, name, "WORK_CELL", parent, (equipment_class,), ("STORE-WIP", "STORE-RM"), capacity)


EQUIPMENT = (
    Machine("AREA-ELEC", "Electrodes", "AREA"),
    Machine("AREA-CELL", "Cells", "AREA"),
    Machine("AREA-MOD", "Modules", "AREA"),
    Machine("AREA-PACK", "Packs", "AREA"),
    Machine("STORE-RM", "Raw material", "STORAGE_ZONE"),
    Machine("STORE-WIP", "Work in process", "STORAGE_ZONE"),
    Machine("STORE-FG", "Finished goods", "STORAGE_ZONE"),
    Machine("CELL-MIX", "Mixing", "PROCESS_CELL", "AREA-ELEC"),
    Machine("LINE-COAT", "Coating", "PRODUCTION_LINE", "AREA-ELEC"),
    Machine("LINE-CELL", "Cell assembly", "PRODUCTION_LINE", "AREA-CELL"),
    Machine("CELL-FORM", "Formation and ageing", "PROCESS_CELL", "AREA-CELL"),
    Machine("LINE-MOD", "Module line", "PRODUCTION_LINE", "AREA-MOD"),
    Machine("LINE-PACK", "Pack line", "PRODUCTION_LINE", "AREA-PACK"),
    _unit("WB01", "Weighing booth 1", "CELL-MIX", "DISPENSING"),
    _unit("WB02", "Weighing booth 2", "CELL-MIX", "DISPENSING"),
    _unit("MIX01", "Mixer 1, cathode", "CELL-MIX", "MIXING"),
    _unit("MIX02", "Mixer 2, anode", "CELL-MIX", "MIXING"),
    _unit("COAT01", "Coater 1, cathode", "LINE-COAT", "COATING"),
    _unit("COAT02", "Coater 2, cathode", "LINE-COAT", "COATING"),
    _unit("COAT03", "Coater 3, anode", "LINE-COAT", "COATING"),
    _unit("CAL01", "Calender 1", "LINE-COAT", "CALENDERING"),
    _unit("CAL02", "Calender 2", "LINE-COAT", "CALENDERING"),
    _unit("SLIT01", "Slitter 1", "LINE-COAT", "SLITTING"),
    _unit("SLIT02", "Slitter 2", "LINE-COAT", "SLITTING"),
    _unit("STK01", "Stacker 1", "LINE-CELL", "STACKING"),
    _unit("LTW01", "Tab welder 1", "LINE-CELL", "LASER-WELDING"),
    _unit("CAS01", "Can inserter 1", "LINE-CELL", "CASING"),
    _unit("VO01", "Vacuum oven 1", "LINE-CELL", "VACUUM-OVEN"),
    _unit("EF01", "Filler 1 in dry room DR01", "LINE-CELL", "FILLING"),
    _unit("FORM01", "Formation rack 1, 60 channels", "CELL-FORM", "FORMATION", capacity=60),
    _unit("SEAL01", "Sealer 1", "CELL-FORM", "SEALING"),
    _unit("AR01", "Ageing room 1, 45 CEL", "CELL-FORM", "AGEING", capacity=100),
    _unit("GRD01", "Grading tester 1", "CELL-FORM", "CELL-TEST"),
    _unit("SRT01", "Cell sorter 1", "LINE-MOD", "SORTING"),
    _unit("CMP01", "Stack press 1", "LINE-MOD", "COMPRESSION"),
    _unit("LW01", "Busbar welder 1", "LINE-MOD", "LASER-WELDING"),
    _unit("ETM01", "Module tester 1", "LINE-MOD", "MODULE-TEST"),
    _unit("PA01", "Pack assembly 1", "LINE-PACK", "PACK-ASSEMBLY"),
    _unit("ETP01", "Pack tester 1", "LINE-PACK", "PACK-TEST"),
    _unit("LBL01", "Labeller 1", "LINE-PACK", "LABELLING"),
)

PACK_AREAS = {"AREA-MOD", "AREA-PACK"}
"""What stands at HV2, with all that is below."""


def equipment(sites: Sequence[str]) -> dict[str, list[Machine]]:
    """What stands at each of ``sites``: everything at one alone, else the module and pack lines at the second, which
    has stores of its own.
    """
    if len(sites) == 1:
        return {sites[0]: list(EQUIPMENT)}
    places = {machine.code: machine for machine in EQUIPMENT}

    def moves(machine: Machine) -> bool:
        return machine.code in PACK_AREAS or (machine.parent is not None and moves(places[machine.parent]))

    stores = [machine for machine in EQUIPMENT if machine.level == "STORAGE_ZONE"]
    stay = [machine for machine in EQUIPMENT if not moves(machine)]
    return {SITE: stay, PACK_SITE: [*stores, *(machine for machine in EQUIPMENT if moves(machine))]}


# --- material --------------------------------------------------------------------------------------------------------

SUPPLIERS = {
    "SUP-LFP": "Nordic Phosphates (fictional)",
    "SUP-BIND": "Binder Works (fictional)",
    "SUP-CARB": "Carbon and Graphite (fictional)",
    "SUP-FOIL": "Foil Mill (fictional)",
    "SUP-CHEM": "Cell Chemistry (fictional)",
    "SUP-PART": "Precision Parts (fictional)",
}


@dataclass(frozen=True)
class Material:
    """A material. ``positions``: its lots have an axis, such as the metres of a coil."""

    code: str
    name: str
    kind: str
    uom: str
    tracking: str = "LOT"
    gtin: str | None = None
    shelf_life: str | None = None
    quarantine: bool = False
    positions: bool = False


MATERIALS = (
    Material("RM-LFP", "Lithium iron phosphate", "RAW", "KGM"),
    Material("RM-CB", "Carbon black", "RAW", "KGM"),
    Material("RM-PVDF", "Binder PVDF", "RAW", "KGM"),
    Material("RM-NMP", "Solvent NMP", "RAW", "KGM"),
    Material("RM-GRA", "Graphite", "RAW", "KGM"),
    Material("RM-CMC", "Thickener CMC", "RAW", "KGM"),
    Material("RM-SBR", "Binder SBR", "RAW", "KGM"),
    Material("RM-DIW", "Deionised water", "RAW", "KGM"),
    Material("RM-ALFOIL", "Aluminium foil, 0.60 m wide", "RAW", "MTR"),
    Material("RM-CUFOIL", "Copper foil, 0.60 m wide", "RAW", "MTR"),
    Material("RM-SEP", "Separator", "RAW", "MTR"),
    Material("RM-ELY", "Electrolyte, at most 25 CEL", "RAW", "KGM", shelf_life="P180D", quarantine=True),
    Material("RM-CAN", "Cell can", "RAW", "C62"),
    Material("RM-LID", "Cell lid", "RAW", "C62"),
    Material("RM-BUSBAR", "Busbar", "RAW", "C62"),
    Material("RM-ENDPLATE", "End plate", "RAW", "C62"),
    Material("RM-HOUSING", "Pack housing", "RAW", "C62"),
    Material("BMS-48", "Battery management unit", "RAW", "C62"),
    Material("NMP-REC", "Recovered NMP", "INTERMEDIATE", "KGM"),
    Material(
        "SLURRY-C", "Cathode slurry, 62 % solids", "INTERMEDIATE", "KGM", gtin="09521234004202", shelf_life="PT24H"
    ),
    Material("SLURRY-A", "Anode slurry, 50 % dry", "INTERMEDIATE", "KGM", gtin="09521234004103", shelf_life="PT24H"),
    Material("COIL-C", "Cathode coil", "INTERMEDIATE", "MTR", positions=True),
    Material("COIL-A", "Anode coil", "INTERMEDIATE", "MTR", positions=True),
    Material("CELL-105", "LFP cell 105 Ah", "INTERMEDIATE", "C62", tracking="SERIAL", gtin="09521234003007"),
    Material("MOD-8S", "Module of 8 cells", "INTERMEDIATE", "C62", tracking="SERIAL", gtin="09521234002000"),
    Material("PACK-48-105", "Pack 51.2 V, 5.376 kWh", "FINISHED", "C62", tracking="SERIAL", gtin="09521234001003"),
)


# --- how things are made ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class BillLine:
    """What a step takes or makes, per unit of its output."""

    material: str
    per_unit: str
    use: str = "CONSUMED"
    tolerance_pct: str | None = None


@dataclass(frozen=True)
class Segment:
    """A step of a route: what it needs, how long it takes, and when it may begin.

    It begins when the one before has ended; ``wait_h`` says how many hours later at the earliest.
    """

    seq: int
    name: str
    equipment_class: str
    setup_min: int = 0
    run_s_per_unit: str = "0"
    bill: tuple[BillLine, ...] = ()
    wait_h: int = 0


@dataclass(frozen=True)
class Definition:
    """A version of how a product is made."""

    code: str
    version: str
    name: str
    product: str
    segments: tuple[Segment, ...]


def _takes(material: str, per_unit: str, tolerance_pct: str | None = None) -> BillLine:
    return BillLine(material, per_unit, tolerance_pct=tolerance_pct)


def _makes(material: str) -> BillLine:
    return BillLine(material, "1", use="PRODUCED")


DEFINITIONS = (
    Definition(
        "OD-CATH-105",
        "5",
        "Cathode coil",
        "COIL-C",
        (
            Segment(10, "DISP-C", "DISPENSING", 5),
            Segment(
                20,
                "MIX-C",
                "MIXING",
                15,
                bill=(
                    _takes("RM-LFP", "0.6014", "0.5"),
                    _takes("RM-CB", "0.0093", "0.5"),
                    _takes("RM-PVDF", "0.0093", "0.5"),
                    _takes("RM-NMP", "0.38", "0.5"),
                    _makes("SLURRY-C"),
                ),
            ),
            Segment(
                30,
                "COAT-C",
                "COATING",
                24,
                "7.5",
                bill=(
                    _takes("SLURRY-C", "0.347517", "1"),
                    _takes("RM-ALFOIL", "1", "1"),
                    _makes("COIL-C"),
                    BillLine("NMP-REC", "0.131359", use="BY_PRODUCT"),
                ),
            ),
            Segment(40, "CAL-C", "CALENDERING", 12, "1"),
            Segment(50, "SLIT-C", "SLITTING", 12, "1"),
        ),
    ),
    Definition(
        "OD-AND-105",
        "4",
        "Anode coil",
        "COIL-A",
        (
            Segment(10, "DISP-A", "DISPENSING", 5),
            Segment(
                20,
                "MIX-A",
                "MIXING",
                15,
                bill=(
                    _takes("RM-GRA", "0.48", "0.5"),
                    _takes("RM-CMC", "0.0075", "0.5"),
                    _takes("RM-SBR", "0.0125", "0.5"),
                    _takes("RM-DIW", "0.5", "0.5"),
                    _makes("SLURRY-A"),
                ),
            ),
            Segment(
                30,
                "COAT-A",
                "COATING",
                24,
                "7.5",
                bill=(_takes("SLURRY-A", "0.19685", "1"), _takes("RM-CUFOIL", "1", "1"), _makes("COIL-A")),
            ),
            Segment(40, "CAL-A", "CALENDERING", 12, "1"),
            Segment(50, "SLIT-A", "SLITTING", 12, "1"),
        ),
    ),
    Definition(
        "OD-CELL-105",
        "7",
        "LFP cell 105 Ah",
        "CELL-105",
        (
            # A cell gets its number when it is stacked; its whole bill is posted there, where the unit is made.
            Segment(
                10,
                "STACK",
                "STACKING",
                10,
                "30",
                bill=(
                    _takes("COIL-C", "3.34", "0.5"),
                    _takes("COIL-A", "3.48", "0.5"),
                    _takes("RM-SEP", "7.1", "1"),
                    _takes("RM-CAN", "1", "0"),
                    _takes("RM-LID", "1", "0"),
                    _takes("RM-ELY", "0.265", "1"),
                    _makes("CELL-105"),
                ),
            ),
            Segment(20, "TABWELD", "LASER-WELDING", 10, "30"),
            Segment(30, "CASE", "CASING", 10, "30"),
            Segment(40, "BAKE", "VACUUM-OVEN"),
            Segment(50, "FILL", "FILLING", 0, "20"),
            Segment(60, "FORM", "FORMATION"),
            Segment(70, "SEAL", "SEALING", 0, "15"),
            Segment(80, "AGE", "AGEING"),
            Segment(90, "EOL-CELL", "CELL-TEST", 0, "40", wait_h=72),
        ),
    ),
    Definition(
        "OD-MOD-8S",
        "3",
        "Module of 8 cells",
        "MOD-8S",
        (
            Segment(10, "SORT", "SORTING", 8, "95"),
            Segment(20, "COMPRESS", "COMPRESSION", 8, "95"),
            Segment(
                30,
                "BUSBAR-LW",
                "LASER-WELDING",
                8,
                "95",
                bill=(
                    _takes("CELL-105", "8", "0"),
                    _takes("RM-ENDPLATE", "2", "0"),
                    _takes("RM-BUSBAR", "9", "0"),
                    _makes("MOD-8S"),
                ),
            ),
            Segment(40, "EOL-MOD", "MODULE-TEST", 8, "95"),
        ),
    ),
    Definition(
        "OD-PACK-48-105",
        "2",
        "Pack 51.2 V, 5.376 kWh",
        "PACK-48-105",
        (
            Segment(
                10,
                "ASSY",
                "PACK-ASSEMBLY",
                6,
                "480",
                bill=(
                    _takes("MOD-8S", "2", "0"),
                    _takes("BMS-48", "1", "0"),
                    _takes("RM-HOUSING", "1", "0"),
                    _makes("PACK-48-105"),
                ),
            ),
            Segment(20, "BMS-FLASH", "PACK-TEST", 6, "480"),
            Segment(30, "LEAK", "PACK-TEST", 6, "480"),
            Segment(40, "EOL-PACK", "PACK-TEST", 6, "480"),
            Segment(50, "LABEL", "LABELLING", 6, "480"),
            Segment(60, "PALLETISE", "LABELLING", 6, "480"),
        ),
    ),
)
