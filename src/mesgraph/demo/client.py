"""Speaking to the plant: commands that can be repeated, questions, and a subscription that resumes.

What every client of the API should do, and no more: a key with every command, the same key on every try, a bounded,
growing delay between tries, and the cursor of the last event when a subscription is opened again.
"""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PATIENCE_S = 120
"""How long a command or question is tried again while the server does not answer."""
DELAY_S_MIN, DELAY_S_MAX = 0.05, 1.0
BUGS_MAX = 3
"""How often a command that met a bug of the server (INTERNAL) is tried."""
REFUSALS = "userErrors { __typename code message path retryable }"


class CommandRefused(Exception):
    """The plant said no; the shift's plan does not fit it."""

    def __init__(self, command: str, key: str, errors: list[dict[str, Any]]) -> None:
        lines = [f"{e['code']} at {'.'.join(e['path'] or [])}: {e['message']}" for e in errors]
        super().__init__(f"{command} ({key}) was refused: " + "; ".join(lines))
        self.errors = errors


class QuestionFailed(Exception):
    """A top-level error that trying again does not help."""


class GaveUp(Exception):
    """The server did not answer for :data:`PATIENCE_S`."""


class Again(Exception):
    """Try the same thing again: the connection was lost, the server is busy or restarts."""


@dataclass(frozen=True)
class Acknowledged:
    """A command that was answered with success: from then on its effect must never be lost or doubled."""

    key: str
    command: str
    event_ids: tuple[str, ...]
    replayed: bool


@dataclass
class Journal:
    """What was acknowledged, in order."""

    entries: list[Acknowledged] = field(default_factory=list)
    tries: int = 0
    listener: Callable[[Acknowledged], None] | None = None

    def note(self, entry: Acknowledged) -> None:
        """Keep an answer."""
        self.entries.append(entry)
        if self.listener is not None:
            self.listener(entry)


class Client:
    """One principal's way to the plant."""

    def __init__(
        self, http: httpx2.AsyncClient, url: str, key: str, journal: Journal, patience_s: float = PATIENCE_S
    ) -> None:
        self.http = http
        self.url = url
        self.key = key
        self.journal = journal
        self.patience_s = patience_s

    async def do(self, command: str, key: str, fields: str = "", **input: Any) -> dict[str, Any]:
        """Run ``command`` under the idempotency key ``key`` and return its payload.

        Tried again, with the same key, until it is answered. Raises :class:`CommandRefused`.
        """
        data = await self.ask(document_of(command, fields), input={**input, "idempotencyKey": key})
        payload: dict[str, Any] = data[command]
        if payload["userErrors"]:
            raise CommandRefused(command, key, payload["userErrors"])
        events = tuple(event["eventId"] for event in payload["ledgerEvents"])
        self.journal.note(Acknowledged(key, command, events, payload["replayed"]))
        return payload

    async def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """``data`` of the answer; tried again while the server cannot answer."""
        deadline = time.monotonic() + self.patience_s
        bugs = 0
        for attempt in range(10_000):
            try:
                self.journal.tries += 1
                return await self._once(document, variables)
            except Again as again:
                bugs += "INTERNAL" in str(again)
                if time.monotonic() > deadline or bugs >= BUGS_MAX:
                    raise GaveUp(f"{document.split('(')[0]}: {again}") from again
            await asyncio.sleep(delay_s(attempt))
        raise AssertionError("the deadline comes first")

    async def _once(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        try:
            response = await self.http.post(
                f"{self.url}/graphql",
                json={"query": document, "variables": variables},
                headers={
                    "Authorization": f"Bearer {self.key}",
                    "Accept": "application/graphql-response+json",
                },
            )
        except httpx2.TransportError as error:
            raise Again(f"{type(error).__name__}: {error}") from error
        if response.status_code >= 500 or response.status_code == 429:
            raise Again(f"status {response.status_code}")
        try:
            answer = response.json()
        except json.JSONDecodeError as error:
            raise QuestionFailed(f"status {response.status_code}, no JSON: {response.text[:200]}") from error
        errors = answer.get("errors") or []
        if errors:
            text = "; ".join(f"{(e.get('extensions') or {}).get('code')}: {e['message']}" for e in errors)
            retryable = all((e.get("extensions") or {}).get("retryable") for e in errors)
            raise Again(text) if retryable else QuestionFailed(f"{text} in {document[:200]}")
        data: dict[str, Any] = answer["data"]
        return data


def document_of(command: str, fields: str = "") -> str:
    """The document with which ``command`` is sent, and ``fields`` of its answer asked for."""
    name = command[0].upper() + command[1:]
    return (
        f"mutation {name}($input: {name}Input!) {{ {command}(input: $input) "
        f"{{ {fields} replayed ledgerEvents {{ eventId }} {REFUSALS} }} }}"
    )


def delay_s(attempt: int) -> float:
    """Full jitter below a ceiling that doubles: many clients that lost one server do not come back in step."""
    return random.uniform(DELAY_S_MIN, min(DELAY_S_MAX, DELAY_S_MIN * 2 ** min(attempt + 1, 10)))


EVENTS = """
subscription Events($after: Cursor) {
  ledgerAppended(after: $after) {
    cursor
    event { eventId type actor occurredAt reasonCode subjects { kind id counter } payload }
  }
}
"""


@dataclass(frozen=True)
class Seen:
    """An event as a subscriber saw it."""

    cursor: str
    event: dict[str, Any]

    @property
    def position(self) -> int:
        """Its place in the record."""
        return position_of(self.cursor)

    @property
    def event_id(self) -> str:
        """Unique everywhere."""
        return str(self.event["eventId"])


def position_of(cursor: str) -> int:
    """The number in a cursor: 5512 of c1-5512."""
    return int(cursor.partition("-")[2])


class Subscriber:
    """Follows the record from ``after`` on, through every loss of the connection, by the cursor alone.

    It keeps what it is sent as it is sent: it neither sorts nor drops, so a fault of the server shows.
    """

    def __init__(self, url: str, key: str, after: str = "c1-0", listener: Callable[[Seen], None] | None = None) -> None:
        self.url = url.replace("http", "ws", 1) + "/graphql"
        self.key = key
        self.seen: list[Seen] = []
        self.connections = 0
        self._after = after
        self._listener = listener
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Follow until cancelled."""
        attempt = 0
        while True:
            before = len(self.seen)
            try:
                async for seen in self._connection():
                    self.seen.append(seen)
                    self._after = seen.cursor
                    self._news.set()
                    if self._listener is not None:
                        self._listener(seen)
            except (OSError, WebSocketException, TimeoutError, Again):
                pass
            attempt = 0 if len(self.seen) > before else attempt + 1
            await asyncio.sleep(delay_s(attempt))

    async def reached(self, cursor: str, timeout_s: float) -> None:
        """Wait until everything up to ``cursor`` was seen; raises ``TimeoutError``."""
        async with asyncio.timeout(timeout_s):
            while position_of(self._after) < position_of(cursor):
                self._news.clear()
                await self._news.wait()

    async def _connection(self) -> AsyncIterator[Seen]:
        async with connect(
            self.url,
            subprotocols=["graphql-transport-ws"],  # type: ignore[list-item]
            open_timeout=5,
            ping_interval=5,
            ping_timeout=5,
            close_timeout=1,
            max_size=16 * 1024 * 1024,
            proxy=None,
        ) as socket:
            self.connections += 1
            await _send(socket, {"type": "connection_init", "payload": {"Authorization": f"Bearer {self.key}"}})
            async for text in socket:
                message = json.loads(text)
                match message["type"]:
                    case "connection_ack":
                        payload = {"query": EVENTS, "variables": {"after": self._after}}
                        await _send(socket, {"id": "1", "type": "subscribe", "payload": payload})
                    case "next" if not message["payload"].get("errors"):
                        data = message["payload"]["data"]["ledgerAppended"]
                        yield Seen(data["cursor"], data["event"])
                    case "next" | "error":
                        errors = message["payload"]
                        raise Again(str(errors))
                    case "ping":
                        await _send(socket, {"type": "pong"})
                    case "complete":
                        return


async def _send(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps(message))


async def replay(url: str, key: str, until: str, timeout_s: float = 60) -> list[Seen]:
    """The record from its beginning up to the cursor ``until``, read anew by a subscriber of its own."""
    subscriber = Subscriber(url, key)
    task = asyncio.create_task(subscriber.run(), name="replay")
    try:
        await subscriber.reached(until, timeout_s)
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return [seen for seen in subscriber.seen if seen.position <= position_of(until)]
