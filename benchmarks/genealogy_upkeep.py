"""What keeps the core in step with the plant: appending, merging, snapshots, memory."""

import os
import pickle
import sqlite3
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.common import medians
from benchmarks.genealogy_core import Activities, Activity, Core, filled
from benchmarks.genealogy_data import Array, Kind, sample
from benchmarks.genealogy_traces import OURS, Bench, Trace, compared, forward, in_turns, microseconds
from benchmarks.peers import SQLITE_FILE, Adding, resident_bytes, sqlite_tracers, unpickled

BASE_SHARE = 0.9
SINGLE_EDGES_MAX = 20_000
ARRAY_EDGES_MAX = 1_000_000
APPENDED_CLASSES = ("back_median", "back_huge", "fwd_huge")
PICKLED_EDGES_MAX = 3_000_000

Work = tuple[Callable[..., Any], Sequence[tuple[Any, ...]], int]
"""A call, the arguments of each time, and how many edges these add together."""


@dataclass(frozen=True)
class Newest:
    """What a round appends: edge by edge, activity by activity, by columns."""

    by_edge: list[Activity]
    whole: list[Activity]
    columns: list[dict[str, Array]]
    pairs: list[tuple[int, int]]

    def by_core(self, core: Core) -> dict[str, Work]:
        """How the core does it."""
        return {
            "append": (core.append, self.by_edge, len(self.by_edge)),
            "append_activity": (core.append, self.whole, sum(len(activity.inputs) for activity in self.whole)),
            "append_array": (core.extend, [(some,) for some in self.columns], len(self.pairs)),
        }

    def by_peer(self, adding: Adding) -> dict[str, Work]:
        """How a peer does it."""
        single = [adding.arguments_of(edge) for activity in self.by_edge for edge in activity.edges]
        parts = [(activity.edges,) for activity in self.whole if activity.inputs]
        return {
            "append": (adding.one, single, len(single)),
            "append_activity": (adding.many, parts, sum(len(part) for (part,) in parts)),
            "append_array": (adding.many, [(self.pairs,)], len(self.pairs)),
        }


class Supply:
    """The newest activities, round by round."""

    def __init__(self, activities: Activities, begin: int, rounds: int) -> None:
        self.activities, self.next, self.position = activities, begin, begin + 1
        edges = activities.edges - int(activities.first[begin])
        self.single = min(SINGLE_EDGES_MAX, edges // (4 * rounds))
        self.array = min(ARRAY_EDGES_MAX, edges // (3 * rounds))

    def round(self) -> Newest:
        """The next ones."""
        activities, first = self.activities, self.activities.first
        begin, end = self._take(self.single)
        by_edge = [
            activities.of_one_edge(edge, self.position + n) for n, edge in enumerate(range(first[begin], first[end]))
        ]
        self.position += len(by_edge)
        begin, end = self._take(self.single)
        whole = [activities.whole(number, self.position + n) for n, number in enumerate(range(begin, end))]
        self.position += len(whole)
        begin, end = self._take(self.array)
        columns = list(activities.batches(begin, end, self.position - begin - 1))
        self.position += end - begin
        return Newest(by_edge, whole, columns, activities.pairs(begin, end))

    def _take(self, edges: int) -> tuple[int, int]:
        first = self.activities.first
        begin, self.next = self.next, int(np.searchsorted(first, first[self.next] + edges))
        return begin, self.next


def measure_append(bench: Bench) -> None:
    """Seconds per edge. Databases insert within a transaction that is rolled back: no commit counts."""
    core, begin = filled(bench.activities, BASE_SHARE)
    supply = Supply(bench.activities, begin, bench.size.rounds)
    adding = {peer.name: peer.adding for peer in bench.peers if peer.adding}
    names = [OURS, *adding]
    rounds: list[dict[str, dict[str, float]]] = []
    for turn in range(bench.size.rounds):
        newest = supply.round()
        at = turn % len(names)
        took: dict[str, dict[str, float]] = {}
        for name in names[at:] + names[:at]:
            if name == OURS:
                took[name] = {case: per_edge(work) for case, work in newest.by_core(core).items()}
            else:
                adding[name].begin()
                works = newest.by_peer(adding[name])
                took[name] = {case: per_edge(work, bench.size.budget_s) for case, work in works.items()}
                adding[name].undo()
        rounds.append(took)
    for case in rounds[0][OURS]:
        figures = medians([{f"{name}_us_per_edge": took[name][case] * 1e6 for name in names} for took in rounds])
        figures["edges_per_s"] = float(f"{1e6 / figures[f'{OURS}_us_per_edge']:.3g}")
        bench.note(case, figures, medians([_ratios(took, case) for took in rounds]))


def _ratios(took: dict[str, dict[str, float]], case: str) -> dict[str, float]:
    return {name: times[case] / took[OURS][case] for name, times in took.items() if name != OURS}


def per_edge(work: Work, budget_s: float = float("inf")) -> float:
    """Seconds per edge; ends early when the budget is used up, which is looked at ever more seldom."""
    call, arguments, edges = work
    done, step, began = 0, 1, perf_counter()
    while True:
        for given in arguments[done : done + step]:
            call(*given)
        done, step = min(done + step, len(arguments)), step * 2
        took = perf_counter() - began
        if done == len(arguments) or took > budget_s:
            return took / (edges * done / len(arguments))


def measure_appended(bench: Bench) -> Core:
    """Traces with the newest tenth of the edges appended, against the same ones with all merged.

    Beside the usual classes there are the ones that suffer most: of units and lots that became known since the base.
    """
    core, begin = filled(bench.activities, BASE_SHARE)
    before, edges = core.memory()["all"], core.appended
    for columns in bench.activities.batches(begin, bench.activities.nodes):
        core.extend(columns)
    appended = core.appended - edges
    grown = (core.memory()["all"] - before) / max(appended, 1)
    bench.note("append_memory", {"edges": appended, "bytes_per_edge": float(f"{grown:.3g}")}, {})
    classes = {name: bench.classes[name] for name in APPENDED_CLASSES}
    for name, kind in (("back_newest", Kind.FINISHED), ("fwd_newest", Kind.SUPPLIER_LOT)):
        newest = sample(bench.genealogy, kind, bench.activities.nodes)
        classes[name] = newest[newest >= begin][: bench.size.sources].tolist()
    for name, sources in classes.items():
        if sources:
            _measure_appended_class(bench, core, begin, name, sources)
    return core


def _measure_appended_class(bench: Bench, core: Core, begin: int, name: str, sources: Sequence[int]) -> None:
    traces: dict[str, Trace] = {"appended": core.tracer(forward(name)), "merged": bench.core.tracer(forward(name))}
    shares = []
    for source in sources:
        reached = traces["merged"](source)
        if not np.array_equal(np.sort(reached), np.sort(traces["appended"](source))):
            raise SystemExit(f"from node {source} appended edges lead to other nodes than merged ones")
        shares.append(bench.activities.share_from(begin, reached, forward(name)))
    runners = {which: (trace, len(sources)) for which, trace in traces.items()}
    taken = [in_turns(runners, sources, turn) for turn in range(bench.size.rounds)]
    figures = medians([microseconds(times) for times in taken])
    shape = {"sources": len(sources), "appended_share": float(f"{np.median(shares):.3g}")}
    bench.note(f"appended_10_{name}", shape | figures, medians([compared(times, "appended") for times in taken]))


def measure_merge(bench: Bench, core: Core) -> None:
    """Merges of all edges in a thread of its own, while this one traces.

    The first merge has a tenth of the edges to put into the base, the later ones little; each copies all.
    """
    trace, sources = core.tracer(False), bench.classes["back_median"]
    rounds, first_s = [], 0.0
    for turn in range(bench.size.rounds):
        alone, until = [_seconds(trace, sources[0])], perf_counter() + bench.size.window_s
        while perf_counter() < until:
            alone.append(_seconds(trace, sources[len(alone) % len(sources)]))
        seconds: list[float] = []
        worker = threading.Thread(target=lambda into=seconds: into.append(_merge_seconds(core)))
        worker.start()
        beside = [_seconds(trace, sources[0])]
        while worker.is_alive():
            beside.append(_seconds(trace, sources[len(beside) % len(sources)]))
        worker.join()
        if core.appended:
            raise SystemExit("a merge left appended edges")
        first_s = first_s or seconds[0]
        middle = {"alone_us": float(np.median(alone)) * 1e6, "beside_us": float(np.median(beside)) * 1e6}
        longest = {"alone_max_us": max(alone) * 1e6, "beside_max_us": max(beside) * 1e6}
        rounds.append({"seconds": seconds[0], "traces_beside": len(beside)} | middle | longest)
        # Something to merge again; all edges are copied whatever there is.
        edge = bench.activities.edges - 1 - turn
        core.append(*bench.activities.of_one_edge(edge, 2 * bench.activities.nodes + turn))
    figures = medians(rounds) | {"first_s": float(f"{first_s:.3g}"), "edges": bench.activities.edges}
    ratio = medians([{"alone": it["alone_us"] / it["beside_us"]} for it in rounds])
    bench.note("merge_traces", figures, ratio)


def _merge_seconds(core: Core) -> float:
    began = perf_counter()
    core.merge()
    return perf_counter() - began


def _seconds(call: Trace, source: int) -> float:
    began = perf_counter()
    call(source)
    return perf_counter() - began


def measure_snapshot(bench: Bench) -> None:
    """From a file that no cache of this machine holds to the first trace; peers: a pickle, a database file."""
    path = bench.folder / "snapshot"
    began = perf_counter()
    bench.core.save(path)
    saved_s = perf_counter() - began
    openers: dict[str, tuple[Path, Callable[[], Trace]]] = {OURS: (path, lambda: Core.opened(path).tracer(False))}
    by_name = {peer.name: peer for peer in bench.peers}
    if "rustworkx" in by_name and bench.activities.edges <= PICKLED_EDGES_MAX:
        pickled = bench.folder / "pickled"
        pickled.write_bytes(pickle.dumps(by_name["rustworkx"].holds, pickle.HIGHEST_PROTOCOL))
        openers["rustworkx"] = (pickled, lambda: unpickled(pickled))
    if "sqlite" in by_name:
        file = bench.folder / SQLITE_FILE
        openers["sqlite"] = (file, lambda: sqlite_tracers(sqlite3.connect(f"file:{file}?mode=ro", uri=True))[0])
    rounds, ratios = [], []
    for turn in range(bench.size.rounds):
        took = {name: _open(*given, bench.classes["back_median"], turn) for name, given in openers.items()}
        rounds.append({f"{name}_{part}_ms": ms for name, parts in took.items() for part, ms in parts.items()})
        ready = {name: parts["open"] + parts["first_trace"] for name, parts in took.items()}
        ratios.append({name: ms / ready[OURS] for name, ms in ready.items() if name != OURS})
    per_edge_bytes = sum(size_of(file) for file in files_of(path)) / bench.activities.edges
    figures = {"save_s": float(f"{saved_s:.3g}"), "bytes_per_edge": float(f"{per_edge_bytes:.3g}")}
    bench.note("snapshot", figures | medians(rounds), medians(ratios))


def _open(path: Path, opener: Callable[[], Trace], sources: Sequence[int], turn: int) -> dict[str, float]:
    forget(path)
    began = perf_counter()
    trace = opener()
    opened = perf_counter() - began
    source = sources[turn % len(sources)]
    return {"open": opened * 1e3, "first_trace": _seconds(trace, source) * 1e3, "again": _seconds(trace, source) * 1e3}


def files_of(path: Path) -> list[Path]:
    """A file, or those of a folder."""
    return [file for file in path.rglob("*") if file.is_file()] if path.is_dir() else [path]


def size_of(path: Path) -> int:
    """Bytes of a file."""
    return path.stat().st_size


def forget(path: Path) -> None:
    """Drop a file from the page cache; what is below this system may still hold it."""
    for file in files_of(path):
        descriptor = os.open(file, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def measure_memory(bench: Bench) -> None:
    """Bytes per edge. Peers hold edges and nodes alone: one ratio is about these of ours, one about all we hold."""
    edges = bench.activities.edges
    ours = {name: size / edges for name, size in bench.core.memory().items()} | {"resident": bench.core_bytes / edges}
    peers = {peer.name: peer.resident_bytes / edges for peer in bench.peers if peer.in_process}
    figures = {f"{OURS}_{name}": size for name, size in ours.items()} | {f"{n}_resident": s for n, s in peers.items()}
    bench.note("memory", medians([figures]), medians([{n: size / ours["topology"] for n, size in peers.items()}]))
    for name, size in medians([{name: size / ours["all"] for name, size in peers.items()}]).items():
        bench.report.ratios[f"memory_all_vs_{name}"] = size


def loaded_core(activities: Activities) -> tuple[Core, int, float]:
    """All of it, how much memory that took, and the seconds of appending and merging."""
    before, began = resident_bytes(), perf_counter()
    core, _ = filled(activities)
    return core, resident_bytes() - before, perf_counter() - began
