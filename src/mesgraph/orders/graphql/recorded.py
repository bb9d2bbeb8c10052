"""What was recorded in a run beside its material, as the API shows it: parameters and deviations."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

from mesgraph.access.graphql import PrincipalNode
from mesgraph.access.models import Principal
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import to_one
from mesgraph.api.scalars import UnitCode
from mesgraph.definitions.graphql import MaterialSpecificationNode, ParameterSpecificationNode
from mesgraph.definitions.graphql.enums import Verdict
from mesgraph.definitions.models import MaterialSpecification, ParameterSpecification
from mesgraph.equipment.graphql import SiteNode
from mesgraph.equipment.models import Site
from mesgraph.holds.graphql import HoldNode
from mesgraph.holds.models import Hold
from mesgraph.materials.graphql import TraceableItem
from mesgraph.materials.models import Item
from mesgraph.orders import queries
from mesgraph.orders.models import (
    Deviation,
    DeviationKind,
    DeviationState,
    JobResponse,
    ParameterActual,
    ValueSource,
)

if TYPE_CHECKING:
    from mesgraph.orders.graphql.nodes import JobResponseNode

Run = Annotated["JobResponseNode", strawberry.lazy("mesgraph.orders.graphql.nodes")]

described_enum(
    ValueSource,
    "Where a recorded value comes from.",
    {
        ValueSource.OPERATOR: "A person read or typed it.",
        ValueSource.DRIVER: "A machine measured it.",
        ValueSource.LABORATORY: "A laboratory found it.",
    },
)
described_enum(
    DeviationKind,
    "What left its limits.",
    {
        DeviationKind.PARAMETER: "A value of a process parameter.",
        DeviationKind.CONSUMPTION: "The amount of a bill line.",
    },
)
described_enum(
    DeviationState,
    "Life of a deviation.",
    {
        DeviationState.OPEN: "Nobody has decided on it.",
        DeviationState.ACCEPTED: "The run may go on with it.",
        DeviationState.REJECTED: "The run may not go on with it.",
    },
)


@node(ParameterActual)
class ParameterActualNode(Node):
    """A value of a process parameter that was measured in a run. Another measurement is another one."""

    value: str = strawberry.field(description="The value: a decimal number, true or false, or a text.")
    verdict: Verdict = strawberry.field(description="What it is, measured against the limits of the parameter.")
    source: ValueSource = strawberry.field(description="Where it comes from.")
    posted_at: datetime = strawberry.field(description="When it was measured.")
    job_response: Run = to_one(ParameterActual.job_response_id, JobResponse, "The run.")
    parameter: ParameterSpecificationNode = to_one(
        ParameterActual.specification_id, ParameterSpecification, "The parameter with its limits."
    )
    item: TraceableItem | None = to_one(ParameterActual.item_id, Item, "What it was measured on, where that is named.")
    posted_by: PrincipalNode = to_one(ParameterActual.posted_by_id, Principal, "Who recorded it.")

    @strawberry.field(description="Unit of the value; null where it has none.")
    async def uom(root: strawberry.Parent[Any], info: Info) -> UnitCode | None:
        """The unit of the parameter."""
        parameter = await info.context.one(ParameterSpecification, root.specification_id)
        return shown(parameter.rule.uom if parameter else None)


@node(Deviation, find=queries.deviation_by_key)
class DeviationNode(Node):
    """Something in a run left its approved limits. Opened with the fact, decided once by another person. Named by
    `SITE/NUMBER`.
    """

    version: int = strawberry.field(description="Counts changes; send it as `expectedVersion`.")
    number: str = strawberry.field(description="Number, unique within the site: D-000001.")
    state: DeviationState = strawberry.field(description="Where it stands.")
    description: str = strawberry.field(description="What happened or is asked for, in one sentence.")
    opened_at: datetime = strawberry.field(description="When it was opened.")
    decided_at: datetime | None = strawberry.field(description="When it was decided; null while it is open.")
    reason_code: str | None = strawberry.field(description="Reason of the decision, as a code of the plant's list.")
    comment: str | None = strawberry.field(description="Reason of the decision, in words.")
    site: SiteNode = to_one(Deviation.site_id, Site, "Where it happened.")
    job_response: Run = to_one(Deviation.job_response_id, JobResponse, "The run.")
    parameter_actual: ParameterActualNode | None = to_one(
        Deviation.parameter_actual_id, ParameterActual, "For PARAMETER: the value that failed."
    )
    bill_line: MaterialSpecificationNode | None = to_one(
        Deviation.bill_line_id, MaterialSpecification, "For CONSUMPTION: the bill line."
    )
    hold: HoldNode | None = to_one(Deviation.hold_id, Hold, "The hold that it placed on the item, if any.")
    opened_by: PrincipalNode = to_one(Deviation.opened_by_id, Principal, "Who opened it, or recorded the value.")
    decided_by: PrincipalNode | None = to_one(Deviation.decided_by_id, Principal, "Who decided it.")

    @strawberry.field(description="What left its limits.")
    def kind(root: strawberry.Parent[Any]) -> DeviationKind:
        """The kind."""
        return shown(root.deviation_kind)
