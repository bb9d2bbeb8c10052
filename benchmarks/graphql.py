"""The API under load: one server process, asked over HTTP by several clients at once.

Cases: ``by_key`` one lot by its key; ``orders`` 100 orders with their ten jobs each; ``lots`` 1,000 lots of ten
fields (two pages in one request); ``trace`` 1,025 lots backwards; ``consume`` a command that posts material.

On PostgreSQL the questions are answered by Mercurius with its JIT over the same tables as well, in turn with mesgraph:
as its documents show it, and ``tuned``, with the columns that are asked for chosen by hand. Everybody must give the
same answer.
"""

import asyncio
import contextlib
import random
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.common import (
    SIZES,
    Case,
    Client,
    Report,
    arguments,
    body,
    compare,
    conditions,
    free_port,
    fresh_database,
    serving,
    wait_until_ready,
)
from benchmarks.seed import Seeded, seed

PEER = Path(__file__).parent / "mercurius"
PEERS = {"": "all", "_tuned": "asked"}
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


@contextlib.contextmanager
def mercurius(database: str, columns: str) -> Iterator[int]:
    """The peer on a port of its own: ``all`` columns, or those that are ``asked`` for."""
    port = free_port()
    url = database.replace("postgresql+asyncpg", "postgresql")
    process = subprocess.Popen(["node", str(PEER / "queries.js"), str(port), url, columns], stdout=sys.stderr)
    try:
        wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)


def peers_of(database: str, stack: contextlib.ExitStack) -> dict[str, int]:
    """Ports of the peers, where they are installed and can read the database."""
    if not database.startswith("postgresql") or not (PEER / "node_modules").exists():
        return {}
    return {f"mercurius{name}": stack.enter_context(mercurius(database, columns)) for name, columns in PEERS.items()}


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
        peers = peers_of(database, stack)
        server = stack.enter_context(serving(database))
        for case in await cases(server.port, seeded):
            report.conditions[f"{case.name}_clients"] = case.clients
            compared = {} if case.name == "consume" else peers
            figures = await compare(case, {"": server.port, **compared}, seeded.key, size)
            for name, of_server in figures.items():
                if (ratio := of_server.pop("ratio", None)) is not None:
                    report.ratios[f"{case.name}_vs_{name}"] = ratio
                report.absolute[f"{case.name}_{name}".strip("_")] = of_server
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
