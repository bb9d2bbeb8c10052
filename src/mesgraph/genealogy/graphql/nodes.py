"""Activities and their lines."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import read_from, to_one
from mesgraph.api.scalars import UnitCode
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site
from mesgraph.genealogy import queries
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.materials.graphql import QuantityType, TraceableItem
from mesgraph.materials.models import Item
from mesgraph.quantity import Quantity

described_enum(
    GenealogyKind,
    "What happened to the items of an activity.",
    {
        GenealogyKind.RECEIVE: "A lot came in from a supplier; it is the output.",
        GenealogyKind.COMMISSION: "Items were made known without naming what they were made from.",
        GenealogyKind.TRANSFORM: "A run made the outputs from the inputs.",
        GenealogyKind.SPLIT: "The input was divided into the outputs.",
        GenealogyKind.MERGE: "The inputs became one output.",
        GenealogyKind.ASSEMBLE: "The inputs were built into the output, for good.",
        GenealogyKind.DISASSEMBLE: "The inputs were taken out of the unit that is the output.",
        GenealogyKind.REWORK: "The rejected input goes on as the output: its next revision, or a new sublot.",
        GenealogyKind.PACK: "The inputs were put into the logistic unit that is the output.",
        GenealogyKind.UNPACK: "The inputs were taken out of the logistic unit that is the output.",
        GenealogyKind.MOVE: "The inputs were brought to `location`.",
        GenealogyKind.SHIP: "The inputs left the plant.",
        GenealogyKind.RETURN: "The inputs, which had been shipped, came back.",
        GenealogyKind.TRANSFER_OUT: "The inputs left a site for another one and are in transit.",
        GenealogyKind.TRANSFER_IN: "The inputs, which were in transit, came to a site.",
        GenealogyKind.SAMPLE: "The quantity of the input was taken out to be tested.",
        GenealogyKind.ADJUST: "A count corrected the quantity: a shortfall is an input, a surplus an output.",
        GenealogyKind.SCRAP: "The quantity of the input was thrown away.",
    },
)


@strawberry.type(description="Positions of a lot, half-open: [from, to).")
class ItemRange:
    """A range with its unit."""

    from_: Decimal = strawberry.field(name="from", description="First position, included.")
    to: Decimal = strawberry.field(description="End, excluded.")
    uom: UnitCode = strawberry.field(description="The lot's base unit.")


def range_of(ends: tuple[Decimal, Decimal] | None, uom: str) -> ItemRange | None:
    """The range, if its ends are known."""
    return None if ends is None else ItemRange(from_=ends[0], to=ends[1], uom=UnitCode(uom))


@strawberry.type(name="GenealogyLine", description="An item in an activity.")
class GenealogyLineType:
    """Executed on rows of GenealogyLine."""

    item: TraceableItem | None = to_one(
        GenealogyLine.item_id, Item, "The item; null when it belongs to a site that you may not see."
    )
    slot: str | None = strawberry.field(description="Where in the output it was built in.")

    @strawberry.field(description="How much of it, in its base unit; null with the item.")
    async def quantity(root: strawberry.Parent[Any], info: Info) -> QuantityType | None:
        """With the unit of the item."""
        item = await info.context.one(Item, root.item_id)
        return shown(None if item is None else Quantity(root.quantity, item.uom))

    @strawberry.field(description="The positions that were taken or made, where they are known.")
    async def range(root: strawberry.Parent[Any], info: Info) -> ItemRange | None:
        """With the unit of the item."""
        item = await info.context.one(Item, root.item_id)
        if item is None or root.range_from is None:
            return None
        return range_of((root.range_from, root.range_to), item.uom)


@node(GenealogyEvent)
class GenealogyEventNode(Node):
    """An activity: inputs became outputs, or were moved, packed, shipped, removed. It is never changed; a correction is
    another activity that reverses it.
    """

    kind: GenealogyKind = read_from(GenealogyEvent.event_kind, "What happened; of a reversal, what it undoes.")
    event_time: datetime = read_from(GenealogyEvent.occurred_at, "When it happened on the floor.")
    record_time: datetime = read_from(GenealogyEvent.created_at, "When it was recorded.")
    reason_code: str | None = strawberry.field(description="Reason code, where one was given.")
    site: SiteNode = to_one(GenealogyEvent.site_id, Site, "Where it happened.")
    location: EquipmentNode | None = to_one(
        GenealogyEvent.location_id, Equipment, "Where the items were then: the store, or the machine of the run."
    )
    reverses: "GenealogyEventNode | None" = to_one(
        GenealogyEvent.reverses_id, GenealogyEvent, "The activity that this one undoes: it counts as never done."
    )

    @strawberry.field(description="The activity that undid this one; null while it counts.")
    async def reversed_by(root: strawberry.Parent[Any], info: Info) -> "GenealogyEventNode | None":
        """Batched by the kit."""
        column, order = GenealogyEvent.reverses_id, (GenealogyEvent.id,)
        found = await info.context.many(GenealogyEvent, column, root.id, order)
        return shown(found[0] if found else None)

    @strawberry.field(description="What went in, or was moved, packed, shipped or removed.")
    async def inputs(root: strawberry.Parent[Any], info: Info) -> list[GenealogyLineType]:
        """Batched by the kit."""
        return await _lines(info, LineRole.INPUT, root.id)

    @strawberry.field(description="What came out, or what holds the inputs.")
    async def outputs(root: strawberry.Parent[Any], info: Info) -> list[GenealogyLineType]:
        """Batched by the kit."""
        return await _lines(info, LineRole.OUTPUT, root.id)


async def _lines(info: Info, role: LineRole, event_id: int) -> Any:
    async def load(ids: list[int]) -> list[list[GenealogyLine]]:
        lines = await info.context.read(lambda session: queries.lines_of(session, ids, role))
        return [[line for line in lines if line.event_id == key] for key in ids]

    return await info.context.batched(("genealogy lines", role), event_id, load)
