"""What was recorded in a run beside its material, as the API shows it: parameters, steps, and deviations."""

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
from mesgraph.definitions.graphql import (
    EntrySpecificationNode,
    InstructionStepNode,
    MaterialSpecificationNode,
    ParameterSpecificationNode,
)
from mesgraph.definitions.graphql.enums import Verdict
from mesgraph.definitions.models import (
    EntrySpecification,
    InstructionStep,
    MaterialSpecification,
    ParameterSpecification,
)
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
    StepEntry,
    StepExecution,
    ValueSource,
)
from mesgraph.orders.progress import StepState, entries_recorded, next_step, progress_of

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
        DeviationKind.STEP: "What was entered in a step of the instruction.",
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
described_enum(
    StepState,
    "How far a step of a run is.",
    {
        StepState.OPEN: "Nobody has recorded it.",
        StepState.DONE: "Its last attempt passed, or the deviation of that attempt is accepted.",
        StepState.FAILED: "Its last attempt failed: record it again, or have its deviation accepted.",
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


@strawberry.type(name="StepEntry", description="What was entered in a field of a step.")
class StepEntryType:
    """Executed on rows of the entry."""

    value: str = strawberry.field(description="The value: a decimal number, true or false, a text, or the item's key.")
    verdict: Verdict = strawberry.field(description="What it is, measured against the limits of the field.")
    specification: EntrySpecificationNode = to_one(
        StepEntry.specification_id, EntrySpecification, "The field: its name, unit and limits."
    )
    item: TraceableItem | None = to_one(StepEntry.item_id, Item, "The item that was scanned.")


@node(StepExecution)
class StepExecutionNode(Node):
    """One attempt of an instruction step in a run."""

    attempt: int = strawberry.field(description="1 for the first attempt; the last one counts.")
    verdict: Verdict = strawberry.field(description="The gravest of its entries; PASS without any.")
    posted_at: datetime = strawberry.field(description="When it was done.")
    step: InstructionStepNode = to_one(StepExecution.step_id, InstructionStep, "The step.")
    job_response: Run = to_one(StepExecution.job_response_id, JobResponse, "The run.")
    posted_by: PrincipalNode = to_one(StepExecution.posted_by_id, Principal, "Who did it.")

    @strawberry.field(description="What was entered, in the order of the fields.")
    async def entries(root: strawberry.Parent[Any], info: Info) -> list[StepEntryType]:
        """Batched by the kit."""

        async def load(ids: list[int]) -> list[list[StepEntry]]:
            found = await info.context.read(lambda session: entries_recorded(session, ids))
            return [found[key] for key in ids]

        return shown(await info.context.batched("step entries", root.id, load))

    @strawberry.field(description="What comes next in the run, as it stands now; null when nothing is left.")
    async def next_step(root: strawberry.Parent[Any], info: Info) -> InstructionStepNode | None:
        """Judged now."""
        found = next_step(await progress(info, root.job_response_id))
        return shown(found.step if found else None)


@strawberry.type(name="StepProgress", description="A step of a run's instruction, and how far it is.")
class StepProgressType:
    """Executed on :class:`mesgraph.orders.progress.StepProgress`."""

    step: InstructionStepNode = strawberry.field(description="The step, with what it asks for.")
    state: StepState = strawberry.field(description="How far it is.")
    attempts: list[StepExecutionNode] = strawberry.field(description="Every attempt, the first one first.")
    deviation: "DeviationNode | None" = strawberry.field(
        description="The deviation of the last attempt, when that failed."
    )


async def progress(info: Info, response_id: int) -> list[Any]:
    """The steps of a run; look-ups of one tick make one."""

    async def load(ids: list[int]) -> list[Any]:
        found = await info.context.read(lambda session: progress_of(session, ids))
        return [found[key] for key in ids]

    steps: list[Any] = await info.context.batched("steps", response_id, load)
    return steps


@node(Deviation, find=queries.deviation_by_key, of_site=True)
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
    step_execution: StepExecutionNode | None = to_one(
        Deviation.step_execution_id, StepExecution, "For STEP: the attempt that failed."
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
