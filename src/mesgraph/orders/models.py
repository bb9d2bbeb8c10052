"""Rows of orders and execution."""

from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column

from mesgraph.db import Entity, Exact, Instant, Row, Sited, Word, key_text
from mesgraph.definitions.values import Verdict
from mesgraph.orders.mass_balance import Balance


class RequestState(StrEnum):
    """State of a production order, in the words of B2MML's RequestState."""

    FORECAST = "FORECAST"
    RELEASED = "RELEASED"
    WAITING = "WAITING"
    READY = "READY"
    RUNNING = "RUNNING"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    ABORTED = "ABORTED"
    CLOSED = "CLOSED"


class JobState(StrEnum):
    """State of a job order (OPC 10031-4; CANCELLED is ours, because the record stays)."""

    NOT_ALLOWED_TO_START = "NOT_ALLOWED_TO_START"
    ALLOWED_TO_START = "ALLOWED_TO_START"
    RUNNING = "RUNNING"
    INTERRUPTED = "INTERRUPTED"
    ENDED = "ENDED"
    ABORTED = "ABORTED"
    CANCELLED = "CANCELLED"


class JobSubState(StrEnum):
    """Refines the state of a job order."""

    WAITING = "WAITING"
    READY = "READY"
    LOADED = "LOADED"
    HELD = "HELD"
    SUSPENDED = "SUSPENDED"
    COMPLETED = "COMPLETED"
    CLOSED = "CLOSED"


class ActualUse(StrEnum):
    """What the material of an actual was to the job."""

    CONSUMED = "CONSUMED"
    PRODUCED = "PRODUCED"
    CO_PRODUCT = "CO_PRODUCT"
    BY_PRODUCT = "BY_PRODUCT"


class ReservationState(StrEnum):
    """What became of a reservation."""

    RESERVED = "RESERVED"
    ISSUED = "ISSUED"
    RELEASED = "RELEASED"


class OutputQuality(StrEnum):
    """What became of the units that a run reports."""

    GOOD = "GOOD"
    SCRAP = "SCRAP"
    REWORK = "REWORK"


class ValueSource(StrEnum):
    """Where a recorded value comes from."""

    OPERATOR = "OPERATOR"
    DRIVER = "DRIVER"
    LABORATORY = "LABORATORY"


class DeviationKind(StrEnum):
    """What left its limits."""

    PARAMETER = "PARAMETER"
    CONSUMPTION = "CONSUMPTION"
    STEP = "STEP"


class DeviationState(StrEnum):
    """Life of a deviation: opened, then decided once."""

    OPEN = "OPEN"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"


class OperationsRequest(Sited, Entity):
    """A production order: demand for a quantity of a product. The definition is frozen at release."""

    __tablename__ = "operations_request"
    kind: ClassVar[str] = "OperationsRequest"
    lock_rank = 10

    code: Mapped[str] = mapped_column(key_text(64))
    source_system: Mapped[str] = mapped_column(String(64))
    external_id: Mapped[str] = mapped_column(String(64))
    external_revision: Mapped[int] = mapped_column(default=0)
    content_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    product_id: Mapped[int] = mapped_column(ForeignKey("material_definition.id"), index=True)
    definition_id: Mapped[int | None] = mapped_column(ForeignKey("operations_definition.id"))
    quantity: Mapped[Decimal] = mapped_column(Exact)
    priority: Mapped[int] = mapped_column(default=0)
    earliest_start: Mapped[datetime | None] = mapped_column(Instant)
    due_at: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[RequestState] = mapped_column(Word(RequestState))
    good_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    scrap_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    rework_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))

    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("source_system", "external_id"),
        Index("ix_operations_request_state", "site_id", "state"),
        Index("ix_operations_request_by_code", "code", "id"),
        Index("ix_operations_request_by_due", "due_at", "id"),
        Index("ix_operations_request_by_external_id", "external_id", "id"),
    )

    @property
    def human_key(self) -> str:
        """The order number within its site."""
        return self.code


class WithdrawnOrder(Row):
    """An order that its source system took back, as of a revision, before the order itself came."""

    __tablename__ = "withdrawn_order"

    source_system: Mapped[str] = mapped_column(String(64), primary_key=True)
    external_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    revision: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Instant)


class SegmentRequirement(Sited, Entity):
    """A step of an order: one segment of the frozen definition with this order's quantity."""

    __tablename__ = "segment_requirement"
    kind: ClassVar[str] = "SegmentRequirement"
    lock_rank = 20

    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"))
    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"))
    seq: Mapped[int]
    quantity: Mapped[Decimal] = mapped_column(Exact)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("request_id", "seq"),)

    @property
    def human_key(self) -> str:
        """Its place in the route."""
        return str(self.seq)


class JobOrder(Sited, Entity):
    """A task for one work unit: a segment of an order, or a part of it.

    ``rerouted_from_id``: the job whose rest this one makes on alternate equipment. ``interrupted_with_order``: it
    stands still because its order was held or suspended, and goes on with the order.
    """

    __tablename__ = "job_order"
    kind: ClassVar[str] = "JobOrder"
    lock_rank = 30

    code: Mapped[str] = mapped_column(key_text(64))
    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(ForeignKey("segment_requirement.id"), index=True)
    equipment_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    quantity: Mapped[Decimal] = mapped_column(Exact)
    priority: Mapped[int] = mapped_column(default=0)
    planned_start: Mapped[datetime | None] = mapped_column(Instant)
    planned_end: Mapped[datetime | None] = mapped_column(Instant)
    rerouted_from_id: Mapped[int | None] = mapped_column(ForeignKey("job_order.id"))
    state: Mapped[JobState] = mapped_column(Word(JobState))
    sub_state: Mapped[JobSubState | None] = mapped_column(Word(JobSubState))
    interrupted_with_order: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        Index("ix_job_order_equipment_state", "equipment_id", "state"),
        Index("ix_job_order_by_code", "code", "id"),
        Index("ix_job_order_by_planned_start", "planned_start", "id"),
    )

    @property
    def place_id(self) -> int | None:
        """Its work unit."""
        return self.equipment_id

    @property
    def human_key(self) -> str:
        """The job's number within its site."""
        return self.code


class JobResponse(Sited, Entity):
    """The record of one run of a job order, with its actuals."""

    __tablename__ = "job_response"
    kind: ClassVar[str] = "JobResponse"
    lock_rank = 35

    code: Mapped[str] = mapped_column(String(80))
    job_order_id: Mapped[int] = mapped_column(ForeignKey("job_order.id"))
    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"), index=True)
    run: Mapped[int]
    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id"))
    begun_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    good_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    scrap_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    rework_quantity: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))

    __table_args__ = (UniqueConstraint("job_order_id", "run"), UniqueConstraint("site_id", "code"))

    @property
    def place_id(self) -> int | None:
        """The work unit of the run."""
        return self.equipment_id

    @property
    def human_key(self) -> str:
        """Job and run."""
        return self.code


class MaterialReservation(Sited, Entity):
    """A quantity of an item that is kept for a step of an order, or for one job of it.

    ``issued`` is what the order has consumed of it; the rest is ``open`` while it is RESERVED and its order still
    needs it. Written under the lock of the item.
    """

    __tablename__ = "material_reservation"
    kind: ClassVar[str] = "MaterialReservation"

    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"), index=True)
    requirement_id: Mapped[int] = mapped_column(ForeignKey("segment_requirement.id"), index=True)
    job_order_id: Mapped[int | None] = mapped_column(ForeignKey("job_order.id"), index=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    quantity: Mapped[Decimal] = mapped_column(Exact)
    issued: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    state: Mapped[ReservationState] = mapped_column(Word(ReservationState))

    __table_args__ = (Index("ix_material_reservation_by_state", "state", "item_id"),)

    @property
    def open(self) -> Decimal:
        """What is still kept."""
        return self.quantity - self.issued if self.state is ReservationState.RESERVED else Decimal(0)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"MR-{self.id}"


class MaterialActual(Sited, Entity):
    """Material that a run took or made.

    Of what was taken, ``pending`` has not become part of an output yet and ``returned`` was given back by reversals;
    the rest was used, or scrapped with the run. Of positions the used ones come first, then the pending ones, then
    those given back.
    """

    __tablename__ = "material_actual"
    kind: ClassVar[str] = "MaterialActual"

    job_response_id: Mapped[int] = mapped_column(ForeignKey("job_response.id"), index=True)
    use: Mapped[ActualUse] = mapped_column(Word(ActualUse))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    quantity: Mapped[Decimal] = mapped_column(Exact)
    pending: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    returned: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))
    range_from: Mapped[Decimal | None] = mapped_column(Exact)
    range_to: Mapped[Decimal | None] = mapped_column(Exact)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    posted_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    posted_at: Mapped[datetime] = mapped_column(Instant)
    genealogy_event_id: Mapped[int | None] = mapped_column(ForeignKey("genealogy_event.id"), index=True)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("material_actual.id"), index=True)

    @property
    def used(self) -> Decimal:
        """What became part of outputs, or was scrapped with the run."""
        return self.quantity - self.pending - self.returned

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"MA-{self.id}"


class QuantityActual(Sited, Entity):
    """What a run reported: good units, or scrap or rework for one reason, in units of its segment's output.

    A wrong report is taken back by actuals that reverse those of it.
    """

    __tablename__ = "quantity_actual"
    kind: ClassVar[str] = "QuantityActual"

    job_response_id: Mapped[int] = mapped_column(ForeignKey("job_response.id"), index=True)
    quality: Mapped[OutputQuality] = mapped_column(Word(OutputQuality))
    quantity: Mapped[Decimal] = mapped_column(Exact)
    reason_code: Mapped[str | None] = mapped_column(String(64))
    comment: Mapped[str | None] = mapped_column(String(2000))
    posted_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    posted_at: Mapped[datetime] = mapped_column(Instant)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("quantity_actual.id"), unique=True)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"QA-{self.id}"


class ParameterActual(Sited, Entity):
    """A value of a process parameter, as measured in a run, and its verdict. ``value`` is the one text of the value."""

    __tablename__ = "parameter_actual"
    kind: ClassVar[str] = "ParameterActual"

    job_response_id: Mapped[int] = mapped_column(ForeignKey("job_response.id"), index=True)
    specification_id: Mapped[int] = mapped_column(ForeignKey("parameter_specification.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    value: Mapped[str] = mapped_column(String(200))
    source: Mapped[ValueSource] = mapped_column(Word(ValueSource))
    verdict: Mapped[Verdict] = mapped_column(Word(Verdict))
    posted_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    posted_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"PV-{self.id}"


class StepExecution(Sited, Entity):
    """One attempt of an instruction step in a run. Another attempt is another row."""

    __tablename__ = "step_execution"
    kind: ClassVar[str] = "StepExecution"

    job_response_id: Mapped[int] = mapped_column(ForeignKey("job_response.id"))
    step_id: Mapped[int] = mapped_column(ForeignKey("instruction_step.id"))
    attempt: Mapped[int]
    verdict: Mapped[Verdict] = mapped_column(Word(Verdict))
    posted_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    posted_at: Mapped[datetime] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("job_response_id", "step_id", "attempt"),)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"SE-{self.id}"


class StepEntry(Row):
    """What was entered in a field of a step: the one text of the value, for a scan the key of the item."""

    __tablename__ = "step_entry"

    execution_id: Mapped[int] = mapped_column(ForeignKey("step_execution.id"), primary_key=True)
    specification_id: Mapped[int] = mapped_column(ForeignKey("entry_specification.id"), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    verdict: Mapped[Verdict] = mapped_column(Word(Verdict))


class Deviation(Sited, Entity):
    """Something in a run left its approved limits: a recorded value, a step, or the amount of a bill line.

    It is opened with the fact and decided once, by another person. A nonconformance of the quality domain can name
    it; what is stopped in the meantime is stopped by its ``hold``.
    """

    __tablename__ = "deviation"
    kind: ClassVar[str] = "Deviation"

    number: Mapped[str] = mapped_column(key_text(64))
    deviation_kind: Mapped[DeviationKind] = mapped_column(Word(DeviationKind))
    state: Mapped[DeviationState] = mapped_column(Word(DeviationState))
    job_response_id: Mapped[int] = mapped_column(ForeignKey("job_response.id"), index=True)
    parameter_actual_id: Mapped[int | None] = mapped_column(ForeignKey("parameter_actual.id"), index=True)
    step_execution_id: Mapped[int | None] = mapped_column(ForeignKey("step_execution.id"), index=True)
    bill_line_id: Mapped[int | None] = mapped_column(ForeignKey("material_specification.id"))
    hold_id: Mapped[int | None] = mapped_column(ForeignKey("hold.id"))
    description: Mapped[str] = mapped_column(String(2000))
    opened_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_code: Mapped[str | None] = mapped_column(String(64))
    comment: Mapped[str | None] = mapped_column(String(2000))

    __table_args__ = (
        UniqueConstraint("site_id", "number"),
        Index("ix_deviation_site_state", "site_id", "state"),
    )

    @property
    def human_key(self) -> str:
        """The number."""
        return self.number


class MassBalanceLine(Row):
    """The balance of one material of an order, as it was settled when the order was closed; never changed."""

    __tablename__ = "mass_balance_line"

    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"), primary_key=True)
    material_id: Mapped[int] = mapped_column(ForeignKey("material_definition.id"), primary_key=True)
    balance: Mapped[Balance] = composite(Balance, *(mapped_column(part.name, Exact) for part in fields(Balance)))
