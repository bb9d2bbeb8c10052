"""Orders that come to their end, and what waits for other systems because of it."""

from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.execution import Order, Step, make_order
from tests.patience import eventually

STEPS = (Step(20, "SLURRY-C"), Step(30, "COIL-C"))
TRIGGERS = ["SEGMENT_ENDED", "SEGMENT_ENDED", "ORDER_COMPLETED", "ORDER_CLOSED"]
"""What an order of these steps is told of, in order."""

MESSAGES = """
query($filter: OutboundMessageFilter) { outboundMessages(filter: $filter) { nodes {
  messageId trigger state attempts lastError document sentAt acknowledgedAt
  operationsRequest { code } destination { code breaker failures lastError }
} } }
"""


async def destination(api: Api, code: str = "ERP1", **more: Any) -> dict[str, Any]:
    """A destination; returns the payload."""
    return await api.do(
        "registerDestination",
        "destination { code kind url active breaker site { code } sourceSystem } secret",
        by=Role.ADMIN,
        **{"code": code, "kind": "CONNECTOR", **more},
    )


async def play(api: Api, code: str = "10045") -> Order:
    """An order from its first job to its close."""
    order = await make_order(api, *STEPS, code=code)
    for job in order.jobs.values():
        await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=job)
        await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=job)
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, operationsRequest=order.code)
    return order


async def messages(api: Api, **filter: Any) -> list[dict[str, Any]]:
    """What was written, the oldest first."""
    found: list[dict[str, Any]] = (await api.ask(MESSAGES, by=Role.ERP, filter=filter))["outboundMessages"]["nodes"]
    return found


async def written(api: Api, count: int, **filter: Any) -> list[dict[str, Any]]:
    """The messages, as soon as there are so many."""
    return await eventually(lambda: messages(api, **filter), lambda found: len(found) == count)
