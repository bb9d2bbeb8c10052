"""A job ends when nothing is left pending; the last one completes its order."""

from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
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

STATE = (
    "jobOrder { state subState segmentRequirement { endedAt } request { state } } jobResponse { endedAt } "
    "ledgerEvents { type }"
)


async def test_pending_material_keeps_a_job_from_ending(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20])
    assert [(e["code"], e["__typename"]) for e in errors] == [("QUANTITY_NOT_CONSERVED", "QuantityError")]
    assert "7.44 KGM of RM-PVDF/PVDF-2219" in errors[0]["message"]


async def test_the_last_job_completes_the_order_and_frees_what_was_in_process(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, coat, "SLURRY-C", "SC-1", "399", by=operator)
    await produce(api, coat, lot("COIL-C", "CC-1", "1148", "MTR"), by=operator)
    api.clock.step(hours=4)
    first = await api.do("stopJobOrder", STATE, by=operator, jobOrder=order.jobs[20])
    assert first["jobOrder"] == {
        "state": "ENDED",
        "subState": "COMPLETED",
        "segmentRequirement": {"endedAt": "2026-02-16T09:00:00Z"},
        "request": {"state": "RUNNING"},
    }
    assert first["jobResponse"] == {"endedAt": "2026-02-16T09:00:00Z"}
    assert (await stock(api, "COIL-C", lot="CC-1"))["lifecycle"] == "IN_PROCESS"
    last = await api.do("stopJobOrder", STATE, by=operator, jobOrder=order.jobs[30])
    assert last["jobOrder"]["request"] == {"state": "COMPLETED"}
    assert [e["type"] for e in last["ledgerEvents"]] == [
        "JOB_ORDER_ENDED",
        "SEGMENT_REQUIREMENT_ENDED",
        "OPERATIONS_REQUEST_COMPLETED",
    ]
    for material, number in (("SLURRY-C", "SC-1"), ("COIL-C", "CC-1")):
        assert (await stock(api, material, lot=number))["lifecycle"] == "AVAILABLE"


async def test_an_ended_job_neither_ends_again_nor_takes_material(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    assert codes(await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20])) == ["INVALID_TRANSITION"]
    errors = await api.refused(
        "consumeMaterial",
        by=operator,
        jobResponse=run,
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
        quantity=amount("1", "KGM"),
    )
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_a_run_does_not_end_before_its_last_actual(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    api.clock.step(hours=2)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20], eventTime="2026-02-16T06:00:00Z")
    assert codes(errors) == ["TIME_ORDER_INVALID"]
