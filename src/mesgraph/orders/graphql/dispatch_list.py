"""The dispatch list of a work unit, live: all that an operator's screen shows."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from functools import partial
from typing import Annotated, Any

import strawberry
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.live.topics import moments
from mesgraph.api.nodes import NodeRef, find
from mesgraph.api.scalars import Duration
from mesgraph.equipment.graphql import EquipmentNode
from mesgraph.equipment.models import Equipment
from mesgraph.ledger.queries import Cursor
from mesgraph.orders import queries, readiness
from mesgraph.orders.graphql.nodes import JobOrderNode
from mesgraph.orders.models import JobOrder, JobResponse, MaterialActual, OperationsRequest
from mesgraph.orders.proposals import proposals_of
from mesgraph.orders.reactions import next_look


@strawberry.type(description="The dispatch list of a work unit.")
class DispatchListEvent:
    """One state of the list."""

    cursor: Cursor = strawberry.field(description="The place in the record up to which the list counts.")
    equipment: EquipmentNode = strawberry.field(description="The work unit with its state and mode.")
    job_orders: list[JobOrderNode] = strawberry.field(
        description="The list, as `dispatchList` gives it. Ask for `readiness` and `materialProposals` with "
        "`equipment`, so that jobs without work unit are judged on this one."
    )


@strawberry.type
class DispatchSubscriptions:
    """Live."""

    @strawberry.subscription(
        description="The dispatch list of a work unit: at once, then whenever something of it has changed - its jobs, "
        "their orders, readiness, proposals, the run with what it has taken and made, the machine. Also when the time "
        "alone changes it: a delay has passed, a lot has expired. A new list replaces the one before."
    )
    async def dispatch_list_changed(
        self,
        info: Info,
        equipment: NodeRef,
        horizon: Annotated[
            Duration | None,
            strawberry.argument(description="Only jobs planned to start within this time from the moment of the list."),
        ] = None,
    ) -> AsyncGenerator[DispatchListEvent, None]:
        """The state, then every other state."""
        context = info.context
        found = await context.read(lambda session: find(session, Equipment, equipment, "equipment"))
        last: object = None
        due = partial(next_look, site_id=found.site_id)
        looks = moments(context, wanted=lambda event: event.site_id == found.site_id, due=due)
        async with aclosing(looks):
            async for cursor in looks:
                now = context.plant.clock.now()
                until = now + horizon if horizon is not None else None
                unit, jobs, state = await context.read(partial(_state, unit_id=found.id, now=now, until=until))
                if state != last:
                    last = state
                    yield DispatchListEvent(cursor=cursor, equipment=shown(unit), job_orders=shown(jobs))


def _state(
    session: Session, unit_id: int, now: datetime, until: datetime | None
) -> tuple[Equipment, list[JobOrder], object]:
    """The list, and all that can be seen of it, to be compared with the one before."""
    unit = session.scalars(select(Equipment).where(Equipment.id == unit_id)).one()
    jobs = queries.dispatch_list(session, unit, until)
    ready = readiness.readiness_of(session, jobs, now, on=unit)
    proposals = proposals_of(session, jobs, now, on=unit)
    seen = [
        (
            job.id,
            job.version,
            [(blocker.code, blocker.message) for blocker in found.blockers],
            [(p.needed, [(x.item.id, x.quantity, x.at_hand) for x in p.picks], p.shortage) for p in proposed],
        )
        for job, found, proposed in zip(jobs, ready, proposals, strict=True)
    ]
    return unit, jobs, (unit.version, seen, _orders(session, jobs), _runs(session, jobs))


def _orders(session: Session, jobs: list[JobOrder]) -> list[Any]:
    wanted = {job.request_id for job in jobs}
    statement = select(OperationsRequest.id, OperationsRequest.version).where(OperationsRequest.id.in_(wanted))
    return [tuple(row) for row in session.execute(statement.order_by(OperationsRequest.id))]


def _runs(session: Session, jobs: list[JobOrder]) -> list[Any]:
    """The runs of the jobs with how often they and their actuals have changed."""
    statement = (
        select(JobResponse.id, JobResponse.version, func.count(MaterialActual.id), func.sum(MaterialActual.version))
        .outerjoin(MaterialActual, MaterialActual.job_response_id == JobResponse.id)
        .where(JobResponse.job_order_id.in_({job.id for job in jobs}))
        .group_by(JobResponse.id, JobResponse.version)
        .order_by(JobResponse.id)
    )
    return [tuple(row) for row in session.execute(statement)]
