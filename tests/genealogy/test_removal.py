"""Samples, scrap and counts."""

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import receive
from tests.factories.materials import SSCC, make_halvard, make_item

KEY = {"material": "RM-PVDF", "lot": "P-1"}
WHY = {"code": "SPILLED"}


def kg(value: str) -> dict[str, str]:
    return {"value": value, "uom": "KGM"}


async def binder(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")


async def test_a_sample_leaves_the_lot(api: Api) -> None:
    await binder(api)
    payload = await api.do("takeSample", "item { quantity { value } }", by=Role.OPERATOR, item=KEY, quantity=kg("0.25"))
    assert payload["item"] == {"quantity": {"value": "24.75"}}
    errors = await api.refused("takeSample", by=Role.QUALITY, item=KEY, quantity=kg("24.750001"))
    assert [(e["code"], e["__typename"]) for e in errors] == [("INSUFFICIENT_QUANTITY", "QuantityError")]


async def test_a_part_or_the_whole_is_scrapped_with_a_reason(api: Api) -> None:
    await binder(api)
    fields = "item { status quantity { value } } genealogyEvent { reasonCode }"
    payload = await api.do("scrapItem", fields, by=Role.SUPERVISOR, item=KEY, quantity=kg("5"), reason=WHY)
    assert payload["item"] == {"status": "AVAILABLE", "quantity": {"value": "20"}}
    assert payload["genealogyEvent"] == {"reasonCode": "SPILLED"}
    payload = await api.do("scrapItem", fields, by=Role.QA, item=KEY, reason=WHY)
    assert payload["item"] == {"status": "SCRAPPED", "quantity": {"value": "0"}}
    errors = await api.refused("scrapItem", by=Role.QA, item=KEY)
    assert [e["code"] for e in errors] == ["REASON_REQUIRED", "INVALID_TRANSITION"]


async def test_an_operator_may_not_scrap(api: Api) -> None:
    await binder(api)
    document = "mutation($i: ScrapItemInput!) { scrapItem(input: $i) { userErrors { code } } }"
    error = await api.error(document, by=Role.OPERATOR, i={"item": KEY, "reason": WHY})
    assert error["code"] == "FORBIDDEN"


async def test_a_piece_is_scrapped_as_a_whole(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "CELL-105", "HC1")
    key = {"material": "CELL-105", "serial": "HC1"}
    half = {"value": "0.5", "uom": "C62"}
    errors = await api.refused("scrapItem", by=Role.QA, item=key, quantity=half, reason=WHY)
    assert [e["path"][1:] for e in errors] == [["quantity"]]
    payload = await api.do("scrapItem", "item { status }", by=Role.QA, item=key, reason=WHY)
    assert payload["item"] == {"status": "SCRAPPED"}


async def test_a_unit_that_is_not_empty_is_not_scrapped(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "CELL-105", "HC1")
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=[{"id": "CELL-105/HC1"}])
    errors = await api.refused("scrapItem", by=Role.QA, item={"sscc": SSCC}, reason=WHY)
    assert [e["code"] for e in errors] == ["VALIDATION_FAILED"]


@pytest.mark.parametrize(
    ("counted", "initial", "sides"), [("20", "25", [1, 0]), ("25.5", "25.5", [0, 1]), ("0", "25", [1, 0])]
)
async def test_a_count_sets_what_is_on_hand(api: Api, counted: str, initial: str, sides: list[int]) -> None:
    await binder(api)
    payload = await api.do(
        "adjustLot",
        "item { quantity { value } initialQuantity { value } } genealogyEvent { inputs { slot } outputs { slot } }",
        by=Role.SUPERVISOR,
        item=KEY,
        counted=kg(counted),
        reason=WHY,
    )
    assert payload["item"] == {"quantity": {"value": counted}, "initialQuantity": {"value": initial}}
    assert [len(payload["genealogyEvent"][side]) for side in ("inputs", "outputs")] == sides


async def test_a_count_needs_a_reason_and_a_difference(api: Api) -> None:
    await binder(api)
    errors = await api.refused("adjustLot", by=Role.SUPERVISOR, item=KEY, counted=kg("25"))
    assert [(e["code"], e["path"][1:]) for e in errors] == [
        ("REASON_REQUIRED", ["reason"]),
        ("VALIDATION_FAILED", ["counted"]),
    ]
