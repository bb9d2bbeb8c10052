"""Dividing lots (I1) and making one of several (I2)."""

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import receive
from tests.factories.materials import make_halvard, make_item

KEY = {"material": "RM-PVDF", "lot": "P-1"}


def kg(value: str) -> dict[str, str]:
    return {"value": value, "uom": "KGM"}


async def binder(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")


async def hold(api: Api, key: str) -> None:
    await api.do("placeHold", "", by=Role.QUALITY, items=[{"id": key}], severity="MINOR", reason={"code": "TEST"})


async def test_children_inherit_what_the_lot_has_and_the_loss_is_scrapped(api: Api) -> None:
    await binder(api)
    await hold(api, "RM-PVDF/P-1")
    payload = await api.do(
        "splitLot",
        "item { quantity { value } initialQuantity { value } status } "
        "children { key quantity { value } status location { code } lot { key } holds { number } } "
        "genealogyEvent { kind } ledgerEvents { type }",
        by=Role.OPERATOR,
        item=KEY,
        children=[{"quantity": kg("10"), "number": "A"}, {"quantity": {"value": "500", "uom": "GRM"}}],
        loss=kg("0.1"),
    )
    assert payload["item"] == {
        "quantity": {"value": "14.4"},
        "initialQuantity": {"value": "25"},
        "status": "ON_HOLD",
    }
    assert [(c["key"], c["quantity"]["value"]) for c in payload["children"]] == [
        ("RM-PVDF/P-1/A", "10"),
        ("RM-PVDF/P-1/001", "0.5"),
    ]
    for child in payload["children"]:
        assert (child["status"], child["location"], child["lot"]) == (
            "ON_HOLD",
            {"code": "STORE-RM"},
            {"key": "RM-PVDF/P-1"},
        )
        assert len(child["holds"]) == 1
    assert [e["type"] for e in payload["ledgerEvents"]] == ["ITEMS_SCRAPPED", "LOT_SPLIT"]


async def test_a_sublot_is_split_into_sublots_of_its_lot(api: Api) -> None:
    await binder(api)
    await api.do("splitLot", "", by=Role.OPERATOR, item=KEY, parts=2, quantity=kg("10"))
    payload = await api.do(
        "splitLot", "children { key }", by=Role.OPERATOR, item=KEY | {"sublot": "001"}, children=[{"quantity": kg("1")}]
    )
    assert payload["children"] == [{"key": "RM-PVDF/P-1/003"}]


@pytest.mark.parametrize(
    ("asked", "code", "path"),
    [
        ({"children": [{"quantity": kg("20")}], "loss": kg("5.000001")}, "INSUFFICIENT_QUANTITY", ["item"]),
        ({"children": [{"quantity": kg("10")}], "quantity": kg("11")}, "QUANTITY_NOT_CONSERVED", ["quantity"]),
        ({"children": []}, "VALIDATION_FAILED", ["children"]),
        ({"children": [{"quantity": kg("1")}], "parts": 2}, "VALIDATION_FAILED", ["children"]),
        ({"parts": 0}, "VALIDATION_FAILED", ["parts"]),
        ({"parts": 2, "quantity": kg("0.000001")}, "VALIDATION_FAILED", ["parts"]),
        (
            {"children": [{"quantity": kg("1"), "number": "A"}, {"quantity": kg("1"), "number": "A"}]},
            "DUPLICATE_KEY",
            ["children", "1", "number"],
        ),
    ],
)
async def test_what_cannot_be_split(api: Api, asked: dict[str, object], code: str, path: list[str]) -> None:
    await binder(api)
    errors = await api.refused("splitLot", by=Role.OPERATOR, item=KEY, **asked)
    assert [(e["code"], e["path"][1:]) for e in errors] == [(code, path)]


@pytest.mark.parametrize("first", ["lot", "sublot"])
async def test_a_lot_and_a_sublot_are_never_called_the_same(api: Api, first: str) -> None:
    await binder(api)
    split = {"item": KEY, "children": [{"quantity": kg("1"), "number": "A"}]}
    line = {"material": "RM-PVDF", "lotNumber": "P-1/A", "quantity": kg("1"), "location": "HV1/STORE-RM"}
    received = {"site": "HV1", "lines": [line]}
    if first == "lot":
        await api.do("receiveItems", "", by=Role.OPERATOR, **received)
        errors = await api.refused("splitLot", by=Role.OPERATOR, **split)
    else:
        await api.do("splitLot", "", by=Role.OPERATOR, **split)
        errors = await api.refused("receiveItems", by=Role.OPERATOR, **received)
    assert [error["code"] for error in errors] == ["DUPLICATE_KEY"]


async def test_a_piece_is_not_split(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "CELL-105", "HC1")
    errors = await api.refused("splitLot", by=Role.OPERATOR, item={"material": "CELL-105", "serial": "HC1"}, parts=1)
    assert [e["code"] for e in errors] == ["VALIDATION_FAILED"]


async def test_a_stale_version_is_refused(api: Api) -> None:
    await binder(api)
    await api.do("splitLot", "", by=Role.OPERATOR, item=KEY, parts=1, quantity=kg("1"), expectedVersion=1)
    errors = await api.refused("splitLot", by=Role.OPERATOR, item=KEY, parts=1, quantity=kg("1"), expectedVersion=1)
    assert [e["code"] for e in errors] == ["VERSION_CONFLICT"]


async def test_a_merged_lot_has_all_and_expires_with_the_first(api: Api) -> None:
    await make_halvard(api)
    for number, expiry in (("E-1", "2026-03-01T00:00:00Z"), ("E-2", "2026-02-20T00:00:00Z")):
        line = {"material": "RM-ELY", "lotNumber": number, "quantity": kg("10.5"), "expiresAt": expiry}
        await api.do("receiveItems", "", by=Role.OPERATOR, site="HV1", lines=[line])
    keys = [{"material": "RM-ELY", "lot": number} for number in ("E-1", "E-2")]
    payload = await api.do(
        "mergeLots",
        "item { key status quantity { value } expiresAt } "
        "genealogyEvent { kind inputs { item { key status } quantity { value } } }",
        by=Role.OPERATOR,
        items=keys,
        lotNumber="E-3",
    )
    assert payload["item"] == {
        "key": "RM-ELY/E-3",
        "status": "AVAILABLE",
        "quantity": {"value": "21"},
        "expiresAt": "2026-02-20T00:00:00Z",
    }
    assert payload["genealogyEvent"]["inputs"] == [
        {"item": {"key": f"RM-ELY/E-{n}", "status": "CONSUMED"}, "quantity": {"value": "10.5"}} for n in (1, 2)
    ]


async def test_lots_that_differ_or_are_not_usable_are_not_merged(api: Api) -> None:
    await binder(api)
    await make_item(api, "RM-CB", "C-1", "5")
    await make_item(api, "CELL-105", "HC1")
    await receive(api, "RM-PVDF", "P-2", "1")
    await hold(api, "RM-PVDF/P-2")
    items = [KEY, {"id": "RM-CB/C-1"}, {"id": "CELL-105/HC1"}, KEY | {"lot": "P-2"}, KEY]
    errors = await api.refused("mergeLots", by=Role.OPERATOR, items=items, lotNumber="P-3")
    assert [(e["code"], e["path"][2]) for e in errors] == [
        ("VALIDATION_FAILED", "4"),
        ("MERGE_INCOMPATIBLE", "1"),
        ("MERGE_INCOMPATIBLE", "2"),
        ("MERGE_INCOMPATIBLE", "3"),
        ("LOT_ON_HOLD", "3"),
    ]
    assert [e["code"] for e in await api.refused("mergeLots", by=Role.OPERATOR, items=[KEY], lotNumber="P-3")] == [
        "VALIDATION_FAILED"
    ]
