"""Orders that end before their last step: completed short, or given up."""

from decimal import Decimal

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.orders.models import MaterialActual
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
    stock,
)
from tests.invariants.checks import broken_invariants

WHY = {"code": "NO_DEMAND"}
ORDER = (
    "operationsRequest { state segmentRequirements { seq startedAt endedAt } jobOrders { code state subState } } "
    "ledgerEvents { type payload }"
)


async def half_made(api: Api) -> Order:
    """A slurry lot of 800 kg is made, 399 kg of it are in the coater, nothing of them is a coil yet."""
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, coat, "SLURRY-C", "SC-1", "399", by=operator)
    return order


async def books_are_right(api: Api) -> None:
    assert await api.plant.database.read(broken_invariants) == []


async def pending(api: Api) -> Decimal:
    def total(session: Session) -> Decimal:
        return sum((actual.pending for actual in session.query(MaterialActual)), Decimal(0))

    return await api.plant.database.read(total)


async def test_completing_an_order_short_cancels_what_has_not_begun(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, order, 20, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    done = await api.do(
        "completeOperationsRequest", ORDER, by=Role.SUPERVISOR, operationsRequest=order.code, reason=WHY
    )
    assert done["operationsRequest"] == {
        "state": "COMPLETED",
        "segmentRequirements": [
            {"seq": 20, "startedAt": "2026-02-16T05:00:00Z", "endedAt": "2026-02-16T05:00:00Z"},
            {"seq": 30, "startedAt": None, "endedAt": None},
        ],
        "jobOrders": [
            {"code": "10045-20", "state": "ENDED", "subState": "COMPLETED"},
            {"code": "10045-30", "state": "CANCELLED", "subState": None},
        ],
    }
    [event] = done["ledgerEvents"]
    assert event["type"] == "OPERATIONS_REQUEST_COMPLETED"
    assert event["payload"]["jobs"] == [{"kind": "JobOrder", "key": "10045-30"}]
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["lifecycle"] == "AVAILABLE"


async def test_an_order_is_not_completed_over_jobs_that_have_begun(api: Api) -> None:
    order = await half_made(api)
    await api.do("pauseJobOrder", "", by=Role.OPERATOR, jobOrder=order.jobs[20])
    errors = await api.refused("completeOperationsRequest", by=Role.SUPERVISOR, operationsRequest=order.code)
    assert codes(errors) == ["REASON_REQUIRED", "INVALID_TRANSITION", "INVALID_TRANSITION"]
    assert [e["message"] for e in errors[1:]] == [
        "10045-20 is INTERRUPTED/SUSPENDED and has to be stopped or aborted first",
        "10045-30 is RUNNING and has to be stopped or aborted first",
    ]


async def test_aborting_an_order_ends_its_runs_and_scraps_what_is_in_process_and_pending(api: Api) -> None:
    order = await half_made(api)
    done = await api.do(
        "abortOperationsRequest",
        ORDER,
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="SCRAP",
        reason=WHY,
    )
    assert done["operationsRequest"]["state"] == "ABORTED"
    assert {(job["state"], job["subState"]) for job in done["operationsRequest"]["jobOrders"]} == {("ABORTED", None)}
    assert [event["type"] for event in done["ledgerEvents"]] == [
        "ITEMS_SCRAPPED",
        "SEGMENT_REQUIREMENT_ENDED",
        "SEGMENT_REQUIREMENT_ENDED",
        "ITEMS_SCRAPPED",
        "OPERATIONS_REQUEST_ABORTED",
    ]
    [scrapped, left] = [event["payload"]["inputs"] for event in done["ledgerEvents"] if "SCRAPPED" in event["type"]]
    assert [line["quantity"] for line in scrapped] == ["399"]
    assert [line["quantity"] for line in left] == ["401"]
    slurry = await stock(api, "SLURRY-C", lot="SC-1")
    assert (slurry["lifecycle"], slurry["quantity"]) == ("SCRAPPED", {"value": "0"})
    assert await pending(api) == 0
    await books_are_right(api)


async def test_items_in_process_of_an_aborted_order_may_go_into_quarantine(api: Api) -> None:
    order = await half_made(api)
    done = await api.do(
        "abortOperationsRequest",
        ORDER,
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="QUARANTINE",
        reason=WHY,
    )
    assert done["ledgerEvents"][-1]["payload"]["disposition"] == "QUARANTINE"
    slurry = await stock(api, "SLURRY-C", lot="SC-1")
    assert (slurry["lifecycle"], slurry["quantity"]) == ("QUARANTINE", {"value": "401"})
    assert await pending(api) == 0
    await books_are_right(api)


async def test_what_an_abort_scrapped_of_a_run_can_be_given_back(api: Api) -> None:
    order = await half_made(api)
    done = await api.do(
        "abortOperationsRequest",
        "ledgerEvents { eventId type }",
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="QUARANTINE",
        reason=WHY,
    )
    scrap = next(event["eventId"] for event in done["ledgerEvents"] if event["type"] == "ITEMS_SCRAPPED")
    await api.do("reverseEvent", "", by=Role.SUPERVISOR, event=scrap, reason={"code": "STILL_USABLE"})
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["quantity"] == {"value": "800"}
    assert await pending(api) == 0
    await books_are_right(api)


async def test_an_abort_needs_a_reason_and_comes_after_the_last_actual(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    api.clock.step(hours=2)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    errors = await api.refused(
        "abortOperationsRequest",
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="SCRAP",
        eventTime="2026-02-16T06:00:00Z",
    )
    assert codes(errors) == ["REASON_REQUIRED", "TIME_ORDER_INVALID"]


async def test_nothing_is_reported_on_an_aborted_order(api: Api) -> None:
    order = await half_made(api)
    await api.do(
        "abortOperationsRequest",
        "",
        by=Role.SUPERVISOR,
        operationsRequest=order.code,
        disposition="SCRAP",
        reason=WHY,
    )
    run = f"{order.jobs[30]}-R1"
    errors = await api.refused("reportQuantity", by=Role.OPERATOR, jobResponse=run, good=amount("1", "MTR"))
    assert codes(errors) == ["INVALID_TRANSITION"]
