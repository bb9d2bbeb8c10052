"""Questions about materials and items."""

from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.nodes import find
from mesgraph.api.paging import After, Connection, First, Order, page
from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Refused
from mesgraph.materials import queries
from mesgraph.materials.graphql.keys import ItemKey, find_item
from mesgraph.materials.graphql.nodes import MaterialDefinitionNode, MaterialLot, SupplierNode, TraceableItem
from mesgraph.materials.models import (
    Item,
    Lifecycle,
    MaterialDefinition,
    MaterialKind,
    Supplier,
)


@strawberry.input(description="Which lots. All conditions that are given must hold.")
class LotFilter:
    """Conditions on lots."""

    material: str | None = strawberry.field(
        default=None, description="Of this material: `CODE` for all revisions, or `CODE:REVISION`."
    )
    lifecycle: Lifecycle | None = strawberry.field(default=None, description="In this stored state.")
    location: strawberry.ID | None = strawberry.field(default=None, description="At this store or equipment.")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")


@strawberry.input(description="Which materials. All conditions that are given must hold.")
class MaterialDefinitionFilter:
    """Conditions on revisions of materials."""

    code: str | None = strawberry.field(default=None, description="Revisions of this material.")
    kind: MaterialKind | None = strawberry.field(default=None, description="Of this kind.")


def _lots(session: Session, filter: LotFilter) -> Any:
    location = find(session, Equipment, filter.location, "filter", "location") if filter.location else None
    site = find(session, Site, filter.site, "filter", "site") if filter.site else None
    return queries.lots(
        material_ids=None if filter.material is None else queries.revisions_of(session, filter.material),
        lifecycle=filter.lifecycle,
        location_id=location.id if location else None,
        site_id=site.id if site else None,
    )


@strawberry.type
class MaterialQueries:
    """Reads."""

    @strawberry.field(description="The item with this key; null when there is none, or none for you.")
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

    @strawberry.field(description="Lots, the newest first.")
    async def material_lots(
        self,
        info: Info,
        filter: Annotated[LotFilter | None, strawberry.argument(description="Which; all when left out.")] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[MaterialLot]:
        """A page."""
        statement = await info.context.read(lambda s: _lots(s, filter or LotFilter()))
        return await page(info, statement, Order((Item.id,), descending=True), first, after)

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

    @strawberry.field(description="Revisions of materials, in the order in which they were made.")
    async def material_definitions(
        self,
        info: Info,
        filter: Annotated[
            MaterialDefinitionFilter | None, strawberry.argument(description="Which; all when left out.")
        ] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[MaterialDefinitionNode]:
        """A page."""
        wanted = filter or MaterialDefinitionFilter()
        statement = queries.materials(wanted.code, wanted.kind)
        return await page(info, statement, Order((MaterialDefinition.id,)), first, after)

    @strawberry.field(description="Suppliers, by code.")
    async def suppliers(self, info: Info, first: First = 50, after: After = None) -> Connection[SupplierNode]:
        """A page."""
        return await page(info, queries.suppliers(), Order((Supplier.code,)), first, after)
