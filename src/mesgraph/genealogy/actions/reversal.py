"""Undoing what was recorded wrongly: by a new activity that names the old one (I29, I30)."""

from collections.abc import Sequence

from mesgraph.db import Entity
from mesgraph.errors import Code, Refused, Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.rules import Posted
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.kinds import BETWEEN_SITES, SHAPES
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind, GenealogyLine, LineRole
from mesgraph.materials.actions import put_back, withdraw
from mesgraph.materials.models import TERMINAL, Item, Lifecycle
from mesgraph.work import Work

OF_RUNS = frozenset({GenealogyKind.TRANSFORM, GenealogyKind.ASSEMBLE})
"""Kinds that a run of a job records: they are undone with what the run counted."""


def reverse_event(work: Work, activity: GenealogyEvent) -> Posted:
    """Undo an activity as if it had never been: quantities, states, places and contents are what they were before.

    Needs a reason. Refuses REASON_REQUIRED; RECORD_IMMUTABLE for a reversal and for what is reversed already;
    DOWNSTREAM_DEPENDENCY when something later was built on its items; VALIDATION_FAILED for what a run made.
    """
    with all_violations() as found:
        with found.under():
            work.needs_reason()
        if activity.event_kind in OF_RUNS:
            found.add(invalid(f"a {activity.event_kind} is reversed through its material actual", "event"))
        if activity.event_kind in BETWEEN_SITES:
            message = f"a {activity.event_kind} is corrected by its transfer (adjustTransfer)"
            found.add(invalid(message, "event", code=Code.RECORD_IMMUTABLE))
    return reverse_activity(work, activity)


def reverse_activity(
    work: Work,
    activity: GenealogyEvent,
    *,
    restore_inputs: bool = True,
    whatever_followed: bool = False,
    job_response: Entity | None = None,
) -> Posted:
    """Primitive of all reversals: check, restore items, record. The items of the answer are those of the activity.

    ``whatever_followed``: of a loss, which contradicts nothing that was done with the rest since.

    ``restore_inputs`` false: what was taken stays taken, since the run that took it still has it. An output that the
    activity made becomes PLANNED with nothing in it: its number stays known and is not given again.
    """
    lines = queries.lines_of(work.session, [activity.id])
    items = queries.items_in(work.session, {line.item_id for line in lines})
    work.lock(*items.values())
    _check(work, activity)
    later = [] if whatever_followed else queries.built_on(work.session, activity, lines)
    if later:
        raise Refused(followed_violation(activity.human_key, later))
    with all_violations() as found:
        for line in lines:
            if line.role is LineRole.OUTPUT or restore_inputs:
                found.add(away_violation(items[line.item_id], activity.site_id))
    recorded = {role: [_again(line, items) for line in lines if line.role is role] for role in LineRole}
    for line in lines:
        if line.role is LineRole.OUTPUT:
            _undo_output(activity.event_kind, line, items[line.item_id])
        elif restore_inputs:
            _undo_input(work, activity.event_kind, line, items[line.item_id], lines)
    reversal = record_activity(
        work,
        kind=activity.event_kind,
        site_id=activity.site_id,
        inputs=recorded[LineRole.INPUT],
        outputs=recorded[LineRole.OUTPUT],
        job_response=job_response,
        reverses=activity,
    )
    return Posted(reversal, [items[key] for key in dict.fromkeys(line.item_id for line in lines)])


def _again(line: GenealogyLine, items: dict[int, Item]) -> Line:
    return Line(
        items[line.item_id],
        line.quantity,
        range_from=line.range_from,
        range_to=line.range_to,
        slot=line.slot,
        weight=line.weight if line.role is LineRole.OUTPUT else None,
    )


def _check(work: Work, activity: GenealogyEvent) -> None:
    if activity.reverses_id is not None:
        message = "a reversal is not reversed; post the activity anew"
        raise Refused(invalid(message, "event", code=Code.RECORD_IMMUTABLE))
    if queries.reversal_of(work.session, activity.id) is not None:
        message = f"{activity.human_key} was reversed before"
        raise Refused(invalid(message, "event", code=Code.RECORD_IMMUTABLE))


def followed_violation(what: str, later: Sequence[GenealogyEvent]) -> Violation:
    """DOWNSTREAM_DEPENDENCY: ``later`` was built on it."""
    names = ", ".join(event.human_key for event in later[:5]) + (", ..." if len(later) > 5 else "")
    return _downstream(f"{what} is followed by {names}")


def away_violation(item: Item, site_id: int) -> Violation | None:
    """DOWNSTREAM_DEPENDENCY: the item has left the site where it was."""
    return None if item.site_id == site_id else _downstream(f"{item.key} is at another site by now")


def _downstream(message: str) -> Violation:
    return invalid(message, "event", code=Code.DOWNSTREAM_DEPENDENCY)


def _undo_output(kind: GenealogyKind, line: GenealogyLine, item: Item) -> None:
    if not SHAPES[kind].gives:
        return
    if item.quantity < line.quantity:
        raise Refused(_downstream(f"{item.key} has less on hand than was made of it"))
    item.quantity -= line.quantity
    item.initial_quantity -= line.quantity
    if item.initial_quantity == 0:
        item.lifecycle = Lifecycle.PLANNED


def _undo_input(
    work: Work, kind: GenealogyKind, line: GenealogyLine, item: Item, lines: Sequence[GenealogyLine]
) -> None:
    before = line.lifecycle_before if item.lifecycle in TERMINAL else item.lifecycle
    match kind:
        case GenealogyKind.MOVE:
            item.location_id = line.location_before_id
        case GenealogyKind.SHIP:
            item.lifecycle = line.lifecycle_before
        case GenealogyKind.RETURN:
            item.lifecycle = line.lifecycle_before
            for there in [item, *queries.contents_of(work.session, [item.id])]:
                there.location_id = line.location_before_id
        case GenealogyKind.DISASSEMBLE:
            withdraw(work, item, line.quantity)
            item.lifecycle, item.slot, item.location_id = line.lifecycle_before, line.slot, line.location_before_id
            item.parent_id = _output_of(lines)
        case GenealogyKind.REWORK:
            for part in queries.directly_in(work.session, _output_of(lines)):
                part.parent_id = item.id
            put_back(work, item, line.quantity, before)
        case GenealogyKind.PACK:
            item.parent_id, item.location_id = None, line.location_before_id
            for inner in queries.contents_of(work.session, [item.id]):
                inner.location_id = line.location_before_id
        case GenealogyKind.UNPACK:
            item.parent_id = _output_of(lines)
        case GenealogyKind.ASSEMBLE:
            item.parent_id, item.slot = None, None
            put_back(work, item, min(line.quantity, item.initial_quantity - item.quantity), before)
        case _:
            put_back(work, item, line.quantity, before)


def _output_of(lines: Sequence[GenealogyLine]) -> int:
    return next(line.item_id for line in lines if line.role is LineRole.OUTPUT)
