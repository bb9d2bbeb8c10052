"""A live picture of the plant in the terminal, drawn from nothing but the events of a subscription.

Below the picture stands one line for each thing that a plant manager would notice.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mesgraph.demo.client import Seen
from mesgraph.demo.halvard import ZONE
from mesgraph.demo.notable import Narrator, key
from mesgraph.demo.plan import Plan

LINES_SHOWN = 14
UNITS_SHOWN = 12
ORDER_STATES = {
    "OPERATIONS_REQUEST_SUBMITTED": "FORECAST",
    "OPERATIONS_REQUEST_RELEASED": "RELEASED",
    "OPERATIONS_REQUEST_STARTED": "RUNNING",
    "OPERATIONS_REQUEST_COMPLETED": "COMPLETED",
    "OPERATIONS_REQUEST_CLOSED": "CLOSED",
}
COLOURS = {"RUNNING": "green", "EXECUTE": "green", "COMPLETED": "cyan", "CLOSED": "blue", "COMPLETE": "cyan"}
MADE = ("MATERIAL_RECEIVED", "MATERIAL_TRANSFORMED", "UNIT_ASSEMBLED", "ITEMS_PACKED")


@dataclass
class Picture:
    """What the events told so far."""

    plan: Plan
    orders: dict[str, str] = field(default_factory=dict)
    machines: dict[str, str] = field(default_factory=dict)
    jobs: dict[str, list[str]] = field(default_factory=dict)
    items: Counter[str] = field(default_factory=Counter)
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_SHOWN))
    events: int = 0
    now: datetime | None = None

    def __post_init__(self) -> None:
        self._narrator = Narrator(self.plan)

    def take(self, seen: Seen) -> list[str]:
        """Let an event change the picture; returns what is notable of it, a line each."""
        event, payload = seen.event, seen.event["payload"]
        self.events += 1
        self.now = local(event["occurredAt"])
        word = event["type"]
        if word in ORDER_STATES:
            self.orders[key(payload, "request")] = ORDER_STATES[word]
        elif word == "OPERATIONS_REQUEST_READINESS_CHANGED":
            self.orders[key(payload, "request")] = payload["toState"]
        elif word == "EQUIPMENT_STATE_CHANGED":
            self.machines.pop(key(payload, "equipment"), None)  # the one that moved last stands last
            self.machines[key(payload, "equipment")] = payload.get("toState", "")
        elif word == "JOB_ORDER_STARTED":
            self.jobs.setdefault(key(payload, "equipment"), []).append(key(payload, "jobOrder"))
        elif word == "JOB_ORDER_ENDED":
            for running in self.jobs.values():
                if key(payload, "jobOrder") in running:
                    running.remove(key(payload, "jobOrder"))
        elif word in MADE:
            made = {line["item"]["key"] for line in payload.get("outputs", [])}
            self.items.update(item.partition("/")[0] if "/" in item else "pallets" for item in made)
        lines = [f"{self.now:%a %H:%M}  {sentence}  ({event['actor']})" for sentence in self._narrator.tell(seen)]
        self.lines += lines
        return lines

    def drawn(self) -> RenderableType:
        """The whole picture."""
        clock = f"{self.now:%a %Y-%m-%d %H:%M:%S}" if self.now else ""
        sites = " ".join(self.plan.sites)
        title = Text(f" HALVARD {sites}   {clock} {ZONE}   {self.events} events ", style="bold reverse")
        beside = Table.grid(padding=(0, 3))
        beside.add_row(self._orders(), self._units(), self._items())
        return Group(
            title, Text(), beside, Text(), *(Text(line, no_wrap=True, overflow="ellipsis") for line in self.lines)
        )

    def _orders(self) -> Table:
        table = Table("Order", "Product", "State", box=box.SIMPLE_HEAD)
        products = {order.external_id: order.product for order in self.plan.orders}
        for order, state in sorted(self.orders.items()):
            product = next((made for name, made in products.items() if order.endswith(name)), "")
            table.add_row(order, product, coloured(state))
        return table

    def _units(self) -> Table:
        """Work units that moved, the busy ones first, then those that moved last."""
        table = Table("Work unit", "State", "Job", box=box.SIMPLE_HEAD)
        latest = list(reversed(self.machines))
        busy = [code for code in latest if self.jobs.get(code)]
        for code in [*busy, *(code for code in latest if code not in busy)][:UNITS_SHOWN]:
            table.add_row(code, coloured(self.machines[code]), ", ".join(self.jobs.get(code, [])))
        return table

    def _items(self) -> Table:
        table = Table("Lots and units", "Made", box=box.SIMPLE_HEAD)
        received = sum(count for material, count in self.items.items() if material.startswith(("RM-", "BMS-")))
        table.add_row("received lots", str(received))
        for material, count in self.items.items():
            if not material.startswith(("RM-", "BMS-")):
                table.add_row(material, str(count))
        return table


def local(instant: str) -> datetime:
    """A moment on the plant's wall clock."""
    return datetime.fromisoformat(instant.replace("Z", "+00:00")).astimezone(ZoneInfo(ZONE))


def coloured(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=COLOURS.get(state, ""))
