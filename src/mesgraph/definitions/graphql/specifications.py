"""Parameters and instructions of a segment as the API shows them."""

from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import read_from, to_many, to_one
from mesgraph.api.scalars import UnitCode
from mesgraph.definitions.graphql.enums import DataType, StepKind
from mesgraph.definitions.models import EntrySpecification, InstructionStep, ParameterSpecification, WorkInstruction
from mesgraph.materials.graphql import MaterialDefinitionNode
from mesgraph.materials.models import MaterialDefinition

LIMITS = {
    "target": "What is aimed at; null: not stated.",
    "low": "The lowest value that passes, included; null: no limit.",
    "high": "The highest value that passes, included; null: no limit.",
    "warn_low": "Below this a value that passes warns; null: no limit.",
    "warn_high": "Above this a value that passes warns; null: no limit.",
}


@strawberry.interface(description="What a value may be: type, unit and limits.")
class ValueSpecification:
    """Executed on rows with the columns of a :class:`~mesgraph.definitions.values.ValueRule`."""

    data_type: DataType = strawberry.field(description="Type of the value.")
    uom: UnitCode | None = strawberry.field(description="Unit of the value; null: a number without unit, or no number.")
    target: Decimal | None = strawberry.field(description=LIMITS["target"])
    low: Decimal | None = strawberry.field(description=LIMITS["low"])
    high: Decimal | None = strawberry.field(description=LIMITS["high"])
    warn_low: Decimal | None = strawberry.field(description=LIMITS["warn_low"])
    warn_high: Decimal | None = strawberry.field(description=LIMITS["warn_high"])
    choices: list[str] | None = strawberry.field(description="The texts that may be entered; null: any.")


@node(ParameterSpecification)
class ParameterSpecificationNode(Node, ValueSpecification):
    """A process parameter of a segment and its limits. A value outside [low, high] opens a deviation."""

    code: str = strawberry.field(description="Code, unique within the segment.")
    name: str = strawberry.field(description="Name.")
    critical: bool = strawberry.field(description="Whether a value that fails also places a hold on the item.")


@node(EntrySpecification)
class EntrySpecificationNode(Node, ValueSpecification):
    """A field of a step: what is entered, and what it may be."""

    field: str = strawberry.field(description="Name of the field, unique within the step.")
    prompt: str = strawberry.field(description="What to ask the operator.")
    mandatory: bool = strawberry.field(description="Whether it may not be left out.")
    material: MaterialDefinitionNode | None = to_one(
        EntrySpecification.material_id, MaterialDefinition, "For a scan: the material that the item has to be of."
    )


@node(InstructionStep)
class InstructionStepNode(Node):
    """A step of an instruction."""

    no: int = strawberry.field(description="Step number; steps are done in this order.")
    prompt: str = strawberry.field(description="What to do.")
    mandatory: bool = strawberry.field(description="Whether the job cannot end, nor a later step be done, without it.")
    another_person: bool = strawberry.field(
        description="Whether none of those who began the run or did its other steps may sign it."
    )
    entries: list[EntrySpecificationNode] = to_many(
        EntrySpecification.step_id, EntrySpecification, "Its fields, in order.", (EntrySpecification.place,)
    )

    @strawberry.field(description="What the operator does.")
    def kind(root: strawberry.Parent[Any]) -> StepKind:
        """The kind."""
        kind: StepKind = root.step_kind
        return kind


@node(WorkInstruction)
class WorkInstructionNode(Node):
    """What the operator of a segment does, step by step. Frozen with the definition."""

    code: str = strawberry.field(description="Code, common to its versions.")
    version: str = read_from(
        WorkInstruction.instruction_version, "Version; code and version name the same content in every definition."
    )
    name: str = strawberry.field(description="Name.")
    steps: list[InstructionStepNode] = to_many(
        InstructionStep.instruction_id, InstructionStep, "Its steps, by number.", (InstructionStep.no,)
    )
