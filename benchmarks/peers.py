"""Other tools with the same graph: in-memory graph libraries, and databases asked by recursive queries.

The databases only count what they find: their answers need not travel, which favours them.
"""

import contextlib
import ctypes
import os
import pickle
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import igraph
import numpy as np
import psycopg
import rustworkx
from scipy.sparse import csr_array
from scipy.sparse.csgraph import breadth_first_order

from benchmarks.common import any_postgresql
from benchmarks.genealogy_data import Array
from tests.services import create_database, drop_database

Pairs = Sequence[tuple[int, int]]
SQLITE_FILE = "edges.db"
LOAD_EDGES = 1_000_000
REACHED = """WITH RECURSIVE reached(id) AS (SELECT CAST({node} AS integer)
  UNION SELECT {to} FROM edges JOIN reached ON {by} = id) SELECT count(*) FROM reached"""
POSTGRESQL_MEMORY_BYTES_MAX = 2**31


@dataclass
class Graph:
    """What is loaded."""

    nodes: int
    parent: Array
    child: Array


@dataclass
class Peer:
    """A tool that holds the graph."""

    name: str
    backward: Callable[[int], Any]
    forward: Callable[[int], Any]
    count: Callable[[Any], int]
    """How many nodes an answer of the two holds, the start included."""
    adding: "Adding | None" = None
    """None: nothing can be added."""
    in_process: bool = True
    holds: Any = None
    """The tool's own object, where it can be pickled."""
    load_s: float = 0.0
    resident_bytes: int = 0


@dataclass
class Adding:
    """How edges of known nodes are added."""

    one: Callable[..., Any]
    arguments_of: Callable[[tuple[int, int]], tuple[Any, ...]]
    """What ``one`` takes for an edge; made before the clock runs."""
    many: Callable[[Pairs], Any]
    begin: Callable[[], Any] = lambda: None
    undo: Callable[[], Any] = lambda: None
    """Takes back what was added, where that costs nothing."""


def resident_bytes() -> int:
    """Memory of this process, after what is free was given back."""
    with contextlib.suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def of_rustworkx(graph: Graph) -> Iterator[Peer]:
    """Answers are sets without the start."""
    it = rustworkx.PyDiGraph(multigraph=True)
    it.add_nodes_from([None] * graph.nodes)
    for begin in range(0, len(graph.parent), LOAD_EDGES):
        part = slice(begin, begin + LOAD_EDGES)
        it.add_edges_from_no_data(list(zip(graph.parent[part].tolist(), graph.child[part].tolist(), strict=True)))

    yield Peer(
        "rustworkx",
        lambda node: rustworkx.ancestors(it, node),
        lambda node: rustworkx.descendants(it, node),
        lambda found: len(found) + 1,
        Adding(it.add_edge, lambda edge: (*edge, None), it.add_edges_from_no_data),
        holds=it,
    )


def unpickled(path: Path) -> Callable[[int], Any]:
    """Backward traces through a pickled rustworkx graph."""
    with path.open("rb") as file:
        it = pickle.load(file)
    return lambda node: rustworkx.ancestors(it, node)


@contextlib.contextmanager
def of_scipy(graph: Graph) -> Iterator[Peer]:
    """A matrix for each direction; nothing can be added to it."""

    def matrix(source: Array, target: Array) -> Any:
        order = np.argsort(source, kind="stable")
        first = np.zeros(graph.nodes + 1, np.int32)
        np.cumsum(np.bincount(source, minlength=graph.nodes), out=first[1:])
        # Weights of the one type that the search takes without converting them on every call.
        return csr_array((np.ones(len(order)), target[order], first), shape=(graph.nodes, graph.nodes))

    into, out = matrix(graph.child, graph.parent), matrix(graph.parent, graph.child)
    yield Peer(
        "scipy",
        lambda node: breadth_first_order(into, node, directed=True, return_predecessors=False),
        lambda node: breadth_first_order(out, node, directed=True, return_predecessors=False),
        len,
    )


@contextlib.contextmanager
def of_igraph(graph: Graph) -> Iterator[Peer]:
    """Every addition, however small, builds its indexes anew."""
    it = igraph.Graph(n=graph.nodes, edges=np.stack([graph.parent, graph.child], axis=1), directed=True)
    yield Peer(
        "igraph",
        lambda node: it.subcomponent(node, mode="in"),
        lambda node: it.subcomponent(node, mode="out"),
        len,
        Adding(it.add_edge, lambda edge: edge, it.add_edges),
    )


@contextlib.contextmanager
def of_sqlite(graph: Graph, folder: Path) -> Iterator[Peer]:
    """Both indexes cover the query; the page cache holds everything."""
    connection = sqlite3.connect(folder / SQLITE_FILE, isolation_level=None)
    connection.execute("PRAGMA journal_mode=off")
    connection.execute("PRAGMA synchronous=off")
    connection.execute("PRAGMA cache_size=-4000000")
    connection.execute("CREATE TABLE edges (parent integer NOT NULL, child integer NOT NULL)")
    connection.execute("BEGIN")
    for begin in range(0, len(graph.parent), LOAD_EDGES):
        part = slice(begin, begin + LOAD_EDGES)
        rows = zip(graph.parent[part].tolist(), graph.child[part].tolist(), strict=True)
        connection.executemany("INSERT INTO edges VALUES (?, ?)", rows)
    connection.execute("CREATE INDEX forward ON edges (parent, child)")
    connection.execute("CREATE INDEX backward ON edges (child, parent)")
    connection.execute("ANALYZE")
    connection.execute("COMMIT")
    connection.execute("PRAGMA journal_mode=wal")

    adding = Adding(
        connection.execute,
        lambda edge: ("INSERT INTO edges VALUES (?, ?)", edge),
        lambda edges: connection.executemany("INSERT INTO edges VALUES (?, ?)", edges),
        lambda: connection.execute("BEGIN"),
        lambda: connection.execute("ROLLBACK"),
    )
    yield Peer("sqlite", *sqlite_tracers(connection), int, adding, in_process=False)
    connection.close()


def sqlite_tracers(connection: sqlite3.Connection) -> tuple[Callable[[int], int], Callable[[int], int]]:
    """Backward and forward."""
    backward = REACHED.format(node="?", to="parent", by="child")
    forward = REACHED.format(node="?", to="child", by="parent")
    return (
        lambda node: int(connection.execute(backward, (node,)).fetchone()[0]),
        lambda node: int(connection.execute(forward, (node,)).fetchone()[0]),
    )


@contextlib.contextmanager
def of_postgresql(graph: Graph, server: str | None) -> Iterator[Peer | None]:
    """On the named server, else on one of its own; None where there are no programs of one."""
    with contextlib.ExitStack() as stack:
        memory = min(POSTGRESQL_MEMORY_BYTES_MAX, os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4)
        if server is None:
            server = stack.enter_context(any_postgresql(shared_buffers=f"{memory // 2**20}MB"))
        if server is None:
            yield None
            return
        name = f"benchmark_{uuid.uuid4().hex}"
        url = create_database(server, name)
        stack.callback(drop_database, server, name)
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        _load_postgresql(connection, graph)

        def tracer(to: str, by: str) -> Callable[[int], int]:
            query = REACHED.format(node="%s", to=to, by=by)
            return lambda node: next(connection.execute(query, (node,), prepare=True))[0]

        def add_many(edges: Pairs) -> None:
            with connection.cursor() as cursor:
                cursor.executemany("INSERT INTO edges VALUES (%s, %s)", edges)

        adding = Adding(
            connection.execute,
            lambda edge: ("INSERT INTO edges VALUES (%s, %s)", edge),
            add_many,
            lambda: connection.execute("BEGIN"),
            lambda: connection.execute("ROLLBACK"),
        )
        backward, forward = tracer("parent", "child"), tracer("child", "parent")
        yield Peer("postgresql", backward, forward, int, adding, in_process=False)


def _load_postgresql(connection: psycopg.Connection[Any], graph: Graph) -> None:
    row = np.dtype([("columns", ">i2"), ("s0", ">i4"), ("parent", ">i4"), ("s1", ">i4"), ("child", ">i4")])
    connection.execute("SET maintenance_work_mem = '512MB'")
    connection.execute("SET work_mem = '256MB'")
    connection.execute("SET jit = off")
    connection.execute("CREATE UNLOGGED TABLE edges (parent integer NOT NULL, child integer NOT NULL)")
    with connection.cursor() as cursor, cursor.copy("COPY edges FROM STDIN (FORMAT binary)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for begin in range(0, len(graph.parent), LOAD_EDGES):
            part = slice(begin, begin + LOAD_EDGES)
            rows = np.empty(len(graph.parent[part]), row)
            rows["columns"], rows["s0"], rows["s1"] = 2, 4, 4
            rows["parent"], rows["child"] = graph.parent[part], graph.child[part]
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")
    connection.execute("CREATE INDEX ON edges (parent, child)")
    connection.execute("CREATE INDEX ON edges (child, parent)")
    # Makes index-only scans possible.
    connection.execute("VACUUM (ANALYZE) edges")


NAMES = ("rustworkx", "scipy", "igraph", "postgresql", "sqlite")


@contextlib.contextmanager
def loaded(names: Sequence[str], graph: Graph, folder: Path, server: str | None) -> Iterator[list[Peer]]:
    """The named peers; what this machine lacks is left out."""
    makers: dict[str, Callable[[], contextlib.AbstractContextManager[Peer | None]]] = {
        "rustworkx": lambda: of_rustworkx(graph),
        "scipy": lambda: of_scipy(graph),
        "igraph": lambda: of_igraph(graph),
        "postgresql": lambda: of_postgresql(graph, server),
        "sqlite": lambda: of_sqlite(graph, folder),
    }
    with contextlib.ExitStack() as stack:
        peers = []
        for name in names:
            before, began = resident_bytes(), time.perf_counter()
            peer = stack.enter_context(makers[name]())
            if peer is not None:
                peer.load_s = time.perf_counter() - began
                peer.resident_bytes = resident_bytes() - before
                peers.append(peer)
        yield peers
