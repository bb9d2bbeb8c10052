"""Receipt of lots from suppliers."""

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.materials import make_halvard

KG = {"value": "25", "uom": "KGM"}


async def test_lots_wait_in_quarantine_where_their_material_says_so(api: Api) -> None:
    await make_halvard(api)
    payload = await api.do(
        "receiveItems",
        "items { key status quantity { value uom } supplier { code } supplierLot location { code } expiresAt } "
        "genealogyEvents { kind outputs { item { key } quantity { value } } inputs { item { key } } } "
        "ledgerEvents { type }",
        by=Role.OPERATOR,
        site="HV1",
        lines=[
            {
                "material": "RM-LFP",
                "lotNumber": "LFP-1",
                "quantity": {"value": "500000", "uom": "GRM"},
                "supplier": "FERROVIA",
                "supplierLot": "F/77",
                "location": "HV1/STORE-RM",
            },
            {"material": "RM-ELY", "lotNumber": "ELY-1", "quantity": KG, "expiresAt": "2026-03-01T00:00:00Z"},
        ],
    )
    first, second = payload["items"]
    assert first == {
        "key": "RM-LFP/LFP-1",
        "status": "QUARANTINE",
        "quantity": {"value": "500", "uom": "KGM"},
        "supplier": {"code": "FERROVIA"},
        "supplierLot": "F/77",
        "location": {"code": "STORE-RM"},
        "expiresAt": None,
    }
    assert (second["status"], second["expiresAt"]) == ("AVAILABLE", "2026-03-01T00:00:00Z")
    assert payload["genealogyEvents"][0] == {
        "kind": "RECEIVE",
        "outputs": [{"item": {"key": "RM-LFP/LFP-1"}, "quantity": {"value": "500"}}],
        "inputs": [],
    }
    assert [event["type"] for event in payload["ledgerEvents"]] == ["MATERIAL_RECEIVED"] * 2


async def test_one_wrong_line_refuses_all_and_every_mistake_is_named(api: Api) -> None:
    await make_halvard(api)
    line = {"material": "RM-PVDF", "lotNumber": "P-1", "quantity": KG}
    errors = await api.refused(
        "receiveItems",
        by=Role.ERP,
        site="HV1",
        lines=[
            line,
            line,
            line | {"lotNumber": "P 2", "location": "HV1/COAT01"},
            line | {"lotNumber": "P-3", "location": "HV2/STORE-FG", "expiresAt": "2026-01-01T00:00:00Z"},
            line | {"material": "CELL-105", "lotNumber": "C", "quantity": {"value": "1", "uom": "C62"}},
        ],
    )
    assert [(e["code"], e["path"][1:]) for e in errors] == [
        ("DUPLICATE_KEY", ["lines", "1", "lotNumber"]),
        ("VALIDATION_FAILED", ["lines", "2", "location"]),
        ("VALIDATION_FAILED", ["lines", "2", "lotNumber"]),
        ("LOT_EXPIRED", ["lines", "3", "expiresAt"]),
        ("VALIDATION_FAILED", ["lines", "3", "location"]),
        ("VALIDATION_FAILED", ["lines", "4", "lotNumber"]),
    ]


async def test_quantities_must_be_positive_and_in_a_known_unit(api: Api) -> None:
    await make_halvard(api)
    line = {"material": "RM-PVDF", "lotNumber": "P-1"}
    errors = await api.refused(
        "receiveItems",
        by=Role.ERP,
        site="HV1",
        lines=[
            line | {"quantity": {"value": "0", "uom": "KGM"}},
            line | {"quantity": {"value": "1", "uom": "MTR"}},
            line | {"material": "NONE", "quantity": KG},
        ],
    )
    assert [e["code"] for e in errors] == ["VALIDATION_FAILED", "UOM_MISMATCH", "NOT_FOUND"]


async def test_serial_units_come_in_as_one_activity(api: Api) -> None:
    await make_halvard(api)
    payload = await api.do(
        "receiveItems",
        "items { __typename key quantity { value } supplierLot } genealogyEvents { outputs { item { key } } } "
        "ledgerEvents { type subjects { kind counter } }",
        by=Role.ERP,
        site="HV1",
        lines=[
            {"material": "BMS", "serialNumbers": ["B1", "B2", "B3"], "supplierLot": "S/1", "location": "HV1/STORE-RM"},
            {"material": "RM-PVDF", "lotNumber": "P-1", "quantity": KG},
        ],
    )
    assert [item["key"] for item in payload["items"]] == ["BMS/B1", "BMS/B2", "BMS/B3", "RM-PVDF/P-1"]
    assert payload["items"][0] == {
        "__typename": "SerialUnit",
        "key": "BMS/B1",
        "quantity": {"value": "1"},
        "supplierLot": "S/1",
    }
    units, lot = payload["genealogyEvents"]
    assert [line["item"]["key"] for line in units["outputs"]] == ["BMS/B1", "BMS/B2", "BMS/B3"]
    assert [line["item"]["key"] for line in lot["outputs"]] == ["RM-PVDF/P-1"]
    assert [event["type"] for event in payload["ledgerEvents"]] == ["MATERIAL_RECEIVED"] * 2
    assert payload["ledgerEvents"][0]["subjects"] == [{"kind": "SerialUnit", "counter": 1}] * 3


async def test_a_line_is_a_lot_or_units_and_no_number_comes_twice(api: Api) -> None:
    await make_halvard(api)
    await api.do("receiveItems", "", by=Role.ERP, site="HV1", lines=[{"material": "BMS", "serialNumbers": ["B0"]}])
    errors = await api.refused(
        "receiveItems",
        by=Role.ERP,
        site="HV1",
        lines=[
            {"material": "BMS", "serialNumbers": ["B1", "B0", "B 2", "B1"]},
            {"material": "BMS", "serialNumbers": ["B1"], "supplierLot": "a b"},
            {"material": "BMS", "serialNumbers": ["B5"], "lotNumber": "L"},
            {"material": "RM-PVDF"},
            {"material": "RM-PVDF", "lotNumber": "P-1"},
            {"material": "BMS", "serialNumbers": ["B6"], "quantity": {"value": "2", "uom": "C62"}},
        ],
    )
    found = [(e["code"], e["path"][2:]) for e in errors]
    assert found[:3] == [
        ("SERIAL_NOT_UNIQUE", ["0", "serialNumbers", "1"]),
        ("VALIDATION_FAILED", ["0", "serialNumbers", "2"]),
        ("SERIAL_NOT_UNIQUE", ["0", "serialNumbers", "3"]),
    ]
    assert found[3:5] == [
        ("VALIDATION_FAILED", ["1", "supplierLot"]),
        ("SERIAL_NOT_UNIQUE", ["1", "serialNumbers", "0"]),
    ]
    assert ("VALIDATION_FAILED", ["2", "lotNumber"]) in found
    assert ("VALIDATION_FAILED", ["3", "lotNumber"]) in found
    assert ("VALIDATION_FAILED", ["4", "quantity"]) in found
    assert ("VALIDATION_FAILED", ["5", "quantity"]) in found


async def test_a_receipt_has_a_size(api: Api) -> None:
    await make_halvard(api)
    for numbers in ([], [f"B{n}" for n in range(5_001)]):
        lines = [{"material": "BMS", "serialNumbers": numbers}] if numbers else []
        (error,) = await api.refused("receiveItems", by=Role.ERP, site="HV1", lines=lines)
        assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "lines"])


async def test_a_line_of_units_is_reversed_alone(api: Api) -> None:
    await make_halvard(api)
    payload = await api.do(
        "receiveItems",
        "genealogyEvents { id }",
        by=Role.ERP,
        site="HV1",
        lines=[{"material": "BMS", "serialNumbers": ["B1", "B2"]}, {"material": "BMS", "serialNumbers": ["B3"]}],
    )
    event = payload["genealogyEvents"][0]["id"]
    await api.do("reverseEvent", "", by=Role.OPERATOR, event=event, reason={"code": "WRONG_DELIVERY"})
    document = "query($key: ItemKey!) { item(key: $key) { lifecycle } }"
    for number, lifecycle in (("B1", "PLANNED"), ("B2", "PLANNED"), ("B3", "AVAILABLE")):
        found = await api.ask(document, by=Role.VIEWER, key={"material": "BMS", "serial": number})
        assert found["item"]["lifecycle"] == lifecycle
