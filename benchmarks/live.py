"""Live topics: the same event to many subscribers of the same question, over WebSocket.

Cases: ``deliveries_1000`` and ``deliveries_5000``, so many subscribers of one principal. ``per_second``: messages that
came, from a command with twenty events to the last message of the last of them; ``p50_ms`` and ``p99_ms``: of the
messages of a command with one event, from the sending of the command; ``cpu_us``: the server's time of the processor
for each message of the twenty; ``idle_kb``: what its memory grew by for each subscriber.

Mercurius with its compiler (benchmarks/mercurius) is measured beside it, where it is installed, in turn and with as
many subscribers: its events are published in its own process at the word of a request, without a database.
"""

import asyncio
import contextlib
import json
import os
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.common import Client, Report, arguments, conditions, fresh_database, medians
from benchmarks.servers import mercurius_is_there, mercurius_topics, serving
from mesgraph.migration import first_admin_key

HERE = Path(__file__).parent
PEER = "mercurius"
COUNTS = (1_000, 5_000)
ROUNDS = {"S": 3, "M": 5, "L": 15}
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
    subscribed: Callable[[], Awaitable[int]]


class Subscribers:
    """The process of the subscribers (live_client.c)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    def still_there(self) -> None:
        """Ends the program where the subscribers have ended."""
        if self._process.returncode is not None:
            raise SystemExit("the subscribers ended")

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
        while await server.subscribed() < count:  # a server that tells would be disturbed
            many.still_there()
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        yield many
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def resident_kb(process: int) -> float:
    """Memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / KB


def cpu_s(process: int) -> float:
    """Time of the processor that a process has used."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(
    program: Path, servers: Mapping[str, Served], count: int, rounds: int
) -> dict[str, list[dict[str, float]]]:
    """So many rounds of each server, in turn, with ``count`` subscribers of each."""
    async with contextlib.AsyncExitStack() as stack:
        watched = {}
        for name, server in servers.items():
            before = resident_kb(server.process)
            many = await stack.enter_async_context(subscribers(program, server, count))
            watched[name] = many, (resident_kb(server.process) - before) / count
            await _round(many, server, count)
        measured: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (many, idle_kb) in watched.items():
                measured[name].append(await _round(many, servers[name], count) | {"idle_kb": idle_kb})
    for server in servers.values():
        while await server.subscribed():  # noqa: ASYNC110  # a server that tells would be disturbed
            await asyncio.sleep(0.05)
    return measured


async def _round(many: Subscribers, server: Served, count: int) -> dict[str, float]:
    await many.expect(1)
    await server.emit(1)
    _, p50_ns, p99_ns = map(int, (await many.told()).split())
    before, began = cpu_s(server.process), await many.expect(EVENTS)
    await server.emit(EVENTS)
    last = int((await many.told()).split()[0])
    return {
        "per_second": count * EVENTS / (last - began) * 1e9,
        "cpu_us": (cpu_s(server.process) - before) / count / EVENTS * 1e6,
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

        def read() -> int:
            with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=20) as answer:
                lines: list[str] = answer.read().decode().splitlines()
            return next(int(float(line.split()[1])) for line in lines if line.startswith("mesgraph_subscriptions "))

        async def subscribed() -> int:
            return await asyncio.to_thread(read)

        await emit(EVENTS)
        headers = [f"Authorization: Bearer {key}"]
        yield Served(server.port, server.process.pid, headers, {}, TOPIC, emit, subscribed)


@contextlib.contextmanager
def mercurius() -> Iterator[Served]:
    """The peer."""
    with mercurius_topics() as server:

        async def ask(query: str) -> Any:
            async with Client(server.port, "none") as client:
                return await client.ask(query)

        async def emit(events: int) -> None:
            await ask(f"mutation {{ emit(events: {events}) }}")

        async def subscribed() -> int:
            return int((await ask("{ subscribed }"))["subscribed"])

        yield Served(server.port, server.process.pid, [], {}, TOPIC, emit, subscribed)


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    rounds = ROUNDS[given.size]
    with built_client() as program, fresh_database(given.database) as database, contextlib.ExitStack() as stack:
        report = Report("live", conditions(given.size, database, events=EVENTS, descriptors=most), rounds)
        async with mesgraph(database) as server:
            servers = {"deliveries": server}
            if mercurius_is_there():
                servers[PEER] = stack.enter_context(mercurius())
            for count in COUNTS:
                measured = await measure(program, servers, count, rounds)
                report.absolute |= {f"{name}_{count}": medians(of_server) for name, of_server in measured.items()}
                if PEER in measured:
                    pairs = zip(measured["deliveries"], measured[PEER], strict=True)
                    ratio = statistics.median(own["per_second"] / peer["per_second"] for own, peer in pairs)
                    report.ratios[f"deliveries_{count}_vs_{PEER}"] = float(f"{ratio:.3g}")
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
