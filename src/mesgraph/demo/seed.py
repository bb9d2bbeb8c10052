"""What stands before the shift begins: masters, and the definitions that engineering wrote and qa approved."""

from collections.abc import Sequence
from typing import Any

from mesgraph.demo.client import document_of
from mesgraph.demo.crew import Crew
from mesgraph.demo.halvard import (
    DEFINITIONS,
    EQUIPMENT_CLASSES,
    MATERIALS,
    SUPPLIERS,
    BillLine,
    Definition,
    Machine,
    Segment,
    equipment,
)
from mesgraph.demo.recording import INSTRUCTIONS, PARAMETERS

REVISION = "1"
DRIVER_COMMANDS = ("reportEquipmentState",)
"""What the drivers of the shift send."""
UOM = {material.code: material.uom for material in MATERIALS}


async def seed(crew: Crew, sites: Sequence[str]) -> None:
    """Bring the masters and definitions in."""
    engineer = crew["eng-03"]
    classes = [{"code": code, "name": name} for code, name in EQUIPMENT_CLASSES.items()]
    await engineer.do("submitEquipmentClasses", "equipment-classes", classes=classes)
    for site, machines in equipment(sites).items():
        masters = [_machine(machine) for machine in machines]
        await engineer.do("submitEquipment", f"equipment/{site}", site=site, equipment=masters)
    suppliers = [{"code": code, "name": name} for code, name in SUPPLIERS.items()]
    await crew["erp"].do("submitSuppliers", "suppliers", suppliers=suppliers)
    materials = [
        {
            "code": material.code,
            "revision": REVISION,
            "name": material.name,
            "kind": material.kind,
            "baseUom": material.uom,
            "tracking": material.tracking,
            "gtin": material.gtin,
            "shelfLife": material.shelf_life,
            "quarantineOnReceipt": material.quarantine,
            "hasPositions": material.positions,
        }
        for material in MATERIALS
    ]
    await crew["erp"].do("submitMaterialDefinitions", "materials", definitions=materials)
    for definition in DEFINITIONS:
        await _define(crew, definition)
    # drivers run stored documents only
    documents = [{"text": document_of(command)} for command in DRIVER_COMMANDS]
    await crew["admin"].do("registerDocuments", "documents", documents=documents)
    # what is made is told to the ERP, whose connector fetches it (outboundReady, acknowledgeOutbound)
    await crew["admin"].do("registerDestination", "destination/ERP1", code="ERP1", kind="CONNECTOR")


def _machine(machine: Machine) -> dict[str, Any]:
    return {
        "code": machine.code,
        "name": machine.name,
        "level": machine.level,
        "parent": machine.parent,
        "capacity": machine.capacity,
        "classes": list(machine.classes),
        "storageLocations": list(machine.stores),
    }


async def _define(crew: Crew, definition: Definition) -> None:
    """Written by the engineer, approved by another person (I35)."""
    name = f"{definition.code}:{definition.version}"
    await crew["eng-03"].do("draftOperationsDefinition", f"draft/{name}", **_content(definition))
    await crew["eng-03"].do("submitOperationsDefinition", f"submit/{name}", operationsDefinition=name)
    await crew["qa-01"].do("approveOperationsDefinition", f"approve/{name}", operationsDefinition=name)


def _content(definition: Definition) -> dict[str, Any]:
    return {
        "code": definition.code,
        "version": definition.version,
        "name": definition.name,
        "product": definition.product,
        "segments": [_segment(definition, place) for place in range(len(definition.segments))],
    }


def _segment(definition: Definition, place: int) -> dict[str, Any]:
    segment = definition.segments[place]
    before = definition.segments[place - 1] if place else None
    return {
        "seq": segment.seq,
        "name": segment.name,
        "equipmentClass": segment.equipment_class,
        "setupTime": f"PT{segment.setup_min}M",
        "runTimePerUnit": f"PT{segment.run_s_per_unit}S",
        "dependencies": [_after(before, segment)] if before else [],
        "materials": [_line(number, line) for number, line in enumerate(segment.bill, start=1)],
        "parameters": PARAMETERS.get((definition.code, segment.seq), []),
        "instruction": INSTRUCTIONS.get((definition.code, segment.seq)),
    }


def _after(before: Segment, segment: Segment) -> dict[str, Any]:
    """The step before has ended; where the plan names hours to wait, it only must have begun so long ago."""
    if segment.wait_h:
        return {"after": before.seq, "kind": "AFTER_START", "delay": f"PT{segment.wait_h}H"}
    return {"after": before.seq, "kind": "AFTER_END"}


def _line(number: int, line: BillLine) -> dict[str, Any]:
    return {
        "line": number,
        "material": line.material,
        "use": line.use,
        "quantityPer": {"value": line.per_unit, "uom": UOM[line.material]},
        "tolerancePct": line.tolerance_pct,
        "toleranceAction": "BLOCK",
    }
