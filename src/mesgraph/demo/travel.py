"""Cells go from HV1 to HV2: in trays, by one transfer, of which one cell is missing at first (story S6)."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from mesgraph.demo.halvard import PACK_SITE, SITE
from mesgraph.demo.plan import Plan
from mesgraph.demo.shifts import sscc
from mesgraph.demo.step import STEP, Ref, Step, amount, unit

CELLS_PER_TRAY = 16
FIRST_TRAY = 1001
"""Numbers of trays begin behind those of pallets."""
TRANSPORT = timedelta(hours=40)
TRANSFER = Ref("transfer", "")
CELL = "CELL-105"


def trays(plan: Plan) -> dict[str, Sequence[str]]:
    """The good cells by the SSCC of their tray."""
    cells = plan.good_cells
    return {
        sscc(FIRST_TRAY + n): cells[begin : begin + CELLS_PER_TRAY]
        for n, begin in enumerate(range(0, len(cells), CELLS_PER_TRAY))
    }


def transfer(plan: Plan, at: datetime) -> Iterator[Step]:
    """Pack, send, receive all but one, find that one, and take the cells out of their trays. The last step is the time
    from which HV2 has its cells.
    """
    packed = trays(plan)
    for tray, cells in packed.items():
        at += STEP
        content = {"sscc": tray, "items": [unit(CELL, cell) for cell in cells], "location": f"{SITE}/STORE-WIP"}
        yield Step(at, "op-022", "pack", f"tray/{tray}/pack", content)
    at += STEP
    items = [{"sscc": tray} for tray in packed]
    wanted = {"fromSite": SITE, "toSite": PACK_SITE, "items": items}
    yield Step(at, "op-022", "createTransfer", "transfer/create", wanted)
    yield Step(at + STEP, "op-022", "shipTransfer", "transfer/ship", {"transfer": TRANSFER})
    at += TRANSPORT
    store = f"{PACK_SITE}/STORE-WIP"
    missing = unit(CELL, plan.good_cells[-1])
    none = {"item": missing, "quantity": amount(CELL, "0")}
    came = {"transfer": TRANSFER, "location": store, "received": [none]}
    yield Step(at, "op-031", "confirmTransferReceipt", "transfer/receive", came)
    reason = {"code": "FOUND", "comment": "behind the last tray in the truck"}
    found = {"transfer": TRANSFER, "items": [missing], "resolution": "ARRIVED_LATE", "location": store}
    yield Step(at + timedelta(hours=1), "sup-02", "adjustTransfer", "transfer/adjust", {**found, "reason": reason})
    at += timedelta(hours=2)
    for tray in packed:
        at += STEP
        yield Step(at, "op-031", "unpack", f"tray/{tray}/unpack", {"sscc": tray})
