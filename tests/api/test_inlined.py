"""Values inside a document do not make it another one."""

import gc
import threading
from typing import Any

import pytest
from graphql import Token, parse

from mesgraph.access.roles import Role
from mesgraph.api.answer_size import written
from mesgraph.api.context import Context
from mesgraph.api.inlined import form_of, with_variables
from mesgraph.api.plan.plans import Plans
from mesgraph.api.prepared import Documents
from mesgraph.schema import build_schema
from tests.api import Api
from tests.security.two_plants import two_plants

ITEM = '{ item(key: {material: "RM-PVDF", lot: "%s"}) { key number quantity { value } } }'
PAGE = 'query P { materialLots(first: %d, filter: {keyPrefix: "RM", status: [AVAILABLE]}) { nodes { key } } }'


@pytest.mark.parametrize(
    ("text", "form", "values"),
    [
        ('{ a(b: "x", c: 7, d: -1.5) }', '{ a(b: "", c: 0, d: 0.0) }', ["x", 7, -1.5]),
        ('{ a1: a(b2: [1, 2], c: {d: "1"}) }', '{ a1: a(b2: [0, 0], c: {d: ""}) }', [1, 2, "1"]),
        ('{ a(b: "say 7") }', '{ a(b: "") }', ["say 7"]),
        ("{ a(b: [1-2]) }", "{ a(b: [0-2]) }", [1]),
    ],
)
def test_a_form_has_no_values(text: str, form: str, values: list[Any]) -> None:
    assert form_of(text) == (form, values)


@pytest.mark.parametrize(
    "text",
    [
        "{ a }",
        "{ a(b: TRUE, c: true, d: null) }",
        r'{ a(b: "with \"escapes\"") }',
        '{ a(b: """block""") }',
        '{ a(b: "x") } # "y"',
        "{ a(b: 12345678901234567890) }",
        "{ a(b: 04) }",
        '{ a(b: "x\ry") }',
    ],
)
def test_what_is_not_so_plain_is_read_as_it_is(text: str) -> None:
    found = form_of(text)
    assert found is None or found[1] == []


def test_values_become_variables_of_the_type_of_their_place() -> None:
    shared = with_variables(build_schema()._schema, parse(PAGE % 3))
    assert shared is not None
    assert "query P($_value0: Int!, $_value1: String!)" in shared
    assert "first: $_value0" in shared
    assert "keyPrefix: $_value1" in shared
    assert "AVAILABLE" in shared


@pytest.mark.parametrize(
    "text",
    [
        "query($n: Int = 5) { materialLots(first: $n) { nodes { key } } }",
        "query A { materialLots(first: 1) { nodes { key } } } query B { materialLots(first: 2) { nodes { key } } }",
    ],
)
def test_where_no_variable_can_stand_the_document_is_read_as_it_is(text: str) -> None:
    assert with_variables(build_schema()._schema, parse(text)) is None


def test_many_texts_of_one_form_are_validated_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first one as it is; the second one shows that the form comes again, and is read with variables."""
    documents, validated = Documents(build_schema()._schema), []
    prepare = documents._prepare
    monkeypatch.setattr(documents, "_prepare", lambda text, *of: (validated.append(text), prepare(text, *of))[1])
    for number in range(50):
        text = ITEM % f"L-{number}"
        formed = documents.formed(text)
        if formed is None:
            documents.prepared(text)
        else:
            assert formed[1] == {"_value0": "RM-PVDF", "_value1": f"L-{number}"}
    assert len(validated) == 3  # the first, the second, and the second with variables


async def test_answers_are_those_of_the_text_as_it_was_sent(api: Api) -> None:
    await two_plants(api)
    schema, by_plans = build_schema(), 0
    plans, actor = Plans(schema, api.plant.database), await api.actor(Role.PLANNER)
    for text in [*(ITEM % lot for lot in ("P-HV1", "P-HV2", "NONE", "P-HV1")), *(PAGE % n for n in (1, 2, 0, 501, 3))]:
        passed = schema.guard.passed(text, None, None, Context(api.plant, actor))
        answer = passed and await plans.answer(*passed, None, Context(api.plant, actor))
        reference = await schema.execute(text, context_value=Context(api.plant, actor))
        if answer is not None:
            by_plans += 1
            assert reference.errors is None
            assert answer.decode() == written({"data": reference.data})
    assert by_plans >= 4


def test_what_is_refused_is_validated_once_a_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans look at it, and graphql-core tells what is wrong with it."""
    documents, validated = Documents(build_schema()._schema), []
    prepare = documents._prepare
    monkeypatch.setattr(documents, "_prepare", lambda text, *of: (validated.append(text), prepare(text, *of))[1])
    for text in ("{ nothing }", "{ nothing }", "{ nowhere }", "{ nothing }"):
        errors = documents.prepared(text)
        assert isinstance(errors, list)
        assert text[2:-2] in errors[0].message
    assert validated == ["{ nothing }", "{ nowhere }"]


@pytest.mark.parametrize("text", ["{ sites { code name } }", "{ sites { code }", "{ sites { colour } }"])
def test_tokens_are_let_go_without_a_collection(text: str) -> None:
    """A collection that looks at every document stops everything for as long."""
    documents = Documents(build_schema()._schema)

    def kept() -> int:
        return sum(type(thing) is Token for thing in gc.get_objects())

    documents._made(text, False)  # what the first one fills stays
    gc.collect()
    gc.disable()
    try:
        before = kept()
        documents._made(text, False)
        assert kept() == before
    finally:
        gc.enable()


async def test_a_long_document_is_read_beside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    documents, threads = Documents(build_schema()._schema), set()
    prepare = documents._prepare
    monkeypatch.setattr(documents, "_prepare", lambda *of: (threads.add(threading.get_ident()), prepare(*of))[1])
    padding = " " * 1_000
    for text in (f"{{ __typename {padding} }}", f"{{ nothing {padding} }}"):
        await documents.read(text, suggest=False)
        assert type(documents.prepared(text)) is type(documents.prepared(text))
    assert threads
    assert threading.get_ident() not in threads
