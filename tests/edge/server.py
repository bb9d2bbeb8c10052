"""The half of the server that an edge speaks to, small and strict: it takes what the interface permits, nothing else.

Runs on a socket of its own in a thread, so that an edge in another process can be tested against it; it can go away and
come back, be busy, and lose answers.
"""

import itertools
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mesgraph.edge import plant

KEY = "key-of-the-edge"
SITE = "HV1"
COLUMNS = {"paths", "tag", "time", "received", "value"}
OPTIONAL = {"quality", "status", "flags"}
BODY_MAX = 4 * 1024 * 1024
COUNT_MAX = 5_000


@dataclass(frozen=True)
class Stored:
    """A sample as the server keeps it."""

    number: int
    path: str
    value: Any
    time: int | None
    received: int
    quality: int
    arrived: float


class Invalid(Exception):
    """What came is not what the interface permits."""


@dataclass
class Server:
    """What it was told, and how it shall behave. ``poison``: a value that makes a whole batch invalid."""

    nodes: list[dict[str, Any]] = field(default_factory=list)
    samples: dict[str, list[Stored]] = field(default_factory=lambda: defaultdict(list))
    next: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    gaps: dict[str, list[range]] = field(default_factory=lambda: defaultdict(list))
    health: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    batches: list[int] = field(default_factory=list)
    duplicates: int = 0
    busy: Response | None = None
    busy_until: float = 0.0
    busy_asked: list[float] = field(default_factory=list)
    lose_answers: int = 0
    poison: Any = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def values(self, instance: str, path: str) -> list[Any]:
        """Values of a tag, in the order in which they were stored, those without value left out."""
        return [one.value for one in self.samples[instance] if one.path == path and one.value is not None]

    def states(self, instance: str) -> list[str]:
        """Reported states, each once in a row."""
        told = [one["state"] for one in self.health[instance]]
        return [state for before, state in zip([None, *told], told, strict=False) if state != before]

    async def answer(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            return refusal("UNAUTHENTICATED", "no valid key", 401)
        if self.busy is not None and time.monotonic() < self.busy_until:
            self.busy_asked.append(time.monotonic())
            return self.busy
        body = await request.body()
        if len(body) > BODY_MAX:
            return Response(status_code=413)
        try:
            return self._answer(json.loads(body, parse_constant=_no_constant))
        except (ValueError, Invalid) as error:
            return refusal("INVALID_VALUE", str(error), 400)

    def _answer(self, given: dict[str, Any]) -> Response:
        if given["query"] not in plant.DOCUMENTS:
            return refusal("DOCUMENT_NOT_STORED", "you may run stored documents only", 400)
        variables = given["variables"]
        if given["query"] == plant.INSTANCES:
            return JSONResponse({"data": {"driverInstances": self._page(**variables)}})
        instance = variables["input"]["driverInstance"]
        if instance not in {node["id"] for node in self.nodes}:
            return refusal("NOT_FOUND", f"no driver instance {instance}", 200)
        if given["query"] == plant.HEALTH:
            self.health[instance].append(self._health(**variables["input"]))
            return JSONResponse({"data": {"reportDriverHealth": {"userErrors": []}}})
        payload = self._ingest(**variables["input"])
        if self.lose_answers:
            self.lose_answers -= 1
            return Response(status_code=502)
        return JSONResponse({"data": {"ingestSamples": payload}})

    def _page(self, site: str, after: str | None = None) -> dict[str, Any]:
        if site != SITE:
            raise Invalid(f"no site {site}")
        at = int(after or 0)
        return {
            "nodes": self.nodes[at : at + 1],
            "pageInfo": {"hasNextPage": at + 1 < len(self.nodes), "endCursor": str(at + 1)},
        }

    def _health(self, driverInstance: str, state: str, message: str | None, **more: Any) -> dict[str, Any]:
        if state not in {"STARTING", "RUNNING", "DEGRADED", "DISCONNECTED", "BROKEN", "STOPPED"}:
            raise Invalid(f"state {state}")
        if message is not None and not (1 <= len(message) <= 500 and message.isprintable()):
            raise Invalid(f"message {message!r}")
        if set(more) != {"buffered", "clockOffsetMs", "tier"}:
            raise Invalid(f"fields {sorted(more)}")
        return {"state": state, "message": message or "", **more}

    def _ingest(self, driverInstance: str, sequence: int, samples: dict[str, Any]) -> dict[str, Any]:
        rows = list(self._rows(samples))
        if self.poison is not None and any(value == self.poison for _, value, *_ in rows):
            raise Invalid(f"value {self.poison!r} cannot be stored")
        if not rows:
            raise Invalid("a batch holds samples")
        expected = self.next[driverInstance]
        if sequence > expected:
            self.gaps[driverInstance].append(range(expected, sequence))
        stored = [
            Stored(number, *row, time.time()) for number, row in enumerate(rows, start=sequence) if number >= expected
        ]
        self.samples[driverInstance] += stored
        self.next[driverInstance] = max(expected, sequence + len(rows))
        self.duplicates += len(rows) - len(stored)
        self.batches.append(len(rows))
        return {
            "accepted": len(stored),
            "duplicate": len(rows) - len(stored),
            "rejected": [],
            "clockOffsetMs": 0,
            "nextSequence": self.next[driverInstance],
            "userErrors": [],
        }

    def _rows(self, columns: dict[str, Any]) -> Iterator[tuple[str, Any, int | None, int, int]]:
        if not set(columns) >= COLUMNS or set(columns) - COLUMNS - OPTIONAL:
            raise Invalid(f"columns {sorted(columns)}")
        paths, count = columns["paths"], len(columns["tag"])
        if count > COUNT_MAX or any(len(columns[name]) != count for name in columns if name != "paths"):
            raise Invalid(f"columns of {count}")
        qualities = columns.get("quality") or [0] * count
        for tag, at, received, value, quality in zip(
            columns["tag"], columns["time"], columns["received"], columns["value"], qualities, strict=True
        ):
            if not isinstance(received, int) or not isinstance(value, float | int | str | bool | None):
                raise Invalid(f"received {received!r}, value {value!r}")
            yield paths[tag], value, at, received, quality


def _no_constant(word: str) -> Any:
    raise Invalid(f"{word} is no JSON")


def refusal(code: str, message: str, status: int) -> Response:
    return JSONResponse({"errors": [{"message": message, "extensions": {"code": code}}]}, status_code=status)


def node(code: str, tags: dict[str, str], *, driver: str = "simulator", **more: Any) -> dict[str, Any]:
    """A driver instance as the server lists it; ``tags`` are addresses by path, expected ten times a second."""
    period = more.pop("period", "PT0.1S")
    return {
        "id": f"id-of-{code}",
        "code": code,
        "driver": driver,
        "config": more.pop("config", {}),
        "secretRef": more.pop("secretRef", None),
        "revision": more.pop("revision", 1),
        "tags": [
            {
                "path": path,
                "address": address,
                "kind": "COUNTER",
                "dataType": None,
                "expectedPeriod": period,
                "deadband": None,
            }
            for path, address in tags.items()
        ],
    }


@contextmanager
def listening(server: Server) -> Iterator[Server]:
    """Listen while the block lasts, at the port of the last time where there was one."""
    app = Starlette(routes=[Route("/graphql", server.answer, methods=["POST"])])
    taken = socket.create_server(("127.0.0.1", server.port), reuse_port=False)
    server.port = taken.getsockname()[1]
    running = uvicorn.Server(
        uvicorn.Config(app, log_config=None, lifespan="off", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=running.run, kwargs={"sockets": [taken]})
    thread.start()
    try:
        yield server
    finally:
        running.should_exit = True
        thread.join()
        taken.close()


def until(wanted: Any, within_s: float = 15.0) -> None:
    """Wait until ``wanted()`` holds."""
    deadline = time.monotonic() + within_s
    while not wanted():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def consecutive(values: Sequence[int]) -> bool:
    """Whether nothing is missing, twice, or out of order."""
    return all(later == before + 1 for before, later in itertools.pairwise(values))
