"""Named reads of orders and jobs."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.definitions.models import OperationsSegment
from mesgraph.equipment.models import Equipment, EquipmentClassMember
from mesgraph.equipment.queries import split_site
from mesgraph.materials.models import Item
from mesgraph.orders.lifecycle import LIVE
from mesgraph.orders.models import (
    Deviation,
    JobOrder,
    JobResponse,
    MaterialActual,
    OperationsRequest,
    SegmentRequirement,
)


def request_by_key(session: Session, key: str) -> OperationsRequest | None:
    """The order ``SITE/CODE``, if in scope."""
    site, code = split_site(session, key)
    if site is None:
        return None
    return session.scalar(
        select(OperationsRequest).where(OperationsRequest.site_id == site.id, OperationsRequest.code == code)
    )


def job_by_key(session: Session, key: str) -> JobOrder | None:
    """The job ``SITE/CODE``, if in scope."""
    site, code = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(JobOrder).where(JobOrder.site_id == site.id, JobOrder.code == code))


def response_by_key(session: Session, key: str) -> JobResponse | None:
    """The run of a job ``SITE/CODE``, if in scope."""
    site, code = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(JobResponse).where(JobResponse.site_id == site.id, JobResponse.code == code))


def request_of_source(session: Session, source_system: str, external_id: str) -> OperationsRequest | None:
    """The order that a source system knows by ``external_id``, if in scope."""
    return session.scalar(
        select(OperationsRequest).where(
            OperationsRequest.source_system == source_system, OperationsRequest.external_id == external_id
        )
    )


def requirements_of(session: Session, request_id: int) -> list[SegmentRequirement]:
    """The steps of an order, in the order of the route."""
    return list(
        session.scalars(
            select(SegmentRequirement)
            .where(SegmentRequirement.request_id == request_id)
            .order_by(SegmentRequirement.seq)
        )
    )


def jobs_of(session: Session, request_id: int) -> list[JobOrder]:
    """The jobs of an order, in the order of their making."""
    return list(session.scalars(select(JobOrder).where(JobOrder.request_id == request_id).order_by(JobOrder.id)))


def responses_of(session: Session, job_order_id: int) -> list[JobResponse]:
    """The runs of a job, the first one first."""
    return list(
        session.scalars(select(JobResponse).where(JobResponse.job_order_id == job_order_id).order_by(JobResponse.run))
    )


@dataclass(frozen=True)
class ItemLabel:
    """What the books of an order say of an item, wherever it is: its key, and the unit of its amounts."""

    key: str
    uom: str


def labels_of(session: Session, item_ids: Collection[int]) -> dict[int, ItemLabel]:
    """The labels of items that books in scope name."""
    rows = session.execute(
        select(Item.id, Item.key, Item.uom).where(Item.id.in_(set(item_ids))).execution_options(**EVERY_SITE)
    )
    return {item_id: ItemLabel(key, uom) for item_id, key, uom in rows}


def actuals_of(session: Session, job_response_id: int) -> list[MaterialActual]:
    """What a run took and made, in the order of posting."""
    return list(
        session.scalars(
            select(MaterialActual).where(MaterialActual.job_response_id == job_response_id).order_by(MaterialActual.id)
        )
    )


def deviation_by_key(session: Session, key: str) -> Deviation | None:
    """The deviation ``SITE/NUMBER``, if in scope."""
    site, number = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(Deviation).where(Deviation.site_id == site.id, Deviation.number == number))


def last_deviation(session: Session, site_id: int) -> str | None:
    """The number of the site's latest deviation."""
    return session.scalar(
        select(Deviation.number).where(Deviation.site_id == site_id).order_by(Deviation.id.desc()).limit(1)
    )


def runs_of(request_id: int) -> Select[int]:
    """Statement for the ids of the runs of an order."""
    return select(JobResponse.id).where(JobResponse.request_id == request_id)


def dispatch_list(session: Session, equipment: Equipment, until: datetime | None = None) -> list[JobOrder]:
    """The jobs that ``equipment`` has or could take, that are still to be done: its own, and those of its classes at
    its site that have no equipment yet; the most urgent first (priority, then due date, then age).

    ``until`` leaves out what is planned to start later.
    """
    classes = select(EquipmentClassMember.class_id).where(EquipmentClassMember.equipment_id == equipment.id)
    unassigned = JobOrder.equipment_id.is_(None) & OperationsSegment.equipment_class_id.in_(classes)
    statement = (
        select(JobOrder)
        .join(OperationsRequest, OperationsRequest.id == JobOrder.request_id)
        .join(SegmentRequirement, SegmentRequirement.id == JobOrder.requirement_id)
        .join(OperationsSegment, OperationsSegment.id == SegmentRequirement.segment_id)
        .where(
            JobOrder.site_id == equipment.site_id,
            JobOrder.state.in_(sorted(LIVE)),
            (JobOrder.equipment_id == equipment.id) | unassigned,
        )
        .order_by(JobOrder.priority.desc(), OperationsRequest.due_at.is_(None), OperationsRequest.due_at, JobOrder.id)
    )
    if until is not None:
        statement = statement.where(JobOrder.planned_start.is_(None) | (JobOrder.planned_start <= until))
    return list(session.scalars(statement))
