"""Commands on items. What undoes one is `reverseEvent`, which knows the runs, too: see the domain of orders."""

from collections.abc import Sequence
from decimal import Decimal

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find, find_optional
from mesgraph.api.places import at, named
from mesgraph.api.scalars import SSCC
from mesgraph.equipment.models import Equipment
from mesgraph.genealogy import actions
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.materials.graphql import (
    ItemKey,
    QuantityInput,
    TraceableItem,
    find_item,
    find_items,
    named_item,
    named_items,
    read_quantity,
)
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.materials.queries import item_by_parts
from mesgraph.orders import shipping
from mesgraph.quantity import Quantity, in_base
from mesgraph.work import Work


def _amount(work: Work, input: QuantityInput, item: Item, *path: str | int, positive: bool = True) -> Decimal:
    """The amount in the item's base unit."""
    material = work.session.get(MaterialDefinition, item.material_id) if item.material_id else None
    if material is None:
        return in_base(Quantity(input.value, input.uom), item.uom, {}, *path, positive=positive)
    return read_quantity(input, material, *path, positive=positive)


@strawberry.input(description="A part to split off.")
class SplitChildInput:
    """One sublot."""

    quantity: QuantityInput = strawberry.field(description="How much; above zero.")
    number: str | None = strawberry.field(
        default=None, description="Sublot number; the next free one of the lot when left out: 001, 002, ..."
    )


@strawberry.input(description="How a lot is divided: name the children, or how many equal parts.")
class SplitLotInput(CommandInput):
    """A split."""

    item: ItemKey = strawberry.field(description="The lot or sublot.")
    children: list[SplitChildInput] = strawberry.field(default_factory=list, description="The parts to split off.")
    parts: int | None = strawberry.field(
        default=None,
        description="Into how many equal parts. Where it does not divide, the first parts are larger by 10^-6 (by one "
        "piece for what is counted), so that the sum is exact.",
    )
    quantity: QuantityInput | None = strawberry.field(
        default=None,
        description="How much is divided, loss included. When left out: the sum of the children, or all on hand. The "
        "rest stays in the lot.",
    )
    loss: QuantityInput | None = strawberry.field(default=None, description="What the cut destroyed; it is scrapped.")
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="The lot and its new parts.")
class SplitLotPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The lot as it is now.")
    children: list[TraceableItem] | None = strawberry.field(default=None, description="The parts, in order.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="Lots that become one.")
class MergeLotsInput(CommandInput):
    """A merge."""

    items: list[ItemKey] = strawberry.field(description="At least two usable lots or sublots of one revision.")
    lot_number: str = strawberry.field(description="Number of the new lot.")


@strawberry.type(description="The new lot.")
class MergeLotsPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The new lot.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="Items that are brought to a store.")
class MoveMaterialInput(CommandInput):
    """A move."""

    items: list[ItemKey] = strawberry.field(description="The items; what is in them comes with them.")
    location: strawberry.ID = strawberry.field(description="A storage zone or unit of their site.")


@strawberry.type(description="The items where they are now.")
class MoveMaterialPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(default=None, description="In the order asked.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="A sample of a lot.")
class TakeSampleInput(CommandInput):
    """A sample."""

    item: ItemKey = strawberry.field(description="The lot or sublot; it may be in quarantine or on hold.")
    quantity: QuantityInput = strawberry.field(description="How much is taken out; it does not come back.")
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="The lot after the sample.")
class TakeSamplePayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The lot as it is now.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="What is thrown away, and why.")
class ScrapItemInput(CommandInput):
    """A loss. `reason` is demanded."""

    item: ItemKey = strawberry.field(description="The item.")
    quantity: QuantityInput | None = strawberry.field(default=None, description="How much of a lot; all when left out.")
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="The item after the loss.")
class ScrapItemPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The item as it is now.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="What was counted, and why the record was wrong.")
class AdjustLotInput(CommandInput):
    """A count. `reason` is demanded."""

    item: ItemKey = strawberry.field(description="The lot or sublot.")
    counted: QuantityInput = strawberry.field(description="What is really on hand; zero or more.")
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="The lot after the count.")
class AdjustLotPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The lot as it is now.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="What is put into a logistic unit.")
class PackInput(CommandInput):
    """Packing."""

    sscc: SSCC = strawberry.field(description="The unit; made known by this when it is new.")
    items: list[ItemKey] = strawberry.field(description="Usable items that are in no other unit.")
    location: strawberry.ID | None = strawberry.field(
        default=None, description="Where a new unit stands; where the first item is when left out."
    )


@strawberry.type(description="The logistic unit.")
class PackPayload(CommandPayload):
    """Answer."""

    logistic_unit: TraceableItem | None = strawberry.field(default=None, description="The unit with its `children`.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="What is taken out of a logistic unit.")
class UnpackInput(CommandInput):
    """Unpacking."""

    sscc: SSCC = strawberry.field(description="The unit.")
    items: list[ItemKey] | None = strawberry.field(default=None, description="What is taken out; all when left out.")


@strawberry.type(description="What was taken out.")
class UnpackPayload(CommandPayload):
    """Answer."""

    logistic_unit: TraceableItem | None = strawberry.field(default=None, description="The unit as it is now.")
    items: list[TraceableItem] | None = strawberry.field(default=None, description="What was taken out.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.input(description="What leaves the plant.")
class ShipItemsInput(CommandInput):
    """A shipment."""

    items: list[ItemKey] = strawberry.field(description="The items; what is packed in them leaves with them.")


@strawberry.type(description="What left.")
class ShipItemsPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(default=None, description="In the order asked.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


def _unit(session: Session, input: UnpackInput) -> Sequence[Item]:
    return [find_item(session, ItemKey(sscc=input.sscc), "sscc")]


def _pallet(session: Session, input: PackInput) -> Sequence[Item]:
    """The unit, if it is known: what is packed comes to where it stands."""
    unit = item_by_parts(session, sscc=input.sscc)
    return [] if unit is None else [unit]


@strawberry.type
class GenealogyCommands:
    """Writes."""

    @command
    @at(named_item("item"))
    def split_lot(work: Work, input: SplitLotInput) -> SplitLotPayload:
        """Divide a lot or sublot into sublots. They inherit material, expiry, holds, grade, state and place; a lot on
        hold may be split. Children and loss together are exactly what the lot loses.
        """
        item = find_item(work.session, input.item, "item")
        children = [
            actions.Child(_amount(work, child.quantity, item, "children", i, "quantity"), child.number)
            for i, child in enumerate(input.children)
        ]
        activity, made = actions.split_lot(
            work,
            item,
            children=children,
            parts=input.parts,
            quantity=None if input.quantity is None else _amount(work, input.quantity, item, "quantity"),
            loss=Decimal(0) if input.loss is None else _amount(work, input.loss, item, "loss", positive=False),
            expected_version=input.expected_version,
        )
        return SplitLotPayload(item=shown(item), children=shown(made), genealogy_event=shown(activity))

    @command
    @at(named_items("items"))
    def merge_lots(work: Work, input: MergeLotsInput) -> MergeLotsPayload:
        """Make one new lot of all that is on hand in several usable lots of one revision. It expires with the first of
        them.
        """
        items = find_items(work.session, input.items, "items")
        activity, (lot,) = actions.merge_lots(work, items, lot_number=input.lot_number)
        return MergeLotsPayload(item=shown(lot), genealogy_event=shown(activity))

    @command
    @at(named_items("items"), named(Equipment, "location"))
    def move_material(work: Work, input: MoveMaterialInput) -> MoveMaterialPayload:
        """Bring items to another store of their site, with all that is in them."""
        items = find_items(work.session, input.items, "items")
        location = find(work.session, Equipment, input.location, "location")
        activity, moved = actions.move_material(work, items, location)
        return MoveMaterialPayload(items=shown(moved), genealogy_event=shown(activity))

    @command
    @at(named_item("item"))
    def take_sample(work: Work, input: TakeSampleInput) -> TakeSamplePayload:
        """Take a quantity out of a lot to be tested. It leaves the lot for good."""
        item = find_item(work.session, input.item, "item")
        quantity = _amount(work, input.quantity, item, "quantity")
        activity, _ = actions.take_sample(work, item, quantity, expected_version=input.expected_version)
        return TakeSamplePayload(item=shown(item), genealogy_event=shown(activity))

    @command
    @at(named_item("item"))
    def scrap_item(work: Work, input: ScrapItemInput) -> ScrapItemPayload:
        """Throw away an item, or a quantity of a lot. Needs a reason. A whole item becomes SCRAPPED."""
        item = find_item(work.session, input.item, "item")
        quantity = None if input.quantity is None else _amount(work, input.quantity, item, "quantity")
        activity, _ = actions.scrap_item(work, item, quantity, expected_version=input.expected_version)
        return ScrapItemPayload(item=shown(item), genealogy_event=shown(activity))

    @command
    @at(named_item("item"))
    def adjust_lot(work: Work, input: AdjustLotInput) -> AdjustLotPayload:
        """Set the quantity on hand of a lot to what was counted. Needs a reason."""
        item = find_item(work.session, input.item, "item")
        counted = _amount(work, input.counted, item, "counted", positive=False)
        activity, _ = actions.adjust_lot(work, item, counted, expected_version=input.expected_version)
        return AdjustLotPayload(item=shown(item), genealogy_event=shown(activity))

    @command
    @at(named_items("items"), named(Equipment, "location"), _pallet)
    def pack(work: Work, input: PackInput) -> PackPayload:
        """Put usable items into a logistic unit, which is made known by that if it is new. A unit may hold units."""
        items = find_items(work.session, input.items, "items")
        location = find_optional(work.session, Equipment, input.location, "location")
        activity, (unit,) = actions.pack(work, items, sscc=input.sscc, location=location)
        return PackPayload(logistic_unit=shown(unit), genealogy_event=shown(activity))

    @command
    @at(_unit)
    def unpack(work: Work, input: UnpackInput) -> UnpackPayload:
        """Take items, or all, out of a logistic unit."""
        unit = find_item(work.session, ItemKey(sscc=input.sscc), "sscc")
        items = None if input.items is None else find_items(work.session, input.items, "items")
        activity, taken = actions.unpack(work, unit, items)
        return UnpackPayload(logistic_unit=shown(unit), items=shown(taken), genealogy_event=shown(activity))

    @command
    @at(named_items("items"))
    def ship_items(work: Work, input: ShipItemsInput) -> ShipItemsPayload:
        """Items leave the plant with what is packed in them. Refused while anything in them, or anything they were made
        from, has an open hold, while an order keeps a part of them, and while the as-built record of a unit that was
        made here is not complete (`asBuilt { gaps }`).
        """
        items = find_items(work.session, input.items, "items")
        activity, shipped = shipping.ship_items(work, items)
        return ShipItemsPayload(items=shown(shipped), genealogy_event=shown(activity))
