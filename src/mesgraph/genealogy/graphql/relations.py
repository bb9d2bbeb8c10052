"""How items are related: ways from one to another, and what several have in common."""

import asyncio
from typing import Annotated, Any

import strawberry

from mesgraph.api.budget import timed
from mesgraph.api.command import shown
from mesgraph.api.context import Context, Info
from mesgraph.api.paging import FIRST_MAX, First, check_first
from mesgraph.errors import Refused, invalid
from mesgraph.genealogy.answer import items_of
from mesgraph.genealogy.graphql.trace import SkipArgument, begin, position_of
from mesgraph.genealogy.relations import Shared, shared_ancestors, ways
from mesgraph.ledger.queries import Cursor
from mesgraph.materials.graphql import ItemKey, TraceableItem, find_item, find_items
from mesgraph.materials.models import Item

ITEMS_MAX = 1_000
LENGTH_MAX = 10_000


@strawberry.type(description="An item on a way from one item to another.")
class PathItem:
    """A row with a number."""

    item: TraceableItem = strawberry.field(description="The item.")
    length: int = strawberry.field(description="Activities of the shortest way through it, from end to end.")


@strawberry.type(description="The ways on which something of one item came into another.")
class GenealogyPath:
    """What was found, as far as the caller may see it."""

    exists: bool = strawberry.field(description="Whether there is a way at all, through whatever sites.")
    length: int | None = strawberry.field(description="Activities of the shortest way; null without one.")
    items: list[TraceableItem] = strawberry.field(
        description="The items of a shortest way, from one end to the other; those of sites you may not see left out."
    )
    between: list[PathItem] = strawberry.field(
        description="All items on ways of at most `maxLength` activities, or of the shortest length without it."
    )
    hidden: int = strawberry.field(description="How many items of `between` you may not see.")


@strawberry.type(description="An item that several others were made from.")
class SharedAncestor:
    """Counts of one ancestor."""

    item: TraceableItem = strawberry.field(description="The ancestor.")
    count: int = strawberry.field(description="How many of `items` were made from it.")
    among_count: int = strawberry.field(description="How many of `among` were made from it.")
    nearest: bool = strawberry.field(
        description="Whether all of `items` were made from it, while nothing that was made from it is in all of them."
    )


@strawberry.type(description="What items were made from, most shared first.")
class SharedAncestors:
    """A page of counts."""

    ancestors: list[SharedAncestor] = strawberry.field(
        description="Most shared first; of those shared by as many the ones that fewest of `among` were made from."
    )
    total_count: int = strawberry.field(description="How many ancestors there are in all, those you may not see too.")
    position: Cursor = strawberry.field(
        description="The place in the record up to which this answer counts: as `asOf`, for another page of it."
    )


@strawberry.type
class RelationQueries:
    """Reads."""

    @strawberry.field(
        description="How something of one item came into another: a shortest way, and all items on ways up to a length."
    )
    async def genealogy_path(
        self,
        info: Info,
        from_: Annotated[ItemKey, strawberry.argument(name="from", description="What it was made from.")],
        to: Annotated[ItemKey, strawberry.argument(description="What was made.")],
        max_length: Annotated[
            int | None,
            strawberry.argument(description="For `between`: ways of up to so many activities, not only the shortest."),
        ] = None,
        as_of: Annotated[
            Cursor | None, strawberry.argument(description="Only what was recorded by then: what was believed.")
        ] = None,
    ) -> GenealogyPath:
        """Both ends are found within the caller's scope, the ways through whatever sites."""
        if max_length is not None and not 0 <= max_length <= LENGTH_MAX:
            raise Refused(invalid(f"maxLength is {max_length}; it must lie between 0 and {LENGTH_MAX}", "max_length"))
        context = info.context
        position = await position_of(context, as_of)
        ends = await context.read(lambda s: (find_item(s, from_, "from"), find_item(s, to, "to")))
        found = await asyncio.to_thread(
            timed(ways), context.plant.core.graph, ends[0].id, ends[1].id, as_of=position, longest=max_length
        )
        rows = await _rows(context, [*found.between, *found.shortest])
        return GenealogyPath(
            exists=bool(found.shortest),
            length=len(found.shortest) - 1 if found.shortest else None,
            items=shown([rows[item] for item in found.shortest if item in rows]),
            between=[
                PathItem(item=shown(rows[item]), length=length)
                for item, length in sorted(found.between.items())
                if item in rows
            ],
            hidden=sum(1 for item in found.between if item not in rows),
        )

    @strawberry.field(
        description="What several items have in common: to find a cause, give the bad ones as `items` and good ones as "
        "`among`, and look for what nearly all of the bad and few of the good were made from."
    )
    async def shared_ancestors(
        self,
        info: Info,
        items: Annotated[list[ItemKey], strawberry.argument(description="The items; at most 1,000.")],
        among: Annotated[
            list[ItemKey] | None, strawberry.argument(description="Others to compare with; at most 1,000.")
        ] = None,
        as_of: Annotated[
            Cursor | None, strawberry.argument(description="Only what was recorded by then: what was believed.")
        ] = None,
        first: First = 50,
        skip: SkipArgument = 0,
    ) -> SharedAncestors:
        """Counted over the whole graph."""
        check_first(first)
        begin(skip)
        others = among or []
        for name, keys in (("items", items), ("among", others)):
            if len(keys) > ITEMS_MAX:
                raise Refused(invalid(f"{len(keys)} items are more than {ITEMS_MAX}", name))
        if not items:
            raise Refused(invalid("name at least one item", "items"))
        context = info.context
        position = await position_of(context, as_of)
        ids = await context.read(lambda s: [row.id for row in find_items(s, items, "items")])
        compared = await context.read(lambda s: [row.id for row in find_items(s, others, "among")])
        graph = context.plant.core.graph
        found = await asyncio.to_thread(timed(shared_ancestors), graph, ids, compared, as_of=position)
        return SharedAncestors(
            ancestors=await _page(context, found, first, skip),
            total_count=len(found),
            position=Cursor(context.plant.tail.cursor.epoch, position),
        )


async def _page(context: Context, found: list[Shared], first: int, skip: int) -> list[SharedAncestor]:
    """The first ones that the caller may see, without those left out."""
    page: list[SharedAncestor] = []
    for start in range(0, len(found), FIRST_MAX):
        part = found[start : start + FIRST_MAX]
        rows = await _rows(context, [one.item_id for one in part])
        page += [
            SharedAncestor(item=shown(rows[one.item_id]), count=one.count, among_count=one.others, nearest=one.nearest)
            for one in part
            if one.item_id in rows
        ]
        if len(page) >= skip + first:
            break
    return page[skip : skip + first]


async def _rows(context: Context, ids: list[int]) -> dict[int, Item]:
    rows: Any = await context.read(lambda session: items_of(session, sorted(set(ids))))
    return shown(rows)
