"""How far the steps of a run's work instruction are, and what comes next (I21)."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.definitions.models import EntrySpecification, InstructionStep
from mesgraph.definitions.specifications import instructions_of, steps_of
from mesgraph.definitions.values import Verdict
from mesgraph.errors import Code, Violation, invalid
from mesgraph.orders.models import (
    Deviation,
    DeviationState,
    JobOrder,
    JobResponse,
    SegmentRequirement,
    StepEntry,
    StepExecution,
)
from mesgraph.orders.run import Run
from mesgraph.work import Work


class StepState(StrEnum):
    """How far a step of a run is."""

    OPEN = "OPEN"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True)
class StepProgress:
    """A step of a run with its attempts, the first one first, and the deviation of the last one, if that failed."""

    step: InstructionStep
    attempts: list[StepExecution]
    deviation: Deviation | None = None

    @property
    def state(self) -> StepState:
        """The last attempt counts; one that failed counts as done once its deviation is accepted."""
        if not self.attempts:
            return StepState.OPEN
        accepted = self.deviation is not None and self.deviation.state is DeviationState.ACCEPTED
        return StepState.DONE if accepted or self.attempts[-1].verdict is not Verdict.FAIL else StepState.FAILED


def next_step(progress: Sequence[StepProgress]) -> StepProgress | None:
    """What comes next: the first step that is not done, but for optional ones that were passed over; ``None`` when
    nothing is left.
    """
    reached = max((x.step.no for x in progress if x.attempts), default=0)
    left = (x for x in progress if x.state is not StepState.DONE and (x.step.mandatory or x.step.no >= reached))
    return next(left, None)


def progress_of(session: Session, response_ids: Collection[int]) -> dict[int, list[StepProgress]]:
    """The steps of each run, by number; none for a segment without instruction. A fixed number of statements."""
    segments = dict(
        session.execute(
            select(JobResponse.id, SegmentRequirement.segment_id)
            .join(JobOrder, JobOrder.id == JobResponse.job_order_id)
            .join(SegmentRequirement, SegmentRequirement.id == JobOrder.requirement_id)
            .where(JobResponse.id.in_(response_ids))
        ).all()
    )
    instructions = instructions_of(session, set(segments.values()))
    if not instructions:
        return {response_id: [] for response_id in response_ids}
    steps = steps_of(session, [instruction.id for instruction in instructions.values()])
    attempts = _attempts(session, response_ids)
    deviations = _deviations(session, response_ids)
    found: dict[int, list[StepProgress]] = {}
    for response_id in response_ids:
        instruction = instructions.get(segments[response_id])
        found[response_id] = [
            StepProgress(step, done, deviations.get(done[-1].id) if done else None)
            for step in (steps[instruction.id] if instruction else ())
            for done in [attempts[response_id, step.id]]
        ]
    return found


def step_violations(work: Work, run: Run) -> Iterator[Violation]:
    """Why a run may not end: a mandatory step is not done (STEP_INCOMPLETE), or failed (PARAMETER_OUT_OF_LIMITS)."""
    for x in progress_of(work.session, [run.response.id])[run.response.id]:
        if not x.step.mandatory or x.state is StepState.DONE:
            continue
        if x.state is StepState.OPEN:
            message = f"step {x.step.no} is not done: {x.step.prompt[:80]}"
            yield invalid(message, "job_order", code=Code.STEP_INCOMPLETE)
        elif x.deviation is not None:
            message = f"{x.deviation.description[:200]} ({x.deviation.number} is {x.deviation.state})"
            yield invalid(message, "job_order", code=Code.PARAMETER_OUT_OF_LIMITS)


def entries_recorded(session: Session, execution_ids: Collection[int]) -> dict[int, list[StepEntry]]:
    """What was entered in each attempt, in the order of the fields."""
    found: dict[int, list[StepEntry]] = {execution_id: [] for execution_id in execution_ids}
    rows = session.scalars(
        select(StepEntry)
        .join(EntrySpecification, EntrySpecification.id == StepEntry.specification_id)
        .where(StepEntry.execution_id.in_(found))
        .order_by(StepEntry.execution_id, EntrySpecification.place)
    )
    for entry in rows:
        found[entry.execution_id].append(entry)
    return found


def _attempts(session: Session, response_ids: Collection[int]) -> dict[tuple[int, int], list[StepExecution]]:
    found: dict[tuple[int, int], list[StepExecution]] = defaultdict(list)
    rows = session.scalars(
        select(StepExecution)
        .where(StepExecution.job_response_id.in_(response_ids))
        .order_by(StepExecution.job_response_id, StepExecution.step_id, StepExecution.attempt)
    )
    for execution in rows:
        found[execution.job_response_id, execution.step_id].append(execution)
    return found


def _deviations(session: Session, response_ids: Collection[int]) -> dict[int, Deviation]:
    """The deviations of failed attempts, by attempt."""
    rows = session.scalars(
        select(Deviation)
        .where(Deviation.job_response_id.in_(response_ids), Deviation.step_execution_id.is_not(None))
        .execution_options(populate_existing=True)
    )
    return {row.step_execution_id: row for row in rows if row.step_execution_id is not None}
