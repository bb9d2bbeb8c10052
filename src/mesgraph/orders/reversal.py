"""The verb that takes back what was recorded wrongly: by a new fact that names the old one (I29, I30)."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.errors import Code, Refused, Violation, all_violations, invalid
from mesgraph.genealogy import actions as genealogy_actions
from mesgraph.genealogy.actions.reversal import away_violation, followed_violation, reverse_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.queries import activity_of, built_on_item, lines_of, reversal_of
from mesgraph.ledger.entry import decode_payload
from mesgraph.ledger.models import LedgerEvent, SubjectEntry
from mesgraph.materials.actions import put_back
from mesgraph.materials.models import TERMINAL, Item, Lifecycle
from mesgraph.orders import execution_events as events
from mesgraph.orders.models import (
    ActualUse,
    JobResponse,
    MaterialActual,
    OperationsRequest,
    QuantityActual,
    RequestState,
)
from mesgraph.orders.reporting import Report, report_of, take_back_report
from mesgraph.orders.run import Run, row, run_of
from mesgraph.quantity import plain
from mesgraph.work import Work

Fact: TypeAlias = MaterialActual | GenealogyEvent | Report
"""What can be taken back: a consumption, an activity of the genealogy, or a report of quantities."""

OF_RUNS = frozenset({GenealogyKind.TRANSFORM, GenealogyKind.ASSEMBLE, GenealogyKind.SCRAP})
"""Activities that a run records: its postings are taken back with them. Scrap is one of a run when it was pending."""


@dataclass(frozen=True, kw_only=True)
class Reversed:
    """What takes a fact back: a reversing activity, reversing postings, or both; and the items that it is about."""

    items: list[Item]
    genealogy_event: GenealogyEvent | None = None
    actuals: list[MaterialActual] = field(default_factory=list)
    quantities: list[QuantityActual] = field(default_factory=list)


def fact_of(session: Session, event: LedgerEvent) -> Fact | None:
    """The fact that an event of the record tells of, if it is one that can be taken back."""
    if event.type == events.MaterialConsumed.word:
        actual_id = session.scalar(
            select(SubjectEntry.subject_id).where(
                SubjectEntry.ledger_event_id == event.id, SubjectEntry.subject_kind == MaterialActual.kind
            )
        )
        return session.get(MaterialActual, actual_id) if actual_id is not None else None
    if event.type == events.MaterialProduced.word:
        named = decode_payload(event.payload)["genealogy_event"]
        return session.get(GenealogyEvent, named["id"])
    if event.type == events.QuantityReported.word:
        return report_of(session, event)
    return activity_of(session, event.id)


def reverse_event(work: Work, fact: Fact) -> Reversed:
    """Take a fact back. Needs a reason.

    Of a consumption, what is still pending goes back to its item. A production or assembly, or the scrap of what was
    pending in a run, is undone as a whole: its outputs are void, its inputs are pending in the run again, or back in
    their items when the run has ended; components are free again. A report of quantities
    is taken out of the sums. Other activities are undone by :mod:`mesgraph.genealogy.actions`.

    Refuses REASON_REQUIRED; DOWNSTREAM_DEPENDENCY when something stands on it; RECORD_IMMUTABLE for what is reversed
    already and for orders that are closed.
    """
    work.needs_reason()
    if isinstance(fact, MaterialActual):
        return _reverse_actual(work, fact)
    if isinstance(fact, Report):
        return Reversed(items=[], quantities=take_back_report(work, fact))
    if fact.event_kind in OF_RUNS and fact.job_response_id is not None:
        return _reverse_production(
            work, fact, run_of(work.session, row(work.session, JobResponse, fact.job_response_id))
        )
    posted = genealogy_actions.reverse_event(work, fact)
    return Reversed(genealogy_event=posted.activity, items=posted.items)


def _reverse_actual(work: Work, actual: MaterialActual) -> Reversed:
    run = run_of(work.session, row(work.session, JobResponse, actual.job_response_id))
    if actual.use is not ActualUse.CONSUMED and actual.genealogy_event_id is not None:
        return _reverse_production(work, row(work.session, GenealogyEvent, actual.genealogy_event_id), run)
    item = row(work.session, Item, actual.item_id)
    run.lock(work, item, actual)
    with all_violations() as found:
        found.add(_closed_violation(run))
        if actual.reverses_id is not None:
            found.add(_immutable("a reversal is not reversed; post the consumption anew"))
        elif actual.returned == actual.quantity:
            found.add(_immutable(f"{actual.human_key} was reversed before"))
        elif actual.pending == 0:
            found.add(_downstream(f"{actual.human_key} is part of an output; reverse its production first"))
        if item.lifecycle in TERMINAL and item.lifecycle is not Lifecycle.CONSUMED:
            found.add(_downstream(f"{item.key} is {item.lifecycle} by now, so nothing can be put back into it"))
        found.add(*_later_violations(work, run, actual, item))
    return Reversed(actuals=[_give_back(work, run, actual, item)], items=[item])


def _later_violations(work: Work, run: Run, actual: MaterialActual, item: Item) -> list[Violation]:
    """The item was counted, packed, sent or the like as it stood without what was taken: nothing goes back into it."""
    away = away_violation(item, run.response.site_id)
    if away is not None:
        return [away]
    later = built_on_item(work.session, item.id, _consumption_of(work.session, actual).id)
    return [followed_violation(actual.human_key, later)] if later else []


def _give_back(work: Work, run: Run, actual: MaterialActual, item: Item) -> MaterialActual:
    """Put what is pending back into the item it was taken from, in the state that the item had."""
    amount = actual.pending
    consumed = _consumption_of(work.session, actual)
    lifecycle = item.lifecycle
    if lifecycle is Lifecycle.CONSUMED:
        lifecycle = _still(work, item, Lifecycle(decode_payload(consumed.payload)["lifecycle_before"]))
    put_back(work, item, amount, lifecycle)
    actual.pending, actual.returned = Decimal(0), actual.returned + amount
    reversing = work.add(
        MaterialActual(
            site_id=actual.site_id,
            job_response_id=actual.job_response_id,
            use=ActualUse.CONSUMED,
            item_id=item.id,
            quantity=amount,
            pending=Decimal(0),
            returned=Decimal(0),
            location_id=item.location_id,
            posted_by_id=work.actor.principal_id,
            posted_at=work.occurred_at,
            reverses_id=actual.id,
        )
    )
    ledger.record(
        work,
        events.ConsumptionReversed(
            item=item,
            job_response=run.response,
            material_actual=actual,
            quantity=amount,
            uom=item.uom,
            lifecycle=lifecycle,
            reversing=reversing,
        ),
        site_id=run.response.site_id,
    )
    return reversing


def _reverse_production(work: Work, activity: GenealogyEvent, run: Run) -> Reversed:
    lines = lines_of(work.session, [activity.id])
    items = {line.item_id: row(work.session, Item, line.item_id) for line in lines}
    run.lock(work, *items.values())
    if activity.reverses_id is not None or reversal_of(work.session, activity.id) is not None:
        raise Refused(_immutable(f"{activity.human_key} is reversed, or a reversal itself; post the activity anew"))
    with all_violations() as found:
        found.add(_closed_violation(run))
        found.extend(_outputs_in_use(lines, items))
    inputs = [line for line in lines if line.role is LineRole.INPUT]
    freed = [line for line in inputs if items[line.item_id].lifecycle is Lifecycle.INSTALLED]
    used = [line for line in inputs if line not in freed]
    restored = _restore(work, run, activity, used)
    posted = reverse_activity(work, activity, restore_inputs=False, job_response=run.response)
    _free(work, freed, items)
    _void(activity, lines, items)
    actuals = _reversing_actuals(work, activity, run, {line.item_id for line in freed})
    ledger.record(
        work,
        events.ProductionReversed(job_response=run.response, genealogy_event=posted.activity, reverses=activity),
        site_id=run.response.site_id,
    )
    if run.response.ended_at is not None:  # nothing stays pending in a run that is over
        with all_violations() as found:
            for actual in restored:
                found.add(*_later_violations(work, run, actual, items[actual.item_id]))
        actuals += [_give_back(work, run, actual, items[actual.item_id]) for actual in restored]
    there = [item for item in posted.items if item.site_id == run.response.site_id]  # of an input, the rest may be gone
    return Reversed(genealogy_event=posted.activity, actuals=actuals, items=there)


def _restore(work: Work, run: Run, activity: GenealogyEvent, lines: Iterable[GenealogyLine]) -> list[MaterialActual]:
    """Make what the lines took pending again, in the actuals that they took it from."""
    restored: dict[int, MaterialActual] = {}
    for line in lines:
        left = line.quantity
        for actual in _sources(work, run, activity, line):
            part = min(left, actual.used)
            if part > 0:
                actual.pending += part
                actual.genealogy_event_id = None
                restored[actual.id] = actual
                left -= part
        if left:
            raise Refused(
                _downstream(
                    f"positions behind {plain(line.range_to or Decimal(0))} of this consumption were used later; "
                    "reverse those productions first"
                )
            )
    return list(restored.values())


def _sources(work: Work, run: Run, activity: GenealogyEvent, line: GenealogyLine) -> Sequence[MaterialActual]:
    """The actuals that a line can have taken from: those that it used up, then the youngest; of positions, where it
    took the last ones.
    """
    work.session.flush()
    actuals = work.session.scalars(
        select(MaterialActual)
        .where(
            MaterialActual.job_response_id == run.response.id,
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.item_id == line.item_id,
            MaterialActual.reverses_id.is_(None),
        )
        .execution_options(populate_existing=True)
    ).all()
    if line.range_to is None:
        fitting = [actual for actual in actuals if actual.range_from is None]
    else:
        fitting = [a for a in actuals if a.range_from is not None and a.range_from + a.used == line.range_to]
    return sorted(fitting, key=lambda actual: (actual.genealogy_event_id != activity.id, -actual.id))


def _outputs_in_use(lines: Iterable[GenealogyLine], items: dict[int, Item]) -> Iterable[Violation]:
    for line in lines:
        item = items[line.item_id]
        if line.role is LineRole.OUTPUT and (item.parent_id is not None or item.quantity < line.quantity):
            yield _downstream(f"{item.key} was used, packed or installed; reverse that first")


def _free(work: Work, lines: Iterable[GenealogyLine], items: dict[int, Item]) -> None:
    """Take components out again, to where they were."""
    for line in lines:
        item = items[line.item_id]
        put_back(work, item, line.quantity, _still(work, item, line.lifecycle_before))
        item.parent_id, item.slot, item.location_id = None, None, line.location_before_id


def _void(activity: GenealogyEvent, lines: Iterable[GenealogyLine], items: dict[int, Item]) -> None:
    """A unit that was never assembled is only a number; of other outputs the activity takes the amount back itself."""
    if activity.event_kind is GenealogyKind.ASSEMBLE:
        for line in lines:
            if line.role is LineRole.OUTPUT:
                item = items[line.item_id]
                item.quantity = item.initial_quantity = Decimal(0)
                item.lifecycle = Lifecycle.PLANNED


def _reversing_actuals(work: Work, activity: GenealogyEvent, run: Run, freed: Collection[int]) -> list[MaterialActual]:
    """Take back what the run posted with the activity: outputs, and components that were built in."""
    posted = work.session.scalars(
        select(MaterialActual)
        .where(
            MaterialActual.job_response_id == run.response.id,
            MaterialActual.genealogy_event_id == activity.id,
            or_(MaterialActual.use != ActualUse.CONSUMED, MaterialActual.item_id.in_(freed)),
            MaterialActual.reverses_id.is_(None),
        )
        .order_by(MaterialActual.id)
    ).all()
    for actual in posted:
        actual.returned = actual.quantity
    return work.add_all(
        [
            MaterialActual(
                site_id=run.response.site_id,
                job_response_id=run.response.id,
                use=actual.use,
                item_id=actual.item_id,
                quantity=actual.quantity,
                pending=Decimal(0),
                returned=Decimal(0),
                location_id=actual.location_id,
                posted_by_id=work.actor.principal_id,
                posted_at=work.occurred_at,
                reverses_id=actual.id,
            )
            for actual in posted
        ]
    )


def _still(work: Work, item: Item, before: Lifecycle) -> Lifecycle:
    """The lifecycle before, unless the order in which the item was in process is complete: it is AVAILABLE then."""
    if before is Lifecycle.IN_PROCESS and item.request_id is not None:
        request = row(work.session, OperationsRequest, item.request_id)
        if request.state in (RequestState.COMPLETED, RequestState.CLOSED):
            return Lifecycle.AVAILABLE
    return before


def _consumption_of(session: Session, actual: MaterialActual) -> LedgerEvent:
    """The event that told of the consumption: the first one in the history of its actual."""
    found = session.scalar(
        select(LedgerEvent)
        .join(SubjectEntry, SubjectEntry.ledger_event_id == LedgerEvent.id)
        .where(
            SubjectEntry.subject_kind == MaterialActual.kind,
            SubjectEntry.subject_id == actual.id,
            SubjectEntry.counter == 1,
        )
    )
    assert found is not None, "every consumption has its event"
    return found


def _closed_violation(run: Run) -> Violation | None:
    if run.request.state is RequestState.CLOSED:
        return _immutable(f"order {run.request.code} is closed")
    return None


def _immutable(message: str) -> Violation:
    return invalid(message, "event", code=Code.RECORD_IMMUTABLE)


def _downstream(message: str) -> Violation:
    return invalid(message, "event", code=Code.DOWNSTREAM_DEPENDENCY)
