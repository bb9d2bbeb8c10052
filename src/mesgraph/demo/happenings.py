"""What happens beside the work: holds, corrections, mistakes, and what the plant must refuse."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from mesgraph.demo.halvard import SITE
from mesgraph.demo.plan import (
    ANODE,
    BUSBARS,
    CATHODE,
    CELL,
    GRADING,
    MIXING,
    MODULE,
    MODULE_TEST,
    PACK,
    SCHEDULE_MESSAGE,
    STACKING,
    START,
    Plan,
)
from mesgraph.demo.step import STEP, Ref, Step, amount, lot, take, unit

Times = Mapping[tuple[str, int], tuple[datetime, datetime]]
"""When each job of an order starts and ends."""


def happenings(plan: Plan, times: Times) -> Iterator[Step]:
    """All of them; the mini fixture has the hold alone."""
    yield from hold_and_release(plan, times[CATHODE, 30][1])
    if plan.eventful:
        yield from erp_repeats_and_corrects(plan, times[CATHODE, MIXING][0])
        yield from charges_wrongly(plan, times[CATHODE, MIXING][0])
        yield from feeds_the_stacker_wrongly(plan, times[CELL, STACKING][0])
        yield from grades_too_early(times[CELL, GRADING][0])
        yield from takes_a_cell_twice(plan, times[MODULE, BUSBARS][1])
        yield from reworks_a_module(plan, times[MODULE, MODULE_TEST][0])


def hold_and_release(plan: Plan, at: datetime) -> Iterator[Step]:
    """An edge bead: the inspector holds the coil, measures it, and another person releases it."""
    held = lot(*plan.held_coil)
    reason = {"code": "EDGE_BEAD", "comment": "coil edge measured at 366 g/m2"}
    yield Step(at, "q-05", "placeHold", "hold/place", {"items": [held], "severity": "MAJOR", "reason": reason})
    later = at + timedelta(minutes=4)
    found = {"code": "MEASURED", "comment": "within 360 +- 5.4 g/m2 after trimming"}
    yield Step(later, "qa-01", "releaseHold", "hold/release", {"hold": Ref("hold", ""), "reason": found})


def erp_repeats_and_corrects(plan: Plan, at: datetime) -> Iterator[Step]:
    """The ERP repeats its message, uses its number again for other content, corrects an order, and is overtaken."""
    wanted = demand(plan, PACK)
    yield _message(at, "again", SCHEDULE_MESSAGE, [demand(plan, order.external_id) for order in plan.orders])
    more = wanted | {"quantity": amount("PACK-48-105", str(len(plan.packs) + 2))}
    yield _message(at + STEP, "other", SCHEDULE_MESSAGE, [more], "IDEMPOTENCY_CONFLICT")
    urgent = wanted | {"revision": 2, "priority": 80, "dueAt": "2026-03-01T12:00:00+01:00"}
    yield _message(at + 2 * STEP, "correction", "BOD-7790", [urgent])
    yield _message(at + 3 * STEP, "overtaken", "BOD-7789", [wanted | {"priority": 10}], "STALE_REVISION")


def demand(plan: Plan, order: str) -> dict[str, Any]:
    """An order as the ERP states it first."""
    wanted = next(known for known in plan.orders if known.external_id == order)
    return {
        "externalId": wanted.external_id,
        "revision": 1,
        "site": wanted.site,
        "product": wanted.product,
        "quantity": amount(wanted.product, wanted.quantity),
        "priority": wanted.priority,
        "dueAt": "2026-03-02T16:00:00+01:00",
    }


def schedule(message: str, requests: list[dict[str, Any]]) -> dict[str, Any]:
    """A message of the ERP: all of it or nothing."""
    return {"sourceSystem": "ERP1", "messageId": message, "atomic": True, "requests": requests}


def _message(at: datetime, key: str, message: str, requests: list[dict[str, Any]], *refused: str) -> Step:
    content = schedule(message, requests)
    return Step(at, "erp", "submitOperationsSchedule", f"schedule/{message}/{key}", content, frozenset(refused))


def charges_wrongly(plan: Plan, at: datetime) -> Iterator[Step]:
    """A sack from the wrong pallet is refused; carbon black that was posted but stayed in the sack is taken back."""
    run = Ref("run", CATHODE, MIXING)
    (batch, *_) = plan.batches[CATHODE]
    graphite = next(receipt.lot for receipt in plan.receipts if receipt.material == "RM-GRA")
    wrong = {"jobResponse": run, **take("RM-GRA", graphite, "5")}
    minute = timedelta(minutes=1)
    key = f"batch/{batch.lot}/charge/RM-GRA"
    yield Step(at + minute, "op-017", "consumeMaterial", key, wrong, frozenset({"WRONG_MATERIAL"}))
    black = next(number for material, number, _ in batch.inputs if material == "RM-CB")
    key = f"batch/{batch.lot}/charge/RM-CB/too-much"
    yield Step(at + 2 * minute, "op-017", "consumeMaterial", key, {"jobResponse": run, **take("RM-CB", black, "0.2")})
    reason = {"code": "NOT_CHARGED", "comment": "stayed in the sack"}
    undo = {"event": Ref("posted", key), "reason": reason}
    yield Step(at + 4 * minute, "op-017", "reverseEvent", f"{key}/reverse", undo)


def feeds_the_stacker_wrongly(plan: Plan, at: datetime) -> Iterator[Step]:
    """Electrolyte past its date is not taken, nor an anode coil on the side of the cathode (S9)."""
    old = "ELY-4331"
    line = {
        "material": "RM-ELY",
        "lotNumber": old,
        "quantity": amount("RM-ELY", "2"),
        "expiresAt": "2026-02-16T12:00:00+01:00",
        "location": f"{SITE}/STORE-RM",
    }
    morning = START + 12 * STEP
    yield Step(morning, "op-017", "receiveItems", f"receive/RM-ELY/{old}", {"site": SITE, "lines": [line]})
    yield Step(morning + STEP, "qa-01", "releaseLot", f"release/RM-ELY/{old}", {"item": lot("RM-ELY", old)})
    run = Ref("run", CELL, STACKING)
    expired = {"jobResponse": run, **take("RM-ELY", old, "0.265")}
    key = f"stack/{old}"
    yield Step(at + STEP, "op-022", "consumeMaterial", key, expired, frozenset({"LOT_EXPIRED"}))
    anode = lot(*plan.coils_of(ANODE)[0])
    entries = [{"field": field, "item": anode} for field in ("cathode", "anode")]
    scanned = {"jobResponse": run, "step": "10", "entries": entries}
    yield Step(at + 2 * STEP, "op-022", "recordStep", "stack/step/10/wrong", scanned, frozenset({"WRONG_MATERIAL"}))


def grades_too_early(at: datetime) -> Iterator[Step]:
    """Cells that have aged for 70 hours only are not tested yet."""
    early = at - timedelta(hours=3)
    job = {"jobOrder": Ref("job", CELL, GRADING)}
    refused = frozenset({"SEGMENT_DEPENDENCY_UNMET"})
    yield Step(early, "op-022", "startJobOrder", f"job/{CELL}/{GRADING}/start/early", job, refused)


def takes_a_cell_twice(plan: Plan, at: datetime) -> Iterator[Step]:
    """A cell that is built into a module already cannot be scanned into another one; nor is one cell enough."""
    again = {
        "jobResponse": Ref("run", MODULE, BUSBARS),
        "material": "MOD-8S",
        "serialNumber": "HM260529999",
        "components": [{"item": unit("CELL-105", plan.good_cells[0]), "slot": "C1"}],
    }
    refused = frozenset({"ALREADY_CONTAINED", "CONSUMPTION_OUT_OF_TOLERANCE"})
    yield Step(at - STEP, "op-031", "assembleUnit", "unit/HM260529999/assemble", again, refused)


def reworks_a_module(plan: Plan, at: datetime) -> Iterator[Step]:
    """A joint of 0.11 mOhm: the module is rejected, and goes on as its second revision when it is welded again (S4)."""
    module = unit("MOD-8S", plan.modules[2])
    found = {"code": "WELD_RESISTANCE", "comment": "0.11 mOhm at joint 5, 0.08 allowed"}
    yield Step(at + 2 * STEP, "qa-01", "rejectLot", "module/rework/reject", {"item": module, "reason": found})
    decided = {"item": module, "decision": "REWORK", "reason": {"code": "WELD_AGAIN"}}
    yield Step(at + 6 * STEP, "qa-01", "dispositionItem", "module/rework/decide", decided)
