"""What a run took stays in the books of its order, although the rest of the lot is at another site by now."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    Order,
    amount,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
)
from tests.invariants.checks import broken_invariants

BINDER = {"material": "RM-PVDF", "lot": "PVDF-2219"}
WRONG = {"code": "WRONG_SCAN"}
TAKEN = """query($order: ID!) { operationsRequest(key: $order) {
  consumed { material { code } quantity { value } }
  massBalance { material { code } issued closingWip scrap }
  jobOrders { jobResponses { materialActuals { itemKey item { key } quantity { value uom } pending { value } } } }
} }"""


@pytest.fixture
async def operator(api: Api) -> Actor:
    operator = await make_plant(api)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    return operator


async def send(api: Api, operator: Actor) -> None:
    """The lot goes to the other site and arrives there."""
    made = await api.do("createTransfer", "transfer { number }", by=operator, toSite="HV2", items=[BINDER])
    number = made["transfer"]["number"]
    await api.do("shipTransfer", "", by=operator, transfer=number)
    receiver = await api.actor(Role.OPERATOR, site="HV2", subject="store-2")
    await api.do("confirmTransferReceipt", "", by=receiver, transfer=number, location="HV2/STORE-FG")


async def taken(api: Api, operator: Actor) -> tuple[Order, str, dict[str, Any]]:
    """5 kg are in the run, 20 kg at the other site."""
    order = await make_order(api, MIX)
    run = await start(api, order, 20, operator)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    await send(api, operator)
    return order, run, actual


async def looked_at(api: Api, order: Order, by: Actor) -> dict[str, Any]:
    found: dict[str, Any] = (await api.ask(TAKEN, by=by, order=order.code))["operationsRequest"]
    return found


async def right(api: Api) -> None:
    assert await api.plant.database.read(broken_invariants) == []


async def test_the_books_show_what_was_taken_of_a_lot_that_left(api: Api, operator: Actor) -> None:
    order, _, _ = await taken(api, operator)
    viewer = await api.actor(Role.VIEWER, site="HV1", subject="guest-1")
    found = await looked_at(api, order, viewer)
    assert found["consumed"] == [{"material": {"code": "RM-PVDF"}, "quantity": {"value": "5"}}]
    assert found["massBalance"] == [
        {"material": {"code": "RM-PVDF"}, "issued": "5", "closingWip": "5", "scrap": "0"},
    ]
    (actual,) = found["jobOrders"][0]["jobResponses"][0]["materialActuals"]
    quantities = {"quantity": {"value": "5", "uom": "KGM"}, "pending": {"value": "5"}}
    assert actual == {"itemKey": "RM-PVDF/PVDF-2219", "item": None, **quantities}
    everywhere = await looked_at(api, order, await api.actor(Role.VIEWER, subject="guest"))
    (actual,) = everywhere["jobOrders"][0]["jobResponses"][0]["materialActuals"]
    assert actual["item"] == {"key": "RM-PVDF/PVDF-2219"}
    assert (found["consumed"], found["massBalance"]) == (everywhere["consumed"], everywhere["massBalance"])


async def test_its_performance_is_told(api: Api, operator: Actor) -> None:
    order, _, _ = await taken(api, operator)
    data = await api.ask(
        "query($order: ID!) { operationsPerformance(request: $order) { document segmentResponses { "
        "materialActuals { itemKey item { key } quantity { value } } } } }",
        by=await api.actor(Role.VIEWER, site="HV1", subject="guest-1"),
        order=order.code,
    )
    found = data["operationsPerformance"]
    line = {"itemKey": "RM-PVDF/PVDF-2219", "item": None, "quantity": {"value": "5"}}
    assert found["segmentResponses"][0]["materialActuals"] == [line]
    assert "PVDF-2219" in found["document"]


async def test_a_run_does_not_end_before_it_became_something(api: Api, operator: Actor) -> None:
    order, run, _ = await taken(api, operator)
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20])
    assert codes(errors) == ["QUANTITY_NOT_CONSERVED"]
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    assert made["genealogyEvent"]["outputs"] == [{"item": {"key": "SLURRY-C/SC-1"}}]
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    await right(api)


async def test_its_production_is_undone_into_the_run_alone(api: Api, operator: Actor) -> None:
    order, run, _ = await taken(api, operator)
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    event = made["genealogyEvent"]["id"]
    answer = await api.do("reverseEvent", "items { key }", by=operator, event=event, reason=WRONG)
    assert answer["items"] == [{"key": "SLURRY-C/SC-1"}]
    assert codes(await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20])) == ["QUANTITY_NOT_CONSERVED"]
    again = await produce(api, run, lot("SLURRY-C", "SC-2", "800"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    event = again["genealogyEvent"]["id"]
    assert codes(await api.refused("reverseEvent", by=operator, event=event, reason=WRONG)) == ["DOWNSTREAM_DEPENDENCY"]
    await right(api)


@pytest.mark.parametrize("command", ["abortJobOrder", "abortOperationsRequest"])
async def test_what_is_given_up_is_scrapped(api: Api, operator: Actor, command: str) -> None:
    order, _, _ = await taken(api, operator)
    supervisor = await api.actor(Role.SUPERVISOR, site="HV1", subject="sup-1")
    wanted: dict[str, Any] = {"operationsRequest": order.code, "disposition": "SCRAP"}
    if command == "abortJobOrder":
        wanted = {"jobOrder": order.jobs[20]}
    await api.do(command, "", by=supervisor, reason=WRONG, **wanted)
    assert (await looked_at(api, order, operator))["massBalance"][0]["scrap"] == "5"
    await right(api)


async def test_nothing_goes_back_into_a_lot_that_left(api: Api, operator: Actor) -> None:
    _, _, actual = await taken(api, operator)
    for actor in (operator, await api.actor(Role.SUPERVISOR, subject="sup-all")):
        (error,) = await api.refused("reverseEvent", by=actor, event=actual["eventId"], reason=WRONG)
        assert error["code"] == "DOWNSTREAM_DEPENDENCY"
        assert error["message"] == "RM-PVDF/PVDF-2219 is at another site by now"


async def test_a_reservation_that_it_had_is_shown(api: Api, operator: Actor) -> None:
    order = await make_order(api, MIX, COAT)
    planner = await api.actor(Role.PLANNER, site="HV1", subject="plan-1")
    wanted = {"jobOrder": order.jobs[20], "item": BINDER, "quantity": amount("15", "KGM")}
    made = await api.do("reserveMaterial", "reservation { id }", by=planner, **wanted)
    await api.do("releaseReservation", "", by=planner, reservation=made["reservation"]["id"])
    await send(api, operator)
    data = await api.ask(
        "query($order: ID!) { operationsRequest(key: $order) { reservations { state itemKey item { key } "
        "quantity { value uom } } } }",
        by=planner,
        order=order.code,
    )
    shown = {"itemKey": "RM-PVDF/PVDF-2219", "item": None, "quantity": {"value": "15", "uom": "KGM"}}
    assert data["operationsRequest"]["reservations"] == [{"state": "RELEASED", **shown}]
