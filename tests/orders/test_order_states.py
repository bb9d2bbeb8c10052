"""Orders and jobs move along their tables only; the tests are made from the tables (I27)."""

from mesgraph.access.roles import Role
from mesgraph.orders.lifecycle import (
    JOB_STEPS,
    REQUEST_STEPS,
    SUB_STATES,
    JobStep,
    Place,
    RequestStep,
    job_targets,
    places,
    request_targets,
    shown_place,
)
from mesgraph.orders.models import JobState, JobSubState, RequestState
from tests.api import Api
from tests.factories.execution import MIX, make_order, make_plant
from tests.factories.orders import make_cathode, put_job, put_request, release
from tests.factories.states import jobs_in, make_any_plant, orders_in
from tests.transitions import Row, Table, Verb, check_refusals, check_steps, policy_differences

WHY = {"reason": {"code": "TEST"}}
HELD, SUSPENDED = (JobState.INTERRUPTED, JobSubState.HELD), (JobState.INTERRUPTED, JobSubState.SUSPENDED)


def rows(steps: tuple[RequestStep, ...] | tuple[JobStep, ...]) -> list[Row]:  # type: ignore[type-arg]
    return [Row(step.sources, step.target, step.trigger, step.who) for step in steps]


REQUESTS: Table[RequestState] = Table(
    states=list(RequestState),
    rows=rows(REQUEST_STEPS),
    verbs=[
        Verb("releaseOperationsRequest", "release"),
        Verb("holdOperationsRequest", "hold", WHY),
        Verb("suspendOperationsRequest", "suspend"),
        Verb("resumeOperationsRequest", "resume"),
        Verb("completeOperationsRequest", "complete", WHY),
        Verb("cancelOperationsRequest", "cancel"),
        Verb("abortOperationsRequest", "abort", {**WHY, "disposition": "SCRAP"}),
        Verb("closeOperationsRequest", "close"),
    ],
    reference="operationsRequest",
    query="query($key: ID!) { thing: operationsRequest(key: $key) { state } }",
)
JOBS: Table[Place] = Table(
    states=sorted(places(*JobState), key=shown_place),
    rows=rows(JOB_STEPS),
    verbs=[
        Verb("permitJobOrder", "permit"),
        Verb("revokeStart", "revoke start"),
        Verb("startJobOrder", "start"),
        Verb("pauseJobOrder", "pause", {**WHY, "held": True}, to=HELD),
        Verb("pauseJobOrder", "pause", {"held": False}, to=SUSPENDED),
        Verb("resumeJobOrder", "resume"),
        Verb("stopJobOrder", "stop"),
        Verb("cancelJobOrder", "cancel"),
        Verb("abortJobOrder", "abort", WHY),
        Verb("rerouteJobOrder", "reroute"),
    ],
    reference="jobOrder",
    shown=shown_place,
    query="query($key: ID!) { thing: jobOrder(id: $key) { state subState } }",
    state_in=lambda data: "/".join(word for word in data["thing"].values() if word),
)


def test_the_policy_names_the_roles_of_the_tables() -> None:
    assert policy_differences(REQUESTS) == []
    assert policy_differences(JOBS) == []


async def test_an_order_refuses_every_step_that_its_table_does_not_have(api: Api) -> None:
    await make_any_plant(api)
    assert await check_refusals(api, REQUESTS, orders_in) == 8 * 11 - 15


async def test_an_order_takes_every_step_of_its_table_from_everyone_it_names(api: Api) -> None:
    await make_any_plant(api)
    assert await check_steps(api, REQUESTS, orders_in)


async def test_a_job_refuses_every_step_that_its_table_does_not_have(api: Api) -> None:
    await make_any_plant(api)
    assert await check_refusals(api, JOBS, jobs_in)


async def test_a_job_takes_every_step_of_its_table_from_everyone_it_names(api: Api) -> None:
    await make_any_plant(api)
    assert await check_steps(api, JOBS, jobs_in)


def test_every_state_can_be_reached_and_left_or_is_an_end() -> None:
    ends = {state for state in RequestState if not request_targets(state)}
    assert ends == {RequestState.CANCELLED, RequestState.CLOSED}
    reached = {step.target for step in REQUEST_STEPS} | {RequestState.FORECAST}
    assert reached == set(RequestState)
    assert {place for place in places(*JobState) if not job_targets(place)} == {
        (JobState.ENDED, JobSubState.CLOSED),
        (JobState.ABORTED, None),
        (JobState.CANCELLED, None),
    }


def test_every_step_of_a_job_stays_within_the_known_sub_states() -> None:
    assert set(SUB_STATES) == set(JobState)
    for step in JOB_STEPS:
        assert step.sources | {step.target} <= places(*JobState)


async def test_cancelling_an_order_cancels_its_jobs(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    payload = await api.do(
        "cancelOperationsRequest",
        "operationsRequest { state jobOrders { state subState } }",
        by=Role.ERP,
        operationsRequest=key,
    )
    assert payload["operationsRequest"] == {
        "state": "CANCELLED",
        "jobOrders": [{"state": "CANCELLED", "subState": None}] * 5,
    }


async def test_closing_an_order_closes_its_jobs(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    await put_request(api, key, RequestState.COMPLETED)
    for seq in (10, 20, 30, 40, 50):
        await put_job(api, f"{key}-{seq}", JobState.ENDED, JobSubState.COMPLETED)
    payload = await api.do(
        "closeOperationsRequest",
        "operationsRequest { state jobOrders { state subState } }",
        by=Role.PLANNER,
        operationsRequest=key,
    )
    assert payload["operationsRequest"] == {
        "state": "CLOSED",
        "jobOrders": [{"state": "ENDED", "subState": "CLOSED"}] * 5,
    }


async def test_a_step_decided_on_another_version_is_refused(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    for command, reference, role in (
        ("cancelOperationsRequest", {"operationsRequest": key}, Role.PLANNER),
        ("permitJobOrder", {"jobOrder": f"{key}-10"}, Role.PLANNER),
        ("assignJobOrder", {"jobOrder": f"{key}-10"}, Role.SUPERVISOR),
    ):
        errors = await api.refused(command, by=role, expectedVersion=99, **reference)
        assert errors[0]["code"] == "VERSION_CONFLICT"


async def test_a_refusal_of_a_job_says_why_in_words(api: Api) -> None:
    await make_plant(api)
    order = await make_order(api, MIX)
    said = {
        command: (await api.refused(command, by=by, jobOrder=order.jobs[20]))[0]["message"]
        for command, by in [
            ("permitJobOrder", Role.SUPERVISOR),
            ("stopJobOrder", Role.OPERATOR),
            ("resumeJobOrder", Role.SUPERVISOR),
        ]
    }
    assert said == {
        "permitJobOrder": "10045-20 is ALLOWED_TO_START/READY and permitted already",
        "stopJobOrder": "10045-20 is ALLOWED_TO_START/READY and has not begun: start it first (startJobOrder)",
        "resumeJobOrder": "10045-20 is ALLOWED_TO_START/READY and has not begun: start it first (startJobOrder)",
    }
