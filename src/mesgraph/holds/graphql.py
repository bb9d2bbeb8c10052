"""Holds in the API."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.graphql import PrincipalNode
from mesgraph.access.models import Principal
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, DateTimeRange, in_range, prefix_field, starts_with
from mesgraph.api.nodes import Node, find, find_optional, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.places import at, named
from mesgraph.api.relations import to_one
from mesgraph.api.user_errors import UserError, user_error
from mesgraph.db import Entity
from mesgraph.equipment.graphql import EquipmentNode, SiteNode, within
from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Findings, HoldViolation, all_violations, invalid
from mesgraph.holds import actions, queries
from mesgraph.holds.models import Hold, HoldScope, HoldSeverity
from mesgraph.materials.graphql import ItemKey, TraceableItem, find_item, named_items
from mesgraph.orders import halt
from mesgraph.orders.models import OperationsRequest
from mesgraph.work import Work

if TYPE_CHECKING:
    from mesgraph.orders.graphql.nodes import OperationsRequestNode

described_enum(
    HoldScope,
    "What a hold stops.",
    {
        HoldScope.ITEM: "Whole items.",
        HoldScope.RANGE: "A range of positions of one lot.",
        HoldScope.EQUIPMENT: "Equipment alone.",
        HoldScope.ORDER: "An order: no job of it begins or goes on.",
    },
)
described_enum(
    HoldSeverity,
    "How grave the cause of a hold is.",
    {
        HoldSeverity.MINOR: "Whoever placed it may also release it, with role quality or qa.",
        HoldSeverity.MAJOR: "Another person releases it.",
        HoldSeverity.CRITICAL: "Another person releases it.",
    },
)


@strawberry.type(name="PositionRange", description="Positions of a lot, half-open: [from, to), in its base unit.")
class PositionRangeType:
    """A range."""

    from_: Decimal = strawberry.field(name="from", description="First position, included.")
    to: Decimal = strawberry.field(description="End, excluded.")


@strawberry.input(description="Positions of a lot, half-open: [from, to), in its base unit.")
class PositionRangeInput:
    """A range."""

    from_: Decimal = strawberry.field(name="from", description="First position, included; 0 is the start of the lot.")
    to: Decimal = strawberry.field(description="End, excluded; at most the initial quantity.")


@node(Hold, find=queries.hold_by_key, of_site=True)
class HoldNode(Node):
    """An exceptional stop of items, equipment or an order. Named by `SITE/NUMBER`."""

    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    number: str = strawberry.field(description="Number, unique within the site: H-000001.")
    scope: HoldScope = strawberry.field(description="What it stops.")
    severity: HoldSeverity = strawberry.field(description="How grave the cause is.")
    site: SiteNode = to_one(Hold.site_id, Site, "The site.")
    equipment: EquipmentNode | None = to_one(Hold.equipment_id, Equipment, "The equipment that it stops, if any.")
    operations_request: Annotated["OperationsRequestNode", strawberry.lazy("mesgraph.orders.graphql.nodes")] | None = (
        to_one(Hold.request_id, OperationsRequest, "The order that it stops, if it is one.")
    )
    reason_code: str = strawberry.field(description="Why, as a code of the plant's list.")
    comment: str | None = strawberry.field(description="Why, in words.")
    placed_at: datetime = strawberry.field(description="When it began.")
    placed_by: PrincipalNode = to_one(Hold.placed_by_id, Principal, "Who placed it.")
    released_at: datetime | None = strawberry.field(description="When it ended; null while it is open.")
    released_by: PrincipalNode | None = to_one(Hold.released_by_id, Principal, "Who released it.")

    @strawberry.field(description="The positions that it stops; null when it stops whole items or equipment.")
    def range(root: strawberry.Parent[Any]) -> PositionRangeType | None:
        """The range as it was placed."""
        return None if root.range_from is None else PositionRangeType(from_=root.range_from, to=root.range_to)

    @strawberry.field(description="The items under it, those that inherited it from a split item included.")
    async def items(root: strawberry.Parent[Any], info: Info) -> list[TraceableItem]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[Any]]:
            pairs = await info.context.read(lambda session: queries.held_items(session, ids))
            return [[item for held, item in pairs if held.hold_id == key] for key in ids]

        items: list[TraceableItem] = await info.context.batched("held items", root.id, load)
        return items


@user_error(HoldViolation)
class LotOnHoldError(UserError):
    """Open holds stop the item or the order (LOT_ON_HOLD, ORDER_ON_HOLD)."""

    @strawberry.field(description="The holds that would have to be released.")
    async def holds(root: strawberry.Parent[Any], info: Info) -> list[HoldNode]:
        """By id."""
        rows = [await info.context.one(Hold, key) for key in root.holds]
        return shown([row for row in rows if row is not None])


class HoldOrder(StrEnum):
    """The orders in which holds are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


HOLD_ORDERS = orders(
    HoldOrder,
    "The order of a list of holds.",
    {
        HoldOrder.NEWEST: (Order((Hold.id,), descending=True), "The newest first."),
        HoldOrder.OLDEST: (Order((Hold.id,)), "The oldest first."),
    },
)


@strawberry.input(description="Which holds. All conditions that are given must hold.")
class HoldFilter:
    """Conditions on holds."""

    key_prefix: str | None = prefix_field("number")
    open: bool | None = strawberry.field(default=None, description="Only open ones, or only released ones.")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    scope: list[HoldScope] | None = strawberry.field(default=None, description="Of any of these scopes.")
    severity: list[HoldSeverity] | None = strawberry.field(default=None, description="Of any of these severities.")
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="On this equipment or anything below it."
    )
    item: ItemKey | None = strawberry.field(default=None, description="On this item.")
    operations_request: strawberry.ID | None = strawberry.field(default=None, description="On this order.")
    placed_at: DateTimeRange | None = strawberry.field(default=None, description="Placed in this window.")


def _conditions(session: Session, wanted: HoldFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Hold.number, wanted.key_prefix)
    if wanted.open is not None:
        yield Hold.released_at.is_(None) if wanted.open else Hold.released_at.is_not(None)
    if wanted.site is not None:
        yield Hold.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.scope is not None:
        yield Hold.scope.in_(wanted.scope)
    if wanted.severity is not None:
        yield Hold.severity.in_(wanted.severity)
    if wanted.equipment is not None:
        yield Hold.equipment_id.in_(within(session, wanted.equipment, "filter", "equipment"))
    if wanted.item is not None:
        yield Hold.id.in_(queries.holds_on(find_item(session, wanted.item, "filter", "item").id))
    if wanted.operations_request is not None:
        request = find(session, OperationsRequest, wanted.operations_request, "filter", "operations_request")
        yield Hold.request_id == request.id
    if wanted.placed_at is not None:
        yield in_range(Hold.placed_at, wanted.placed_at, "filter", "placed_at")


@strawberry.type
class HoldQueries:
    """Reads."""

    holds: Connection[HoldNode] = listing(
        "Holds.",
        HoldFilter,
        HOLD_ORDERS,
        HoldOrder.NEWEST,
        select(Hold),
        lambda _, session, wanted: _conditions(session, wanted),
    )


@strawberry.input(description="What to stop, and how grave it is. Needs a reason.")
class PlaceHoldInput(CommandInput):
    """One hold."""

    items: list[ItemKey] = strawberry.field(
        default_factory=list, description="Items of one site, 5,000 at most; the same one twice counts once."
    )
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="Equipment that may not begin jobs meanwhile; alone or beside items."
    )
    operations_request: strawberry.ID | None = strawberry.field(
        default=None,
        description="An order, alone: no job of it begins or goes on until the hold is released. A running order is "
        "HELD by it and has to be resumed after that; one that has not started is WAITING.",
    )
    range: PositionRangeInput | None = strawberry.field(
        default=None, description="Only these positions of the one lot named, instead of all of it."
    )
    severity: HoldSeverity = strawberry.field(
        description="How grave it is; from MAJOR up another person has to release it."
    )


@strawberry.type(description="The open hold.")
class PlaceHoldPayload(CommandPayload):
    """Answer."""

    hold: HoldNode | None = strawberry.field(default=None, description="The hold.")


@strawberry.input(description="A hold to release.")
class ReleaseHoldInput(CommandInput):
    """One hold."""

    hold: strawberry.ID = strawberry.field(description="The hold, by id or `SITE/NUMBER`.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The released hold.")
class ReleaseHoldPayload(CommandPayload):
    """Answer."""

    hold: HoldNode | None = strawberry.field(default=None, description="The hold.")


def _of_hold(session: Session, input: ReleaseHoldInput) -> Sequence[Entity]:
    """What it stops: equipment and items; the site for a hold on an order."""
    hold = find(session, Hold, input.hold, "hold")
    items = [item for _, item in queries.held_items(session, [hold.id])]
    return items if items and hold.equipment_id is None else [hold, *items]


@strawberry.type
class HoldCommands:
    """Writes."""

    @command
    @at(named_items("items"), named(Equipment, "equipment"), named(OperationsRequest, "operations_request"))
    def place_hold(work: Work, input: PlaceHoldInput) -> PlaceHoldPayload:
        """Stop items, a range of positions of one lot, equipment, or an order, until somebody with role quality or qa
        releases it. Held items cannot be consumed, shipped or started with; what is split from them is held too.
        """
        if input.operations_request is not None:
            return PlaceHoldPayload(hold=shown(_hold_order(work, input, input.operations_request)))
        found, items = Findings(), []
        for i, key in enumerate(input.items[: actions.ITEMS_MAX + 1]):
            with found.under():
                items.append(find_item(work.session, key, "items", i))
        with found.under():
            equipment = find_optional(work.session, Equipment, input.equipment, "equipment")
        found.refuse()
        hold = actions.place_hold(
            work,
            items=items,
            equipment=equipment,
            range=(input.range.from_, input.range.to) if input.range else None,
            severity=input.severity,
        )
        return PlaceHoldPayload(hold=shown(hold))

    @command
    @at(_of_hold)
    def release_hold(work: Work, input: ReleaseHoldInput) -> ReleaseHoldPayload:
        """End a hold on everything under it. From severity MAJOR up not by the person who placed it."""
        hold = find(work.session, Hold, input.hold, "hold")
        released = halt.release_hold(work, hold, expected_version=input.expected_version)
        return ReleaseHoldPayload(hold=shown(released))


def _hold_order(work: Work, input: PlaceHoldInput, reference: str) -> Hold:
    with all_violations() as found:
        if input.items or input.equipment is not None or input.range is not None:
            found.add(invalid("an order is held alone; place another hold on the rest", "operations_request"))
        with found.under():
            request = find(work.session, OperationsRequest, reference, "operations_request")
    return halt.place_hold(work, request, input.severity)
