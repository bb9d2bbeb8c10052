"""A list with everything in it costs statements for its relations, not for its rows."""

from typing import Any

from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type

from mesgraph.access.roles import Role
from mesgraph.schema import build_schema
from tests.api import Api
from tests.counting import statements
from tests.lists.stage import fill
from tests.lists.test_filters import LISTS, connections

BESIDES = 4
"""The page and its count, and what a computed value looks up."""

JUDGING = {"jobOrders": 30}
"""Readiness and proposals look at everything that may stand in the way of a job, for all jobs of the list together."""


PAGES = {"driverInstances": 100}
"""An instance may have many tags, so pages of it are small."""
READ_ONE_BY_ONE = {"inboundMessages"}
"""The answer to a message is thawed from its receipt, message by message."""


def everything(kind: Any, depth: int) -> tuple[str, int]:
    """A selection of all fields that need no argument, and how many relations it goes along."""
    parts, relations = [], 0
    for name, field in kind.fields.items():
        inner = get_named_type(field.type)
        if any(isinstance(a.type, GraphQLNonNull) and a.default_value is None for a in field.args.values()):
            continue
        if is_leaf_type(inner):
            parts.append(name)
        elif depth and not name.endswith("Actuals"):
            selection, further = everything(inner, depth - 1)
            parts.append(f"{name} {{ __typename {selection} }}")
            relations += 1 + further
    return " ".join(parts), relations


async def test_the_number_of_statements_does_not_grow_with_the_rows(api: Api) -> None:
    auditor = await api.actor(Role.AUDITOR)
    rows = await fill(api)
    for name in set(LISTS) - READ_ONE_BY_ONE:
        connection = get_named_type(connections()[name].type)
        assert isinstance(connection, GraphQLObjectType)
        selection, relations = everything(get_named_type(connection.fields["nodes"].type), 1)
        document = f"{{ {name}(first: {PAGES.get(name, 500)}) {{ totalCount nodes {{ {selection} }} }} }}"
        with statements() as seen:
            found = (await api.ask(document, by=auditor))[name]
        assert found["totalCount"] == len(rows.of[LISTS[name]])
        most = 3 * relations + BESIDES + JUDGING.get(name, 0)
        assert len(seen) <= most, (name, len(seen), relations, "\n".join(seen))


def test_the_selection_goes_along_relations() -> None:
    kind = build_schema()._schema.type_map["JobOrder"]
    selection, relations = everything(kind, 1)
    assert relations >= 3
    assert "equipment {" in selection
