"""Taking parts out of the unit that they were built into."""

from collections.abc import Sequence
from decimal import Decimal

from mesgraph.errors import Violation, all_violations, invalid
from mesgraph.genealogy import queries
from mesgraph.genealogy.actions.rules import Posted, check_list, live_violations
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.holds.actions import inherit_holds
from mesgraph.materials.actions import put_back
from mesgraph.materials.lifecycle import check_trigger
from mesgraph.materials.models import Item, Lifecycle
from mesgraph.work import Work

ONE = Decimal(1)


def disassemble_unit(
    work: Work, unit: Item, components: Sequence[Item] | None = None, *, expected_version: int | None = None
) -> Posted:
    """Take components, or all, out of a unit. Each waits in QUARANTINE where the unit is, under the unit's holds.

    What was in which slot, and until when, stays in the unit's genealogy. Refuses INVALID_TRANSITION for a unit that
    has ended and for an item that is not installed, VALIDATION_FAILED for what is installed elsewhere,
    ALREADY_CONTAINED for a unit that is packed, TIME_ORDER_INVALID before the assembly, VERSION_CONFLICT.
    """
    work.lock(unit)
    work.expect(unit, expected_version)
    inside = [item for item in queries.directly_in(work.session, unit.id) if item.lifecycle is Lifecycle.INSTALLED]
    wanted = inside if components is None else list(components)
    work.lock(*wanted)
    with all_violations() as found:
        found.extend(live_violations(unit, Lifecycle.QUARANTINE, "unit"))
        if components is None and not inside:
            found.add(invalid(f"nothing is installed in {unit.key}", "unit"))
        else:
            check_list(found, wanted, "components")
        for i, item in enumerate(wanted):
            found.add(check_trigger(item, "disassemble", "components", i), _elsewhere(unit, item, i))
    lines = [Line(item, ONE, slot=item.slot) for item in wanted]
    for item in wanted:
        item.parent_id, item.slot, item.location_id = None, None, unit.location_id
        put_back(work, item, ONE, Lifecycle.QUARANTINE)
        inherit_holds(work, unit, item)
    activity = record_activity(
        work, kind=GenealogyKind.DISASSEMBLE, site_id=unit.site_id, inputs=lines, outputs=[Line(unit, ONE)]
    )
    return Posted(activity, wanted)


def _elsewhere(unit: Item, item: Item, place: int) -> Violation | None:
    if item.lifecycle is not Lifecycle.INSTALLED or item.parent_id == unit.id:
        return None
    return invalid(f"{item.key} is not installed in {unit.key}", "components", place)
