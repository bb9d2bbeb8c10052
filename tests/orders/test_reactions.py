"""Stored states of orders and jobs follow what happens elsewhere, within a second and without anybody's doing."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.materials.models import Item
from mesgraph.plant import running_plant
from mesgraph.readers import READERS
from tests.api import START, Api, SteppedClock
from tests.factories.execution import Line, Order, Step, make_order, make_plant, receive, start
from tests.factories.materials import make_item
from tests.factories.orders import approve, cathode, make_line, release
from tests.patience import eventually

BINDING = Step(20, "SLURRY-C", [Line("RM-PVDF", per="0.5")])
STATES = """query($order: ID!) { operationsRequest(key: $order) { state jobOrders { code subState }
  reservations { state } } }"""


@pytest.fixture
async def api(database_url: str) -> AsyncIterator[Api]:
    """The API of a plant whose readers act."""
    async with running_plant(Settings(database=database_url), clock=SteppedClock(), readers=READERS) as plant:
        yield Api(plant)


async def states(api: Api, order: str) -> tuple[str, list[str | None]]:
    data = await api.ask(STATES, by=Role.OPERATOR, order=order)
    found = data["operationsRequest"]
    return found["state"], [job["subState"] for job in found["jobOrders"]]


async def becomes(api: Api, order: str, state: str, *subs: str) -> None:
    await eventually(lambda: states(api, order), lambda found: found == (state, list(subs)))


@pytest.fixture
async def order(api: Api) -> Order:
    await make_plant(api)
    return await make_order(api, BINDING, equipment_code="COAT02")


async def test_an_order_follows_the_lots_at_its_site(api: Api, order: Order) -> None:
    await make_item(api, "RM-PVDF", "ELSEWHERE", "25", location=None, site_code="HV2")
    await receive(api, "RM-PVDF", "P-1", "5")
    await becomes(api, order.code, "WAITING", "WAITING")
    await receive(api, "RM-PVDF", "P-2", "5")
    await becomes(api, order.code, "READY", "READY")
    await api.do(
        "scrapItem",
        "",
        by=Role.SUPERVISOR,
        item={"material": "RM-PVDF", "lot": "P-2"},
        reason={"code": "SPILLED", "comment": "x"},
    )
    await becomes(api, order.code, "WAITING", "WAITING")


async def test_an_order_follows_holds_and_the_machine(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "25")
    placed = await api.do(
        "placeHold",
        "hold { id }",
        by=Role.OPERATOR,
        equipment="HV1/COAT02",
        severity="MINOR",
        reason={"code": "LEAK"},
    )
    await becomes(api, order.code, "WAITING", "WAITING")
    await api.do("releaseHold", "", by=Role.QUALITY, hold=placed["hold"]["id"])
    await becomes(api, order.code, "READY", "READY")
    report = {"by": Role.DRIVER, "equipment": "HV1/COAT02"}
    await api.do("reportEquipmentState", "", **report, state="ABORTING")
    await becomes(api, order.code, "WAITING", "WAITING")
    for state in ("ABORTED", "CLEARING", "STOPPED"):
        await api.do("reportEquipmentState", "", **report, state=state)
    await becomes(api, order.code, "READY", "READY")


async def test_an_order_waits_while_the_machine_is_busy_with_another(api: Api, order: Order) -> None:
    other = await make_order(api, Step(20, "SLURRY-C"), code="B", equipment_code="COAT02")
    await receive(api, "RM-PVDF", "P-1", "25")
    await start(api, other, 20)
    await becomes(api, order.code, "WAITING", "WAITING")
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=other.jobs[20])
    await becomes(api, order.code, "READY", "READY")


async def test_what_is_scrapped_is_reserved_no_more_and_the_order_waits(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "10")
    await becomes(api, order.code, "READY", "READY")
    item = {"material": "RM-PVDF", "lot": "P-1"}
    kept = {"value": "10", "uom": "KGM"}
    await api.do("reserveMaterial", "", by=Role.PLANNER, jobOrder=order.jobs[20], item=item, quantity=kept)
    await api.do("scrapItem", "", by=Role.SUPERVISOR, item=item, reason={"code": "SPILLED"})
    await becomes(api, order.code, "WAITING", "WAITING")

    async def reservations() -> list[str]:
        data = await api.ask(STATES, by=Role.OPERATOR, order=order.code)
        return [reservation["state"] for reservation in data["operationsRequest"]["reservations"]]

    await eventually(reservations, lambda found: found == ["RELEASED"])


async def test_who_did_it_is_the_plant_and_each_change_is_recorded_once(api: Api, order: Order) -> None:
    await receive(api, "RM-PVDF", "P-1", "5")
    await becomes(api, order.code, "WAITING", "WAITING")
    await receive(api, "RM-CB", "CB-1", "5")  # of no interest to it
    await receive(api, "RM-PVDF", "P-2", "5")
    await becomes(api, order.code, "READY", "READY")
    data = await api.ask("query($key: ID!) { operationsRequest(key: $key) { id } }", by=Role.PLANNER, key=order.code)
    history = await api.ask(
        "query($id: ID!) { history(id: $id) { nodes { type actor } } }",
        by=Role.PLANNER,
        id=data["operationsRequest"]["id"],
    )
    assert history["history"]["nodes"] == [{"type": "OPERATIONS_REQUEST_READINESS_CHANGED", "actor": "system"}] * 2


async def test_an_order_waits_from_the_moment_at_which_its_lot_expires(api: Api, order: Order) -> None:
    def expire(session: Session) -> None:
        session.merge(item).expires_at = START + timedelta(hours=2)

    item: Item = await make_item(api, "RM-PVDF", "P-1", "25")
    await api.plant.database.write(expire)
    await receive(api, "RM-PVDF", "P-2", "1")
    await becomes(api, order.code, "READY", "READY")
    api.clock.step(hours=2)
    await becomes(api, order.code, "WAITING", "WAITING")


async def test_a_job_is_ready_from_the_moment_at_which_its_delay_has_passed(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][3]["dependencies"] = [{"after": 10, "delay": "PT2H"}]
    await approve(api, content)
    key = await release(api)
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    await becomes(api, key, "RUNNING", "COMPLETED", "WAITING", "WAITING", "WAITING", "WAITING")
    api.clock.step(hours=2)
    await becomes(api, key, "RUNNING", "COMPLETED", "WAITING", "WAITING", "READY", "WAITING")


async def test_reservations_end_with_their_order(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode())
    key = await release(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    given = {"item": {"material": "RM-PVDF", "lot": "P-1"}, "quantity": {"value": "4", "uom": "KGM"}}
    await api.do("reserveMaterial", "", by=Role.PLANNER, jobOrder=f"{key}-20", **given)
    await api.do("cancelOperationsRequest", "", by=Role.PLANNER, operationsRequest=key)

    async def reserved() -> Any:
        return (await api.ask(STATES, by=Role.OPERATOR, order=key))["operationsRequest"]["reservations"]

    await eventually(reserved, lambda found: found == [{"state": "RELEASED"}])
