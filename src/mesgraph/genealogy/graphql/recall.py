"""What a recall would concern, computed without writing anything."""

import asyncio
from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.budget import timed
from mesgraph.api.command import shown
from mesgraph.api.context import Context, Info
from mesgraph.api.nodes import find, opaque_id
from mesgraph.api.scalars import IntegerColumn, TextColumn
from mesgraph.equipment.graphql import EquipmentNode
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Findings, Refused, invalid
from mesgraph.genealogy.answer import Fact, facts_of, items_of
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.genealogy.graphql.trace import ItemRangeInput, position_of
from mesgraph.genealogy.recall import Exposed, exposed_to, made_at, shipments_of
from mesgraph.genealogy.trace import check_part
from mesgraph.genealogy.traced import Range
from mesgraph.genealogy.walk import Belief
from mesgraph.ledger.queries import Cursor
from mesgraph.materials.graphql import ItemKey, MaterialDefinitionNode, QuantityType, TraceableItem, find_item
from mesgraph.materials.models import ITEM_TYPES, ItemStatus, MaterialDefinition, shown_status
from mesgraph.orders.graphql.nodes import OperationsRequestNode
from mesgraph.orders.models import OperationsRequest
from mesgraph.quantity import Quantity, plain

SUSPECTS_MAX = 100_000
"""Items that are suspect themselves."""


@strawberry.input(description="An item that is suspect: all of it, or some positions.")
class SuspectItemInput:
    """A seed of the exposure."""

    item: ItemKey = strawberry.field(description="The item.")
    range: ItemRangeInput | None = strawberry.field(default=None, description="Only these positions of it.")


@strawberry.input(description="What was made on a piece of equipment for some time.")
class SuspectProductionInput:
    """A window of production."""

    equipment: strawberry.ID = strawberry.field(
        description="Where it was made: a machine, or a line, an area or a site with all that stands in it. Opaque id, "
        "or `SITE/CODE`."
    )
    from_: datetime = strawberry.field(name="from", description="Event time, included.")
    to: datetime = strawberry.field(description="Event time, excluded.")


@strawberry.input(description="What is suspect: items, what was made somewhere for some time, or both.")
class SuspectSetInput:
    """Seeds."""

    items: list[SuspectItemInput] = strawberry.field(default_factory=list, description="Items, or parts of them.")
    production: list[SuspectProductionInput] = strawberry.field(
        default_factory=list, description="Windows of production: all that was made then is suspect."
    )


@strawberry.type(description="How many of the affected items have something in common, and how much of them is left.")
class AffectedByMaterial:
    """A line of the summary."""

    material_id: strawberry.Private[int | None]
    amounts: strawberry.Private[Quantity]
    count: int = strawberry.field(description="How many items.")

    @strawberry.field(description="The material; null for logistic units.")
    async def material(self, info: Info) -> MaterialDefinitionNode | None:
        """Batched by the kit."""
        return shown(await info.context.one(MaterialDefinition, self.material_id))

    @strawberry.field(description="What is on hand of them, in the unit of the material.")
    def on_hand(self) -> QuantityType:
        """With its unit."""
        return shown(self.amounts)


@strawberry.type(description="Affected items in one state.")
class AffectedByStatus:
    """A line of the summary."""

    status: ItemStatus = strawberry.field(description="Shown state, as of now.")
    count: int = strawberry.field(description="How many items.")


@strawberry.type(description="Affected items in one place.")
class AffectedByLocation:
    """A line of the summary."""

    location_id: strawberry.Private[int | None]
    count: int = strawberry.field(description="How many items.")

    @strawberry.field(description="The store or machine; null for items that are nowhere in the plant.")
    async def location(self, info: Info) -> EquipmentNode | None:
        """Batched by the kit."""
        return shown(await info.context.one(Equipment, self.location_id))


@strawberry.type(description="Affected items of one order.")
class AffectedByOrder:
    """A line of the summary."""

    request_id: strawberry.Private[int | None]
    count: int = strawberry.field(description="How many items.")

    @strawberry.field(description="The order that made them; null for what no order made, or you may not see.")
    async def order(self, info: Info) -> OperationsRequestNode | None:
        """Batched by the kit."""
        return shown(await info.context.one(OperationsRequest, self.request_id))


@strawberry.type(description="Affected items that left the plant together.")
class AffectedShipment:
    """A line of the summary."""

    shipment: GenealogyEventNode = strawberry.field(description="The shipment.")
    count: int = strawberry.field(description="How many of its items are affected.")


@strawberry.type(description="The affected items as columns: the n-th entry of each is about the same item.")
class AffectedColumns:
    """Built at once."""

    ids: TextColumn = strawberry.field(description="Opaque ids.")
    keys: TextColumn = strawberry.field(description="What people call the items.")
    statuses: TextColumn = strawberry.field(description="Shown states (ItemStatus), as of now.")
    depths: IntegerColumn = strawberry.field(description="Activities from the nearest suspect, which has 0.")
    shipped: IntegerColumn = strawberry.field(description="1 for what left the plant, else 0.")
    quantities: TextColumn = strawberry.field(description="On hand, decimal numbers in `uoms`.")
    uoms: TextColumn = strawberry.field(description="Base units of the items.")


@strawberry.type(description="What would be affected if something is wrong with the suspects. Nothing was written.")
class ImpactAssessment:
    """Numbers and facts, summed up when asked for."""

    exposed: strawberry.Private[Exposed]
    facts: strawberry.Private[dict[int, Fact]]
    at: strawberry.Private[int]

    @strawberry.field(description="The place in the record up to which it counts.")
    def position(self, info: Info) -> Cursor:
        """As a cursor."""
        return Cursor(info.context.plant.tail.cursor.epoch, self.at)

    @strawberry.field(description="How many items are suspect themselves.")
    def suspect_count(self) -> int:
        """Seeds."""
        return len(self.exposed.suspects)

    @strawberry.field(description="How many items are affected, suspects included, as far as you may see them.")
    def affected_count(self) -> int:
        """All of them."""
        return len(self.facts)

    @strawberry.field(description="How many affected items are at sites that you may not see.")
    def hidden_count(self) -> int:
        """What is missing in all else."""
        return len(self.exposed.depths) - len(self.facts)

    @strawberry.field(description="How many affected items have left the plant.")
    def shipped_count(self) -> int:
        """Of those that are shown."""
        return len(self.exposed.shipped & self.facts.keys())

    @strawberry.field(description="Whether it is a recall: something of it has left the plant.")
    def is_recall(self) -> bool:
        """Also for what the caller may not see."""
        return bool(self.exposed.shipped)

    @strawberry.field(description="Affected items by material.")
    def by_material(self) -> list[AffectedByMaterial]:
        """Counted and summed."""
        groups: dict[tuple[int | None, str], list[Decimal]] = defaultdict(list)
        for fact in self.facts.values():
            groups[fact.material_id, fact.uom].append(fact.quantity)
        return [
            AffectedByMaterial(material_id=key, amounts=Quantity(sum(amounts, Decimal(0)), uom), count=len(amounts))
            for (key, uom), amounts in groups.items()
        ]

    @strawberry.field(description="Affected items by shown state.")
    def by_status(self, info: Info) -> list[AffectedByStatus]:
        """As of now."""
        counts: dict[ItemStatus, int] = defaultdict(int)
        for fact in self.facts.values():
            counts[_status(info.context, fact)] += 1
        return [AffectedByStatus(status=status, count=count) for status, count in counts.items()]

    @strawberry.field(description="Affected items by place.")
    def by_location(self) -> list[AffectedByLocation]:
        """Counted."""
        counts = _count(fact.location_id for fact in self.facts.values())
        return [AffectedByLocation(location_id=key, count=count) for key, count in counts.items()]

    @strawberry.field(description="Affected items by the order that made them.")
    def by_order(self) -> list[AffectedByOrder]:
        """Counted."""
        counts = _count(fact.request_id for fact in self.facts.values())
        return [AffectedByOrder(request_id=key, count=count) for key, count in counts.items()]

    @strawberry.field(description="Affected items by the shipment with which they left the plant.")
    async def by_shipment(self, info: Info) -> list[AffectedShipment]:
        """Out of the record."""
        gone = sorted(self.exposed.shipped & self.facts.keys())
        found = await info.context.read(lambda session: shipments_of(session, gone, Belief(self.at)))
        return [AffectedShipment(shipment=shown(event), count=count) for event, count in found.items()]

    @strawberry.field(description="The affected items, nearest first.")
    async def items(
        self,
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many at most: 1 to 10,000.")] = 500,
        skip: Annotated[int, strawberry.argument(description="Leave out so many.")] = 0,
    ) -> list[TraceableItem]:
        """Rows of a page."""
        if not (1 <= first <= 10_000 and skip >= 0):
            raise Refused(invalid(f"first is {first} and skip {skip}; give 1 to 10,000 and 0 or more", "first"))
        page = self._ordered()[skip : skip + first]
        rows = await info.context.read(lambda session: items_of(session, page))
        return shown([rows[item] for item in page if item in rows])

    @strawberry.field(description="All affected items as columns, nearest first.")
    def columns(self, info: Info) -> AffectedColumns:
        """Out of the facts."""
        facts = [self.facts[item] for item in self._ordered()]
        return AffectedColumns(
            ids=TextColumn([opaque_id(ITEM_TYPES[fact.item_kind], fact.id) for fact in facts]),
            keys=TextColumn([fact.key for fact in facts]),
            statuses=TextColumn([_status(info.context, fact).value for fact in facts]),
            depths=IntegerColumn([self.exposed.depths[fact.id] for fact in facts]),
            shipped=IntegerColumn([int(fact.id in self.exposed.shipped) for fact in facts]),
            quantities=TextColumn([plain(fact.quantity) for fact in facts]),
            uoms=TextColumn([fact.uom for fact in facts]),
        )

    def _ordered(self) -> list[int]:
        return sorted(self.facts, key=lambda item: (self.exposed.depths[item], item))


def _status(context: Context, fact: Fact) -> ItemStatus:
    return shown_status(fact.lifecycle, fact.open_holds, fact.expires_at, context.plant.clock.now())


def _count(keys: Any) -> dict[int | None, int]:
    counts: dict[int | None, int] = defaultdict(int)
    for key in keys:
        counts[key] += 1
    return counts


@strawberry.type
class RecallQueries:
    """Reads."""

    @strawberry.field(
        description="Everything that is exposed to suspects, at any depth, and where it is now: what a recall would "
        "concern. Where positions are known only what was made of the suspect positions counts, else whatever has "
        "anything of a suspect. It writes nothing."
    )
    async def simulate_recall(
        self,
        info: Info,
        suspects: Annotated[SuspectSetInput, strawberry.argument(description="What is suspect.")],
        as_of: Annotated[
            Cursor | None,
            strawberry.argument(
                description="Only what was recorded by then. For another page of the same answer, pass its `position`."
            ),
        ] = None,
    ) -> ImpactAssessment:
        """At one position of the record."""
        context = info.context
        position = await position_of(context, as_of)
        seeds = await context.read(lambda session: _seeds(session, suspects, position))
        exposed = await asyncio.to_thread(timed(exposed_to), context.plant.core.graph, seeds, position)
        facts = await context.read(lambda session: facts_of(session, sorted(exposed.depths)))
        return ImpactAssessment(exposed=exposed, facts=facts, at=position)


def _seeds(session: Session, suspects: SuspectSetInput, position: int) -> dict[int, Range | None]:
    """The suspects, with the part of each; refuses an empty set, too many, unknown ones and ranges outside of their
    item.
    """
    found = Findings()
    seeds: dict[int, Range | None] = {}
    for i, window in enumerate(suspects.production):
        with found.under("suspects", "production", i):
            if window.to <= window.from_:
                message = f"the window from {window.from_.isoformat()} to {window.to.isoformat()} has no time in it"
                raise Refused(invalid(message, "to"))
            place = find(session, Equipment, window.equipment, "equipment")
            seeds |= dict.fromkeys(made_at(session, place, window.from_, window.to, Belief(position)))
    whole = set(seeds)
    for i, suspect in enumerate(suspects.items):
        with found.under("suspects", "items", i):
            item = find_item(session, suspect.item, "item")
            part = None if suspect.range is None else (suspect.range.from_, suspect.range.to)
            check_part(part, item.initial_quantity)
            seeds[item.id] = None if item.id in whole else part
    found.refuse()
    if not (suspects.items or suspects.production):
        raise Refused(invalid("name at least one suspect", "suspects"))
    if len(seeds) > SUSPECTS_MAX:
        message = f"{len(seeds)} suspects are more than {SUSPECTS_MAX}; ask for shorter windows"
        raise Refused(invalid(message, "suspects"))
    return seeds
