"""Story S1 through the ERP's own door: an order of 20 packs comes as a B2MML file, the plant makes it at both sites,
and its performance message says so.
"""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from mesgraph.demo.crew import Crew
from mesgraph.demo.perform import crew_of, perform
from mesgraph.demo.plan import PACK
from mesgraph.demo.shifts import shift
from mesgraph.demo.stage import Stage, stage
from mesgraph.demo.step import Step
from mesgraph.demo.verdict import Shown, checks, counts
from tests.stages import SHIFT_TIMEOUT_S

MESGRAPH = Path(sys.executable).with_name("mesgraph")
ORDER = """<?xml version="1.0" encoding="UTF-8"?>
<ProcessOperationsSchedule xmlns="http://www.mesa.org/xml/B2MML" releaseID="V0701">
  <ApplicationArea>
    <Sender><LogicalID>ERP1</LogicalID></Sender>
    <CreationDateTime>2026-02-16T05:30:00Z</CreationDateTime>
    <BODID>BOD-7700</BODID>
  </ApplicationArea>
  <DataArea>
    <Process acknowledgeCode="Always"/>
    <OperationsSchedule>
      <ID>WEEK-08</ID>
      <OperationsRequest>
        <ID>10045</ID>
        <Version>1</Version>
        <EndTime>2026-03-02T16:00:00+01:00</EndTime>
        <HierarchyScope><EquipmentID>HV2</EquipmentID><EquipmentLevel>Site</EquipmentLevel></HierarchyScope>
        <OperationsType>Production</OperationsType>
        <Priority>50</Priority>
        <RequestState>Forecast</RequestState>
        <SegmentRequirement>
          <ID>0010</ID>
          <MaterialRequirement>
            <MaterialDefinitionID>PACK-48-105</MaterialDefinitionID>
            <MaterialUse>Produced</MaterialUse>
            <Quantity><QuantityString>20</QuantityString><UnitOfMeasure>C62</UnitOfMeasure></Quantity>
          </MaterialRequirement>
        </SegmentRequirement>
      </OperationsRequest>
    </OperationsSchedule>
  </DataArea>
</ProcessOperationsSchedule>
"""
PERFORMANCE = """query { operationsPerformance(request: "HV2/10045") {
  operationsRequest { state quantity { value } goodQuantity { value } } document } }"""


def submit(stage: Stage, key: str, folder: Path) -> str:
    """Hand the file over by the command line, and return the acknowledgement."""
    for name, text in (("order.xml", ORDER), ("erp.key", key)):
        (folder / name).write_text(text)
    files = ["--key-file", folder / "erp.key", "--ack", folder / "ack.xml", folder / "order.xml"]
    done = subprocess.run(
        [MESGRAPH, "erp", "submit", "--server", stage.server.url, *files], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return (folder / "ack.xml").read_text()


async def play(stage: Stage, folder: Path) -> tuple[Shown, Any, str]:
    plan = shift(0.14)
    acknowledged = ""

    async with crew_of(stage, plan) as crew:

        async def before(step: Step) -> None:
            nonlocal acknowledged
            if step.key == "schedule/BOD-7781":  # the ERP's message names the order, too: it must change nothing
                acknowledged = await asyncio.to_thread(submit, stage, crew["erp"].key, folder)

        shown = await perform(stage, crew, plan, before=before)
        return shown, await performance(crew), acknowledged


async def performance(crew: Crew) -> Any:
    return (await crew["erp"].ask(PERFORMANCE))["operationsPerformance"]


@pytest.mark.slow
@pytest.mark.timeout(SHIFT_TIMEOUT_S)
def test_an_order_of_20_packs_goes_from_forecast_to_closed(tmp_path: Path) -> None:
    with stage(f"sqlite:///{tmp_path / 'plant.db'}") as set_up:
        shown, performed, acknowledged = asyncio.run(play(set_up, tmp_path))
    assert "Accepted" in acknowledged
    made = counts(shown)
    assert [made[name] for name in ("packs", "modules", "cellsGood", "cells")] == [20, 40, 320, 334]
    assert shown.observed.order_states[PACK] == "CLOSED"
    [failed] = [check for check in checks(shown) if not check.ok]
    assert list(failed.actual) == ["unasked"], "the file is what no command of the script asked for"
    assert [entry.partition(" ")[2] for entry in failed.actual["unasked"]] == ["OPERATIONS_REQUEST_SUBMITTED"]

    request = performed["operationsRequest"]
    assert (request["state"], request["goodQuantity"]["value"]) == ("CLOSED", "20")
    document = etree.fromstring(performed["document"].encode())
    produced = [
        actual.findtext("{*}Quantity/{*}QuantityString")
        for actual in document.iter("{*}MaterialActual")
        if actual.findtext("{*}MaterialUse") == "Produced"
    ]
    assert sum(map(int, filter(None, produced))) == 20
