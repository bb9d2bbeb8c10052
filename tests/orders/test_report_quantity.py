"""What runs report adds up; the last step counts for the order."""

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    STACK,
    amount,
    codes,
    consume,
    make_order,
    make_plant,
    receive,
    start,
    step_of,
)

SUMS = (
    "jobResponse { goodQuantity { value uom } scrapQuantity { value } "
    "request { goodQuantity { value } scrapQuantity { value } } }"
)


async def test_reports_add_up_and_the_last_step_counts_for_the_order(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    early = await api.do("reportQuantity", SUMS, by=operator, jobResponse=mix, good=amount("800", "KGM"))
    assert early["jobResponse"]["goodQuantity"] == {"value": "800", "uom": "KGM"}
    assert early["jobResponse"]["request"]["goodQuantity"] == {"value": "0"}
    await api.do("reportQuantity", "", by=operator, jobResponse=coat, good=amount("1000", "MTR"))
    late = await api.do(
        "reportQuantity",
        SUMS,
        by=operator,
        jobResponse=coat,
        good=amount("120.5", "MTR"),
        scrap=amount("27.5", "MTR"),
        reason={"code": "STARTUP"},
    )
    assert late["jobResponse"] == {
        "goodQuantity": {"value": "1120.5", "uom": "MTR"},
        "scrapQuantity": {"value": "27.5"},
        "request": {"goodQuantity": {"value": "1120.5"}, "scrapQuantity": {"value": "27.5"}},
    }


async def test_scrap_needs_a_reason(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    errors = await api.refused("reportQuantity", by=operator, jobResponse=run, scrap=amount("1", "KGM"))
    assert codes(errors) == ["REASON_REQUIRED"]


async def test_nothing_is_no_report_and_every_mistake_is_named(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    assert codes(await api.refused("reportQuantity", by=operator, jobResponse=run)) == ["VALIDATION_FAILED"]
    errors = await api.refused(
        "reportQuantity", by=operator, jobResponse=run, good=amount("1", "MTR"), scrap=amount("-1", "KGM")
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("UOM_MISMATCH", ["input", "good", "uom"]),
        ("VALIDATION_FAILED", ["input", "scrap", "value"]),
    ]


async def test_nothing_is_reported_before_the_run_began(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    errors = await api.refused(
        "reportQuantity",
        by=operator,
        jobResponse=run,
        good=amount("1", "KGM"),
        eventTime="2026-02-16T04:00:00Z",
    )
    assert codes(errors) == ["TIME_ORDER_INVALID"]


async def test_a_sum_that_cannot_be_recorded_is_refused(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    coat = await start(api, order, 30, operator)
    await api.do("reportQuantity", "", by=operator, jobResponse=coat, good=amount("201.234567", "MTR"))
    most = amount("999999999999", "MTR")
    errors = await api.refused("reportQuantity", by=operator, jobResponse=coat, good=most)
    assert [(e["code"], e["path"], e["retryable"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "good"], False),
    ]
    assert "reverseEvent" in errors[0]["message"]
    report = {"scrap": most, "reason": {"code": "LUMPS"}}
    await api.do("reportQuantity", "", by=operator, jobResponse=coat, **report)
    errors = await api.refused(
        "reportQuantity",
        by=operator,
        jobResponse=coat,
        scrapReasons=[{"quantity": amount("2", "MTR"), "reason": {"code": "LUMPS"}}],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "scrapReasons"])]


async def test_the_sum_of_an_order_over_its_runs_is_bounded_too(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    first = await start(api, order, 20, operator)
    most = amount("999999999999", "KGM")
    await api.do("reportQuantity", "", by=operator, jobResponse=first, good=most)
    step = await step_of(api, order, 20)
    stored = await api.do(
        "storeJobOrder",
        "jobOrder { code }",
        by=Role.PLANNER,
        segmentRequirement=step,
        quantity=amount("5", "KGM"),
        equipment="HV1/COAT01",
        permit=True,
    )
    order.jobs[21] = f"HV1/{stored['jobOrder']['code']}"
    second = await start(api, order, 21, operator)
    errors = await api.refused("reportQuantity", by=operator, jobResponse=second, good=most)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "good"])]


async def test_units_with_serial_numbers_are_whole(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, STACK)
    run = await start(api, order, 40, operator)
    errors = await api.refused(
        "reportQuantity",
        by=operator,
        jobResponse=run,
        good=amount("4.5", "C62"),
        scrapReasons=[{"quantity": amount("0.5", "C62"), "reason": {"code": "TORN"}}],
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "good"]),
        ("VALIDATION_FAILED", ["input", "scrapReasons", "0", "quantity"]),
    ]
    errors = await api.refused(
        "storeJobOrder",
        by=Role.PLANNER,
        segmentRequirement=await step_of(api, order, 40),
        quantity=amount("4.5", "C62"),
    )
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "quantity"])]


BY_REASON = (
    "jobResponse { scrapQuantity { value } reworkQuantity { value } "
    "quantityActuals { quality quantity { value uom } reasonCode comment postedBy } "
    "request { reworkQuantity { value } } } "
    "ledgerEvents { payload }"
)


def because(value: str, code: str, **more: str) -> dict[str, object]:
    return {"quantity": amount(value, "KGM"), "reason": {"code": code, **more}}


async def test_scrap_and_rework_are_divided_by_reason(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    payload = await api.do(
        "reportQuantity",
        BY_REASON,
        by=operator,
        jobResponse=run,
        good=amount("780", "KGM"),
        scrap=amount("12.5", "KGM"),
        scrapReasons=[because("10", "LUMPS", comment="sieve"), because("2.5", "SPILL")],
        reworkReasons=[because("7.5", "VISCOSITY")],
    )
    assert payload["jobResponse"] == {
        "scrapQuantity": {"value": "12.5"},
        "reworkQuantity": {"value": "7.5"},
        "quantityActuals": [
            {"quality": quality, "quantity": {"value": value, "uom": "KGM"}, "reasonCode": code, "comment": comment}
            | {"postedBy": "op-017"}
            for quality, value, code, comment in [
                ("GOOD", "780", None, None),
                ("SCRAP", "10", "LUMPS", "sieve"),
                ("SCRAP", "2.5", "SPILL", None),
                ("REWORK", "7.5", "VISCOSITY", None),
            ]
        ],
        "request": {"reworkQuantity": {"value": "7.5"}},
    }
    [event] = payload["ledgerEvents"]
    assert event["payload"]["scrapReasons"] == [
        {"quantity": "10", "reason": "LUMPS"},
        {"quantity": "2.5", "reason": "SPILL"},
    ]


async def test_one_reason_of_the_command_stands_for_all(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    assert codes(await api.refused("reportQuantity", by=operator, jobResponse=run, rework=amount("1", "KGM"))) == [
        "REASON_REQUIRED"
    ]
    payload = await api.do(
        "reportQuantity",
        BY_REASON,
        by=operator,
        jobResponse=run,
        scrap=amount("2", "KGM"),
        rework=amount("3", "KGM"),
        reason={"code": "STARTUP"},
    )
    assert [(x["quality"], x["reasonCode"]) for x in payload["jobResponse"]["quantityActuals"]] == [
        ("SCRAP", "STARTUP"),
        ("REWORK", "STARTUP"),
    ]


async def test_the_reasons_are_all_of_it(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    errors = await api.refused(
        "reportQuantity",
        by=operator,
        jobResponse=run,
        scrap=amount("12", "KGM"),
        scrapReasons=[because("10", "LUMPS"), because("1", "SPILL")],
        rework=amount("0", "KGM"),
        reworkReasons=[because("1", "")],
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "reworkReasons", "0", "reason", "code"])
    ]
    errors = await api.refused(
        "reportQuantity",
        by=operator,
        jobResponse=run,
        scrap=amount("12", "KGM"),
        scrapReasons=[because("10", "LUMPS"), because("1", "SPILL")],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("QUANTITY_NOT_CONSERVED", ["input", "scrapReasons"])]


async def test_an_order_knows_what_it_consumed(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    for material in ("RM-PVDF", "RM-CB"):
        await receive(api, material, f"{material}-1", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "RM-PVDF-1", "7", by=operator)
    wrong = await consume(api, run, "RM-PVDF", "RM-PVDF-1", "5", by=operator)
    await api.do("reverseEvent", "", by=operator, event=wrong["id"], reason={"code": "TYPED_WRONG"})
    data = await api.ask(
        "query($id: ID!) { operationsRequest(key: $id) { consumed { material { code } quantity { value uom } } } }",
        by=operator,
        id=order.code,
    )
    assert data["operationsRequest"]["consumed"] == [
        {"material": {"code": "RM-PVDF"}, "quantity": {"value": "7", "uom": "KGM"}}
    ]
