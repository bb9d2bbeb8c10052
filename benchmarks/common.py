"""What the benchmarks share: arguments, a fresh database, load over HTTP, and the report."""

import argparse
import asyncio
import contextlib
import json
import operator
import os
import platform
import statistics
import tempfile
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mesgraph.migration import migrate
from tests.services import create_database, drop_database, postgresql_server


@dataclass(frozen=True)
class Size:
    """How much is measured: seconds and rounds of each case, and how many orders the plant has."""

    window_s: float
    rounds: int
    orders: int


SIZES = {"S": Size(0.8, 3, 100), "M": Size(1, 5, 1_000), "L": Size(10, 7, 10_000)}


def parser_of(description: str) -> argparse.ArgumentParser:
    """Knows the arguments that every benchmark takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--size", choices=SIZES, default="S")
    parser.add_argument(
        "--database",
        help="postgresql://USER@HOST[/NAME]: a server to make databases on; `postgresql`: one of its own; else SQLite",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


def arguments(description: str) -> argparse.Namespace:
    """The arguments that every benchmark takes."""
    return parser_of(description).parse_args()


@dataclass
class Report:
    """One JSON object."""

    benchmark: str
    conditions: dict[str, Any]
    rounds: int
    absolute: dict[str, Any] = field(default_factory=dict)
    ratios: dict[str, float] = field(default_factory=dict)

    def print(self, as_json: bool) -> None:
        """To standard output, in one line or readable."""
        print(json.dumps(vars(self), indent=None if as_json else 2))


def conditions(size: str, database: str, **more: Any) -> dict[str, Any]:
    """Where and how it was measured."""
    return {
        "size": size,
        "database": database.partition(":")[0],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        **more,
    }


@contextlib.contextmanager
def fresh_database(server: str | None) -> Iterator[str]:
    """A migrated, empty database: an SQLite file, or one of its own on the PostgreSQL ``server``."""
    with contextlib.ExitStack() as stack:
        if server == "postgresql":
            server = stack.enter_context(any_postgresql())
            if server is None:
                raise SystemExit("there are no programs of a PostgreSQL server on this machine")
        if server is None:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="mesgraph-benchmark-"))
            url = f"sqlite:///{Path(folder) / 'plant.db'}"
        elif server.startswith("postgresql"):
            name = f"benchmark_{uuid.uuid4().hex}"
            url = create_database(server, name)
            stack.callback(drop_database, server, name)
        else:
            raise SystemExit("--database names a PostgreSQL server; leave it out for SQLite")
        migrate(url)
        yield url


@contextlib.contextmanager
def any_postgresql(**settings: str) -> Iterator[str | None]:
    """A PostgreSQL server for comparisons: the named one or an own one, if there are its programs."""
    with postgresql_server(**settings) as url:
        yield url


class Client(asyncio.Protocol):
    """One HTTP connection that is kept, with no more protocol than the load needs: the load shares the machine."""

    def __init__(self, port: int, key: str) -> None:
        self._port = port
        self._head = (
            f"POST /graphql HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()
        self._received = bytearray()
        self._wanted = 0
        self._answer: asyncio.Future[bytes] | None = None

    async def __aenter__(self) -> "Client":
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_connection(lambda: self, "127.0.0.1", self._port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._transport.close()

    async def post(self, body: bytes) -> bytes:
        """The body of the answer."""
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(b"%b%d\r\n\r\n%b" % (self._head, len(body), body))
        return await self._answer

    def data_received(self, data: bytes) -> None:
        """Answer when all is there."""
        self._received += data
        if not self._wanted:
            head, there, _ = self._received.partition(b"\r\n\r\n")
            if not there:
                return
            length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
            self._wanted = len(head) + 4 + int(length)
        if len(self._received) >= self._wanted and self._answer is not None:
            head, _, answer = bytes(self._received).partition(b"\r\n\r\n")
            self._received.clear()
            self._wanted = 0
            if head.startswith(b"HTTP/1.1 200"):
                self._answer.set_result(answer)
            else:
                self._answer.set_exception(RuntimeError(answer[:500].decode()))

    def connection_lost(self, error: Exception | None) -> None:
        """Whoever waits gets no answer."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error or ConnectionError("the server hung up"))

    async def ask(self, query: str, **variables: Any) -> Any:
        """``data``, which there must be."""
        answer = json.loads(await self.post(body(query, **variables)))
        if "errors" in answer:
            raise RuntimeError(str(answer["errors"])[:500])
        return answer["data"]


def body(query: str, **variables: Any) -> bytes:
    """A request."""
    return json.dumps({"query": query, "variables": variables}).encode()


@dataclass(frozen=True)
class Case:
    """What is asked again and again: ``make(client, n)`` is a request."""

    name: str
    clients: int
    make: Callable[[int, int], bytes]
    expected_bytes_min: int = 1


@dataclass(frozen=True)
class Asked:
    """A server that is asked a case; ``words`` make its own request of one to mesgraph, and ``same`` says whether its
    data is that of the first server, which ``compare`` asks.
    """

    port: int
    case: Case
    words: Callable[[bytes], bytes] | None = None
    same: Callable[[Any, Any], bool] = operator.eq

    def make(self, client: int, n: int) -> bytes:
        """A request."""
        request = self.case.make(client, n)
        return self.words(request) if self.words else request


async def measure(case: Case, port: int, key: str, size: Size) -> dict[str, float]:
    """Medians of requests per second and of their times, from ``case.clients`` connections at once."""
    return (await compare({"": Asked(port, case)}, key, size))[""]


async def compare(asked: Mapping[str, Asked], key: str, size: Size) -> dict[str, dict[str, float]]:
    """The same of several servers, round by round in turn; those behind the first with the median of its ``ratio`` to
    them, which is above 1 where it is faster.
    """
    first, *peers = asked
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in asked}
    async with contextlib.AsyncExitStack() as stack:
        clients = {
            name: [await stack.enter_async_context(Client(one.port, key)) for _ in range(one.case.clients)]
            for name, one in asked.items()
        }
        request = asked[first].case.make(0, 0)
        answers = {
            name: await clients[name][0].post(one.words(request) if one.words else request)
            for name, one in asked.items()
        }
        _check_answers(asked, answers)
        for _ in range(size.rounds):
            for name, one in asked.items():
                rounds[name].append(await one_round(one, clients[name], size.window_s))
    figures = {name: medians(of_server) | {"bytes": len(answers[name])} for name, of_server in rounds.items()}
    for name in peers:
        pairs = zip(rounds[first], rounds[name], strict=True)
        ratios = [own["per_second"] / other["per_second"] for own, other in pairs]
        figures[name]["ratio"] = float(f"{statistics.median(ratios):.3g}")
    return figures


def _check_answers(asked: Mapping[str, Asked], answers: Mapping[str, bytes]) -> None:
    """Nobody is measured who answers something else, or nothing."""
    expected = None
    for name, answer in answers.items():
        case = asked[name].case
        if b'"errors":[{' in answer or len(answer) < case.expected_bytes_min:
            raise RuntimeError(f"{case.name} {name}: {answer[:500]!r}")
        data = json.loads(answer)["data"]
        if expected is None:
            expected = data
        elif not asked[name].same(expected, data):
            raise RuntimeError(f"{case.name} {name} answers something else: {answer[:500]!r}")


def refuse_errors(name: str, answer: bytes) -> None:
    """Nobody is measured who fails."""
    if b'"errors":[{' in answer or b'"userErrors":[{' in answer:
        raise RuntimeError(f"{name}: {answer[:500]!r}")


async def one_round(one: Asked, clients: Sequence[Client], seconds: float) -> dict[str, float]:
    """Requests per second and their times, of clients that each ask as soon as they were answered."""
    times: list[float] = []
    began = time.perf_counter()

    async def run(number: int, client: Client) -> None:
        while (sent := time.perf_counter()) - began < seconds:
            answer = await client.post(one.make(number, len(times)))
            refuse_errors(one.case.name, answer)
            times.append(time.perf_counter() - sent)

    await asyncio.gather(*(run(number, client) for number, client in enumerate(clients)))
    took = time.perf_counter() - began
    times.sort()
    return {
        "per_second": len(times) / took,
        "p50_ms": times[len(times) // 2] * 1000,
        "p99_ms": times[min(len(times) - 1, len(times) * 99 // 100)] * 1000,
    }


def medians(rounds: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The median of each figure, in three digits."""
    return {name: float(f"{statistics.median(r[name] for r in rounds):.3g}") for name in rounds[0]}


async def repeat(count: int, once: Callable[[], Awaitable[Mapping[str, float]]]) -> dict[str, float]:
    """Medians of ``count`` rounds."""
    return medians([await once() for _ in range(count)])
