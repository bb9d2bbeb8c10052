"""The checks themselves find what is broken: each corruption of sound books is named."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.api import Api
from tests.factories.execution import (
    MIX,
    Line,
    Step,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
)
from tests.factories.materials import make_item
from tests.invariants.checks import broken_invariants

CORRUPTIONS = {
    "an item": "UPDATE item SET quantity = quantity - 1000000 WHERE key = 'RM-PVDF/PVDF-2219'",
    "a line": "UPDATE genealogy_line SET quantity = quantity + 1000000 WHERE quantity = 7440000",
    "pending": "UPDATE material_actual SET pending = 1000000 WHERE quantity = 7440000",
    "a state": "UPDATE item SET lifecycle = 'AVAILABLE' WHERE key = 'CELL-105/HC1'",
    "a parent": "UPDATE item SET parent_id = NULL WHERE key = 'CELL-105/HC1'",
    "a weight": "UPDATE genealogy_line SET weight = 0 WHERE role = 'OUTPUT'",
    "holds": "UPDATE item SET open_holds = 1 WHERE key = 'SLURRY-C/SC-1'",
    "a ring": "UPDATE genealogy_line SET item_id = (SELECT id FROM item WHERE key = 'SLURRY-C/SC-1') "
    "WHERE role = 'INPUT' AND quantity = 7440000",
    "totals": "UPDATE operations_request SET good_quantity = 1",
    "an order that stands still": "UPDATE operations_request SET state = 'HELD' WHERE code = '2'",
    "an order that has ended": "UPDATE operations_request SET state = 'COMPLETED' WHERE code = '2'",
    "a job that waits for its order": "UPDATE job_order SET interrupted_with_order = (1 = 1) WHERE code = '2-10'",
    "a run": "UPDATE job_response SET ended_at = started_at WHERE code = '2-10-R1'",
}


@pytest.mark.parametrize("what", CORRUPTIONS)
async def test_a_corruption_is_named(api: Api, what: str) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    modules = await start(api, await make_order(api, Step(10, "MOD-8S", [Line("CELL-105")]), code="2"), 10, operator)
    await make_item(api, "CELL-105", "HC1", location="HV1/STORE-WIP")
    await api.do(
        "assembleUnit",
        "",
        by=operator,
        jobResponse=modules,
        material="MOD-8S",
        serialNumber="HM1",
        components=[{"item": {"material": "CELL-105", "serial": "HC1"}, "slot": "C1"}],
    )
    assert await api.plant.database.read(broken_invariants) == []

    def corrupt(session: Session) -> None:
        assert session.execute(text(CORRUPTIONS[what])).rowcount  # type: ignore[attr-defined]

    await api.plant.database.write(corrupt)
    assert await api.plant.database.read(broken_invariants)
