"""A run of a job with all that it belongs to: what every verb of execution begins with."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TypeVar

from sqlalchemy.orm import Session

from mesgraph.db import EVERY_SITE, Entity
from mesgraph.equipment import queries as equipment_queries
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Code, TransitionViolation, Violation, invalid
from mesgraph.orders.models import JobOrder, JobResponse, JobState, OperationsRequest, SegmentRequirement
from mesgraph.work import Work

E = TypeVar("E", bound=Entity)

WORKING = frozenset({JobState.RUNNING})
"""States in which material may be taken and made."""

OPEN = frozenset({JobState.RUNNING, JobState.INTERRUPTED})
"""States in which a run has not ended."""


@dataclass(frozen=True)
class Run:
    """One run, its job, the step and the order that it works for, and the work unit that it occupies."""

    response: JobResponse
    job: JobOrder
    requirement: SegmentRequirement
    request: OperationsRequest
    equipment: Equipment

    def lock(self, work: Work, *more: Entity | None) -> None:
        """Lock the run, its job, and what else the verb decides on, in one call."""
        work.lock(self.job, self.response, *more)

    def violations(self, work: Work, states: Collection[JobState] = WORKING) -> list[Violation]:
        """INVALID_TRANSITION when the job is in none of ``states``; TIME_ORDER_INVALID before the run began (I32)."""
        found: list[Violation] = []
        if self.job.state not in states or self.response.ended_at is not None:
            found.append(
                TransitionViolation(
                    message=f"{self.response.code}: job {self.job.code} is {self.job.state}, "
                    f"this needs {' or '.join(sorted(states))}",
                    path=("job_response",),
                    from_state=self.job.state,
                    allowed=tuple(sorted(states)),
                )
            )
        if work.occurred_at < self.response.started_at:
            found.append(
                invalid(
                    f"{work.occurred_at.isoformat()} lies before {self.response.code} began, "
                    f"{self.response.started_at.isoformat()}",
                    "event_time",
                    code=Code.TIME_ORDER_INVALID,
                )
            )
        return found

    def output_location_id(self, session: Session) -> int:
        """Where output goes: the first storage location of the work unit, else the work unit itself."""
        stores = equipment_queries.stores_of(session, [self.equipment.id])
        return stores[0][1].id if stores else self.equipment.id


def run_of(session: Session, response: JobResponse) -> Run:
    """The run of ``response`` with what it belongs to."""
    job = row(session, JobOrder, response.job_order_id)
    return Run(
        response=response,
        job=job,
        requirement=row(session, SegmentRequirement, job.requirement_id),
        request=row(session, OperationsRequest, job.request_id),
        equipment=row(session, Equipment, response.equipment_id),
    )


def row(session: Session, cls: type[E], key: int) -> E:
    """The row that a foreign key names, at whatever site; it exists, because the database says so."""
    found = session.get(cls, key, execution_options=EVERY_SITE)
    assert found is not None, f"{cls.__name__} {key}"
    return found
