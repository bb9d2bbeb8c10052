"""Live topics: the same event to many subscribers of the same question, over WebSocket.

Cases: ``deliveries_1000`` and ``deliveries_5000``, so many subscribers of one principal. ``per_second``: messages that
came, from a command with twenty events to the last message of the last of them; ``p50_ms`` and ``p99_ms``: of the
messages of a command with one event, from the sending of the command; ``idle_kb``: what the server's memory grew by for
each subscriber. Mercurius with its compiler (benchmarks/mercurius) is measured beside it, where it is installed: its
events are published in its own process at the word of a request, without a database.
"""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from benchmarks.common import Client, Report, arguments, conditions, fresh_database, medians, serving
from mesgraph.migration import first_admin_key

HERE = Path(__file__).parent
MERCURIUS = HERE / "mercurius"
COUNTS = {"S": (1_000, 5_000), "M": (1_000, 5_000), "L": (1_000, 5_000)}
ROUNDS = {"S": 3, "M": 7, "L": 15}
EVENTS = 20
TOPIC = """subscription { ledgerAppended(types: ["SITE_SUBMITTED"]) {
  cursor event { eventId type actor occurredAt recordedAt reasonCode leafHash } } }"""
SUBMIT = """mutation ($sites: [SiteInput!]!) { submitSites(input: {sites: $sites}) { userErrors { code message } } }"""
KB = 1024


@dataclass(frozen=True)
class Served:
    """A server to subscribe to: where, and how to make it send so many events."""

    port: int
    process: int
    headers: Sequence[str]
    init: Mapping[str, str]
    topic: str
    emit: Callable[[int], Awaitable[None]]
    subscribed: Callable[[], int]


class Subscribers:
    """The process of the subscribers (live_client.c)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def told(self) -> str:
        """Its next line."""
        assert self._process.stdout is not None
        line = (await self._process.stdout.readline()).decode().strip()
        if not line:
            raise SystemExit("the subscribers ended")
        return line

    async def expect(self, messages: int) -> int:
        """Wait for so many messages from now on; when that is, in nanoseconds."""
        assert self._process.stdin is not None
        began = time.monotonic_ns()
        self._process.stdin.write(f"{messages} {began}\n".encode())
        assert await self.told() == "begun"
        return began


@contextlib.contextmanager
def built_client() -> Iterator[Path]:
    """The program of the subscribers."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise SystemExit("a C compiler is wanted, as for the compiled modules")
    with tempfile.TemporaryDirectory(prefix="mesgraph-benchmark-") as folder:
        program = Path(folder) / "live_client"
        subprocess.run([compiler, "-O2", "-o", program, HERE / "live_client.c"], check=True)
        yield program


@contextlib.asynccontextmanager
async def subscribers(program: Path, server: Served, count: int) -> AsyncIterator[Subscribers]:
    """So many subscribers of a server, all of them in."""
    request = ["GET /graphql HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Upgrade: websocket", "Connection: Upgrade"]
    request += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    request += ["Sec-WebSocket-Protocol: graphql-transport-ws", *server.headers]
    init = {"type": "connection_init", "payload": server.init}
    subscribe = {"id": "0b6a4a54-1dc8-4c8a-9d4b-1c9f3a1d6c11", "type": "subscribe", "payload": {"query": server.topic}}
    lines = ["|".join(request), json.dumps(init), json.dumps(subscribe)]
    process = await asyncio.create_subprocess_exec(
        program, str(server.port), str(count), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write("".join(f"{line}\n" for line in lines).encode())
    try:
        many = Subscribers(process)
        assert await many.told() == "ready"
        while server.subscribed() < count:
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        yield many
    finally:
        process.kill()
        await process.wait()


def resident_kb(process: int) -> float:
    """Memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / KB


async def measure(program: Path, server: Served, count: int, rounds: int) -> dict[str, float]:
    """Medians of so many rounds with ``count`` subscribers."""
    before = resident_kb(server.process)
    async with subscribers(program, server, count) as many:
        idle_kb = (resident_kb(server.process) - before) / count
        await _round(many, server, count)
        measured = medians([await _round(many, server, count) for _ in range(rounds)])
    while server.subscribed():
        await asyncio.sleep(0.05)
    return measured | {"idle_kb": round(idle_kb, 1)}


async def _round(many: Subscribers, server: Served, count: int) -> dict[str, float]:
    await many.expect(1)
    await server.emit(1)
    _, p50_ns, p99_ns = map(int, (await many.told()).split())
    began = await many.expect(EVENTS)
    await server.emit(EVENTS)
    last = int((await many.told()).split()[0])
    return {
        "per_second": count * EVENTS / (last - began) * 1e9,
        "p50_ms": p50_ns / 1e6,
        "p99_ms": p99_ns / 1e6,
    }


@contextlib.asynccontextmanager
async def mesgraph(database: str) -> AsyncIterator[Served]:
    """This server, and a command whose events are those of the topic."""
    key = first_admin_key(database)
    assert key is not None
    with serving(database) as server:
        calls = 0

        async def emit(events: int) -> None:
            nonlocal calls
            calls += 1
            named = [{"code": f"S{n}", "name": f"Call {calls}", "timeZone": "UTC"} for n in range(events)]
            async with Client(server.port, key) as client:
                assert (await client.ask(SUBMIT, sites=named))["submitSites"]["userErrors"] == []

        def subscribed() -> int:
            with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=20) as answer:
                lines: list[str] = answer.read().decode().splitlines()
            return next(int(float(line.split()[1])) for line in lines if line.startswith("mesgraph_subscriptions "))

        await emit(EVENTS)
        headers = [f"Authorization: Bearer {key}"]
        yield Served(server.port, server.process.pid, headers, {}, TOPIC, emit, subscribed)


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    rounds = ROUNDS[given.size]
    with built_client() as program, fresh_database(given.database) as database:
        report = Report("live", conditions(given.size, database, events=EVENTS, descriptors=most), rounds)
        async with mesgraph(database) as server:
            for count in COUNTS[given.size]:
                report.absolute[f"deliveries_{count}"] = await measure(program, server, count, rounds)
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
