"""Messages that name the same orders at once: each is answered, and the last revision stands (I38)."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.b2mml import document, request, submit_document
from tests.factories.orders import make_cathode, order, quantity, submit
from tests.invariants.checks import broken_invariants

MESSAGES = 8
ORDERS = ("10041", "10042")
Send = Callable[[Api, int], Awaitable[list[str]]]


def _named(revision: int) -> tuple[str, ...]:
    return ORDERS if revision % 2 else ORDERS[::-1]


def _length(revision: int) -> str:
    """What each revision asks for, in metres: a coil more than the one before."""
    return str(1148 * revision)


async def by_command(api: Api, revision: int) -> list[str]:
    wanted = quantity(_length(revision), "MTR")
    orders = [order(code, revision=revision, quantity=wanted, state="RELEASED") for code in _named(revision)]
    return [result["outcome"] for result in await submit(api, *orders, message=f"BOD-{revision}")]


async def by_document(api: Api, revision: int) -> list[str]:
    orders = [
        request(code, version=revision, quantity=_length(revision), state="Released") for code in _named(revision)
    ]
    payload = await submit_document(api, document(*orders, message=f"BOD-{revision}"))
    return [result["outcome"] for result in payload["results"]]


@pytest.mark.parametrize("send", [by_command, by_document])
async def test_messages_of_the_same_orders_wait_for_each_other(api: Api, send: Send) -> None:
    await make_cathode(api)
    await api.actor(Role.ERP)
    answers = await asyncio.gather(*(send(api, revision) for revision in range(1, MESSAGES + 1)))
    outcomes = [outcome for answer in answers for outcome in answer]
    assert outcomes.count("ACCEPTED") == len(ORDERS)
    assert set(outcomes) <= {"ACCEPTED", "UPDATED", "STALE"}
    assert answers[-1] in (["UPDATED"] * len(ORDERS), ["ACCEPTED"] * len(ORDERS))
    asked = "query($key: ID!) { operationsRequest(key: $key) { state externalRevision quantity { value } } }"
    for code in ORDERS:
        stored = (await api.ask(asked, by=Role.ERP, key=f"HV1/{code}"))["operationsRequest"]
        assert (stored["externalRevision"], stored["quantity"]["value"]) == (MESSAGES, _length(MESSAGES))
        assert stored["state"] in ("WAITING", "READY")
    assert await api.plant.database.read(broken_invariants) == []
