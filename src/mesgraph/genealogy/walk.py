"""The SQL of walking the graph: which activities are believed, and which are reached from an item.

Core statements on purpose: a walk passes through items of every site, so that it neither ends early nor counts wrongly;
what the caller may see is decided afterwards, on rows (see :mod:`mesgraph.genealogy.trace`).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CTE, ColumnElement, Select, Table, and_, exists, func, or_, select
from sqlalchemy.sql.selectable import FromClause

from mesgraph.genealogy.kinds import ENDED_BY, LINKING
from mesgraph.genealogy.models import GenealogyEvent, GenealogyLine, LineRole
from mesgraph.ledger.models import Position

EVENT = cast(Table, GenealogyEvent.__table__)
LINE = cast(Table, GenealogyLine.__table__)
POSITION = cast(Table, Position.__table__)


@dataclass(frozen=True)
class Belief:
    """Which record counts: events up to position ``as_of`` of the record, which happened not after ``at``.

    A reversal says that something never happened, so it counts whatever time it names, as soon as it is recorded.
    """

    as_of: int | None = None
    at: datetime | None = None

    def holds(self, event: FromClause) -> ColumnElement[bool]:
        """``event`` happened, as far as this belief knows; a reversal itself is no activity."""
        reversal = EVENT.alias()
        conditions = [
            # not IS NULL: SQLite would take the index of reversals and read every event of the plant at each step
            func.coalesce(event.c.reverses_id, 0) == 0,
            ~exists(select(reversal.c.id).where(reversal.c.reverses_id == event.c.id, *self._known(reversal))),
            *self._known(event),
        ]
        if self.at is not None:
            conditions.append(event.c.occurred_at <= self.at)
        return and_(*conditions)

    def _known(self, event: FromClause) -> list[ColumnElement[bool]]:
        if self.as_of is None:
            return []
        place = POSITION.alias()
        return [
            exists(
                select(place.c.position).where(
                    place.c.ledger_event_id == event.c.ledger_event_id, place.c.position <= self.as_of
                )
            )
        ]

    def still_in(self, line: FromClause, event: FromClause) -> ColumnElement[bool]:
        """What ``event`` did to the item of input ``line`` lasts: it was not unpacked, taken out or returned since."""
        later, ending = LINE.alias(), EVENT.alias()
        ended = exists(
            select(later.c.event_id)
            .join_from(later, ending, ending.c.id == later.c.event_id)
            .where(
                later.c.item_id == line.c.item_id,
                later.c.role == LineRole.INPUT,
                later.c.event_id > line.c.event_id,
                or_(*(and_(event.c.event_kind == kind, ending.c.event_kind == end) for kind, end in ENDED_BY.items())),
                self.holds(ending),
            )
        )
        return or_(event.c.event_kind.not_in(sorted(ENDED_BY)), ~ended)


NOW = Belief()
"""All that is recorded."""


def reached_from(items: Collection[int], belief: Belief, *, forward: bool) -> CTE:
    """Ids of the linking activities that are reached from ``items``, as a recursive statement.

    It goes from activity to activity, each once, so it ends on a cycle and passes an activity of many inputs and
    outputs in their sum, not in their product.
    """
    near, event = LINE.alias("near"), EVENT.alias("near_event")
    near_role = LineRole.INPUT if forward else LineRole.OUTPUT
    first = (
        select(near.c.event_id)
        .join_from(near, event, event.c.id == near.c.event_id)
        .where(near.c.item_id.in_(items), near.c.role == near_role, *_linked(near, event, belief, forward))
    )
    walk = first.cte("walk", recursive=True)
    far, far_event = LINE.alias("far"), EVENT.alias("far_event")
    step, step_event = LINE.alias("step"), EVENT.alias("step_event")
    further: Select[Any] = (
        select(step.c.event_id)
        .join_from(walk, far, far.c.event_id == walk.c.event_id)
        .join(step, step.c.item_id == far.c.item_id)
        .join(step_event, step_event.c.id == step.c.event_id)
        .where(
            far.c.role == (LineRole.OUTPUT if forward else LineRole.INPUT),
            step.c.role == near_role,
            *_linked(step, step_event, belief, forward),
        )
    )
    if not forward:
        further = further.join(far_event, far_event.c.id == far.c.event_id).where(belief.still_in(far, far_event))
    return walk.union(further)


def _linked(line: FromClause, event: FromClause, belief: Belief, forward: bool) -> list[ColumnElement[bool]]:
    conditions = [event.c.event_kind.in_(LINKING), belief.holds(event)]
    return [*conditions, belief.still_in(line, event)] if forward else conditions


def count_reached(start: Collection[int], targets: Collection[int]) -> Select[Any]:
    """Statement: how many of ``targets`` are among ``start`` or were made from them."""
    walk = reached_from(start, NOW, forward=True)
    return (
        select(func.count())
        .select_from(LINE)
        .where(
            LINE.c.event_id.in_(select(walk.c.event_id)), LINE.c.role == LineRole.OUTPUT, LINE.c.item_id.in_(targets)
        )
    )
