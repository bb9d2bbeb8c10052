"""The servers that benchmarks ask: mesgraph, and its peers over the same tables, each in a process of its own.

``make bench-setup`` installs the peers; what is not installed is not asked.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

START_S_MAX = 60
STOP_S_MAX = 20
HERE = Path(__file__).parent
MERCURIUS = HERE / "mercurius"
POSTGRAPHILE = HERE / "postgraphile"
UNLIMITED = {"MESGRAPH_CPU_MS": "0", "MESGRAPH_CONNECTIONS_PER_PEER": "10000"}
"""A benchmark is one principal at one address that asks as much as it can."""


@dataclass(frozen=True)
class Server:
    """A server process."""

    port: int
    process: subprocess.Popen[bytes]
    ready_after_s: float


@contextlib.contextmanager
def running(program: Callable[[int], Sequence[str | Path]], **settings: str) -> Iterator[Server]:
    """Run what ``program`` makes of a free port until the block ends; it answers at /readyz when it is ready."""
    port = free_port()
    began = time.perf_counter()
    process = subprocess.Popen(program(port), env=os.environ | UNLIMITED | settings, stdout=sys.stderr)
    try:
        wait_until_ready(port, process)
        yield Server(port, process, time.perf_counter() - began)
    finally:
        process.terminate()
        process.wait(STOP_S_MAX)


def serving(database: str, *options: str, **settings: str) -> contextlib.AbstractContextManager[Server]:
    """``mesgraph serve`` on ``database``."""
    program = [Path(sys.executable).parent / "mesgraph", "serve", "--database", database, *options]
    return running(lambda port: [*program, "--port", str(port)], **settings)


def application(factory: str, **settings: str) -> contextlib.AbstractContextManager[Server]:
    """An application of Python, ``module:function``, with the server that mesgraph uses."""
    program = [sys.executable, "-m", "uvicorn", "--factory", factory, "--log-level", "warning", "--no-access-log"]
    return running(lambda port: [*program, "--timeout-keep-alive", "60", "--port", str(port)], **settings)


def strawberry(database: str) -> contextlib.AbstractContextManager[Server]:
    """Strawberry over asyncpg, tuned by hand (benchmarks/strawberry_peer.py)."""
    return application("benchmarks.strawberry_peer:application", PEER_DATABASE=plain(database))


def mercurius(database: str, columns: str) -> contextlib.AbstractContextManager[Server]:
    """Mercurius with its JIT: ``all`` columns, as its documents show it, or those that are ``asked`` for."""
    program = ["node", MERCURIUS / "queries.js"]
    return running(lambda port: [*program, str(port), plain(database), columns])


def mercurius_topics() -> contextlib.AbstractContextManager[Server]:
    """Mercurius with its JIT and one live topic, without a database."""
    return running(lambda port: ["node", MERCURIUS / "topics.js", str(port)])


def mercurius_is_there() -> bool:
    """Whether Node and the peer are installed."""
    return shutil.which("node") is not None and (MERCURIUS / "node_modules").exists()


def postgraphile(database: str) -> contextlib.AbstractContextManager[Server]:
    """PostGraphile, with the Node of its lock file: it wants a newer one than many a machine has."""
    program = [POSTGRAPHILE / "node_modules" / ".bin" / "node", POSTGRAPHILE / "server.js"]
    return running(lambda port: [*program, str(port), plain(database)])


def postgraphile_is_there() -> bool:
    """Whether the peer is installed, and its Node, which there is for Linux on x64."""
    return (POSTGRAPHILE / "node_modules" / ".bin" / "node").exists()


def plain(database: str) -> str:
    """The URL of a PostgreSQL database without the name of a driver."""
    return database.replace("postgresql+asyncpg", "postgresql")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the server answers that it can; ends the program when it does not."""
    deadline = time.monotonic() + START_S_MAX
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(URLError, ConnectionError), urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5):
            return
        time.sleep(0.02)
    raise SystemExit("the server did not become ready")
