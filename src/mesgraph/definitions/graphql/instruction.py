"""A work instruction and the limits of values as a draft states them."""

from decimal import Decimal

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.nodes import find_optional
from mesgraph.api.scalars import UnitCode
from mesgraph.definitions.graphql.enums import DataType, StepKind
from mesgraph.definitions.graphql.specifications import LIMITS
from mesgraph.definitions.instruction import EntryDraft, InstructionDraft, StepDraft
from mesgraph.definitions.values import ValueRule
from mesgraph.errors import Findings, invalid
from mesgraph.materials.models import MaterialDefinition


@strawberry.input
class ValueSpecificationInput:
    """Type, unit and limits."""

    data_type: DataType = strawberry.field(default=DataType.DECIMAL, description="Type of the value.")
    uom: UnitCode | None = strawberry.field(default=None, description="Unit of a number, if it has one.")
    target: Decimal | None = strawberry.field(default=None, description=LIMITS["target"])
    low: Decimal | None = strawberry.field(default=None, description=LIMITS["low"])
    high: Decimal | None = strawberry.field(default=None, description=LIMITS["high"])
    warn_low: Decimal | None = strawberry.field(default=None, description=LIMITS["warn_low"])
    warn_high: Decimal | None = strawberry.field(default=None, description=LIMITS["warn_high"])
    choices: list[str] | None = strawberry.field(
        default=None, description="The texts that may be entered; any when left out."
    )


@strawberry.input(description="A field of a step.")
class EntrySpecificationInput(ValueSpecificationInput):
    """One field."""

    field: str = strawberry.field(description="Name of the field, unique within the step.")
    prompt: str = strawberry.field(description="What to ask the operator.")
    mandatory: bool = strawberry.field(default=True, description="Whether it may not be left out.")
    material: strawberry.ID | None = strawberry.field(
        default=None, description="For a scan (dataType ITEM): the material of the item, `CODE` or `CODE:REVISION`."
    )


@strawberry.input(description="A step of an instruction.")
class InstructionStepInput:
    """One step."""

    no: int = strawberry.field(description="Step number, unique within the instruction: 10, 20, 30, ...")
    kind: StepKind = strawberry.field(
        description="What the operator does. DATA, SCAN and CHECK have entries - CHECK of BOOLEAN, SCAN of ITEM - "
        "the others none."
    )
    prompt: str = strawberry.field(description="What to do, 2,000 characters at most.")
    mandatory: bool = strawberry.field(
        default=True, description="Whether the job cannot end, nor a later step be done, without it."
    )
    another_person: bool = strawberry.field(
        default=False, description="For SIGN: none of those who began the run or did its other steps may sign."
    )
    entries: list[EntrySpecificationInput] = strawberry.field(default_factory=list, description="The fields.")


@strawberry.input(
    description="What the operator of a segment does. The same code and version says the same everywhere."
)
class WorkInstructionInput:
    """One instruction."""

    code: str = strawberry.field(description="Code, common to its versions.")
    version: str = strawberry.field(description="Version; other content needs another one (DUPLICATE_KEY).")
    name: str = strawberry.field(description="Name.")
    steps: list[InstructionStepInput] = strawberry.field(description="The steps, 1 to 500.")


def read_rule(input: ValueSpecificationInput) -> ValueRule:
    """The rule as it is stated."""
    return ValueRule(
        data_type=input.data_type,
        uom=input.uom,
        target=input.target,
        low=input.low,
        high=input.high,
        warn_low=input.warn_low,
        warn_high=input.warn_high,
        choices=input.choices,
    )


def read_instruction(
    session: Session, input: WorkInstructionInput, found: Findings, *path: str | int
) -> InstructionDraft:
    """The instruction with its materials looked up; what is missing goes into ``found``."""
    steps = []
    for i, step in enumerate(input.steps):
        entries = [
            _entry(session, entry, found, *path, "steps", i, "entries", j) for j, entry in enumerate(step.entries)
        ]
        steps.append(
            StepDraft(
                no=step.no,
                kind=step.kind,
                prompt=step.prompt,
                mandatory=step.mandatory,
                another_person=step.another_person,
                entries=entries,
            )
        )
    return InstructionDraft(code=input.code, version=input.version, name=input.name, steps=steps)


def _entry(session: Session, input: EntrySpecificationInput, found: Findings, *path: str | int) -> EntryDraft:
    material = None
    with found.under(*path):
        material = find_optional(session, MaterialDefinition, input.material, "material")
    if input.data_type is DataType.ITEM and input.material is None:
        found.add(invalid("name the material that is to be scanned", *path, "material"))
    return EntryDraft(
        field=input.field,
        prompt=input.prompt,
        rule=read_rule(input),
        mandatory=input.mandatory,
        material=material,
    )
