"""What was recorded wrongly is taken back by a new fact, from the leaves upwards."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    STACK,
    Line,
    Order,
    Step,
    amount,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    stock,
    units,
)
from tests.factories.materials import make_item

WRONG = {"code": "WRONG_SCAN"}
ANSWER = (
    "genealogyEvent { kind reverses { id } } materialActuals { quantity { value } reverses { id } } "
    "items { key } ledgerEvents { type }"
)


async def mixing(api: Api, *more: Step) -> tuple[Actor, Order, str]:
    operator = await make_plant(api)
    order = await make_order(api, MIX, *more)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    return operator, order, await start(api, order, 20, operator)


async def reverse(api: Api, event: str) -> dict[str, Any]:
    operator = await api.actor(Role.OPERATOR, site="HV1", subject="op-017")
    return await api.do("reverseEvent", ANSWER, by=operator, event=event, reason=WRONG)


async def refuse(api: Api, event: str, **more: Any) -> list[str]:
    operator = await api.actor(Role.OPERATOR, site="HV1", subject="op-017")
    return codes(await api.refused("reverseEvent", by=operator, event=event, **({"reason": WRONG} | more)))


async def pending(api: Api, run: str) -> dict[str, Any]:
    """The one actual of the run that is pending."""
    data = await api.ask(
        "query($job: ID!) { jobOrder(id: $job) { jobResponse { materialActuals { id pending { value } } } } }",
        by=Role.OPERATOR,
        job=run.removesuffix("-R1"),
    )
    (found,) = [a for a in data["jobOrder"]["jobResponse"]["materialActuals"] if a["pending"]["value"] != "0"]
    actual: dict[str, Any] = found
    return actual


async def test_a_pending_consumption_goes_back_to_the_state_the_lot_had(api: Api) -> None:
    operator, order, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "25", by=operator)
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["lifecycle"] == "CONSUMED"
    answer = await reverse(api, actual["eventId"])
    assert answer["materialActuals"] == [{"quantity": {"value": "25"}, "reverses": {"id": actual["id"]}}]
    assert [e["type"] for e in answer["ledgerEvents"]] == ["CONSUMPTION_REVERSED"]
    binder = await stock(api, "RM-PVDF", lot="PVDF-2219")
    assert (binder["lifecycle"], binder["quantity"]) == ("AVAILABLE", {"value": "25"})
    assert await refuse(api, actual["eventId"]) == ["RECORD_IMMUTABLE"]
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])


async def test_a_reversal_needs_a_reason_and_a_fact(api: Api) -> None:
    operator, _, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    assert await refuse(api, actual["id"], reason=None) == ["REASON_REQUIRED"]
    assert await refuse(api, "0190a0b0-0000-7000-8000-000000000000") == ["NOT_FOUND"]
    assert await refuse(api, "nonsense") == ["NOT_FOUND"]
    started = await api.do("pauseJobOrder", "ledgerEvents { eventId }", by=operator, jobOrder="HV1/10045-20")
    assert await refuse(api, started["ledgerEvents"][0]["eventId"]) == ["VALIDATION_FAILED"]


SUMS = (
    "query($job: ID!) { jobOrder(id: $job) { request { state goodQuantity { value } scrapQuantity { value } } "
    "jobResponse { goodQuantity { value } scrapQuantity { value } "
    "quantityActuals { id quantity { value } reverses { quality } } } } }"
)


async def test_a_report_is_taken_back_until_the_order_is_closed(api: Api) -> None:
    operator, order, run = await mixing(api)
    said = {"good": amount("200", "KGM"), "scrap": amount("2", "KGM"), "reason": {"code": "LUMPS"}}
    reported = await api.do("reportQuantity", "ledgerEvents { eventId }", by=operator, jobResponse=run, **said)
    event = reported["ledgerEvents"][0]["eventId"]
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    assert codes(await api.refused("reportQuantity", by=operator, jobResponse=run, good=amount("20", "KGM"))) == [
        "INVALID_TRANSITION"
    ]
    answer = await api.do(
        "reverseEvent",
        "quantityActuals { quality quantity { value } reasonCode reverses { reasonCode } } "
        "ledgerEvents { type reasonCode payload }",
        by=operator,
        event=event,
        reason=WRONG,
    )
    assert answer["quantityActuals"] == [
        {"quality": quality, "quantity": {"value": value}, "reasonCode": "WRONG_SCAN", "reverses": {"reasonCode": why}}
        for quality, value, why in [("GOOD", "200", None), ("SCRAP", "2", "LUMPS")]
    ]
    [told] = answer["ledgerEvents"]
    assert (told["type"], told["reasonCode"]) == ("QUANTITY_REPORT_REVERSED", "WRONG_SCAN")
    assert told["payload"]["reverses"] == event
    job = (await api.ask(SUMS, by=operator, job=order.jobs[20]))["jobOrder"]
    assert job["jobResponse"]["goodQuantity"] == job["jobResponse"]["scrapQuantity"] == {"value": "0"}
    assert job["request"] == {"state": "COMPLETED", "goodQuantity": {"value": "0"}, "scrapQuantity": {"value": "0"}}
    posted = [actual["id"] for actual in job["jobResponse"]["quantityActuals"]]
    for again in (event, posted[0], posted[2]):
        assert await refuse(api, again) == ["RECORD_IMMUTABLE"]
    right = await api.do(
        "reportQuantity", "ledgerEvents { eventId }", by=operator, jobResponse=run, good=amount("20", "KGM")
    )
    job = (await api.ask(SUMS, by=operator, job=order.jobs[20]))["jobOrder"]
    assert job["request"]["goodQuantity"] == {"value": "20"}
    await api.do("closeOperationsRequest", "", by=Role.ERP, operationsRequest=order.code)
    assert await refuse(api, right["ledgerEvents"][0]["eventId"]) == ["RECORD_IMMUTABLE"]
    assert codes(await api.refused("reportQuantity", by=operator, jobResponse=run, good=amount("1", "KGM"))) == [
        "INVALID_TRANSITION"
    ]


async def test_what_is_reported_is_there_when_the_order_is_closed(api: Api) -> None:
    operator, order, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    reported = await api.do(
        "reportQuantity", "ledgerEvents { eventId }", by=operator, jobResponse=run, good=amount("800", "KGM")
    )
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    await reverse(api, made["genealogyEvent"]["id"])
    [error] = await api.refused("closeOperationsRequest", by=Role.ERP, operationsRequest=order.code)
    assert error["code"] == "QUANTITY_NOT_CONSERVED"
    assert "reverseEvent" in error["message"]
    await api.do("reverseEvent", "", by=operator, event=reported["ledgerEvents"][0]["eventId"], reason=WRONG)
    await api.do("closeOperationsRequest", "", by=Role.ERP, operationsRequest=order.code)


async def test_what_remains_of_a_consumption_can_be_given_back(api: Api) -> None:
    operator, order, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "10", by=operator)
    source = {"materialActual": actual["id"], "quantity": amount("7.44", "KGM")}
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator, **{"from": [source]})
    answer = await reverse(api, actual["id"])
    assert answer["materialActuals"][0]["quantity"] == {"value": "2.56"}
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "17.56"}
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])


async def test_a_production_is_undone_and_its_material_pending_again(api: Api) -> None:
    operator, order, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    assert await refuse(api, actual["id"]) == ["DOWNSTREAM_DEPENDENCY"]
    answer = await reverse(api, made["genealogyEvent"]["id"])
    assert answer["genealogyEvent"] == {"kind": "TRANSFORM", "reverses": {"id": made["genealogyEvent"]["id"]}}
    assert {i["key"] for i in answer["items"]} == {"RM-PVDF/PVDF-2219", "SLURRY-C/SC-1"}
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["quantity"] == {"value": "0"}
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "17.56"}
    assert codes(await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20])) == ["QUANTITY_NOT_CONSERVED"]
    assert await refuse(api, made["genealogyEvent"]["id"]) == ["RECORD_IMMUTABLE"]
    await produce(api, run, lot("SLURRY-C", "SC-2", "800"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    trace = await api.ask(
        "query($item: ItemKey!) { trace(item: $item, direction: FORWARD) { nodes { item { key } } } }",
        by=operator,
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
    )
    assert [n["item"]["key"] for n in trace["trace"]["nodes"]] == ["RM-PVDF/PVDF-2219", "SLURRY-C/SC-2"]


async def test_every_event_of_a_production_names_it(api: Api) -> None:
    operator, _, run = await mixing(api)
    for number, kind in (("SC-1", "MATERIAL_TRANSFORMED"), ("SC-2", "MATERIAL_PRODUCED")):
        await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
        made = await produce(api, run, lot("SLURRY-C", number, "800"), by=operator)
        (event,) = [e for e in made["ledgerEvents"] if e["type"] == kind]
        answer = await reverse(api, event["eventId"])
        assert answer["genealogyEvent"]["reverses"] == {"id": made["genealogyEvent"]["id"]}
        await reverse(api, (await pending(api, run))["id"])


async def test_what_was_used_further_is_reversed_from_the_leaves(api: Api) -> None:
    operator, order, run = await mixing(api, COAT)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    slurry = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    coat = await start(api, order, 30, operator)
    taken = await consume(api, coat, "SLURRY-C", "SC-1", "399", by=operator)
    assert await refuse(api, slurry["genealogyEvent"]["id"]) == ["DOWNSTREAM_DEPENDENCY"]
    coil = await produce(api, coat, lot("COIL-C", "CC-1", "1148", "MTR"), by=operator)
    assert await refuse(api, slurry["genealogyEvent"]["id"]) == ["DOWNSTREAM_DEPENDENCY"]
    for event in (coil["genealogyEvent"]["id"], taken["id"], slurry["genealogyEvent"]["id"]):
        await reverse(api, event)
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["quantity"] == {"value": "0"}


async def test_after_the_end_of_the_run_material_goes_back_to_its_lot(api: Api) -> None:
    operator, order, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    answer = await reverse(api, made["genealogyEvent"]["id"])
    assert [a["quantity"]["value"] for a in answer["materialActuals"]] == ["800", "7.44"]
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "25"}


async def test_an_assembly_is_undone_and_its_parts_are_free(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, Step(10, "MOD-8S", [Line("CELL-105", per="2"), Line("RM-ELY", per="0.1")]))
    for n in range(2):
        await make_item(api, "CELL-105", f"HC{n}", location="HV1/STORE-WIP")
    await receive(api, "RM-ELY", "ELY-1", "10")
    run = await start(api, order, 10, operator)
    made = await api.do(
        "assembleUnit",
        "genealogyEvent { id }",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM1",
        components=[{"item": {"material": "CELL-105", "serial": f"HC{n}"}, "slot": f"C{n}"} for n in range(2)],
        consumed=[{"item": {"material": "RM-ELY", "lot": "ELY-1"}, "quantity": amount("0.1", "KGM")}],
    )
    await reverse(api, made["genealogyEvent"]["id"])
    part = await stock(api, "CELL-105", serial="HC0")
    assert (part["lifecycle"], part["parent"], part["slot"]) == ("AVAILABLE", None, None)
    assert (part["quantity"], part["location"]) == ({"value": "1"}, {"code": "STORE-WIP"})
    unit = await stock(api, "MOD-8S", serial="HM1")
    assert (unit["quantity"], unit["children"]) == ({"value": "0"}, [])
    again = await api.do(
        "assembleUnit",
        "genealogyEvent { id }",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM2",
        components=[{"item": {"material": "CELL-105", "serial": f"HC{n}"}, "slot": f"C{n}"} for n in range(2)],
        **{"from": [{"item": {"material": "RM-ELY", "lot": "ELY-1"}}]},
    )
    assert again["genealogyEvent"]


async def test_of_positions_the_last_pieces_are_reversed_first(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT, STACK)
    await make_item(api, "COIL-C", "CC-1", "655", location="HV1/STORE-WIP")
    run = await start(api, order, 40, operator)
    await consume(api, run, "COIL-C", "CC-1", "10", "MTR", by=operator, range={"from": "0", "to": "10"})
    source = {"item": {"material": "COIL-C", "lot": "CC-1"}, "quantity": amount("3", "MTR")}
    made = [
        (await produce(api, run, units("CELL-105", f"HC{n}"), by=operator, **{"from": [source]}))["genealogyEvent"]
        for n in range(2)
    ]
    assert await refuse(api, made[0]["id"]) == ["DOWNSTREAM_DEPENDENCY"]
    await reverse(api, made[1]["id"])
    await reverse(api, made[0]["id"])
    third = await produce(api, run, units("CELL-105", "HC9"), by=operator, **{"from": [source]})
    assert [x["range"] for x in third["genealogyEvent"]["inputs"]] == [{"from": "0", "to": "3"}]


async def test_activities_outside_runs_are_reversed_by_the_same_command(api: Api) -> None:
    operator = await make_plant(api)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    sampled = await api.do(
        "takeSample",
        "genealogyEvent { id }",
        by=await api.actor(Role.QUALITY, subject="q-05"),
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
        quantity=amount("1", "KGM"),
    )
    await reverse(api, sampled["genealogyEvent"]["id"])
    assert (await stock(api, "RM-PVDF", by=operator, lot="PVDF-2219"))["quantity"] == {"value": "25"}


async def judge(api: Api, how: str) -> str:
    """The lot is counted, packed or scrapped as it stands; returns the activity that says so."""
    binder = {"material": "RM-PVDF", "lot": "PVDF-2219"}
    command, wanted = {
        "counted": ("adjustLot", {"item": binder, "counted": amount("25", "KGM"), "reason": {"code": "COUNT"}}),
        "packed": ("pack", {"items": [binder], "sscc": "095212340000000013"}),
        "scrapped": ("scrapItem", {"item": binder, "quantity": amount("1", "KGM"), "reason": {"code": "SPILT"}}),
    }[how]
    supervisor = await api.actor(Role.SUPERVISOR, Role.OPERATOR, site="HV1", subject="sup-02")
    payload = await api.do(command, "genealogyEvent { id }", by=supervisor, **wanted)
    event: dict[str, str] = payload["genealogyEvent"]
    return event["id"]


@pytest.mark.parametrize("how", ["counted", "packed", "scrapped"])
async def test_nothing_goes_back_into_a_lot_that_was_judged_without_it(api: Api, how: str) -> None:
    operator, _, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    judged = await judge(api, how)
    assert await refuse(api, actual["eventId"]) == ["DOWNSTREAM_DEPENDENCY"]
    await api.do("reverseEvent", "", by=operator, event=judged, reason=WRONG)
    await reverse(api, actual["eventId"])
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "25"}


async def test_nor_when_the_production_of_an_ended_run_is_undone(api: Api) -> None:
    operator, order, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    await judge(api, "counted")
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    assert await refuse(api, made["genealogyEvent"]["id"]) == ["DOWNSTREAM_DEPENDENCY"]
