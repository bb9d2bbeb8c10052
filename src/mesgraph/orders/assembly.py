"""The verb by which a run builds parts into a new unit, for good."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mesgraph import ledger
from mesgraph.definitions.models import MaterialUse
from mesgraph.errors import Code, Violation, all_violations, invalid
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyEvent, GenealogyKind
from mesgraph.materials.actions import withdraw
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle, MaterialDefinition
from mesgraph.orders import execution_events as events
from mesgraph.orders import reservations
from mesgraph.orders.backflush import planned
from mesgraph.orders.bill import bill_lines, bill_violation, out_of_tolerance
from mesgraph.orders.deviations import tolerate
from mesgraph.orders.material import Take, take_violations
from mesgraph.orders.models import ActualUse, JobResponse, MaterialActual
from mesgraph.orders.production import (
    Made,
    OutputUse,
    Source,
    amounts,
    flush,
    gather,
    inherit,
    is_unlisted_product,
    parts_of,
    pending_items,
    post,
    settle,
)
from mesgraph.orders.run import Run, run_of
from mesgraph.words import check_code
from mesgraph.work import Work

COMPONENTS_MAX = 1_000
ONE = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class Component:
    """A serial unit and the slot of the new unit that it is built into."""

    item: Item
    slot: str


def assemble_unit(
    work: Work,
    response: JobResponse,
    material: MaterialDefinition,
    serial_number: str,
    components: Sequence[Component],
    *,
    consumed: Sequence[Take] = (),
    sources: Sequence[Source] = (),
) -> Made:
    """Make a serial unit of components, each in its slot, and of material that is consumed on the way.

    The components become INSTALLED in it and cannot be used elsewhere (I5). Refuses what
    :func:`~mesgraph.orders.production.produce_material` refuses, for components as for consumed material;
    ALREADY_CONTAINED for a component that is built in, packed or used up (I5, I43); VALIDATION_FAILED for a component
    that is no serial unit and for a slot that is named twice.
    """
    run = run_of(work.session, response)
    parts = [component.item for component in components]
    held_back = pending_items(work, run, sources, inline=True)
    bill = bill_lines(work.session, run.requirement.segment_id)
    run.lock(work, *parts, *(take.item for take in consumed), *held_back, *planned(work, run, bill, ONE))
    with all_violations() as found:
        found.extend(run.violations(work))
        if not is_unlisted_product(work, run, material, OutputUse.PRODUCED, bill):
            found.add(bill_violation(bill, material, {MaterialUse.PRODUCED}, "material"))
        found.extend(_component_violations(components))
        for i, component in enumerate(components):
            with found.under("components", i), all_violations() as of_component:
                of_component.extend(take_violations(work, run, Take(item=component.item, quantity=ONE), bill))
        portions, refused = gather(work, run, found, bill, consumed, sources) if consumed or sources else ([], [])
        taken = amounts(work, [*((part, ONE) for part in parts), *parts_of(portions), *refused])
        by_itself = flush(work, run, found, bill, ONE, taken, "material")
        portions += by_itself
        for code, quantity in amounts(work, parts_of(by_itself)).items():
            taken[code] += quantity
        tolerated = tolerate(work, response, out_of_tolerance(bill, taken, ONE), found, "components")
    inputs = [Line(component.item, ONE, slot=component.slot) for component in components]
    inputs += [portion.line for portion in portions]
    unit = create_item(
        work,
        site_id=response.site_id,
        item_kind=ItemKind.SERIAL_UNIT,
        material=material,
        number=serial_number,
        quantity=ONE,
        lifecycle=Lifecycle.IN_PROCESS,
        location_id=run.output_location_id(work.session),
        request_id=run.request.id,
        produced_at=work.occurred_at,
        path=("serial_number",),
    )
    for component in components:
        _install(work, component, unit)
        reservations.issue(work, run, component.item, ONE)
    inherit(work, portions, [unit])
    event = record_activity(
        work,
        kind=GenealogyKind.ASSEMBLE,
        site_id=response.site_id,
        inputs=inputs,
        outputs=[Line(unit, ONE)],
        job_response=response,
        location=run.equipment,
    )
    settle(portions, event)
    work.add_all([_installed_actual(work, run, component, event) for component in components])
    post(work, run, [(unit, OutputUse.PRODUCED)], event)
    ledger.record(
        work,
        events.MaterialProduced(
            job_response=response,
            genealogy_event=event,
            quantity=ONE,
            uom=unit.uom,
            item_count=1,
            warnings=tolerated.warnings,
            deviations=tolerated.deviations,
        ),
        site_id=response.site_id,
    )
    return Made(items=[unit], genealogy_event=event, tolerated=tolerated)


def _component_violations(components: Sequence[Component]) -> Iterable[Violation]:
    if not 1 <= len(components) <= COMPONENTS_MAX:
        yield invalid(f"{len(components)} components; a unit has 1 to {COMPONENTS_MAX}", "components")
    slots: set[str] = set()
    items: set[int] = set()
    for i, component in enumerate(components):
        malformed = check_code(component.slot, "components", i, "slot")
        if malformed is not None:
            yield malformed
        if component.slot in slots:
            yield invalid(f"slot {component.slot} is named twice", "components", i, "slot")
        if component.item.item_kind is not ItemKind.SERIAL_UNIT:
            message = f"{component.item.key} is no serial unit: consume it instead"
            yield invalid(message, "components", i, "item")
        if component.item.id in items:
            message = f"{component.item.key} is named twice"
            yield invalid(message, "components", i, "item", code=Code.ALREADY_CONTAINED)
        slots.add(component.slot)
        items.add(component.item.id)


def _install(work: Work, component: Component, unit: Item) -> None:
    """The component leaves the stock and is from now on a part of the unit, wherever that goes."""
    item = component.item
    withdraw(work, item, ONE)
    item.lifecycle = Lifecycle.INSTALLED  # AVAILABLE, or IN_PROCESS in the same order: both are usable
    item.parent_id, item.slot, item.location_id = unit.id, component.slot, unit.location_id


def _installed_actual(work: Work, run: Run, component: Component, event: GenealogyEvent) -> MaterialActual:
    return MaterialActual(
        site_id=run.response.site_id,
        job_response_id=run.response.id,
        use=ActualUse.CONSUMED,
        item_id=component.item.id,
        quantity=ONE,
        pending=Decimal(0),
        location_id=component.item.location_id,
        posted_by_id=work.actor.principal_id,
        posted_at=work.occurred_at,
        genealogy_event_id=event.id,
    )
