"""Reserving material for orders in the API."""

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find, find_optional
from mesgraph.api.places import at
from mesgraph.errors import all_violations, invalid
from mesgraph.materials.graphql import ItemKey, QuantityInput, find_item, read_item_quantity
from mesgraph.orders import reservations
from mesgraph.orders.graphql.nodes import MaterialReservationNode
from mesgraph.orders.graphql.places import job_of_reservation, reserving_job
from mesgraph.orders.models import JobOrder, MaterialReservation, SegmentRequirement
from mesgraph.orders.run import row
from mesgraph.work import Work


@strawberry.input(description="Material to keep for a step of an order, or for one job: name the one or the other.")
class ReserveMaterialInput(CommandInput):
    """One item."""

    job_order: strawberry.ID | None = strawberry.field(default=None, description="The job that shall take it.")
    segment_requirement: strawberry.ID | None = strawberry.field(
        default=None, description="The step of the order; any job of it may take it."
    )
    item: ItemKey = strawberry.field(description="The lot or unit.")
    quantity: QuantityInput = strawberry.field(description="How much of it; 1 for a serial unit.")


@strawberry.type(description="The reservation.")
class ReserveMaterialPayload(CommandPayload):
    """Answer."""

    reservation: MaterialReservationNode | None = strawberry.field(default=None, description="The reservation.")


@strawberry.input(description="A reservation to let go of.")
class ReleaseReservationInput(CommandInput):
    """One reservation."""

    reservation: strawberry.ID = strawberry.field(description="The reservation.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The reservation, released.")
class ReleaseReservationPayload(CommandPayload):
    """Answer."""

    reservation: MaterialReservationNode | None = strawberry.field(default=None, description="The reservation.")


@strawberry.type
class ReservationCommands:
    """Writes."""

    @command
    @at(reserving_job)
    def reserve_material(work: Work, input: ReserveMaterialInput) -> ReserveMaterialPayload:
        """Keep a quantity of a lot or unit for a step or a job of an order. Other orders can consume only what is not
        reserved (LOT_RESERVED), and that alone can be split off, merged or shipped. What the order consumes of the
        item comes out of the reservation; what is left when the order, step or job has ended is free again, and so is
        what was scrapped: then the youngest reservations end.
        """
        with all_violations() as found:
            if (input.job_order is None) == (input.segment_requirement is None):
                found.add(invalid("name a job or a step, one of them", "job_order"))
            with found.under():
                job = find_optional(work.session, JobOrder, input.job_order, "job_order")
            with found.under():
                step = find_optional(work.session, SegmentRequirement, input.segment_requirement, "segment_requirement")
            with found.under():
                item = find_item(work.session, input.item, "item")
                quantity = read_item_quantity(work.session, input.quantity, item, "quantity")
        requirement = row(work.session, SegmentRequirement, job.requirement_id) if job else step
        assert requirement is not None, "neither a job nor a step was refused"
        made = reservations.reserve_material(work, requirement, item, quantity, job=job)
        return ReserveMaterialPayload(reservation=shown(made))

    @command
    @at(job_of_reservation)
    def release_reservation(work: Work, input: ReleaseReservationInput) -> ReleaseReservationPayload:
        """Let go of what a reservation still keeps, so that anybody may take it."""
        reservation = find(work.session, MaterialReservation, input.reservation, "reservation")
        released = reservations.release_reservation(work, reservation, expected_version=input.expected_version)
        return ReleaseReservationPayload(reservation=shown(released))
