"""Traces through the core and through peers, in turns; amounts; two threads at a time.

A class holds sources by the size of their result, among random finished units (backward) and random lots of suppliers
(forward). In every round each source is asked of each tool once, one tool after the other, in another order every time;
databases take turns with us apart from the libraries, because what they leave of the caches is not what a library
leaves. A ratio is the median over the sources, and then over the rounds. Slow tools are asked of the first sources of
a class only, as many as a budget of time allows.
"""

import gc
import random
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from time import perf_counter, perf_counter_ns
from typing import Any

import numpy as np

from benchmarks.common import Report, medians
from benchmarks.genealogy_core import Activities, Core
from benchmarks.genealogy_data import Array, Genealogy, Kind, sample
from benchmarks.peers import Peer

OURS = "mesgraph"
CANDIDATES = 2_000
PERCENTILES = {
    "back_small": (10, 25),
    "back_median": (45, 55),
    "back_huge": (95, 100),
    "fwd_small": (30, 45),
    "fwd_median": (45, 55),
    "fwd_large": (78, 85),
    "fwd_huge": (98, 100),
}
QUANTITY = ("fwd_huge", "back_median")
GATHERED = 2**26
GATHERS = 2**20
LONG_S = 1e-3
MANY = 256

Trace = Callable[[int], Any]


@dataclass(frozen=True)
class Size:
    """How much is measured: per peer and class, and in each window of a rate, so many seconds in every round."""

    edges: int
    rounds: int
    budget_s: float
    window_s: float
    sources: int = 30


@dataclass
class Bench:
    """What all cases need."""

    size: Size
    genealogy: Genealogy
    activities: Activities
    core: Core
    peers: list[Peer]
    folder: Path
    report: Report
    core_bytes: int = 0
    classes: dict[str, list[int]] = field(default_factory=dict)

    def note(self, case: str, figures: Mapping[str, float], ratios: Mapping[str, float]) -> None:
        """Into the report: figures, and ratios by what is compared with."""
        self.report.absolute[case] = dict(figures)
        for peer, ratio in ratios.items():
            self.report.ratios[f"{case}_vs_{peer}"] = ratio


def forward(name: str) -> bool:
    """Whether a class is traced forward."""
    return name.startswith("fwd")


def find_classes(bench: Bench) -> None:
    """Sources of every class, in random order: a slow peer is asked of the first ones."""
    rng = np.random.default_rng(3)
    for start, prefix in ((Kind.FINISHED, "back"), (Kind.SUPPLIER_LOT, "fwd")):
        trace = bench.core.tracer(prefix == "fwd")
        nodes = sample(bench.genealogy, start, CANDIDATES)
        nodes = nodes[np.argsort([len(trace(int(node))) for node in nodes], kind="stable")]
        for name, (low, high) in PERCENTILES.items():
            if name.startswith(prefix):
                some = nodes[len(nodes) * low // 100 : -(-len(nodes) * high // 100)]
                bench.classes[name] = [int(node) for node in rng.permutation(evenly(some, bench.size.sources))]


def evenly(nodes: Array, count: int) -> Array:
    """So many of them, at equal distances."""
    chosen: Array = nodes[np.unique(np.linspace(0, len(nodes) - 1, min(count, len(nodes))).astype(int))]
    return chosen


def in_turns(runners: Mapping[str, tuple[Trace, int]], sources: Sequence[int], turn: int) -> dict[str, Array]:
    """Seconds of each runner (a call, and how many sources it gets) for its sources, of one round."""
    draw, names = random.Random(turn), list(runners)
    taken: dict[str, list[int]] = {name: [] for name in names}
    gc.collect()
    gc.disable()
    for i, source in enumerate(sources):
        # At random, or one tool would always come behind the same other one.
        for name in draw.sample(names, len(names)):
            call, count = runners[name]
            if i < count:
                began = perf_counter_ns()
                result = call(source)
                taken[name].append(perf_counter_ns() - began)
                # Freed while no clock runs: a set of a million takes its time.
                del result
    gc.enable()
    return {name: np.array(times) / 1e9 for name, times in taken.items()}


def compared(taken: Mapping[str, Array], ours: str) -> dict[str, float]:
    """Of one round: what each of the others takes in terms of ours."""
    return {name: float(np.median(times / taken[ours][: len(times)])) for name, times in taken.items() if name != ours}


def microseconds(taken: Mapping[str, Array]) -> dict[str, float]:
    """Of one round: the middle of each."""
    return {f"{name}_us": float(np.median(times)) * 1e6 for name, times in taken.items()}


def measure_class(bench: Bench, name: str) -> None:
    """One class of traces, against all peers and against what the memory of this machine permits."""
    sources = bench.classes[name]
    ours = bench.core.tracer(forward(name))
    asked = {peer.name: agreement(bench, sources, ours, peer, forward(name)) for peer in bench.peers}
    libraries, databases = (
        {OURS: (ours, len(sources))}
        | {
            peer.name: (peer.forward if forward(name) else peer.backward, asked[peer.name])
            for peer in bench.peers
            if peer.in_process is in_process
        }
        for in_process in (True, False)
    )
    results = [ours(source) for source in sources]
    edges = np.array([bench.activities.scanned(result, forward(name)) for result in results])
    nodes = np.array([len(result) for result in results])
    del results
    rounds, ratios = [], []
    for turn in range(bench.size.rounds):
        gather_s = gather_seconds(turn)
        taken = in_turns(libraries, sources, turn)
        beside = in_turns(databases, sources, turn)
        limit = (2 * nodes + edges) * gather_s / taken[OURS]
        rounds.append(
            microseconds(beside)
            | microseconds(taken)
            | {
                f"{OURS}_p95_us": float(np.percentile(taken[OURS], 95)) * 1e6,
                "edges_per_s": float(np.median(edges / taken[OURS])),
                "gather_ns": gather_s * 1e9,
            }
        )
        ratios.append(compared(taken, OURS) | compared(beside, OURS) | {"limit": float(np.median(limit))})
    shape = {"sources": len(sources), "nodes": float(np.median(nodes)), "edges": float(np.median(edges))}
    few = {f"{peer}_sources": count for peer, count in asked.items() if count < len(sources)}
    bench.note(name, shape | few | medians(rounds), medians(ratios))


def agreement(bench: Bench, sources: Sequence[int], ours: Trace, peer: Peer, is_forward: bool) -> int:
    """How many sources a peer gets; for these it must find as many nodes as we do. Warms everything up, too."""
    trace = peer.forward if is_forward else peer.backward
    began = perf_counter()
    for asked, source in enumerate(sources, 1):
        theirs, found = peer.count(trace(source)), len(ours(source))
        if theirs != found:
            raise SystemExit(f"from node {source} {peer.name} reaches {theirs} nodes, and we reach {found}")
        if perf_counter() - began > bench.size.budget_s:
            return asked
    return len(sources)


def gather_seconds(seed: int) -> float:
    """Seconds of one of many independent reads from 256 MB, which is far more than caches hold.

    A trace cannot do without such reads: the offset and the first neighbour of every node, the mark behind every edge.
    Measured beside a loop in C, numpy's takes the same within a tenth: both wait for memory.
    """
    block = _block()
    where = np.random.default_rng(seed).integers(0, len(block), (3, GATHERS))
    into = np.empty(GATHERS, np.int32)
    times = []
    for some in where:
        began = perf_counter()
        np.take(block, some, out=into, mode="clip")
        times.append(perf_counter() - began)
    return float(np.median(times)) / GATHERS


@cache
def _block() -> Array:
    return np.ones(GATHERED, np.int32)


def measure_quantity(bench: Bench) -> None:
    """Amounts against a breadth-first search for the same nodes without amounts."""
    for name in QUANTITY:
        sources = bench.classes[name]
        amounts, reach = bench.core.amounts(forward(name)), bench.core.breadth_first(forward(name))
        for source in sources:
            if len(amounts(source)[0]) != len(reach(source)):
                raise SystemExit(f"from node {source} there are amounts for another number of nodes")
        runners = {"amounts": (amounts, len(sources)), "reach": (reach, len(sources))}
        taken = [in_turns(runners, sources, turn) for turn in range(bench.size.rounds)]
        figures = medians([microseconds(times) for times in taken])
        bench.note(f"quantity_{name}", figures, medians([compared(times, "amounts") for times in taken]))


def measure_threads(bench: Bench) -> None:
    """Two threads against one, for long traces, for tiny ones one by one, and for tiny ones by the hundred."""
    long, is_forward = long_traces(bench)
    tiny = bench.classes["fwd_small"]
    hundreds = np.array(list(islice(cycle(tiny), MANY)), np.int32)
    trace_long, trace_tiny = bench.core.tracer(is_forward), bench.core.tracer(True)
    window = bench.size.window_s
    one_by_one = two_against_one(trace_tiny, tiny, window, bench.size.rounds)
    many = two_against_one(lambda _: bench.core.trace_many(hundreds, True), [0], window, bench.size.rounds, MANY)
    cases = {
        "threads_long": two_against_one(trace_long, long, window, bench.size.rounds),
        "threads_tiny": one_by_one,
        "threads_tiny_many": many,
    }
    for case, figures in cases.items():
        bench.note(case, figures, {"one_thread": figures.pop("ratio")})
    gain = many["one_thread_per_s"] / one_by_one["one_thread_per_s"]
    bench.report.ratios["threads_tiny_many_vs_one_by_one"] = float(f"{gain:.3g}")


def long_traces(bench: Bench) -> tuple[list[int], bool]:
    """Sources whose trace takes more than a millisecond, of the class that has most; else the longest ones."""
    best: tuple[int, list[int], bool] = (0, bench.classes["fwd_huge"], True)
    for name, sources in bench.classes.items():
        runners: dict[str, tuple[Trace, int]] = {OURS: (bench.core.tracer(forward(name)), len(sources))}
        times = np.median([in_turns(runners, sources, turn)[OURS] for turn in range(2)], axis=0)
        long = [source for source, time in zip(sources, times, strict=True) if time > LONG_S]
        if len(long) > best[0]:
            best = (len(long), long, forward(name))
    return best[1], best[2]


def two_against_one(
    call: Trace, sources: Sequence[int], window_s: float, rounds: int, each: int = 1
) -> dict[str, float]:
    """Traces per second; a call makes ``each`` of them. The work of both is the same."""
    began = perf_counter()
    call(sources[0])
    calls = 0
    while perf_counter() - began < window_s / 4:
        call(sources[calls % len(sources)])
        calls += 1
    work = list(islice(cycle(sources), max(2, 4 * calls) // 2 * 2))
    taken = []
    for turn in range(rounds):
        shares: list[list[Sequence[int]]] = [[work], [work[::2], work[1::2]]]
        order = (0, 1) if turn % 2 else (1, 0)
        seconds = {which: together(call, shares[which]) for which in order}
        one, two = len(work) * each / seconds[0], len(work) * each / seconds[1]
        taken.append({"one_thread_per_s": one, "two_threads_per_s": two, "ratio": two / one})
    return medians(taken)


def together(call: Trace, shares: Sequence[Sequence[int]]) -> float:
    """Seconds until a thread for each share is through with it."""
    ready = threading.Barrier(len(shares) + 1)

    def run(share: Sequence[int]) -> None:
        ready.wait()
        for source in share:
            call(source)

    threads = [threading.Thread(target=run, args=(share,)) for share in shares]
    for thread in threads:
        thread.start()
    ready.wait()
    began = perf_counter()
    for thread in threads:
        thread.join()
    return perf_counter() - began
