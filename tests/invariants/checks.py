"""The invariants of material and genealogy (I1 to I6, I7's counters), checked over a whole database.

Written against the tables alone and in plain Python, so that it shares no statement with what it checks.
"""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.holds.models import HeldItem, Hold
from mesgraph.ledger.models import SubjectEntry
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from mesgraph.orders.models import (
    ActualUse,
    JobOrder,
    JobResponse,
    JobState,
    MaterialActual,
    MaterialReservation,
    OperationsRequest,
    RequestState,
    ReservationState,
    SegmentRequirement,
)
from mesgraph.sites.models import Transfer, TransferLine, TransferState

K = GenealogyKind
GIVES = {K.RECEIVE, K.COMMISSION, K.TRANSFORM, K.SPLIT, K.MERGE, K.REWORK, K.ADJUST}
TAKES = {K.TRANSFORM, K.SPLIT, K.MERGE, K.ASSEMBLE, K.REWORK, K.SAMPLE, K.ADJUST, K.SCRAP}
FREES = {K.DISASSEMBLE}
LINKS = {K.TRANSFORM, K.SPLIT, K.MERGE, K.ASSEMBLE, K.REWORK, K.PACK}
BEGINS = {K.ASSEMBLE, K.PACK}
"""Kinds whose output is a unit of which there is one, whatever goes in."""
EMPTY = {Lifecycle.CONSUMED, Lifecycle.INSTALLED, Lifecycle.PLANNED}
JUDGES = {K.REWORK, K.PACK, K.UNPACK, K.SHIP, K.ADJUST, K.SCRAP, K.TRANSFER_OUT, K.TRANSFER_IN}
"""Kinds about an item as it stands."""
LIVE = {Lifecycle.QUARANTINE, Lifecycle.IN_PROCESS, Lifecycle.AVAILABLE, Lifecycle.REJECTED}
NOTHING = Decimal(0)
BEGUN = {JobState.RUNNING, JobState.INTERRUPTED}
LIVE_JOBS = {JobState.NOT_ALLOWED_TO_START, JobState.ALLOWED_TO_START, *BEGUN}
AWAY = {Lifecycle.SHIPPED, Lifecycle.INSTALLED}
"""Lifecycles of what is in transit: sent, or a part of what was sent."""
STANDING = {RequestState.HELD, RequestState.SUSPENDED}
ENDED = {RequestState.COMPLETED, RequestState.CANCELLED, RequestState.ABORTED, RequestState.CLOSED}


def broken_invariants(session: Session) -> list[str]:
    """One sentence for each broken invariant; empty when the books are right."""
    books = Books(session)
    return [
        *balances(books),
        *states(books),
        *places(books),
        *cycles(books),
        *conservation(books),
        *runs(books),
        *given_back(session, books),
        *positions(books),
        *holds(session, books),
        *totals(session),
        *courses(session, books),
        *transit(session, books),
        *reserved(session, books),
    ]


class Books:
    """Everything, read once. ``events`` are the activities that count: neither reversed nor reversals."""

    def __init__(self, session: Session) -> None:
        def rows(cls: type[Any]) -> list[Any]:
            return list(session.scalars(select(cls)))

        self.items: dict[int, Item] = {item.id: item for item in rows(Item)}
        every: list[GenealogyEvent] = rows(GenealogyEvent)
        undone = {event.reverses_id for event in every}
        self.events = {e.id: e for e in every if e.reverses_id is None and e.id not in undone}
        self.lines: list[GenealogyLine] = [x for x in rows(GenealogyLine) if x.event_id in self.events]
        self.named: set[int] = {x.item_id for x in rows(GenealogyLine)}
        self.actuals: list[MaterialActual] = rows(MaterialActual)

    def kind(self, line: GenealogyLine) -> GenealogyKind:
        return self.events[line.event_id].event_kind

    def side(self, role: LineRole, kinds: set[GenealogyKind]) -> list[GenealogyLine]:
        return [line for line in self.lines if line.role is role and self.kind(line) in kinds]

    @property
    def pending(self) -> dict[int, Decimal]:
        waiting: dict[int, Decimal] = defaultdict(Decimal)
        for actual in self.actuals:
            waiting[actual.item_id] += actual.pending
        return waiting


def balances(books: Books) -> Iterator[str]:
    """On hand = all that was given, less all that was taken and what is pending in runs (I1, I3, I4)."""
    given: dict[int, Decimal] = defaultdict(Decimal)
    taken: dict[int, Decimal] = defaultdict(Decimal)
    for line in books.side(LineRole.OUTPUT, GIVES):
        given[line.item_id] += line.quantity
    for item_id in {line.item_id for line in books.side(LineRole.OUTPUT, BEGINS)}:
        given[item_id] = given[item_id] or Decimal(1)
    for line in books.side(LineRole.INPUT, TAKES):
        taken[line.item_id] += line.quantity
    for line in books.side(LineRole.INPUT, FREES):
        taken[line.item_id] -= line.quantity
    born = {line.item_id for line in books.side(LineRole.OUTPUT, GIVES | BEGINS)}
    for key, item in books.items.items():
        undone = item.lifecycle is Lifecycle.PLANNED
        initial = given[key] if key in born or undone else item.initial_quantity
        if item.initial_quantity != initial:
            yield f"{item.key}: {initial} was made of it, it says {item.initial_quantity}"
        expected = initial - taken[key] - books.pending[key]
        if item.quantity != expected:
            yield f"{item.key}: {item.quantity} on hand, the lines leave {expected}"
        if not 0 <= item.quantity <= item.initial_quantity:
            yield f"{item.key}: {item.quantity} of {item.initial_quantity}"


def states(books: Books) -> Iterator[str]:
    """What is used up or installed is empty, what lives is not."""
    for item in books.items.values():
        if item.lifecycle in EMPTY and item.quantity:
            yield f"{item.key} is {item.lifecycle} with {item.quantity}"
        if item.lifecycle in LIVE and not item.quantity:
            yield f"{item.key} is {item.lifecycle} with nothing"


def places(books: Books) -> Iterator[str]:
    """A unit is in one place: one activity took it, unless it was taken out again, and what it is installed in is that
    activity's output, or what that was reworked to (I5).
    """
    outputs = {line.event_id: line.item_id for line in books.side(LineRole.OUTPUT, {K.ASSEMBLE, K.REWORK})}
    reworked = {line.item_id: outputs[line.event_id] for line in books.side(LineRole.INPUT, {K.REWORK})}
    takers: dict[int, list[int]] = defaultdict(list)
    for line in sorted(books.side(LineRole.INPUT, TAKES | FREES), key=lambda line: line.event_id):
        if books.kind(line) in FREES:
            takers[line.item_id].pop()
        else:
            takers[line.item_id].append(line.event_id)
    for item in books.items.values():
        by = takers[item.id]
        if item.item_kind is ItemKind.SERIAL_UNIT and len(by) > 1:
            yield f"{item.key} was taken by {len(by)} activities"
        holders = [outputs.get(event) for event in by]
        while len(holders) == 1 and holders[0] in reworked:
            holders = [reworked[holders[0]]]
        if item.lifecycle is Lifecycle.INSTALLED and holders != [item.parent_id]:
            yield f"{item.key} is installed in {item.parent_id}, its activities say {by}"


def cycles(books: Books) -> Iterator[str]:
    """No item is its own ancestor (I6): the items can be put into an order."""
    following: dict[int, set[int]] = defaultdict(set)
    waiting: dict[int, int] = defaultdict(int)
    sides: dict[int, tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    for line in books.lines:
        if books.kind(line) in LINKS:
            sides[line.event_id][line.role is LineRole.OUTPUT].add(line.item_id)
    for sources, targets in sides.values():
        for source in sources:
            for target in targets - following[source]:
                following[source].add(target)
                waiting[target] += 1
    ready = [key for key in following if not waiting[key]]
    done = 0
    while ready:
        done += 1
        for target in following.get(ready.pop(), ()):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    nodes = set(following) | {target for targets in following.values() for target in targets}
    if done != len(nodes):
        yield f"{len(nodes) - done} items lie on a ring or behind one"


def conservation(books: Books) -> Iterator[str]:
    """Splits and merges conserve exactly (I1, I2); a transformation has inputs, and outputs that take them (I3)."""
    sums: dict[int, dict[LineRole, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    weights: dict[int, Decimal] = defaultdict(Decimal)
    counts: dict[tuple[int, LineRole], int] = defaultdict(int)
    for line in books.lines:
        sums[line.event_id][line.role] += line.quantity
        counts[line.event_id, line.role] += 1
        if line.role is LineRole.OUTPUT:
            weights[line.event_id] += line.weight
    for key, event in books.events.items():
        if event.event_kind in (K.SPLIT, K.MERGE, K.REWORK) and sums[key][LineRole.INPUT] != sums[key][LineRole.OUTPUT]:
            yield f"{event.human_key}: {sums[key][LineRole.INPUT]} in, {sums[key][LineRole.OUTPUT]} out"
        if event.event_kind in (K.TRANSFORM, K.ASSEMBLE):
            if not (counts[key, LineRole.INPUT] and counts[key, LineRole.OUTPUT]):
                yield f"{event.human_key} lacks a side"
            if weights[key] <= 0:
                yield f"{event.human_key}: nothing takes its inputs"


def runs(books: Books) -> Iterator[str]:
    """What a run used is what its activities took (to make or to scrap it), and what it made is what they gave;
    reversals add up.
    """
    used: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    returned: dict[int, Decimal] = defaultdict(Decimal)
    for actual in books.actuals:
        if actual.reverses_id is not None:
            returned[actual.reverses_id] += actual.quantity
            continue
        if not 0 <= actual.pending <= actual.quantity - actual.returned:
            yield f"{actual.human_key}: {actual.pending} pending, {actual.returned} returned of {actual.quantity}"
        used[actual.job_response_id, actual.item_id] += actual.quantity - actual.pending - actual.returned
    for actual in books.actuals:
        if actual.reverses_id is None and actual.returned != returned[actual.id]:
            yield f"{actual.human_key}: {actual.returned} returned, its reversals say {returned[actual.id]}"
    posted: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    for line in books.lines:
        event = books.events[line.event_id]
        if event.event_kind in (K.TRANSFORM, K.ASSEMBLE, K.SCRAP) and event.job_response_id is not None:
            posted[event.job_response_id, line.item_id] += line.quantity
    for key in used.keys() | posted.keys():
        if used[key] != posted[key]:
            item = books.items[key[1]]
            yield f"run {key[0]}: actuals of {item.key} say {used[key]}, activities {posted[key]}"


def given_back(session: Session, books: Books) -> Iterator[str]:
    """A consumption goes back only into an item that nobody counted, packed, sent or scrapped since as it stood."""
    told: dict[int, list[int]] = defaultdict(list)
    for entry in session.scalars(select(SubjectEntry).where(SubjectEntry.subject_kind == MaterialActual.kind)):
        told[entry.subject_id].append(entry.ledger_event_id)
    for actual in books.actuals:
        if actual.use is not ActualUse.CONSUMED or actual.reverses_id is not None or not actual.returned:
            continue
        for line in books.lines:
            event = books.events[line.event_id]
            between = min(told[actual.id]) < event.ledger_event_id < max(told[actual.id])
            if line.item_id == actual.item_id and between and event.event_kind in JUDGES and not event.job_response_id:
                yield f"{actual.human_key} went back into {books.items[line.item_id].key} after {event.human_key}"


def positions(books: Books) -> Iterator[str]:
    """No position of an item is taken twice."""
    ranges: dict[int, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for line in books.side(LineRole.INPUT, TAKES):
        if line.range_from is not None and line.range_to is not None:
            ranges[line.item_id].append((line.range_from, line.range_to))
    for actual in books.actuals:
        if actual.pending and actual.range_from is not None and actual.reverses_id is None:
            start = actual.range_from + actual.quantity - actual.pending - actual.returned
            ranges[actual.item_id].append((start, start + actual.pending))
    for item_id, taken in ranges.items():
        taken.sort()
        for (_, end), (start, _) in pairwise(taken):
            if start < end:
                yield f"{books.items[item_id].key}: positions before {end} were taken twice"


def holds(session: Session, books: Books) -> Iterator[str]:
    """The counter of open holds is the number of open holds on the whole item."""
    open_ids = {hold.id for hold in session.scalars(select(Hold)) if hold.released_at is None}
    counted: dict[int, int] = defaultdict(int)
    for held in session.scalars(select(HeldItem)):
        counted[held.item_id] += held.hold_id in open_ids and held.range_from is None
    for item in books.items.values():
        if item.open_holds != counted[item.id]:
            yield f"{item.key}: {item.open_holds} open holds, {counted[item.id]} found"


def totals(session: Session) -> Iterator[str]:
    """The totals of an order are what the runs of its last step reported."""
    steps = session.scalars(select(SegmentRequirement).order_by(SegmentRequirement.seq))
    last = {step.request_id: step.id for step in steps}
    jobs = {job.id: job.requirement_id for job in session.scalars(select(JobOrder))}
    for name in ("good_quantity", "scrap_quantity", "rework_quantity"):
        reported: dict[int, Decimal] = defaultdict(Decimal)
        for run in session.scalars(select(JobResponse)):
            if jobs[run.job_order_id] == last[run.request_id]:
                reported[run.request_id] += getattr(run, name)
        for request in session.scalars(select(OperationsRequest)):
            if getattr(request, name) != reported[request.id]:
                yield f"{request.code}: {name} {getattr(request, name)}, its runs say {reported[request.id]}"


def courses(session: Session, books: Books) -> Iterator[str]:
    """Jobs and runs stand where their order does: nothing runs in one that stands still, nothing is open in one that
    has ended, and every job that has begun and not ended has its one open run (I27).
    """
    requests = {request.id: request for request in session.scalars(select(OperationsRequest))}
    open_runs: dict[int, int] = defaultdict(int)
    for run in session.scalars(select(JobResponse)):
        open_runs[run.job_order_id] += run.ended_at is None
        if run.ended_at is not None and any(a.pending for a in books.actuals if a.job_response_id == run.id):
            yield f"{run.code} has ended with material pending"
    for job in session.scalars(select(JobOrder)):
        order = requests[job.request_id]
        if open_runs[job.id] != (job.state in BEGUN):
            yield f"{job.code} is {job.state} with {open_runs[job.id]} open runs"
        if job.state is JobState.RUNNING and order.state is not RequestState.RUNNING:
            yield f"{job.code} runs in {order.code}, which is {order.state}"
        if job.state in LIVE_JOBS and order.state in ENDED:
            yield f"{job.code} is {job.state} in {order.code}, which is {order.state}"
        if job.interrupted_with_order and not (job.state is JobState.INTERRUPTED and order.state in STANDING):
            yield f"{job.code} is {job.state} and waits for {order.code}, which is {order.state}"


def transit(session: Session, books: Books) -> Iterator[str]:
    """I40: an item is at one site or in transit, and what is in transit is on a line whose difference is open."""
    lines = list(session.scalars(select(TransferLine)))
    for line in lines:
        if line.received is not None and not 0 <= line.received <= line.shipped:
            yield f"{line.item_key}: {line.received} received of {line.shipped} shipped"
    states = {transfer.id: transfer.state for transfer in session.scalars(select(Transfer))}
    sent = {TransferState.SHIPPED, TransferState.IN_TRANSIT}
    travelling = {x.item_id for x in lines if states[x.transfer_id] in sent or (x.received == 0 and not x.resolution)}
    for item in books.items.values():
        if item.in_transit and (item.location_id is not None or item.lifecycle not in AWAY):
            yield f"{item.key} is in transit, {item.lifecycle}, at place {item.location_id}"
        if item.in_transit and item.lifecycle is Lifecycle.SHIPPED and item.id not in travelling:
            yield f"{item.key} is in transit without a transfer"


def reserved(session: Session, books: Books) -> Iterator[str]:
    """I10: no more is issued than was reserved, what is issued was consumed by the order, items know what is kept."""
    consumed: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    requests = {run.id: run.request_id for run in session.scalars(select(JobResponse))}
    for actual in books.actuals:
        if actual.use is ActualUse.CONSUMED and actual.reverses_id is None:
            consumed[requests[actual.job_response_id], actual.item_id] += actual.quantity
    issued: dict[tuple[int, int], Decimal] = defaultdict(Decimal)
    kept: dict[int, Decimal] = defaultdict(Decimal)
    for row in session.scalars(select(MaterialReservation)):
        issued[row.request_id, row.item_id] += row.issued
        kept[row.item_id] += row.quantity - row.issued if row.state is ReservationState.RESERVED else NOTHING
        if not 0 <= row.issued <= row.quantity or (row.state is ReservationState.ISSUED) > (row.issued == row.quantity):
            yield f"{row.human_key}: {row.issued} of {row.quantity} issued, {row.state}"
    for key, amount in issued.items():
        if amount > consumed[key]:
            yield f"{books.items[key[1]].key}: {amount} issued to an order that consumed {consumed[key]}"
    for item in books.items.values():
        if item.reserved != kept[item.id]:
            yield f"{item.key}: {item.reserved} reserved, its reservations keep {kept[item.id]}"
