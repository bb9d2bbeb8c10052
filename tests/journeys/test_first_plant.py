"""The guide to a first plant works as it is written."""

import re
from pathlib import Path
from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api

PAGE = Path(__file__).parents[2] / "docs/first-plant.md"
BLOCK = re.compile(r"```graphql\n# as (\w+)\n(.*?)```", re.DOTALL)


async def test_every_request_of_the_page_is_done(api: Api) -> None:
    answers = [await api.ask(document, by=Role(role)) for role, document in BLOCK.findall(PAGE.read_text())]
    assert [error for answer in answers[:-1] for error in errors(answer)] == []
    *_, last = answers
    assert last["trace"]["completeness"] == {"complete": True}
    assert {n["item"]["key"]: n["contained"] for n in last["trace"]["nodes"]}["BINDER/B-1"] == {
        "value": "10",
        "uom": "KGM",
    }
    assert last["operationsRequest"] == {"state": "COMPLETED", "goodQuantity": {"value": "100", "uom": "KGM"}}


def errors(answer: Any) -> list[Any]:
    """Every userError anywhere in ``answer``."""
    if isinstance(answer, list):
        return [error for item in answer for error in errors(item)]
    if isinstance(answer, dict):
        return answer.get("userErrors", []) + [e for k, v in answer.items() if k != "userErrors" for e in errors(v)]
    return []
