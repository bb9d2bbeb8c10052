"""Transfers between sites in the API."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.nodes import Node, NodeRef, find, find_optional, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.relations import to_many, to_one
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import any_site, sites
from mesgraph.errors import Findings, Refused, all_violations, invalid, not_found
from mesgraph.materials.graphql import (
    ItemKey,
    QuantityInput,
    QuantityType,
    TraceableItem,
    find_item,
    read_item_quantity,
)
from mesgraph.materials.models import Item
from mesgraph.quantity import Quantity
from mesgraph.sites import actions, queries
from mesgraph.sites.models import Resolution, Transfer, TransferLine, TransferState
from mesgraph.work import Work

described_enum(
    TransferState,
    "Where a transfer stands.",
    {
        TransferState.DRAFT: "Written; its items are still where they were.",
        TransferState.SHIPPED: "Its items have left the sending site.",
        TransferState.IN_TRANSIT: "The receiving site knows what is on its way.",
        TransferState.RECEIVED: "The receiving site has confirmed what came.",
        TransferState.RECONCILED: "All came, or what did not is adjusted.",
        TransferState.CANCELLED: "Given up before anything left.",
        TransferState.DISPUTED: "Something did not come and is not adjusted yet.",
    },
)
described_enum(
    Resolution,
    "What became of something that was missing.",
    {
        Resolution.ARRIVED_LATE: "It came to the receiving site after all.",
        Resolution.NEVER_LEFT: "It is still at the sending site.",
        Resolution.LOST: "It is gone: units are SCRAPPED, the rest of a lot stays counted off.",
    },
)


@strawberry.type(name="TransferLine", description="An item of a transfer; what is packed in it has lines of its own.")
class TransferLineType:
    """Executed on :class:`mesgraph.sites.models.TransferLine`."""

    line: int = strawberry.field(description="Number of the line.")
    item_key: str = strawberry.field(description="Key of the item, also for the site that sees it no more.")
    item: TraceableItem | None = to_one(
        TransferLine.item_id, Item, "The item; null when it belongs to a site that you may not see."
    )
    resolution: Resolution | None = strawberry.field(description="What became of the difference, once it is adjusted.")

    @strawberry.field(description="How much was sent.")
    def shipped(root: strawberry.Parent[Any]) -> QuantityType:
        """In the item's unit."""
        return shown(Quantity(root.shipped, root.uom))

    @strawberry.field(description="How much the receipt confirmed; null before it.")
    def received(root: strawberry.Parent[Any]) -> QuantityType | None:
        """In the item's unit."""
        return None if root.received is None else shown(Quantity(root.received, root.uom))

    @strawberry.field(description="What was sent, did not come and is not adjusted yet; zero before the receipt.")
    def difference(root: strawberry.Parent[Any]) -> QuantityType:
        """In the item's unit."""
        return shown(Quantity(root.difference, root.uom))


@node(Transfer, find=queries.transfer_by_key)
class TransferNode(Node):
    """Items that one site of the company sends to another; both see it. Named by its number: `HV1-T-000001`."""

    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    created_at: datetime = strawberry.field(description="When it was written.")
    number: str = strawberry.field(description="Unique number.")
    from_code: str = strawberry.field(name="fromSite", description="Code of the site that sends.")
    to_code: str = strawberry.field(name="toSite", description="Code of the site that receives.")
    state: TransferState = strawberry.field(description="Where it stands.")
    shipped_at: datetime | None = strawberry.field(description="When the items left.")
    received_at: datetime | None = strawberry.field(description="When the receipt was confirmed.")
    lines: list[TransferLineType] = to_many(
        TransferLine.transfer_id,
        TransferLine,
        "What is sent: before the shipment the items named, after it with all that is packed in them.",
        (TransferLine.line,),
    )


class TransferOrder(StrEnum):
    """The orders in which transfers are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


TRANSFER_ORDERS = orders(
    TransferOrder,
    "The order of a list of transfers.",
    {
        TransferOrder.NEWEST: (Order((Transfer.id,), descending=True), "The newest first."),
        TransferOrder.OLDEST: (Order((Transfer.id,)), "The oldest first."),
    },
)


@strawberry.input(description="Which transfers. All conditions that are given must hold.")
class TransferFilter:
    """Conditions on transfers."""

    key_prefix: str | None = prefix_field("number")
    state: list[TransferState] | None = strawberry.field(default=None, description="In any of these states.")
    site: strawberry.ID | None = strawberry.field(default=None, description="From or to this site.")
    item: ItemKey | None = strawberry.field(default=None, description="With this item on a line.")


def _conditions(session: Session, wanted: TransferFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Transfer.number, wanted.key_prefix)
    if wanted.state is not None:
        yield Transfer.state.in_(wanted.state)
    if wanted.site is not None:
        site_id = find(session, Site, wanted.site, "filter", "site").id
        yield or_(Transfer.from_site_id == site_id, Transfer.to_site_id == site_id)
    if wanted.item is not None:
        item_id = find_item(session, wanted.item, "filter", "item").id
        yield Transfer.id.in_(select(TransferLine.transfer_id).where(TransferLine.item_id == item_id))


@strawberry.type
class TransferQueries:
    """Reads."""

    @strawberry.field(description="A transfer by id or number; null when there is none.")
    async def transfer(self, info: Info, key: NodeRef) -> TransferNode | None:
        """One."""

        def read(session: Session) -> Transfer | None:
            try:
                return find(session, Transfer, key)
            except Refused:
                return None

        return shown(await info.context.read(read))

    transfers: Connection[TransferNode] = listing(
        "Transfers from and to your sites.",
        TransferFilter,
        TRANSFER_ORDERS,
        TransferOrder.NEWEST,
        select(Transfer),
        lambda _, session, wanted: _conditions(session, wanted),
    )


@strawberry.input(description="Items to send to another site.")
class CreateTransferInput(CommandInput):
    """One transfer."""

    from_site: strawberry.ID | None = strawberry.field(
        default=None, description="The site that sends; may be left out when you see only one."
    )
    to_site: str = strawberry.field(description="Code of the site that receives; you need not see it.")
    items: list[ItemKey] = strawberry.field(
        description="Whole items, 500 at most; what is packed in them goes with them."
    )


@strawberry.type(description="The transfer.")
class CreateTransferPayload(CommandPayload):
    """Answer."""

    transfer: TransferNode | None = strawberry.field(default=None, description="The draft.")


@strawberry.input(description="A draft that is given up.")
class CancelTransferInput(CommandInput):
    """One transfer."""

    transfer: strawberry.ID = strawberry.field(description="The transfer.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The transfer, cancelled.")
class CancelTransferPayload(CommandPayload):
    """Answer."""

    transfer: TransferNode | None = strawberry.field(default=None, description="The transfer.")


@strawberry.input(description="A transfer whose items leave.")
class ShipTransferInput(CommandInput):
    """One transfer."""

    transfer: strawberry.ID = strawberry.field(description="The transfer.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The transfer, in transit.")
class ShipTransferPayload(CommandPayload):
    """Answer."""

    transfer: TransferNode | None = strawberry.field(default=None, description="The transfer.")


@strawberry.input(description="What came of an item, when it is less than was sent.")
class ReceivedInput:
    """One item."""

    item: ItemKey = strawberry.field(description="The item.")
    quantity: QuantityInput = strawberry.field(
        description="How much of it came; 0 for a missing unit, with which all that is packed in it is missing."
    )


@strawberry.input(description="What came to the receiving site.")
class ConfirmTransferReceiptInput(CommandInput):
    """One transfer."""

    transfer: strawberry.ID = strawberry.field(description="The transfer.")
    location: strawberry.ID = strawberry.field(description="The store of the receiving site where it lies now.")
    received: list[ReceivedInput] = strawberry.field(
        default_factory=list, description="Only what differs from what was sent; all the rest has come."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The transfer: RECONCILED, or DISPUTED when something is missing.")
class ConfirmTransferReceiptPayload(CommandPayload):
    """Answer."""

    transfer: TransferNode | None = strawberry.field(default=None, description="The transfer.")


@strawberry.input(description="What became of missing items. Needs a reason.")
class AdjustTransferInput(CommandInput):
    """Some items of one transfer."""

    transfer: strawberry.ID = strawberry.field(description="The transfer.")
    items: list[ItemKey] = strawberry.field(description="Items of which something is missing.")
    resolution: Resolution = strawberry.field(description="What became of it.")
    location: strawberry.ID | None = strawberry.field(
        default=None, description="The store where they are, unless they are lost."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The transfer: RECONCILED when nothing is missing any more.")
class AdjustTransferPayload(CommandPayload):
    """Answer."""

    transfer: TransferNode | None = strawberry.field(default=None, description="The transfer.")


@strawberry.type
class TransferCommands:
    """Writes."""

    @command
    def create_transfer(work: Work, input: CreateTransferInput) -> CreateTransferPayload:
        """Write down what shall go to another site. The items stay where they are until `shipTransfer`. An item stands
        on one draft of its site at a time (DUPLICATE_KEY names the other one).
        """
        with all_violations() as found:
            with found.under():
                site = _sender(work.session, input.from_site)
            destination = any_site(work.session, input.to_site)
            if destination is None:
                found.add(not_found("Site", input.to_site[:100], "to_site"))
            items = _items(work, input.items, found)
        assert destination is not None, "an unknown site was refused"
        to = actions.Destination(*destination)
        return CreateTransferPayload(transfer=shown(actions.create_transfer(work, site, to, items)))

    @command
    def cancel_transfer(work: Work, input: CancelTransferInput) -> CancelTransferPayload:
        """Give up a draft: nothing leaves, and its items are free for another one. What was shipped is received."""
        transfer = find(work.session, Transfer, input.transfer, "transfer")
        row = actions.cancel_transfer(work, transfer, expected_version=input.expected_version)
        return CancelTransferPayload(transfer=shown(row))

    @command
    def ship_transfer(work: Work, input: ShipTransferInput) -> ShipTransferPayload:
        """The items leave their site with all that is packed in them: they are SHIPPED, in transit, and belong to the
        site that they are bound for until that receives them. Refuses what `shipItems` refuses.
        """
        transfer = find(work.session, Transfer, input.transfer, "transfer")
        row = actions.ship_transfer(work, transfer, expected_version=input.expected_version)
        return ShipTransferPayload(transfer=shown(row))

    @command
    def confirm_transfer_receipt(work: Work, input: ConfirmTransferReceiptInput) -> ConfirmTransferReceiptPayload:
        """Say what has come: everything, but for what is named as less. What is missing stays in transit, and the
        transfer is DISPUTED until `adjustTransfer` says what became of it. More than was sent cannot have come
        (TRANSFER_DISCREPANCY).
        """
        received: dict[int, Decimal] = {}
        with all_violations() as found:
            with found.under():
                transfer = find(work.session, Transfer, input.transfer, "transfer")
            with found.under():
                location = find(work.session, Equipment, input.location, "location")
            for i, line in enumerate(input.received):
                with found.under("received", i):
                    item = find_item(work.session, line.item, "item")
                    if item.id in received:
                        raise Refused(invalid(f"{item.key} is named twice", "item"))
                    received[item.id] = read_item_quantity(
                        work.session, line.quantity, item, "quantity", positive=False
                    )
        row = actions.confirm_receipt(work, transfer, location, received, expected_version=input.expected_version)
        return ConfirmTransferReceiptPayload(transfer=shown(row))

    @command
    def adjust_transfer(work: Work, input: AdjustTransferInput) -> AdjustTransferPayload:
        """Say what became of items that did not come: they arrived late, never left, or are lost. With the last one
        the transfer is RECONCILED. They belong to the receiving site, so it is for that to say; for what never left,
        by somebody with a role at both sites.
        """
        with all_violations() as found:
            with found.under():
                transfer = find(work.session, Transfer, input.transfer, "transfer")
            items = _items(work, input.items, found)
            with found.under():
                location = find_optional(work.session, Equipment, input.location, "location")
        row = actions.adjust_transfer(
            work,
            transfer,
            items,
            input.resolution,
            location=location,
            expected_version=input.expected_version,
        )
        return AdjustTransferPayload(transfer=shown(row))


def _sender(session: Session, reference: str | None) -> Site:
    if reference is not None:
        return find(session, Site, reference, "from_site")
    seen = sites(session)
    if len(seen) != 1:
        raise Refused(invalid(f"name the site: you see {len(seen)} of them", "from_site"))
    return seen[0]


def _items(work: Work, keys: list[ItemKey], found: Findings) -> list[Item]:
    items = []
    for i, key in enumerate(keys):
        with found.under():
            items.append(find_item(work.session, key, "items", i))
    return items
