"""Shipped goods come back."""

from datetime import timedelta
from typing import Any

from mesgraph.access.roles import Role
from tests.api import START, Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import SSCC, make_halvard

PACKS = [{"material": "PACK-48-105", "serial": f"HP{n}"} for n in (1, 2)]
WHY = {"reason": {"code": "WRONG"}}
FORWARD = "query($i: ItemKey!) { trace(item: $i, direction: FORWARD) { totals { shippedCount } } }"


async def shipped(api: Api) -> str:
    """A pallet with two packs of one lot of binder that has left; returns the shipment."""
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    await transform(api, [("RM-PVDF/P-1", "10")], [("PACK-48-105", "HP1", "1"), ("PACK-48-105", "HP2", "1")])
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=PACKS)
    payload = await api.do("shipItems", "genealogyEvent { id }", by=Role.OPERATOR, items=[{"sscc": SSCC}])
    event: str = payload["genealogyEvent"]["id"]
    return event


async def back(api: Api, *items: dict[str, str], **more: Any) -> dict[str, Any]:
    return await api.do(
        "returnItems",
        "items { key status location { code } children { key status location { code } } parent { key } } "
        "genealogyEvents { id kind inputs { item { key } } }",
        by=Role.OPERATOR,
        items=list(items),
        location="HV1/STORE-RM",
        **more,
    )


async def test_a_pallet_comes_back_with_what_is_in_it(api: Api) -> None:
    await shipped(api)
    payload = await back(api, {"sscc": SSCC})
    (pallet,) = payload["items"]
    assert (pallet["status"], pallet["location"]) == ("AVAILABLE", {"code": "STORE-RM"})
    assert [(c["key"], c["status"], c["location"]["code"]) for c in pallet["children"]] == [
        ("PACK-48-105/HP1", "QUARANTINE", "STORE-RM"),
        ("PACK-48-105/HP2", "QUARANTINE", "STORE-RM"),
    ]
    assert [event["kind"] for event in payload["genealogyEvents"]] == ["RETURN"]
    found = await api.ask(FORWARD, by=Role.VIEWER, i={"material": "RM-PVDF", "lot": "P-1"})
    assert found["trace"]["totals"]["shippedCount"] == 0


async def test_one_that_comes_without_its_pallet_is_taken_out_of_it(api: Api) -> None:
    await shipped(api)
    payload = await back(api, PACKS[0])
    assert payload["items"][0]["parent"] is None
    assert [event["kind"] for event in payload["genealogyEvents"]] == ["UNPACK", "RETURN"]
    found = await api.ask(FORWARD, by=Role.VIEWER, i={"material": "RM-PVDF", "lot": "P-1"})
    assert found["trace"]["totals"]["shippedCount"] == 2  # the pallet and the other pack
    trace = "query($i: ItemKey!) { trace(item: $i, direction: BACKWARD, maxDepth: 1) { nodes { item { key } } } }"
    inside = await api.ask(trace, by=Role.VIEWER, i={"sscc": SSCC})
    assert [n["item"]["key"] for n in inside["trace"]["nodes"]] == [SSCC, "PACK-48-105/HP2"]


async def test_it_can_be_released_and_leave_again(api: Api) -> None:
    await shipped(api)
    await back(api, PACKS[0])
    await api.do("releaseLot", "", by=Role.QA, item=PACKS[0])
    await api.do("shipItems", "", by=Role.OPERATOR, items=PACKS[:1])
    assert (await back(api, PACKS[0]))["items"][0]["status"] == "QUARANTINE"


async def test_only_what_left_comes_back_to_a_store_of_its_site_and_not_before(api: Api) -> None:
    await shipped(api)
    wanted: dict[str, Any] = {"items": [{"sscc": SSCC}], "location": "HV1/STORE-RM"}
    for change, code, place in (
        ({"location": "HV1/COAT01"}, "VALIDATION_FAILED", "location"),
        ({"location": "HV2/STORE-FG"}, "VALIDATION_FAILED", "location"),
        ({"items": [{"material": "RM-PVDF", "lot": "P-1"}]}, "INVALID_TRANSITION", "items"),
        ({"items": [PACKS[0], PACKS[0]]}, "VALIDATION_FAILED", "items"),
        ({"items": []}, "VALIDATION_FAILED", "items"),
        ({"eventTime": (START - timedelta(hours=1)).isoformat()}, "TIME_ORDER_INVALID", "eventTime"),
    ):
        errors = await api.refused("returnItems", by=Role.OPERATOR, **wanted | change)
        assert (code, place) in {(e["code"], e["path"][1]) for e in errors}, change


async def test_it_is_reversed_from_the_leaves(api: Api) -> None:
    shipment = await shipped(api)
    event = (await back(api, {"sscc": SSCC}))["genealogyEvents"][0]["id"]
    (error,) = await api.refused("reverseEvent", by=Role.OPERATOR, event=shipment, **WHY)
    assert error["code"] == "DOWNSTREAM_DEPENDENCY"
    for fact, expected in ((event, "SHIPPED"), (shipment, "AVAILABLE")):
        await api.do("reverseEvent", "", by=Role.OPERATOR, event=fact, **WHY)
        document = "query($k: ItemKey!) { item(key: $k) { status location { code } children { status } } }"
        item = (await api.ask(document, by=Role.VIEWER, k={"sscc": SSCC}))["item"]
        assert item == {"status": expected, "location": {"code": "STORE-WIP"}, "children": [{"status": expected}] * 2}
