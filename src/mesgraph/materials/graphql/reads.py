"""Questions about materials and items."""

from typing import Annotated

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.plan.shapes import Found, shaped
from mesgraph.errors import Refused
from mesgraph.materials import queries
from mesgraph.materials.graphql.keys import ItemKey, find_item, named_by_one_column
from mesgraph.materials.graphql.lists import MaterialLists
from mesgraph.materials.graphql.nodes import MaterialDefinitionNode, TraceableItem
from mesgraph.materials.models import Item


@strawberry.type
class MaterialQueries(MaterialLists):
    """Reads."""

    @strawberry.field(description="The item with this key; null when there is none, or none for you.")
    @shaped(Found(Item, named_by_one_column))
    async def item(
        self,
        info: Info,
        key: Annotated[ItemKey, strawberry.argument(description="Names the item.")],
    ) -> TraceableItem | None:
        """One by key."""

        def read(session: Session) -> Item | None:
            try:
                return find_item(session, key, "key")
            except Refused as refused:
                if all(v.code == "NOT_FOUND" for v in refused.violations):
                    return None
                raise

        return shown(await info.context.read(read))

    @strawberry.field(description="The revision of a material, the latest when none is named; null when there is none.")
    async def material_definition(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="Code of the material.")],
        revision: Annotated[str | None, strawberry.argument(description="Its revision.")] = None,
    ) -> MaterialDefinitionNode | None:
        """One by key."""
        key = code if revision is None else f"{code}:{revision}"
        return shown(await info.context.read(lambda s: queries.material_by_key(s, key)))
