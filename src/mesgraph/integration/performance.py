"""What was made of an order and from what, step by step: the confirmation that a planning system books.

Amounts are net: what was taken back by a reversal is not in them.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, func, select
from sqlalchemy.orm import Session

from mesgraph.definitions.models import OperationsDefinition, OperationsSegment
from mesgraph.definitions.queries import output_uoms
from mesgraph.equipment.models import Equipment, Site
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders.models import (
    ActualUse,
    JobOrder,
    JobResponse,
    JobState,
    MaterialActual,
    OperationsRequest,
    SegmentRequirement,
)
from mesgraph.orders.queries import requirements_of
from mesgraph.orders.run import row
from mesgraph.quantity import from_micro


class SegmentState(StrEnum):
    """How far a step is, in the words of B2MML's ResponseState; CANCELLED is none of them."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    HELD = "HELD"
    COMPLETED = "COMPLETED"
    ABORTED = "ABORTED"
    CANCELLED = "CANCELLED"


@dataclass(frozen=True)
class EquipmentActual:
    """A run: where and from when to when."""

    equipment: Equipment
    job_response: JobResponse


@dataclass(frozen=True)
class MaterialLine:
    """How much of an item a step took or made in all."""

    item: Item
    material: MaterialDefinition | None
    use: ActualUse
    quantity: Decimal


@dataclass(frozen=True)
class SegmentPerformance:
    """What became of one step. ``uom`` is the unit of its output."""

    requirement: SegmentRequirement
    segment: OperationsSegment
    state: SegmentState
    started_at: datetime | None
    ended_at: datetime | None
    good: Decimal
    scrap: Decimal
    uom: str
    equipment: list[EquipmentActual]
    materials: list[MaterialLine]


@dataclass(frozen=True)
class Performance:
    """What became of an order, as far as it is."""

    request: OperationsRequest
    site: Site
    product: MaterialDefinition
    definition: OperationsDefinition | None
    started_at: datetime | None
    ended_at: datetime | None
    segments: list[SegmentPerformance]


def performance_of(session: Session, request: OperationsRequest, steps: Collection[int] | None = None) -> Performance:
    """The performance of an order, of all its steps or of those with these ids."""
    requirements = requirements_of(session, request.id)
    wanted = [step for step in requirements if steps is None or step.id in steps]
    definition = session.get(OperationsDefinition, request.definition_id) if request.definition_id else None
    runs = _runs(session, [step.id for step in wanted])
    uoms = output_uoms(session, [step.segment_id for step in wanted])
    ended = [step.ended_at for step in requirements]
    return Performance(
        request=request,
        site=row(session, Site, request.site_id),
        product=row(session, MaterialDefinition, request.product_id),
        definition=definition,
        started_at=min((step.started_at for step in requirements if step.started_at), default=None),
        ended_at=None if not ended or None in ended else max(at for at in ended if at),
        segments=[_segment(session, step, runs.get(step.id, []), uoms[step.segment_id]) for step in wanted],
    )


def _runs(session: Session, steps: Collection[int]) -> dict[int, list[EquipmentActual]]:
    rows = session.execute(
        select(JobOrder.requirement_id, JobResponse, Equipment)
        .join(JobOrder, JobOrder.id == JobResponse.job_order_id)
        .join(Equipment, Equipment.id == JobResponse.equipment_id)
        .where(JobOrder.requirement_id.in_(steps))
        .order_by(JobResponse.id)
    )
    found: dict[int, list[EquipmentActual]] = {}
    for step, response, equipment in rows:
        found.setdefault(step, []).append(EquipmentActual(equipment, response))
    return found


def _segment(session: Session, step: SegmentRequirement, runs: list[EquipmentActual], uom: str) -> SegmentPerformance:
    responses = [run.job_response for run in runs]
    return SegmentPerformance(
        requirement=step,
        segment=row(session, OperationsSegment, step.segment_id),
        state=_state(session, step),
        started_at=step.started_at,
        ended_at=step.ended_at,
        good=sum((response.good_quantity for response in responses), Decimal(0)),
        scrap=sum((response.scrap_quantity for response in responses), Decimal(0)),
        uom=uom,
        equipment=runs,
        materials=_materials(session, [response.id for response in responses]),
    )


def _state(session: Session, step: SegmentRequirement) -> SegmentState:
    states = set(session.scalars(select(JobOrder.state).where(JobOrder.requirement_id == step.id)))
    if states == {JobState.CANCELLED}:
        return SegmentState.CANCELLED
    given_up = bool(states) and states <= {JobState.ABORTED, JobState.CANCELLED}
    if step.ended_at is not None or given_up:
        return SegmentState.ABORTED if given_up else SegmentState.COMPLETED
    if JobState.RUNNING in states:
        return SegmentState.RUNNING
    return SegmentState.HELD if JobState.INTERRUPTED in states else SegmentState.WAITING


def _materials(session: Session, responses: Collection[int]) -> list[MaterialLine]:
    net = func.sum(MaterialActual.quantity - MaterialActual.returned, type_=BigInteger)
    lines = session.execute(
        select(MaterialActual.item_id, MaterialActual.use, net)
        .where(MaterialActual.job_response_id.in_(responses), MaterialActual.reverses_id.is_(None))
        .group_by(MaterialActual.item_id, MaterialActual.use)
        .having(net > 0)
        .order_by(MaterialActual.use, MaterialActual.item_id)
    ).all()
    found = [(row(session, Item, item_id), use, from_micro(int(micro))) for item_id, use, micro in lines]
    return [
        MaterialLine(item, session.get(MaterialDefinition, item.material_id), use, quantity)
        for item, use, quantity in found
    ]
