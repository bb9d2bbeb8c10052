"""What the guides show fits the schema, and what they say is sent works as it is written."""

import asyncio
from contextlib import aclosing
from typing import Any, cast

import pytest
from graphql import OperationDefinitionNode, OperationType, parse, validate
from graphql.execution.values import get_variable_values

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.schema import build_schema
from tests.api import Api
from tests.factories import b2mml
from tests.guides.pages import Example, examples, pages

FIRST, SHIFT = "first-plant.md", "front-end/examples.md"
EVERY = [example for page in pages() for example in examples(page)]
RUN = sorted({example.page for example in EVERY if example.role} - {FIRST, SHIFT})


@pytest.mark.parametrize("example", EVERY, ids=str)
def test_every_block_fits_the_schema_with_its_variables(example: Example) -> None:
    schema = build_schema()._schema
    document = parse(example.text)
    assert validate(schema, document) == []
    if example.variables is not None:
        [operation] = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        values = get_variable_values(schema, list(operation.variable_definitions or ()), example.variables)
        assert not isinstance(values, list), [error.message for error in values]
        named = {definition.variable.name.value for definition in operation.variable_definitions or ()}
        assert set(example.variables) <= named


async def play(api: Api, page: str) -> list[Any]:
    """Send the blocks of a page that say by whom, in order; returns their answers."""
    answers = []
    for example in examples(page):
        if example.role is not None:
            answers.append(await sent(api, example))
            refusals = {error["code"] for error in errors(answers[-1])}
            assert refusals == example.codes, (str(example), errors(answers[-1]))
    return answers


async def sent(api: Api, example: Example) -> Any:
    """The data of an answer; of a topic, its first event."""
    operation = parse(example.text).definitions[0]
    if cast(OperationDefinitionNode, operation).operation is not OperationType.SUBSCRIPTION:
        return await api.ask(example.text, by=Role(example.role), **(example.variables or {}))
    context = Context(api.plant, await api.actor(Role(example.role)))
    stream = await build_schema().subscribe(example.text, variable_values=example.variables, context_value=context)
    async with asyncio.timeout(10), aclosing(cast(Any, stream)) as events:
        event = await anext(events)
    assert not event.errors, (str(example), event.errors)
    return event.data


def errors(answer: Any) -> list[Any]:
    """Every userError anywhere in ``answer``."""
    if isinstance(answer, list):
        return [error for item in answer for error in errors(item)]
    if isinstance(answer, dict):
        return (answer.get("userErrors") or []) + [e for k, v in answer.items() if k != "userErrors" for e in errors(v)]
    return []


async def test_the_first_plant_stands_at_the_end_of_its_page(api: Api) -> None:
    *_, last = await play(api, FIRST)
    assert last["trace"]["completeness"] == {"complete": True}
    assert {n["item"]["key"]: n["contained"] for n in last["trace"]["nodes"]}["BINDER/B-1"] == {
        "value": "10",
        "uom": "KGM",
    }
    assert last["operationsRequest"] == {"state": "COMPLETED", "goodQuantity": {"value": "100", "uom": "KGM"}}


@pytest.mark.parametrize(
    "documents",
    [["process-20-packs.xml", "change-order.xml", "cancel-order.xml"], ["production-schedule-v0401.xml"]],
    ids=["by message", "V0401"],
)
async def test_the_documents_of_the_guide_are_taken_where_it_says(api: Api, documents: list[str]) -> None:
    await play(api, FIRST)
    await play(api, "erp.md")
    for name in documents:
        sender = {"sourceSystem": "ERP1"} if "V0401" in b2mml.example(name) else {}
        payload = await b2mml.submit_document(api, b2mml.example(name), **sender)
        assert (payload["message"]["state"], payload["duplicateOf"]) == ("APPLIED", None), (name, payload["results"])


@pytest.mark.parametrize("page", RUN)
async def test_a_page_goes_on_where_the_first_plant_ends(api: Api, page: str) -> None:
    await play(api, FIRST)
    assert await play(api, page)


async def test_the_shift_of_the_examples(api: Api) -> None:
    await play(api, FIRST)
    answers = {key: value for answer in await play(api, SHIFT) for key, value in answer.items()}
    [job] = answers["dispatchList"]
    assert job["readiness"] == {"ready": True, "blockers": []}
    assert [pick["item"]["key"] for proposal in job["materialProposals"] for pick in proposal["picks"]] == [
        "BINDER/B-1"
    ]
    assert answers["placeHold"]["hold"]["items"] == [{"key": "SLURRY/S-2", "status": "ON_HOLD"}]
    assert {node["item"]["key"] for node in answers["trace"]["nodes"]} >= {"SLURRY/S-1", "SLURRY/S-2"}
    assert answers["releaseHold"]["hold"]["items"][0]["status"] != "ON_HOLD"
