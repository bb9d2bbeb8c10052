"""Operations definitions as the API shows them: a version, its segments, their bills."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import strawberry

from mesgraph.access.models import Principal
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import read_from, to_many, to_one
from mesgraph.api.scalars import Duration, UnitCode
from mesgraph.definitions import queries
from mesgraph.definitions.graphql.enums import (
    DefinitionState,
    DependencyKind,
    IssueMethod,
    MaterialUse,
    RevisionRule,
    ToleranceAction,
)
from mesgraph.definitions.graphql.specifications import ParameterSpecificationNode, WorkInstructionNode
from mesgraph.definitions.models import (
    MaterialAlternate,
    MaterialSpecification,
    OperationsDefinition,
    OperationsSegment,
    ParameterSpecification,
    SegmentAlternate,
    SegmentDependency,
    WorkInstruction,
)
from mesgraph.equipment.capability import Need
from mesgraph.equipment.graphql import EquipmentClassNode, SiteNode
from mesgraph.equipment.models import EquipmentClass
from mesgraph.materials.graphql import MaterialDefinitionNode, QuantityType
from mesgraph.materials.models import MaterialDefinition
from mesgraph.quantity import Quantity
from mesgraph.signatures.graphql import SignatureNode, signatures_of


@strawberry.type(name="MaterialAlternate", description="A material that may go in instead of the one of a bill line.")
class MaterialAlternateType:
    """Executed on rows of the alternate."""

    factor: Decimal = strawberry.field(description="How many base units of it replace one of the line's material.")
    material: MaterialDefinitionNode = to_one(MaterialAlternate.material_id, MaterialDefinition, "The material.")


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
    issue: IssueMethod = strawberry.field(description="How the material is taken.")
    scrap_factor: Decimal = strawberry.field(
        description="What BACKFLUSH takes on top for what is lost on the way, as a part of the amount: 0.02 for 2 %."
    )
    material: MaterialDefinitionNode = to_one(MaterialSpecification.material_id, MaterialDefinition, "The material.")

    @strawberry.field(description="What may go in instead.")
    async def alternates(root: strawberry.Parent[Any], info: Info) -> list[MaterialAlternateType]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[Any]:
            found = await info.context.read(lambda session: queries.substitutes_of(session, ids))
            return [found[key] for key in ids]

        return shown(await info.context.batched("substitutes", root.id, load))

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


@strawberry.type(name="SegmentAlternate", description="Equipment to which a job of a segment may be rerouted.")
class SegmentAlternateType:
    """Executed on rows of the alternates."""

    priority: int = strawberry.field(description="The higher, the sooner it is chosen.")
    equipment_class: EquipmentClassNode = to_one(SegmentAlternate.equipment_class_id, EquipmentClass, "The class.")


@strawberry.type(description="What a step needs of a property of its class.")
class EquipmentNeed:
    """Executed on :class:`mesgraph.equipment.capability.Need`."""

    code: str = strawberry.field(description="Code of the property.")
    min: Decimal | None = strawberry.field(description="At least this, in the unit of the property.")
    max: Decimal | None = strawberry.field(description="At most this.")
    equals: str | None = strawberry.field(description="Exactly this, of a text or a boolean.")


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
    parameters: list[ParameterSpecificationNode] = to_many(
        ParameterSpecification.segment_id,
        ParameterSpecification,
        "The process parameters that are recorded while it runs, by code.",
        (ParameterSpecification.code,),
    )

    @strawberry.field(description="What its operator does, step by step; null when there is no instruction.")
    async def instruction(root: strawberry.Parent[Any], info: Info) -> WorkInstructionNode | None:
        """One at most."""
        rows = await info.context.many(WorkInstruction, WorkInstruction.segment_id, root.id, (WorkInstruction.id,))
        return shown(rows[0] if rows else None)

    @strawberry.field(description="What the equipment must have beyond being of the class (EQUIPMENT_NOT_CAPABLE).")
    def equipment_properties(root: strawberry.Parent[Any]) -> list[EquipmentNeed]:
        """As the row keeps them."""
        return shown([Need.of(kept) for kept in root.equipment_properties])

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

    @strawberry.field(description="To what equipment a job of it may be rerouted, the first choice first.")
    async def alternates(root: strawberry.Parent[Any], info: Info) -> list[SegmentAlternateType]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[Any]]:
            found = await info.context.read(lambda session: queries.alternates_of(session, ids))
            return [list(found[key]) for key in ids]

        return shown(await info.context.batched("alternates", root.id, load))


@node(OperationsDefinition, find=queries.definition_by_key)
class OperationsDefinitionNode(Node):
    """One version of how a product is made: route and bill. Named by `CODE:VERSION`; `CODE` alone names the version
    that became effective last, or while none is approved the one drafted last.
    """

    signatures: list[SignatureNode] = strawberry.field(
        resolver=signatures_of, description="The signatures under it, the oldest first."
    )
    version: str = read_from(OperationsDefinition.definition_version, "Version, unique within the code.")
    row_version: int = read_from(OperationsDefinition.version, "Counts changes; send it as `expectedVersion`.")
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
