"""Clients of several makers look at a board, send commands, and follow a topic over a cut line."""

import asyncio
from contextlib import aclosing
from typing import Any

import pytest
from gql import Client, gql
from gql.transport.exceptions import TransportConnectionFailed
from gql.transport.httpx import HTTPXAsyncTransport
from gql.transport.websockets import WebsocketsTransport

from tests.clients.peers import told
from tests.kit.served import Served

BOARD = "query ($e: ID!) { systemStatus { cursor } dispatchList(equipment: $e) { code state } }"
TOPIC = "subscription ($after: Cursor) { jobOrderChanged(after: $after) { cursor event { type } } }"


def plain(value: Any) -> Any:
    """``value`` without the names of types that some clients ask for on their own."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key != "__typename"}
    return [plain(item) for item in value] if isinstance(value, list) else value


def check(journey: dict[str, Any]) -> None:
    """What every client must have seen."""
    journey = plain(journey)
    assert journey["board"] == [{"code": "10045-20", "state": "ALLOWED_TO_START"}]
    running = {"code": "10045-20", "state": "RUNNING"}
    assert journey["started"]["jobOrder"] == running
    assert journey["started"]["userErrors"] == []
    [error] = journey["refused"]["userErrors"]
    assert journey["refused"]["jobOrder"] is None
    assert (error["code"], error["path"], error["from"]) == ("INVALID_TRANSITION", ["input", "jobOrder"], "RUNNING")
    assert journey["repeated"]["replayed"] is True
    assert journey["connections"] == 2
    # when it could start is told, too, and on a busy machine only after the client came
    types = [event["type"] for event in journey["seen"] if event["type"] != "JOB_ORDER_READINESS_CHANGED"]
    assert types == ["JOB_ORDER_STARTED", "JOB_ORDER_PAUSED", "JOB_ORDER_RESUMED", "JOB_ORDER_PAUSED"]
    places = [int(event["cursor"].partition("-")[2]) for event in journey["seen"]]
    assert places == sorted(set(places)), "in order, each once"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("client", ["graphql_ws.js", "urql.js", "apollo.js"])
async def test_a_client_of_npm(shop: tuple[Served, str], client: str) -> None:
    server, key = shop
    check(await told(client, server.address, key))


async def test_the_python_client_gql(shop: tuple[Served, str]) -> None:
    server, key = shop
    check(await journey(server, {"Authorization": f"Bearer {key}"}))


async def journey(server: Served, headers: dict[str, str]) -> dict[str, Any]:
    http = HTTPXAsyncTransport(url=f"http://{server.address}/graphql", headers=headers)
    async with Client(transport=http) as asking:

        async def run(name: str, key: str) -> Any:
            document = gql(
                f'mutation ($key: String!) {{ {name}(input: {{jobOrder: "HV1/10045-20", idempotencyKey: $key}}) {{ '
                "jobOrder { code state } replayed "
                "userErrors { code path ... on InvalidTransitionError { from } } } }"
            )
            document.variable_values = {"key": key}
            return (await asking.execute(document))[name]

        document = gql(BOARD)
        document.variable_values = {"e": "HV1/COAT01"}
        board = await asking.execute(document)
        seen: list[dict[str, Any]] = []

        async def hear(until: int) -> None:
            """Follow from the last cursor until so many events were seen; then the line is cut."""
            topic = gql(TOPIC)
            topic.variable_values = {"after": seen[-1]["cursor"] if seen else board["systemStatus"]["cursor"]}
            socket = WebsocketsTransport(url=f"ws://{server.address}/graphql", init_payload=headers)
            async with Client(transport=socket) as following:
                try:
                    async with aclosing(following.subscribe(topic)) as events:
                        async for data in events:
                            event = data["jobOrderChanged"]
                            seen.append({"cursor": event["cursor"], "type": event["event"]["type"]})
                            if len(seen) == until:
                                connection = socket.adapter.websocket
                                assert connection is not None
                                connection.transport.abort()
                except TransportConnectionFailed:
                    pass

        listening = asyncio.create_task(hear(1))
        started = await run("startJobOrder", "start")
        await listening
        refused = await run("startJobOrder", "start-again")
        repeated = await run("startJobOrder", "start")
        await run("pauseJobOrder", "pause")
        await run("resumeJobOrder", "resume")
        listening = asyncio.create_task(hear(4))
        await run("pauseJobOrder", "pause-2")
        await listening
    return {
        "board": board["dispatchList"],
        "started": started,
        "refused": refused,
        "repeated": repeated,
        "seen": seen,
        "connections": 2,
    }
