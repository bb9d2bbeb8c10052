"""What has become of the plant, asked of the plant: the other side of the checks."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mesgraph.demo.client import Client, Seen
from mesgraph.demo.plan import Plan

ORDERS = """
query Orders {
  operationsRequests(first: 50) {
    nodes {
      externalId state goodQuantity { value } scrapQuantity { value }
      jobOrders {
        code state subState
        jobResponses {
          materialActuals { use quantity { value } pending { value } item { key } reverses { id } }
          steps { state } parameterActuals { verdict } deviations { state }
        }
      }
    }
  }
}
"""
LOTS = """
query Lots($after: String) {
  materialLots(first: 500, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { key status quantity { value } initialQuantity { value } openHolds }
  }
}
"""
PALLET = """
query Pallet($sscc: SSCC!) {
  item(key: {sscc: $sscc}) {
    key location { code }
    children { key children { key children { key lifecycle } } }
  }
}
"""
TRANSFERS = """
query Transfers { transfers(first: 50) { nodes { number state } } }
"""
FORWARD = """
query Forward($item: ItemKey!) {
  trace(item: $item, direction: FORWARD, model: PROPORTIONAL) {
    completeness { complete missing }
    nodes { item { key } remains { value } removed { value } }
  }
}
"""
BACKWARD = """
query Backward($item: ItemKey!) {
  trace(item: $item, direction: BACKWARD) {
    completeness { complete missing }
    nodes { item { key supplier { code } } }
  }
}
"""


@dataclass
class Observed:
    """Answers of the plant, with exact amounts."""

    order_states: dict[str, str] = field(default_factory=dict)
    good_and_scrap: dict[str, str] = field(default_factory=dict)
    job_states: dict[str, int] = field(default_factory=dict)
    consumed: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    produced: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    pending: Fraction = Fraction(0)
    steps: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)
    deviations: Counter[str] = field(default_factory=Counter)
    lots: dict[str, tuple[Fraction, Fraction]] = field(default_factory=dict)
    open_holds: int = 0
    packed: dict[str, list[str]] = field(default_factory=dict)
    pallet_locations: dict[str, str | None] = field(default_factory=dict)
    remains: dict[str, Fraction] = field(default_factory=dict)
    removed: dict[str, Fraction] = field(default_factory=dict)
    complete: bool = True
    suppliers_lots: dict[str, list[str]] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    scrapped: list[str] = field(default_factory=list)
    transfers: list[str] = field(default_factory=list)


async def observe(client: Client, plan: Plan, record: Sequence[Seen]) -> Observed:
    """Ask everything that the checks compare."""
    seen = Observed()
    _orders(seen, (await client.ask(ORDERS))["operationsRequests"]["nodes"])
    await _lots(seen, client)
    for pallet in plan.pallets:
        if (found := (await client.ask(PALLET, sscc=pallet.sscc))["item"]) is not None:
            _pallet(seen, found)
    transfers = (await client.ask(TRANSFERS))["transfers"]["nodes"]
    seen.transfers = [transfer["state"] for transfer in transfers]
    material, number = plan.binder
    forward = (await client.ask(FORWARD, item={"material": material, "lot": number}))["trace"]
    seen.complete = forward["completeness"]["complete"]
    seen.remains = _by_material((node["item"]["key"], node["remains"]) for node in forward["nodes"])
    seen.removed = _by_material((node["item"]["key"], node["removed"]) for node in forward["nodes"])
    for pack in plan.packs:
        backward = (await client.ask(BACKWARD, item={"material": "PACK-48-105", "serial": pack}))["trace"]
        seen.complete = seen.complete and backward["completeness"]["complete"]
        items = [node["item"] for node in backward["nodes"]]
        seen.suppliers_lots[pack] = sorted(item["key"] for item in items if item["supplier"])
    seen.made = list(_outputs(record, MADE))
    seen.scrapped = [key for key in _inputs(record, {"ITEMS_SCRAPPED"}) if key.startswith("CELL-105/")]
    return seen


MADE = {"MATERIAL_RECEIVED", "MATERIAL_TRANSFORMED", "UNIT_ASSEMBLED"}
"""Events that bring new items into being."""


def _orders(seen: Observed, orders: Iterable[dict[str, Any]]) -> None:
    consumed: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    produced: dict[tuple[str, str], Fraction] = defaultdict(Fraction)
    states: dict[str, int] = defaultdict(int)
    for order in orders:
        name = order["externalId"]
        seen.order_states[name] = order["state"]
        seen.good_and_scrap[name] = f"{order['goodQuantity']['value']} / {order['scrapQuantity']['value']}"
        for job in order["jobOrders"]:
            states[f"{job['state']}/{job['subState']}"] += 1
            for run in job["jobResponses"]:
                seen.steps.update(step["state"] for step in run["steps"])
                seen.verdicts.update(actual["verdict"] for actual in run["parameterActuals"])
                seen.deviations.update(deviation["state"] for deviation in run["deviations"])
            for actual in (actual for run in job["jobResponses"] for actual in run["materialActuals"]):
                sums = consumed if actual["use"] == "CONSUMED" else produced
                sign = -1 if actual["reverses"] else 1
                sums[name, material_of(actual["item"]["key"])] += sign * Fraction(actual["quantity"]["value"])
                seen.pending += Fraction(actual["pending"]["value"])
    seen.job_states, seen.consumed, seen.produced = dict(states), dict(consumed), dict(produced)


async def _lots(seen: Observed, client: Client) -> None:
    page: dict[str, Any] = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        lots = (await client.ask(LOTS, after=page["endCursor"]))["materialLots"]
        for lot in lots["nodes"]:
            seen.lots[lot["key"]] = (Fraction(lot["initialQuantity"]["value"]), Fraction(lot["quantity"]["value"]))
            seen.open_holds += lot["openHolds"]
        page = lots["pageInfo"]


def _pallet(seen: Observed, pallet: dict[str, Any]) -> None:
    seen.pallet_locations[pallet["key"]] = pallet["location"]["code"] if pallet["location"] else None
    for pack in pallet["children"]:
        seen.packed.setdefault(pallet["key"], []).append(pack["key"])
        for module in pack["children"]:
            serial = module["key"].partition("#")[0]  # a reworked module is the same module
            seen.packed.setdefault(pack["key"], []).append(serial)
            for cell in module["children"]:
                seen.packed.setdefault(serial, []).append(cell["key"])


def _by_material(parts: Iterable[tuple[str, dict[str, str] | None]]) -> dict[str, Fraction]:
    found: dict[str, Fraction] = defaultdict(Fraction)
    for key, part in parts:
        if part is not None:
            found[material_of(key)] += Fraction(part["value"])
    return {material: amount for material, amount in found.items() if amount}


def _outputs(record: Iterable[Seen], types: set[str]) -> Iterable[str]:
    return (line["item"]["key"] for seen in record if seen.event["type"] in types for line in _lines(seen, "outputs"))


def _inputs(record: Iterable[Seen], types: set[str]) -> Iterable[str]:
    return (line["item"]["key"] for seen in record if seen.event["type"] in types for line in _lines(seen, "inputs"))


def _lines(seen: Seen, side: str) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = seen.event["payload"].get(side) or []
    return lines


def material_of(key: str) -> str:
    """The material of an item's key; a logistic unit is keyed by its SSCC alone."""
    return key.partition("/")[0] if "/" in key else "SSCC"
