"""Nothing happens to a thing before it is there, whichever verb says so (I32); late postings within its life pass."""

from datetime import timedelta
from typing import Any

import pytest

from mesgraph.access.roles import Role
from tests.api import START, Api
from tests.factories.execution import MIX, Order, amount, codes, make_order, make_plant, receive

LOT = {"material": "RM-PVDF", "lot": "PVDF-2219"}
WHY = {"code": "COUNT"}
BEFORE = (START - timedelta(days=2000)).isoformat()


@pytest.fixture
async def order(api: Api) -> Order:
    """A lot and an order that are there for an hour."""
    await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    api.clock.step(hours=1)
    return order


VERBS: dict[str, tuple[Role, dict[str, Any]]] = {
    "adjustLot": (Role.SUPERVISOR, {"item": LOT, "counted": amount("100", "KGM"), "reason": WHY}),
    "rejectLot": (Role.QA, {"item": LOT, "reason": WHY}),
    "scrapItem": (Role.QA, {"item": LOT, "reason": WHY}),
    "placeHold": (Role.QUALITY, {"items": [LOT], "severity": "MAJOR", "reason": WHY}),
}


@pytest.mark.parametrize("verb", VERBS)
async def test_nothing_happens_to_an_item_before_it_is_there(api: Api, order: Order, verb: str) -> None:
    role, input = VERBS[verb]
    errors = await api.refused(verb, by=role, eventTime=BEFORE, **input)
    assert codes(errors) == ["TIME_ORDER_INVALID"]
    assert [error["path"] for error in errors] == [["input", "eventTime"]]
    assert "RM-PVDF/PVDF-2219" in errors[0]["message"]
    await api.do(verb, "", by=role, eventTime=START.isoformat(), **input)


async def test_a_rejected_item_is_disposed_of_after_its_receipt_and_a_lot_released_after_it(
    api: Api, order: Order
) -> None:
    await api.do("rejectLot", "", by=Role.QA, item=LOT, reason=WHY)
    use = {"item": LOT, "decision": "USE_AS_IS", "reason": WHY}
    assert codes(await api.refused("dispositionItem", by=Role.QA, eventTime=BEFORE, **use)) == ["TIME_ORDER_INVALID"]
    await api.do("dispositionItem", "", by=Role.QA, eventTime=START.isoformat(), **use)


async def test_nothing_is_reserved_before_it_is_there(api: Api, order: Order) -> None:
    keep = {"item": LOT, "quantity": amount("5", "KGM"), "jobOrder": order.jobs[20]}
    errors = await api.refused("reserveMaterial", by=Role.PLANNER, eventTime=BEFORE, **keep)
    assert codes(errors) == ["TIME_ORDER_INVALID"]
    await api.do("reserveMaterial", "", by=Role.PLANNER, eventTime=START.isoformat(), **keep)
