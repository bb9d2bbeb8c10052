"""Which lots a job should take: what its bill needs and has not got yet, covered lot by lot.

First what is kept for the order, then what lies where the work unit takes from, then what lies elsewhere at the site
and has to be brought; within each by first expiry (FEFO) or by first receipt (FIFO). Each job is proposed for by
itself, as if it were the next one: two jobs of one list may be proposed the same lot.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, case, func, literal, or_, select, type_coerce
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.definitions.models import OperationsSegment
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code
from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition
from mesgraph.orders.bill import BillLine, bills_of
from mesgraph.orders.facts import units_of
from mesgraph.orders.models import ActualUse, JobOrder, JobResponse, MaterialActual, SegmentRequirement
from mesgraph.orders.stock import OWNER, Stock, stock_of, usable
from mesgraph.quantity import QUANTUM, plain, to_micro

NEVER = datetime.max.replace(tzinfo=UTC)


class Strategy(StrEnum):
    """Which of several usable lots comes first."""

    FEFO = "FEFO"
    FIFO = "FIFO"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """An item that the order of a job may use: how much of it, and what of that is kept for the order."""

    item: Item
    at_hand: bool
    free: Decimal
    kept: Decimal = Decimal(0)


@dataclass(frozen=True)
class Pick:
    """Take so much of this item. ``at_hand``: it lies where the work unit takes from; else it has to be moved first."""

    item: Item
    quantity: Decimal
    at_hand: bool


@dataclass(frozen=True)
class Shortage:
    """What no lot covers, and why."""

    quantity: Decimal
    code: Code
    message: str


@dataclass(frozen=True)
class Proposal:
    """For one line of the bill: what the job still needs, and where to take it."""

    line: BillLine
    needed: Decimal
    picks: tuple[Pick, ...]
    shortage: Shortage | None


def choose(offers: Sequence[Offer], needed: Decimal, strategy: Strategy) -> tuple[Pick, ...]:
    """Cover ``needed`` from ``offers``, in the order of this module; as far as they go."""
    portions = [(False, offer, offer.kept) for offer in offers]
    portions += [(True, offer, offer.free - offer.kept) for offer in offers]
    portions.sort(key=lambda p: (p[0], not p[1].at_hand, _rank(p[1].item, strategy)))
    taken: dict[int, Decimal] = defaultdict(Decimal)
    chosen: dict[int, Offer] = {}
    for _, offer, amount in portions:
        part = min(amount, needed)
        if part > 0:
            needed -= part
            taken[offer.item.id] += part
            chosen[offer.item.id] = offer
    return tuple(Pick(offer.item, taken[key], offer.at_hand) for key, offer in chosen.items())


def _rank(item: Item, strategy: Strategy) -> tuple[datetime, datetime, int]:
    expiry = (item.expires_at or NEVER) if strategy is Strategy.FEFO else NEVER
    return expiry, item.created_at, item.id


def proposals_of(
    session: Session,
    jobs: Sequence[JobOrder],
    now: datetime,
    strategy: Strategy = Strategy.FEFO,
    *,
    on: Equipment | None = None,
) -> list[list[Proposal]]:
    """The proposals of each job, by bill line, in a fixed number of statements for each site.

    A job without work unit is proposed what any work unit of its class could take at hand, unless ``on`` names one.
    """
    segments = _segments(session, jobs)
    bills = bills_of(session, {segment.id for segment in segments.values()})
    places = {
        key: frozenset[int]().union(*(unit.places for unit in units))
        for key, units in units_of(session, jobs, segments, on).items()
    }
    taken = _taken(session, jobs)
    needs = {
        job.id: [(line, _needed(line, job, taken[job.id])) for line in bills[segments[job.id].id] if line.is_consumed]
        for job in jobs
    }
    shelves = {
        site_id: _shelf(session, site_id, [job for job in jobs if job.site_id == site_id], needs, now, strategy)
        for site_id in {job.site_id for job in jobs}
    }
    return [
        [_propose(shelves[job.site_id], job, line, needed, places[job.id], strategy) for line, needed in needs[job.id]]
        for job in jobs
    ]


def proposals_by_id(
    session: Session, ids: Collection[int], now: datetime, strategy: Strategy, on: Equipment | None
) -> dict[int, list[Proposal]]:
    """:func:`proposals_of` the jobs with these ids."""
    jobs = session.scalars(select(JobOrder).where(JobOrder.id.in_(set(ids)))).all()
    found = proposals_of(session, jobs, now, strategy, on=on)
    return {job.id: proposals for job, proposals in zip(jobs, found, strict=True)}


@dataclass(frozen=True)
class Shelf:
    """The stock of a site with the items of it that can be proposed."""

    stock: Stock
    items: Sequence[Item]


def _propose(
    shelf: Shelf, job: JobOrder, line: BillLine, needed: Decimal, places: Collection[int], strategy: Strategy
) -> Proposal:
    stock = shelf.stock
    fitting = {key for key, material in stock.definitions.items() if line.accepts_own(material)}
    kept = {kept.item_id: kept for kept in stock.kept_of(fitting, job.request_id)}
    offers = []
    for item in shelf.items:
        if item.material_id not in fitting or not _may_use(item, job):
            continue
        of_item = kept.get(item.id)
        offers.append(
            Offer(
                item=item,
                at_hand=item.location_id in places,
                free=item.quantity - (of_item.for_others(job.request_id) if of_item else 0),
                kept=of_item.for_order(job.request_id) if of_item else Decimal(0),
            )
        )
    picks = choose(offers, needed, strategy)
    missing = needed - sum((pick.quantity for pick in picks), Decimal(0))
    shortage = _shortage(stock, line.material, missing, stock.for_others(fitting, job.request_id))
    return Proposal(line, needed, picks, shortage)


def _may_use(item: Item, job: JobOrder) -> bool:
    return item.lifecycle is not Lifecycle.IN_PROCESS or item.request_id == job.request_id


def _shortage(stock: Stock, material: MaterialDefinition, missing: Decimal, for_others: Decimal) -> Shortage | None:
    if missing <= 0:
        return None
    uom = material.base_uom
    apart = dict(stock.apart.get(material.code, {}))
    if for_others:
        apart["reserved for other orders"] = for_others
    causes = ", ".join(f"{plain(amount)} {uom} {cause}" for cause, amount in apart.items())
    message = f"{plain(missing)} {uom} of {material.code} are missing at the site"
    return Shortage(
        quantity=missing,
        code=Code.LOT_RESERVED if for_others >= missing else Code.INSUFFICIENT_QUANTITY,
        message=f"{message}; there are {causes}" if causes else message,
    )


def _segments(session: Session, jobs: Sequence[JobOrder]) -> dict[int, OperationsSegment]:
    rows = session.execute(
        select(SegmentRequirement.id, OperationsSegment)
        .join(OperationsSegment, OperationsSegment.id == SegmentRequirement.segment_id)
        .where(SegmentRequirement.id.in_({job.requirement_id for job in jobs}))
    )
    segments = {row[0]: row[1] for row in rows}
    return {job.id: segments[job.requirement_id] for job in jobs}


def _needed(line: BillLine, job: JobOrder, taken: Mapping[str, Decimal]) -> Decimal:
    """What is still to be taken; the smallest amount that can be posted and is enough."""
    whole = line.needed(job.quantity) - line.taken(taken)
    return max(whole, Decimal(0)).quantize(QUANTUM, ROUND_UP)


def _taken(session: Session, jobs: Sequence[JobOrder]) -> dict[int, dict[str, Decimal]]:
    """What the runs of each job have taken and not given back, by code of the material."""
    found: dict[int, dict[str, Decimal]] = {job.id: {} for job in jobs}
    rows = session.execute(
        select(
            JobResponse.job_order_id,
            MaterialDefinition.code,
            func.sum(MaterialActual.quantity),
            func.sum(MaterialActual.returned),
        )
        .join(MaterialActual, MaterialActual.job_response_id == JobResponse.id)
        .join(Item, Item.id == MaterialActual.item_id)
        .join(MaterialDefinition, MaterialDefinition.id == Item.material_id)
        .where(
            JobResponse.job_order_id.in_(found),
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.reverses_id.is_(None),
        )
        .group_by(JobResponse.job_order_id, MaterialDefinition.code)
        .execution_options(**EVERY_SITE)
    )
    for job_id, code, quantity, returned in rows:
        found[job_id][code] = quantity - returned
    return found


def _shelf(
    session: Session,
    site_id: int,
    jobs: Sequence[JobOrder],
    needs: Mapping[int, Sequence[tuple[BillLine, Decimal]]],
    now: datetime,
    strategy: Strategy,
) -> Shelf:
    wanted: dict[str, Decimal] = {}
    for job in jobs:
        for line, needed in needs[job.id]:
            wanted[line.material.code] = max(wanted.get(line.material.code, Decimal(0)), needed)
    stock = stock_of(session, site_id, wanted, now, apart=True)
    return Shelf(stock, _items(session, site_id, stock, wanted, now, strategy))


def _items(
    session: Session, site_id: int, stock: Stock, wanted: Mapping[str, Decimal], now: datetime, strategy: Strategy
) -> Sequence[Item]:
    """The usable items of a site that any job can come to: from each place, the first ones that together cover what one
    job needs at most and what is kept on that way for others; and those of which something is kept.
    """
    if not stock.definitions:
        return []
    expiry = [Item.expires_at.is_(None), Item.expires_at] if strategy is Strategy.FEFO else []
    before = func.coalesce(
        func.sum(type_coerce(Item.quantity, BigInteger)).over(
            partition_by=[Item.material_id, Item.location_id, OWNER],
            order_by=[*expiry, Item.created_at, Item.id],
            rows=(None, -1),
        ),
        0,
    )
    ranked = select(Item.id, before.label("before"), Item.material_id.label("material_id")).where(
        usable(site_id, stock.definitions, now)
    )
    ahead = ranked.subquery()
    statement = (
        select(Item)
        .join(ahead, ahead.c.id == Item.id)
        .where(
            or_(
                ahead.c.before < _reach(stock, wanted, ahead.c.material_id),
                Item.id.in_([kept.item_id for kept in stock.kept]),
            )
        )
        .order_by(Item.id)
    )
    return session.scalars(statement).all()


def _reach(stock: Stock, wanted: Mapping[str, Decimal], material_id: ColumnElement[int]) -> ColumnElement[int]:
    """How far into the items of a place to look, in 10^-6 of the base unit, by material."""
    kept: dict[int, Decimal] = defaultdict(Decimal)
    for of_item in stock.kept:
        kept[of_item.place.material_id] += of_item.place.quantity
    return case(
        *(
            (material_id == key, literal(to_micro(wanted[row.code] + kept[key]), BigInteger))
            for key, row in stock.definitions.items()
        ),
        else_=literal(0, BigInteger),
    )
