"""Items that nobody delivered and no order made."""

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import act, item
from tests.factories.materials import make_halvard

FOUND = {"material": "RM-PVDF", "lotNumber": "P-OLD", "quantity": {"value": "3", "uom": "KGM"}}
WHY = {"reason": {"code": "FOUND_AT_INVENTORY"}}


async def test_found_items_become_known_with_the_reason(api: Api) -> None:
    await make_halvard(api)
    payload = await api.do(
        "commissionItems",
        "items { key status } genealogyEvents { kind reasonCode inputs { quantity { value } } } ledgerEvents { type }",
        by=Role.OPERATOR,
        site="HV1",
        lines=[FOUND, {"material": "BMS", "serialNumbers": ["B1", "B2"]}],
        **WHY,
    )
    assert [(i["key"], i["status"]) for i in payload["items"]] == [
        ("RM-PVDF/P-OLD", "AVAILABLE"),
        ("BMS/B1", "AVAILABLE"),
        ("BMS/B2", "AVAILABLE"),
    ]
    event = {"kind": "COMMISSION", "reasonCode": "FOUND_AT_INVENTORY", "inputs": []}
    assert payload["genealogyEvents"] == [event, event]
    assert [e["type"] for e in payload["ledgerEvents"]] == ["ITEMS_COMMISSIONED"] * 2


async def test_it_needs_a_reason_and_what_a_receipt_needs(api: Api) -> None:
    await make_halvard(api)
    (error,) = await api.refused("commissionItems", by=Role.OPERATOR, site="HV1", lines=[FOUND])
    assert error["code"] == "REASON_REQUIRED"
    errors = await api.refused("commissionItems", by=Role.OPERATOR, site="HV1", lines=[FOUND, FOUND], **WHY)
    assert [(e["code"], e["path"]) for e in errors] == [
        ("DUPLICATE_KEY", ["input", "lines", "1", "lotNumber"]),
    ]


async def test_it_is_reversed_while_nothing_stands_on_it(api: Api) -> None:
    await make_halvard(api)
    wanted = {"site": "HV1", "lines": [FOUND], **WHY}
    payload = await api.do("commissionItems", "genealogyEvents { id }", by=Role.OPERATOR, **wanted)
    event = payload["genealogyEvents"][0]["id"]
    moved = await api.do(
        "moveMaterial",
        "genealogyEvent { id }",
        by=Role.OPERATOR,
        items=[{"material": "RM-PVDF", "lot": "P-OLD"}],
        location="HV1/STORE-WIP",
    )
    (error,) = await api.refused("reverseEvent", by=Role.OPERATOR, event=event, **WHY)
    assert error["code"] == "DOWNSTREAM_DEPENDENCY"
    for fact in (moved["genealogyEvent"]["id"], event):
        await api.do("reverseEvent", "", by=Role.OPERATOR, event=fact, **WHY)
    void = await act(api, lambda work: item(work, "RM-PVDF/P-OLD"))
    assert (void.lifecycle, void.quantity) == ("PLANNED", 0)
