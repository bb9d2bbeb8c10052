"""What readiness is judged by, loaded for many jobs in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.db import Entity
from mesgraph.definitions import queries as definition_queries
from mesgraph.definitions.models import DependencyKind, OperationsDefinition, OperationsSegment
from mesgraph.equipment.models import Equipment, EquipmentClass, EquipmentClassMember
from mesgraph.equipment.queries import below, stores_of
from mesgraph.holds.models import Hold
from mesgraph.holds.queries import open_holds_of_orders
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders.bill import BillLine, bills_of
from mesgraph.orders.models import JobOrder, JobState, OperationsRequest, SegmentRequirement
from mesgraph.orders.stock import Stock, stock_of

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True, kw_only=True)
class Unit:
    """A work unit with its classes, the jobs that run on it, and where it takes material from: its stores, itself, and
    what lies below them.
    """

    equipment: Equipment
    class_ids: frozenset[int]
    running: frozenset[int]
    places: frozenset[int]


@dataclass(frozen=True, kw_only=True)
class Waits:
    """A step of the same order that the job's step waits for."""

    requirement: SegmentRequirement
    segment: OperationsSegment
    kind: DependencyKind
    delay: timedelta


@dataclass(frozen=True, kw_only=True)
class Need:
    """Material that the job takes, how much of it its order may use at each place of the site, and what is there but
    kept for other orders.
    """

    material: MaterialDefinition
    quantity: Decimal
    usable: Mapping[int | None, Decimal]
    for_others: Decimal


@dataclass(frozen=True, kw_only=True)
class JobFacts:
    """Everything that decides whether a job can start. ``holds``: the open ones of its order; ``class_ids``: the
    classes whose equipment can do it. ``intact``: the content of the definition is what was approved, as far as that
    was looked at.
    """

    job: JobOrder
    request: OperationsRequest
    holds: tuple[Hold, ...]
    segment: OperationsSegment
    equipment_class: EquipmentClass
    class_ids: frozenset[int]
    definition: OperationsDefinition
    intact: bool
    waits: tuple[Waits, ...]
    needs: tuple[Need, ...]
    units: tuple[Unit, ...]


def load_facts(
    session: Session,
    jobs: Sequence[JobOrder],
    now: datetime,
    *,
    on: Equipment | None = None,
    with_material: bool = True,
    verified: bool = True,
) -> list[JobFacts]:
    """The facts of each job: on its own work unit, or on every one of the class at its site while it has none.

    ``on`` asks for that work unit instead. ``verified`` compares the content of the definitions with what was
    approved, which reads all of it: whoever starts a job or asks wants that, whoever keeps stored states true with
    each event of the plant need not.
    """
    requirements = _requirements(session, jobs)
    by_id = {requirement.id: requirement for requirement in requirements}
    segments = _rows(session, OperationsSegment, {r.segment_id for r in requirements})
    definitions = _rows(session, OperationsDefinition, {s.definition_id for s in segments.values()})
    classes = _rows(session, EquipmentClass, {s.equipment_class_id for s in segments.values()})
    checked = definitions if verified else {}
    changed = {key for key, row in checked.items() if row.content_hash != definition_queries.content_hash(session, row)}
    requests = _rows(session, OperationsRequest, {job.request_id for job in jobs})
    holds = open_holds_of_orders(session, requests)
    own = {job.id: segments[by_id[job.requirement_id].segment_id] for job in jobs}
    accepted = accepted_classes(session, jobs, own)
    waits = _waits(session, requirements, segments)
    needs = _needs(session, jobs, own, now) if with_material else {}
    units = units_of(session, jobs, own, on)
    return [
        JobFacts(
            job=job,
            request=requests[job.request_id],
            holds=tuple(holds.get(job.request_id, ())),
            segment=own[job.id],
            equipment_class=classes[own[job.id].equipment_class_id],
            class_ids=accepted[job.id],
            definition=definitions[own[job.id].definition_id],
            intact=own[job.id].definition_id not in changed,
            waits=tuple(waits[job.requirement_id]),
            needs=tuple(needs.get(job.id, ())),
            units=tuple(units[job.id]),
        )
        for job in jobs
    ]


def _requirements(session: Session, jobs: Sequence[JobOrder]) -> list[SegmentRequirement]:
    """All steps of the orders of ``jobs``."""
    wanted = {job.request_id for job in jobs}
    return list(session.scalars(select(SegmentRequirement).where(SegmentRequirement.request_id.in_(wanted))))


def accepted_classes(
    session: Session, jobs: Sequence[JobOrder], segments: Mapping[int, OperationsSegment]
) -> dict[int, frozenset[int]]:
    """The classes whose equipment can do each job, by its segment: the segment's, and for a job that was rerouted
    those of the alternates that the definition lists (I13, I44).
    """
    rerouted = {segments[job.id].id for job in jobs if job.rerouted_from_id is not None}
    alternates = definition_queries.alternates_of(session, rerouted)
    return {
        job.id: frozenset(
            {segments[job.id].equipment_class_id}
            | {
                alternate.equipment_class_id
                for alternate in alternates.get(segments[job.id].id, ())
                if job.rerouted_from_id is not None
            }
        )
        for job in jobs
    }


def _waits(
    session: Session, requirements: Sequence[SegmentRequirement], segments: Mapping[int, OperationsSegment]
) -> dict[int, list[Waits]]:
    by_segment = {(r.request_id, r.segment_id): r for r in requirements}
    rows = defaultdict(list)
    for row in definition_queries.dependencies_from(session, set(segments)):
        rows[row.segment_id].append(row)
    return {
        requirement.id: [
            Waits(
                requirement=by_segment[requirement.request_id, row.after_id],
                segment=segments[row.after_id],
                kind=row.dependency,
                delay=timedelta(seconds=row.delay_s),
            )
            for row in rows[requirement.segment_id]
        ]
        for requirement in requirements
    }


def _needs(
    session: Session, jobs: Sequence[JobOrder], segments: Mapping[int, OperationsSegment], now: datetime
) -> dict[int, list[Need]]:
    bills = bills_of(session, {segment.id for segment in segments.values()})
    codes = {code for bill in bills.values() for line in bill for code in line.codes}
    stock = {site: stock_of(session, site, codes, now) for site in {job.site_id for job in jobs}}
    return {
        job.id: [_need(job, line, stock[job.site_id]) for line in bills[segments[job.id].id] if line.is_consumed]
        for job in jobs
    }


def _need(job: JobOrder, line: BillLine, stock: Stock) -> Need:
    fitting = {key for key, material in stock.definitions.items() if line.accepts_own(material)}
    usable = stock.usable(fitting, job.request_id)
    for alternate in line.alternates:
        instead = {
            key
            for key, material in stock.definitions.items()
            if material.code == alternate.material.code and line.accepts(material)
        }
        for place, amount in stock.usable(instead, job.request_id).items():
            usable[place] = usable.get(place, Decimal(0)) + alternate.worth(amount)
    return Need(
        material=line.material,
        quantity=line.needed(job.quantity),
        usable=usable,
        for_others=stock.for_others(fitting, job.request_id),
    )


def units_of(
    session: Session, jobs: Sequence[JobOrder], segments: Mapping[int, OperationsSegment], on: Equipment | None
) -> dict[int, list[Unit]]:
    """The work unit of each job, every one of its class at its site while it has none, or ``on`` instead.

    ``segments`` are those of the jobs, by job.
    """
    members = defaultdict(list)
    wanted = {segments[job.id].equipment_class_id for job in jobs if job.equipment_id is None}
    for class_id, equipment in _members(session, wanted):
        members[class_id, equipment.site_id].append(equipment)
    assigned = _rows(session, Equipment, {job.equipment_id for job in jobs if job.equipment_id is not None})
    candidates = {
        job.id: members[segments[job.id].equipment_class_id, job.site_id]
        if job.equipment_id is None
        else [assigned[job.equipment_id]]
        for job in jobs
    }
    if on is not None:
        candidates = {job.id: [on] for job in jobs}
    units = _described(session, {row.id: row for rows in candidates.values() for row in rows})
    return {key: [units[row.id] for row in rows] for key, rows in candidates.items()}


def _described(session: Session, equipment: Mapping[int, Equipment]) -> dict[int, Unit]:
    classes: dict[int, set[int]] = defaultdict(set)
    running: dict[int | None, set[int]] = defaultdict(set)
    places: dict[int, set[int]] = defaultdict(set)
    member = EquipmentClassMember
    for key, class_id in session.execute(
        select(member.equipment_id, member.class_id).where(member.equipment_id.in_(equipment))
    ):
        classes[key].add(class_id)
    for job in session.scalars(
        select(JobOrder).where(JobOrder.equipment_id.in_(equipment), JobOrder.state == JobState.RUNNING)
    ):
        running[job.equipment_id].add(job.id)
    stores = stores_of(session, list(equipment))
    inside = below(session, {*equipment, *(store.id for _, store in stores)})
    for key, root in [*((key, key) for key in equipment), *((key, store.id) for key, store in stores)]:
        places[key] |= inside[root]
    return {
        key: Unit(
            equipment=row,
            class_ids=frozenset(classes[key]),
            running=frozenset(running[key]),
            places=frozenset(places[key]),
        )
        for key, row in equipment.items()
    }


def _members(session: Session, class_ids: Collection[int]) -> list[tuple[int, Equipment]]:
    rows = session.execute(
        select(EquipmentClassMember.class_id, Equipment)
        .join(Equipment, Equipment.id == EquipmentClassMember.equipment_id)
        .where(EquipmentClassMember.class_id.in_(class_ids))
        .order_by(Equipment.code)
    )
    return [(row[0], row[1]) for row in rows]


def _rows(session: Session, cls: type[E], ids: Collection[int]) -> dict[int, E]:
    return {row.id: row for row in session.scalars(select(cls).where(cls.id.in_(ids)))}
