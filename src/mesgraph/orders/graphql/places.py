"""Where the commands of orders and runs act, if their input does not name the one thing that says it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from mesgraph.api.nodes import find, find_optional
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import stores_of
from mesgraph.materials.graphql import find_item
from mesgraph.orders.graphql.fact import find_fact
from mesgraph.orders.models import Deviation, JobOrder, JobResponse, MaterialReservation, SegmentRequirement
from mesgraph.orders.reporting import Report
from mesgraph.orders.run import row


def job_and_equipment(session: Session, input: Any) -> Sequence[Entity]:
    """The work unit that a job has and the one that it gets. One that has none is taken by naming one's own."""
    job = find(session, JobOrder, input.job_order, "job_order")
    equipment = find_optional(session, Equipment, input.equipment, "equipment")
    if equipment is None:
        return [job]
    return [equipment] if job.equipment_id is None else [job, equipment]


def rerouted_job(session: Session, input: Any) -> Sequence[Entity]:
    """The work unit that a job has and the one that gets the rest; the site when the plant shall choose that."""
    job = find(session, JobOrder, input.job_order, "job_order")
    equipment = find_optional(session, Equipment, input.equipment, "equipment")
    return [job, equipment or row(session, Site, job.site_id)]


def new_job(session: Session, input: Any) -> Sequence[Entity]:
    """The work unit of the new job, and that of the job which it is taken from; the step when the plant chooses."""
    step = find(session, SegmentRequirement, input.segment_requirement, "segment_requirement")
    taken_from = find_optional(session, JobOrder, input.taken_from, "taken_from")
    equipment = find_optional(session, Equipment, input.equipment, "equipment")
    return [equipment or step, *([taken_from] if taken_from else [])]


def run_and_measured(session: Session, input: Any) -> Sequence[Entity]:
    """The run; and what was measured, where it is neither of its order nor in a store of its work unit: a value out of
    limits puts it on hold.
    """
    run = find(session, JobResponse, input.job_response, "job_response")
    item = None if input.item is None else find_item(session, input.item, "item")
    stores = {store.id for _, store in stores_of(session, [run.equipment_id])}
    if item is None or item.request_id == run.request_id or item.location_id in {None, run.equipment_id, *stores}:
        return [run]
    return [run, item]


def run_of_fact(session: Session, input: Any) -> Sequence[Entity]:
    """The run whose fact is taken back. Any other fact is a matter of the site: it may undo what others did since."""
    fact = find_fact(session, input.event)
    of_run = fact.actuals[0] if isinstance(fact, Report) else fact
    if of_run.job_response_id is None:
        return [row(session, Site, of_run.site_id)]
    return [row(session, JobResponse, of_run.job_response_id)]


def run_of_deviation(session: Session, input: Any) -> Sequence[Entity]:
    """The run that deviated."""
    return [row(session, JobResponse, find(session, Deviation, input.deviation, "deviation").job_response_id)]


def reserving_job(session: Session, input: Any) -> Sequence[Entity]:
    """The job that material is kept for, or the step, which any job of it may take."""
    job = find_optional(session, JobOrder, input.job_order, "job_order")
    step = find_optional(session, SegmentRequirement, input.segment_requirement, "segment_requirement")
    return [each for each in (job, step) if each is not None]


def job_of_reservation(session: Session, input: Any) -> Sequence[Entity]:
    """The job of a reservation, or the site for one of a step."""
    reservation = find(session, MaterialReservation, input.reservation, "reservation")
    if reservation.job_order_id is None:
        return [reservation]
    return [row(session, JobOrder, reservation.job_order_id)]
