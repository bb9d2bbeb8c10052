"""The API is a manual, and the committed one is true."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema

from mesgraph.manual import manual
from mesgraph.schema import build_schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema()._schema


def test_the_committed_schema_is_the_one_that_is_served() -> None:
    committed = (ROOT / "src/mesgraph/schema.graphql").read_text(encoding="utf-8")
    assert committed == build_schema().as_str() + "\n", "run `make schema` and commit the result"


def test_the_list_of_events_is_complete() -> None:
    assert (ROOT / "docs/events.md").read_text(encoding="utf-8") == manual(), "run `make schema`"


def test_every_type_field_argument_and_word_is_described(schema: GraphQLSchema) -> None:
    assert [place for place, description in _places(schema) if not (description or "").strip()] == []


def _places(schema: GraphQLSchema) -> Iterator[tuple[str, str | None]]:
    for name, kind in schema.type_map.items():
        if name.startswith("__"):
            continue
        if name not in ("Int", "Float", "String", "Boolean", "ID"):
            yield name, kind.description
        if isinstance(kind, GraphQLEnumType):
            for word, value in kind.values.items():
                yield f"{name}.{word}", value.description
        elif isinstance(kind, GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field.description
        elif isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            for field_name, shown in kind.fields.items():
                yield f"{name}.{field_name}", shown.description
                for argument_name, argument in shown.args.items():
                    yield f"{name}.{field_name}({argument_name}:)", argument.description
