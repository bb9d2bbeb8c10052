"""The verb by which a run makes items of the material that it took."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import insert, select

from mesgraph import ledger
from mesgraph.db import EVERY_SITE
from mesgraph.definitions.models import IssueMethod, MaterialUse, OperationsDefinition
from mesgraph.errors import Code, Findings, QuantityViolation, Refused, Violation, all_violations, invalid
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.holds.actions import inherit_holds
from mesgraph.holds.queries import open_holds_of
from mesgraph.materials.creation import create_item, create_serial_units
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.orders import execution_events as events
from mesgraph.orders.backflush import flushed, planned
from mesgraph.orders.bill import BillLine, bill_lines, bill_violation, out_of_tolerance
from mesgraph.orders.deviations import Tolerated, tolerate
from mesgraph.orders.material import Take, take_in
from mesgraph.orders.models import ActualUse, JobResponse, MaterialActual
from mesgraph.orders.run import Run, row, run_of
from mesgraph.quantity import plain
from mesgraph.work import Work

OUTPUTS_MAX = 5_000


class OutputUse(StrEnum):
    """What an output is to the segment."""

    PRODUCED = "PRODUCED"
    CO_PRODUCT = "CO_PRODUCT"
    BY_PRODUCT = "BY_PRODUCT"


@dataclass(frozen=True, kw_only=True)
class Output:
    """Items of one material that a run makes: one lot with its quantity, or serial units of quantity 1.

    ``weight`` is what one item counts when the inputs are shared out over the outputs: its quantity when left out,
    nothing for a by-product.
    """

    material: MaterialDefinition
    use: OutputUse = OutputUse.PRODUCED
    lot: str | None = None
    serial_numbers: Sequence[str] = ()
    quantity: Decimal | None = None
    weight: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Source:
    """Pending material that goes into the outputs: an actual, or all of the run's of one item; all of it or a part."""

    actual: MaterialActual | None = None
    item: Item | None = None
    quantity: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Portion:
    """The part of a pending actual that goes into the outputs."""

    actual: MaterialActual
    item: Item
    quantity: Decimal

    @property
    def line(self) -> Line:
        """The input line. Of an actual with positions the next ones are taken, from its start onwards."""
        actual = self.actual
        if actual.range_from is None:
            return Line(self.item, self.quantity)
        start = actual.range_from + actual.used
        return Line(self.item, self.quantity, range_from=start, range_to=start + self.quantity)


Part: TypeAlias = tuple[Item, Decimal]
"""How much of an item."""


class Gathered(NamedTuple):
    """What goes in, and what was to go in but may not be taken: the bill is judged by both, so that a refusal is not
    told a second time as an amount that is missing.
    """

    portions: list[Portion]
    refused: list[Part]


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a production brought forth."""

    items: list[Item]
    genealogy_event: GenealogyEvent
    tolerated: Tolerated


def produce_material(
    work: Work,
    response: JobResponse,
    outputs: Sequence[Output],
    *,
    consumed: Sequence[Take] = (),
    sources: Sequence[Source] = (),
) -> Made:
    """Make items of what the run took, as one activity whose inputs are shared out over the outputs by weight.

    The inputs are what is ``consumed`` in the same breath and the pending ``sources``; when neither is named, all that
    is pending in the run. What the BACKFLUSH lines of the bill ask for beyond that is taken from the stores of the work
    unit. Outputs are IN_PROCESS in the order and inherit the open holds of their inputs.

    Refuses what :func:`~mesgraph.orders.material.consume_material` refuses; QUANTITY_NOT_CONSERVED without an input
    (I3); INSUFFICIENT_QUANTITY for more than is pending or in the stores; WRONG_MATERIAL, WRONG_MATERIAL_VERSION for an
    output that is not on the bill (I9); CONSUMPTION_OUT_OF_TOLERANCE where the bill line blocks and no deviation is
    accepted for it in this run (I11); SERIAL_NOT_UNIQUE, DUPLICATE_KEY, VALIDATION_FAILED for numbers and quantities;
    TIME_ORDER_INVALID.
    """
    run = run_of(work.session, response)
    bill = bill_lines(work.session, run.requirement.segment_id)
    produced = _produced(outputs)
    held_back = pending_items(work, run, sources, bool(consumed))
    run.lock(work, *(take.item for take in consumed), *held_back, *planned(work, run, bill, produced))
    with all_violations() as found:
        found.extend(run.violations(work))
        found.extend(_output_violations(work, run, outputs, bill))
        portions, refused = gather(work, run, found, bill, consumed, sources)
        portions += flush(work, run, found, bill, produced, amounts(work, [*parts_of(portions), *refused]), "outputs")
        found.add(None if found.violations else _input_violation(run, portions))
        found.extend(_order_violations(work, portions))
        outside = out_of_tolerance(bill, amounts(work, [*parts_of(portions), *refused]), produced)
        tolerated = tolerate(work, response, outside, found, "outputs")
    made = _create(work, run, outputs)
    inherit(work, portions, [item for item, _ in made])
    event = record_activity(
        work,
        kind=GenealogyKind.TRANSFORM,
        site_id=response.site_id,
        inputs=[portion.line for portion in portions],
        outputs=[Line(item, item.initial_quantity, weight=_weight(output)) for item, output in made],
        job_response=response,
        location=run.equipment,
    )
    settle(portions, event)
    return _told(work, run, made, event, tolerated)


def pending_items(work: Work, run: Run, sources: Sequence[Source], inline: bool) -> list[Item]:
    """The items whose pending material may go in, to be locked with everything else."""
    if inline and not sources:
        return []
    waiting = select(MaterialActual.item_id).where(
        MaterialActual.job_response_id == run.response.id, MaterialActual.pending > Decimal(0)
    )
    statement = select(Item).where(Item.id.in_(waiting)).execution_options(**EVERY_SITE)
    return list(work.session.scalars(statement))


def gather(
    work: Work,
    run: Run,
    found: Findings,
    bill: Sequence[BillLine],
    consumed: Sequence[Take],
    sources: Sequence[Source],
) -> Gathered:
    """What goes in: taken in the same breath, named of the pending, or all that is pending. Notes what is wrong."""
    pending = pending_of(work, run) if sources or not consumed else []
    portions: list[Portion] = []
    refused: list[Part] = []
    left = {actual.id: actual.pending for actual, _ in pending}
    for i, source in enumerate(sources):
        with found.under("from_", i):
            portions += _portions_of(pending, left, source)
    if not sources:
        portions += [Portion(actual=actual, item=item, quantity=actual.pending) for actual, item in pending]
    for i, take in enumerate(consumed):
        refused.append((take.item, take.quantity))
        with found.under("consumed", i):
            actual = take_in(work, run, take, bill)
            portions.append(Portion(actual=actual, item=take.item, quantity=take.quantity))
            refused.pop()
    return Gathered(_joined(portions), refused)


def flush(
    work: Work,
    run: Run,
    found: Findings,
    bill: Sequence[BillLine],
    output: Decimal,
    taken: Mapping[str, Decimal],
    *path: str,
) -> list[Portion]:
    """Take what the BACKFLUSH lines of the bill ask for beyond what is ``taken`` by material code (§6.4)."""
    portions = []
    for take in flushed(work, run, bill, output, taken, found, *path):
        with found.under(*path):
            actual = take_in(work, run, take, bill, IssueMethod.BACKFLUSH)
            portions.append(Portion(actual=actual, item=take.item, quantity=take.quantity))
    return portions


def _input_violation(run: Run, portions: Sequence[Portion]) -> Violation | None:
    if portions:
        return None
    return QuantityViolation(
        code=Code.QUANTITY_NOT_CONSERVED,
        message=f"an output needs an input, and nothing is pending in {run.response.code}: consume first, "
        "or name what is consumed",
        path=("consumed",),
        available=Decimal(0),
        requested=Decimal(0),
        uom="C62",
    )


def parts_of(portions: Iterable[Portion]) -> list[Part]:
    """The items that go in, with how much of each."""
    return [(portion.item, portion.quantity) for portion in portions]


def settle(portions: Iterable[Portion], event: GenealogyEvent) -> None:
    """Reduce what is pending; an actual that is used up knows the activity that took the last of it."""
    for portion in portions:
        portion.actual.pending -= portion.quantity
        if portion.actual.pending == 0:
            portion.actual.genealogy_event_id = event.id


def amounts(work: Work, parts: Iterable[Part]) -> dict[str, Decimal]:
    """How much goes in, by material code."""
    taken: dict[str, Decimal] = defaultdict(Decimal)
    for item, quantity in parts:
        if item.material_id is not None:
            taken[row(work.session, MaterialDefinition, item.material_id).code] += quantity
    return taken


def pending_of(work: Work, run: Run) -> list[tuple[MaterialActual, Item]]:
    """What is pending in the run, in the order of posting."""
    rows = work.session.execute(
        select(MaterialActual, Item)
        .join(Item, Item.id == MaterialActual.item_id)
        .where(
            MaterialActual.job_response_id == run.response.id,
            MaterialActual.use == ActualUse.CONSUMED,
            MaterialActual.pending > Decimal(0),
        )
        .order_by(MaterialActual.id)
        .execution_options(populate_existing=True, **EVERY_SITE)
    )
    return [(actual, item) for actual, item in rows]


def _portions_of(
    pending: Sequence[tuple[MaterialActual, Item]], left: dict[int, Decimal], source: Source
) -> list[Portion]:
    """The pending actuals that ``source`` names, the oldest first, until its quantity is reached."""
    fitting = [
        (actual, item)
        for actual, item in pending
        if (source.actual is None or actual.id == source.actual.id)
        and (source.item is None or item.id == source.item.id)
    ]
    available = sum((left[actual.id] for actual, _ in fitting), Decimal(0))
    wanted = available if source.quantity is None else source.quantity
    if not fitting or wanted > available or wanted == 0:
        named = source.item.key if source.item else f"actual {source.actual.human_key if source.actual else ''}"
        uom = fitting[0][1].uom if fitting else (source.item.uom if source.item else "C62")
        raise Refused(
            QuantityViolation(
                code=Code.INSUFFICIENT_QUANTITY,
                message=f"{plain(available)} {uom} of {named} are pending in the run, asked {plain(wanted)}",
                path=("quantity",),
                available=available,
                requested=wanted,
                uom=uom,
            )
        )
    portions = []
    for actual, item in fitting:
        part = min(left[actual.id], wanted)
        if part > 0:
            portions.append(Portion(actual=actual, item=item, quantity=part))
            left[actual.id] -= part
            wanted -= part
    return portions


def _joined(portions: Iterable[Portion]) -> list[Portion]:
    """Portions of one actual as one."""
    joined: dict[int, Portion] = {}
    for portion in portions:
        known = joined.get(portion.actual.id)
        quantity = portion.quantity + (known.quantity if known else 0)
        joined[portion.actual.id] = Portion(actual=portion.actual, item=portion.item, quantity=quantity)
    return list(joined.values())


def _output_violations(
    work: Work, run: Run, outputs: Sequence[Output], bill: Sequence[BillLine]
) -> Iterable[Violation]:
    count = sum(len(output.serial_numbers) or 1 for output in outputs)
    if not 1 <= count <= OUTPUTS_MAX:
        yield invalid(f"{count} output items; one command makes 1 to {OUTPUTS_MAX}", "outputs")
    for i, output in enumerate(outputs):
        if not is_unlisted_product(work, run, output.material, output.use, bill):
            violation = bill_violation(bill, output.material, {MaterialUse(output.use)}, "outputs", i, "material")
            if violation is not None:
                yield violation
        if (output.lot is None) == (not output.serial_numbers):
            yield invalid("name either a lot with its quantity or serial numbers", "outputs", i, "lot")
        elif output.lot is not None and output.quantity is None:
            yield invalid(f"lot {output.lot} needs a quantity", "outputs", i, "quantity")
        elif output.serial_numbers and output.quantity not in (None, Decimal(len(output.serial_numbers))):
            yield invalid(
                f"{len(output.serial_numbers)} serial numbers are not {plain(output.quantity or Decimal(0))}",
                "outputs",
                i,
                "quantity",
            )
    yield from _weight_violations(outputs)


def is_unlisted_product(
    work: Work, run: Run, material: MaterialDefinition, use: OutputUse, bill: Sequence[BillLine]
) -> bool:
    """A bill that names no product at all makes the product of its definition."""
    listed = any(line.specification.use in (MaterialUse.PRODUCED, MaterialUse.CO_PRODUCT) for line in bill)
    if listed or use is not OutputUse.PRODUCED or run.request.definition_id is None:
        return False
    definition = row(work.session, OperationsDefinition, run.request.definition_id)
    return material.id in (definition.product_id, run.request.product_id)


def _weight_violations(outputs: Sequence[Output]) -> Iterable[Violation]:
    """Inputs can be shared out: something counts, and what counts has one unit or a declared weight (§6.4)."""
    if outputs and not any(_weight(output) is None or _weight(output) for output in outputs):
        yield invalid("no output counts: name at least one product or co-product", "outputs")
    units = {output.material.base_uom for output in outputs if output.weight is None and _weight(output) is None}
    weighed = [output for output in outputs if output.weight is not None and output.use is not OutputUse.BY_PRODUCT]
    if len(units) + (1 if weighed else 0) > 1:
        yield invalid(
            f"products of different units ({', '.join(sorted(units))}) need a weight each",
            "outputs",
            code=Code.UOM_MISMATCH,
        )
    for i, output in enumerate(outputs):
        if output.weight is not None and output.weight < 0:
            yield invalid(f"weight {plain(output.weight)} must be zero or more", "outputs", i, "weight")


def _weight(output: Output) -> Decimal | None:
    """What one item of ``output`` counts; ``None`` for its quantity."""
    return Decimal(0) if output.use is OutputUse.BY_PRODUCT else output.weight


def _produced(outputs: Iterable[Output]) -> Decimal:
    """How much of the main product comes out, in its base unit."""
    return sum(
        (
            Decimal(len(output.serial_numbers)) if output.serial_numbers else (output.quantity or Decimal(0))
            for output in outputs
            if output.use is OutputUse.PRODUCED
        ),
        Decimal(0),
    )


def _order_violations(work: Work, portions: Iterable[Portion]) -> Iterable[Violation]:
    for portion in portions:
        if work.occurred_at < portion.actual.posted_at:
            yield invalid(
                f"{portion.item.key} was consumed at {portion.actual.posted_at.isoformat()}, after this output",
                "event_time",
                code=Code.TIME_ORDER_INVALID,
            )


def _create(work: Work, run: Run, outputs: Sequence[Output]) -> list[tuple[Item, Output]]:
    """The output items, in the order of the outputs: in process in the order, at the work unit's first store."""
    alike: dict[str, Any] = {
        "site_id": run.response.site_id,
        "lifecycle": Lifecycle.IN_PROCESS,
        "location_id": run.output_location_id(work.session),
        "request_id": run.request.id,
        "produced_at": work.occurred_at,
    }
    made: list[tuple[Item, Output]] = []
    with all_violations() as found:
        for i, output in enumerate(outputs):
            with found.under("outputs", i):
                made += [(item, output) for item in _items(work, output, alike)]
    return made


def _items(work: Work, output: Output, alike: dict[str, Any]) -> list[Item]:
    if output.lot is None:
        numbers = output.serial_numbers
        return create_serial_units(work, material=output.material, numbers=numbers, path=("serial_numbers",), **alike)
    return [
        create_item(
            work,
            item_kind=ItemKind.LOT,
            material=output.material,
            number=output.lot,
            quantity=output.quantity or Decimal(0),
            path=("lot",),
            **alike,
        )
    ]


def inherit(work: Work, portions: Sequence[Portion], children: Sequence[Item]) -> None:
    """What was placed on the inputs since they were taken also stops what they become (containment)."""
    held = open_holds_of(work.session, [portion.item.id for portion in portions])
    for portion in portions:
        if portion.item.id in held:
            line = portion.line
            taken = None if line.range_from is None or line.range_to is None else (line.range_from, line.range_to)
            for child in children:
                inherit_holds(work, portion.item, child, taken)


def _told(
    work: Work, run: Run, made: Sequence[tuple[Item, Output]], event: GenealogyEvent, tolerated: Tolerated
) -> Made:
    """Post the actuals of the outputs and record the production."""
    post(work, run, ((item, output.use) for item, output in made), event)
    products = [item for item, output in made if output.use is OutputUse.PRODUCED] or [item for item, _ in made]
    ledger.record(
        work,
        events.MaterialProduced(
            job_response=run.response,
            genealogy_event=event,
            quantity=sum((item.initial_quantity for item in products), Decimal(0)),
            uom=products[0].uom,
            item_count=len(made),
            warnings=tolerated.warnings,
            deviations=tolerated.deviations,
        ),
        site_id=run.response.site_id,
    )
    return Made(items=[item for item, _ in made], genealogy_event=event, tolerated=tolerated)


def post(work: Work, run: Run, made: Iterable[tuple[Item, OutputUse]], event: GenealogyEvent) -> None:
    """The actuals of outputs, in one statement: there may be thousands."""
    work.session.execute(
        insert(MaterialActual),
        [
            {
                "version": 1,
                "created_at": work.now,
                "site_id": run.response.site_id,
                "job_response_id": run.response.id,
                "use": ActualUse(use),
                "item_id": item.id,
                "quantity": item.initial_quantity,
                "pending": Decimal(0),
                "returned": Decimal(0),
                "location_id": item.location_id,
                "posted_by_id": work.actor.principal_id,
                "posted_at": work.occurred_at,
                "genealogy_event_id": event.id,
            }
            for item, use in made
        ],
    )
