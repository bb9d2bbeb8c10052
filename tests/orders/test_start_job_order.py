"""A job starts when nothing stands in the way; the first start makes the order RUNNING."""

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import COAT, MIX, codes, make_order, make_plant, start

STATE = "jobOrder { state subState equipment { code } request { state } } jobResponse { code startedAt endedAt }"


async def test_the_first_start_opens_a_run_and_makes_the_order_run(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    payload = await api.do(
        "startJobOrder", STATE + " ledgerEvents { type }", by=operator, jobOrder=order.jobs[20], expectedVersion=1
    )
    assert payload["jobOrder"] == {
        "state": "RUNNING",
        "subState": None,
        "equipment": {"code": "COAT01"},
        "request": {"state": "RUNNING"},
    }
    assert payload["jobResponse"] == {"code": "10045-20-R1", "startedAt": "2026-02-16T05:00:00Z", "endedAt": None}
    assert [e["type"] for e in payload["ledgerEvents"]][:2] == ["JOB_ORDER_STARTED", "OPERATIONS_REQUEST_STARTED"]


async def test_a_second_job_of_the_order_starts_without_moving_the_order(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    payload = await api.do("startJobOrder", "ledgerEvents { type }", by=operator, jobOrder=order.jobs[30])
    assert [e["type"] for e in payload["ledgerEvents"]] == ["JOB_ORDER_STARTED"]


async def test_a_job_without_equipment_starts_on_the_one_that_is_named(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, equipment_code=None)
    errors = await api.refused("startJobOrder", by=operator, jobOrder=order.jobs[20])
    assert ("VALIDATION_FAILED", ["input", "equipment"]) in [(e["code"], e["path"]) for e in errors]
    payload = await api.do(
        "startJobOrder", "jobOrder { equipment { code } }", by=operator, jobOrder=order.jobs[20], equipment="HV1/COAT02"
    )
    assert payload["jobOrder"] == {"equipment": {"code": "COAT02"}}


async def test_an_assigned_job_does_not_start_elsewhere(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    errors = await api.refused("startJobOrder", by=operator, jobOrder=order.jobs[20], equipment="HV1/COAT02")
    assert "VALIDATION_FAILED" in codes(errors)


async def test_everything_that_stands_in_the_way_is_told_at_once(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await start(api, order, 20, operator)
    errors = await api.refused(
        "startJobOrder", by=operator, jobOrder=order.jobs[20], equipment="HV1/COAT02", expectedVersion=1
    )
    assert {"VERSION_CONFLICT", "INVALID_TRANSITION", "VALIDATION_FAILED"} <= set(codes(errors))


async def test_an_interrupted_job_is_resumed_not_started(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await start(api, order, 20, operator)
    await api.do("pauseJobOrder", "", by=operator, jobOrder=order.jobs[20])
    errors = await api.refused("startJobOrder", by=operator, jobOrder=order.jobs[20])
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_a_unit_with_capacity_one_runs_one_job(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT, equipment_code="COAT02")
    await start(api, order, 20, operator)
    errors = await api.refused("startJobOrder", by=operator, jobOrder=order.jobs[30])
    assert codes(errors) == ["EQUIPMENT_BUSY"]


async def test_a_job_of_another_site_does_not_exist(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MIX)
    stranger = await api.actor(Role.OPERATOR, site="HV2")
    errors = await api.refused("startJobOrder", by=stranger, jobOrder=order.jobs[20])
    assert codes(errors) == ["NOT_FOUND"]
