"""Recording in runs: parameters, steps, and deviations with the decision on them."""

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find, parse_node_id
from mesgraph.api.places import at, named
from mesgraph.api.scalars import UnitCode
from mesgraph.definitions.models import InstructionStep, ParameterSpecification
from mesgraph.definitions.specifications import parameters_of
from mesgraph.errors import Findings, Refused, not_found
from mesgraph.holds.graphql import HoldNode
from mesgraph.materials.graphql import ItemKey, find_item
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders import deviations, parameters, steps
from mesgraph.orders.graphql.places import run_and_measured, run_of_deviation
from mesgraph.orders.graphql.recorded import DeviationNode, ParameterActualNode, StepExecutionNode
from mesgraph.orders.models import (
    Deviation,
    JobResponse,
    ValueSource,
)
from mesgraph.orders.progress import progress_of
from mesgraph.orders.run import run_of
from mesgraph.work import Work


@strawberry.input(description="A measured value of a process parameter.")
class RecordParameterInput(CommandInput):
    """One value."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    parameter: strawberry.ID = strawberry.field(description="The parameter: its code in the run's segment, or its id.")
    value: str = strawberry.field(description='The value as text: "5480.5", "true", or a text.')
    uom: UnitCode | None = strawberry.field(
        default=None, description="Its unit; the one of the parameter when left out, another one is refused."
    )
    item: ItemKey | None = strawberry.field(
        default=None, description="What it was measured on; a critical parameter that fails puts it on hold."
    )
    source: ValueSource = strawberry.field(default=ValueSource.OPERATOR, description="Where it comes from.")


@strawberry.type(description="The recorded value and what follows from it.")
class RecordParameterPayload(CommandPayload):
    """Answer."""

    parameter_actual: ParameterActualNode | None = strawberry.field(
        default=None, description="The value with its verdict."
    )
    deviation: DeviationNode | None = strawberry.field(
        default=None, description="The deviation that was opened, when the value failed."
    )
    hold: HoldNode | None = strawberry.field(
        default=None, description="The hold on the item, when the parameter is critical and the value failed."
    )


@strawberry.input(description="What is entered in a field of a step: a value, or a scanned item.")
class StepEntryInput:
    """One field."""

    field: str = strawberry.field(description="Name of the field; each once.")
    value: str | None = strawberry.field(default=None, description='The value as text: "7.44", "true", or a text.')
    uom: UnitCode | None = strawberry.field(
        default=None, description="Its unit; the one of the field when left out, another one is refused."
    )
    item: ItemKey | None = strawberry.field(default=None, description="For a scan: the item, instead of a value.")


@strawberry.input(description="A step of the run's instruction that was done.")
class RecordStepInput(CommandInput):
    """One step."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    step: strawberry.ID = strawberry.field(description="The step: its number in the run's instruction, or its id.")
    entries: list[StepEntryInput] = strawberry.field(
        default_factory=list, description="What was entered; every mandatory field of the step."
    )


@strawberry.type(description="The recorded step.")
class RecordStepPayload(CommandPayload):
    """Answer."""

    step_execution: StepExecutionNode | None = strawberry.field(
        default=None, description="The attempt with its verdict, and `nextStep`."
    )
    deviation: DeviationNode | None = strawberry.field(
        default=None, description="The deviation that was opened, when the step failed."
    )


@strawberry.input(description="A consumption outside the tolerance of a bill line that is asked for. Needs a `reason`.")
class OpenDeviationInput(CommandInput):
    """One bill line of a run."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    material: strawberry.ID = strawberry.field(description="The material of the bill line, `CODE` or `CODE:REVISION`.")


@strawberry.type(description="The open deviation.")
class OpenDeviationPayload(CommandPayload):
    """Answer."""

    deviation: DeviationNode | None = strawberry.field(default=None, description="The deviation.")


@strawberry.input(description="A deviation to decide, by another person than the one who opened it. Needs a `reason`.")
class DecideDeviationInput(CommandInput):
    """One decision."""

    deviation: strawberry.ID = strawberry.field(description="The deviation, `SITE/NUMBER`.")
    accept: bool = strawberry.field(description="True: the run may go on with it. False: it may not.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `version` that you decided on; another stored one is a VERSION_CONFLICT."
    )


@strawberry.type(description="The decided deviation.")
class DecideDeviationPayload(CommandPayload):
    """Answer."""

    deviation: DeviationNode | None = strawberry.field(default=None, description="The deviation.")


@strawberry.type
class RecordCommands:
    """Writes."""

    @command
    @at(run_and_measured)
    def record_parameter(work: Work, input: RecordParameterInput) -> RecordParameterPayload:
        """Record a measured value of a process parameter of the run's segment, with its verdict. A value outside its
        limits is recorded, too, and opens a deviation; of a critical parameter it also puts the item on hold.
        """
        response = find(work.session, JobResponse, input.job_response, "job_response")
        found, item = Findings(), None
        with found.under():
            parameter = _parameter(work, response, input.parameter)
        with found.under():
            item = find_item(work.session, input.item, "item") if input.item is not None else None
        found.refuse()
        recorded = parameters.record_parameter(
            work, response, parameter, input.value, uom=input.uom, item=item, source=input.source
        )
        return RecordParameterPayload(
            parameter_actual=shown(recorded.actual), deviation=shown(recorded.deviation), hold=shown(recorded.hold)
        )

    @command
    @at(named(JobResponse, "job_response"))
    def record_step(work: Work, input: RecordStepInput) -> RecordStepPayload:
        """Record a step of the run's instruction with everything entered in it. All entries are checked before
        anything is written. What lies outside its limits is recorded, too: the step has failed then, and a deviation is
        opened. Doing a step again is another attempt; the last one counts.
        """
        response = find(work.session, JobResponse, input.job_response, "job_response")
        found = Findings()
        with found.under():
            step = _step(work, response, input.step)
        entries = [_entry(work, entry, found, i) for i, entry in enumerate(input.entries)]
        found.refuse()
        recorded = steps.record_step(work, response, step, entries)
        return RecordStepPayload(step_execution=shown(recorded.execution), deviation=shown(recorded.deviation))

    @command
    @at(named(JobResponse, "job_response"))
    def open_deviation(work: Work, input: OpenDeviationInput) -> OpenDeviationPayload:
        """Ask for a consumption outside the tolerance of its bill line. Once it is accepted, productions of this run
        pass that the line would block (CONSUMPTION_OUT_OF_TOLERANCE).
        """
        found = Findings()
        with found.under():
            response = find(work.session, JobResponse, input.job_response, "job_response")
        with found.under():
            material = find(work.session, MaterialDefinition, input.material, "material")
        found.refuse()
        return OpenDeviationPayload(deviation=shown(deviations.open_deviation(work, response, material)))

    @command
    @at(run_of_deviation)
    def decide_deviation(work: Work, input: DecideDeviationInput) -> DecideDeviationPayload:
        """Accept or reject a deviation, once. The one who opened it may not (SAME_PERSON_FORBIDDEN)."""
        deviation = find(work.session, Deviation, input.deviation, "deviation")
        decided = deviations.decide_deviation(
            work, deviation, accept=input.accept, expected_version=input.expected_version
        )
        return DecideDeviationPayload(deviation=shown(decided))


def _parameter(work: Work, response: JobResponse, reference: str) -> ParameterSpecification:
    """By id, or by its code within the segment of the run."""
    if parse_node_id(reference) is not None:
        return find(work.session, ParameterSpecification, reference, "parameter")
    segment_id = run_of(work.session, response).requirement.segment_id
    for parameter in parameters_of(work.session, [segment_id])[segment_id]:
        if parameter.code == reference:
            return parameter
    raise Refused(not_found("parameter", reference[:100], "parameter"))


def _step(work: Work, response: JobResponse, reference: str) -> InstructionStep:
    """By id, or by its number within the instruction of the run."""
    if parse_node_id(reference) is not None:
        return find(work.session, InstructionStep, reference, "step")
    for known in progress_of(work.session, [response.id])[response.id]:
        if str(known.step.no) == reference:
            return known.step
    raise Refused(not_found("step", reference[:100], "step"))


def _entry(work: Work, input: StepEntryInput, found: Findings, index: int) -> steps.Entry:
    item = None
    with found.under("entries", index):
        item = find_item(work.session, input.item, "item") if input.item is not None else None
    return steps.Entry(field=input.field, value=input.value, uom=input.uom, item=item)
