"""A draft as the API takes it: the whole content of a version in one input."""

from datetime import datetime, timedelta
from decimal import Decimal

import strawberry
from sqlalchemy.orm import Session

from mesgraph.api.command import CommandInput
from mesgraph.api.nodes import find
from mesgraph.api.scalars import Duration
from mesgraph.definitions.draft import (
    AlternateDraft,
    DefinitionDraft,
    DependencyDraft,
    MaterialAlternateDraft,
    MaterialDraft,
    ParameterDraft,
    SegmentDraft,
)
from mesgraph.definitions.graphql.enums import DependencyKind, IssueMethod, MaterialUse, RevisionRule, ToleranceAction
from mesgraph.definitions.graphql.instruction import (
    ValueSpecificationInput,
    WorkInstructionInput,
    read_instruction,
    read_rule,
)
from mesgraph.equipment.capability import Need
from mesgraph.equipment.models import EquipmentClass, Site
from mesgraph.errors import Findings
from mesgraph.materials.graphql import QuantityInput, read_quantity
from mesgraph.materials.models import MaterialDefinition


@strawberry.input(description="What a segment waits for.")
class SegmentDependencyInput:
    """One dependency."""

    after: int = strawberry.field(description="Number of the step that it waits for.")
    kind: DependencyKind = strawberry.field(default=DependencyKind.AFTER_END, description="Its end or its start.")
    delay: Duration | None = strawberry.field(
        default=None, description="How long after that, in whole seconds; none when left out."
    )


@strawberry.input(description="A material that may go in instead of the one of a bill line.")
class MaterialAlternateInput:
    """One material."""

    material: strawberry.ID = strawberry.field(description="The material, `CODE` or `CODE:REVISION`.")
    factor: Decimal | None = strawberry.field(
        default=None, description="How many base units of it replace one of the line's material; 1 when left out."
    )


@strawberry.input(description="A line of a segment's bill.")
class MaterialSpecificationInput:
    """One line."""

    line: int = strawberry.field(description="Line number, unique within the segment.")
    material: strawberry.ID = strawberry.field(description="The material, `CODE` or `CODE:REVISION`.")
    use: MaterialUse = strawberry.field(description="What it is to the segment.")
    quantity_per: QuantityInput = strawberry.field(
        description="Amount per unit of the segment's output; 1 base unit for the PRODUCED line."
    )
    revision_rule: RevisionRule = strawberry.field(
        default=RevisionRule.ANY_APPROVED, description="Which revisions are accepted."
    )
    tolerance_pct: Decimal | None = strawberry.field(
        default=None, description="How far the amount per output unit may be off, 0 to 100; not checked when left out."
    )
    tolerance_action: ToleranceAction = strawberry.field(
        default=ToleranceAction.WARN, description="What happens outside the tolerance."
    )
    issue: IssueMethod = strawberry.field(
        default=IssueMethod.PICK,
        description="How it is taken. BACKFLUSH is for lots that the operator need not tell apart.",
    )
    scrap_factor: Decimal | None = strawberry.field(
        default=None, description="For BACKFLUSH: what it takes on top, as a part of the amount; none when left out."
    )
    alternates: list[MaterialAlternateInput] = strawberry.field(
        default_factory=list, description="What may go in instead; each material for one line."
    )


@strawberry.input(description="A process parameter that is recorded while the segment runs.")
class ParameterSpecificationInput(ValueSpecificationInput):
    """One parameter."""

    code: str = strawberry.field(description="Code, unique within the segment.")
    name: str = strawberry.field(description="Name.")
    critical: bool = strawberry.field(
        default=False, description="Whether a value outside [low, high] also places a hold on the item."
    )


@strawberry.input(description="Equipment to which a job of a step may be rerouted.")
class SegmentAlternateInput:
    """One class."""

    equipment_class: strawberry.ID = strawberry.field(description="The class.")
    priority: int = strawberry.field(default=0, description="The higher, the sooner it is chosen; 0 to 99,999.")


@strawberry.input(description="What a step needs of a property of its class: a number between limits, or a word.")
class EquipmentNeedInput:
    """One need."""

    code: str = strawberry.field(description="Code of the property.")
    min: Decimal | None = strawberry.field(default=None, description="At least this, in the unit of the property.")
    max: Decimal | None = strawberry.field(default=None, description="At most this.")
    equals: str | None = strawberry.field(default=None, description="Exactly this, of a text or a boolean.")


@strawberry.input(description="A step of a definition.")
class OperationsSegmentInput:
    """One step."""

    seq: int = strawberry.field(description="Step number, unique within the definition: 10, 20, 30, ...")
    name: str = strawberry.field(description="Name.")
    equipment_class: strawberry.ID = strawberry.field(description="What equipment can do it.")
    equipment_properties: list[EquipmentNeedInput] = strawberry.field(
        default_factory=list, description="What the equipment must have beyond being of the class."
    )
    setup_time: Duration | None = strawberry.field(default=None, description="Planned time to set up, whole seconds.")
    run_time_per_unit: Duration | None = strawberry.field(
        default=None, description="Planned time to make one unit of output."
    )
    dependencies: list[SegmentDependencyInput] | None = strawberry.field(
        default=None,
        description="What it waits for; when left out, the end of the step before it. An empty list: nothing.",
    )
    materials: list[MaterialSpecificationInput] = strawberry.field(default_factory=list, description="The bill.")
    parameters: list[ParameterSpecificationInput] = strawberry.field(
        default_factory=list, description="What is recorded of the process."
    )
    instruction: WorkInstructionInput | None = strawberry.field(
        default=None, description="What the operator does, step by step."
    )
    alternates: list[SegmentAlternateInput] = strawberry.field(
        default_factory=list,
        description="To what equipment `rerouteJobOrder` may take a job of the step. To change between work units of "
        "the step's own class after the start, list that class, too.",
    )


@strawberry.input(description="A version of how a product is made, as a whole.")
class DraftOperationsDefinitionInput(CommandInput):
    """One draft."""

    code: str = strawberry.field(description="Code, common to all versions.")
    version: str = strawberry.field(description="Version. A draft of this version is replaced.")
    name: str = strawberry.field(description="Name.")
    product: strawberry.ID = strawberry.field(description="What it makes, `CODE` or `CODE:REVISION`.")
    sites: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="Where it may be used; everywhere when empty."
    )
    effective_from: datetime | None = strawberry.field(default=None, description="From when it is meant to be used.")
    effective_to: datetime | None = strawberry.field(default=None, description="Until when, excluded.")
    segments: list[OperationsSegmentInput] = strawberry.field(description="The steps.")


def read_draft(session: Session, input: DraftOperationsDefinitionInput, found: Findings) -> DefinitionDraft:
    """The input with its references looked up; what is missing goes into ``found``."""
    product, sites = None, []
    with found.under():
        product = find(session, MaterialDefinition, input.product, "product")
    for i, reference in enumerate(input.sites):
        with found.under():
            sites.append(find(session, Site, reference, "sites", i))
    return DefinitionDraft(
        code=input.code,
        version=input.version,
        name=input.name,
        product=product,
        sites=sites,
        effective_from=input.effective_from,
        effective_to=input.effective_to,
        segments=[_segment(session, segment, i, found) for i, segment in enumerate(input.segments)],
    )


def _segment(session: Session, input: OperationsSegmentInput, index: int, found: Findings) -> SegmentDraft:
    equipment_class = None
    with found.under("segments", index):
        equipment_class = find(session, EquipmentClass, input.equipment_class, "equipment_class")
    dependencies = None
    if input.dependencies is not None:
        dependencies = [
            DependencyDraft(after=x.after, kind=x.kind, delay=x.delay or timedelta()) for x in input.dependencies
        ]
    instruction = None
    if input.instruction is not None:
        instruction = read_instruction(session, input.instruction, found, "segments", index, "instruction")
    return SegmentDraft(
        seq=input.seq,
        name=input.name,
        equipment_class=equipment_class,
        equipment_properties=[Need(**vars(x)) for x in input.equipment_properties],
        setup_time=input.setup_time or timedelta(),
        run_time_per_unit=input.run_time_per_unit or timedelta(),
        dependencies=dependencies,
        alternates=[
            _alternate(session, alternate, found, "segments", index, "alternates", i)
            for i, alternate in enumerate(input.alternates)
        ],
        materials=[
            _line(session, line, found, "segments", index, "materials", i) for i, line in enumerate(input.materials)
        ],
        parameters=[
            ParameterDraft(code=x.code, name=x.name, critical=x.critical, rule=read_rule(x)) for x in input.parameters
        ],
        instruction=instruction,
    )


def _alternate(session: Session, input: SegmentAlternateInput, found: Findings, *path: str | int) -> AlternateDraft:
    equipment_class = None
    with found.under(*path):
        equipment_class = find(session, EquipmentClass, input.equipment_class, "equipment_class")
    return AlternateDraft(equipment_class=equipment_class, priority=input.priority)


def _line(session: Session, input: MaterialSpecificationInput, found: Findings, *path: str | int) -> MaterialDraft:
    material = quantity_per = None
    with found.under(*path):
        material = find(session, MaterialDefinition, input.material, "material")
        quantity_per = read_quantity(input.quantity_per, material, "quantity_per")
    return MaterialDraft(
        line=input.line,
        material=material,
        use=input.use,
        quantity_per=quantity_per,
        revision_rule=input.revision_rule,
        tolerance_pct=input.tolerance_pct,
        tolerance_action=input.tolerance_action,
        issue=input.issue,
        scrap_factor=input.scrap_factor or Decimal(0),
        alternates=[
            _substitute(session, alternate, found, *path, "alternates", i)
            for i, alternate in enumerate(input.alternates)
        ],
    )


def _substitute(
    session: Session, input: MaterialAlternateInput, found: Findings, *path: str | int
) -> MaterialAlternateDraft:
    material = None
    with found.under(*path):
        material = find(session, MaterialDefinition, input.material, "material")
    return MaterialAlternateDraft(material=material, factor=Decimal(1) if input.factor is None else input.factor)
