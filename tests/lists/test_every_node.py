"""What has an identity is fetched by it, whatever its type."""

from typing import Any

from graphql import GraphQLInterfaceType, GraphQLObjectType
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.api.nodes import NODES, node_id
from mesgraph.schema import build_schema
from tests.api import Api
from tests.lists.stage import fill

NAMES_OF_OTHERS = {"Subject": "the id of the thing that an event is about"}


def test_every_type_with_an_id_is_a_node() -> None:
    schema = build_schema()._schema
    interface = schema.type_map["Node"]
    assert isinstance(interface, GraphQLInterfaceType)
    with_id = {
        name
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and "id" in kind.fields and not name.startswith("__")
    }
    assert {kind.name for kind in schema.get_possible_types(interface)} == set(NODES)
    assert with_id - set(NAMES_OF_OTHERS) == set(NODES)


async def test_node_and_nodes_find_one_of_every_type(api: Api) -> None:
    auditor = await api.actor(Role.AUDITOR)
    await fill(api)

    def some(session: Session) -> dict[str, Any]:
        rows = {name: session.scalars(select(kind.row)).all() for name, kind in NODES.items()}
        return {
            name: node_id(next(row for row in found if row.subject_kind == name))
            for name, found in rows.items()
            if any(row.subject_kind == name for row in found)
        }

    ids = await api.plant.database.read(some)
    assert len(ids) >= 20, set(NODES) - set(ids)
    document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }"
    found = (await api.ask(document, by=auditor, ids=list(ids.values())))["nodes"]
    assert found == [{"__typename": name, "id": id} for name, id in ids.items()]
    for name, id in ids.items():
        one = await api.ask("query ($id: ID!) { node(id: $id) { __typename id } }", by=auditor, id=id)
        assert one["node"] == {"__typename": name, "id": id}
