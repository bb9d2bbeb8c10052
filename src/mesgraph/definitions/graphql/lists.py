"""Lists of operations definitions."""

from collections.abc import Iterator
from enum import StrEnum

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.definitions.graphql.enums import DefinitionState
from mesgraph.definitions.graphql.nodes import OperationsDefinitionNode
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.materials.graphql import find_revisions


class OperationsDefinitionOrder(StrEnum):
    """The orders in which definitions are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    CODE = "CODE"


ORDERS = orders(
    OperationsDefinitionOrder,
    "The order of a list of operations definitions.",
    {
        OperationsDefinitionOrder.OLDEST: (Order((OperationsDefinition.id,)), "In the order of their making."),
        OperationsDefinitionOrder.NEWEST: (Order((OperationsDefinition.id,), descending=True), "The newest first."),
        OperationsDefinitionOrder.CODE: (
            Order((OperationsDefinition.code, OperationsDefinition.id)),
            "By code; the versions of one in the order of their making.",
        ),
    },
)


@strawberry.input(description="Which versions of definitions. All conditions that are given must hold.")
class OperationsDefinitionFilter:
    """Conditions on versions."""

    key_prefix: str | None = prefix_field("code")
    code: str | None = strawberry.field(default=None, description="Of this code.")
    state: list[DefinitionState] | None = strawberry.field(default=None, description="In any of these states.")
    product: strawberry.ID | None = strawberry.field(
        default=None,
        description="Making this material, by id, `CODE:REVISION`, or `CODE` for any of its revisions.",
    )


def _conditions(session: Session, wanted: OperationsDefinitionFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(OperationsDefinition.code, wanted.key_prefix)
    if wanted.code is not None:
        yield OperationsDefinition.code == wanted.code
    if wanted.state is not None:
        yield OperationsDefinition.state.in_(wanted.state)
    if wanted.product is not None:
        revisions = find_revisions(session, wanted.product, "filter", "product")
        yield OperationsDefinition.product_id.in_(revisions)


@strawberry.type
class DefinitionLists:
    """Reads."""

    operations_definitions: Connection[OperationsDefinitionNode] = listing(
        "Versions of definitions.",
        OperationsDefinitionFilter,
        ORDERS,
        OperationsDefinitionOrder.OLDEST,
        select(OperationsDefinition),
        lambda _, session, wanted: _conditions(session, wanted),
    )
