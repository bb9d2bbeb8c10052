"""``http_trace``: a trace of about 1,000 items with eight fields each over HTTP, out of memory and by recursive SQL."""

import asyncio
import contextlib
import json
import statistics
from time import perf_counter

from benchmarks.common import Client, Report, body, fresh_database
from benchmarks.seed import Seeded, seed
from benchmarks.servers import application

OBJECTS = """query ($lot: String!) { trace(item: {material: "RM-PVDF", lot: $lot}, direction: BACKWARD) {
  completeness { complete } nodes { depth contained { value uom } item { id key status quantity { value uom } } } } }"""
COLUMNS = """query ($lot: String!) { trace(item: {material: "RM-PVDF", lot: $lot}, direction: BACKWARD) {
  completeness { complete }
  columns { ids keys statuses quantities uoms depths contained containedUoms } } }"""
ITEMS = 1_025
ORDERS = 10
REQUESTS = 10


async def measure(report: Report, rounds: int) -> None:
    """Two servers take turns, each on an SQLite file of its own with the same content."""
    with contextlib.ExitStack() as stack:
        ports, keys = {}, {}
        for name, factory in (("core", "mesgraph.server:application"), ("sql", "benchmarks.walked_server:application")):
            database = stack.enter_context(fresh_database(None))
            seeded = await seed(database, ORDERS, consumers=1)
            ports[name] = stack.enter_context(application(factory, MESGRAPH_DATABASE=database)).port
            keys[name] = seeded
        await _compare(report, ports, keys, rounds)


async def _compare(report: Report, ports: dict[str, int], seeded: dict[str, Seeded], rounds: int) -> None:
    asked = {"objects": ("core", OBJECTS), "columns": ("core", COLUMNS), "sql": ("sql", OBJECTS)}
    took: dict[str, list[float]] = {name: [] for name in asked}
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(Client(ports[server], seeded[server].key))
            for name, (server, _) in asked.items()
        }
        requests = {
            name: body(document, lot=seeded[server].tree_root.partition("/")[2])
            for name, (server, document) in asked.items()
        }
        for name, client in clients.items():
            _check(name, json.loads(await client.post(requests[name])))
        for _ in range(rounds):
            for name, client in clients.items():
                took[name].append(await _once(client, requests[name]))
    for name in ("columns", "objects"):
        ratios = [theirs / ours for theirs, ours in zip(took["sql"], took[name], strict=True)]
        report.ratios[f"http_trace_{name}_vs_sql"] = float(f"{statistics.median(ratios):.3g}")
    report.absolute["http_trace"] = {
        f"{name}_ms": float(f"{statistics.median(times) * 1000:.3g}") for name, times in took.items()
    }


def _check(name: str, answer: dict[str, dict[str, dict[str, dict[str, list[object]]]]]) -> None:
    trace = answer["data"]["trace"]
    items = len(trace["columns"]["ids"]) if name == "columns" else len(trace["nodes"])
    if items != ITEMS:
        raise RuntimeError(f"{name} found {items} items, not {ITEMS}")


async def _once(client: Client, request: bytes) -> float:
    """Seconds a request."""
    began = perf_counter()
    for _ in range(REQUESTS):
        await client.post(request)
    return (perf_counter() - began) / REQUESTS


def measure_http(report: Report, rounds: int) -> None:
    """For the list of cases."""
    asyncio.run(measure(report, rounds))
