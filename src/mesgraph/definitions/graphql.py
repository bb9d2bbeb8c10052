"""Operations definitions in the API."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any

import strawberry
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, find, find_optional, node
from mesgraph.api.paging import After, Connection, First, Order, page
from mesgraph.api.relations import to_many, to_one
from mesgraph.api.scalars import Duration, UnitCode
from mesgraph.definitions import actions, queries
from mesgraph.definitions.draft import DefinitionDraft, DependencyDraft, MaterialDraft, SegmentDraft
from mesgraph.definitions.models import (
    DefinitionState,
    DependencyKind,
    MaterialSpecification,
    MaterialUse,
    OperationsDefinition,
    OperationsSegment,
    RevisionRule,
    SegmentDependency,
    ToleranceAction,
)
from mesgraph.equipment.graphql import EquipmentClassNode, SiteNode
from mesgraph.equipment.models import EquipmentClass, Site
from mesgraph.errors import Findings
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityInput, QuantityType, read_quantity
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import Quantity
from mesgraph.work import Work

described_enum(
    DefinitionState,
    "Life of a version of a definition.",
    {
        DefinitionState.DRAFT: "Being written; may be replaced.",
        DefinitionState.FOR_REVIEW: "Handed over for review.",
        DefinitionState.APPROVED: "Approved and frozen; usable while effective.",
        DefinitionState.OBSOLETE: "Withdrawn; orders that have it frozen keep it.",
    },
)
described_enum(
    MaterialUse,
    "What the material of a bill line is to its segment.",
    {
        MaterialUse.CONSUMED: "Goes into the output.",
        MaterialUse.CONSUMABLE: "Is used up, but does not go into the output.",
        MaterialUse.PRODUCED: "The output; its unit counts the segment's output.",
        MaterialUse.CO_PRODUCT: "A further wanted output.",
        MaterialUse.BY_PRODUCT: "An output that is not wanted for itself.",
    },
)
described_enum(
    RevisionRule,
    "Which revisions of the material a bill line accepts.",
    {
        RevisionRule.EXACT: "The named revision only.",
        RevisionRule.ANY_APPROVED: "Every revision of the material's code.",
    },
)
described_enum(
    ToleranceAction,
    "What happens to a consumption outside the tolerance.",
    {
        ToleranceAction.WARN: "It is recorded, with a warning.",
        ToleranceAction.BLOCK: "It is refused (CONSUMPTION_OUT_OF_TOLERANCE).",
    },
)
described_enum(
    DependencyKind,
    "What a segment waits for.",
    {
        DependencyKind.AFTER_END: "The end of the other segment, and the delay after it.",
        DependencyKind.AFTER_START: "The start of the other segment, and the delay after it.",
    },
)


@node(MaterialSpecification)
class MaterialSpecificationNode(Node):
    """A line of a segment's bill: material and amount per unit of the segment's output."""

    line: int = strawberry.field(description="Line number.")
    use: MaterialUse = strawberry.field(description="What the material is to the segment.")
    revision_rule: RevisionRule = strawberry.field(description="Which revisions are accepted.")
    tolerance_pct: Decimal | None = strawberry.field(
        description="How far the amount per output unit may be off, in percent; null: not checked."
    )
    tolerance_action: ToleranceAction = strawberry.field(description="What happens outside the tolerance.")
    material: MaterialDefinitionNode = to_one(MaterialSpecification.material_id, MaterialDefinition, "The material.")

    @strawberry.field(description="Amount per unit of the segment's output, in the material's base unit.")
    async def quantity_per(root: strawberry.Parent[Any], info: Info) -> QuantityType:
        """The unit is the material's."""
        material = await info.context.one(MaterialDefinition, root.material_id)
        assert material is not None, "materials are seen by everyone"
        return shown(Quantity(root.quantity_per, material.base_uom))


@strawberry.type(name="SegmentDependency", description="What a segment waits for.")
class SegmentDependencyType:
    """Executed on rows of the dependency."""

    after: "OperationsSegmentNode" = to_one(
        SegmentDependency.after_id, OperationsSegment, "The segment that it waits for."
    )

    @strawberry.field(description="Its end or its start.")
    def kind(root: strawberry.Parent[Any]) -> DependencyKind:
        """The kind."""
        return shown(root.dependency)

    @strawberry.field(description="How long after that.")
    def delay(root: strawberry.Parent[Any]) -> Duration:
        """The delay."""
        return Duration(timedelta(seconds=root.delay_s))


@node(OperationsSegment)
class OperationsSegmentNode(Node):
    """One step of a definition: what is done on equipment of which class, with which bill."""

    seq: int = strawberry.field(description="Step number.")
    name: str = strawberry.field(description="Name.")
    definition: "OperationsDefinitionNode" = to_one(
        OperationsSegment.definition_id, OperationsDefinition, "The definition."
    )
    equipment_class: EquipmentClassNode = to_one(
        OperationsSegment.equipment_class_id, EquipmentClass, "What equipment can do it."
    )
    materials: list[MaterialSpecificationNode] = to_many(
        MaterialSpecification.segment_id,
        MaterialSpecification,
        "The bill, by line number.",
        (MaterialSpecification.line,),
    )

    @strawberry.field(description="Planned time to set up.")
    def setup_time(root: strawberry.Parent[Any]) -> Duration:
        """The set-up time."""
        return Duration(timedelta(seconds=root.setup_time_s))

    @strawberry.field(description="Planned time to make one unit of output.")
    def run_time_per_unit(root: strawberry.Parent[Any]) -> Duration:
        """The run time."""
        return Duration(timedelta(microseconds=int(root.run_time_per_unit_s.scaleb(6))))

    @strawberry.field(description="The unit that counts its output, such as MTR for a coater.")
    async def output_uom(root: strawberry.Parent[Any], info: Info) -> UnitCode:
        """Of what it makes, or of what its followers make."""
        return UnitCode(await output_uom(info, root.id))

    @strawberry.field(description="What it waits for.")
    async def dependencies(root: strawberry.Parent[Any], info: Info) -> list[SegmentDependencyType]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[Any]]:
            rows = await info.context.read(lambda session: queries.dependencies_from(session, ids))
            return [[row for row in rows if row.segment_id == key] for key in ids]

        return shown(await info.context.batched("dependencies", root.id, load))


@node(OperationsDefinition, find=queries.definition_by_key)
class OperationsDefinitionNode(Node):
    """One version of how a product is made: route and bill. Named by `CODE:VERSION`; `CODE` alone names the version
    that became effective last, or while none is approved the one drafted last.
    """

    version: str = strawberry.field(
        resolver=lambda root: root.definition_version, description="Version, unique within the code."
    )
    row_version: int = strawberry.field(
        resolver=lambda root: root.version, description="Counts changes; send it as `expectedVersion`."
    )
    code: str = strawberry.field(description="Code, common to its versions.")
    name: str = strawberry.field(description="Name.")
    state: DefinitionState = strawberry.field(description="Where the version stands.")
    created_at: datetime = strawberry.field(description="When it was drafted first.")
    effective_from: datetime | None = strawberry.field(description="From when orders may use it.")
    effective_to: datetime | None = strawberry.field(description="Until when, excluded; null: for good.")
    product: MaterialDefinitionNode = to_one(OperationsDefinition.product_id, MaterialDefinition, "What it makes.")
    segments: list[OperationsSegmentNode] = to_many(
        OperationsSegment.definition_id, OperationsSegment, "Its steps, by number.", (OperationsSegment.seq,)
    )

    @strawberry.field(description="Whether orders may use it now: approved, and now lies in [from, to).")
    def effective(root: strawberry.Parent[Any], info: Info) -> bool:
        """By the plant's clock."""
        return queries.is_effective(root, info.context.plant.clock.now())

    @strawberry.field(description="SHA-256 of the content that the approval froze, hexadecimal; null before.")
    def content_hash(root: strawberry.Parent[Any]) -> str | None:
        """The hash."""
        return root.content_hash.hex() if root.content_hash else None

    @strawberry.field(description="Subject of who wrote its present content.")
    async def author(root: strawberry.Parent[Any], info: Info) -> str | None:
        """The principal's subject."""
        principal = await info.context.one(Principal, root.author_id)
        return principal.subject if principal else None

    @strawberry.field(description="Subject of who approved it.")
    async def approver(root: strawberry.Parent[Any], info: Info) -> str | None:
        """The principal's subject."""
        principal = await info.context.one(Principal, root.approver_id)
        return principal.subject if principal else None

    @strawberry.field(description="The sites that it is restricted to, as far as you may see them; empty: all sites.")
    async def sites(root: strawberry.Parent[Any], info: Info) -> list[SiteNode]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[Any]]:
            pairs = await info.context.read(lambda session: queries.sites_of(session, ids))
            return [[site for owner, site in pairs if owner == key] for key in ids]

        return shown(await info.context.batched("definition_sites", root.id, load))


async def output_uom(info: Info, segment_id: int) -> str:
    """The unit that counts the output of a segment; look-ups of one tick make one."""

    async def load(ids: list[int]) -> list[str]:
        uoms = await info.context.read(lambda session: queries.output_uoms(session, set(ids)))
        return [uoms[key] for key in ids]

    uom: str = await info.context.batched("output_uoms", segment_id, load)
    return uom


@strawberry.input(description="Which definitions to list; what is left out does not restrict.")
class OperationsDefinitionFilter:
    """Conditions, all of which hold."""

    code: str | None = strawberry.field(default=None, description="Versions of this code.")
    state: DefinitionState | None = strawberry.field(default=None, description="Versions in this state.")
    product: strawberry.ID | None = strawberry.field(default=None, description="Versions that make this material.")


@strawberry.type
class DefinitionQueries:
    """Reads."""

    @strawberry.field(description="A definition by code and version; null when there is none.")
    async def operations_definition(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="Code.")],
        version: Annotated[
            str | None,
            strawberry.argument(description="Version; when left out the one that became effective last."),
        ] = None,
    ) -> OperationsDefinitionNode | None:
        """One by key."""
        key = code if version is None else f"{code}:{version}"
        return shown(await info.context.read(lambda session: queries.definition_by_key(session, key)))

    @strawberry.field(description="Versions of definitions, in the order of their making.")
    async def operations_definitions(
        self,
        info: Info,
        filter: Annotated[OperationsDefinitionFilter | None, strawberry.argument(description="Which ones.")] = None,
        first: First = 50,
        after: After = None,
    ) -> Connection[OperationsDefinitionNode]:
        """A page."""
        wanted = filter or OperationsDefinitionFilter()
        product = await info.context.read(
            lambda session: find_optional(session, MaterialDefinition, wanted.product, "filter", "product")
        )
        statement = queries.listed(wanted.code, wanted.state, product.id if product else None)
        return await page(info, statement, Order((OperationsDefinition.id,)), first, after)


@strawberry.input(description="What a segment waits for.")
class SegmentDependencyInput:
    """One dependency."""

    after: int = strawberry.field(description="Number of the step that it waits for.")
    kind: DependencyKind = strawberry.field(default=DependencyKind.AFTER_END, description="Its end or its start.")
    delay: Duration | None = strawberry.field(
        default=None, description="How long after that, in whole seconds; none when left out."
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


@strawberry.input(description="A step of a definition.")
class OperationsSegmentInput:
    """One step."""

    seq: int = strawberry.field(description="Step number, unique within the definition: 10, 20, 30, ...")
    name: str = strawberry.field(description="Name.")
    equipment_class: strawberry.ID = strawberry.field(description="What equipment can do it.")
    setup_time: Duration | None = strawberry.field(default=None, description="Planned time to set up, whole seconds.")
    run_time_per_unit: Duration | None = strawberry.field(
        default=None, description="Planned time to make one unit of output."
    )
    dependencies: list[SegmentDependencyInput] | None = strawberry.field(
        default=None,
        description="What it waits for; when left out, the end of the step before it. An empty list: nothing.",
    )
    materials: list[MaterialSpecificationInput] = strawberry.field(default_factory=list, description="The bill.")


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


@strawberry.type(description="The draft as stored.")
class DraftOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input
class DefinitionStepInput(CommandInput):
    """What every step in the life of a version takes."""

    operations_definition: strawberry.ID = strawberry.field(description="The version, `CODE:VERSION`.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `rowVersion` that you decided on; another stored one is a VERSION_CONFLICT."
    )


@strawberry.input(description="A draft to hand over for review.")
class SubmitOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version under review.")
class SubmitOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="A version under review to give back to its author.")
class ReturnOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version, a draft again.")
class ReturnOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="A reviewed version to approve, by another person than its author.")
class ApproveOperationsDefinitionInput(DefinitionStepInput):
    """One version and its time."""

    effective_from: datetime | None = strawberry.field(
        default=None, description="From when orders may use it; as drafted, or from now on, when left out."
    )
    effective_to: datetime | None = strawberry.field(
        default=None, description="Until when, excluded; as drafted, or for good, when left out."
    )


@strawberry.type(description="The approved version, its content frozen.")
class ApproveOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="An approved version to take out of use.")
class RetireOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version, obsolete.")
class RetireOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.type
class DefinitionCommands:
    """Writes."""

    @command
    def draft_operations_definition(
        work: Work, input: DraftOperationsDefinitionInput
    ) -> DraftOperationsDefinitionPayload:
        """Write down a version of how a product is made, or replace its draft. Whoever drafts is its author. A version
        that is no draft any more is refused (RECORD_IMMUTABLE).
        """
        found = Findings()
        draft = _draft(work.session, input, found)
        row = actions.draft_operations_definition(work, draft, missing=found.violations)
        return DraftOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def submit_operations_definition(
        work: Work, input: SubmitOperationsDefinitionInput
    ) -> SubmitOperationsDefinitionPayload:
        """Hand a draft over for review."""
        row = actions.submit_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return SubmitOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def return_operations_definition(
        work: Work, input: ReturnOperationsDefinitionInput
    ) -> ReturnOperationsDefinitionPayload:
        """Give a version under review back to its author."""
        row = actions.return_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return ReturnOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def approve_operations_definition(
        work: Work, input: ApproveOperationsDefinitionInput
    ) -> ApproveOperationsDefinitionPayload:
        """Approve a reviewed version and freeze its content. Its author may not (SAME_PERSON_FORBIDDEN). Of several
        effective versions new orders take the one that became effective last.
        """
        row = actions.approve_operations_definition(
            work,
            _definition(work, input),
            effective_from=input.effective_from,
            effective_to=input.effective_to,
            expected_version=input.expected_version,
        )
        return ApproveOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def retire_operations_definition(
        work: Work, input: RetireOperationsDefinitionInput
    ) -> RetireOperationsDefinitionPayload:
        """Take an approved version out of use. Orders that were released on it keep it."""
        row = actions.retire_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return RetireOperationsDefinitionPayload(operations_definition=shown(row))


def _definition(work: Work, input: DefinitionStepInput) -> OperationsDefinition:
    return find(work.session, OperationsDefinition, input.operations_definition, "operations_definition")


def _draft(session: Session, input: DraftOperationsDefinitionInput, found: Findings) -> DefinitionDraft:
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
    return SegmentDraft(
        seq=input.seq,
        name=input.name,
        equipment_class=equipment_class,
        setup_time=input.setup_time or timedelta(),
        run_time_per_unit=input.run_time_per_unit or timedelta(),
        dependencies=dependencies,
        materials=[
            _line(session, line, found, "segments", index, "materials", i) for i, line in enumerate(input.materials)
        ],
    )


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
    )
