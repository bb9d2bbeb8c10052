"""What a plant manager would notice of the record: one sentence each, and silence about the rest.

Thousands of events are routine. Notable are orders that move, batches and coils that are made, every tenth of the
cells, modules and packs, what is held, scrapped, corrected or taken back, and what leaves.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from mesgraph.demo.client import Seen
from mesgraph.demo.plan import Plan

Payload = dict[str, Any]

SENTENCES: dict[str, Callable[[Payload], str]] = {
    "OPERATIONS_REQUEST_SUBMITTED": lambda p: (
        f"order {key(p, 'request')} for {p['quantity']} {p['uom']} of {key(p, 'product')} came from {p['sourceSystem']}"
    ),
    "OPERATIONS_REQUEST_REVISED": lambda p: (
        f"order {key(p, 'request')} was corrected: revision {p['revision']}, priority {p['priority']}, due {p['dueAt']}"
    ),
    "OPERATIONS_REQUEST_RELEASED": lambda p: f"order {key(p, 'request')} is released: {len(p['jobs'])} jobs",
    "OPERATIONS_REQUEST_STARTED": lambda p: f"order {key(p, 'request')} runs",
    "OPERATIONS_REQUEST_HELD": lambda p: f"order {key(p, 'request')} is HELD",
    "OPERATIONS_REQUEST_RESUMED": lambda p: f"order {key(p, 'request')} goes on",
    "OPERATIONS_REQUEST_COMPLETED": lambda p: (
        f"order {key(p, 'request')} is complete: {p['goodQuantity']} good, {p['scrapQuantity']} scrap"
    ),
    "OPERATIONS_REQUEST_CLOSED": lambda p: f"order {key(p, 'request')} is closed",
    "LOT_RELEASED": lambda p: f"{key(p, 'item')} is released for use",
    "HOLD_PLACED": lambda p: f"{listed(p['items'])} on HOLD ({key(p, 'hold')}, {p['severity']})",
    "HOLD_RELEASED": lambda p: f"hold {key(p, 'hold')} is released: {listed(p['items'])}",
    "ITEMS_SCRAPPED": lambda p: f"scrapped: {lines(p, 'inputs')}",
    "MATERIAL_SAMPLED": lambda p: f"sample taken: {lines(p, 'inputs')}",
    "CONSUMPTION_REVERSED": lambda p: (
        f"taken back: {p['quantity']} {p['uom']} of {key(p, 'item')} had not gone into {key(p, 'jobResponse')}"
    ),
    "GENEALOGY_REVERSED": lambda p: f"undone: {lines(p, 'outputs') or lines(p, 'inputs')}",
    "DEVIATION_OPENED": lambda p: f"deviation {key(p, 'deviation')} in {key(p, 'jobResponse')}: {p['description']}",
    "DEVIATION_DECIDED": lambda p: f"deviation {key(p, 'deviation')} is {p['state']}",
    "LOT_REJECTED": lambda p: f"{key(p, 'item')} is REJECTED",
    "ITEM_REWORKED": lambda p: f"reworked: {lines(p, 'outputs')}",
    "TRANSFER_SHIPPED": lambda p: f"transfer {key(p, 'transfer')} leaves with {p['itemCount']} items",
    "TRANSFER_RECEIVED": lambda p: (
        f"transfer {key(p, 'transfer')} came" + (f", MISSING: {', '.join(p['missing'])}" if p["missing"] else "")
    ),
    "TRANSFER_ADJUSTED": lambda p: f"{listed(p['items'])} of transfer {key(p, 'transfer')}: {p['resolution']}",
    "ITEMS_PACKED": lambda p: f"packed: {lines(p, 'outputs')} with {len(p['inputs'])} units",
    "ITEMS_SHIPPED": lambda p: f"shipped: {lines(p, 'inputs')}",
}
"""What is said of an event, from its payload alone."""

MADE = frozenset({"MATERIAL_TRANSFORMED", "UNIT_ASSEMBLED"})
PARTS_TOLD = 10
"""Of units made one by one, each tenth part is told."""


@dataclass
class Narrator:
    """Tells the notable events of one shift."""

    plan: Plan
    made: Counter[str] = field(default_factory=Counter)

    def tell(self, seen: Seen) -> list[str]:
        """The sentences about an event: none for most."""
        word, payload = seen.event["type"], seen.event["payload"]
        if word in MADE:
            return list(self._made(payload))
        sentence = SENTENCES.get(word)
        return [sentence(payload)] if sentence else []

    def _made(self, payload: Payload) -> Iterator[str]:
        expected = {
            "CELL-105": len(self.plan.cells),
            "MOD-8S": len(self.plan.modules),
            "PACK-48-105": len(self.plan.packs),
        }
        for line in payload["outputs"]:
            item = line["item"]["key"]
            material = item.partition("/")[0]
            if material not in expected:
                yield f"made: {told(line)}"
                continue
            self.made[material] += 1
            made, wanted = self.made[material], expected[material]
            if made * PARTS_TOLD // wanted > (made - 1) * PARTS_TOLD // wanted:
                yield f"{made} of {wanted} {material} are made, the last one is {item.partition('/')[2]}"


def key(payload: Payload, name: str) -> str:
    """The key of the thing that the payload names so."""
    thing = payload.get(name)
    return str(thing["key"]) if isinstance(thing, dict) else ""


def listed(things: list[dict[str, str]]) -> str:
    """The keys of things."""
    return ", ".join(thing["key"] for thing in things)


def lines(payload: Payload, side: str) -> str:
    """The lines on one side of an activity."""
    return ", ".join(told(line) for line in payload.get(side) or [])


def told(line: dict[str, Any]) -> str:
    """An item with its quantity; a unit alone."""
    item = str(line["item"]["key"])
    return item if line["uom"] == "C62" else f"{item}, {line['quantity']} {line['uom']}"
