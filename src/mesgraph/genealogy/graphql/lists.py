"""Lists of activities."""

from collections.abc import Iterator
from enum import StrEnum

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.filters import Condition, DateTimeRange, in_range
from mesgraph.api.nodes import find
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.equipment.models import Site
from mesgraph.genealogy import queries
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.materials.graphql import ItemKey, find_item


class GenealogyEventOrder(StrEnum):
    """The orders in which activities are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"
    OCCURRED_AT = "OCCURRED_AT"
    OCCURRED_AT_DESC = "OCCURRED_AT_DESC"


BY_TIME = (GenealogyEvent.occurred_at, GenealogyEvent.id)
ORDERS = orders(
    GenealogyEventOrder,
    "The order of a list of activities.",
    {
        GenealogyEventOrder.NEWEST: (Order((GenealogyEvent.id,), descending=True), "What was recorded last, first."),
        GenealogyEventOrder.OLDEST: (Order((GenealogyEvent.id,)), "In the order of recording."),
        GenealogyEventOrder.OCCURRED_AT: (Order(BY_TIME), "In the order of happening."),
        GenealogyEventOrder.OCCURRED_AT_DESC: (Order(BY_TIME, descending=True), "What happened last, first."),
    },
)


@strawberry.input(description="Which activities. All conditions that are given must hold.")
class GenealogyEventFilter:
    """Conditions on activities."""

    item: ItemKey | None = strawberry.field(default=None, description="With this item among the inputs or outputs.")
    site: strawberry.ID | None = strawberry.field(default=None, description="At this site.")
    kind: list[GenealogyKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    occurred_at: DateTimeRange | None = strawberry.field(default=None, description="Happened in this window.")


def _conditions(session: Session, wanted: GenealogyEventFilter) -> Iterator[Condition]:
    if wanted.item is not None:
        yield GenealogyEvent.id.in_(queries.activities_with(find_item(session, wanted.item, "filter", "item").id))
    if wanted.site is not None:
        yield GenealogyEvent.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.kind is not None:
        yield GenealogyEvent.event_kind.in_(wanted.kind)
    if wanted.occurred_at is not None:
        yield in_range(GenealogyEvent.occurred_at, wanted.occurred_at, "filter", "occurred_at")


@strawberry.type
class GenealogyLists:
    """Reads."""

    genealogy_events: Connection[GenealogyEventNode] = listing(
        "Activities; reversals and what they undid, too.",
        GenealogyEventFilter,
        ORDERS,
        GenealogyEventOrder.NEWEST,
        select(GenealogyEvent),
        lambda _, session, wanted: _conditions(session, wanted),
    )
