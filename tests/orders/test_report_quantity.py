"""What runs report adds up; the last step counts for the order."""

from tests.api import Api
from tests.factories.execution import COAT, MIX, amount, codes, make_order, make_plant, start

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
