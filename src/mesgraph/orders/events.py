"""What happens while orders are planned."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from mesgraph.definitions.models import OperationsDefinition
from mesgraph.equipment.models import Equipment
from mesgraph.ledger import Event
from mesgraph.materials.models import Item, Lifecycle, MaterialDefinition
from mesgraph.orders.models import (
    JobOrder,
    JobResponse,
    JobState,
    JobSubState,
    OperationsRequest,
    RequestState,
    SegmentRequirement,
)


@dataclass(frozen=True, kw_only=True)
class OperationsRequestSubmitted(Event):
    """An order became known."""

    subjects = ("request",)
    request: OperationsRequest
    source_system: str
    external_id: str
    revision: int
    product: MaterialDefinition
    quantity: Decimal
    uom: str
    earliest_start: datetime | None
    due_at: datetime | None
    priority: int
    definition: OperationsDefinition | None


@dataclass(frozen=True, kw_only=True)
class OperationsRequestRevised(Event):
    """A later revision of an order was applied. ``jobs`` got its quantity or priority, were added for more of it,
    or cancelled for less.
    """

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]
    revision: int
    product: MaterialDefinition
    quantity: Decimal
    uom: str
    earliest_start: datetime | None
    due_at: datetime | None
    priority: int
    definition: OperationsDefinition | None


@dataclass(frozen=True, kw_only=True)
class OperationsRequestReleased(Event):
    """An order was released: its definition is frozen and its jobs exist."""

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]
    definition: OperationsDefinition
    content_hash: bytes


@dataclass(frozen=True, kw_only=True)
class OperationsRequestReadinessChanged(Event):
    """A released order became READY, because a job of it can start, or WAITING, because none can."""

    subjects = ("request",)
    request: OperationsRequest
    from_state: RequestState
    to_state: RequestState


@dataclass(frozen=True, kw_only=True)
class OperationsRequestHeld(Event):
    """A running order was stopped for a cause, and ``jobs`` of it that ran were interrupted (HELD)."""

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]


@dataclass(frozen=True, kw_only=True)
class OperationsRequestSuspended(Event):
    """A running order was stopped by choice, and ``jobs`` of it that ran were interrupted (SUSPENDED)."""

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]


@dataclass(frozen=True, kw_only=True)
class OperationsRequestResumed(Event):
    """A stopped order goes on, and with it ``jobs`` that had been interrupted with it; ``standing`` could not."""

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]
    standing: list[JobOrder]


@dataclass(frozen=True, kw_only=True)
class OperationsRequestAborted(Event):
    """An order was given up while under way, and its ``jobs``; ``items`` were in process in it and are now what
    ``disposition`` says.
    """

    subjects = ("request", "jobs", "items")
    request: OperationsRequest
    jobs: list[JobOrder]
    items: list[Item]
    disposition: Lifecycle


@dataclass(frozen=True, kw_only=True)
class OperationsRequestCancelled(Event):
    """An order was given up before anything ran, and its jobs with it."""

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]


@dataclass(frozen=True, kw_only=True)
class OperationsRequestWithdrawn(Event):
    """A source system took an order back before it sent it: the order will be cancelled when it comes."""

    subjects = ()
    source_system: str
    external_id: str
    revision: int


@dataclass(frozen=True, kw_only=True)
class OperationsRequestClosed(Event):
    """An order was settled: nothing more will be posted on it or its jobs. ``massBalance`` is what was settled, for
    each material in its base unit; what is zero is left out.
    """

    subjects = ("request", "jobs")
    request: OperationsRequest
    jobs: list[JobOrder]
    mass_balance: list[dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class JobOrderReadinessChanged(Event):
    """A job that has not started became READY or, because of ``blockers``, WAITING."""

    subjects = ("job_order",)
    job_order: JobOrder
    sub_state: JobSubState
    blockers: list[dict[str, str]]


@dataclass(frozen=True, kw_only=True)
class JobOrderPermitted(Event):
    """A job was allowed to start."""

    subjects = ("job_order",)
    job_order: JobOrder
    state: JobState


@dataclass(frozen=True, kw_only=True)
class JobOrderStartRevoked(Event):
    """The permission to start was taken from a job."""

    subjects = ("job_order",)
    job_order: JobOrder
    state: JobState


@dataclass(frozen=True, kw_only=True)
class JobOrderAssigned(Event):
    """A job was given to a work unit, or taken from it when no equipment is named."""

    subjects = ("job_order",)
    job_order: JobOrder
    equipment: Equipment | None
    before: Equipment | None


@dataclass(frozen=True, kw_only=True)
class JobOrderStored(Event):
    """A further job of a step was made; ``takenFrom`` is the job that has so much less to make."""

    subjects = ("job_order", "taken_from")
    job_order: JobOrder
    request: OperationsRequest
    requirement: SegmentRequirement
    quantity: Decimal
    equipment: Equipment | None
    taken_from: JobOrder | None


@dataclass(frozen=True, kw_only=True)
class JobOrderRescheduled(Event):
    """A job that has not started got another priority or planned window."""

    subjects = ("job_order",)
    job_order: JobOrder
    priority: int
    planned_start: datetime | None
    planned_end: datetime | None


@dataclass(frozen=True, kw_only=True)
class JobOrderCancelled(Event):
    """A job was given up before it began."""

    subjects = ("job_order",)
    job_order: JobOrder


@dataclass(frozen=True, kw_only=True)
class JobOrderAborted(Event):
    """A job was given up; its run, if it had one, ended."""

    subjects = ("job_order", "job_response")
    job_order: JobOrder
    job_response: JobResponse | None


@dataclass(frozen=True, kw_only=True)
class JobOrderRerouted(Event):
    """The rest of a job, ``rerouted``, goes to a new job on alternate equipment."""

    subjects = ("job_order", "rerouted")
    job_order: JobOrder
    rerouted: JobOrder
    quantity: Decimal
    equipment: Equipment
