"""The API under load: one server process, asked over HTTP by several clients at once.

Cases: ``by_key`` one lot by its key; ``orders`` 100 orders with their ten jobs each; ``lots`` 1,000 lots of ten
fields (two pages in one request); ``trace`` 1,025 lots backwards; ``consume`` a command that posts material.

On PostgreSQL the questions are answered over the same tables by peers as well, in turn with mesgraph: ``mercurius``
with its JIT, as its documents show it, and ``tuned``, with the columns that are asked for chosen by hand;
``strawberry`` over asyncpg, tuned by hand; ``postgraphile``, in words of its own and but for the trace. Everybody must
give the same answer. ``at_70``: times of requests that come at 70 % of the rate that ``mercurius`` managed just before.
"""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from benchmarks.arrivals import compare_arrivals
from benchmarks.common import (
    SIZES,
    Asked,
    Case,
    Client,
    Report,
    Size,
    arguments,
    body,
    compare,
    conditions,
    fresh_database,
)
from benchmarks.own_words import SAME, in_own_words
from benchmarks.seed import Seeded, seed
from benchmarks.servers import (
    mercurius,
    mercurius_is_there,
    postgraphile,
    postgraphile_is_there,
    serving,
    strawberry,
)

MERCURIUS = {"mercurius": "all", "mercurius_tuned": "asked"}
LOADED, LOAD = "mercurius", 0.7
"""Whose highest load is taken, and how much of it, to see how long answers take."""
BY_KEY = """query ($lot: String!) { item(key: {material: "RM-PVDF", lot: $lot}) {
  id key lifecycle status quantity { value uom } location { code } ... on MaterialLot { expiresAt } } }"""
ORDERS = """{ operationsRequests(first: 100) { nodes { id code state priority dueAt quantity { value uom }
  product { code } jobOrders { code state priority plannedStart plannedEnd equipment { code } } } } }"""
LOTS = """query ($after: String) { a: materialLots(first: 500) { nodes { ...Lot } }
  b: materialLots(first: 500, after: $after) { nodes { ...Lot } } }
fragment Lot on MaterialLot { id key number lifecycle status itemRevision openHolds quantity { value uom }
  initialQuantity { value } createdAt: producedAt expiresAt }"""
TRACE = """query ($lot: String!) { trace(item: {material: "RM-PVDF", lot: $lot}, direction: BACKWARD) {
  completeness { complete } nodes { depth item { id key lifecycle status quantity { value uom } } } } }"""
CONSUME = """mutation ($input: ConsumeMaterialInput!) { consumeMaterial(input: $input) {
  materialActual { id quantity { value } } userErrors { code message } } }"""
LAST_OF_PAGE = "{ materialLots(first: 500) { pageInfo { endCursor } } }"


async def cases(port: int, seeded: Seeded) -> list[Case]:
    """What is measured."""
    draw = random.Random(1)
    async with Client(port, seeded.key) as client:
        after = (await client.ask(LAST_OF_PAGE))["materialLots"]["pageInfo"]["endCursor"]
    orders, lots = body(ORDERS), body(LOTS, after=after)
    trace = body(TRACE, lot=seeded.tree_root.partition("/")[2])

    def consume(client: int, n: int) -> bytes:
        lot = client % len(seeded.runs)
        command = {
            "idempotencyKey": uuid.uuid4().hex,
            "jobResponse": seeded.runs[lot],
            "item": {"material": "RM-PVDF", "lot": f"PVDF-{lot}"},
            "quantity": {"value": "0.001", "uom": "KGM"},
        }
        return body(CONSUME, input=command)

    return [
        Case("by_key", 16, lambda *_: body(BY_KEY, lot=f"L{draw.randrange(seeded.lots):07}"), 100),
        Case("orders", 2, constant(orders), 50_000),
        Case("lots", 2, constant(lots), 100_000),
        Case("trace", 2, constant(trace), 50_000),
        Case("consume", 8, consume),
    ]


def constant(request: bytes) -> Callable[[int, int], bytes]:
    """The same request again and again."""
    return lambda *_: request


@dataclass(frozen=True)
class Peer:
    """A server beside mesgraph; None: it takes the same documents."""

    port: int
    words: Mapping[str, Callable[[bytes], bytes]] | None = None

    def asked(self, case: Case) -> Asked | None:
        """How it is asked; None: it cannot be."""
        if self.words is None:
            return Asked(self.port, case)
        return Asked(self.port, case, self.words[case.name], SAME[case.name]) if case.name in self.words else None


async def peers_of(database: str, stack: contextlib.ExitStack) -> dict[str, Peer]:
    """The peers that are installed, where they can read the database."""
    if not database.startswith("postgresql"):
        return {}
    peers = {"strawberry": Peer(stack.enter_context(strawberry(database)).port)}
    if mercurius_is_there():
        for name, columns in MERCURIUS.items():
            peers[name] = Peer(stack.enter_context(mercurius(database, columns)).port)
    if postgraphile_is_there():
        port = stack.enter_context(postgraphile(database)).port
        peers["postgraphile"] = Peer(port, await in_own_words(port))
    return peers


async def compare_with(peers: Mapping[str, Peer], case: Case, own: Asked, key: str, size: Size, report: Report) -> None:
    """One case: as much as each can, and the times of mesgraph and Mercurius at most of what Mercurius can."""
    asked = {"": own} | {name: one for name, peer in peers.items() if (one := peer.asked(case))}
    figures = await compare(asked, key, size)
    for name, of_server in figures.items():
        if (ratio := of_server.pop("ratio", None)) is not None:
            report.ratios[f"{case.name}_vs_{name}"] = ratio
        report.absolute[f"{case.name}_{name}".strip("_")] = of_server
    if LOADED in asked:
        per_second = float(f"{figures[LOADED]['per_second'] * LOAD:.3g}")
        loaded = {"": own, LOADED: asked[LOADED]}
        at_rate, ratio = await compare_arrivals(loaded, per_second, key, size)
        report.ratios[f"{case.name}_p99_at_70_vs_{LOADED}"] = ratio
        report.absolute |= {f"{case.name}_at_70_{name}".strip("_"): times for name, times in at_rate.items()}


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    with fresh_database(given.database) as database, contextlib.ExitStack() as stack:
        seeded = await seed(database, size.orders)
        report = Report(
            "graphql",
            conditions(given.size, database, orders=size.orders, lots=seeded.lots, window_s=size.window_s),
            size.rounds,
        )
        peers = await peers_of(database, stack)
        server = stack.enter_context(serving(database))
        for case in await cases(server.port, seeded):
            report.conditions[f"{case.name}_clients"] = case.clients
            compared = {} if case.name == "consume" else peers
            await compare_with(compared, case, Asked(server.port, case), seeded.key, size, report)
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
