"""Activities as they are recorded."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.schema import build_schema
from tests.api import Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import make_halvard

TOPIC = """subscription($root: ItemKey, $after: Cursor) { genealogyAppended(root: $root, after: $after) {
    cursor genealogyEvent { kind outputs { item { key } } } } }"""


async def subscribe(api: Api, **variables: Any) -> AsyncIterator[Any]:
    context = Context(api.plant, await api.actor(Role.VIEWER))
    answers: Any = await build_schema().subscribe(TOPIC, variable_values=variables, context_value=context)
    async with aclosing(answers):
        async for answer in answers:
            assert not answer.errors, answer.errors
            yield answer.data["genealogyAppended"]


async def made_by(topic: AsyncIterator[Any], count: int) -> list[list[str]]:
    """The outputs of the next activities."""
    messages = [await asyncio.wait_for(anext(topic), 5) for _ in range(count)]
    return [[line["item"]["key"] for line in m["genealogyEvent"]["outputs"]] for m in messages]


async def test_a_trace_is_followed_as_it_grows_and_from_any_place(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    start = str(api.plant.tail.cursor)
    async with aclosing(subscribe(api, root={"material": "RM-PVDF", "lot": "P-1"}, after="c1-0")) as topic:
        assert await made_by(topic, 1) == [["RM-PVDF/P-1"]]
        await receive(api, "RM-CB", "OTHER", "1")
        await transform(api, [("RM-PVDF/P-1", "1")], [("SLURRY-C", "S-1", "1")])
        await transform(api, [("SLURRY-C/S-1", "1")], [("CELL-105", "HC1", "1")])
        assert await made_by(topic, 2) == [["SLURRY-C/S-1"], ["CELL-105/HC1"]]
    async with aclosing(subscribe(api, after=start)) as everything:
        assert ["RM-CB/OTHER"] in await made_by(everything, 3)


async def test_who_comes_back_is_told_what_those_who_stayed_were_told(api: Api) -> None:
    """A lot is watched before and after something is made from it that was made from another one, too."""
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    await receive(api, "RM-CB", "B-1", "25")
    start = str(api.plant.tail.cursor)
    root = {"material": "SLURRY-C", "lot": "S-1"}
    await transform(api, [("RM-CB/B-1", "1")], [("SLURRY-C", "S-0", "1")])  # not yet in the trace of S-1
    await transform(api, [("RM-PVDF/P-1", "1")], [("SLURRY-C", "S-1", "1")])
    stayed, other = subscribe(api, root=root, after=start), subscribe(api, root=root, after=start)
    async with aclosing(stayed), aclosing(other):
        seen = [await made_by(stayed, 1), await made_by(other, 1)]
        assert seen == [[["SLURRY-C/S-1"]]] * 2
        await transform(api, [("SLURRY-C/S-1", "1"), ("SLURRY-C/S-0", "1")], [("CELL-105", "HC1", "1")])
        await transform(api, [("RM-CB/B-1", "1")], [("SLURRY-C", "S-2", "1")])  # S-1 has nothing of it
        await transform(api, [("CELL-105/HC1", "1")], [("CELL-105", "HC2", "1")])
        news = [["CELL-105/HC1"], ["CELL-105/HC2"]]
        assert [await made_by(stayed, 2), await made_by(other, 2)] == [news] * 2
    async with aclosing(subscribe(api, root=root, after=start)) as back:
        assert await made_by(back, 3) == [["SLURRY-C/S-1"], *news]
