"""Recording an activity: the one place where lines are written.

Verbs change quantities and states by the primitives of materials, then say here what happened to which items.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, and_, func, insert, select, text

from mesgraph import ledger
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, Findings, QuantityViolation, Violation, all_violations, invalid
from mesgraph.genealogy.events import OF_KIND, GenealogyReversed
from mesgraph.genealogy.kinds import ANY, ENDED_BY, FREEING, GIVING, LINKING, SHAPES, TAKING
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.genealogy.walk import EVENT, LINE, NOW, count_reached
from mesgraph.ledger import Event
from mesgraph.materials.models import TERMINAL, Item, Lifecycle
from mesgraph.quantity import plain
from mesgraph.work import Work

ZERO = Decimal(0)
IDS_PER_STATEMENT = 5_000
CYCLE_LOCK = 0x6379636C  # "cycl"; the sequencer holds another one for as long as it leads
"""Key of the advisory lock under which PostgreSQL writers extend items that others were made from already."""


@dataclass(frozen=True)
class Line:
    """An item in an activity, in the item's base unit. ``weight`` of an output: what it counts when the inputs are
    shared out, its quantity when left out; 0 for a by-product.

    Make the line before you change the item: it notes the lifecycle and the location that a reversal restores.
    """

    item: Item
    quantity: Decimal
    range_from: Decimal | None = None
    range_to: Decimal | None = None
    slot: str | None = None
    weight: Decimal | None = None
    lifecycle_before: Lifecycle = field(init=False)
    location_before_id: int | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lifecycle_before", self.item.lifecycle)
        object.__setattr__(self, "location_before_id", self.item.location_id)

    @property
    def share_weight(self) -> Decimal:
        """What an output counts."""
        return self.quantity if self.weight is None else self.weight

    def told(self) -> dict[str, Any]:
        """The line in the payload of the ledger event."""
        told = {
            "item": self.item,
            "quantity": self.quantity,
            "uom": self.item.uom,
            "weight": self.weight,
            "rangeFrom": self.range_from,
            "rangeTo": self.range_to,
            "slot": self.slot,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, kw_only=True)
class Activity:
    """What is to be recorded: a fact about items that the caller has locked and changed.

    With ``reverses`` the lines are those of the activity that is undone, and no rule is checked.
    """

    kind: GenealogyKind
    site_id: int
    inputs: Sequence[Line]
    outputs: Sequence[Line]
    job_response: Entity | None = None
    location: Equipment | None = None
    reverses: GenealogyEvent | None = None

    def told(self) -> Event:
        """The event of the ledger, with the full lines."""
        told: dict[str, Any] = {
            "inputs": [line.told() for line in self.inputs],
            "outputs": [line.told() for line in self.outputs],
            "location": self.location,
            "job_response": self.job_response,
        }
        if self.reverses is not None:
            return GenealogyReversed(**told, reverses=self.reverses)
        return OF_KIND[self.kind](**told)  # type: ignore[return-value]  # each class is an Event, too


def record_activity(
    work: Work,
    *,
    kind: GenealogyKind,
    site_id: int,
    inputs: Sequence[Line],
    outputs: Sequence[Line],
    job_response: Entity | None = None,
    location: Equipment | None = None,
    reverses: GenealogyEvent | None = None,
) -> GenealogyEvent:
    """Write one activity; see :func:`record_activities`."""
    activity = Activity(
        kind=kind,
        site_id=site_id,
        inputs=inputs,
        outputs=outputs,
        job_response=job_response,
        location=location,
        reverses=reverses,
    )
    return record_activities(work, [activity])[0]


def record_activities(work: Work, activities: Sequence[Activity]) -> list[GenealogyEvent]:
    """Write activities of one site with their lines and ledger events, in a few statements however many there are.

    Changes no quantity and no state. Refuses, each with an empty path:

    * QUANTITY_NOT_CONSERVED: a side has too few or too many lines, inputs and outputs of a split or merge differ, or
      no output takes the inputs (I1, I2, I3);
    * UOM_MISMATCH: outputs of different units without weights (I3);
    * GENEALOGY_CYCLE: an output is an input, or an input was made from an output (I6);
    * VALIDATION_FAILED: a range outside [0, initial quantity), or one that was taken before;
    * TIME_ORDER_INVALID: an item did not exist yet at the event time (I32);
    * INSUFFICIENT_QUANTITY: an input had less on hand at the event time, or at a later moment (I4).
    """
    for activity in activities:
        if activity.reverses is None:
            _check(work, activity)
    recorded = ledger.record_all(work, [activity.told() for activity in activities], site_id=activities[0].site_id)
    rows = work.add_all(
        [
            GenealogyEvent(
                site_id=activity.site_id,
                event_kind=activity.kind,
                occurred_at=work.occurred_at,
                ledger_event_id=event.id,
                job_response_id=activity.job_response.id if activity.job_response else None,
                location_id=activity.location.id if activity.location else None,
                reverses_id=activity.reverses.id if activity.reverses else None,
                reason_code=work.reason.code if work.reason else None,
            )
            for activity, event in zip(activities, recorded, strict=True)
        ]
    )
    new = _new_items(work, activities)
    lines = []
    for activity, row in zip(activities, rows, strict=True):
        lines += [_row(row, LineRole.INPUT, i, line, new) for i, line in enumerate(activity.inputs)]
        lines += [_row(row, LineRole.OUTPUT, i, line, new) for i, line in enumerate(activity.outputs)]
    work.session.execute(insert(GenealogyLine), lines)
    return rows


def _check(work: Work, activity: Activity) -> None:
    kind, inputs, outputs = activity.kind, activity.inputs, activity.outputs
    with all_violations() as found:
        _check_shape(found, kind, inputs, outputs)
    with all_violations() as found:
        _check_ranges(work, found, inputs, outputs)
        _check_times(work, found, kind, inputs)
        _check_began(work, found, kind, inputs)
        _check_cycle(work, found, kind, inputs, outputs)


def _row(activity: GenealogyEvent, role: LineRole, number: int, line: Line, new: set[int]) -> dict[str, Any]:
    before = Lifecycle.PLANNED if role is LineRole.OUTPUT and line.item.id in new else line.lifecycle_before
    if role is LineRole.INPUT and SHAPES[activity.event_kind].takes and before in TERMINAL and not activity.reverses_id:
        before = Lifecycle.IN_PROCESS if line.item.request_id else Lifecycle.AVAILABLE
    return {
        "event_id": activity.id,
        "role": role,
        "line": number,
        "item_id": line.item.id,
        "quantity": line.quantity,
        "weight": line.share_weight if role is LineRole.OUTPUT else ZERO,
        "range_from": line.range_from,
        "range_to": line.range_to,
        "slot": line.slot,
        "lifecycle_before": before,
        "location_before_id": line.location_before_id,
    }


def _new_items(work: Work, activities: Sequence[Activity]) -> set[int]:
    """The outputs that these activities make: no activity has named them before."""
    making = [activity for activity in activities if SHAPES[activity.kind].gives and activity.reverses is None]
    ids = sorted({line.item.id for activity in making for line in activity.outputs})
    known: set[int] = set()
    for start in range(0, len(ids), IDS_PER_STATEMENT):
        some = ids[start : start + IDS_PER_STATEMENT]
        known.update(work.session.scalars(select(LINE.c.item_id).where(LINE.c.item_id.in_(some)).distinct()))
    return set(ids) - known


def _check_shape(found: Findings, kind: GenealogyKind, inputs: Sequence[Line], outputs: Sequence[Line]) -> None:
    shape = SHAPES[kind]
    for side, lines, (least, most) in (("input", inputs, shape.inputs), ("output", outputs, shape.outputs)):
        if not least <= len(lines) <= most:
            wanted = f"at least {least}" if most == ANY else f"{least} to {most}" if least != most else str(least)
            found.add(_unbalanced(f"{kind} has {wanted} {side} line(s), not {len(lines)}"))
    taken, made = sum((x.quantity for x in inputs), ZERO), sum((x.quantity for x in outputs), ZERO)
    if shape.conserves and taken != made and inputs and outputs:
        found.add(
            QuantityViolation(
                code=Code.QUANTITY_NOT_CONSERVED,
                message=f"{plain(taken)} go in and {plain(made)} come out",
                available=taken,
                requested=made,
                uom=inputs[0].item.uom,
            )
        )
    if kind is GenealogyKind.TRANSFORM and outputs:
        found.add(*_sharing_violations(outputs))


def _sharing_violations(outputs: Sequence[Line]) -> list[Violation]:
    """Outputs must agree on how the inputs are shared out among them (I3)."""
    if sum((line.share_weight for line in outputs), ZERO) <= 0 or any(line.share_weight < 0 for line in outputs):
        return [_unbalanced("no output takes the inputs: give at least one a weight above zero")]
    uoms = {line.item.uom for line in outputs if line.share_weight}
    if len(uoms) > 1 and any(line.weight is None for line in outputs):
        return [invalid(f"outputs of units {', '.join(sorted(uoms))} need declared weights", code=Code.UOM_MISMATCH)]
    return []


def _unbalanced(message: str) -> Violation:
    return invalid(message, code=Code.QUANTITY_NOT_CONSERVED)


def _check_ranges(work: Work, found: Findings, inputs: Sequence[Line], outputs: Sequence[Line]) -> None:
    for line in [*inputs, *outputs]:
        if line.range_from is None and line.range_to is None:
            continue
        if (
            line.range_from is None
            or line.range_to is None
            or not (0 <= line.range_from < line.range_to <= line.item.initial_quantity)
        ):
            found.add(
                invalid(
                    f"range [{_shown(line.range_from)}, {_shown(line.range_to)}) must lie within "
                    f"[0, {plain(line.item.initial_quantity)}) of {line.item.key}"
                )
            )
    taken: dict[int, list[tuple[Decimal, Decimal]]] = defaultdict(list)
    for line in inputs:
        if line.range_from is None or line.range_to is None:
            continue
        clash = next((r for r in taken[line.item.id] if r[0] < line.range_to and line.range_from < r[1]), None)
        clash = clash or _taken_before(work, line)
        taken[line.item.id].append((line.range_from, line.range_to))
        if clash:
            found.add(
                invalid(
                    f"positions [{plain(line.range_from)}, {plain(line.range_to)}) of {line.item.key} overlap "
                    f"[{plain(clash[0])}, {plain(clash[1])}), which were taken before"
                )
            )


def _shown(value: Decimal | None) -> str:
    return "" if value is None else plain(value)


def _taken_before(work: Work, line: Line) -> tuple[Decimal, Decimal] | None:
    row = work.session.execute(
        select(LINE.c.range_from, LINE.c.range_to)
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(
            LINE.c.item_id == line.item.id,
            LINE.c.role == LineRole.INPUT,
            LINE.c.range_from < line.range_to,
            LINE.c.range_to > line.range_from,
            EVENT.c.event_kind.in_(TAKING),
            NOW.holds(EVENT),
        )
        .limit(1)
    ).first()
    return None if row is None else (row[0], row[1])


def _check_times(work: Work, found: Findings, kind: GenealogyKind, inputs: Sequence[Line]) -> None:
    """An input exists at the event time (I32) and has enough on hand from then on (I4)."""
    if not inputs:
        return
    items = {line.item.id: line.item for line in inputs}
    made = work.session.execute(
        select(LINE.c.item_id, func.min(EVENT.c.occurred_at), func.max(EVENT.c.occurred_at))
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(
            LINE.c.item_id.in_(items), LINE.c.role == LineRole.OUTPUT, EVENT.c.event_kind.in_(GIVING), NOW.holds(EVENT)
        )
        .group_by(LINE.c.item_id)
    ).all()
    for item_id, first, last in made:
        item = items[item_id]
        if work.occurred_at < first:
            message = f"{item.key} was made at {first.isoformat()}, after {work.occurred_at.isoformat()}"
            found.add(invalid(message, "event_time", code=Code.TIME_ORDER_INVALID))
        elif kind in TAKING and work.occurred_at < last:
            taken = sum((line.quantity for line in inputs if line.item.id == item_id), ZERO)
            least = least_on_hand(work, item, work.occurred_at)
            if least < taken:
                found.add(
                    QuantityViolation(
                        code=Code.INSUFFICIENT_QUANTITY,
                        message=f"{item.key} had only {plain(least)} {item.uom} at or after the event time",
                        path=("event_time",),
                        available=least,
                        requested=taken,
                        uom=item.uom,
                    )
                )


def _check_began(work: Work, found: Findings, kind: GenealogyKind, inputs: Sequence[Line]) -> None:
    """What ends (a packing, an installation, a shipment) does not end before it began (I32)."""
    begun = [begins for begins, ends in ENDED_BY.items() if ends is kind]
    if not begun:
        return
    items = {line.item.id: line.item for line in inputs}
    rows = work.session.execute(
        select(LINE.c.item_id, func.max(EVENT.c.occurred_at))
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(
            LINE.c.item_id.in_(items), LINE.c.role == LineRole.INPUT, EVENT.c.event_kind.in_(begun), NOW.holds(EVENT)
        )
        .group_by(LINE.c.item_id)
    )
    for item_id, since in rows:
        if work.occurred_at < since:
            message = f"{items[item_id].key}: {begun[0]} was at {since.isoformat()}, after this {kind}"
            found.add(invalid(message, "event_time", code=Code.TIME_ORDER_INVALID))


def least_on_hand(work: Work, item: Item, since: datetime) -> Decimal:
    """The least that the lines leave on hand at ``since`` or at any later moment."""
    rows = work.session.execute(
        select(EVENT.c.occurred_at, LINE.c.role, EVENT.c.event_kind, LINE.c.quantity)
        .join(EVENT, EVENT.c.id == LINE.c.event_id)
        .where(LINE.c.item_id == item.id, NOW.holds(EVENT), _moves_quantity())
        .order_by(EVENT.c.occurred_at, EVENT.c.id)
    ).all()
    signed = [
        (at, quantity if role is LineRole.OUTPUT or kind in FREEING else -quantity) for at, role, kind, quantity in rows
    ]
    balance = sum((change for at, change in signed if at <= since), ZERO)
    least = balance
    for at, change in signed:
        if at > since:
            balance += change
            least = min(least, balance)
    return max(least, ZERO)


def _moves_quantity() -> ColumnElement[bool]:
    gives = and_(LINE.c.role == LineRole.OUTPUT, EVENT.c.event_kind.in_(GIVING))
    return gives | and_(LINE.c.role == LineRole.INPUT, EVENT.c.event_kind.in_((*TAKING, *FREEING)))


def _check_cycle(
    work: Work, found: Findings, kind: GenealogyKind, inputs: Sequence[Line], outputs: Sequence[Line]
) -> None:
    """No input may descend from an output (I6). Only an output that something was made from already can close a ring,
    so a new one costs one look-up.
    """
    if not SHAPES[kind].links:
        return
    takers, makers = {line.item.id for line in outputs}, {line.item.id for line in inputs}
    closed = bool(takers & makers)
    if not closed:
        used = select(LINE.c.item_id).join(EVENT, EVENT.c.id == LINE.c.event_id)
        used = used.where(LINE.c.item_id.in_(takers), LINE.c.role == LineRole.INPUT, EVENT.c.event_kind.in_(LINKING))
        parents = set(work.session.scalars(used.distinct()))
        if parents:
            _one_at_a_time(work)
            closed = bool(work.session.scalar(count_reached(parents, makers)))
    if closed:
        names = ", ".join(sorted({line.item.key for line in outputs}))
        found.add(invalid(f"an input was made from {names} or is it", code=Code.GENEALOGY_CYCLE))


def _one_at_a_time(work: Work) -> None:
    """Two writers that each close half of a ring see each other. Rare enough that the lock costs nobody anything."""
    if work.session.get_bind().dialect.name == "postgresql":
        work.session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": CYCLE_LOCK})
