"""A genealogy like that of a plant, of any size, the same from every run.

It is planned as a plant plans, backwards from demand. Finished units have start times; each demands serial assemblies
and lots of components by its bill of materials; lots are cut first in, first out from the demand for their part, with
Pareto sizes. So there are, at every size, levels from the supplier's lot to the carton; a few lots that go into
thousands of units, and 3 to 20 parts in each; batches that hold a rest of the one before (deep chains); lots that were
split or repacked; units that were reworked; scrapped units that were ground and used again.

A few finished units got a component of a newer lot, so numbers by creation time are almost, but not quite, an order
from cause to effect. There are no cycles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
HOUR = 3_600_000
DAY = 24 * HOUR
NEVER = np.iinfo(np.int64).max
HORIZON_DAYS = 730.0
PILOT_UNITS = 3_000

# How part numbers grow with the number of edges, and how many there are at the reference.
REFERENCE_EDGES = 1e5
GROWTH = 0.35
PRODUCTS, COMPONENTS, BATCHES, RAWS = 6.0, 40.0, 10.0, 40.0
BILL_LINES = (3, 15)

# Consumptions of a lot: medians, and the spread of these medians over part numbers.
COMPONENT_USES, COMPONENT_SPREAD = 150.0, 1.1
RAW_USES, RAW_SPREAD = 12.0, 0.8
BATCH_USES = 6.0
PARETO = 1.25
OVERLAP = 0.25
"""How far two lots of a part are in use at once, in mean sizes of a lot."""

BOUGHT = 0.35
SPLIT_SHARE = 0.20
REPACK_SHARE, REPACK_MERGE = 0.40, 0.10
HEEL = 0.85
REWORK_SHARE, REWORK_AGAIN = 0.03, 0.10
REPAIR_SHARE = 0.004
SCRAP_SHARE = 0.002
REGRIND_PARTS, REGRIND_RATE = 0.2, 0.02
CARTON_UNITS = 12


class Kind(IntEnum):
    """What a node is."""

    SUPPLIER_LOT = 0
    REPACK = 1
    BATCH = 2
    COMPONENT_LOT = 3
    SPLIT = 4
    REGRIND = 5
    SUBASSEMBLY = 6
    ASSEMBLY = 7
    FINISHED = 8
    REWORK = 9
    CARTON = 10


@dataclass(frozen=True)
class Genealogy:
    """Edges by time of arrival, nodes by time of creation; ``made`` covers all that was taken from a node."""

    parent: Array
    child: Array
    quantity: Array
    kind: Array
    created: Array
    made: Array

    @property
    def nodes(self) -> int:
        """How many nodes."""
        return len(self.kind)

    @property
    def edges(self) -> int:
        """How many edges."""
        return len(self.parent)


def generate(edges: int, seed: int = 1) -> Genealogy:
    """Exactly ``edges`` edges: the earliest ones of a slightly larger plan."""
    pilot = _Plan(edges, PILOT_UNITS, seed)
    units = int(edges / (pilot.edge_count / PILOT_UNITS) * 1.03) + 100
    while (plan := _Plan(edges, units, seed)).edge_count < edges:
        units = int(units * max(1.02, 1.02 * edges / plan.edge_count))
    return _cut(plan, edges, np.random.default_rng([seed, 7]))


def sample(genealogy: Genealogy, kind: Kind, count: int, seed: int = 2) -> Array:
    """Random nodes of a kind."""
    rng = np.random.default_rng([seed, genealogy.nodes, kind])
    nodes = np.flatnonzero(genealogy.kind == kind)
    return rng.choice(nodes, min(count, len(nodes)), replace=False)


def _cut(plan: "_Plan", edges: int, rng: np.random.Generator) -> Genealogy:
    kind, created, lead = (np.concatenate(blocks) for blocks in (plan.kind, plan.created, plan.node_lead))
    parent, child, quantity, late = (
        np.concatenate(blocks) for blocks in (plan.parent, plan.child, plan.quantity, plan.late)
    )
    when = created[child] + (rng.random(len(child)) * 0.9 * lead[child]).astype(np.int64) + late
    order = np.argsort(when, kind="stable")[:edges]
    parent, child, quantity = parent[order], child[order], quantity[order]
    used = np.zeros(len(kind), bool)
    used[parent] = True
    used[child] = True
    by_age = np.argsort(created, kind="stable")
    by_age = by_age[used[by_age]]
    number = np.full(len(kind), -1, np.int32)
    number[by_age] = np.arange(len(by_age), dtype=np.int32)
    parent, child, kind = number[parent], number[child], kind[by_age]
    taken = np.bincount(parent, weights=quantity, minlength=len(kind))
    made = np.where(taken > 0, taken * (1.0 + 0.05 * rng.random(len(kind))), 1.0)
    made = np.where((kind >= Kind.SUBASSEMBLY) & (kind <= Kind.CARTON), np.maximum(taken, 1.0), made)
    return Genealogy(parent, child, quantity, kind, created[by_age], made)


def _zipf(count: int, exponent: float) -> Array:
    weights = 1.0 / np.arange(1, count + 1) ** exponent
    return cast(Array, weights / weights.sum())


class _Plan:
    """Growing lists of blocks of nodes and edges, and the demand that is not served yet."""

    def __init__(self, edges: int, units: int, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.scale = (edges / REFERENCE_EDGES) ** GROWTH
        self.node_count = 0
        self.edge_count = 0
        self.part_count = 0
        self.kind: list[Array] = []
        self.created: list[Array] = []
        self.node_lead: list[Array] = []
        self.parent: list[Array] = []
        self.child: list[Array] = []
        self.quantity: list[Array] = []
        self.late: list[Array] = []
        self.demand: dict[int, list[tuple[Array, Array, Array]]] = {}
        self._bills()
        self._finished_units(units)
        self._after_life()
        self._serial_parts()
        self._component_lots()
        self._batch_lots()
        for raw, uses in zip(self.raws, RAW_USES * self._spread(RAW_SPREAD, len(self.raws)), strict=True):
            self._serve_lots(Kind.SUPPLIER_LOT, raw, uses, 300.0, (Kind.REPACK, REPACK_SHARE, REPACK_MERGE))

    # Parts and bills

    def _new_parts(self, least: int, count: float) -> Array:
        ids = np.arange(self.part_count, self.part_count + max(least, int(count)))
        self.part_count += len(ids)
        return ids

    def _spread(self, sigma: float, count: int) -> Array:
        return cast(Array, np.exp(sigma * self.rng.standard_normal(count)))

    def _bill(self, parts: Array, weights: Array, least: int, most: int) -> Array:
        count = min(int(self.rng.integers(least, most + 1)), len(parts))
        return self.rng.choice(parts, count, replace=False, p=weights / weights.sum())

    def _bills(self) -> None:
        rng, scale = self.rng, self.scale
        self.products = products = self._new_parts(3, PRODUCTS * scale)
        self.assemblies = self._new_parts(0, 2 * len(products))
        self.subassemblies = self._new_parts(0, 3 * len(products))
        self.components = components = self._new_parts(15, COMPONENTS * scale)
        self.batches = self._new_parts(5, BATCHES * scale)
        self.raws = self._new_parts(20, RAWS * scale)
        often = {len(parts): _zipf(len(parts), 0.5) for parts in (components, self.raws, self.batches)}
        serial = np.concatenate([products, self.assemblies, self.subassemblies])
        self.bill = {int(x): self._bill(components, often[len(components)], *BILL_LINES) for x in serial}
        self.inner = {int(x): rng.choice(self.assemblies, int(rng.integers(1, 4))) for x in products}
        self.inner |= {int(x): rng.choice(self.subassemblies, int(rng.integers(1, 4))) for x in self.assemblies}
        self.bought = rng.random(len(components)) < BOUGHT
        self.component_uses = COMPONENT_USES * self._spread(COMPONENT_SPREAD, len(components))
        self.recipe = {int(x): self._bill(self.batches, often[len(self.batches)], 1, 3) for x in components}
        made = np.concatenate([components, self.batches])
        self.raw_of = {int(x): self._bill(self.raws, often[len(self.raws)], 2, 8) for x in made}
        self.amount = np.round(np.exp(rng.standard_normal(self.part_count)), 3) + 0.001
        self.takes_regrind = rng.random(len(self.batches)) < REGRIND_PARTS
        self.takes_regrind[-1] = True

    # Nodes, edges, demand

    def _lead(self, count: int, median_hours: float) -> Array:
        spread = np.exp(0.5 * self.rng.standard_normal(count))
        return (median_hours * HOUR * spread).astype(np.int64) + 1000

    def _add_nodes(self, kind: Kind, created: Array, lead: Array | int) -> Array:
        count = len(created)
        ids = np.arange(self.node_count, self.node_count + count, dtype=np.int64)
        self.node_count += count
        self.kind.append(np.full(count, kind, np.int8))
        self.created.append(created.astype(np.int64))
        self.node_lead.append(np.broadcast_to(np.asarray(lead, np.int64), count))
        return ids

    def _add_edges(self, parent: Array, child: Array, quantity: Array | float, late: Array | int = 0) -> None:
        count = len(child)
        self.edge_count += count
        self.parent.append(parent)
        self.child.append(child)
        self.quantity.append(np.broadcast_to(np.asarray(quantity, np.float64), count))
        self.late.append(np.broadcast_to(np.asarray(late, np.int64), count))

    def _want(self, part: int, child: Array, created: Array, quantity: float) -> None:
        if len(child):
            quantities = np.broadcast_to(np.float64(quantity), len(child))
            self.demand.setdefault(int(part), []).append((child, created, quantities))

    def _want_all(self, parts: Sequence[int] | Array, child: Array, created: Array, factor: float) -> None:
        for part in parts:
            self._want(part, child, created, factor * self.amount[part])

    def _take(self, part: int) -> tuple[Array, Array, Array] | None:
        rows = self.demand.pop(int(part), None)
        if not rows:
            return None
        child, created, quantity = (np.concatenate(column) for column in zip(*rows, strict=True))
        order = np.argsort(created, kind="stable")
        return child[order], created[order], quantity[order]

    # Serial units

    def _finished_units(self, count: int) -> None:
        """Start times with a rhythm of days; a line runs one product for a while, another line something else."""
        rng = self.rng
        t = np.sort(rng.random(count)) * HORIZON_DAYS * DAY
        t = (np.floor(t / DAY) * DAY + (t % DAY) * (2 / 3) + 6 * HOUR).astype(np.int64)
        t += np.arange(count)
        runs = rng.choice(len(self.products), count // 150 + 2, p=_zipf(len(self.products), 0.8))
        runs = np.repeat(runs, 150)[:count]
        second_line = rng.random(count) < 0.3
        self.unit_start = t
        self.unit_part = self.products[np.where(second_line, np.roll(runs, 1500), runs)]
        self.unit_lead = self._lead(count, 6.0)
        self.units = self._add_nodes(Kind.FINISHED, t, self.unit_lead)

    def _after_life(self) -> None:
        """Finished units are scrapped, reworked, repaired as they are, packed into cartons."""
        rng, units, part = self.rng, self.units, self.unit_part
        fate = rng.random(len(units))
        self.scrapped = fate < SCRAP_SHARE
        reworked = (fate >= SCRAP_SHARE) & (fate < SCRAP_SHARE + REWORK_SHARE)
        self.repaired = np.flatnonzero(
            (fate >= SCRAP_SHARE + REWORK_SHARE) & (fate < SCRAP_SHARE + REWORK_SHARE + REPAIR_SHARE)
        )
        final, ready = units.copy(), self.unit_start + self.unit_lead
        which = np.flatnonzero(reworked)
        created = ready[which] + self._lead(len(which), 30.0)
        lead = self._lead(len(which), 12.0)
        rework = self._add_nodes(Kind.REWORK, created, lead)
        self._add_edges(units[which], rework, 1.0)
        final[which], ready[which] = rework, created + lead
        for product in self.products:
            mine = part[which] == product
            for component in rng.choice(self.bill[int(product)], 2, replace=False):
                self._want(component, rework[mine], created[mine], 1.0)
        good = np.flatnonzero(~self.scrapped)
        good = good[np.argsort(ready[good], kind="stable")]
        box = np.arange(len(good)) // CARTON_UNITS
        closed = np.zeros(box[-1] + 1, np.int64)
        np.maximum.at(closed, box, ready[good])
        cartons = self._add_nodes(Kind.CARTON, closed + HOUR, HOUR)
        self._add_edges(final[good], cartons[box], 1.0)

    def _explode(self, part: int, ids: Array, created: Array) -> None:
        self._want_all(self.bill[int(part)], ids, created, 1.0)
        for inner in self.inner.get(int(part), ()):
            self._want(inner, ids, created, 1.0)

    def _serial_parts(self) -> None:
        for product in self.products:
            mine = self.unit_part == product
            self._explode(product, self.units[mine], self.unit_start[mine])
        for kind, parts, hours in (
            (Kind.ASSEMBLY, self.assemblies, 20.0),
            (Kind.SUBASSEMBLY, self.subassemblies, 30.0),
        ):
            for part in parts:
                self._serve_serial(kind, part, hours)

    def _serve_serial(self, kind: Kind, part: int, hours: float) -> None:
        """One unit for each demand; some go through rework first."""
        demand = self._take(part)
        if demand is None:
            return
        child, when, _ = demand
        rng, components = self.rng, self.bill[int(part)]
        todo = rng.random(len(child)) < REWORK_SHARE
        target, needed = child.copy(), when.copy()
        while todo.any():
            which = np.flatnonzero(todo)
            lead = self._lead(len(which), 12.0)
            created = needed[which] - lead
            rework = self._add_nodes(Kind.REWORK, created, lead)
            self._add_edges(rework, target[which], 1.0)
            for _ in range(2):
                component = components[rng.integers(len(components))]
                some = rng.random(len(which)) < 0.75
                self._want(component, rework[some], created[some], 1.0)
            target[which], needed[which] = rework, created
            todo[which] = rng.random(len(which)) < REWORK_AGAIN
        lead = self._lead(len(child), hours)
        created = needed - lead
        ids = self._add_nodes(kind, created, lead)
        self._add_edges(ids, target, 1.0)
        self._explode(part, ids, created)

    # Lots

    def _lots(self, demands: int, uses: float) -> tuple[Array, int]:
        """The lot of every demand, and how many lots."""
        count = max(1, round(demands / uses))
        edge = np.cumsum(self.rng.pareto(PARETO, count) + 0.15)
        edge *= demands / edge[-1]
        at = np.arange(demands) + self.rng.standard_normal(demands) * OVERLAP * (demands / count)
        lot = np.searchsorted(edge, np.clip(at, 0, demands - 1e-6), side="right")
        used, lot = np.unique(np.minimum(lot, count - 1), return_inverse=True)
        return lot, len(used)

    def _serve_lots(
        self, kind: Kind, part: int, uses: float, hours: float, parted: tuple[Kind, float, float] | None = None
    ) -> tuple[Array, Array] | None:
        """Lots for the demand for a part; with ``parted`` (kind, share, share of mergers) some of them by sub-lots."""
        demand = self._take(part)
        if demand is None:
            return None
        child, when, quantity = demand
        lot, count = self._lots(len(when), uses)
        first = np.full(count, NEVER)
        np.minimum.at(first, lot, when)
        parts = self.rng.random(count) < parted[1] if parted else np.zeros(count, bool)
        lead = self._lead(count, hours)
        sub_lead = self._lead(count, 10.0)
        created = first - lead - np.where(parts, 2 * sub_lead, 0)
        ids = self._add_nodes(kind, created, lead)
        direct = ~parts[lot]
        self._add_edges(ids[lot[direct]], child[direct], quantity[direct])
        if parted and parts.any():
            rest = (child[~direct], when[~direct], quantity[~direct])
            self._sub_lots(parted, ids, created, sub_lead, lot[~direct], rest)
        return ids, created

    def _sub_lots(
        self,
        parted: tuple[Kind, float, float],
        ids: Array,
        created: Array,
        lead: Array,
        lot: Array,
        demand: tuple[Array, Array, Array],
    ) -> None:
        """Each lot becomes two to six; each of these serves a run of demands."""
        child, when, quantity = demand
        kind, _, merge = parted
        count = self.rng.integers(2, 7, len(ids))
        order = np.argsort(lot, kind="stable")
        total = np.bincount(lot, minlength=len(ids))
        start = np.cumsum(total) - total
        rank = np.empty(len(order), np.int64)
        rank[order] = np.arange(len(lot)) - start[lot[order]]
        sub = (rank * count[lot]) // np.maximum(total[lot], 1)
        key, inverse = np.unique(lot * 8 + sub, return_inverse=True)
        first = np.full(len(key), NEVER)
        np.minimum.at(first, inverse, when)
        slot = key // 8
        sub_created = first - lead[slot]
        sub_ids = self._add_nodes(kind, sub_created, lead[slot])
        sub_quantity = np.bincount(inverse, weights=quantity)
        self._add_edges(sub_ids[inverse], child, quantity)
        self._add_edges(ids[slot], sub_ids, sub_quantity)
        if merge:
            extra = np.flatnonzero((self.rng.random(len(key)) < merge) & (slot > 0))
            extra = extra[created[slot[extra] - 1] < sub_created[extra]]
            self._add_edges(ids[slot[extra] - 1], sub_ids[extra], sub_quantity[extra] * 0.3)

    def _component_lots(self) -> None:
        for i, component in enumerate(self.components):
            uses = self.component_uses[i]
            if self.bought[i]:
                parted = (Kind.REPACK, REPACK_SHARE, REPACK_MERGE)
                served = self._serve_lots(Kind.SUPPLIER_LOT, component, uses, 200.0, parted)
            else:
                served = self._serve_lots(Kind.COMPONENT_LOT, component, uses, 60.0, (Kind.SPLIT, SPLIT_SHARE, 0.0))
            if served is None:
                continue
            self._repairs(i, component, *served)
            if not self.bought[i]:
                self._want_all(self.recipe[int(component)], *served, 20)
                self._want_all(self.raw_of[int(component)], *served, 10)

    def _repairs(self, number: int, component: int, ids: Array, created: Array) -> None:
        """A component of a lot that is newer than the unit that it is put into."""
        if not len(self.repaired):
            return
        mine = self.repaired[self.unit_part[self.repaired] % len(self.components) == number]
        order = np.argsort(created)
        wait = (self.rng.random(len(mine)) * 60 * DAY).astype(np.int64)
        at = np.searchsorted(created[order], self.unit_start[mine] + wait) - 1
        known = at >= 0
        mine, lot, wait = mine[known], order[at[known]], wait[known]
        self._add_edges(ids[lot], self.units[mine], self.amount[component], late=wait + 2 * DAY)

    def _batch_lots(self) -> None:
        scrapped = np.flatnonzero(self.scrapped)
        for i, batch in enumerate(self.batches):
            served = self._serve_lots(Kind.BATCH, batch, BATCH_USES, 40.0)
            if served is None:
                continue
            order = np.argsort(served[1], kind="stable")
            ids, created = served[0][order], served[1][order]
            if len(ids) > 1:
                heel = (self.rng.random(len(ids) - 1) < HEEL) & (created[:-1] < created[1:])
                self._add_edges(ids[:-1][heel], ids[1:][heel], 5 * self.amount[batch])
            if self.takes_regrind[i] and len(scrapped):
                self._regrind(batch, scrapped, ids, created)
            self._want_all(self.raw_of[int(batch)], *served, 10)

    def _regrind(self, batch: int, scrapped: Array, ids: Array, created: Array) -> None:
        """Units that were scrapped well before go into some batches."""
        some = self.rng.random(len(ids)) < REGRIND_RATE
        lead = self._lead(int(some.sum()), 24.0)
        ground = created[some] - lead
        last = np.searchsorted(self.unit_start[scrapped], ground - 3 * DAY)
        known = last > 0
        if not known.any():
            return
        regrind = self._add_nodes(Kind.REGRIND, ground[known], lead[known])
        self._add_edges(regrind, ids[some][known], 3 * self.amount[batch])
        for back in range(1, 9):
            at = last[known] - back
            keep = (at >= 0) & (self.rng.random(len(at)) < 0.6)
            self._add_edges(self.units[scrapped[at[keep]]], regrind[keep], 1.0)
