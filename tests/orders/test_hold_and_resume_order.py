"""An order that is held or suspended stands still with its jobs, and goes on with those that can."""

from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import COAT, MIX, Order, amount, codes, make_order, make_plant, start

WHY = {"code": "FOREIGN_PARTICLES"}
JOBS = "operationsRequest { state jobOrders { code state subState interruptedWithOrder } } ledgerEvents { type }"
PLACE = ("code", "state", "subState", "interruptedWithOrder")


async def running(api: Api) -> Order:
    """An order that mixes and coats on COAT01, a machine for many jobs."""
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    await start(api, order, 30, operator)
    return order


def jobs(payload: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
    rows = payload["operationsRequest"]["jobOrders"]
    return {row["code"]: (row["state"], row["subState"], row["interruptedWithOrder"]) for row in rows}


async def test_holding_an_order_interrupts_its_running_jobs_and_resuming_lets_them_go_on(api: Api) -> None:
    order = await running(api)
    held = await api.do("holdOperationsRequest", JOBS, by=Role.QUALITY, operationsRequest=order.code, reason=WHY)
    assert held["operationsRequest"]["state"] == "HELD"
    assert jobs(held) == dict.fromkeys(("10045-20", "10045-30"), ("INTERRUPTED", "HELD", True))
    assert held["ledgerEvents"] == [{"type": "OPERATIONS_REQUEST_HELD"}]
    resumed = await api.do(
        "resumeOperationsRequest",
        JOBS + " resumed { code } standing { code }",
        by=Role.QUALITY,
        operationsRequest=order.code,
    )
    assert jobs(resumed) == dict.fromkeys(("10045-20", "10045-30"), ("RUNNING", None, False))
    assert resumed["resumed"] == [{"code": "10045-20"}, {"code": "10045-30"}]
    assert resumed["standing"] == []


async def test_a_job_that_was_paused_for_itself_does_not_go_on_with_the_order(api: Api) -> None:
    order = await running(api)
    await api.do("pauseJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[20])
    await api.do("suspendOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code)
    await api.do("pauseJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[30], held=True, reason=WHY)
    resumed = await api.do("resumeOperationsRequest", JOBS, by=Role.SUPERVISOR, operationsRequest=order.code)
    assert jobs(resumed) == {
        "10045-20": ("INTERRUPTED", "SUSPENDED", False),
        "10045-30": ("INTERRUPTED", "HELD", False),
    }


async def test_a_job_whose_machine_is_taken_meanwhile_stays_interrupted(api: Api) -> None:
    """COAT02 runs one job at a time: of two that were interrupted on different orders the later one finds it busy."""
    operator = await make_plant(api)
    first = await make_order(api, MIX, code="1", equipment_code="COAT02")
    second = await make_order(api, MIX, code="2", equipment_code="COAT02")
    await start(api, first, 20, operator)
    await api.do("suspendOperationsRequest", "", by=Role.SUPERVISOR, operationsRequest=first.code)
    await start(api, second, 20, operator)
    resumed = await api.do(
        "resumeOperationsRequest",
        JOBS + " standing { code }",
        by=Role.SUPERVISOR,
        operationsRequest=first.code,
    )
    assert resumed["operationsRequest"]["state"] == "RUNNING"
    assert jobs(resumed) == {"1-20": ("INTERRUPTED", "SUSPENDED", False)}
    assert resumed["standing"] == [{"code": "1-20"}]
    assert codes(await api.refused("resumeJobOrder", by=operator, jobOrder=first.jobs[20])) == ["EQUIPMENT_BUSY"]


async def test_no_job_begins_or_goes_on_in_an_order_that_stands_still(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await start(api, order, 20, operator)
    await api.do("suspendOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code)
    for command, seq in (("startJobOrder", 30), ("resumeJobOrder", 20)):
        errors = await api.refused(command, by=operator, jobOrder=order.jobs[seq])
        assert [(e["code"], e["message"]) for e in errors] == [
            ("INVALID_TRANSITION", "order 10045 is SUSPENDED; resume it first")
        ]
    data = await api.ask(
        "query($id: ID!) { readiness(jobOrder: $id) { blockers { code node { id } } } }",
        by=operator,
        id=order.jobs[30],
    )
    assert "INVALID_TRANSITION" in [blocker["code"] for blocker in data["readiness"]["blockers"]]


async def test_holding_needs_a_reason_and_the_version_that_was_seen(api: Api) -> None:
    order = await running(api)
    errors = await api.refused(
        "holdOperationsRequest", by=Role.SUPERVISOR, operationsRequest=order.code, expectedVersion=1
    )
    assert codes(errors) == ["VERSION_CONFLICT", "REASON_REQUIRED"]


async def place(api: Api, order: Order, severity: str = "MAJOR") -> Any:
    fields = "hold { number scope operationsRequest { code state } } ledgerEvents { type subjects { kind } }"
    return await api.do(
        "placeHold", fields, by=Role.OPERATOR, operationsRequest=order.code, severity=severity, reason=WHY
    )


async def test_a_hold_on_a_running_order_holds_it_until_quality_releases_it(api: Api) -> None:
    order = await running(api)
    placed = await place(api, order)
    assert placed["hold"] == {
        "number": "H-000001",
        "scope": "ORDER",
        "operationsRequest": {"code": "10045", "state": "HELD"},
    }
    assert [event["type"] for event in placed["ledgerEvents"]] == ["HOLD_PLACED", "OPERATIONS_REQUEST_HELD"]
    assert [subject["kind"] for subject in placed["ledgerEvents"][0]["subjects"]] == ["Hold", "OperationsRequest"]
    errors = await api.refused("resumeOperationsRequest", by=Role.SUPERVISOR, operationsRequest=order.code)
    assert [(e["code"], e["__typename"]) for e in errors] == [("ORDER_ON_HOLD", "LotOnHoldError")]
    released = await api.do(
        "releaseHold",
        "hold { operationsRequest { state holds { number releasedAt } } }",
        by=Role.QA,
        hold="HV1/H-000001",
    )
    shown = released["hold"]["operationsRequest"]
    assert shown["state"] == "HELD"
    assert [hold["number"] for hold in shown["holds"]] == ["H-000001"]
    assert shown["holds"][0]["releasedAt"] is not None
    await api.do("resumeOperationsRequest", "", by=Role.SUPERVISOR, operationsRequest=order.code)


async def test_a_hold_before_the_start_makes_the_order_wait(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    placed = await place(api, order, "MINOR")
    assert placed["hold"]["operationsRequest"]["state"] == "WAITING"
    document = "query($id: ID!) { readiness(jobOrder: $id) { blockers { code message node { __typename } } } }"
    data = await api.ask(document, by=operator, id=order.jobs[20])
    assert {
        "code": "ORDER_ON_HOLD",
        "message": "order 10045 is on hold: H-000001",
        "node": {"__typename": "Hold"},
    } in data["readiness"]["blockers"]
    assert codes(await api.refused("startJobOrder", by=operator, jobOrder=order.jobs[20])) == ["ORDER_ON_HOLD"]
    await api.do("releaseHold", "", by=Role.QUALITY, hold="HV1/H-000001")
    await start(api, order, 20, operator)


async def test_an_order_is_held_alone_with_a_reason_and_only_before_its_end(api: Api) -> None:
    order = await running(api)
    errors = await api.refused(
        "placeHold",
        by=Role.QUALITY,
        operationsRequest=order.code,
        range={"from": "0", "to": "1"},
        severity="MINOR",
        reason=WHY,
    )
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "operationsRequest"])]
    for seq in (20, 30):
        await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[seq])
    errors = await api.refused("placeHold", by=Role.QUALITY, operationsRequest=order.code, severity="MINOR")
    assert codes(errors) == ["REASON_REQUIRED", "INVALID_TRANSITION"]


async def test_a_held_order_takes_no_report_that_would_complete_it(api: Api) -> None:
    order = await running(api)
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[20])
    await place(api, order)
    run = f"{order.jobs[30]}-R1"
    await api.do("reportQuantity", "", by=Role.OPERATOR, jobResponse=run, good=amount("5", "MTR"))
    errors = await api.refused("stopJobOrder", by=Role.OPERATOR, jobOrder=order.jobs[30])
    assert codes(errors) == ["INVALID_TRANSITION"]
    assert errors[0]["path"] == ["input", "operationsRequest"]
