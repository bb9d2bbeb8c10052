"""Running jobs in the API: start, pause, resume, stop, report, consume, produce, assemble, reverse."""

from collections.abc import Sequence
from decimal import Decimal

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, ReasonInput, command, read_reason, shown
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find, find_optional
from mesgraph.api.places import at, named
from mesgraph.definitions.queries import output_uoms
from mesgraph.equipment.models import Equipment
from mesgraph.errors import Findings, Refused, all_violations, invalid
from mesgraph.genealogy.graphql import GenealogyEventNode
from mesgraph.holds.graphql import PositionRangeInput
from mesgraph.holds.queries import Range
from mesgraph.materials.graphql import (
    ItemKey,
    QuantityInput,
    TraceableItem,
    find_item,
    read_item_quantity,
    read_quantity,
)
from mesgraph.materials.models import Item, MaterialDefinition
from mesgraph.orders import assembly, execution, material, production, reporting, reversal
from mesgraph.orders.graphql.fact import find_fact
from mesgraph.orders.graphql.nodes import JobOrderNode, JobResponseNode, MaterialActualNode, QuantityActualNode
from mesgraph.orders.graphql.places import job_and_equipment, run_of_fact
from mesgraph.orders.graphql.recorded import DeviationNode
from mesgraph.orders.models import JobOrder, JobResponse, JobSubState, MaterialActual
from mesgraph.orders.production import OutputUse
from mesgraph.orders.reporting import NOTHING
from mesgraph.orders.run import row, run_of
from mesgraph.quantity import Quantity, in_base
from mesgraph.work import Work

described_enum(
    OutputUse,
    "What an output is to the run.",
    {
        OutputUse.PRODUCED: "The product of the segment.",
        OutputUse.CO_PRODUCT: "Made on purpose beside the product; takes its share of the inputs.",
        OutputUse.BY_PRODUCT: "Comes out beside the product; takes no share of the inputs.",
    },
)

VERSION = "`version` of the job that you decided on; another one is refused (VERSION_CONFLICT)."


@strawberry.input(description="The job to begin.")
class StartJobOrderInput(CommandInput):
    """One job."""

    job_order: strawberry.ID = strawberry.field(description="The job; its state is ALLOWED_TO_START.")
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="The work unit it starts on; needed when the job has none yet."
    )
    expected_version: int | None = strawberry.field(default=None, description=VERSION)


@strawberry.input(description="The job to interrupt.")
class PauseJobOrderInput(CommandInput):
    """One job."""

    job_order: strawberry.ID = strawberry.field(description="The job.")
    held: bool = strawberry.field(
        default=False,
        description="True when a condition forces it (sub-state HELD, needs a `reason`); false when it is chosen "
        "(SUSPENDED). An interrupted job can go from the one to the other.",
    )
    expected_version: int | None = strawberry.field(default=None, description=VERSION)


@strawberry.input(description="The interrupted job that goes on.")
class ResumeJobOrderInput(CommandInput):
    """One job."""

    job_order: strawberry.ID = strawberry.field(description="The job.")
    expected_version: int | None = strawberry.field(default=None, description=VERSION)


@strawberry.input(description="The job that has come to its end.")
class StopJobOrderInput(CommandInput):
    """One job."""

    job_order: strawberry.ID = strawberry.field(description="The job.")
    expected_version: int | None = strawberry.field(default=None, description=VERSION)


@strawberry.type(description="The job and its run as they are now.")
class StartJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")
    job_response: JobResponseNode | None = strawberry.field(
        default=None, description="The run that began; name it when you report, consume and produce."
    )


@strawberry.type(description="The job and its run as they are now.")
class PauseJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")
    job_response: JobResponseNode | None = strawberry.field(default=None, description="Its run.")


@strawberry.type(description="The job and its run as they are now.")
class ResumeJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(default=None, description="The job.")
    job_response: JobResponseNode | None = strawberry.field(default=None, description="Its run.")


@strawberry.type(description="The job and its run as they are now.")
class StopJobOrderPayload(CommandPayload):
    """Answer."""

    job_order: JobOrderNode | None = strawberry.field(
        default=None, description="The job; the state of its order tells whether that is complete now."
    )
    job_response: JobResponseNode | None = strawberry.field(default=None, description="The run that ended.")


@strawberry.input(description="Units for one reason.")
class QuantityReasonInput:
    """One reason."""

    quantity: QuantityInput = strawberry.field(description="How many of them.")
    reason: ReasonInput = strawberry.field(description="Why.")


@strawberry.input(description="What a run has made since it reported last, in the unit of its segment's output.")
class ReportQuantityInput(CommandInput):
    """Good, scrap and rework."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    good: QuantityInput | None = strawberry.field(default=None, description="Good units; none when left out.")
    scrap: QuantityInput | None = strawberry.field(
        default=None, description="Scrap, which needs a `reason` or `scrapReasons`; their sum when left out."
    )
    scrap_reasons: list[QuantityReasonInput] = strawberry.field(
        default_factory=list, description="The scrap divided by reason, where there are several."
    )
    rework: QuantityInput | None = strawberry.field(
        default=None,
        description="Units that are to be reworked, which need a `reason` or `reworkReasons`; their sum when left out.",
    )
    rework_reasons: list[QuantityReasonInput] = strawberry.field(
        default_factory=list, description="The rework divided by reason, where there are several."
    )


@strawberry.type(description="The run with its sums.")
class ReportQuantityPayload(CommandPayload):
    """Answer."""

    job_response: JobResponseNode | None = strawberry.field(default=None, description="The run.")


@strawberry.input(description="Material that a run takes.")
class ConsumeMaterialInput(CommandInput):
    """One item."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    item: ItemKey = strawberry.field(description="The lot or unit that it takes from.")
    quantity: QuantityInput = strawberry.field(description="How much; 1 for a serial unit.")
    range: PositionRangeInput | None = strawberry.field(
        default=None,
        description="Which positions of the lot, as long as the quantity. Of a lot with a hold on a range, only "
        "positions outside of it can be taken, so they must be named.",
    )


@strawberry.type(description="What was posted.")
class ConsumeMaterialPayload(CommandPayload):
    """Answer."""

    material_actual: MaterialActualNode | None = strawberry.field(
        default=None, description="The consumption, pending until it becomes part of an output."
    )


@strawberry.input(description="Material that is consumed in the same transaction.")
class ConsumedInput:
    """One item."""

    item: ItemKey = strawberry.field(description="The lot or unit that is taken from.")
    quantity: QuantityInput = strawberry.field(description="How much; 1 for a serial unit.")
    range: PositionRangeInput | None = strawberry.field(
        default=None, description="Which positions of the lot, as long as the quantity."
    )


@strawberry.input(description="Pending material that goes in: name the actual or the item.")
class PendingInput:
    """One source."""

    material_actual: strawberry.ID | None = strawberry.field(default=None, description="A consumption of this run.")
    item: ItemKey | None = strawberry.field(
        default=None, description="An item: all that the run took of it, the oldest consumption first."
    )
    quantity: QuantityInput | None = strawberry.field(
        default=None,
        description="How much of it; all that is pending when left out. Of positions, the next ones are taken.",
    )


@strawberry.input(description="Items of one material that a run makes: one lot, or serial units.")
class OutputInput:
    """One material."""

    material: strawberry.ID = strawberry.field(description="The material, `CODE` or `CODE:REVISION`.")
    lot: str | None = strawberry.field(default=None, description="Number of the new lot, with its `quantity`.")
    serial_numbers: list[str] = strawberry.field(
        default_factory=list, description="Numbers of the new serial units instead; each counts 1."
    )
    quantity: QuantityInput | None = strawberry.field(
        default=None, description="Quantity of the lot. For serial units it may be left out."
    )
    use: OutputUse = strawberry.field(default=OutputUse.PRODUCED, description="What it is to the run.")
    weight: Decimal | None = strawberry.field(
        default=None,
        description="What one item counts when the inputs are shared out over the outputs; its quantity when left "
        "out. Needed where products have different units.",
    )


@strawberry.input(
    description="What a run makes, and of what. With neither `consumed` nor `from`, all that is pending in the run "
    "goes in. Every input is shared out over all outputs of the command, so outputs of different inputs need a command "
    "each."
)
class ProduceMaterialInput(CommandInput):
    """Outputs and inputs."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    outputs: list[OutputInput] = strawberry.field(description="1 to 5,000 items in all.")
    consumed: list[ConsumedInput] = strawberry.field(
        default_factory=list, description="Material that is consumed with this command and goes in."
    )
    from_: list[PendingInput] = strawberry.field(
        name="from", default_factory=list, description="Pending material that goes in."
    )


@strawberry.type(description="What was made.")
class ProduceMaterialPayload(CommandPayload):
    """Answer."""

    items: list[TraceableItem] | None = strawberry.field(
        default=None, description="The new items, in the order of the outputs; IN_PROCESS in the order."
    )
    genealogy_event: GenealogyEventNode | None = strawberry.field(
        default=None, description="The activity that links inputs and outputs."
    )
    warnings: list[str] | None = strawberry.field(
        default=None,
        description="Consumptions outside the tolerance of bill lines that only warn, or that `deviations` let pass.",
    )
    deviations: list[DeviationNode] | None = strawberry.field(
        default=None, description="The accepted deviations that let a consumption pass."
    )


@strawberry.input(description="A serial unit and the slot that it is built into.")
class ComponentInput:
    """One part."""

    item: ItemKey = strawberry.field(description="The serial unit.")
    slot: str = strawberry.field(description="Its slot in the new unit, such as C07; each once.")


@strawberry.input(description="A new unit and what it is built of.")
class AssembleUnitInput(CommandInput):
    """One unit."""

    job_response: strawberry.ID = strawberry.field(description="The run.")
    material: strawberry.ID = strawberry.field(description="Material of the new unit, `CODE` or `CODE:REVISION`.")
    serial_number: str = strawberry.field(description="Its serial number.")
    components: list[ComponentInput] = strawberry.field(description="1 to 1,000 serial units that are built in.")
    consumed: list[ConsumedInput] = strawberry.field(
        default_factory=list, description="Further material that goes in, such as glue or screws of a lot."
    )
    from_: list[PendingInput] = strawberry.field(
        name="from", default_factory=list, description="Pending material of the run that goes in."
    )


@strawberry.type(description="The new unit.")
class AssembleUnitPayload(CommandPayload):
    """Answer."""

    unit: TraceableItem | None = strawberry.field(
        default=None, description="The unit; its `children` are the components, INSTALLED."
    )
    genealogy_event: GenealogyEventNode | None = strawberry.field(default=None, description="The activity.")
    warnings: list[str] | None = strawberry.field(
        default=None,
        description="Consumptions outside the tolerance of bill lines that only warn, or that `deviations` let pass.",
    )
    deviations: list[DeviationNode] | None = strawberry.field(
        default=None, description="The accepted deviations that let a consumption pass."
    )


@strawberry.input(description="A recorded fact that was wrong. Needs a `reason`.")
class ReverseEventInput(CommandInput):
    """One event."""

    event: strawberry.ID = strawberry.field(
        description="`eventId` of the ledger event, or id of its genealogy event, material actual or quantity actual."
    )


@strawberry.type(description="What takes the fact back. The fact itself stays in the record.")
class ReverseEventPayload(CommandPayload):
    """Answer."""

    genealogy_event: GenealogyEventNode | None = strawberry.field(
        default=None, description="The reversing activity, where an activity was reversed."
    )
    material_actuals: list[MaterialActualNode] | None = strawberry.field(
        default=None, description="The reversing postings, where a run had posted."
    )
    quantity_actuals: list[QuantityActualNode] | None = strawberry.field(
        default=None, description="The reversing quantities, where a report was reversed."
    )
    items: list[TraceableItem] | None = strawberry.field(
        default=None, description="The items of the fact as they are again."
    )


@strawberry.type
class ExecutionCommands:
    """Writes."""

    @command
    @at(job_and_equipment)
    def start_job_order(work: Work, input: StartJobOrderInput) -> StartJobOrderPayload:
        """Begin a job: ALLOWED_TO_START becomes RUNNING and a run is opened. Everything that stands in the way is told
        at once: state, equipment, capacity, holds, earlier segments. The first start makes the order RUNNING.
        """
        found = Findings()
        with found.under():
            job = find(work.session, JobOrder, input.job_order, "job_order")
        with found.under():
            equipment = find_optional(work.session, Equipment, input.equipment, "equipment")
        found.refuse()
        response = execution.start_job_order(work, job, equipment=equipment, expected_version=input.expected_version)
        return StartJobOrderPayload(job_order=shown(job), job_response=shown(response))

    @command
    @at(named(JobOrder, "job_order"))
    def pause_job_order(work: Work, input: PauseJobOrderInput) -> PauseJobOrderPayload:
        """Interrupt a running job; it keeps its run."""
        job = find(work.session, JobOrder, input.job_order, "job_order")
        sub_state = JobSubState.HELD if input.held else JobSubState.SUSPENDED
        response = execution.pause_job_order(work, job, sub_state=sub_state, expected_version=input.expected_version)
        return PauseJobOrderPayload(job_order=shown(job), job_response=shown(response))

    @command
    @at(named(JobOrder, "job_order"))
    def resume_job_order(work: Work, input: ResumeJobOrderInput) -> ResumeJobOrderPayload:
        """Let an interrupted job go on. What a start needs is checked again."""
        job = find(work.session, JobOrder, input.job_order, "job_order")
        response = execution.resume_job_order(work, job, expected_version=input.expected_version)
        return ResumeJobOrderPayload(job_order=shown(job), job_response=shown(response))

    @command
    @at(named(JobOrder, "job_order"))
    def stop_job_order(work: Work, input: StopJobOrderInput) -> StopJobOrderPayload:
        """Bring a job to its end. Refused while consumed material is pending: produce what it became, or reverse its
        consumption. With the last job of the last step the order is COMPLETED, and its items in process are AVAILABLE.
        """
        job = find(work.session, JobOrder, input.job_order, "job_order")
        response = execution.stop_job_order(work, job, expected_version=input.expected_version)
        return StopJobOrderPayload(job_order=shown(job), job_response=shown(response))

    @command
    @at(named(JobResponse, "job_response"))
    def report_quantity(work: Work, input: ReportQuantityInput) -> ReportQuantityPayload:
        """Add good units, scrap and rework to a run; those of the last step also count for the order."""
        response = find(work.session, JobResponse, input.job_response, "job_response")
        segment_id = run_of(work.session, response).requirement.segment_id
        uom = output_uoms(work.session, [segment_id])[segment_id]
        found = Findings()
        good = None
        with found.under("good"):
            good = _amount(input.good, uom)
        scrap = _reported(found, "scrap", input.scrap, input.scrap_reasons, uom)
        rework = _reported(found, "rework", input.rework, input.rework_reasons, uom)
        found.refuse()
        reported = reporting.report_quantity(work, response, good=good or NOTHING, scrap=scrap, rework=rework)
        return ReportQuantityPayload(job_response=shown(reported))

    @command
    @at(named(JobResponse, "job_response"))
    def consume_material(work: Work, input: ConsumeMaterialInput) -> ConsumeMaterialPayload:
        """Take material into a run. It is withdrawn from the item at once and is pending in the run until it becomes
        part of an output. Everything that stands in the way is told at once: holds, release, expiry, amount, bill,
        location.
        """
        response = find(work.session, JobResponse, input.job_response, "job_response")
        taken = _take(work, input.item, input.quantity, input.range)
        return ConsumeMaterialPayload(material_actual=shown(material.consume_material(work, response, taken)))

    @command
    @at(named(JobResponse, "job_response"))
    def produce_material(work: Work, input: ProduceMaterialInput) -> ProduceMaterialPayload:
        """Make lots or serial units of what the run took, as one activity of the genealogy."""
        response = find(work.session, JobResponse, input.job_response, "job_response")
        found = Findings()
        outputs = []
        for i, output in enumerate(input.outputs):
            with found.under("outputs", i):
                outputs.append(_output(work, output))
        consumed, sources = _inputs(work, found, input.consumed, input.from_)
        found.refuse()
        made = production.produce_material(work, response, outputs, consumed=consumed, sources=sources)
        return ProduceMaterialPayload(
            items=shown(made.items),
            genealogy_event=shown(made.genealogy_event),
            warnings=made.tolerated.warnings,
            deviations=shown(made.tolerated.deviations),
        )

    @command
    @at(named(JobResponse, "job_response"))
    def assemble_unit(work: Work, input: AssembleUnitInput) -> AssembleUnitPayload:
        """Build serial units into a new one, for good: each becomes INSTALLED in its slot and can be used nowhere else.
        Material of lots can be consumed on the way.
        """
        response = find(work.session, JobResponse, input.job_response, "job_response")
        found = Findings()
        with found.under():
            unit_material = find(work.session, MaterialDefinition, input.material, "material")
        components = []
        for i, component in enumerate(input.components):
            with found.under("components", i):
                item = find_item(work.session, component.item, "item")
                components.append(assembly.Component(item=item, slot=component.slot))
        consumed, sources = _inputs(work, found, input.consumed, input.from_)
        found.refuse()
        made = assembly.assemble_unit(
            work, response, unit_material, input.serial_number, components, consumed=consumed, sources=sources
        )
        return AssembleUnitPayload(
            unit=shown(made.items[0]),
            genealogy_event=shown(made.genealogy_event),
            warnings=made.tolerated.warnings,
            deviations=shown(made.tolerated.deviations),
        )

    @command
    @at(run_of_fact)
    def reverse_event(work: Work, input: ReverseEventInput) -> ReverseEventPayload:
        """Take back a fact that was recorded wrongly: a consumption that is still pending, a production, an assembly,
        a report of quantities, or any other activity of the genealogy. Refused while something downstream stands on it
        (DOWNSTREAM_DEPENDENCY): reverse from the leaves upwards. A reversed production makes its inputs pending
        again, or puts them back when its run has ended. A reversed report lowers the sums of run and order; until the
        order is closed, the run takes the right one even if it has ended.
        """
        reversed_fact = reversal.reverse_event(work, find_fact(work.session, input.event))
        return ReverseEventPayload(
            genealogy_event=shown(reversed_fact.genealogy_event),
            material_actuals=shown(reversed_fact.actuals),
            quantity_actuals=shown(reversed_fact.quantities),
            items=shown(reversed_fact.items),
        )


def _amount(given: QuantityInput | None, uom: str) -> Decimal | None:
    return None if given is None else in_base(Quantity(given.value, given.uom), uom, {}, positive=False)


def _reported(
    found: Findings, name: str, total: QuantityInput | None, reasons: Sequence[QuantityReasonInput], uom: str
) -> reporting.Reported:
    whole, shares = None, []
    with found.under(name):
        whole = _amount(total, uom)
    for i, share in enumerate(reasons):
        with found.under(f"{name}_reasons", i), all_violations() as of_share:
            amount = NOTHING
            with of_share.under("quantity"):
                amount = in_base(Quantity(share.quantity.value, share.quantity.uom), uom, {})
            with of_share.under("reason"):
                shares.append(reporting.Share(amount, read_reason(share.reason)))
    return reporting.Reported(whole, shares)


def _take(work: Work, key: ItemKey, quantity: QuantityInput, positions: PositionRangeInput | None) -> material.Take:
    """Refuses NOT_FOUND, UOM_MISMATCH, VALIDATION_FAILED below the names of the input's fields."""
    item = find_item(work.session, key, "item")
    return material.Take(
        item=item, quantity=read_item_quantity(work.session, quantity, item, "quantity"), positions=_range(positions)
    )


def _range(positions: PositionRangeInput | None) -> Range | None:
    return None if positions is None else (positions.from_, positions.to)


def _output(work: Work, output: OutputInput) -> production.Output:
    definition = find(work.session, MaterialDefinition, output.material, "material")
    quantity = output.quantity
    return production.Output(
        material=definition,
        use=output.use,
        lot=output.lot,
        serial_numbers=output.serial_numbers,
        quantity=None if quantity is None else read_quantity(quantity, definition, "quantity"),
        weight=output.weight,
    )


def _inputs(
    work: Work, found: Findings, consumed: Sequence[ConsumedInput], pending: Sequence[PendingInput]
) -> tuple[list[material.Take], list[production.Source]]:
    takes, sources = [], []
    for i, entry in enumerate(consumed):
        with found.under("consumed", i):
            takes.append(_take(work, entry.item, entry.quantity, entry.range))
    for i, source in enumerate(pending):
        with found.under("from_", i):
            sources.append(_source(work, source))
    return takes, sources


def _source(work: Work, source: PendingInput) -> production.Source:
    if (source.material_actual is None) == (source.item is None):
        raise Refused(invalid("name either the material actual or the item", "material_actual"))
    actual = find_optional(work.session, MaterialActual, source.material_actual, "material_actual")
    item = row(work.session, Item, actual.item_id) if actual is not None else None
    if source.item is not None:
        item = find_item(work.session, source.item, "item")
    quantity = (
        None
        if source.quantity is None or item is None
        else read_item_quantity(work.session, source.quantity, item, "quantity")
    )
    return production.Source(actual=actual, item=item, quantity=quantity)
