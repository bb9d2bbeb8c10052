"""A running job is interrupted, by choice or by a condition, and goes on."""

from datetime import timedelta

from tests.api import START, Api
from tests.factories.execution import MIX, amount, codes, make_order, make_plant, receive, start

STATE = "jobOrder { state subState } jobResponse { code }"


async def test_a_pause_is_suspended_by_choice_and_held_by_a_condition(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await start(api, order, 20, operator)
    chosen = await api.do("pauseJobOrder", STATE, by=operator, jobOrder=order.jobs[20])
    assert chosen["jobOrder"] == {"state": "INTERRUPTED", "subState": "SUSPENDED"}
    forced = await api.do(
        "pauseJobOrder", STATE, by=operator, jobOrder=order.jobs[20], held=True, reason={"code": "OVEN_HOT"}
    )
    assert forced["jobOrder"] == {"state": "INTERRUPTED", "subState": "HELD"}
    again = await api.do("resumeJobOrder", STATE, by=operator, jobOrder=order.jobs[20])
    assert again == {
        "jobOrder": {"state": "RUNNING", "subState": None},
        "jobResponse": {"code": "10045-20-R1"},
        "replayed": False,
        "userErrors": [],
    }


async def test_held_needs_a_reason(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await start(api, order, 20, operator)
    errors = await api.refused("pauseJobOrder", by=operator, jobOrder=order.jobs[20], held=True)
    assert codes(errors) == ["REASON_REQUIRED"]


async def test_only_what_runs_can_be_paused_and_only_what_is_interrupted_resumed(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    assert codes(await api.refused("pauseJobOrder", by=operator, jobOrder=order.jobs[20])) == ["INVALID_TRANSITION"]
    assert codes(await api.refused("resumeJobOrder", by=operator, jobOrder=order.jobs[20])) == ["INVALID_TRANSITION"]
    await start(api, order, 20, operator)
    assert codes(await api.refused("resumeJobOrder", by=operator, jobOrder=order.jobs[20])) == ["INVALID_TRANSITION"]


async def test_an_interrupted_job_takes_no_material(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await api.do("pauseJobOrder", "", by=operator, jobOrder=order.jobs[20])
    errors = await api.refused(
        "consumeMaterial",
        by=operator,
        jobResponse=run,
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
        quantity=amount("1", "KGM"),
    )
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_a_job_is_not_paused_before_it_began_nor_resumed_before_it_was_paused(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    api.clock.step(minutes=10)
    await start(api, order, 20, operator)
    api.clock.step(minutes=50)

    def at(minutes: int) -> dict[str, str]:
        return {"jobOrder": order.jobs[20], "eventTime": (START + timedelta(minutes=minutes)).isoformat()}

    for verb, too_early, possible in (
        ("pauseJobOrder", 9, 20),
        ("resumeJobOrder", 19, 30),
        ("pauseJobOrder", 29, 40),
        ("resumeJobOrder", 39, 50),
        ("stopJobOrder", 49, 60),
    ):
        errors = await api.refused(verb, by=operator, **at(too_early))
        assert codes(errors) == ["TIME_ORDER_INVALID"], verb
        await api.do(verb, "", by=operator, **at(possible))
