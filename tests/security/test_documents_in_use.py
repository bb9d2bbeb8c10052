"""What the guides, the typed client and the console send is far from every limit, and costs little to judge."""

from pathlib import Path

import pytest
from graphql import get_introspection_query, parse

from mesgraph.api.extent import measure
from mesgraph.api.limits import COST_MAX
from mesgraph.api.prepared import Documents, Prepared
from mesgraph.schema import build_schema
from tests.guides.pages import DOCS, Example, examples, pages
from tests.security.assault import guard_us

OPERATIONS = sorted((DOCS / "front-end" / "operations").glob("*.graphql"))
GUIDES = [example for page in pages() for example in examples(page)]


@pytest.mark.parametrize("example", GUIDES, ids=str)
def test_what_a_guide_shows_costs_at_most_half_of_what_is_permitted(example: Example) -> None:
    prepared = Documents(build_schema()._schema).prepared(example.text)
    assert isinstance(prepared, Prepared)
    [name] = prepared.extent.operations
    assert prepared.extent.cost(name or None, example.variables or {}) <= COST_MAX / 2


@pytest.mark.parametrize("path", OPERATIONS, ids=lambda path: path.stem)
def test_what_the_typed_client_sends_is_permitted_with_the_largest_pages(path: Path) -> None:
    prepared = Documents(build_schema()._schema).prepared(path.read_text(encoding="utf-8"))
    assert isinstance(prepared, Prepared), prepared
    for name in prepared.extent.operations:
        assert prepared.extent.cost(name, {}) <= COST_MAX


@pytest.mark.parametrize(
    "options", [{}, {"input_value_deprecation": True, "specified_by_url": True, "schema_description": True}]
)
def test_what_tools_ask_of_the_schema_is_permitted(options: dict[str, bool]) -> None:
    assert measure(build_schema()._schema, parse(get_introspection_query(**options))).introspects


def test_an_ordinary_document_that_is_known_costs_a_few_microseconds() -> None:
    assert guard_us()["known_us"] < 30
