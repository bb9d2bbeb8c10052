"""The as-built record in the API."""

from decimal import Decimal
from typing import Annotated, Any

import strawberry

from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.genealogy.graphql import GenealogyEventNode
from mesgraph.genealogy.graphql.trace_types import GenealogyEdgeType
from mesgraph.holds.graphql import HoldNode
from mesgraph.materials.graphql import ItemKey, TraceableItem, find_item
from mesgraph.orders.as_built import as_built
from mesgraph.orders.gaps import GapCode
from mesgraph.orders.graphql.nodes import JobResponseNode, MaterialActualNode
from mesgraph.orders.graphql.recorded import DeviationNode, ParameterActualNode, StepExecutionNode
from mesgraph.orders.models import JobOrder
from mesgraph.signatures.graphql import SignatureNode, signatures_of

described_enum(
    GapCode,
    "What an as-built record still lacks.",
    {
        GapCode.ORIGIN_UNKNOWN: "No activity says where the item came from.",
        GapCode.RUN_NOT_ENDED: "A step of its order has not run yet, or one of its runs has not come to its end.",
        GapCode.ACTUAL_MISSING: "A bill line of a step has no consumption.",
        GapCode.MATERIAL_PENDING: "A run took material that has not become part of an output.",
        GapCode.PARAMETER_MISSING: "A parameter of a step has no value.",
        GapCode.STEP_INCOMPLETE: "A mandatory step of an instruction is not done.",
        GapCode.COMPONENT_MISSING: "A component was taken out, and no other one sits in its slot.",
        GapCode.DEVIATION_OPEN: "A deviation is not decided.",
        GapCode.DEVIATION_REJECTED: "A value was rejected, and nothing was decided about the item since: reject the "
        "item and say what becomes of it.",
        GapCode.HOLD_OPEN: "A hold on the item or on one of its components is open.",
    },
)


@strawberry.type(name="AsBuiltGap", description="Something that an as-built record still lacks.")
class AsBuiltGapType:
    """Executed on :class:`~mesgraph.orders.gaps.Gap`."""

    code: GapCode = strawberry.field(description="What kind of thing.")
    message: str = strawberry.field(description="One sentence that names it.")


async def _signatures(root: Any, info: Info) -> list[SignatureNode]:
    jobs = [await info.context.one(JobOrder, response.job_order_id) for response in root.job_responses]
    records = {(row.subject_kind, row.id): row for row in [root.item, *jobs, *root.deviations] if row is not None}
    found: list[Any] = [one for row in records.values() for one in await signatures_of(row, info)]
    return sorted(found, key=lambda signature: signature.id)


@strawberry.type(
    name="AsBuiltRecord",
    description="Everything that the plant knows of how one item came to be. Go on through `inputs { from }` and "
    "`components` to the records of what is in it.",
)
class AsBuiltRecordType:
    """Executed on :class:`~mesgraph.orders.as_built.AsBuilt`."""

    item: TraceableItem = strawberry.field(description="The item.")
    job_responses: list[JobResponseNode] = strawberry.field(
        description="The runs of its order that made it or what it was made from, and those that worked on it without "
        "making anything, by start."
    )
    material_actuals: list[MaterialActualNode] = strawberry.field(
        description="What those runs took and made, in the order of posting; reversals too."
    )
    parameter_actuals: list[ParameterActualNode] = strawberry.field(
        description="What was measured in those runs, in the order of posting; values of other items are left out."
    )
    step_executions: list[StepExecutionNode] = strawberry.field(
        description="What was done in those runs, by run and step; every attempt."
    )
    deviations: list[DeviationNode] = strawberry.field(
        description="What left its limits in those runs, in the order of opening."
    )
    components: list[TraceableItem] = strawberry.field(description="What is installed in it, by slot.")
    inputs: list[GenealogyEdgeType] = strawberry.field(
        description="What it was made from directly, with its share of each; all the way down with `trace`."
    )
    events: list[GenealogyEventNode] = strawberry.field(
        description="Every activity that names it, the first one first; reversed ones and their reversals too."
    )
    holds: list[HoldNode] = strawberry.field(description="Its holds and those of its components, released ones too.")
    signatures: list[SignatureNode] = strawberry.field(
        resolver=_signatures, description="Signatures under it, the jobs of those runs, and what left its limits."
    )
    completeness_pct: Decimal = strawberry.field(
        description="The part of what is expected that is there, in percent, rounded down; 100 when there is no gap."
    )
    gaps: list[AsBuiltGapType] = strawberry.field(
        description="What is missing in the making of this item. What is installed in it has gaps of its own, in its "
        "own record; a shipment looks at those, too."
    )


@strawberry.type
class AsBuiltQueries:
    """Reads."""

    @strawberry.field(description="The as-built record of an item.")
    async def as_built(
        self,
        info: Info,
        item: Annotated[ItemKey, strawberry.argument(description="Names the item.")],
    ) -> AsBuiltRecordType:
        """Gathered on one snapshot."""

        def read(session: Any) -> Any:
            return as_built(session, find_item(session, item, "item"))

        return shown(await info.context.read(read))
