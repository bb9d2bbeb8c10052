"""Ten thousand requests that mean harm against a server as it is installed, and what they did to it.

``python -m tests.security.assault --count 10000 --seed 1`` prints one line of JSON. Time of a processor is what the
server's process used for one request, asked of the kernel; memory is what the process holds at the end beyond what it
held after the first tenth. The good client asks one ordinary document all the time: alone, and beside the others.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from mesgraph.migration import first_admin_key, migrate
from tests.security.hostile import Attempt, attempts

HANG_S = 15.0
BESIDE_S = 30.0
GOOD = "query Good { equipmentList(first: 20) { nodes { code name site { code } } } }"
CLOSED = {4400, 4401, 4403, 4409, 4429, 1000, 1002, 1003, 1007, 1008, 1009}


@dataclass
class Outcome:
    """What became of the requests."""

    counts: Counter[str] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    hangs: list[str] = field(default_factory=list)
    uncoded: list[str] = field(default_factory=list)
    cpu_ms: list[tuple[float, str]] = field(default_factory=list)
    longest: int = 0

    def note(self, attempt: Attempt, status: int, text: str) -> None:
        """An answer came."""
        self.counts[str(status)] += 1
        self.longest = max(self.longest, len(text))
        if status >= 500 or '"INTERNAL"' in text:
            self.server_errors.append(f"{attempt.family}: {attempt.body[:120]!r}")
        if status >= 400 and '"code":"' not in text.replace('"code": "', '"code":"'):
            self.uncoded.append(f"{attempt.family}: {status} {text[:120]}")


@contextlib.contextmanager
def serving(**settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str, str, Path]]:
    """``mesgraph serve`` on a new database; gives the process, its address, the administrator's key, and its log."""
    with tempfile.TemporaryDirectory() as folder:
        database = f"sqlite:///{folder}/plant.db"
        migrate(database)
        key = first_admin_key(database)
        assert key is not None
        port = free_port()
        log = Path(folder) / "log"
        program = [str(Path(sys.executable).parent / "mesgraph"), "serve", "--database", database, "--port", str(port)]
        with log.open("wb") as written:
            process = subprocess.Popen(program, env=os.environ | settings, stdout=subprocess.DEVNULL, stderr=written)
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}", log)
            yield process, f"127.0.0.1:{port}", key, log
        finally:
            process.kill()
            process.wait(20)


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(httpx2.TransportError):
            if httpx2.get(f"{address}/readyz", timeout=2).status_code == 200:
                return
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def cpu_s(process: int) -> float:
    """Time of a processor that all threads of a process have used."""
    total = 0
    for thread in Path(f"/proc/{process}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


def memory_mib(process: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * resource.getpagesize() / 2**20


class Attacker:
    """Sends requests by POST and by a socket that is opened again whenever it is closed."""

    def __init__(self, address: str, key: str, outcome: Outcome) -> None:
        self.address = address
        self.authorization = f"Bearer {key}"
        self.outcome = outcome
        self.http = httpx2.AsyncClient(base_url=f"http://{address}", timeout=HANG_S)
        self._socket: ClientConnection | None = None

    async def post(self, attempt: Attempt) -> None:
        headers = {"Content-Type": "application/json", "Authorization": self.authorization, **attempt.headers}
        try:
            answer = await self.http.post("/graphql", content=attempt.body, headers=headers)
        except httpx2.TimeoutException:
            self.outcome.hangs.append(f"{attempt.family}: {attempt.body[:120]!r}")
            return
        self.outcome.note(attempt, answer.status_code, answer.text)

    async def send(self, attempt: Attempt) -> None:
        """As a subscription; an answer is a message, or a close."""
        text = json.dumps({"id": "1", "type": "subscribe", "payload": attempt.message})
        try:
            socket = await self._open()
            async with asyncio.timeout(HANG_S):
                await socket.send(text)
                answer = await socket.recv()
                while '"type":"complete"' not in str(answer) and '"type":"error"' not in str(answer):
                    self.outcome.note(attempt, 200, str(answer))
                    answer = await socket.recv()
            self.outcome.note(attempt, 200, str(answer))
        except TimeoutError:
            self.outcome.hangs.append(f"socket {attempt.family}: {attempt.body[:120]!r}")
            await self._close()
        except ConnectionClosed as closed:
            code = closed.rcvd.code if closed.rcvd else 0
            self.outcome.counts[f"closed {code}"] += 1
            if code not in CLOSED:
                self.outcome.server_errors.append(f"socket {attempt.family} closed {code}: {attempt.body[:120]!r}")
            await self._close()

    async def _open(self) -> ClientConnection:
        if self._socket is None:
            self._socket = await connect(
                f"ws://{self.address}/graphql",
                subprotocols=["graphql-transport-ws"],
                open_timeout=HANG_S,  # type: ignore[list-item]  # a plain name is taken
            )
            await self._socket.send(
                json.dumps({"type": "connection_init", "payload": {"Authorization": self.authorization}})
            )
            await self._socket.recv()
        return self._socket

    async def _close(self) -> None:
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def end(self) -> None:
        await self._close()
        await self.http.aclose()


async def ask(http: httpx2.AsyncClient, key: str, document: str, **variables: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}"}
    answer = (await http.post("/graphql", json={"query": document, "variables": variables}, headers=headers)).json()
    assert "errors" not in answer, answer
    return answer["data"]


async def furnish(address: str, key: str) -> dict[str, str]:
    """Something to ask for, and two people; returns their keys."""
    machines = [{"code": f"M{i}", "name": f"Machine {i}", "level": "WORK_CELL"} for i in range(200)]
    people = {"good": "VIEWER", "hostile": "SUPERVISOR"}
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        sites = [{"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}]
        submit = "mutation ($i: SubmitSitesInput!) { submitSites(input: $i) { userErrors { message } } }"
        await ask(http, key, submit, i={"sites": sites})
        submit = "mutation ($i: SubmitEquipmentInput!) { submitEquipment(input: $i) { userErrors { message } } }"
        await ask(http, key, submit, i={"site": "HV1", "equipment": machines})
        for name, role in people.items():
            make = (
                f'mutation {{ createPrincipal(input: {{subject: "{name}", kind: PERSON, displayName: "x"}})'
                f'{{ userErrors {{ message }} }} grantRole(input: {{principal: "{name}", role: {role}, site: "HV1"}})'
                f'{{ userErrors {{ message }} }} issueApiKey(input: {{principal: "{name}"}}) {{ text }} }}'
            )
            people[name] = (await ask(http, key, make))["issueApiKey"]["text"]
    return people


async def timed(http: httpx2.AsyncClient, key: str, until: asyncio.Event, most: int) -> list[float]:
    """How long the good client's requests take, in seconds."""
    took: list[float] = []
    while len(took) < most and not until.is_set():
        began = time.perf_counter()
        await ask(http, key, GOOD)
        took.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    return took


def share(sorted_values: list[float], part: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(part * len(sorted_values)))] if sorted_values else 0.0


async def harm(process: int, attacker: Attacker, sent: list[Attempt]) -> float:
    """One after the other, each measured; returns the growth of memory in MiB."""
    warm = max(1, len(sent) // 10)
    held = memory_mib(process)
    for number, attempt in enumerate(sent):
        ways = [("post", attacker.post)]
        if attempt.message is not None and len(attempt.body) < 60_000:
            ways.append(("socket", attacker.send))
        for name, way in ways:
            before = cpu_s(process)
            await way(attempt)
            attacker.outcome.cpu_ms.append(((cpu_s(process) - before) * 1e3, f"{name} {attempt.family}"))
        if number == warm:
            held = memory_mib(process)
    return memory_mib(process) - held


async def slowdown(address: str, keys: dict[str, str], count: int, seed: int) -> dict[str, float]:
    """The good client's 99th percentile beside an attacker, against the same alone: before and after, because the
    machine may have other things to do. The attacker is a process of its own, or the client would wait for itself.
    """
    async with httpx2.AsyncClient(base_url=f"http://{address}", timeout=60) as http:
        never = asyncio.Event()
        await timed(http, keys["good"], never, 50)
        alone = await timed(http, keys["good"], never, 300)
        # whoever attacks has a computer of their own: here they get what server and client leave
        program = ["nice", "-n", "19", sys.executable, "-m", "tests.security.assault", "--attack", address]
        given = ["--count", str(count), "--seed", str(seed)]
        attackers = await asyncio.create_subprocess_exec(
            *program, *given, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )
        over = asyncio.Event()
        good = asyncio.create_task(timed(http, keys["good"], over, 100_000))
        told, _ = await attackers.communicate(keys["hostile"].encode())
        over.set()
        beside = await good
        alone += await timed(http, keys["good"], never, 300)
    before, during = share(sorted(alone), 0.99), share(sorted(beside), 0.99)
    return {
        "alone_p99_ms": round(before * 1e3, 1),
        "beside_p99_ms": round(during * 1e3, 1),
        "alone_p50_ms": round(share(sorted(alone), 0.5) * 1e3, 1),
        "beside_p50_ms": round(share(sorted(beside), 0.5) * 1e3, 1),
        "requests": len(beside),
        **json.loads(told),
    }


async def attack_beside(address: str, key: str, count: int, seed: int) -> dict[str, Any]:
    """One request after the other, for a while."""
    outcome, end = Outcome(), time.monotonic() + BESIDE_S
    async with attacking(address, key, outcome) as attacker:
        for attempt in itertools.cycle(list(attempts(seed, count))):
            if time.monotonic() > end:
                break
            await attacker.post(attempt)
    return {
        "attacks": sum(outcome.counts.values()),
        "attacks_refused_429": outcome.counts["429"],
        "attacks_server_errors": len(outcome.server_errors) + len(outcome.hangs),
    }


def guard_us() -> dict[str, float]:
    """What the guard costs for an ordinary document that is known, in microseconds: the median of many."""
    from mesgraph.api.prepared import Documents, Prepared
    from mesgraph.schema import build_schema

    documents = Documents(build_schema()._schema)
    document = "query Q($n: Int!) { equipmentList(first: $n) { nodes { code name site { code } } } }"

    def decide() -> int:
        prepared = documents.prepared(document)
        assert isinstance(prepared, Prepared)
        return prepared.extent.cost(None, {"n": 50})

    began = time.perf_counter()
    decide()
    first = time.perf_counter() - began
    took = []
    for _ in range(200):
        began = time.perf_counter()
        for _ in range(100):
            decide()
        took.append((time.perf_counter() - began) / 100)
    return {"known_us": round(share(sorted(took), 0.5) * 1e6, 2), "new_us": round(first * 1e6)}


@contextlib.asynccontextmanager
async def attacking(address: str, key: str, outcome: Outcome) -> AsyncIterator[Attacker]:
    attacker = Attacker(address, key, outcome)
    try:
        yield attacker
    finally:
        await attacker.end()


async def assault(count: int, seed: int) -> dict[str, Any]:
    """All of it."""
    sent = list(attempts(seed, count))
    outcome = Outcome()
    with serving(MESGRAPH_CPU_MS="0") as (process, address, key, log):
        keys = await furnish(address, key)
        async with attacking(address, keys["hostile"], outcome) as attacker:
            growth = await harm(process.pid, attacker, sent)
        requested = sum(len(attempt.body) for attempt in sent)
        logged = log.stat().st_size
        alive = process.poll() is None
    with serving() as (_, address, key, _):
        keys = await furnish(address, key)
        slower = await slowdown(address, keys, count, seed)
    used = sorted(ms for ms, _ in outcome.cpu_ms)
    worst = sorted(outcome.cpu_ms, reverse=True)[:5]
    return {
        "requests": len(used),
        "seed": seed,
        "alive": alive,
        "answers": dict(outcome.counts),
        "server_errors": outcome.server_errors[:5],
        "server_errors_count": len(outcome.server_errors),
        "hangs": outcome.hangs[:5],
        "uncoded": outcome.uncoded[:5],
        "longest_answer_bytes": outcome.longest,
        "cpu_ms": {f"p{part * 100:g}": round(share(used, part), 1) for part in (0.5, 0.99, 0.999)},
        "worst": [f"{ms:.0f} ms {family}" for ms, family in worst],
        "memory_growth_mib": round(growth, 1),
        "log_bytes": logged,
        "log_share": round(logged / requested, 5),
        "good_client": slower,
        "guard": guard_us(),
    }


def main() -> None:
    """The command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=10_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--attack", metavar="ADDRESS", help="attack this server with the key on standard input")
    given = options.parse_args()
    if given.attack:
        told = asyncio.run(attack_beside(given.attack, sys.stdin.read(), given.count, given.seed))
        sys.stdout.write(json.dumps(told))
        return
    sys.stdout.write(json.dumps(asyncio.run(assault(given.count, given.seed))) + "\n")


if __name__ == "__main__":
    main()
