"""Rows of operations definitions."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, composite, mapped_column

from mesgraph.db import Entity, Exact, Instant, Row, Word, key_text
from mesgraph.definitions.values import DataType, ValueRule


class DefinitionState(StrEnum):
    """Life of a version: written, reviewed, approved by another than its author, withdrawn."""

    DRAFT = "DRAFT"
    FOR_REVIEW = "FOR_REVIEW"
    APPROVED = "APPROVED"
    OBSOLETE = "OBSOLETE"


class MaterialUse(StrEnum):
    """What a bill line's material is to the segment."""

    CONSUMED = "CONSUMED"
    CONSUMABLE = "CONSUMABLE"
    PRODUCED = "PRODUCED"
    CO_PRODUCT = "CO_PRODUCT"
    BY_PRODUCT = "BY_PRODUCT"


class RevisionRule(StrEnum):
    """Which revisions of the material a bill line accepts."""

    EXACT = "EXACT"
    MINIMUM = "MINIMUM"
    ANY_APPROVED = "ANY_APPROVED"


class StepKind(StrEnum):
    """What the operator does in an instruction step."""

    INFO = "INFO"
    DATA = "DATA"
    SCAN = "SCAN"
    CHECK = "CHECK"
    SIGN = "SIGN"


class IssueMethod(StrEnum):
    """How the material of a bill line is taken: by whoever does the step, or with the output, as the bill says."""

    PICK = "PICK"
    BACKFLUSH = "BACKFLUSH"


class ToleranceAction(StrEnum):
    """What happens to a consumption outside the tolerance: it is recorded with a warning, or refused."""

    WARN = "WARN"
    BLOCK = "BLOCK"


class DependencyKind(StrEnum):
    """When a segment may start, relative to another one of the definition."""

    AFTER_END = "AFTER_END"
    AFTER_START = "AFTER_START"


class OperationsDefinition(Entity):
    """One version of how a product is made: route and bill. Its content is frozen by the approval."""

    __tablename__ = "operations_definition"
    kind: ClassVar[str] = "OperationsDefinition"

    code: Mapped[str] = mapped_column(key_text(64))
    definition_version: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    product_id: Mapped[int] = mapped_column(ForeignKey("material_definition.id"), index=True)
    state: Mapped[DefinitionState] = mapped_column(Word(DefinitionState))
    effective_from: Mapped[datetime | None] = mapped_column(Instant)
    effective_to: Mapped[datetime | None] = mapped_column(Instant)
    author_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    approver_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id"))
    content_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))

    __table_args__ = (
        UniqueConstraint("code", "definition_version"),
        Index("ix_operations_definition_by_code", "code", "id"),
    )

    @property
    def human_key(self) -> str:
        """Code and version."""
        return f"{self.code}:{self.definition_version}"


class DefinitionSite(Row):
    """A site at which the definition may be used; no line means all sites."""

    __tablename__ = "definition_site"

    definition_id: Mapped[int] = mapped_column(ForeignKey("operations_definition.id"), primary_key=True)
    site_id: Mapped[int] = mapped_column(ForeignKey("site.id"), primary_key=True)


class OperationsSegment(Entity):
    """One step of the route. ``seq`` orders the steps; class and properties say what equipment can do it.

    ``equipment_properties`` are kept as :class:`~mesgraph.equipment.capability.Need` writes them.
    """

    __tablename__ = "operations_segment"
    kind: ClassVar[str] = "OperationsSegment"

    definition_id: Mapped[int] = mapped_column(ForeignKey("operations_definition.id"))
    seq: Mapped[int]
    name: Mapped[str] = mapped_column(String(200))
    equipment_class_id: Mapped[int] = mapped_column(ForeignKey("equipment_class.id"))
    equipment_properties: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    setup_time_s: Mapped[int] = mapped_column(default=0)
    run_time_per_unit_s: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))

    __table_args__ = (UniqueConstraint("definition_id", "seq"),)

    @property
    def human_key(self) -> str:
        """Step number and name."""
        return f"{self.seq} {self.name}"


class SegmentDependency(Row):
    """``segment`` may start after the end or start of ``after``, and ``delay_s`` later."""

    __tablename__ = "segment_dependency"

    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"), primary_key=True)
    after_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"), primary_key=True)
    dependency: Mapped[DependencyKind] = mapped_column(Word(DependencyKind))
    delay_s: Mapped[int] = mapped_column(default=0)


def value_rule() -> Any:
    """The columns of a :class:`~mesgraph.definitions.values.ValueRule`, in the order of its fields."""
    return composite(
        ValueRule,
        mapped_column("data_type", Word(DataType)),
        mapped_column("uom", String(3), nullable=True),
        *(mapped_column(name, Exact, nullable=True) for name in ("target", "low", "high", "warn_low", "warn_high")),
        mapped_column("choices", JSON(none_as_null=True), nullable=True),
    )


class ParameterSpecification(Entity):
    """A process parameter of a segment and its limits. ``critical``: a value that fails also holds the item."""

    __tablename__ = "parameter_specification"
    kind: ClassVar[str] = "ParameterSpecification"

    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"))
    code: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    critical: Mapped[bool] = mapped_column(default=False)
    rule: Mapped[ValueRule] = value_rule()

    __table_args__ = (UniqueConstraint("segment_id", "code"),)

    @property
    def human_key(self) -> str:
        """The code."""
        return self.code


class WorkInstruction(Entity):
    """What the operator of a segment does, step by step; frozen with the definition."""

    __tablename__ = "work_instruction"
    kind: ClassVar[str] = "WorkInstruction"

    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"), unique=True)
    code: Mapped[str] = mapped_column(String(64), index=True)
    instruction_version: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))

    @property
    def human_key(self) -> str:
        """Code and version."""
        return f"{self.code}:{self.instruction_version}"


class InstructionStep(Entity):
    """A step of an instruction. ``another_person``: not one of those who began the run or did its other steps."""

    __tablename__ = "instruction_step"
    kind: ClassVar[str] = "InstructionStep"

    instruction_id: Mapped[int] = mapped_column(ForeignKey("work_instruction.id"))
    no: Mapped[int]
    step_kind: Mapped[StepKind] = mapped_column(Word(StepKind))
    prompt: Mapped[str] = mapped_column(String(2000))
    mandatory: Mapped[bool] = mapped_column(default=True)
    another_person: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (UniqueConstraint("instruction_id", "no"),)

    @property
    def human_key(self) -> str:
        """The step number."""
        return str(self.no)


class EntrySpecification(Entity):
    """A field of a step: what is entered, and what it may be; for a scan the material of the item."""

    __tablename__ = "entry_specification"
    kind: ClassVar[str] = "EntrySpecification"

    step_id: Mapped[int] = mapped_column(ForeignKey("instruction_step.id"))
    place: Mapped[int]
    field: Mapped[str] = mapped_column(String(64))
    prompt: Mapped[str] = mapped_column(String(200))
    mandatory: Mapped[bool] = mapped_column(default=True)
    material_id: Mapped[int | None] = mapped_column(ForeignKey("material_definition.id"))
    rule: Mapped[ValueRule] = value_rule()

    __table_args__ = (UniqueConstraint("step_id", "field"),)

    @property
    def human_key(self) -> str:
        """The name of the field."""
        return self.field


class MaterialAlternate(Row):
    """A material that may go in instead of the one of a bill line: ``factor`` base units of it for each one."""

    __tablename__ = "material_alternate"

    specification_id: Mapped[int] = mapped_column(ForeignKey("material_specification.id"), primary_key=True)
    material_id: Mapped[int] = mapped_column(ForeignKey("material_definition.id"), primary_key=True)
    factor: Mapped[Decimal] = mapped_column(Exact)


class SegmentAlternate(Row):
    """Equipment of another class that can do the segment when a job of it is rerouted; higher priority first."""

    __tablename__ = "segment_alternate"

    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"), primary_key=True)
    equipment_class_id: Mapped[int] = mapped_column(ForeignKey("equipment_class.id"), primary_key=True)
    priority: Mapped[int] = mapped_column(default=0)


class MaterialSpecification(Entity):
    """A bill line of a segment: material and amount per unit of the segment's output.

    ``scrap_factor``: what a BACKFLUSH line takes on top for what is lost on the way, as a part of the amount.
    """

    __tablename__ = "material_specification"
    kind: ClassVar[str] = "MaterialSpecification"

    segment_id: Mapped[int] = mapped_column(ForeignKey("operations_segment.id"))
    line: Mapped[int]
    material_id: Mapped[int] = mapped_column(ForeignKey("material_definition.id"))
    revision_rule: Mapped[RevisionRule] = mapped_column(Word(RevisionRule))
    use: Mapped[MaterialUse] = mapped_column(Word(MaterialUse))
    quantity_per: Mapped[Decimal] = mapped_column(Exact)
    tolerance_pct: Mapped[Decimal | None] = mapped_column(Exact)
    tolerance_action: Mapped[ToleranceAction] = mapped_column(Word(ToleranceAction))
    issue: Mapped[IssueMethod] = mapped_column(Word(IssueMethod), default=IssueMethod.PICK)
    scrap_factor: Mapped[Decimal] = mapped_column(Exact, default=Decimal(0))

    __table_args__ = (UniqueConstraint("segment_id", "line"),)

    @property
    def human_key(self) -> str:
        """The line number."""
        return str(self.line)
