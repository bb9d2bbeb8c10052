"""Orders and jobs in any state, as rows: what leads there is tested elsewhere."""

from collections.abc import Sequence
from decimal import Decimal

from sqlalchemy.orm import Session

from mesgraph.access.models import Principal
from mesgraph.access.roles import Role
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.definitions.queries import definition_by_key
from mesgraph.orders import queries
from mesgraph.orders.lifecycle import BEFORE_START, Place
from mesgraph.orders.models import JobOrder, JobResponse, JobState, JobSubState, OperationsRequest, RequestState
from mesgraph.orders.queries import request_by_key
from tests.api import Api
from tests.factories.execution import MIX, Step, make_plant, put_definition, put_order

ANY = Step(MIX.seq, MIX.makes, MIX.lines, alternates=["WORK-UNIT"])
"""A step whose jobs may be rerouted between the work units of its own class."""

RUN = frozenset({JobState.RUNNING, JobState.INTERRUPTED, JobState.ENDED})
"""States of a job that has a run."""


async def make_any_plant(api: Api) -> None:
    """The plant of :mod:`tests.factories.execution` with an approved definition of one step that may be rerouted."""
    await make_plant(api)
    author, approver = await api.actor(Role.ENGINEER, subject="eng-03"), await api.actor(Role.QA, subject="qa-01")
    await api.plant.database.write(lambda s: put_definition(api, s, "ANY", [ANY], author, approver))


async def orders_in(api: Api, states: Sequence[RequestState]) -> list[str]:
    """An order in each state. From the release on it has a step with one job, which has begun in no state but those
    after the end.
    """

    def make(session: Session) -> list[str]:
        return [_order_in(api, session, state) for state in states]

    return await api.plant.database.write(make)


async def jobs_in(api: Api, wanted: Sequence[Place]) -> list[str]:
    """A job at each place, each of an order of its own that has started if the job has."""

    def make(session: Session) -> list[str]:
        return [_job_in(api, session, state, sub) for state, sub in wanted]

    return await api.plant.database.write(make)


def _order(api: Api, session: Session) -> tuple[OperationsRequest, JobOrder]:
    definition = definition_by_key(session, "OD-ANY:1")
    assert isinstance(definition, OperationsDefinition)
    number = session.query(OperationsRequest).count() + 1
    order = put_order(api, session, definition, [ANY], f"X{number}", Decimal(20), "COAT01")
    request = request_by_key(session, order.code)
    assert request is not None
    [job] = queries.jobs_of(session, request.id)
    return request, job


def _order_in(api: Api, session: Session, state: RequestState) -> str:
    request, job = _order(api, session)
    request.state = state
    if state is RequestState.FORECAST:
        [step] = queries.requirements_of(session, request.id)
        session.delete(job)
        session.flush()
        session.delete(step)
    elif state is RequestState.CANCELLED:
        job.state, job.sub_state = JobState.CANCELLED, None
    elif state in (RequestState.COMPLETED, RequestState.CLOSED):
        job.state, job.sub_state = JobState.ENDED, JobSubState.COMPLETED
    elif state is RequestState.ABORTED:
        job.state, job.sub_state = JobState.ABORTED, None
    return f"HV1/{request.code}"


def _job_in(api: Api, session: Session, state: JobState, sub_state: JobSubState | None) -> str:
    request, job = _order(api, session)
    job.state, job.sub_state = state, sub_state
    if state not in BEFORE_START:
        request.state = RequestState.RUNNING
    if state in RUN:
        now = api.plant.clock.now()
        begun_by = session.query(Principal).first()
        assert begun_by is not None
        api.work(session).add(
            JobResponse(
                site_id=job.site_id,
                code=f"{job.code}-R1",
                job_order_id=job.id,
                request_id=request.id,
                run=1,
                equipment_id=job.equipment_id,
                begun_by_id=begun_by.id,
                started_at=now,
                ended_at=now if state is JobState.ENDED else None,
            )
        )
    return f"HV1/{job.code}"
