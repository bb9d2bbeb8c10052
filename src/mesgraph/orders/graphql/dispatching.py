"""Orders and jobs to look at, and live: lists, readiness, what a work unit does next."""

from asyncio import gather
from collections.abc import AsyncGenerator
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import shown
from mesgraph.api.context import Context, Info
from mesgraph.api.live.topics import AfterCursor, cursors_of, follow
from mesgraph.api.nodes import NodeRef, find, find_optional
from mesgraph.api.record import LedgerEventType
from mesgraph.api.scalars import Duration
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment, Site
from mesgraph.errors import Refused
from mesgraph.ledger.queries import Cursor, Recorded
from mesgraph.orders import queries, readiness
from mesgraph.orders.graphql.lists import OrderLists
from mesgraph.orders.graphql.nodes import JobOrderNode, OperationsRequestNode, ReadinessType
from mesgraph.orders.models import JobOrder, OperationsRequest


@strawberry.type
class OrderQueries(OrderLists):
    """Reads."""

    @strawberry.field(description="An order; null when there is none.")
    async def operations_request(self, info: Info, key: NodeRef) -> OperationsRequestNode | None:
        """One by id or key."""
        return shown(await _one_or_none(info.context, OperationsRequest, key))

    @strawberry.field(description="A job; null when there is none.")
    async def job_order(self, info: Info, id: NodeRef) -> JobOrderNode | None:
        """One by id or key."""
        return shown(await _one_or_none(info.context, JobOrder, id))

    @strawberry.field(
        description="The jobs that a work unit has or could take - its own, and unassigned ones of its classes at its "
        "site - that are not ended: the highest priority first, then the earliest due date, then the oldest."
    )
    async def dispatch_list(
        self,
        info: Info,
        equipment: NodeRef,
        horizon: Annotated[
            Duration | None,
            strawberry.argument(description="Only jobs planned to start within this time from now."),
        ] = None,
    ) -> list[JobOrderNode]:
        """In order."""
        now = info.context.plant.clock.now()
        until = now + horizon if horizon is not None else None

        def read(session: Session) -> list[JobOrder]:
            return queries.dispatch_list(session, find(session, Equipment, equipment, "equipment"), until)

        return shown(await info.context.read(read))

    @strawberry.field(description="Whether a job can start now, and everything that stands in the way.")
    async def readiness(self, info: Info, job_order: NodeRef) -> ReadinessType:
        """Judged now, not when it was last stored."""
        now = info.context.plant.clock.now()

        def read(session: Session) -> readiness.Readiness:
            [found] = readiness.readiness_of(session, [find(session, JobOrder, job_order, "job_order")], now)
            return found

        return shown(await info.context.read(read))


async def _one_or_none(context: Context, cls: type[Entity], reference: str) -> Entity | None:
    def read(session: Session) -> Entity | None:
        try:
            return find(session, cls, reference)
        except Refused:
            return None

    return await context.read(read)


def _id(row: Any) -> int | None:
    return None if row is None else row.id


@strawberry.input(description="What to follow; what is left out does not restrict.")
class OrderScopeInput:
    """Conditions, all of which hold."""

    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    equipment: strawberry.ID | None = strawberry.field(default=None, description="Jobs of this work unit.")
    order: strawberry.ID | None = strawberry.field(default=None, description="Of this order.")


@strawberry.input(description="What to follow; what is left out does not restrict.")
class RequestScopeInput:
    """Conditions, all of which hold."""

    site: strawberry.ID | None = strawberry.field(default=None, description="Orders of this site.")
    order: strawberry.ID | None = strawberry.field(default=None, description="This order.")


CURSOR = (
    "Pass it as `after` to go on. Of several messages about one event only the last is behind it: going on from within "
    "them sends them again, so that none is lost."
)


@strawberry.type(description="Something happened to a job.")
class JobOrderEvent:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description=CURSOR)
    event: LedgerEventType = strawberry.field(description="The record.")
    job_order: JobOrderNode | None = strawberry.field(description="The job as it is now.")


@strawberry.type(description="Something happened to an order.")
class OperationsRequestEvent:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description=CURSOR)
    event: LedgerEventType = strawberry.field(description="The record.")
    operations_request: OperationsRequestNode | None = strawberry.field(description="The order as it is now.")


@strawberry.type
class OrderSubscriptions:
    """Live."""

    @strawberry.subscription(
        description="Everything that happens to jobs. An event of several jobs comes once for each."
    )
    async def job_order_changed(
        self,
        info: Info,
        scope: Annotated[OrderScopeInput | None, strawberry.argument(description="Which jobs.")] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[JobOrderEvent, None]:
        """Follow the record."""
        context, wanted = info.context, scope or OrderScopeInput()

        def ids(session: Session) -> tuple[int | None, int | None, int | None]:
            return (
                _id(find_optional(session, Site, wanted.site, "scope", "site")),
                _id(find_optional(session, Equipment, wanted.equipment, "scope", "equipment")),
                _id(find_optional(session, OperationsRequest, wanted.order, "scope", "order")),
            )

        site, equipment, order = await context.read(ids)
        async for event in follow(context, after, wanted=lambda e: site in (None, e.site_id) and _names(e, JobOrder)):
            named = await gather(*(context.one(JobOrder, key) for key in _subjects(event, JobOrder)))
            jobs = [
                job
                for job in named
                if job is not None and equipment in (None, job.equipment_id) and order in (None, job.request_id)
            ]
            for job, place in zip(jobs, cursors_of(context, event, len(jobs)), strict=True):
                yield JobOrderEvent(cursor=place, event=shown(event), job_order=shown(job))

    @strawberry.subscription(description="Everything that happens to orders.")
    async def operations_request_changed(
        self,
        info: Info,
        scope: Annotated[RequestScopeInput | None, strawberry.argument(description="Which orders.")] = None,
        after: AfterCursor = None,
    ) -> AsyncGenerator[OperationsRequestEvent, None]:
        """Follow the record."""
        context, wanted = info.context, scope or RequestScopeInput()

        def ids(session: Session) -> tuple[int | None, int | None]:
            return (
                _id(find_optional(session, Site, wanted.site, "scope", "site")),
                _id(find_optional(session, OperationsRequest, wanted.order, "scope", "order")),
            )

        site, order = await context.read(ids)

        def fits(event: Recorded) -> bool:
            keys = _subjects(event, OperationsRequest)
            return bool(keys) and site in (None, event.site_id) and (order is None or order in keys)

        async for event in follow(context, after, wanted=fits):
            keys = _subjects(event, OperationsRequest)
            rows = await gather(*(context.one(OperationsRequest, key) for key in keys))
            for row, place in zip(rows, cursors_of(context, event, len(rows)), strict=True):
                yield OperationsRequestEvent(cursor=place, event=shown(event), operations_request=shown(row))


def _subjects(event: Recorded, cls: type[JobOrder] | type[OperationsRequest]) -> list[int]:
    return [key for kind, key, _ in event.subjects if kind == cls.kind]


def _names(event: Recorded, cls: type[JobOrder] | type[OperationsRequest]) -> bool:
    return bool(_subjects(event, cls))
