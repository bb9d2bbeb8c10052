"""Further jobs of a step, plans that change, jobs that are given up."""

from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    Order,
    amount,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    step_of,
    stock,
)
from tests.factories.orders import approve, cathode, make_line, release
from tests.invariants.checks import broken_invariants

JOB = (
    "jobOrder { code state subState priority quantity { value uom } equipment { code } plannedStart plannedEnd "
    "request { state jobOrders { code state subState quantity { value } } } } ledgerEvents { type }"
)
WHY = {"code": "WRONG_PLAN"}


async def store(api: Api, step: str, value: str, **more: Any) -> dict[str, Any]:
    payload = await api.do(
        "storeJobOrder", JOB, by=Role.PLANNER, segmentRequirement=step, quantity=amount(value, "MTR"), **more
    )
    job: dict[str, Any] = payload["jobOrder"]
    return job


async def test_a_step_is_split_over_two_work_units(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT, quantity="1148")
    step = await step_of(api, order, 30)
    job = await store(api, step, "493", takenFrom=order.jobs[30], equipment="HV1/COAT02", permit=True)
    assert (job["code"], job["state"], job["quantity"]) == (
        "10045-30-2",
        "ALLOWED_TO_START",
        {"value": "493", "uom": "MTR"},
    )
    assert [(row["code"], row["quantity"]["value"]) for row in job["request"]["jobOrders"]] == [
        ("10045-30", "655"),
        ("10045-30-2", "493"),
    ]
    order.jobs[31] = f"HV1/{job['code']}"
    for seq in (30, 31):
        await start(api, order, seq, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[30])
    last = await api.do("stopJobOrder", "jobOrder { request { state } }", by=operator, jobOrder=order.jobs[31])
    assert last["jobOrder"]["request"] == {"state": "COMPLETED"}


async def test_a_stored_job_waits_for_a_permission_and_opens_its_step_again(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    step = await step_of(api, order, 20)
    payload = await api.do(
        "storeJobOrder",
        "jobOrder { code state segmentRequirement { endedAt } }",
        by=Role.PLANNER,
        segmentRequirement=step,
        quantity=amount("5", "KGM"),
    )
    assert payload["jobOrder"] == {
        "code": "10045-20-2",
        "state": "NOT_ALLOWED_TO_START",
        "segmentRequirement": {"endedAt": None},
    }


async def test_everything_wrong_with_a_stored_job_is_said_at_once(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MIX, COAT, quantity="20")
    errors = await api.refused(
        "storeJobOrder",
        by=Role.PLANNER,
        segmentRequirement=await step_of(api, order, 30),
        quantity=amount("5", "MTR"),
        takenFrom=order.jobs[20],
        equipment="HV2/PA01",
        priority=2_000_000,
        plannedStart="2026-02-16T06:00:00Z",
        plannedEnd="2026-02-16T05:00:00Z",
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "takenFrom"]),
        ("EQUIPMENT_NOT_CAPABLE", ["input", "equipment"]),
        ("VALIDATION_FAILED", ["input", "priority"]),
        ("TIME_ORDER_INVALID", ["input", "plannedEnd"]),
    ]


async def test_no_more_is_taken_from_a_job_than_it_has_left_to_make(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT, quantity="20")
    run = await start(api, order, 30, operator)
    await api.do("reportQuantity", "", by=operator, jobResponse=run, good=amount("12", "MTR"))
    step = await step_of(api, order, 30)
    errors = await api.refused(
        "storeJobOrder",
        by=Role.PLANNER,
        segmentRequirement=step,
        quantity=amount("9", "MTR"),
        takenFrom=order.jobs[30],
    )
    assert [(e["code"], e["__typename"]) for e in errors] == [("INSUFFICIENT_QUANTITY", "QuantityError")]
    job = await store(api, step, "8", takenFrom=order.jobs[30])
    assert [row["quantity"]["value"] for row in job["request"]["jobOrders"]] == ["12", "8"]


async def test_an_order_that_has_ended_takes_no_job(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT)
    step = await step_of(api, order, 30)
    await start(api, order, 30, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[30])
    errors = await api.refused("storeJobOrder", by=Role.PLANNER, segmentRequirement=step, quantity=amount("1", "MTR"))
    assert [(e["code"], e["path"]) for e in errors] == [("INVALID_TRANSITION", ["input", "segmentRequirement"])]


async def test_a_job_is_rescheduled_before_it_starts(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT)
    payload = await api.do(
        "rescheduleJobOrder",
        JOB,
        by=Role.PLANNER,
        jobOrder=order.jobs[30],
        priority=7,
        plannedStart="2026-02-16T06:00:00Z",
    )
    job = payload["jobOrder"]
    assert (job["priority"], job["plannedStart"], job["plannedEnd"]) == (7, "2026-02-16T06:00:00Z", None)
    assert payload["ledgerEvents"] == [{"type": "JOB_ORDER_RESCHEDULED"}]
    errors = await api.refused("rescheduleJobOrder", by=Role.PLANNER, jobOrder=order.jobs[30])
    assert codes(errors) == ["VALIDATION_FAILED"]
    errors = await api.refused(
        "rescheduleJobOrder", by=Role.PLANNER, jobOrder=order.jobs[30], plannedEnd="2026-02-16T05:00:00Z"
    )
    assert codes(errors) == ["TIME_ORDER_INVALID"]
    await start(api, order, 30, operator)
    errors = await api.refused("rescheduleJobOrder", by=Role.PLANNER, jobOrder=order.jobs[30], priority=8)
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_a_step_of_which_every_job_was_given_up_is_still_to_be_done(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    payload = await api.do("cancelJobOrder", JOB, by=Role.PLANNER, jobOrder=order.jobs[30])
    assert (payload["jobOrder"]["state"], payload["jobOrder"]["request"]["state"]) == ("CANCELLED", "RUNNING")
    job = await store(api, await step_of(api, order, 30), "20", permit=True, equipment="HV1/COAT01")
    order.jobs[30] = f"HV1/{job['code']}"
    await start(api, order, 30, operator)
    last = await api.do("stopJobOrder", "jobOrder { request { state } }", by=operator, jobOrder=order.jobs[30])
    assert last["jobOrder"]["request"] == {"state": "COMPLETED"}


async def test_cancelling_the_last_open_job_ends_a_step_that_was_done(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT)
    job = await store(api, await step_of(api, order, 30), "5")
    await start(api, order, 30, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[30])
    payload = await api.do("cancelJobOrder", JOB, by=Role.PLANNER, jobOrder=f"HV1/{job['code']}")
    assert payload["jobOrder"]["request"]["state"] == "COMPLETED"
    assert [event["type"] for event in payload["ledgerEvents"]] == [
        "JOB_ORDER_CANCELLED",
        "SEGMENT_REQUIREMENT_ENDED",
        "OPERATIONS_REQUEST_COMPLETED",
    ]


async def test_aborting_a_job_ends_its_run_and_scraps_what_is_pending_in_it(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    errors = await api.refused("abortJobOrder", by=Role.SUPERVISOR, jobOrder=order.jobs[20])
    assert codes(errors) == ["REASON_REQUIRED"]
    payload = await api.do(
        "abortJobOrder",
        JOB + " jobOrder { jobResponse { endedAt materialActuals { pending { value } } } }",
        by=Role.SUPERVISOR,
        jobOrder=order.jobs[20],
        reason=WHY,
    )
    job = payload["jobOrder"]
    assert (job["state"], job["request"]["state"]) == ("ABORTED", "RUNNING")
    assert job["jobResponse"]["endedAt"] is not None
    assert {actual["pending"]["value"] for actual in job["jobResponse"]["materialActuals"]} == {"0"}
    assert [event["type"] for event in payload["ledgerEvents"]][:2] == ["ITEMS_SCRAPPED", "JOB_ORDER_ABORTED"]
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "12.56"}
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["lifecycle"] == "IN_PROCESS"
    assert await api.plant.database.read(broken_invariants) == []


async def test_an_order_is_cancelled_although_a_job_of_it_was_before(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await api.do("cancelJobOrder", "", by=Role.PLANNER, jobOrder=order.jobs[30])
    payload = await api.do(
        "cancelOperationsRequest",
        "operationsRequest { state jobOrders { state } } ledgerEvents { payload }",
        by=Role.ERP,
        operationsRequest=order.code,
    )
    assert payload["operationsRequest"] == {"state": "CANCELLED", "jobOrders": [{"state": "CANCELLED"}] * 2}
    assert payload["ledgerEvents"][0]["payload"]["jobs"] == [{"kind": "JobOrder", "key": "10045-20"}]


async def test_a_smaller_order_takes_from_its_last_jobs_first(api: Api) -> None:
    """A step of 1148 m that is split over jobs of 655, 400 and 93 m is reduced to 700 m before it starts."""
    await make_line(api)
    only_coating = cathode()
    only_coating["segments"] = [cathode()["segments"][2] | {"dependencies": []}]
    await approve(api, only_coating)
    key = await release(api, quantity=amount("1148", "MTR"))
    step = await step_of(api, Order(key), 30)
    for value in ("400", "93"):
        await store(api, step, value, takenFrom=f"{key}-30")
    await release(api, quantity=amount("700", "MTR"), revision=2)
    data = await api.ask(
        "query($key: ID!) { operationsRequest(key: $key) { jobOrders { state quantity { value } } } }",
        by=Role.PLANNER,
        key=key,
    )
    assert [(job["state"], job["quantity"]["value"]) for job in data["operationsRequest"]["jobOrders"]] == [
        ("ALLOWED_TO_START", "655"),
        ("NOT_ALLOWED_TO_START", "45"),
        ("CANCELLED", "93"),
    ]
