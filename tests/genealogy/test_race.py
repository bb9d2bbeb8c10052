"""Two clients want the last of a lot at the same moment."""

import asyncio
from typing import Any

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import receive
from tests.factories.materials import make_halvard

KEY = {"material": "RM-PVDF", "lot": "P-1"}
FIVE = {"value": "5", "uom": "KGM"}
SPLIT: tuple[str, dict[str, Any]] = ("splitLot", {"item": KEY, "children": [{"quantity": FIVE}]})
SCRAP: tuple[str, dict[str, Any]] = ("scrapItem", {"item": KEY, "quantity": FIVE, "reason": {"code": "X"}})
SAMPLE: tuple[str, dict[str, Any]] = ("takeSample", {"item": KEY, "quantity": FIVE})


@pytest.mark.parametrize("on_hand", ["5", "9.999999"])
@pytest.mark.parametrize("commands", [(SPLIT, SPLIT), (SPLIT, SCRAP), (SAMPLE, SCRAP)])
async def test_one_wins_and_one_is_told_that_too_little_is_left(
    api: Api, commands: tuple[tuple[str, dict[str, Any]], ...], on_hand: str
) -> None:
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", on_hand)
    by = await api.actor(Role.SUPERVISOR)

    async def run(command: str, input: dict[str, Any]) -> list[str]:
        name = command[0].upper() + command[1:]
        document = f"mutation($i: {name}Input!) {{ {command}(input: $i) {{ userErrors {{ code }} }} }}"
        data = await api.ask(document, by=by, i=input)
        return [error["code"] for error in data[command]["userErrors"]]

    answers = await asyncio.gather(*(run(*command) for command in commands))
    assert sorted(answers) == [[], ["INSUFFICIENT_QUANTITY"]]
    left = await api.ask("query($k: ItemKey!) { item(key: $k) { quantity { value } } }", by=by, k=KEY)
    assert left["item"]["quantity"]["value"] == ("0" if on_hand == "5" else "4.999999")
