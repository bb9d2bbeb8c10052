"""Memory of two server processes from idle to full load, against two processes of Mercurius over the same PostgreSQL.

Full load is all questions of ``benchmarks.graphql`` at once, from as many clients each as there; idle is after the
start, before the first of them. ``idle_mb``, ``loaded_mb`` (the most while the load lasts) and ``growth_mb`` are of all
processes of a server together, what several of them share counted once; ``process_mb`` is the most that one process had
resident. A ratio above 1 says that mesgraph takes less: ``growth``, or ``loaded``, idle and growth together. Each round
starts both servers anew, in turn. Without ``--database`` on a PostgreSQL server of its own.
"""

import asyncio
import contextlib
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import (
    SIZES,
    Asked,
    Case,
    Client,
    Report,
    arguments,
    conditions,
    fresh_database,
    medians,
    one_round,
)
from benchmarks.graphql import cases
from benchmarks.seed import seed
from benchmarks.servers import Server, mercurius, mercurius_is_there, serving

PROCESSES = 2
PEER = "mercurius"
LOAD_S = {"S": 2, "M": 3, "L": 20}
SAMPLE_S = 0.1
STEADY = 0.01
STEADY_S = 0.3
GROWTH_MB_MIN = 1
"""Less is noise, and counts as so much."""
MB = 1024
"""In kilobytes, as the system counts."""


@dataclass(frozen=True)
class Used:
    """Memory of some processes, in MB: of all together, and what the largest has resident."""

    together: float
    largest: float


def used(servers: Sequence[Server]) -> Used:
    """Memory of servers and of the processes that they started."""
    shares, resident = [], []
    for process in family([server.process.pid for server in servers]):
        # A process of a server that ends meanwhile has nothing.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
            kb = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
            shares.append(kb["Pss"] / MB)
            resident.append(kb["Rss"] / MB)
    return Used(sum(shares), max(resident))


def family(processes: Sequence[int]) -> set[int]:
    """Processes with all that descend from them."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found, found_before = set(processes), set[int]()
    while found != found_before:
        found_before = found
        found = found | {process for process, parent in parents.items() if parent in found}
    return found


async def idle(servers: Sequence[Server]) -> Used:
    """Memory when it no longer changes: one process of a server is ready before the others."""
    before, now = used(servers), None
    while now is None or abs(now.together - before.together) > STEADY * before.together:
        before = now or before
        await asyncio.sleep(STEADY_S)
        now = used(servers)
    return now


async def loaded(servers: Sequence[Server], asked: Sequence[Case], key: str, seconds: float) -> dict[str, float]:
    """One round: from idle to full load."""
    at_first = await idle(servers)
    samples = [at_first]

    async def watch() -> None:
        while True:
            await asyncio.sleep(SAMPLE_S)
            samples.append(used(servers))

    async with contextlib.AsyncExitStack() as stack:
        loads = []
        for case in asked:
            ports = [servers[number % len(servers)].port for number in range(case.clients)]
            clients = [await stack.enter_async_context(Client(port, key)) for port in ports]
            loads.append(one_round(Asked(ports[0], case), clients, seconds))
        watching = asyncio.create_task(watch())
        answered = await asyncio.gather(*loads)
        watching.cancel()
    most = max(sample.together for sample in samples)
    return {
        "idle_mb": at_first.together,
        "loaded_mb": most,
        "growth_mb": max(GROWTH_MB_MIN, most - at_first.together),
        "process_mb": max(sample.largest for sample in samples),
        "answers_per_second": sum(of_case["per_second"] for of_case in answered),
    }


@contextlib.contextmanager
def mesgraph(database: str) -> Iterator[Sequence[Server]]:
    """One server of several processes."""
    with serving(database, "--workers", str(PROCESSES)) as server:
        yield [server]


@contextlib.contextmanager
def of_mercurius(database: str) -> Iterator[Sequence[Server]]:
    """As many servers of one process, each of which takes its part of the clients."""
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(mercurius(database, "all")) for _ in range(PROCESSES)]


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    makers: dict[str, Callable[[str], contextlib.AbstractContextManager[Sequence[Server]]]] = {"mesgraph": mesgraph}
    if mercurius_is_there():
        makers[PEER] = of_mercurius
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in makers}
    with fresh_database(given.database or "postgresql") as database:
        seeded = await seed(database, size.orders)
        with serving(database) as server:
            reads = [case for case in await cases(server.port, seeded) if case.name != "consume"]
        for _ in range(size.rounds):
            for name, make in makers.items():
                with make(database) as servers:
                    rounds[name].append(await loaded(servers, reads, seeded.key, LOAD_S[given.size]))
        about = conditions(given.size, database, processes=PROCESSES, load_s=LOAD_S[given.size], lots=seeded.lots)
    report = Report("memory", about, size.rounds, {name: medians(of_server) for name, of_server in rounds.items()})
    if PEER in rounds:
        for name in ("growth", "loaded"):
            pairs = zip(rounds["mesgraph"], rounds[PEER], strict=True)
            ratio = statistics.median(peer[f"{name}_mb"] / own[f"{name}_mb"] for own, peer in pairs)
            report.ratios[f"{name}_vs_{PEER}"] = float(f"{ratio:.3g}")
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
