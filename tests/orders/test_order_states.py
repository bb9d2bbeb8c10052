"""Orders and jobs move along their tables only; the tests are made from the tables (I27)."""

from typing import Any

import pytest

from mesgraph.access.policy import audience
from mesgraph.access.roles import Role
from mesgraph.orders.lifecycle import (
    JOB_STEPS,
    REQUEST_STEPS,
    SUB_STATES,
    Place,
    job_targets,
    places,
    request_targets,
    shown_place,
)
from mesgraph.orders.models import JobState, JobSubState, RequestState
from tests.api import Api
from tests.factories.orders import make_cathode, order, put_job, put_request, release, submit

REQUEST_COMMANDS = {
    "release": "releaseOperationsRequest",
    "cancel": "cancelOperationsRequest",
    "close": "closeOperationsRequest",
}
JOB_COMMANDS = {"permit": "permitJobOrder", "revoke start": "revokeStart"}


async def ask(api: Api, command: str, reference: str, key: str, role: Role) -> dict[str, Any]:
    result = await api.ask(
        f"mutation($key: ID!) {{ {command}(input: {{{reference}: $key}}) "
        "{ userErrors { code path ... on InvalidTransitionError { from allowed } } } }",
        by=role,
        key=key,
    )
    answer: dict[str, Any] = result[command]
    return answer


@pytest.mark.parametrize("trigger", [*REQUEST_COMMANDS, *JOB_COMMANDS])
def test_the_policy_names_the_roles_of_the_table(trigger: str) -> None:
    command = (REQUEST_COMMANDS | JOB_COMMANDS)[trigger]
    steps = [step for step in (*REQUEST_STEPS, *JOB_STEPS) if step.trigger == trigger]
    assert {step.who for step in steps} == {audience("Mutation", command)}


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


@pytest.mark.parametrize("trigger", REQUEST_COMMANDS)
async def test_an_order_takes_the_steps_of_its_table_and_no_others(api: Api, trigger: str) -> None:
    await make_cathode(api)
    [step] = [step for step in REQUEST_STEPS if step.trigger == trigger]
    role = sorted(step.who)[0]
    for number, state in enumerate(RequestState):
        await submit(api, order(f"T{number}"), message=f"BOD-{number}")
        key = f"HV1/T{number}"
        await put_request(api, key, state)
        answer = await ask(api, REQUEST_COMMANDS[trigger], "operationsRequest", key, role)
        if state in step.sources:
            assert answer["userErrors"] == [], state
            continue
        assert answer["userErrors"] == [
            {
                "code": "INVALID_TRANSITION",
                "path": ["input", "operationsRequest"],
                "from": state,
                "allowed": list(request_targets(state)),
            }
        ]


@pytest.mark.parametrize("trigger", JOB_COMMANDS)
async def test_a_job_takes_the_steps_of_its_table_and_no_others(api: Api, trigger: str) -> None:
    await make_cathode(api)
    await release(api)
    steps = [step for step in JOB_STEPS if step.trigger == trigger]
    role = sorted(steps[0].who)[0]
    for place in sorted(places(*JobState), key=shown_place):
        await put_job(api, "HV1/10041-10", *place)
        answer = await ask(api, JOB_COMMANDS[trigger], "jobOrder", "HV1/10041-10", role)
        if any(place in step.sources for step in steps):
            assert answer["userErrors"] == [], place
        else:
            assert answer["userErrors"] == [_refusal(place)]


def _refusal(place: Place) -> dict[str, Any]:
    return {
        "code": "INVALID_TRANSITION",
        "path": ["input", "jobOrder"],
        "from": shown_place(place),
        "allowed": [shown_place(target) for target in job_targets(place)],
    }


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
