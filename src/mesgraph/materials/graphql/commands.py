"""Commands on masters of materials, and the release of items."""

from decimal import Decimal

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.places import at
from mesgraph.api.scalars import GLN, GTIN, Duration, UnitCode
from mesgraph.errors import Findings, Refused, invalid
from mesgraph.materials import actions
from mesgraph.materials.graphql.keys import ItemKey, find_item, named_item
from mesgraph.materials.graphql.nodes import MaterialDefinitionNode, SupplierNode, TraceableItem
from mesgraph.materials.models import (
    ApprovalStatus,
    MaterialKind,
    Tracking,
)
from mesgraph.words import check_distinct
from mesgraph.work import Work


@strawberry.input(description="Master data of a supplier.")
class SupplierInput:
    """One supplier."""

    code: str = strawberry.field(description="Unique code.")
    name: str = strawberry.field(description="Name.")
    gln: GLN | None = strawberry.field(default=None, description="GS1 location number.")
    approval_status: ApprovalStatus = strawberry.field(
        default=ApprovalStatus.APPROVED, description="Whether it may deliver."
    )


@strawberry.input(description="Suppliers to make known or to change, all or none.")
class SubmitSuppliersInput(CommandInput):
    """Many suppliers."""

    suppliers: list[SupplierInput] = strawberry.field(description="The suppliers; a known code is changed.")


@strawberry.type(description="The suppliers as they are now.")
class SubmitSuppliersPayload(CommandPayload):
    """Answer."""

    suppliers: list[SupplierNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="A further unit of a material.")
class UomFactorInput:
    """One unit."""

    uom: UnitCode = strawberry.field(description="The unit.")
    factor: Decimal = strawberry.field(description="How many base units one of it is; at most six decimals.")


@strawberry.input(description="Master data of one revision of a material.")
class MaterialDefinitionInput:
    """One revision."""

    code: str = strawberry.field(description="Code of the material.")
    revision: str = strawberry.field(description="Revision, unique within the code.")
    name: str = strawberry.field(description="Name.")
    kind: MaterialKind = strawberry.field(description="Where it stands between purchase and sale.")
    base_uom: UnitCode = strawberry.field(description="Unit in which all quantities are kept. Fixed by the first item.")
    tracking: Tracking = strawberry.field(description="Lots, serial units, or both. Fixed by the first item.")
    gtin: GTIN | None = strawberry.field(default=None, description="GS1 trade item number, of this code alone.")
    shelf_life: Duration | None = strawberry.field(
        default=None, description="How long it lasts, in whole seconds, at most 50 years."
    )
    quarantine_on_receipt: bool = strawberry.field(
        default=False, description="Whether received items wait for release by role QA."
    )
    has_positions: bool = strawberry.field(
        default=False, description="Whether lots count positions in the base unit. Fixed by the first item."
    )
    uom_factors: list[UomFactorInput] = strawberry.field(
        default_factory=list, description="Further units for quantities. Fixed by the first item."
    )


@strawberry.input(description="Revisions of materials to make known or to change, all or none.")
class SubmitMaterialDefinitionsInput(CommandInput):
    """Many revisions."""

    definitions: list[MaterialDefinitionInput] = strawberry.field(
        description="The revisions; a known code and revision is changed."
    )


@strawberry.type(description="The revisions as they are now.")
class SubmitMaterialDefinitionsPayload(CommandPayload):
    """Answer."""

    definitions: list[MaterialDefinitionNode] | None = strawberry.field(default=None, description="In the order asked.")


@strawberry.input(description="An item to release from quarantine.")
class ReleaseLotInput(CommandInput):
    """One item."""

    item: ItemKey = strawberry.field(description="The item.")
    expected_version: int | None = strawberry.field(
        default=None, description="`version` that you decided on; another one is refused (VERSION_CONFLICT)."
    )


@strawberry.type(description="The released item.")
class ReleaseLotPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The item as it is now.")


@strawberry.input(description="An item that is found unfit for use. `reason` is demanded.")
class RejectLotInput(CommandInput):
    """One item."""

    item: ItemKey = strawberry.field(description="The item.")
    expected_version: int | None = strawberry.field(default=None, description="Version that you decided on.")


@strawberry.type(description="The rejected item.")
class RejectLotPayload(CommandPayload):
    """Answer."""

    item: TraceableItem | None = strawberry.field(default=None, description="The item as it is now.")


def _master(input: MaterialDefinitionInput) -> actions.MaterialMaster:
    factors = {str(f.uom): f.factor for f in input.uom_factors}
    if len(factors) < len(input.uom_factors):
        raise Refused(invalid("a unit is named twice", "uom_factors"))
    return actions.MaterialMaster(**(vars(input) | {"uom_factors": factors}))


@strawberry.type
class MaterialCommands:
    """Writes."""

    @command
    def submit_suppliers(work: Work, input: SubmitSuppliersInput) -> SubmitSuppliersPayload:
        """Make suppliers known, or change their name, GLN or approval."""
        found, rows = Findings(), []
        found.extend(check_distinct([x.code for x in input.suppliers], "suppliers"))
        for i, supplier in enumerate(input.suppliers):
            with found.under("suppliers", i):
                rows.append(actions.submit_supplier(work, **vars(supplier)))
        found.refuse()
        return SubmitSuppliersPayload(suppliers=shown(rows))

    @command
    def submit_material_definitions(
        work: Work, input: SubmitMaterialDefinitionsInput
    ) -> SubmitMaterialDefinitionsPayload:
        """Make revisions of materials known, or change them. What quantities are counted in - base unit, tracking,
        positions, unit factors - changes only until the first item exists; after that submit a new revision.
        """
        found, rows = Findings(), []
        found.extend(check_distinct([f"{x.code}:{x.revision}" for x in input.definitions], "definitions"))
        for i, definition in enumerate(input.definitions):
            with found.under("definitions", i):
                rows.append(actions.submit_material_definition(work, _master(definition)))
        found.refuse()
        return SubmitMaterialDefinitionsPayload(definitions=shown(rows))

    @command
    @at(named_item("item"))
    def release_lot(work: Work, input: ReleaseLotInput) -> ReleaseLotPayload:
        """Release an item from QUARANTINE: it becomes AVAILABLE. An open hold stays and is released by itself."""
        item = find_item(work.session, input.item, "item")
        return ReleaseLotPayload(item=shown(actions.release_lot(work, item, expected_version=input.expected_version)))

    @command
    @at(named_item("item"))
    def reject_lot(work: Work, input: RejectLotInput) -> RejectLotPayload:
        """Find an item unfit for use: it becomes REJECTED, and `dispositionItem` decides what becomes of it. Needs a
        reason.
        """
        item = find_item(work.session, input.item, "item")
        return RejectLotPayload(item=shown(actions.reject_lot(work, item, expected_version=input.expected_version)))
