"""Commands on what failed and on what is taken apart."""

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find_optional
from mesgraph.api.places import at
from mesgraph.errors import Refused, TransitionViolation, invalid
from mesgraph.genealogy import actions
from mesgraph.genealogy.actions import DispositionDecision
from mesgraph.genealogy.graphql.nodes import GenealogyEventNode
from mesgraph.materials.graphql import ItemKey, TraceableItem, find_item, find_items, named_item
from mesgraph.orders.lifecycle import NOT_STARTED, UNDER_WAY
from mesgraph.orders.models import OperationsRequest
from mesgraph.work import Work

described_enum(
    DispositionDecision,
    "What is decided about a rejected item.",
    {
        DispositionDecision.USE_AS_IS: "It is good enough: AVAILABLE.",
        DispositionDecision.REGRADE: "It is good enough for another use: AVAILABLE with another `grade`.",
        DispositionDecision.REWORK: "It is made right: it ends, and goes on IN_PROCESS as the next revision of the "
        "same serial number, or as a new sublot of its lot.",
        DispositionDecision.SCRAP: "It is thrown away: SCRAPPED.",
        DispositionDecision.RETURN_TO_SUPPLIER: "It goes back to its supplier: RETURNED.",
    },
)


@strawberry.input(
    description="What becomes of a rejected item, the whole of it: split off a part that has another fate. `reason` is "
    "demanded: until there are records of nonconformance it stands for them."
)
class DispositionItemInput(CommandInput):
    """A decision."""

    item: ItemKey = strawberry.field(description="The rejected item.")
    decision: DispositionDecision = strawberry.field(description="What is decided.")
    grade: str | None = strawberry.field(default=None, description="Its grade from now on; with REGRADE only.")
    request: strawberry.ID | None = strawberry.field(
        default=None, description="The order that reworks it, not ended; its own one when left out. With REWORK only."
    )
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="What became of the item.")
class DispositionItemPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The item as it is now.")
    reworked: TraceableItem | None = strawberry.field(
        default=None, description="With REWORK: the next revision of the unit, or the new sublot."
    )
    genealogy_event: GenealogyEventNode | None = strawberry.field(
        default=None, description="The activity; null with USE_AS_IS and REGRADE, which only change the item."
    )


@strawberry.input(description="Components that are taken out of a unit.")
class DisassembleUnitInput(CommandInput):
    """A disassembly."""

    unit: ItemKey = strawberry.field(description="The unit that they are installed in.")
    components: list[ItemKey] | None = strawberry.field(
        default=None, description="What is taken out; all that is installed when left out."
    )
    expected_version: int | None = strawberry.field(
        default=None, description="Version of the unit that you decided on."
    )


@strawberry.type(description="What was taken out.")
class DisassembleUnitPayload(CommandPayload):
    """Answer."""

    unit: TraceableItem | None = strawberry.field(default=None, description="The unit as it is now.")
    components: list[TraceableItem] | None = strawberry.field(default=None, description="What was taken out.")
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")


@strawberry.type
class DispositionCommands:
    """Writes."""

    @command
    @at(named_item("item"))
    def disposition_item(work: Work, input: DispositionItemInput) -> DispositionItemPayload:
        """Decide what becomes of a rejected item: use as is, regrade, rework, scrap, or back to the supplier. Needs a
        reason.
        """
        item = find_item(work.session, input.item, "item")
        request = find_optional(work.session, OperationsRequest, input.request, "request")
        reworks_in = request
        if request is None and input.decision is DispositionDecision.REWORK and item.request_id is not None:
            reworks_in = work.session.get(OperationsRequest, item.request_id)
        if reworks_in is not None and reworks_in.state not in NOT_STARTED | UNDER_WAY:
            raise Refused(
                TransitionViolation(
                    message=f"order {reworks_in.code} is {reworks_in.state} and reworks nothing any more; name one "
                    "that does",
                    path=("request",),
                    from_state=reworks_in.state,
                    allowed=(),
                )
            )
        if reworks_in is not None and reworks_in.site_id != item.site_id:
            message = f"order {reworks_in.code} belongs to another site than {item.key}; name one where it is"
            raise Refused(invalid(message, "request"))
        heir, activity = actions.dispose_of_item(
            work,
            item,
            input.decision,
            grade=input.grade,
            request_id=request.id if request else None,
            expected_version=input.expected_version,
        )
        return DispositionItemPayload(
            item=shown(item), reworked=shown(heir if heir is not item else None), genealogy_event=shown(activity)
        )

    @command
    @at(named_item("unit"))
    def disassemble_unit(work: Work, input: DisassembleUnitInput) -> DisassembleUnitPayload:
        """Take components out of the unit that they were built into. They wait in QUARANTINE where the unit is; what
        was in which slot, and until when, stays in the genealogy of the unit.
        """
        unit = find_item(work.session, input.unit, "unit")
        components = None if input.components is None else find_items(work.session, input.components, "components")
        activity, taken = actions.disassemble_unit(work, unit, components, expected_version=input.expected_version)
        return DisassembleUnitPayload(unit=shown(unit), components=shown(taken), genealogy_event=shown(activity))
