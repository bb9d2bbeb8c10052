"""What becomes of rejected items; rework makes a revision, never an edge back."""

from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders.models import RequestState
from tests.api import Api
from tests.factories.execution import MIX, Line, Step, make_order, make_plant, start, stock
from tests.factories.genealogy import receive
from tests.factories.materials import make_item
from tests.factories.orders import put_request

WHY = {"reason": {"code": "WELD_0_11_MOHM"}}
CELL = {"material": "CELL-105", "serial": "HC1"}
LOT = {"material": "RM-PVDF", "lot": "P-1"}
FIELDS = (
    "item { key status grade } reworked { key status itemRevision quantity { value } children { key } } "
    "genealogyEvent { id kind inputs { item { key } } outputs { item { key } } } ledgerEvents { type payload }"
)


async def rejected(api: Api) -> None:
    """A cell and a lot that failed, in a plant whose order 10045 may rework them."""
    await make_plant(api)
    await make_order(api, MIX)
    await make_item(api, "CELL-105", "HC1", location="HV1/STORE-WIP")
    await receive(api, "RM-PVDF", "P-1", "25")
    for item in (CELL, LOT):
        await api.do("rejectLot", "", by=Role.QA, item=item, **WHY)


async def decide(api: Api, item: dict[str, str], decision: str, **more: Any) -> dict[str, Any]:
    return await api.do("dispositionItem", FIELDS, by=Role.QA, item=item, decision=decision, **WHY, **more)


async def test_use_as_is_and_regrade_make_it_available(api: Api) -> None:
    await rejected(api)
    used = await decide(api, LOT, "USE_AS_IS")
    assert (used["item"]["status"], used["genealogyEvent"], used["reworked"]) == ("AVAILABLE", None, None)
    (event,) = used["ledgerEvents"]
    assert event["type"] == "DISPOSITION_DECIDED"
    assert {event["payload"][name] for name in ("decision", "fromLifecycle", "toLifecycle")} == {
        "USE_AS_IS",
        "REJECTED",
        "AVAILABLE",
    }
    graded = await decide(api, CELL, "REGRADE", grade="B")
    assert graded["item"] == {"key": "CELL-105/HC1", "status": "AVAILABLE", "grade": "B"}


async def test_rework_of_a_unit_is_its_next_revision(api: Api) -> None:
    await rejected(api)
    payload = await decide(api, CELL, "REWORK", request="HV1/10045")
    assert payload["item"]["status"] == "CONSUMED"
    assert payload["reworked"] == {
        "key": "CELL-105/HC1#1",
        "status": "IN_PROCESS",
        "itemRevision": 1,
        "quantity": {"value": "1"},
        "children": [],
    }
    assert payload["genealogyEvent"]["kind"] == "REWORK"
    assert [event["type"] for event in payload["ledgerEvents"]] == ["ITEM_REWORKED", "DISPOSITION_DECIDED"]
    assert (await stock(api, **CELL))["lifecycle"] == "IN_PROCESS"  # the key names the latest revision
    trace = "query($i: ItemKey!) { trace(item: $i, direction: BACKWARD) { nodes { item { key } } } }"
    found = await api.ask(trace, by=Role.VIEWER, i=CELL)
    assert [n["item"]["key"] for n in found["trace"]["nodes"]] == ["CELL-105/HC1#1", "CELL-105/HC1"]
    await api.do("rejectLot", "", by=Role.QA, item=CELL, **WHY)
    again = await decide(api, CELL, "REWORK")  # in its own order
    assert again["reworked"]["key"] == "CELL-105/HC1#2"


async def test_rework_of_a_lot_is_a_new_sublot(api: Api) -> None:
    await rejected(api)
    payload = await decide(api, LOT, "REWORK", request="HV1/10045")
    assert payload["reworked"]["key"] == "RM-PVDF/P-1/001"
    assert payload["reworked"]["quantity"] == {"value": "25"}
    assert payload["item"]["status"] == "CONSUMED"


async def test_holds_follow_into_the_rework(api: Api) -> None:
    await rejected(api)
    await api.do("placeHold", "", by=Role.QUALITY, items=[CELL], severity="MINOR", reason={"code": "DOUBT"})
    assert (await decide(api, CELL, "REWORK", request="HV1/10045"))["reworked"]["status"] == "ON_HOLD"


async def test_what_is_installed_in_a_unit_stays_in_its_next_revision(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, Step(10, "MOD-8S", [Line("CELL-105", per="1")]))
    await make_item(api, "CELL-105", "HC1", location="HV1/STORE-WIP")
    await api.do(
        "assembleUnit",
        "",
        by=operator,
        jobResponse=await start(api, order, 10, operator),
        material="MOD-8S",
        serialNumber="HM1",
        components=[{"item": CELL, "slot": "C1"}],
    )
    module = {"material": "MOD-8S", "serial": "HM1"}
    await api.do("rejectLot", "", by=Role.QA, item=module, **WHY)
    payload = await decide(api, module, "REWORK")
    assert payload["reworked"]["children"] == [{"key": "CELL-105/HC1"}]
    event = payload["genealogyEvent"]["id"]
    taken = await api.do("disassembleUnit", "genealogyEvent { id }", by=operator, unit=module)
    (error,) = await api.refused("reverseEvent", by=operator, event=event, **WHY)
    assert error["code"] == "DOWNSTREAM_DEPENDENCY"
    for fact in (taken["genealogyEvent"]["id"], event):
        await api.do("reverseEvent", "", by=operator, event=fact, **WHY)
    unit = await stock(api, **module)
    assert (unit["lifecycle"], unit["children"]) == ("REJECTED", [{"key": "CELL-105/HC1", "slot": "C1"}])
    assert (await decide(api, module, "REWORK"))["reworked"]["key"] == "MOD-8S/HM1#2"  # no number is given twice
    assert (await stock(api, **module))["lifecycle"] == "IN_PROCESS"


async def test_scrap_and_return_to_the_supplier_end_it(api: Api) -> None:
    await rejected(api)
    scrapped = await decide(api, CELL, "SCRAP")
    assert (scrapped["item"]["status"], scrapped["genealogyEvent"]["kind"]) == ("SCRAPPED", "SCRAP")
    errors = await api.refused("dispositionItem", by=Role.QA, item=LOT, decision="RETURN_TO_SUPPLIER", **WHY)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "item"])]

    def deliver(session: Session) -> None:
        session.scalars(select(Item).where(Item.key == "RM-PVDF/P-1")).one().supplier_id = 1

    await api.plant.database.write(deliver)
    returned = await decide(api, LOT, "RETURN_TO_SUPPLIER")
    assert (returned["item"]["status"], returned["genealogyEvent"]["kind"]) == ("RETURNED", "SHIP")
    event = returned["genealogyEvent"]["id"]
    await api.do("reverseEvent", "", by=Role.OPERATOR, event=event, **WHY)
    assert (await stock(api, **LOT))["lifecycle"] == Lifecycle.REJECTED


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"decision": "REGRADE"}, [("VALIDATION_FAILED", "grade")]),
        ({"decision": "USE_AS_IS", "grade": "B"}, [("VALIDATION_FAILED", "grade")]),
        ({"decision": "REGRADE", "grade": "a b"}, [("VALIDATION_FAILED", "grade")]),
        ({"decision": "REWORK"}, [("VALIDATION_FAILED", "request")]),
        ({"decision": "REWORK", "request": "HV1/NONE"}, [("NOT_FOUND", "request")]),
        ({"decision": "SCRAP", "request": "HV1/10045"}, [("VALIDATION_FAILED", "request")]),
        ({"decision": "SCRAP", "reason": None}, [("REASON_REQUIRED", "reason")]),
        ({"decision": "SCRAP", "expectedVersion": 99}, [("VERSION_CONFLICT", "expectedVersion")]),
    ],
)
async def test_a_decision_names_what_it_needs_and_nothing_else(
    api: Api, more: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    await rejected(api)
    errors = await api.refused("dispositionItem", by=Role.QA, item=CELL, **WHY | more)
    assert [(e["code"], e["path"][1]) for e in errors] == expected


@pytest.mark.parametrize("decision", ["USE_AS_IS", "REGRADE", "SCRAP", "RETURN_TO_SUPPLIER"])
async def test_nothing_is_decided_about_what_is_not_rejected(api: Api, decision: str) -> None:
    await make_plant(api)
    await make_item(api, "CELL-105", "HC1", location="HV1/STORE-WIP")
    errors = await api.refused("dispositionItem", by=Role.QA, item=CELL, decision=decision, **WHY)
    (wrong,) = [error for error in errors if error["code"] == "INVALID_TRANSITION"]
    assert wrong["path"] == ["input", "item"]
    assert wrong["message"].endswith("it is decided about what is REJECTED; reject it first")


async def test_an_order_that_ended_reworks_nothing(api: Api) -> None:
    await rejected(api)
    await put_request(api, "HV1/10045", RequestState.COMPLETED)
    wanted = {"item": CELL, "decision": "REWORK", "request": "HV1/10045", **WHY}
    (error,) = await api.refused("dispositionItem", by=Role.QA, **wanted)
    assert (error["code"], error["path"]) == ("INVALID_TRANSITION", ["input", "request"])
    await put_request(api, "HV1/10045", RequestState.RUNNING)
    await decide(api, CELL, "REWORK", request="HV1/10045")
    await api.do("rejectLot", "", by=Role.QA, item=CELL, **WHY)
    await put_request(api, "HV1/10045", RequestState.CLOSED)
    (error,) = await api.refused("dispositionItem", by=Role.QA, item=CELL, decision="REWORK", **WHY)
    assert (error["code"], error["path"]) == ("INVALID_TRANSITION", ["input", "request"]), "its own order has ended"


async def test_an_order_is_not_closed_while_items_are_in_process_in_it(api: Api) -> None:
    await rejected(api)
    await decide(api, CELL, "REWORK", request="HV1/10045")
    await put_request(api, "HV1/10045", RequestState.COMPLETED)
    (error,) = await api.refused("closeOperationsRequest", by=Role.PLANNER, operationsRequest="HV1/10045")
    assert (error["code"], error["path"]) == ("INVALID_TRANSITION", ["input", "operationsRequest"])
    assert "CELL-105/HC1#1 is still IN_PROCESS" in error["message"]
    await api.do("scrapItem", "", by=Role.QA, item=CELL, **WHY)
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, operationsRequest="HV1/10045")
