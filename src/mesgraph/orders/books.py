"""What the books say about the material of orders: read from their postings, in a fixed number of statements."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from sqlalchemy import case, func, or_, select
from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE
from mesgraph.definitions.models import MaterialSpecification, OperationsSegment
from mesgraph.definitions.queries import INPUTS
from mesgraph.genealogy.models import GenealogyKind, LineRole
from mesgraph.genealogy.walk import EVENT, LINE, NOW
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.orders.mass_balance import ZERO, Balance, Flows, Purpose, balance
from mesgraph.orders.models import (
    ActualUse,
    JobResponse,
    MassBalanceLine,
    MaterialActual,
    OperationsRequest,
    RequestState,
)

ENDED = frozenset({RequestState.COMPLETED, RequestState.ABORTED})
"""States in which what is left of an intermediate has to be accounted for; before that it is work in process."""


@dataclass
class Books:
    """What was posted of each material of one order, and the lots of intermediates of which something is left."""

    flows: dict[int, Flows] = field(default_factory=lambda: defaultdict(Flows))
    made_as: dict[int, set[ActualUse]] = field(default_factory=lambda: defaultdict(set))
    purposes: dict[int, Purpose] = field(default_factory=dict)
    left: list[Item] = field(default_factory=list)

    def balances(self, carried_over: Mapping[int, Decimal] | None = None) -> dict[int, Balance]:
        """The balance of each material, by its id. ``carried_over``: how much of which item is declared to be there."""
        declared = carried_over or {}
        undeclared: dict[int, Decimal] = defaultdict(Decimal)
        for item in self.left:
            undeclared[item.material_id or 0] += item.quantity - declared.get(item.id, ZERO)
        return {key: balance(flows, self.purposes[key], undeclared[key]) for key, flows in sorted(self.flows.items())}


def books_of(session: Session, requests: Sequence[OperationsRequest]) -> dict[int, Books]:
    """The books of each order, by its id."""
    books: dict[int, Books] = {request.id: Books() for request in requests}
    _read_actuals(session, books)
    _read_lines(session, books)
    _read_scrap_of_runs(session, books)
    _read_purposes(session, requests, books)
    _read_left(session, requests, books)
    return books


def balances_of(session: Session, request_ids: Collection[int]) -> dict[int, list[tuple[int, Balance]]]:
    """(material id, balance) of each order: of a closed one as it was settled, of another one as the books are now."""
    requests = session.scalars(select(OperationsRequest).where(OperationsRequest.id.in_(set(request_ids)))).all()
    settled: dict[int, list[tuple[int, Balance]]] = defaultdict(list)
    rows = select(MassBalanceLine).where(MassBalanceLine.request_id.in_(set(request_ids)))
    for row in session.scalars(rows.order_by(MassBalanceLine.material_id)):
        settled[row.request_id].append((row.material_id, row.balance))
    open_books = books_of(session, [request for request in requests if request.id not in settled])
    return settled | {key: list(books.balances().items()) for key, books in open_books.items()}


def _read_actuals(session: Session, books: Mapping[int, Books]) -> None:
    """What runs took of lots of others, used of any, and made."""
    own = case((Item.request_id == JobResponse.request_id, 1), else_=0)
    keys = (JobResponse.request_id, Item.material_id, MaterialActual.use, own)
    statement = (
        select(
            *keys,
            func.sum(MaterialActual.quantity),
            func.sum(MaterialActual.pending),
            func.sum(MaterialActual.returned),
        )
        .join(JobResponse, JobResponse.id == MaterialActual.job_response_id)
        .join(Item, Item.id == MaterialActual.item_id)
        .where(JobResponse.request_id.in_(books), MaterialActual.reverses_id.is_(None), Item.material_id.is_not(None))
        .group_by(*keys)
        .execution_options(**EVERY_SITE)
    )
    for request_id, material_id, use, is_own, quantity, pending, returned in session.execute(statement):
        flows = books[request_id].flows[material_id]
        if use is not ActualUse.CONSUMED:
            flows.made += quantity - returned
            books[request_id].made_as[material_id].add(use)
            continue
        flows.used += quantity - pending - returned
        if not is_own:
            flows.issued += quantity
            flows.returned += returned


def _read_lines(session: Session, books: Mapping[int, Books]) -> None:
    """Samples, scrap and counted differences of the orders' own items, and what came into or left their lots."""
    item, run = Item.__table__, JobResponse.__table__.alias("run")
    keys = (item.c.request_id, item.c.material_id, EVENT.c.event_kind, LINE.c.role)
    kinds = (
        GenealogyKind.SAMPLE,
        GenealogyKind.SCRAP,
        GenealogyKind.ADJUST,
    )
    statement = (
        select(*keys, func.sum(LINE.c.quantity))
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .join(item, item.c.id == LINE.c.item_id)
        .outerjoin(run, run.c.id == EVENT.c.job_response_id)
        .where(
            item.c.request_id.in_(books),
            item.c.material_id.is_not(None),
            EVENT.c.event_kind.in_(kinds),
            or_(run.c.id.is_(None), run.c.request_id == item.c.request_id),
            NOW.holds(EVENT),
        )
        .group_by(*keys)
    )
    for request_id, material_id, kind, role, quantity in session.execute(statement):
        flows = books[request_id].flows[material_id]
        match kind:
            case GenealogyKind.SAMPLE:
                flows.samples += quantity
            case GenealogyKind.SCRAP:
                flows.scrap += quantity
            case _:
                flows.adjusted += quantity if role is LineRole.INPUT else -quantity


def _read_scrap_of_runs(session: Session, books: Mapping[int, Books]) -> None:
    """What was pending in a run and was scrapped with it: the run's actuals count it as used."""
    item, run = Item.__table__, JobResponse.__table__
    own = case((item.c.request_id == run.c.request_id, 1), else_=0)
    keys = (run.c.request_id, item.c.material_id, own)
    statement = (
        select(*keys, func.sum(LINE.c.quantity))
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .join(item, item.c.id == LINE.c.item_id)
        .join(run, run.c.id == EVENT.c.job_response_id)
        .where(run.c.request_id.in_(books), EVENT.c.event_kind == GenealogyKind.SCRAP, NOW.holds(EVENT))
        .group_by(*keys)
    )
    for request_id, material_id, is_own, quantity in session.execute(statement):
        flows = books[request_id].flows[material_id]
        flows.used -= quantity
        if not is_own:
            flows.scrap += quantity


def _read_purposes(session: Session, requests: Sequence[OperationsRequest], books: Mapping[int, Books]) -> None:
    taken = _taken_by(session, {request.definition_id for request in requests if request.definition_id is not None})
    named = {key for of_order in books.values() for key in of_order.flows} | {r.product_id for r in requests}
    codes: dict[int, str] = dict(
        session.execute(
            select(MaterialDefinition.id, MaterialDefinition.code).where(MaterialDefinition.id.in_(named))
        ).all()
    )
    for request in requests:
        of_order = books[request.id]
        for key in of_order.flows:
            uses = of_order.made_as.get(key)
            if not uses:
                purpose = Purpose.INPUT
            elif uses == {ActualUse.BY_PRODUCT}:
                purpose = Purpose.BY_PRODUCT
            elif codes[key] != codes[request.product_id] and codes[key] in taken[request.definition_id]:
                purpose = Purpose.INTERMEDIATE
            else:
                purpose = Purpose.OUTPUT
            of_order.purposes[key] = purpose


def _taken_by(session: Session, definition_ids: Collection[int]) -> dict[int | None, set[str]]:
    """The codes of the materials that steps of each definition take."""
    taken: dict[int | None, set[str]] = defaultdict(set)
    rows = session.execute(
        select(OperationsSegment.definition_id, MaterialDefinition.code)
        .join(MaterialSpecification, MaterialSpecification.segment_id == OperationsSegment.id)
        .join(MaterialDefinition, MaterialDefinition.id == MaterialSpecification.material_id)
        .where(OperationsSegment.definition_id.in_(definition_ids), MaterialSpecification.use.in_(INPUTS))
    )
    for definition_id, code in rows:
        taken[definition_id].add(code)
    return taken


def _read_left(session: Session, requests: Sequence[OperationsRequest], books: Mapping[int, Books]) -> None:
    """Lots of intermediates that lie about: not packed, and not in quarantine or rejected, where they are decided on.
    What was sent to another site was passed on; nobody at this one can count it.

    Serial units are no such lots: each has a number of its own, so it is open until somebody says what became of it.
    """
    ended: list[Any] = [request.id for request in requests if request.state in ENDED]
    statement = select(Item).where(
        Item.request_id.in_(ended),
        Item.request_id == OperationsRequest.id,
        Item.site_id == OperationsRequest.site_id,
        Item.item_kind.in_((ItemKind.LOT, ItemKind.SUBLOT)),
        Item.lifecycle.in_((Lifecycle.AVAILABLE, Lifecycle.IN_PROCESS)),
        Item.parent_id.is_(None),
    )
    for item in session.scalars(statement.order_by(Item.id)):
        of_order = books[item.request_id or 0]
        if of_order.purposes.get(item.material_id or 0) is Purpose.INTERMEDIATE:
            of_order.left.append(item)
