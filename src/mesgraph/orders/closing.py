"""The verb that settles an order: its books are made true, and nothing more is posted on it (I47)."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from decimal import Decimal

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.access.roles import Role
from mesgraph.errors import (
    Code,
    Denied,
    Findings,
    HoldViolation,
    QuantityViolation,
    TransitionViolation,
    Violation,
    all_violations,
    invalid,
)
from mesgraph.genealogy.actions import adjust_lot
from mesgraph.holds.queries import open_holds_of, open_holds_of_orders
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders import events, lifecycle
from mesgraph.orders.books import ENDED, Books, books_of
from mesgraph.orders.deviations import open_violation
from mesgraph.orders.execution import in_process
from mesgraph.orders.halt import check, lock_with_jobs
from mesgraph.orders.mass_balance import TOLERANCE_PCT, ZERO, Balance
from mesgraph.orders.models import ActualUse, JobState, JobSubState, MassBalanceLine, OperationsRequest, RequestState
from mesgraph.orders.readiness import order_hold_violation
from mesgraph.orders.run import row
from mesgraph.quantity import plain
from mesgraph.work import Reason, Work

WRITE_OFF = "UNACCOUNTED"
"""Reason code of the adjustment by which a close writes off what is unaccounted for."""
ACCEPTORS = frozenset({Role.PLANNER})
"""Who may close an order with more unaccounted for than is tolerated."""


@dataclass(frozen=True, kw_only=True)
class CarriedOver:
    """A lot of an intermediate that is still there, and how much of it was counted: all that the books show if left
    out.
    """

    item: Item
    quantity: Decimal | None = None


def close_operations_request(
    work: Work,
    request: OperationsRequest,
    *,
    carried_over: Sequence[CarriedOver] = (),
    accept_unaccounted: bool = False,
    expected_version: int | None = None,
) -> OperationsRequest:
    """Settle an order that has come to its end, and its jobs.

    What lots of its intermediates still have in the books and is not ``carried_over`` is unaccounted for, and written
    off. Refuses VERSION_CONFLICT, INVALID_TRANSITION, ORDER_ON_HOLD, LOT_ON_HOLD while an item that it made has an open
    hold, INVALID_TRANSITION while items are in process in it, QUANTITY_NOT_CONSERVED when more good units are reported
    than its productions left, DEVIATION_OPEN while a deviation of its runs is not decided, VALIDATION_FAILED for a lot
    that is not to be declared, INSUFFICIENT_QUANTITY for more of it than the books show, and MASS_BALANCE_EXCEEDED for
    every material of which more is unaccounted for than is tolerated, unless that is accepted: then REASON_REQUIRED
    without a comment that explains it, and FORBIDDEN for whoever is no planner.
    """
    jobs = lock_with_jobs(work, request)
    books = books_of(work.session, [request])[request.id]
    work.lock(*books.left)
    with all_violations() as found:
        with found.under():
            check(work, request, RequestState.CLOSED, expected_version)
        found.extend(_hold_violations(work, request))
        found.add(open_violation(work, request, "operations_request"))
        found.extend(_in_process_violations(work, request))
        found.add(_reported_violation(work, request, books))
        declared = _declared(found, books, carried_over)
        balances = books.balances(declared)
        if any(balance.exceeded for balance in balances.values()):
            found.extend(_exceeded_violations(work, request, balances, accept_unaccounted))
    _write_off(work, request, books, declared)
    work.session.add_all(
        MassBalanceLine(request_id=request.id, material_id=key, balance=balance) for key, balance in balances.items()
    )
    ended = [job for job in jobs if job.state is JobState.ENDED]
    for job in ended:
        lifecycle.check_job_step(job, JobState.ENDED, JobSubState.CLOSED)
        job.sub_state = JobSubState.CLOSED
    request.state = RequestState.CLOSED
    ledger.record(
        work,
        events.OperationsRequestClosed(request=request, jobs=ended, mass_balance=_told(work, balances)),
        site_id=request.site_id,
    )
    return request


def _in_process_violations(work: Work, request: OperationsRequest) -> list[Violation]:
    """Rework that was begun when the order had ended: nobody could finish it any more."""
    if request.state not in ENDED:
        return []
    return [
        TransitionViolation(
            message=f"{item.key} is still IN_PROCESS in {request.code}: scrap it (scrapItem), or reject it and decide "
            "on it anew (dispositionItem)",
            path=("operations_request",),
            from_state=request.state,
            allowed=(),
        )
        for item in in_process(work, request)
    ]


def _reported_violation(work: Work, request: OperationsRequest, books: Books) -> Violation | None:
    """Of an order that posts what it makes, no more is reported as good than there is in the books."""
    product = row(work.session, MaterialDefinition, request.product_id)
    posted = [
        books.flows[key].made
        for key, uses in books.made_as.items()
        if ActualUse.PRODUCED in uses and row(work.session, MaterialDefinition, key).code == product.code
    ]
    made = sum(posted, ZERO)
    if not posted or request.good_quantity <= made:
        return None
    return QuantityViolation(
        code=Code.QUANTITY_NOT_CONSERVED,
        message=f"{plain(request.good_quantity)} {product.base_uom} are reported as good, and the productions of "
        f"{request.code} left {plain(made)}: take the wrong report back (reverseEvent) and report what there is",
        path=("operations_request",),
        available=made,
        requested=request.good_quantity,
        uom=product.base_uom,
    )


def _declared(found: Findings, books: Books, carried_over: Sequence[CarriedOver]) -> dict[int, Decimal]:
    """How much of which lot is there, by its id."""
    left = {item.id for item in books.left}
    declared: dict[int, Decimal] = {}
    for i, entry in enumerate(carried_over):
        item, quantity = entry.item, entry.item.quantity if entry.quantity is None else entry.quantity
        if item.id not in left or item.id in declared:
            found.add(invalid(f"{item.key} is no lot that this order has to declare, once", "carried_over", i, "item"))
        elif quantity > item.quantity:
            found.add(
                QuantityViolation(
                    code=Code.INSUFFICIENT_QUANTITY,
                    message=f"the books show {plain(item.quantity)} {item.uom} of {item.key}, {plain(quantity)} are "
                    "declared; adjust the lot first",
                    path=("carried_over", i, "quantity"),
                    available=item.quantity,
                    requested=quantity,
                    uom=item.uom,
                )
            )
        declared[item.id] = quantity
    return declared


def _exceeded_violations(
    work: Work, request: OperationsRequest, balances: Mapping[int, Balance], accepted: bool
) -> list[Violation]:
    if not accepted:
        return [
            _exceeded_violation(row(work.session, MaterialDefinition, key), balance)
            for key, balance in balances.items()
            if balance.exceeded
        ]
    sites = work.actor.whole_sites_with(ACCEPTORS)
    if sites is not None and request.site_id not in sites:
        wanted = ", ".join(sorted(ACCEPTORS))
        raise Denied(Code.FORBIDDEN, f"to accept what is unaccounted for in {request.code} needs the role {wanted}")
    if work.reason is None or not work.reason.comment:
        return [invalid("say in the comment where it went", "reason", "comment", code=Code.REASON_REQUIRED)]
    return []


def _exceeded_violation(material: MaterialDefinition, balance: Balance) -> Violation:
    return QuantityViolation(
        code=Code.MASS_BALANCE_EXCEEDED,
        message=f"{plain(balance.unaccounted)} {material.base_uom} of {material.code} are unaccounted for, "
        f"{plain(balance.unaccounted_pct)} % of {plain(balance.inputs)}; {plain(TOLERANCE_PCT)} % are tolerated",
        path=("operations_request",),
        available=balance.tolerated,
        requested=balance.unaccounted,
        uom=material.base_uom,
    )


def _write_off(work: Work, request: OperationsRequest, books: Books, declared: Mapping[int, Decimal]) -> None:
    """Adjust the lots to what is there, so that the books are true."""
    reason = work.reason or Reason(WRITE_OFF, f"written off when {request.code} was closed")
    writing = replace(work, reason=reason)
    for item in books.left:
        counted = declared.get(item.id, ZERO)
        if counted != item.quantity:
            adjust_lot(writing, item, counted)


def _told(work: Work, balances: Mapping[int, Balance]) -> list[dict[str, object]]:
    """The balance in the payload of the event: what is zero is left out."""
    return [
        {
            "material": (material := row(work.session, MaterialDefinition, key)).human_key,
            "uom": material.base_uom,
            **{name: value for name, value in asdict(balance).items() if value},
        }
        for key, balance in balances.items()
    ]


def _hold_violations(work: Work, request: OperationsRequest) -> list[Violation]:
    of_order = open_holds_of_orders(work.session, [request.id]).get(request.id)
    found: list[Violation] = [order_hold_violation(request, of_order, "operations_request")] if of_order else []
    own = select(Item).where(Item.request_id == request.id, Item.site_id == request.site_id)
    items = {row.id: row for row in work.session.scalars(own)}
    found += [
        HoldViolation(
            message=f"{items[key].key}, made by {request.code}, has {len(holds)} open hold(s)",
            path=("operations_request",),
            holds=tuple(hold.id for hold in holds),
        )
        for key, holds in open_holds_of(work.session, list(items)).items()
    ]
    return found
