"""Messages of the ERP: idempotent, order by order, revised as far as the order permits (I37, I38, I49; story S8)."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.orders.models import RequestState
from tests.api import Api
from tests.factories.orders import (
    approve,
    cathode,
    codes,
    make_cathode,
    make_line,
    makes,
    order,
    put_request,
    quantity,
    release,
    step,
    submit,
    takes,
)

RESULTS = (
    "results { externalId outcome operationsRequest { code state quantity { value uom } priority externalRevision } "
    "userErrors { code path } } duplicateOf { messageId } ledgerEvents { type }"
)


async def send(api: Api, *orders: dict[str, Any], message: str = "BOD-7781", **more: Any) -> dict[str, Any]:
    return await api.do(
        "submitOperationsSchedule",
        RESULTS,
        by=Role.ERP,
        sourceSystem="ERP1",
        messageId=message,
        requests=list(orders),
        **more,
    )


async def test_an_order_becomes_known(api: Api) -> None:
    await make_line(api)
    payload = await send(api, order(dueAt="2026-03-02T16:00:00+01:00"))
    assert payload["results"] == [
        {
            "externalId": "10041",
            "outcome": "ACCEPTED",
            "operationsRequest": {
                "code": "10041",
                "state": "FORECAST",
                "quantity": {"value": "2296", "uom": "MTR"},
                "priority": 50,
                "externalRevision": 1,
            },
            "userErrors": [],
        }
    ]
    assert payload["ledgerEvents"] == [{"type": "OPERATIONS_REQUEST_SUBMITTED"}]


async def test_the_same_message_again_gives_the_first_answer(api: Api) -> None:
    await make_line(api)
    first = await send(api, order(), order("10042", product="NOTHING"))
    async with api.nothing_written():
        again = await send(api, order(), order("10042", product="NOTHING"))
    assert first["duplicateOf"] is None
    assert again == first | {"duplicateOf": {"messageId": "BOD-7781"}}


async def test_the_same_message_with_other_content_is_refused(api: Api) -> None:
    await make_line(api)
    await send(api, order())
    errors = await api.refused(
        "submitOperationsSchedule",
        by=Role.ERP,
        sourceSystem="ERP1",
        messageId="BOD-7781",
        requests=[order(quantity=quantity("22", "MTR"))],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("IDEMPOTENCY_CONFLICT", ["input", "messageId"])]


async def test_message_ids_count_for_their_source_system(api: Api) -> None:
    await make_line(api)
    await send(api, order())
    payload = await api.do(
        "submitOperationsSchedule",
        RESULTS,
        by=Role.ERP,
        sourceSystem="ERP2",
        messageId="BOD-7781",
        requests=[order(code="B-10041")],
    )
    assert payload["results"][0]["outcome"] == "ACCEPTED"


async def test_a_lower_revision_is_not_applied(api: Api) -> None:
    await make_line(api)
    await send(api, order(revision=2))
    [stale] = await submit(api, order(revision=1, quantity=quantity("1", "MTR")), message="BOD-7782")
    assert stale["outcome"] == "STALE"
    assert [(e["code"], e["path"]) for e in stale["userErrors"]] == [
        ("STALE_REVISION", ["input", "requests", "0", "revision"])
    ]
    data = await api.ask('{ operationsRequest(key: "HV1/10041") { quantity { value } } }', by=Role.ERP)
    assert data["operationsRequest"]["quantity"]["value"] == "2296"


async def test_the_same_revision_says_the_same_or_is_refused(api: Api) -> None:
    await make_line(api)
    await send(api, order())
    [same] = await submit(api, order(), message="BOD-7782")
    [other] = await submit(api, order(priority=51), message="BOD-7783")
    assert same["outcome"] == "UNCHANGED"
    assert (other["outcome"], codes(other["userErrors"])) == ("REJECTED", ["STALE_REVISION"])


async def test_a_forecast_may_change_altogether(api: Api) -> None:
    await make_line(api)
    await send(api, order())
    changed = order(revision=2, product="SLURRY-C", quantity=quantity("800", "KGM"), priority=1)
    payload = await send(api, changed, message="BOD-7782")
    [result] = payload["results"]
    assert result["outcome"] == "UPDATED"
    assert result["operationsRequest"]["quantity"] == {"value": "800", "uom": "KGM"}
    assert payload["ledgerEvents"] == [{"type": "OPERATIONS_REQUEST_REVISED"}]


async def test_a_bad_order_does_not_block_the_others(api: Api) -> None:
    await make_line(api)
    bad = order("10042", product="NOTHING", site="HV9", definition="NONE")
    payload = await send(api, order(), bad, order("10043", priority=10_000_000, state="RELEASED"), order("10044"))
    assert [result["outcome"] for result in payload["results"]] == ["ACCEPTED", "REJECTED", "REJECTED", "ACCEPTED"]
    assert payload["results"][1]["userErrors"] == [
        {"code": "NOT_FOUND", "path": ["input", "requests", "1", "site"]},
        {"code": "NOT_FOUND", "path": ["input", "requests", "1", "product"]},
        {"code": "NOT_FOUND", "path": ["input", "requests", "1", "definition"]},
    ]
    assert [event["type"] for event in payload["ledgerEvents"]] == ["OPERATIONS_REQUEST_SUBMITTED"] * 2
    data = await api.ask("{ operationsRequests { nodes { code } } }", by=Role.ERP)
    assert [node["code"] for node in data["operationsRequests"]["nodes"]] == ["10041", "10044"]


async def test_an_order_that_cannot_be_released_leaves_nothing(api: Api) -> None:
    await make_line(api)
    [result] = (await send(api, order(state="RELEASED")))["results"]
    assert (result["outcome"], codes(result["userErrors"])) == ("REJECTED", ["DEFINITION_NOT_EFFECTIVE"])
    assert (await api.ask("{ operationsRequests { nodes { code } } }", by=Role.ERP))["operationsRequests"][
        "nodes"
    ] == []


async def test_atomic_means_all_or_none(api: Api) -> None:
    await make_line(api)
    errors = await api.refused(
        "submitOperationsSchedule",
        by=Role.ERP,
        sourceSystem="ERP1",
        messageId="BOD-7781",
        atomic=True,
        requests=[order(), order("10042", product="NOTHING"), order("1 3")],
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", ["input", "requests", "1", "product"]),
        ("VALIDATION_FAILED", ["input", "requests", "2", "externalId"]),
    ]


async def test_keys_are_unique_even_beyond_the_senders_sites(api: Api) -> None:
    await make_line(api)
    await send(api, order(), order("B", code="10044"))
    elsewhere = await api.actor(Role.ERP, site="HV2")
    payload = await api.do(
        "submitOperationsSchedule",
        RESULTS,
        by=elsewhere,
        sourceSystem="ERP1",
        messageId="BOD-1",
        requests=[order(site="HV2"), {**order("C"), "site": None}],
    )
    assert codes(payload["results"][0]["userErrors"]) == ["DUPLICATE_KEY"]
    assert payload["results"][1]["outcome"] == "ACCEPTED"
    taken, named = await submit(api, order("10044"), order("D", code="10044"), message="BOD-2")
    assert [(e["code"], e["path"][-1]) for e in taken["userErrors"]] == [("DUPLICATE_KEY", "externalId")]
    assert [(e["code"], e["path"][-1]) for e in named["userErrors"]] == [("DUPLICATE_KEY", "code")]


async def test_who_sees_several_sites_names_one(api: Api) -> None:
    await make_line(api)
    [result] = await submit(api, {**order(), "site": None})
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [("VALIDATION_FAILED", "site")]


async def test_an_impossible_message_is_refused_as_a_whole(api: Api) -> None:
    errors = await api.refused("submitOperationsSchedule", by=Role.ERP, sourceSystem="E R P", messageId="", requests=[])
    assert [e["path"][1] for e in errors] == ["sourceSystem", "messageId", "requests"]


async def test_the_content_of_an_order_is_checked_as_a_whole(api: Api) -> None:
    await make_line(api)
    bad = order(
        "x" * 51,
        revision=-1,
        earliestStart="2026-03-02T00:00:00Z",
        dueAt="2026-03-01T00:00:00Z",
    )
    [result] = await submit(api, bad)
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [
        ("VALIDATION_FAILED", "externalId"),
        ("VALIDATION_FAILED", "revision"),
        ("TIME_ORDER_INVALID", "dueAt"),
    ]


async def test_an_order_asks_for_whole_units_where_each_has_a_serial_number(api: Api) -> None:
    await make_line(api)
    [result] = await submit(api, order(product="CELL-105", quantity=quantity("4.5", "C62")))
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [("VALIDATION_FAILED", "quantity")]


@pytest.mark.parametrize("per", ["2", "1000000000000"])
async def test_an_order_is_not_larger_than_its_steps_can_be_planned(api: Api, per: str) -> None:
    await make_line(api)
    mixing = [makes(1, "SLURRY-C", "KGM")]
    coating = [takes(1, "SLURRY-C", per), makes(2, "COIL-C", "MTR")]
    segments = [step(20, "MIX-C", "MIXING", materials=mixing), step(30, "COAT-C", "COATING", materials=coating)]
    await approve(api, cathode(segments=segments))
    most = quantity("1000000000000", "MTR")
    [result] = await submit(api, order(quantity=most, state="RELEASED"))
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [("VALIDATION_FAILED", "operationsRequest")]
    await release(api, quantity=quantity("1", "MTR"))
    [result] = await submit(api, order(revision=2, quantity=most), message="BOD-2")
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [("VALIDATION_FAILED", "quantity")]


# --- revisions of what is released or running


JOBS = '{ jobOrders(filter: {request: "HV1/10041"}) { nodes { code quantity { value } priority plannedStart } } }'


async def jobs(api: Api) -> dict[str, dict[str, Any]]:
    data = await api.ask(JOBS, by=Role.PLANNER)
    return {node.pop("code"): node for node in data["jobOrders"]["nodes"]}


async def test_until_it_starts_a_released_order_is_planned_anew(api: Api) -> None:
    await make_cathode(api)
    await release(api)
    start = "2026-02-17T05:00:00Z"
    [result] = await submit(
        api, order(revision=2, quantity=quantity("1000", "MTR"), priority=70, earliestStart=start), message="BOD-2"
    )
    assert result["outcome"] == "UPDATED"
    planned = await jobs(api)
    assert planned["10041-20"]["quantity"]["value"] == "347.5"
    assert planned["10041-10"] == {"quantity": {"value": "347.5"}, "priority": 70, "plannedStart": start}


async def test_a_released_order_keeps_product_definition_and_number(api: Api) -> None:
    await make_cathode(api)
    await release(api)
    changed = order(revision=2, code="X", product="SLURRY-C", quantity=quantity("1", "KGM"))
    [result] = await submit(api, changed, message="BOD-2")
    assert [(e["code"], e["path"][-1]) for e in result["userErrors"]] == [
        ("RECORD_IMMUTABLE", "code"),
        ("RECORD_IMMUTABLE", "product"),
    ]


async def test_after_the_start_only_more_quantity_due_date_and_priority_change(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    await put_request(api, key, RequestState.RUNNING)
    less = order(revision=2, quantity=quantity("2000", "MTR"), earliestStart="2026-02-17T05:00:00Z")
    [refused] = await submit(api, less, message="BOD-2")
    assert [(e["code"], e["path"][-1]) for e in refused["userErrors"]] == [
        ("ORDER_ALREADY_STARTED", "earliestStart"),
        ("ORDER_ALREADY_STARTED", "quantity"),
    ]
    more = order(revision=2, quantity=quantity("3000", "MTR"), priority=90, dueAt="2026-02-20T05:00:00Z")
    [result] = await submit(api, more, message="BOD-3")
    assert result["outcome"] == "UPDATED"
    assert (await jobs(api))["10041-30"]["quantity"]["value"] == "3000"


async def test_more_of_a_step_that_has_ended_is_another_job(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder="HV1/10041-10")
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder="HV1/10041-10")
    await submit(api, order(revision=2, quantity=quantity("2396", "MTR")), message="BOD-2")
    planned = await jobs(api)
    assert planned["10041-10"]["quantity"]["value"] == "797.86"
    assert planned["10041-10-2"]["quantity"]["value"] == "34.75"
    assert planned["10041-20"]["quantity"]["value"] == "832.61"
    data = await api.ask(
        "query($key: ID!) { operationsRequest(key: $key) { segmentRequirements { seq endedAt } } }",
        by=Role.PLANNER,
        key=key,
    )
    assert data["operationsRequest"]["segmentRequirements"][0] == {"seq": 10, "endedAt": None}


@pytest.mark.parametrize(
    "state", [RequestState.COMPLETED, RequestState.CANCELLED, RequestState.ABORTED, RequestState.CLOSED]
)
async def test_what_has_come_to_its_end_does_not_change(api: Api, state: RequestState) -> None:
    await make_cathode(api)
    key = await release(api)
    await put_request(api, key, state)
    [result] = await submit(api, order(revision=2, priority=60), message="BOD-2")
    assert codes(result["userErrors"]) == ["INVALID_TRANSITION"]
