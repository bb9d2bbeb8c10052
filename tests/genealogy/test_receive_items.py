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
