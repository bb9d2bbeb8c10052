"""Commands by which items come in: from suppliers, from nowhere known, and back from customers."""

from collections.abc import Sequence
from datetime import datetime

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import References, find
from mesgraph.api.places import at, named
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Findings, Refused, Violation, replace_path
from mesgraph.genealogy import actions
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.materials.graphql import ItemKey, QuantityInput, TraceableItem, find_items, read_quantity
from mesgraph.materials.models import MaterialDefinition, Supplier
from mesgraph.work import Work


@strawberry.input(description="A line of a delivery note: a lot with its quantity, or serial units.")
class ReceiptLineInput:
    """One line."""

    material: str = strawberry.field(description="`CODE` for the latest revision of the material, or `CODE:REVISION`.")
    lot_number: str | None = strawberry.field(
        default=None, description="Number of the lot here, 1 to 20 characters; new for this material."
    )
    quantity: QuantityInput | None = strawberry.field(
        default=None, description="How much of the lot; above zero. Units are counted by their numbers."
    )
    serial_numbers: list[str] = strawberry.field(
        default_factory=list, description="Numbers of serial units, instead of a lot; new for this material."
    )
    supplier: str | None = strawberry.field(default=None, description="Code of the supplier, who must not be blocked.")
    supplier_lot: str | None = strawberry.field(default=None, description="The supplier's lot number.")
    expires_at: datetime | None = strawberry.field(
        default=None, description="Expiry; the shelf life of the material counts from the receipt when left out."
    )
    location: strawberry.ID | None = strawberry.field(default=None, description="The store where it is put.")


@strawberry.input(description="What came in, all or none.")
class ReceiveItemsInput(CommandInput):
    """A receipt."""

    site: strawberry.ID = strawberry.field(description="Where it came in.")
    lines: list[ReceiptLineInput] = strawberry.field(description="1 to 5,000 lots and serial units in all.")


@strawberry.input(description="Items that were found, or made outside of an order, all or none. `reason` is demanded.")
class CommissionItemsInput(CommandInput):
    """A commissioning."""

    site: strawberry.ID = strawberry.field(description="Where they are.")
    lines: list[ReceiptLineInput] = strawberry.field(description="1 to 5,000 lots and serial units in all.")


@strawberry.type(description="What was made known.")
class CommissionItemsPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(
        default=None, description="Lots and units, in the order asked."
    )
    genealogy_events: list[GenealogyEventNode] | None = strawberry.field(
        default=None, description="An activity for each line, so that each can be reversed alone."
    )


@strawberry.input(
    description="Lots that are there, such as at the start of a plant, all or none. `reason` is demanded."
)
class SubmitLotsInput(CommandInput):
    """Open stock."""

    site: strawberry.ID = strawberry.field(description="Where they are.")
    lots: list[ReceiptLineInput] = strawberry.field(
        description="1 to 5,000 lots. One that is known with the same amount ever stays as it is; with another amount "
        "it is refused (DUPLICATE_KEY): count it with `adjustLot`."
    )


@strawberry.type(description="The lots as they are now.")
class SubmitLotsPayload(CommandPayload):
    """Answer."""

    lots: list[TraceableItem] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="Shipped items that came back.")
class ReturnItemsInput(CommandInput):
    """A return."""

    items: list[ItemKey] = strawberry.field(
        description="The items; what is packed in them came with them. One that came without its unit is unpacked."
    )
    location: strawberry.ID = strawberry.field(description="The store where they are put, of the site that shipped.")


@strawberry.type(description="What came back.")
class ReturnItemsPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(default=None, description="In the order asked.")
    genealogy_events: list[GenealogyEventNode] | None = strawberry.field(
        default=None, description="An unpacking for each unit that stayed away, then the return."
    )


@strawberry.type(description="What was received.")
class ReceiveItemsPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(
        default=None, description="Lots and units, in the order asked."
    )
    genealogy_events: list[GenealogyEventNode] | None = strawberry.field(
        default=None, description="An activity for each line, so that each can be reversed alone."
    )


def _stores(session: Session, input: ReceiveItemsInput | CommissionItemsInput) -> Sequence[Entity]:
    """The stores that the lines name; the site for a line that names none."""
    site, references = find(session, Site, input.site, "site"), References(session)
    named_by = {line.location: i for i, line in enumerate(input.lines)}
    return [references.find_optional(Equipment, key, "lines", i, "location") or site for key, i in named_by.items()]


@strawberry.type
class ReceiptCommands:
    """Writes."""

    @command
    @at(_stores)
    def receive_items(work: Work, input: ReceiveItemsInput) -> ReceiveItemsPayload:
        """Receive lots and serial units from suppliers. They begin in QUARANTINE where their material says so, else as
        AVAILABLE.
        """
        site = find(work.session, Site, input.site, "site")
        posted = actions.receive_items(work, site, _lines(work, input.lines))
        return ReceiveItemsPayload(
            items=shown([item for each in posted for item in each.items]),
            genealogy_events=shown([each.activity for each in posted]),
        )

    @command
    @at(_stores)
    def commission_items(work: Work, input: CommissionItemsInput) -> CommissionItemsPayload:
        """Make items known that were found, or made outside of an order, so that nothing says what they were made from.
        They begin in QUARANTINE where their material says so, else as AVAILABLE. Needs a reason.
        """
        site = find(work.session, Site, input.site, "site")
        posted = actions.commission_items(work, site, _lines(work, input.lines))
        return CommissionItemsPayload(
            items=shown([item for each in posted for item in each.items]),
            genealogy_events=shown([each.activity for each in posted]),
        )

    @command
    def submit_lots(work: Work, input: SubmitLotsInput) -> SubmitLotsPayload:
        """Make the open stock known: lots that are there, as COMMISSION of the genealogy. Safe to send again. Needs a
        reason.
        """
        site = find(work.session, Site, input.site, "site")
        try:
            lots = actions.submit_lots(work, site, _lines(work, input.lots, "lots"))
        except Refused as refused:
            raise Refused(*(_renamed(violation) for violation in refused.violations)) from refused
        return SubmitLotsPayload(lots=shown(lots))

    @command
    @at(named(Equipment, "location"))
    def return_items(work: Work, input: ReturnItemsInput) -> ReturnItemsPayload:
        """Items that were shipped came back. They wait in QUARANTINE, with all that is packed in them; an item that
        came back without the unit that it was packed in is taken out of it.
        """
        items = find_items(work.session, input.items, "items")
        location = find(work.session, Equipment, input.location, "location")
        activities, returned = actions.return_items(work, items, location)
        return ReturnItemsPayload(items=shown(returned), genealogy_events=shown(activities))


def _renamed(violation: Violation) -> Violation:
    """The lines of open stock are called lots."""
    first, *rest = violation.path or ("",)
    return replace_path(violation, ("lots", *rest)) if first == "lines" else violation


def _lines(work: Work, given: Sequence[ReceiptLineInput], name: str = "lines") -> list[actions.ReceiptLine]:
    references = References(work.session)
    found, lines = Findings(), []
    for i, line in enumerate(given):
        with found.under(name, i):
            lines.append(_receipt_line(references, line))
    found.refuse()
    return lines


def _receipt_line(references: References, line: ReceiptLineInput) -> actions.ReceiptLine:
    material = references.find(MaterialDefinition, line.material, "material")
    return actions.ReceiptLine(
        material=material,
        lot_number=line.lot_number,
        quantity=None if line.quantity is None else read_quantity(line.quantity, material, "quantity"),
        serial_numbers=line.serial_numbers,
        supplier=references.find_optional(Supplier, line.supplier, "supplier"),
        supplier_lot=line.supplier_lot,
        expires_at=line.expires_at,
        location=references.find_optional(Equipment, line.location, "location"),
    )
