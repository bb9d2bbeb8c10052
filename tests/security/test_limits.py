"""Each limit of a document: what reaches it is answered, what is one beyond is refused and nothing of it is done."""

from typing import Any

import pytest
from graphql import get_introspection_query

from mesgraph.access.roles import Role
from mesgraph.api import limits
from mesgraph.config import Settings
from mesgraph.plant import running_plant
from mesgraph.schema import build_schema
from tests.api import Api, SteppedClock

SITE = '{code: "HV1", name: "Halvard", timeZone: "Europe/Stockholm"}'


def levels(count: int) -> str:
    """A document ``count`` levels deep."""
    return "{ equipmentList { nodes " + "{ parent " * (count - 3) + "{ code }" + " }" * (count - 3) + " } }"


def aliases(count: int) -> str:
    return "{ sites { " + " ".join(f"a{i}: code" for i in range(count)) + " } }"


def different_directives(count: int) -> str:
    return "{ sites { code " + "@include(if: true) " * count + "} }"


def same_key(count: int) -> str:
    return "{ sites { " + "code " * count + "} }"


def same_key_in_parts(count: int) -> str:
    """As many, of which each stands in an object of its own that is merged with the others."""
    return "{ " + "sites { code } " * count + "}"


def roots(count: int) -> str:
    return "{ " + " ".join(f"a{i}: sites {{ code }}" for i in range(count)) + " }"


def fragments(count: int) -> str:
    chain = " ".join(f"fragment F{i} on Site {{ ...F{i + 1} }}" for i in range(count - 1))
    return f"{{ sites {{ ...F0 }} }} {chain} fragment F{count - 1} on Site {{ name }}"


NAMES = ("code", "name", "id", "timeZone", "gln", "__typename")


def _fields(count: int) -> list[str]:
    return [NAMES[i // 8] if i < 48 else f"x{i}: code" for i in range(count)]


def tokens(count: int) -> str:
    """``count`` tokens, of which most are comments: they are counted, too."""
    return "{ sites { code } } " + "#\n" * (count - 6)


async def refused(api: Api, document: str, **variables: Any) -> str:
    """The code of the refusal, which must not have reached any resolver."""
    result = await api.answer(document, by=Role.ADMIN, **variables)
    assert result.data is None, "nothing is executed"
    assert result.errors
    [error] = result.errors
    message = error.message
    assert any(digit.isdigit() for digit in message) or "contain" in message, "it names the value"
    assert ": " in message or "contain" in message, "and the way out"
    return str(error.extensions["code"])


@pytest.mark.parametrize(
    ("make", "most"),
    [
        (tokens, limits.TOKENS_MAX),
        (levels, limits.DEPTH_MAX),
        (aliases, limits.ALIASES_MAX),
        (same_key, limits.SAME_KEY_MAX),
        (same_key_in_parts, limits.SAME_KEY_MAX),
        (roots, limits.ROOT_FIELDS_MAX),
        (fragments, limits.FRAGMENTS_MAX),
    ],
)
async def test_a_document_at_the_limit_is_answered_and_one_beyond_is_not(api: Api, make: Any, most: int) -> None:
    await api.ask(make(most), by=Role.ADMIN)
    assert await refused(api, make(most + 1)) == "LIMIT_EXCEEDED"


async def test_selections_are_counted_with_their_fragments_expanded(api: Api) -> None:
    fragment = "fragment F on Site { code name id timeZone gln __typename }"
    many = " ".join("...F" for _ in range(8))
    wide = " ".join(f"a{i}: sites {{ {many} }}" for i in range(17))  # 17 x 57 = 969
    rest = limits.SELECTIONS_MAX - 17 * 57
    tail = f"z: sites {{ {' '.join(_fields(rest - 1))} }}"
    await api.ask(f"{{ {wide} {tail} }} {fragment}", by=Role.ADMIN)
    assert await refused(api, f"{{ {wide} {tail} y: sites }} {fragment}") == "LIMIT_EXCEEDED"


async def test_directives_in_a_document_and_on_one_node(api: Api) -> None:
    # graphql permits a directive once on a node, so what is permitted here by number is a mistake all the same
    many = " ".join(f"a{i}: code @include(if: true) @skip(if: false)" for i in range(limits.DIRECTIVES_MAX // 2))
    await api.ask(f"{{ sites {{ {many} }} }}", by=Role.ADMIN)
    assert await refused(api, f"{{ sites @skip(if: false) {{ {many} }} }}") == "LIMIT_EXCEEDED"
    four = await api.answer(different_directives(limits.NODE_DIRECTIVES_MAX), by=Role.ADMIN)
    assert {error.extensions["code"] for error in four.errors or ()} == {"DOCUMENT_INVALID"}
    assert await refused(api, different_directives(limits.NODE_DIRECTIVES_MAX + 1)) == "LIMIT_EXCEEDED"


async def test_ten_commands_in_a_document_are_done_and_of_eleven_none(api: Api) -> None:
    def commands(count: int) -> str:
        one = f"submitSites(input: {{sites: [{SITE}]}}) {{ userErrors {{ code }} }}"
        return "mutation { " + " ".join(f"m{i}: {one}" for i in range(count)) + " }"

    await api.actor(Role.ADMIN)
    async with api.nothing_written():
        assert await refused(api, commands(limits.MUTATIONS_MAX + 1)) == "LIMIT_EXCEEDED"
    await api.ask(commands(limits.MUTATIONS_MAX), by=Role.ADMIN)
    assert [site["code"] for site in (await api.ask("{ sites { code } }", by=Role.ADMIN))["sites"]] == ["HV1"]


@pytest.mark.parametrize(
    "document",
    [
        "mutation {{ a: {0} b: {0} }}",
        "mutation {{ a: {0} ...More }} fragment More on Mutation {{ b: {0} }}",
        "mutation {{ a: {0} ... on Mutation {{ b: {1} }} }}",
    ],
)
async def test_one_command_about_secrets_in_a_document_whatever_it_is_called(api: Api, document: str) -> None:
    one = 'openAccount(input: {principal: "ann"}) { initialPassword }'
    other = 'registerBadge(input: {principal: "ann", badge: "B-1"}) { pin }'
    ann = '{subject: "ann", kind: PERSON, displayName: "Ann"}'
    await api.ask(f"mutation {{ createPrincipal(input: {ann}) {{ replayed }} }}", by=Role.ADMIN)
    async with api.nothing_written():
        assert await refused(api, document.format(one, other)) == "LIMIT_EXCEEDED"
    assert (await api.ask(f"mutation {{ {one} }}", by=Role.ADMIN))["openAccount"]["initialPassword"]


@pytest.mark.parametrize(
    "ring",
    [
        "fragment A on Site { ...A }",
        "fragment A on Site { code ...B } fragment B on Site { ... on Site { ...A } }",
        "fragment A on Site { ...B } fragment B on Site { ...C } fragment C on Site { ...B }",
    ],
)
async def test_fragments_that_contain_themselves_are_refused(api: Api, ring: str) -> None:
    assert await refused(api, f"{{ sites {{ ...A }} }} {ring}") == "DOCUMENT_INVALID"


async def test_cost_is_counted_with_the_variables_that_are_sent(api: Api) -> None:
    field = "equipmentList(first: $n) { nodes { parent { parent { code } } site { code } } }"
    wide = "query ($n: Int!) { " + " ".join(f"a{i}: {field}" for i in range(12)) + " }"
    await api.ask(wide, by=Role.ADMIN, n=50)
    assert await refused(api, wide, n=500) == "LIMIT_EXCEEDED"


async def test_a_cost_at_the_limit_is_permitted_and_one_beyond_is_not(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mesgraph.api import guard

    assert guard.COST_MAX == 10_000
    document = "query ($n: Int!) { equipmentList(first: $n) { nodes { site { code } } } }"
    monkeypatch.setattr(guard, "COST_MAX", 111)
    await api.ask(document, by=Role.ADMIN, n=100)
    monkeypatch.setattr(guard, "COST_MAX", 110)
    assert await refused(api, document, n=100) == "LIMIT_EXCEEDED"


def test_the_cost_at_which_a_document_is_refused_is_exact() -> None:
    from mesgraph.api.prepared import Documents, Prepared

    documents = Documents(build_schema()._schema)
    # a page of n objects with a relation and a value each: a half for the page, n halves twice, n tenths
    prepared = documents.prepared("query ($n: Int!) { equipmentList(first: $n) { nodes { site { code } } } }")
    assert isinstance(prepared, Prepared)
    assert prepared.extent.cost(None, {"n": 100}) == 111
    assert prepared.extent.cost(None, {"n": 500}) == 551
    assert prepared.extent.cost(None, {"n": 2**31}) == prepared.extent.cost(None, {"n": 500}), "a page has 500 at most"


@pytest.mark.parametrize(
    ("literal", "beyond"),
    [
        ("9" * 40, "9" * 41),
        ("[" * 32 + '"x"' + "]" * 32, "[" * 33 + '"x"' + "]" * 33),
        ('"' + "x" * 65_536 + '"', '"' + "x" * 65_537 + '"'),
    ],
)
async def test_literals_have_limits(api: Api, literal: str, beyond: str) -> None:
    at = await api.answer(f"{{ node(id: {literal}) {{ id }} }}", by=Role.ADMIN)
    assert "LIMIT_EXCEEDED" not in {error.extensions["code"] for error in at.errors or ()}
    assert await refused(api, f"{{ node(id: {beyond}) {{ id }} }}") == "LIMIT_EXCEEDED"


async def test_texts_in_variables_have_a_limit_but_for_whole_tables(api: Api) -> None:
    document = "query ($id: ID!) { node(id: $id) { id } }"
    at = await api.answer(document, by=Role.ADMIN, id="x" * limits.STRING_MAX)
    assert "LIMIT_EXCEEDED" not in {error.extensions["code"] for error in at.errors or ()}
    assert await refused(api, document, id="x" * (limits.STRING_MAX + 1)) == "LIMIT_EXCEEDED"
    table = "mutation ($i: SubmitMastersCsvInput!) { submitMastersCsv(input: $i) { userErrors { code } } }"
    input = {"kind": "SUPPLIERS", "document": "code,name\n" + "".join(f"S{i},Supplier\n" for i in range(6_000))}
    answer = await api.answer(table, by=Role.ADMIN, i=input)
    assert "LIMIT_EXCEEDED" not in {error.extensions["code"] for error in answer.errors or ()}


async def test_not_more_than_twenty_mistakes_are_told(api: Api) -> None:
    result = await api.answer("{ sites { " + " ".join(f"wrong{i}" for i in range(40)) + " } }", by=Role.ADMIN)
    assert len(result.errors) == limits.ERRORS_MAX + 1, "twenty, and that there are more"


async def test_not_more_than_twenty_values_are_told(api: Api) -> None:
    document = "query ($v: [ID!]!) { nodes(ids: $v) { id } }"
    result = await api.answer(document, by=Role.ADMIN, v=["\0"] * 400)
    assert len(result.errors) == limits.ERRORS_MAX + 1


async def test_mistakes_are_told_without_suggestions_but_to_explorers(database_url: str) -> None:
    for on in (False, True):
        async with running_plant(Settings(database=database_url, introspection=on), clock=SteppedClock()) as plant:
            api = Api(plant)
            admin = await api.actor(Role.ADMIN, subject=f"a{on}")
            operator = await api.actor(Role.OPERATOR, subject=f"o{on}")
            for actor, told in ((admin, on), (operator, False)):
                result = await api.answer("{ sites { cod } }", by=actor)
                assert ("Did you mean" in result.errors[0].message) is told


async def test_introspection_is_for_explorers_where_it_is_on(database_url: str) -> None:
    async with running_plant(Settings(database=database_url, introspection=True), clock=SteppedClock()) as plant:
        api = Api(plant)
        whole = get_introspection_query(input_value_deprecation=True)
        assert (await api.ask(whole, by=Role.ENGINEER))["__schema"]["types"]
        assert (await api.error(whole, by=Role.OPERATOR))["code"] == "FORBIDDEN"
        assert await refused(api, "{ __schema { types { fields { type { fields { args { name } } } } } } }") == (
            "LIMIT_EXCEEDED"
        )
        deep = "{ __schema { types { " + "ofType { " * 15 + "name" + " }" * 15 + " } } }"
        assert await refused(api, deep) == "LIMIT_EXCEEDED"


async def test_objects_are_counted_while_they_are_made(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    people = "mutation { " + " ".join(
        f'p{i}: createPrincipal(input: {{subject: "p{i}", kind: PERSON, displayName: "x"}}) {{ replayed }}'
        for i in range(9)
    )
    await api.ask(people + " }", by=Role.ADMIN)
    document = "{ principals { nodes { subject } } }"
    shown = len((await api.ask(document, by=Role.ADMIN))["principals"]["nodes"])
    monkeypatch.setattr(limits, "OBJECTS_MAX", shown + 2)  # the query and the page are objects, too
    await api.ask(document, by=Role.ADMIN)
    monkeypatch.setattr(limits, "OBJECTS_MAX", shown + 1)
    assert await refused(api, document) == "LIMIT_EXCEEDED"


async def test_what_is_not_done_in_time_is_given_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    import asyncio

    from mesgraph.api import guard
    from mesgraph.api.context import Context

    async def slow(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(guard, "DEADLINE_S", 0.2)
    await api.ask("{ sites { code } }", by=Role.ADMIN)
    monkeypatch.setattr(Context, "read", slow)
    extensions = await api.error("{ sites { code } }", by=Role.ADMIN)
    assert (extensions["code"], extensions["retryable"]) == ("TIMEOUT", True)
