"""What happens while jobs run."""

from dataclasses import dataclass
from decimal import Decimal

from mesgraph.definitions.models import IssueMethod
from mesgraph.equipment.models import Equipment
from mesgraph.genealogy.models import GenealogyEvent
from mesgraph.ledger import Event
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.orders.models import (
    Deviation,
    JobOrder,
    JobResponse,
    JobSubState,
    MaterialActual,
    MaterialReservation,
    OperationsRequest,
    QuantityActual,
    SegmentRequirement,
)


@dataclass(frozen=True, kw_only=True)
class JobOrderStarted(Event):
    """A job began to run on its work unit; the run has a job response of its own."""

    subjects = ("job_order", "job_response", "equipment")
    job_order: JobOrder
    job_response: JobResponse
    equipment: Equipment
    request: OperationsRequest


@dataclass(frozen=True, kw_only=True)
class JobOrderPaused(Event):
    """A running job was interrupted: SUSPENDED by choice, HELD by a condition. Or the one became the other."""

    subjects = ("job_order", "job_response")
    job_order: JobOrder
    job_response: JobResponse
    sub_state: JobSubState


@dataclass(frozen=True, kw_only=True)
class JobOrderResumed(Event):
    """An interrupted job runs again."""

    subjects = ("job_order", "job_response")
    job_order: JobOrder
    job_response: JobResponse


@dataclass(frozen=True, kw_only=True)
class JobOrderEnded(Event):
    """A job came to its end; nothing that it took is left without an output."""

    subjects = ("job_order", "job_response")
    job_order: JobOrder
    job_response: JobResponse
    good_quantity: Decimal
    scrap_quantity: Decimal


@dataclass(frozen=True, kw_only=True)
class SegmentRequirementEnded(Event):
    """The last job of a step of the order came to its end."""

    subjects = ("requirement",)
    requirement: SegmentRequirement
    request: OperationsRequest


@dataclass(frozen=True, kw_only=True)
class OperationsRequestStarted(Event):
    """The first job of the order began: the order is RUNNING."""

    subjects = ("request",)
    request: OperationsRequest


@dataclass(frozen=True, kw_only=True)
class OperationsRequestCompleted(Event):
    """The order came to its end: with its last step, or before it, and then ``jobs`` that had not begun were cancelled.

    ``items`` were in process in it and are AVAILABLE now.
    """

    subjects = ("request", "items", "jobs")
    request: OperationsRequest
    good_quantity: Decimal
    scrap_quantity: Decimal
    items: list[Item]
    jobs: list[JobOrder]


@dataclass(frozen=True, kw_only=True)
class QuantityReported(Event):
    """A run reported what it made, in units of its segment's output. ``for_order``: it counts for the order, too."""

    subjects = ("job_response", "request", "quantity_actuals")
    job_response: JobResponse
    request: OperationsRequest | None
    quantity_actuals: list[QuantityActual]
    good: Decimal
    scrap: Decimal
    rework: Decimal
    scrap_reasons: list[dict[str, object]]
    rework_reasons: list[dict[str, object]]


@dataclass(frozen=True, kw_only=True)
class QuantityReportReversed(Event):
    """A report of a run was taken back (I29): its sums, and those of the order if it counted there, are less by it.
    ``reverses`` is the id of the event that told of the report.
    """

    subjects = ("job_response", "request", "quantity_actuals")
    job_response: JobResponse
    request: OperationsRequest | None
    quantity_actuals: list[QuantityActual]
    reverses: str
    good: Decimal
    scrap: Decimal
    rework: Decimal


@dataclass(frozen=True, kw_only=True)
class MaterialConsumed(Event):
    """A run took material. It is pending in the run until it becomes part of an output. ``issue``: somebody picked it,
    or it was taken with an output as the bill says.
    """

    subjects = ("item", "job_response", "material_actual")
    item: Item
    job_response: JobResponse
    material_actual: MaterialActual
    quantity: Decimal
    uom: str
    range_from: Decimal | None
    range_to: Decimal | None
    lifecycle_before: Lifecycle
    location: Equipment | None
    issue: IssueMethod


@dataclass(frozen=True, kw_only=True)
class MaterialProduced(Event):
    """A run made items. ``warnings`` name consumptions outside the tolerance of their bill lines: of those that only
    warn, and of those that block, which accepted ``deviations`` let pass.
    """

    subjects = ("job_response",)
    job_response: JobResponse
    genealogy_event: GenealogyEvent
    quantity: Decimal
    uom: str
    item_count: int
    warnings: list[str]
    deviations: list[Deviation]


@dataclass(frozen=True, kw_only=True)
class ConsumptionReversed(Event):
    """A consumption was taken back: the material is on hand again (I29, I30)."""

    subjects = ("item", "job_response", "material_actual")
    item: Item
    job_response: JobResponse
    material_actual: MaterialActual
    quantity: Decimal
    uom: str
    lifecycle: Lifecycle
    reversing: MaterialActual


@dataclass(frozen=True, kw_only=True)
class ProductionReversed(Event):
    """What a run made, or what of it was scrapped, was taken back. The reversing ``genealogy_event`` has the lines."""

    subjects = ("job_response",)
    job_response: JobResponse
    genealogy_event: GenealogyEvent
    reverses: GenealogyEvent


@dataclass(frozen=True, kw_only=True)
class MaterialReserved(Event):
    """A quantity of an item is kept for a step of an order, or for the job that is named."""

    subjects = ("item", "request", "reservation")
    item: Item
    request: OperationsRequest
    reservation: MaterialReservation
    requirement: SegmentRequirement
    job_order: JobOrder | None
    quantity: Decimal
    uom: str


@dataclass(frozen=True, kw_only=True)
class MaterialReservationIssued(Event):
    """The order consumed all that a reservation kept for it."""

    subjects = ("item", "reservation")
    item: Item
    reservation: MaterialReservation


@dataclass(frozen=True, kw_only=True)
class MaterialReservationReleased(Event):
    """A reservation keeps nothing any more: somebody released it, its order does not need it, or the item got less."""

    subjects = ("item", "reservation")
    item: Item
    reservation: MaterialReservation
    quantity: Decimal
    uom: str
