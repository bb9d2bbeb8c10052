"""Lists of orders, jobs and deviations."""

from collections.abc import Iterator
from enum import StrEnum

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.api.filters import Condition, DateTimeRange, in_range, prefix_field, starts_with
from mesgraph.api.nodes import find
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.equipment.graphql import within
from mesgraph.equipment.models import Site
from mesgraph.materials.graphql import find_revisions
from mesgraph.orders import queries
from mesgraph.orders.graphql.nodes import JobOrderNode, OperationsRequestNode
from mesgraph.orders.graphql.recorded import DeviationNode
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    DeviationState,
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
)


class OperationsRequestOrder(StrEnum):
    """The orders in which production orders are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    CODE = "CODE"
    DUE_AT = "DUE_AT"


class JobOrderOrder(StrEnum):
    """The orders in which jobs are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    CODE = "CODE"
    PLANNED_START = "PLANNED_START"


class DeviationOrder(StrEnum):
    """The orders in which deviations are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


REQUEST_ORDERS = orders(
    OperationsRequestOrder,
    "The order of a list of production orders.",
    {
        OperationsRequestOrder.OLDEST: (Order((OperationsRequest.id,)), "In the order of their arrival."),
        OperationsRequestOrder.NEWEST: (Order((OperationsRequest.id,), descending=True), "The last to arrive first."),
        OperationsRequestOrder.CODE: (Order((OperationsRequest.code, OperationsRequest.id)), "By code."),
        OperationsRequestOrder.DUE_AT: (
            Order((OperationsRequest.due_at, OperationsRequest.id)),
            "What is due first, first; orders without a due date at the end.",
        ),
    },
)
JOB_ORDERS = orders(
    JobOrderOrder,
    "The order of a list of jobs. `dispatchList` has the order in which a work unit does them.",
    {
        JobOrderOrder.OLDEST: (Order((JobOrder.id,)), "In the order of their making."),
        JobOrderOrder.NEWEST: (Order((JobOrder.id,), descending=True), "The newest first."),
        JobOrderOrder.CODE: (Order((JobOrder.code, JobOrder.id)), "By code."),
        JobOrderOrder.PLANNED_START: (
            Order((JobOrder.planned_start, JobOrder.id)),
            "What is planned to start first, first; jobs without a plan at the end.",
        ),
    },
)


DEVIATION_ORDERS = orders(
    DeviationOrder,
    "The order of a list of deviations.",
    {
        DeviationOrder.NEWEST: (Order((Deviation.id,), descending=True), "The newest first."),
        DeviationOrder.OLDEST: (Order((Deviation.id,)), "The oldest first."),
    },
)


@strawberry.input(description="Which orders. All conditions that are given must hold.")
class OperationsRequestFilter:
    """Conditions on orders."""

    key_prefix: str | None = prefix_field("code")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    state: list[RequestState] | None = strawberry.field(default=None, description="In any of these states.")
    product: strawberry.ID | None = strawberry.field(
        default=None, description="For this material, by id, `CODE:REVISION`, or `CODE` for any of its revisions."
    )
    source_system: str | None = strawberry.field(default=None, description="Submitted by this system.")
    external_id: str | None = strawberry.field(default=None, description="With this key in the system it came from.")
    earliest_start: DateTimeRange | None = strawberry.field(
        default=None, description="Permitted to start from a moment in this window on."
    )
    due_at: DateTimeRange | None = strawberry.field(default=None, description="Due in this window.")


@strawberry.input(description="Which jobs. All conditions that are given must hold.")
class JobOrderFilter:
    """Conditions on jobs."""

    key_prefix: str | None = prefix_field("code")
    site: strawberry.ID | None = strawberry.field(default=None, description="Of this site.")
    state: list[JobState] | None = strawberry.field(default=None, description="In any of these states.")
    sub_state: list[JobSubState] | None = strawberry.field(default=None, description="In any of these substates.")
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="Assigned to this equipment or anything below it."
    )
    request: strawberry.ID | None = strawberry.field(default=None, description="Of this order.")
    planned_start: DateTimeRange | None = strawberry.field(default=None, description="Planned to start in this window.")


@strawberry.input(description="Which deviations. All conditions that are given must hold.")
class DeviationFilter:
    """Conditions on deviations."""

    key_prefix: str | None = prefix_field("number")
    site: strawberry.ID | None = strawberry.field(default=None, description="At this site.")
    state: list[DeviationState] | None = strawberry.field(default=None, description="In any of these states.")
    kind: list[DeviationKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    request: strawberry.ID | None = strawberry.field(default=None, description="In runs of this order.")
    job_response: strawberry.ID | None = strawberry.field(default=None, description="In this run.")
    opened_at: DateTimeRange | None = strawberry.field(default=None, description="Opened in this window.")


def _of_requests(session: Session, wanted: OperationsRequestFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(OperationsRequest.code, wanted.key_prefix)
    if wanted.site is not None:
        yield OperationsRequest.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.state is not None:
        yield OperationsRequest.state.in_(wanted.state)
    if wanted.product is not None:
        yield OperationsRequest.product_id.in_(find_revisions(session, wanted.product, "filter", "product"))
    if wanted.source_system is not None:
        yield OperationsRequest.source_system == wanted.source_system
    if wanted.external_id is not None:
        yield OperationsRequest.external_id == wanted.external_id
    if wanted.earliest_start is not None:
        yield in_range(OperationsRequest.earliest_start, wanted.earliest_start, "filter", "earliest_start")
    if wanted.due_at is not None:
        yield in_range(OperationsRequest.due_at, wanted.due_at, "filter", "due_at")


def _of_jobs(session: Session, wanted: JobOrderFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(JobOrder.code, wanted.key_prefix)
    if wanted.site is not None:
        yield JobOrder.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.state is not None:
        yield JobOrder.state.in_(wanted.state)
    if wanted.sub_state is not None:
        yield JobOrder.sub_state.in_(wanted.sub_state)
    if wanted.equipment is not None:
        yield JobOrder.equipment_id.in_(within(session, wanted.equipment, "filter", "equipment"))
    if wanted.request is not None:
        yield JobOrder.request_id == find(session, OperationsRequest, wanted.request, "filter", "request").id
    if wanted.planned_start is not None:
        yield in_range(JobOrder.planned_start, wanted.planned_start, "filter", "planned_start")


def _of_deviations(session: Session, wanted: DeviationFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Deviation.number, wanted.key_prefix)
    if wanted.site is not None:
        yield Deviation.site_id == find(session, Site, wanted.site, "filter", "site").id
    if wanted.state is not None:
        yield Deviation.state.in_(wanted.state)
    if wanted.kind is not None:
        yield Deviation.deviation_kind.in_(wanted.kind)
    if wanted.request is not None:
        request = find(session, OperationsRequest, wanted.request, "filter", "request")
        yield Deviation.job_response_id.in_(queries.runs_of(request.id))
    if wanted.job_response is not None:
        run = find(session, JobResponse, wanted.job_response, "filter", "job_response")
        yield Deviation.job_response_id == run.id
    if wanted.opened_at is not None:
        yield in_range(Deviation.opened_at, wanted.opened_at, "filter", "opened_at")


@strawberry.type
class OrderLists:
    """Reads."""

    operations_requests: Connection[OperationsRequestNode] = listing(
        "Production orders.",
        OperationsRequestFilter,
        REQUEST_ORDERS,
        OperationsRequestOrder.OLDEST,
        select(OperationsRequest),
        lambda _, session, wanted: _of_requests(session, wanted),
    )

    job_orders: Connection[JobOrderNode] = listing(
        "Jobs.",
        JobOrderFilter,
        JOB_ORDERS,
        JobOrderOrder.OLDEST,
        select(JobOrder),
        lambda _, session, wanted: _of_jobs(session, wanted),
    )

    deviations: Connection[DeviationNode] = listing(
        "Deviations.",
        DeviationFilter,
        DEVIATION_ORDERS,
        DeviationOrder.NEWEST,
        select(Deviation),
        lambda _, session, wanted: _of_deviations(session, wanted),
    )
