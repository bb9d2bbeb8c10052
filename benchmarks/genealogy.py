"""The compiled genealogy against graph libraries and databases that hold the same edges, in the same run.

Cases: ``back_*`` and ``fwd_*`` traces by the size of their result, each also against ``limit``, the time that the
memory of this machine needs for the reads that a trace cannot do without; ``quantity`` amounts against a breadth-first
search; ``threads`` two against one; ``appended_10`` traces with the newest tenth of the edges not merged; ``merge``
beside traces; ``http_trace`` through the API; ``snapshot`` from a file to the first trace; ``append``; ``memory``.
S has 100,000 edges, M 3 million, L 30 million.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

try:
    from benchmarks import peers
except ModuleNotFoundError as missing:
    raise SystemExit(f"{missing.name} is not here: make bench-setup") from missing

from benchmarks.common import Report, conditions, medians, parser_of
from benchmarks.genealogy_core import Activities
from benchmarks.genealogy_data import generate
from benchmarks.genealogy_http import measure_http
from benchmarks.genealogy_traces import (
    PERCENTILES,
    Bench,
    Size,
    find_classes,
    measure_class,
    measure_quantity,
    measure_threads,
)
from benchmarks.genealogy_upkeep import (
    loaded_core,
    measure_append,
    measure_appended,
    measure_memory,
    measure_merge,
    measure_snapshot,
)

SIZES = {
    "S": Size(edges=100_000, rounds=3, budget_s=0.1, window_s=0.1),
    "M": Size(edges=3_000_000, rounds=5, budget_s=1, window_s=0.5),
    "L": Size(edges=30_000_000, rounds=5, budget_s=3, window_s=2),
}
SLOW_TO_LOAD = {"L": ("igraph",)}
"""Peers that must be asked for by name at a size."""


def measure_upkeep_of_appended(bench: Bench) -> None:
    """A core with appended edges serves two cases."""
    measure_merge(bench, measure_appended(bench))


# Appending comes last: some peers cannot take back what was added.
CASES: dict[str, Callable[[Bench], None]] = {
    **{name: partial(measure_class, name=name) for name in PERCENTILES},
    "quantity": measure_quantity,
    "threads": measure_threads,
    "appended_10": measure_upkeep_of_appended,
    "snapshot": measure_snapshot,
    "http_trace": lambda bench: measure_http(bench.report, bench.size.rounds),
    "memory": measure_memory,
    "append": measure_append,
}
ALIASES = {"merge": "appended_10", "merge_traces": "appended_10", "append_memory": "appended_10"}


def given_arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", type=listed, default=list(CASES), help="cases, or how their names begin: back,append")
    parser.add_argument("--peers", type=listed, help=f"of {','.join(peers.NAMES)}; an empty one for none")
    given = parser.parse_args()
    if given.peers is None:
        given.peers = [name for name in peers.NAMES if name not in SLOW_TO_LOAD.get(given.size, ())]
    if unknown := set(given.peers) - set(peers.NAMES):
        parser.error(f"unknown peers: {', '.join(sorted(unknown))}")
    given.cases = [case for case in CASES if any(chosen(case, only) for only in given.only)]
    if not given.cases:
        parser.error(f"cases are {', '.join(CASES)}")
    return given


def listed(text: str) -> list[str]:
    """Words between commas."""
    return [word for word in text.split(",") if word]


def chosen(case: str, only: str) -> bool:
    """Whether ``only`` names the case, its family, or a part of it."""
    only = ALIASES.get(only, only)
    return case == only or case.startswith(f"{only}_") or only.startswith(f"{case}_")


def main() -> None:
    """Measure and print."""
    given = given_arguments()
    size = SIZES[given.size]
    genealogy = generate(size.edges)
    activities = Activities(genealogy)
    core, core_bytes, load_s = loaded_core(activities)
    graph = peers.Graph(genealogy.nodes, genealogy.parent, genealogy.child)
    server = given.database if given.database != "postgresql" else None
    with (
        tempfile.TemporaryDirectory(prefix="mesgraph-benchmark-") as folder,
        peers.loaded(given.peers, graph, Path(folder), server) as loaded,
    ):
        names = [peer.name for peer in loaded]
        versions = {name: version(name) for name in ("numpy", *names) if name not in ("postgresql", "sqlite")}
        report = Report(
            "genealogy",
            conditions(given.size, "postgresql" if "postgresql" in names else "none", edges=size.edges)
            | {"nodes": genealogy.nodes, "sources": size.sources, "versions": versions}
            | {"left_out": [name for name in peers.NAMES if name not in names]},
            size.rounds,
        )
        report.absolute["load"] = medians([{"mesgraph_s": load_s} | {f"{it.name}_s": it.load_s for it in loaded}])
        bench = Bench(size, genealogy, activities, core, loaded, Path(folder), report, core_bytes)
        find_classes(bench)
        for case in given.cases:
            began = perf_counter()
            CASES[case](bench)
            print(f"{case}: {perf_counter() - began:.1f} s", file=sys.stderr)
    report.print(given.json)


if __name__ == "__main__":
    main()
