"""Recording in runs: parameters, and deviations with the decision on them."""

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.nodes import find, parse_node_id
from mesgraph.api.scalars import UnitCode
from mesgraph.definitions.models import ParameterSpecification
from mesgraph.definitions.specifications import parameters_of
from mesgraph.errors import Findings, Refused, not_found
from mesgraph.holds.graphql import HoldNode
from mesgraph.materials.graphql import ItemKey, find_item
from mesgraph.materials.models import MaterialDefinition
from mesgraph.orders import deviations, parameters
from mesgraph.orders.graphql.recorded import DeviationNode, ParameterActualNode
from mesgraph.orders.models import (
    Deviation,
    JobResponse,
    ValueSource,
)
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
