"""The course of an order in the API: held, suspended, resumed, completed, aborted, closed."""

import strawberry

from mesgraph.api.command import CommandPayload, command, shown
from mesgraph.api.enums import described_enum
from mesgraph.errors import all_violations
from mesgraph.materials.graphql import ItemKey, QuantityInput, find_item, read_item_quantity
from mesgraph.orders import closing, ending, halt
from mesgraph.orders.ending import WipDisposition
from mesgraph.orders.graphql.nodes import JobOrderNode, OperationsRequestNode
from mesgraph.orders.graphql.planning import OperationsRequestStepInput, find_request
from mesgraph.work import Work

described_enum(
    WipDisposition,
    "What becomes of the items that are in process in an aborted order.",
    {
        WipDisposition.SCRAP: "They are scrapped.",
        WipDisposition.QUARANTINE: "They go into quarantine, to be decided on there.",
    },
)


@strawberry.input(description="A running order to stop for a cause. Needs a reason.")
class HoldOperationsRequestInput(OperationsRequestStepInput):
    """One order."""


@strawberry.type(description="The order, held.")
class HoldOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input(description="A running order to stop by choice.")
class SuspendOperationsRequestInput(OperationsRequestStepInput):
    """One order."""


@strawberry.type(description="The order, suspended.")
class SuspendOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input(description="A stopped order that goes on.")
class ResumeOperationsRequestInput(OperationsRequestStepInput):
    """One order."""


@strawberry.type(description="The order, running again.")
class ResumeOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")
    resumed: list[JobOrderNode] | None = strawberry.field(
        default=None, description="The jobs that were interrupted with it and run again."
    )
    standing: list[JobOrderNode] | None = strawberry.field(
        default=None,
        description="The jobs that were interrupted with it and cannot run now, such as for want of their machine. "
        "Resume each when it can (`resumeJobOrder` says what is in its way).",
    )


@strawberry.input(description="A running order to complete before its last step has ended. Needs a reason.")
class CompleteOperationsRequestInput(OperationsRequestStepInput):
    """One order."""


@strawberry.type(description="The order, complete.")
class CompleteOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input(description="An order under way to give up. Needs a reason.")
class AbortOperationsRequestInput(OperationsRequestStepInput):
    """One order."""

    disposition: WipDisposition = strawberry.field(
        description="What becomes of the items that are in process in it. What its runs took and have made nothing "
        "of is scrapped in any case: before, reverse the consumption of what can still be used (`reverseEvent`)."
    )


@strawberry.type(description="The order, given up.")
class AbortOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.input(description="A lot of an intermediate that is still there.")
class CarriedOverInput:
    """One lot."""

    item: ItemKey = strawberry.field(description="The lot, made by the order for a later step of its own.")
    quantity: QuantityInput | None = strawberry.field(
        default=None, description="How much was counted; all that the books show when left out."
    )


@strawberry.input(description="An order to settle after its end.")
class CloseOperationsRequestInput(OperationsRequestStepInput):
    """One order."""

    carried_over: list[CarriedOverInput] = strawberry.field(
        default_factory=list,
        description="What is left of the intermediates that the order made for its own later steps. What the books "
        "show and you do not name is unaccounted for, and written off.",
    )
    accept_unaccounted: bool = strawberry.field(
        default=False,
        description="Close even if more is unaccounted for than is tolerated (MASS_BALANCE_EXCEEDED). Needs a `reason` "
        "whose comment explains it, and the role PLANNER.",
    )


@strawberry.type(description="The order, settled.")
class CloseOperationsRequestPayload(CommandPayload):
    """Answer."""

    operations_request: OperationsRequestNode | None = strawberry.field(default=None, description="The order.")


@strawberry.type
class CourseCommands:
    """Writes."""

    @command
    def hold_operations_request(work: Work, input: HoldOperationsRequestInput) -> HoldOperationsRequestPayload:
        """Stop a running order for a cause; its running jobs are interrupted (HELD). To have it stopped until quality
        releases it, place a hold on it (`placeHold`).
        """
        row = halt.hold_operations_request(work, find_request(work, input), expected_version=input.expected_version)
        return HoldOperationsRequestPayload(operations_request=shown(row))

    @command
    def suspend_operations_request(work: Work, input: SuspendOperationsRequestInput) -> SuspendOperationsRequestPayload:
        """Stop a running order by choice; its running jobs are interrupted (SUSPENDED)."""
        row = halt.suspend_operations_request(work, find_request(work, input), expected_version=input.expected_version)
        return SuspendOperationsRequestPayload(operations_request=shown(row))

    @command
    def resume_operations_request(work: Work, input: ResumeOperationsRequestInput) -> ResumeOperationsRequestPayload:
        """Let a stopped order go on, and with it the jobs that were interrupted with it, as far as their guards hold.
        A suspended order is resumed by a supervisor, a held one also by quality. Refused while a hold on the order is
        open.
        """
        resumed = halt.resume_operations_request(
            work, find_request(work, input), expected_version=input.expected_version
        )
        return ResumeOperationsRequestPayload(
            operations_request=shown(resumed.request), resumed=shown(resumed.jobs), standing=shown(resumed.standing)
        )

    @command
    def complete_operations_request(
        work: Work, input: CompleteOperationsRequestInput
    ) -> CompleteOperationsRequestPayload:
        """Complete a running order before its last step has ended. Jobs that have not begun are cancelled; jobs that
        have begun must have ended. What is in process becomes AVAILABLE.
        """
        row = ending.complete_operations_request(
            work, find_request(work, input), expected_version=input.expected_version
        )
        return CompleteOperationsRequestPayload(operations_request=shown(row))

    @command
    def abort_operations_request(work: Work, input: AbortOperationsRequestInput) -> AbortOperationsRequestPayload:
        """Give up an order that is under way, and its jobs. Open runs end; what is in process in the order is scrapped
        or put into quarantine.
        """
        row = ending.abort_operations_request(
            work,
            find_request(work, input),
            disposition=input.disposition,
            expected_version=input.expected_version,
        )
        return AbortOperationsRequestPayload(operations_request=shown(row))

    @command
    def close_operations_request(work: Work, input: CloseOperationsRequestInput) -> CloseOperationsRequestPayload:
        """Settle an order that has come to its end, and its jobs. What its mass balance does not account for is written
        off up to the tolerance; above it the close is refused unless a planner accepts and explains it. Refused while
        an item that the order made is on hold.
        """
        carried_over: list[closing.CarriedOver] = []
        with all_violations() as found:
            with found.under():
                request = find_request(work, input)
            for i, entry in enumerate(input.carried_over):
                with found.under("carried_over", i):
                    carried_over.append(_carried_over(work, entry))
        row = closing.close_operations_request(
            work,
            request,
            carried_over=carried_over,
            accept_unaccounted=input.accept_unaccounted,
            expected_version=input.expected_version,
        )
        return CloseOperationsRequestPayload(operations_request=shown(row))


def _carried_over(work: Work, input: CarriedOverInput) -> closing.CarriedOver:
    item = find_item(work.session, input.item, "item")
    counted = None if input.quantity is None else read_item_quantity(work.session, input.quantity, item, "quantity")
    return closing.CarriedOver(item=item, quantity=counted)
