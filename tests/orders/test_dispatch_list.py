"""What a work unit does next, the lists of orders and jobs, and following them live."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.orders.models import JobState, JobSubState
from mesgraph.schema import build_schema
from tests.api import Api
from tests.factories.orders import make_cathode, order, put_job, release, submit

LIST = "query($unit: ID!, $horizon: Duration) { dispatchList(equipment: $unit, horizon: $horizon) { code } }"


async def dispatched(api: Api, unit: str, **more: Any) -> list[str]:
    data = await api.ask(LIST, by=Role.OPERATOR, unit=unit, **more)
    return [job["code"] for job in data["dispatchList"]]


async def test_the_most_urgent_job_comes_first(api: Api) -> None:
    await make_cathode(api)
    await release(api, "late", dueAt="2026-02-20T00:00:00Z")
    await release(api, "never")
    await release(api, "soon", dueAt="2026-02-18T00:00:00Z")
    await release(api, "again", dueAt="2026-02-18T00:00:00Z")
    await release(api, "first", priority=90)
    assert await dispatched(api, "HV1/WB01") == ["first-10", "soon-10", "again-10", "late-10", "never-10"]


async def test_a_unit_sees_its_own_jobs_and_those_that_it_could_take(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    await release(api, "B")
    await api.do("assignJobOrder", "", by=Role.SUPERVISOR, jobOrder="HV1/B-30", equipment="HV1/COAT02")
    assert await dispatched(api, "HV1/COAT01") == ["A-30"]
    assert await dispatched(api, "HV1/COAT02") == ["A-30", "B-30"]
    assert await dispatched(api, "HV2/PA01") == []


async def test_what_is_over_is_not_listed(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    await put_job(api, "HV1/A-10", JobState.RUNNING, None)
    assert await dispatched(api, "HV1/WB01") == ["A-10"]
    await put_job(api, "HV1/A-10", JobState.ENDED, JobSubState.COMPLETED)
    assert await dispatched(api, "HV1/WB01") == []


async def test_a_horizon_leaves_out_what_is_planned_later(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    assert await dispatched(api, "HV1/CAL01", horizon="PT5H") == []
    assert await dispatched(api, "HV1/CAL01", horizon="PT6H") == ["A-40"]


async def test_the_jobs_of_a_list_are_shown_with_their_readiness(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    data = await api.ask(
        '{ dispatchList(equipment: "HV1/MIX01") { code priority subState segmentRequirement { segment { name } '
        "request { code } } readiness { ready blockers { code } } jobResponse { code } } }",
        by=Role.OPERATOR,
    )
    [job] = data["dispatchList"]
    assert job["segmentRequirement"] == {"segment": {"name": "MIX-C"}, "request": {"code": "A"}}
    assert job["readiness"]["ready"] is False
    assert {blocker["code"] for blocker in job["readiness"]["blockers"]} == {
        "INSUFFICIENT_QUANTITY",
        "SEGMENT_DEPENDENCY_UNMET",
    }


async def test_orders_and_jobs_are_listed_by_what_is_wanted(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    await submit(api, order("B"), message="BOD-B")
    data = await api.ask(
        '{ forecast: operationsRequests(filter: {site: "HV1", state: FORECAST, product: "COIL-C"}) { nodes { code } } '
        'jobs: jobOrders(filter: {request: "HV1/A", equipment: "HV1/WB01", state: ALLOWED_TO_START}) '
        "{ nodes { code } totalCount } "
        'none: operationsRequest(key: "HV1/Z") { code } job: jobOrder(id: "HV1/A-20") { code } }',
        by=Role.VIEWER,
    )
    assert data == {
        "forecast": {"nodes": [{"code": "B"}]},
        "jobs": {"nodes": [{"code": "A-10"}], "totalCount": 1},
        "none": None,
        "job": {"code": "A-20"},
    }


async def test_orders_of_other_sites_do_not_exist(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    elsewhere = await api.actor(Role.PLANNER, site="HV2")
    data = await api.ask(
        '{ operationsRequests { nodes { code } } operationsRequest(key: "HV1/A") { code } '
        "jobOrders { nodes { code } } }",
        by=elsewhere,
    )
    assert data == {"operationsRequests": {"nodes": []}, "operationsRequest": None, "jobOrders": {"nodes": []}}
    errors = await api.refused("releaseOperationsRequest", by=elsewhere, operationsRequest="HV1/A")
    assert [error["code"] for error in errors] == ["NOT_FOUND"]


# --- live


async def follow(api: Api, document: str) -> AsyncIterator[dict[str, Any]]:
    context = Context(api.plant, await api.actor(Role.OPERATOR))
    answers: Any = await build_schema().subscribe(document, context_value=context)
    async with aclosing(answers):
        async for answer in answers:
            assert not answer.errors, answer.errors
            yield answer.data


async def take(topic: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    return [await asyncio.wait_for(anext(topic), 10) for _ in range(count)]


async def test_everything_that_happens_to_a_job_is_told_in_order(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    await release(api, "B")
    await api.do("revokeStart", "", by=Role.SUPERVISOR, jobOrder="HV1/B-10")
    document = """subscription { jobOrderChanged(scope: {site: "HV1", equipment: "HV1/WB01", order: "HV1/B"},
        after: "c1-0") { event { type } jobOrder { code } } }"""
    async with aclosing(follow(api, document)) as topic:
        seen = [data["jobOrderChanged"] for data in await take(topic, 3)]
    assert seen == [
        {"event": {"type": word}, "jobOrder": {"code": "B-10"}}
        for word in ("OPERATIONS_REQUEST_RELEASED", "JOB_ORDER_READINESS_CHANGED", "JOB_ORDER_START_REVOKED")
    ]


async def test_everything_that_happens_to_an_order_is_told_in_order(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A")
    await release(api, "B")
    document = """subscription { operationsRequestChanged(scope: {order: "HV1/B"}, after: "c1-0") {
        event { type } operationsRequest { code } } }"""
    async with aclosing(follow(api, document)) as topic:
        seen = [data["operationsRequestChanged"]["event"]["type"] for data in await take(topic, 3)]
    assert seen == [
        "OPERATIONS_REQUEST_SUBMITTED",
        "OPERATIONS_REQUEST_RELEASED",
        "OPERATIONS_REQUEST_READINESS_CHANGED",
    ]
