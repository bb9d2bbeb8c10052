"""Two clients race for the last of something: one wins, the other is told, and the books stay right."""

import asyncio
from typing import Any

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    Line,
    Step,
    amount,
    codes,
    consume,
    make_order,
    make_plant,
    receive,
    start,
    stock,
)
from tests.factories.materials import make_item
from tests.invariants.checks import broken_invariants

CONSUME = """mutation($input: ConsumeMaterialInput!) { consumeMaterial(input: $input) {
  materialActual { id } userErrors { code } } }"""
ASSEMBLE = """mutation($input: AssembleUnitInput!) { assembleUnit(input: $input) {
  unit { key } userErrors { code } } }"""


@pytest.mark.parametrize("clients", [2, 6])
async def test_the_last_five_kilograms_are_taken_once(api: Api, clients: int) -> None:
    operator = await make_plant(api)
    runs = []
    for n in range(clients):
        order = await make_order(api, MIX, code=f"1{n}")
        runs.append(await start(api, order, 20, operator))
    await receive(api, "RM-PVDF", "PVDF-2219", "5")

    async def take(run: str) -> list[str]:
        wanted = {
            "jobResponse": run,
            "item": {"material": "RM-PVDF", "lot": "PVDF-2219"},
            "quantity": amount("5", "KGM"),
        }
        data = await api.ask(CONSUME, by=operator, input=wanted)
        return codes(data["consumeMaterial"]["userErrors"])

    answers = await asyncio.gather(*(take(run) for run in runs))
    assert sorted(map(tuple, answers)) == [(), *[("INSUFFICIENT_QUANTITY",)] * (clients - 1)]
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "0"}
    assert await api.plant.database.read(broken_invariants) == []


async def test_a_cell_goes_into_one_module(api: Api) -> None:
    operator = await make_plant(api)
    runs = []
    for n in range(4):
        order = await make_order(api, Step(10, "MOD-8S", [Line("CELL-105")]), code=f"2{n}")
        runs.append(await start(api, order, 10, operator))
    await make_item(api, "CELL-105", "HC1", location="HV1/STORE-WIP")

    async def build(number: int, run: str) -> list[str]:
        wanted: dict[str, Any] = {
            "jobResponse": run,
            "material": "MOD-8S",
            "serialNumber": f"HM{number}",
            "components": [{"item": {"material": "CELL-105", "serial": "HC1"}, "slot": "C1"}],
        }
        data = await api.ask(ASSEMBLE, by=operator, input=wanted)
        return codes(data["assembleUnit"]["userErrors"])

    answers = await asyncio.gather(*(build(n, run) for n, run in enumerate(runs)))
    assert sorted(map(tuple, answers)) == [(), *[("ALREADY_CONTAINED",)] * 3]
    assert await api.plant.database.read(broken_invariants) == []


async def test_the_pending_material_of_a_run_goes_into_one_output(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    await receive(api, "RM-PVDF", "PVDF-2219", "5")
    await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)

    async def make(number: int) -> list[str]:
        document = "mutation($input: ProduceMaterialInput!) { produceMaterial(input: $input) { userErrors { code } } }"
        output = {"material": "SLURRY-C", "lot": f"SC-{number}", "quantity": amount("500", "KGM")}
        data = await api.ask(document, by=operator, input={"jobResponse": run, "outputs": [output]})
        return codes(data["produceMaterial"]["userErrors"])

    answers = await asyncio.gather(*(make(n) for n in range(4)))
    assert sorted(map(tuple, answers)) == [(), *[("QUANTITY_NOT_CONSERVED",)] * 3]
    assert await api.plant.database.read(broken_invariants) == []


async def test_an_order_is_completed_once_when_its_last_jobs_end_together(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, *(Step(seq, "SLURRY-C") for seq in (10, 20, 30)))
    for seq in (10, 20, 30):
        await start(api, order, seq, operator)
    answers = await asyncio.gather(
        *(
            api.do("stopJobOrder", "ledgerEvents { type }", by=operator, jobOrder=order.jobs[seq])
            for seq in (10, 20, 30)
        )
    )
    completed = [e for answer in answers for e in answer["ledgerEvents"] if e["type"] == "OPERATIONS_REQUEST_COMPLETED"]
    assert len(completed) == 1
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { request { state } } }", by=Role.VIEWER, id=order.jobs[10]
    )
    assert data["jobOrder"]["request"] == {"state": "COMPLETED"}


async def test_one_unit_of_capacity_starts_one_job(api: Api) -> None:
    operator = await make_plant(api)
    orders = [await make_order(api, MIX, code=f"3{n}", equipment_code="COAT02") for n in range(4)]
    document = "mutation($input: StartJobOrderInput!) { startJobOrder(input: $input) { userErrors { code } } }"

    async def begin(job: str) -> list[str]:
        data = await api.ask(document, by=operator, input={"jobOrder": job})
        return codes(data["startJobOrder"]["userErrors"])

    answers = await asyncio.gather(*(begin(order.jobs[20]) for order in orders))
    assert sorted(map(tuple, answers)) == [(), *[("EQUIPMENT_BUSY",)] * 3]


async def test_no_job_runs_in_an_order_that_was_held_at_the_same_moment(api: Api) -> None:
    """Whichever comes first, a job of a held order does not run: it did not start, or was interrupted with it."""
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    supervisor = await api.actor(Role.SUPERVISOR)
    begin = "mutation($i: StartJobOrderInput!) { startJobOrder(input: $i) { userErrors { code } } }"
    hold = "mutation($i: HoldOperationsRequestInput!) { holdOperationsRequest(input: $i) { userErrors { code } } }"
    why = {"code": "FOREIGN_PARTICLES"}
    started, held = await asyncio.gather(
        api.ask(begin, by=operator, i={"jobOrder": order.jobs[30]}),
        api.ask(hold, by=supervisor, i={"operationsRequest": order.code, "reason": why}),
    )
    assert held["holdOperationsRequest"]["userErrors"] == []
    data = await api.ask(
        "query($key: ID!) { operationsRequest(key: $key) { state jobOrders { state interruptedWithOrder } } }",
        by=operator,
        key=order.code,
    )
    assert data["operationsRequest"]["state"] == "HELD"
    first, second = data["operationsRequest"]["jobOrders"]
    interrupted = {"state": "INTERRUPTED", "interruptedWithOrder": True}
    assert first == interrupted
    refused = started["startJobOrder"]["userErrors"]
    assert second == ({"state": "ALLOWED_TO_START", "interruptedWithOrder": False} if refused else interrupted)
    assert codes(refused) in ([], ["INVALID_TRANSITION"])
