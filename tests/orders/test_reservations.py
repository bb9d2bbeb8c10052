"""What is reserved for an order is there when the order needs it: others take only the rest (I10)."""

import asyncio
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from mesgraph.orders.models import JobState, JobSubState, RequestState
from mesgraph.orders.reservations import release_lost, release_unneeded
from tests.api import Api
from tests.factories.execution import (
    MIX,
    MODULE,
    Order,
    amount,
    codes,
    consume,
    make_order,
    make_plant,
    receive,
    start,
)
from tests.factories.materials import make_item
from tests.factories.orders import put_job, put_request
from tests.invariants.checks import broken_invariants

BINDER = {"material": "RM-PVDF", "lot": "PVDF-2219"}
FIELDS = "reservation { id version state quantity { value } issued { value } jobOrder { code } }"


@pytest.fixture
async def orders(api: Api) -> tuple[Order, Order]:
    """25 kg of binder and two orders that want it."""
    await make_plant(api)
    orders = await make_order(api, MIX, code="A"), await make_order(api, MIX, code="B")
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    return orders


async def reserve(
    api: Api, order: Order, value: str, item: dict[str, str] = BINDER, seq: int = 20, uom: str = "KGM", **more: Any
) -> dict[str, Any]:
    payload = await api.do(
        "reserveMaterial",
        FIELDS,
        by=Role.PLANNER,
        item=item,
        quantity=amount(value, uom),
        **({"jobOrder": order.jobs[seq]} | more),
    )
    reservation: dict[str, Any] = payload["reservation"]
    return reservation


async def refused(api: Api, order: Order, value: str = "1", item: dict[str, str] = BINDER, **more: Any) -> list[str]:
    return codes(
        await api.refused(
            "reserveMaterial",
            by=Role.PLANNER,
            item=item,
            quantity=amount(value, "KGM"),
            **({"jobOrder": order.jobs[20]} | more),
        )
    )


async def of(api: Api, reservation: dict[str, Any]) -> tuple[str, str]:
    """State and how much was issued."""
    data = await api.ask(
        "query($id: ID!) { node(id: $id) { ... on MaterialReservation { state issued { value } } } }",
        by=Role.OPERATOR,
        id=reservation["id"],
    )
    return data["node"]["state"], data["node"]["issued"]["value"]


async def takes_too_much(api: Api, run: str, value: str) -> dict[str, Any]:
    document = """mutation($input: ConsumeMaterialInput!) { consumeMaterial(input: $input) { userErrors {
        code path ... on QuantityError { available requested } } } }"""
    given = {"jobResponse": run, "item": BINDER, "quantity": amount(value, "KGM")}
    async with api.nothing_written():
        data = await api.ask(document, by=await api.actor(Role.OPERATOR), input=given)
    [error] = data["consumeMaterial"]["userErrors"]
    return dict(error)


async def test_others_take_only_what_is_not_reserved(api: Api, orders: tuple[Order, Order]) -> None:
    mine, other = orders
    await api.actor(Role.OPERATOR)
    await reserve(api, mine, "20")
    run = await start(api, other, 20)
    assert await takes_too_much(api, run, "5.000001") == {
        "code": "LOT_RESERVED",
        "path": ["input", "item"],
        "available": "5",
        "requested": "5.000001",
    }
    await consume(api, run, "RM-PVDF", "PVDF-2219", "5")
    assert (await takes_too_much(api, run, "1"))["available"] == "0"


async def test_what_the_order_consumes_comes_out_of_its_reservation(api: Api, orders: tuple[Order, Order]) -> None:
    mine, _ = orders
    reservation = await reserve(api, mine, "20")
    run = await start(api, mine, 20)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "8")
    assert await of(api, reservation) == ("RESERVED", "8")
    await consume(api, run, "RM-PVDF", "PVDF-2219", "13")
    assert await of(api, reservation) == ("ISSUED", "20")
    assert codes(await api.refused("releaseReservation", by=Role.PLANNER, reservation=reservation["id"])) == [
        "INVALID_TRANSITION"
    ]


async def test_the_reservation_of_the_job_is_issued_before_that_of_the_step(
    api: Api, orders: tuple[Order, Order]
) -> None:
    mine, _ = orders
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { segmentRequirement { id } } }", by=Role.PLANNER, id=mine.jobs[20]
    )
    step = data["jobOrder"]["segmentRequirement"]["id"]
    of_step = await reserve(api, mine, "5", jobOrder=None, segmentRequirement=step)
    of_job = await reserve(api, mine, "5")
    assert (of_step["jobOrder"], of_job["jobOrder"]) == (None, {"code": "A-20"})
    run = await start(api, mine, 20)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7")
    assert (await of(api, of_job), await of(api, of_step)) == (("ISSUED", "5"), ("RESERVED", "2"))


async def test_no_more_is_reserved_than_there_is(api: Api, orders: tuple[Order, Order]) -> None:
    mine, other = orders
    assert await refused(api, mine, "25.000001") == ["INSUFFICIENT_QUANTITY"]
    await reserve(api, mine, "20")
    assert await refused(api, other, "6") == ["LOT_RESERVED"]
    assert await refused(api, mine, "6") == ["LOT_RESERVED"]
    await reserve(api, other, "5")


async def test_a_released_reservation_keeps_nothing(api: Api, orders: tuple[Order, Order]) -> None:
    mine, other = orders
    reservation = await reserve(api, mine, "25")
    errors = await api.refused("releaseReservation", by=Role.PLANNER, reservation=reservation["id"], expectedVersion=7)
    assert codes(errors) == ["VERSION_CONFLICT"]
    payload = await api.do("releaseReservation", FIELDS, by=Role.PLANNER, reservation=reservation["id"])
    assert payload["reservation"]["state"] == "RELEASED"
    await reserve(api, other, "25")


@pytest.mark.parametrize("state", [RequestState.COMPLETED, RequestState.CANCELLED, RequestState.ABORTED])
async def test_an_order_that_is_over_keeps_nothing(api: Api, orders: tuple[Order, Order], state: RequestState) -> None:
    mine, other = orders
    reservation = await reserve(api, mine, "25")
    await put_request(api, mine.code, state)
    await reserve(api, other, "25")
    assert await refused(api, mine) == ["INVALID_TRANSITION", "LOT_RESERVED"]
    await release_those_not_needed(api)
    assert await of(api, reservation) == ("RELEASED", "0")


async def test_a_job_that_is_over_keeps_nothing(api: Api, orders: tuple[Order, Order]) -> None:
    mine, other = orders
    of_job = await reserve(api, mine, "20")
    of_other = await reserve(api, other, "5")
    await put_job(api, mine.jobs[20], JobState.ENDED, JobSubState.COMPLETED)
    await release_those_not_needed(api)
    assert (await of(api, of_job))[0] == "RELEASED"
    assert (await of(api, of_other))[0] == "RESERVED"


async def release_those_not_needed(api: Api) -> None:
    def release(session: Session) -> list[str]:
        work = api.work(session)
        release_unneeded(work)
        release_unneeded(work)
        return [event.type for event in work.events]  # type: ignore[attr-defined]

    assert await api.plant.database.write(release) == ["MATERIAL_RESERVATION_RELEASED"]


@pytest.mark.parametrize(
    ("verb", "role", "given"),
    [
        ("splitLot", Role.OPERATOR, {"item": BINDER, "children": [{"quantity": amount("5.000001", "KGM")}]}),
        ("mergeLots", Role.OPERATOR, {"items": [BINDER, {"material": "RM-PVDF", "lot": "P-2"}], "lotNumber": "M"}),
        ("shipItems", Role.OPERATOR, {"items": [BINDER]}),
    ],
)
async def test_what_is_reserved_stays_where_it_is(
    api: Api, orders: tuple[Order, Order], verb: str, role: Role, given: dict[str, Any]
) -> None:
    mine, _ = orders
    await receive(api, "RM-PVDF", "P-2", "1")
    reservation = await reserve(api, mine, "20")
    assert codes(await api.refused(verb, by=role, **given)) == ["LOT_RESERVED"]
    await api.do("releaseReservation", "", by=Role.PLANNER, reservation=reservation["id"])
    await api.do(verb, "", by=role, **given)
    assert await api.plant.database.read(broken_invariants) == []


async def test_what_is_reserved_goes_to_no_other_site(api: Api, orders: tuple[Order, Order]) -> None:
    mine, _ = orders
    await reserve(api, mine, "20")
    made = await api.do(
        "createTransfer", "transfer { number }", by=Role.OPERATOR, fromSite="HV1", toSite="HV2", items=[BINDER]
    )
    errors = await api.refused("shipTransfer", by=Role.OPERATOR, transfer=made["transfer"]["number"])
    assert codes(errors) == ["LOT_RESERVED"]


async def test_a_packed_unit_that_is_reserved_does_not_leave_with_its_pallet(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MODULE)
    cell = {"material": "CELL-105", "serial": "HC2604700001"}
    await make_item(api, "CELL-105", "HC2604700001", "1", location="HV1/STORE-WIP")
    await reserve(api, order, "1", cell, seq=10, uom="C62")
    pallet = "095212340000000013"
    await api.do("pack", "", by=Role.OPERATOR, items=[cell], sscc=pallet)
    errors = await api.refused("shipItems", by=Role.OPERATOR, items=[{"sscc": pallet}])
    assert codes(errors) == ["LOT_RESERVED"]


async def test_the_free_rest_is_split_off_and_the_screen_sees_it(api: Api, orders: tuple[Order, Order]) -> None:
    mine, _ = orders
    await reserve(api, mine, "20")
    await api.do("splitLot", "", by=Role.OPERATOR, item=BINDER, children=[{"quantity": amount("5", "KGM")}])
    run = await start(api, mine, 20)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "8")
    data = await api.ask(
        "query($key: ItemKey!) { item(key: $key) { quantity { value } reserved { value } } }",
        by=Role.OPERATOR,
        key=BINDER,
    )
    assert data["item"] == {"quantity": {"value": "12"}, "reserved": {"value": "12"}}


async def test_what_is_lost_is_reserved_no_more_the_youngest_first(api: Api, orders: tuple[Order, Order]) -> None:
    mine, other = orders
    elder, younger = await reserve(api, mine, "15"), await reserve(api, other, "10")
    scrapped = {"item": BINDER, "reason": {"code": "WRONG"}}
    await api.do("scrapItem", "", by=Role.SUPERVISOR, quantity=amount("1", "KGM"), **scrapped)
    await api.plant.database.write(lambda session: release_lost(api.work(session)))
    assert ((await of(api, elder))[0], (await of(api, younger))[0]) == ("RESERVED", "RELEASED")
    assert await api.plant.database.read(broken_invariants) == []
    await api.do("scrapItem", "", by=Role.SUPERVISOR, **scrapped)
    await api.plant.database.write(lambda session: release_lost(api.work(session)))
    assert (await of(api, elder))[0] == "RELEASED"
    assert await api.plant.database.read(broken_invariants) == []


async def test_only_what_the_step_needs_is_reserved_where_the_order_is_made(
    api: Api, orders: tuple[Order, Order]
) -> None:
    mine, _ = orders
    await make_item(api, "RM-CB", "CB-1", "5")
    gone = await make_item(api, "RM-PVDF", "P-GONE", "5")
    await api.plant.database.write(lambda session: setattr(session.merge(gone), "lifecycle", Lifecycle.SHIPPED))
    await make_item(api, "RM-PVDF", "P-FAR", "5", location=None, site_code="HV2")
    assert await refused(api, mine, item={"material": "RM-CB", "lot": "CB-1"}) == ["WRONG_MATERIAL"]
    assert await refused(api, mine, item={"material": "RM-PVDF", "lot": "P-GONE"}) == ["INVALID_TRANSITION"]
    assert await refused(api, mine, item={"material": "RM-PVDF", "lot": "P-FAR"}) == ["LOT_NOT_AT_LOCATION"]
    assert await refused(api, mine, jobOrder=None) == ["VALIDATION_FAILED"]
    assert await refused(api, mine, "0") == ["VALIDATION_FAILED"]


async def test_what_is_still_in_quarantine_may_be_reserved(api: Api, orders: tuple[Order, Order]) -> None:
    mine, _ = orders
    await make_item(api, "RM-PVDF", "P-NEW", "5", lifecycle=Lifecycle.QUARANTINE)
    assert (await reserve(api, mine, "5", {"material": "RM-PVDF", "lot": "P-NEW"}))["state"] == "RESERVED"


async def test_a_unit_is_reserved_as_a_whole(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MODULE)
    other = await make_order(api, MODULE, code="B")
    cell = {"material": "CELL-105", "serial": "HC2604700001"}
    await make_item(api, "CELL-105", "HC2604700001", "1", location="HV1/STORE-WIP")
    given = {"jobOrder": order.jobs[10], "item": cell}
    errors = await api.refused("reserveMaterial", by=Role.PLANNER, quantity=amount("0.5", "C62"), **given)
    assert codes(errors) == ["VALIDATION_FAILED"]
    await reserve(api, order, "1", cell, seq=10, uom="C62")
    run = await start(api, other, 10)
    errors = await api.refused(
        "assembleUnit",
        by=Role.OPERATOR,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM2604700001",
        components=[{"item": cell, "slot": "1"}],
    )
    assert codes(errors) == ["LOT_RESERVED"]


async def test_other_sites_reserve_nothing_here(api: Api, orders: tuple[Order, Order]) -> None:
    mine, _ = orders
    elsewhere = await api.actor(Role.PLANNER, site="HV2")
    errors = await api.refused(
        "reserveMaterial", by=elsewhere, jobOrder=mine.jobs[20], item=BINDER, quantity=amount("1", "KGM")
    )
    assert codes(errors) == ["NOT_FOUND", "NOT_FOUND"]


async def test_of_several_orders_at_once_only_as_many_get_it_as_there_is(api: Api) -> None:
    await make_plant(api)
    orders = [await make_order(api, MIX, code=f"O{n}") for n in range(5)]
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    document = "mutation($input: ReserveMaterialInput!) { reserveMaterial(input: $input) { userErrors { code } } }"
    planner = await api.actor(Role.PLANNER)

    async def ask(order: Order) -> tuple[str, ...]:
        given = {"jobOrder": order.jobs[20], "item": BINDER, "quantity": amount("10", "KGM")}
        data = await api.ask(document, by=planner, input=given)
        return tuple(codes(data["reserveMaterial"]["userErrors"]))

    answers = await asyncio.gather(*(ask(order) for order in orders))
    assert sorted(answers) == [(), (), *[("LOT_RESERVED",)] * 3]
    assert await api.plant.database.read(broken_invariants) == []
