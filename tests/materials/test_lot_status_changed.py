"""The live topic of items."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.materials.models import Lifecycle
from mesgraph.schema import build_schema
from tests.api import Api
from tests.factories.materials import make_halvard, make_item, pvdf_2219

FOLLOW = """subscription($scope: ItemScopeInput, $after: Cursor) { lotStatusChanged(scope: $scope, after: $after) {
  cursor event { type } item { key status } } }"""


@asynccontextmanager
async def following(api: Api, by: Any = Role.VIEWER, **variables: Any) -> AsyncIterator[Any]:
    """A function that waits for the next message."""
    context = Context(api.plant, await api.actor(by) if isinstance(by, Role) else by)
    stream: Any = await build_schema().subscribe(FOLLOW, variable_values=variables, context_value=context)

    async def message() -> dict[str, Any]:
        result = await asyncio.wait_for(anext(stream), 5)
        assert not result.errors, result.errors
        changed: dict[str, Any] = result.data["lotStatusChanged"]
        return changed

    yield message
    await stream.aclose()


async def make_and_hold(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    items = [{"id": "RM-PVDF/PVDF-2219"}, {"id": "RM-CB/CB-1"}]
    reason = {"code": "SUPPLIER_NOTICE"}
    await api.do("placeHold", "", by=Role.QUALITY, items=items, severity="MINOR", reason=reason)
    await api.do("releaseLot", "", by=Role.QA, item={"id": "RM-CB/CB-1"})


async def test_every_item_of_an_event_makes_a_message_and_a_resumed_topic_loses_none(api: Api) -> None:
    await make_and_hold(api)
    async with following(api, after="c1-0") as message:
        seen = [await message() for _ in range(3)]
    assert [(m["event"]["type"], m["item"]["key"]) for m in seen] == [
        ("HOLD_PLACED", "RM-PVDF/PVDF-2219"),
        ("HOLD_PLACED", "RM-CB/CB-1"),
        ("LOT_RELEASED", "RM-CB/CB-1"),
    ]
    assert [m["item"]["status"] for m in seen] == ["ON_HOLD"] * 3
    async with following(api, after=seen[0]["cursor"]) as message:
        assert [await message(), await message()] == seen[:2]
    async with following(api, after=seen[1]["cursor"]) as message:
        assert await message() == seen[2]


async def test_a_topic_follows_one_material(api: Api) -> None:
    await make_and_hold(api)
    async with following(api, after="c1-0", scope={"material": "RM-CB", "site": "HV1"}) as message:
        assert [(await message())["event"]["type"] for _ in range(2)] == ["HOLD_PLACED", "LOT_RELEASED"]


async def test_a_topic_on_a_material_that_does_not_exist_is_refused(api: Api) -> None:
    context = Context(api.plant, await api.actor(Role.VIEWER))
    stream: Any = await build_schema().subscribe(
        FOLLOW, variable_values={"scope": {"material": "NONE"}}, context_value=context
    )
    result = await anext(stream)
    assert result.errors[0].extensions["code"] == "NOT_FOUND"
