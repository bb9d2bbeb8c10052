"""The live topic of items."""

from asyncio import gather
from collections.abc import AsyncGenerator
from typing import Annotated

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.live.topics import AfterCursor, cursors_of, follow
from mesgraph.api.nodes import find
from mesgraph.api.record import LedgerEventType
from mesgraph.equipment.models import Site
from mesgraph.errors import Refused, not_found
from mesgraph.ledger.queries import Cursor
from mesgraph.materials import queries
from mesgraph.materials.graphql.nodes import TraceableItem
from mesgraph.materials.models import (
    ITEM_TYPES,
    Item,
)


@strawberry.input(description="Which items to follow. All conditions that are given must hold.")
class ItemScopeInput:
    """Conditions on items."""

    site: strawberry.ID | None = strawberry.field(default=None, description="Items of this site.")
    material: str | None = strawberry.field(
        default=None, description="Items of this material: `CODE` for all revisions, or `CODE:REVISION`."
    )


@strawberry.type(description="Something happened to an item.")
class LotStatusEvent:
    """One message of the topic."""

    cursor: Cursor = strawberry.field(
        description="Pass it as `after` to go on. An event about several items makes a message for each; going on "
        "from within them sends the event's messages again, so that none is lost."
    )
    event: LedgerEventType = strawberry.field(description="What happened.")
    item: TraceableItem = strawberry.field(description="The item as it is now.")


@strawberry.type
class MaterialSubscriptions:
    """Live."""

    @strawberry.subscription(
        description="Whatever happens to items: received, consumed, moved, held, released. One message for each item "
        "that an event is about, with the item as it is now."
    )
    async def lot_status_changed(
        self,
        info: Info,
        scope: Annotated[ItemScopeInput | None, strawberry.argument(description="Which; all when left out.")] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[LotStatusEvent, None]:
        """Follow the record."""
        context = info.context
        site_id, material_ids = await context.read(lambda s: _followed(s, scope or ItemScopeInput()))
        kinds = frozenset(ITEM_TYPES.values())
        async for event in follow(context, after):
            subjects = [id_ for kind, id_, _ in event.subjects if kind in kinds]
            rows = [row for row in await gather(*(context.one(Item, id_) for id_ in subjects)) if row is not None]
            wanted = [
                row
                for row in rows
                if site_id in (None, row.site_id) and (material_ids is None or row.material_id in material_ids)
            ]
            for row, place in zip(wanted, cursors_of(context, event, len(wanted)), strict=True):
                yield LotStatusEvent(cursor=place, event=shown(event), item=shown(row))


def _followed(session: Session, scope: ItemScopeInput) -> tuple[int | None, set[int] | None]:
    site = find(session, Site, scope.site, "scope", "site") if scope.site else None
    if scope.material is None:
        return (site.id if site else None), None
    material_ids = queries.revisions_of(session, scope.material)
    if not material_ids:
        raise Refused(not_found("MaterialDefinition", scope.material[:100], "scope", "material"))
    return (site.id if site else None), material_ids
