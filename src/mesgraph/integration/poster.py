"""Posts messages to the destinations that have a URL: signed, in order, again until they are received.

One process posts for a database. A destination that does not answer is asked again after a random time below a ceiling
that doubles from one second to five minutes; after five failures in a row its breaker is open, which means that one
message is tried at a time. What a destination refuses (400, 409, 410, 413, 422) is tried five times and then put aside,
so that it does not stand in the way of other orders or of what comes behind it.
"""

import asyncio
import contextlib
import hashlib
import hmac
import logging
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import httpx2
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.clock import Clock
from mesgraph.db import Database
from mesgraph.errors import Unavailable
from mesgraph.integration import outbox
from mesgraph.integration.models import Destination, DestinationKind, OutboundMessage, OutboundState
from mesgraph.orders.models import OperationsRequest
from mesgraph.work import SYSTEM, Work

T = TypeVar("T")

BREAKER_AFTER = 5
REFUSALS_MAX = 5
REFUSING = frozenset({400, 409, 410, 413, 422})
"""Status codes that speak of the message, not of the destination."""
DELAY_S_MIN, DELAY_S_MAX = 1.0, 300.0
POLL_S = 0.5
TIMEOUT_S = 10.0
HEADS_MAX = 50
LEADER_LOCK = 0x6D6573_706F7374

MESSAGE_ID = "Mesgraph-Message-Id"
SIGNATURE = "Mesgraph-Signature"
TIMESTAMP = "Mesgraph-Timestamp"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Letter:
    """A message as it is posted."""

    id: int
    message_id: str
    order: str
    trigger: str
    body: bytes


@dataclass(frozen=True)
class Address:
    """Where letters go."""

    destination_id: int
    code: str
    url: str
    secret: str


@dataclass
class Patience:
    """What the poster remembers of a destination: nobody else needs it, and a restart may forget it."""

    failures: int = 0
    not_before: float = 0.0
    letters_not_before: dict[int, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of a try. ``refused``: the destination spoke of the message itself."""

    state: OutboundState
    error: str | None = None
    refused: bool = False


def signature(secret: str, timestamp: str, message_id: str, body: bytes) -> str:
    """``v1=`` and the HMAC-SHA256 of timestamp, message id and body, joined by dots, as hexadecimal digits."""
    signed = b".".join([timestamp.encode(), message_id.encode(), body])
    return "v1=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def delay_s(failures: int) -> float:
    """Full jitter below a ceiling that doubles."""
    return random.uniform(0, min(DELAY_S_MAX, DELAY_S_MIN * 2 ** min(failures - 1, 20)))


class Poster:
    """Runs beside the server; ``start`` and ``stop`` it with the plant."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._patience: dict[int, Patience] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to post."""
        self._task = asyncio.create_task(self._run(), name="outbox-poster")

    async def stop(self) -> None:
        """Stop. A letter that is under way may have been received; it will be sent again under its id."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                async with leading(self._database), httpx2.AsyncClient(timeout=TIMEOUT_S) as http:
                    while True:
                        await self._round(http)
                        await asyncio.sleep(POLL_S)
            except Unavailable as error:
                log.warning("the poster waits: %s", error)
            except (OSError, LeadLost) as error:
                log.warning("the poster lost its database and tries again: %s", error)
            except Exception:
                log.exception("the poster failed and tries again")
            await asyncio.sleep(1)

    async def _round(self, http: httpx2.AsyncClient) -> None:
        """Post all that is due; destinations do not wait for one another."""
        addresses = await self._database.read(_addresses)
        await asyncio.gather(*(self._serve(http, address) for address in addresses))

    async def _serve(self, http: httpx2.AsyncClient, address: Address) -> None:
        patience = self._patience.setdefault(address.destination_id, Patience())
        while time.monotonic() >= patience.not_before:
            letters = await self._database.read(partial(_heads, destination_id=address.destination_id))
            due = [letter for letter in letters if patience.letters_not_before.get(letter.id, 0) <= time.monotonic()]
            if not due:
                return
            for letter in due:
                outcome = await self._post(http, address, letter)
                await self._note(address, letter, outcome, patience)
                if patience.failures:
                    return

    async def _post(self, http: httpx2.AsyncClient, address: Address, letter: Letter) -> Outcome:
        timestamp = str(int(time.time()))
        headers = {
            "Content-Type": "application/xml; charset=utf-8",
            MESSAGE_ID: letter.message_id,
            "Mesgraph-Trigger": letter.trigger,
            "Mesgraph-Order": letter.order,
            TIMESTAMP: timestamp,
            SIGNATURE: signature(address.secret, timestamp, letter.message_id, letter.body),
        }
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                http.stream("POST", address.url, content=letter.body, headers=headers) as response,
            ):
                return _outcome(response, letter)
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, TimeoutError) as error:
            return Outcome(OutboundState.PENDING, f"{type(error).__name__}: {error}".rstrip(": "))

    async def _note(self, address: Address, letter: Letter, outcome: Outcome, patience: Patience) -> None:
        attempts = await self._write(partial(note, letter=letter, outcome=outcome))
        if outcome.error is None:
            if patience.failures:
                log.warning("%s answers again", address.code)
            patience.failures = 0
            patience.letters_not_before.pop(letter.id, None)
        elif outcome.refused:
            patience.failures = 0
            patience.letters_not_before[letter.id] = time.monotonic() + delay_s(attempts)
        else:
            patience.failures += 1
            patience.not_before = time.monotonic() + delay_s(patience.failures)
            if patience.failures == 1:
                log.warning("%s does not take %s: %s", address.code, letter.message_id, outcome.error)

    async def _write(self, act: Callable[[Work], T]) -> T:
        def unit(session: Session) -> T:
            now = self._clock.now()
            return act(Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="post"))

        return await self._database.write(unit)


@asynccontextmanager
async def posting(database: Database, clock: Clock) -> AsyncIterator[None]:
    """Post for as long as the block lasts."""
    poster = Poster(database, clock)
    poster.start()
    try:
        yield
    finally:
        await poster.stop()


def _outcome(response: httpx2.Response, letter: Letter) -> Outcome:
    """202 is received, every other 2xx taken over; an answer that names another message is none."""
    named = response.headers.get(MESSAGE_ID, letter.message_id)
    if response.is_success and named != letter.message_id:
        return Outcome(OutboundState.PENDING, f"the answer names another message: {named[:100]}")
    if response.is_success:
        return Outcome(OutboundState.SENT if response.status_code == 202 else OutboundState.ACKNOWLEDGED)
    refused = response.status_code in REFUSING
    return Outcome(OutboundState.PENDING, f"status {response.status_code}", refused=refused)


def note(work: Work, letter: Letter, outcome: Outcome) -> int:
    """Write down what became of a try; returns how often the message was tried."""
    message = work.session.get(OutboundMessage, letter.id)
    assert message is not None, "messages are never deleted"
    work.lock(message)
    destination = work.session.get(Destination, message.destination_id)
    assert destination is not None, "destinations are never deleted"
    message.attempts += 1
    message.sent_at, message.last_error = work.now, outcome.error and outcome.error[: outbox.ERROR_MAX]
    answered = outcome.error is None or outcome.refused
    destination.failures = 0 if answered else destination.failures + 1
    if answered:
        destination.last_success_at = work.now
    else:
        destination.last_failure_at, destination.last_error = work.now, message.last_error
    if message.state is not OutboundState.PENDING:
        return message.attempts  # somebody acknowledged it meanwhile
    if outcome.state is OutboundState.ACKNOWLEDGED:
        outbox.acknowledge(work, [message])
    elif outcome.refused and message.attempts >= REFUSALS_MAX:
        outbox.fail(work, [message], message.last_error or "")
    else:
        message.state = outcome.state
    return message.attempts


def _addresses(session: Session) -> list[Address]:
    rows = session.scalars(
        select(Destination).where(Destination.destination_kind == DestinationKind.HTTP, Destination.active.is_(True))
    )
    return [Address(row.id, row.code, row.url or "", row.secret or "") for row in rows]


def _heads(session: Session, destination_id: int) -> list[Letter]:
    """The oldest waiting message of each order, in order: the ones behind it wait for it."""
    oldest = func.min(OutboundMessage.id)
    heads = (
        select(oldest)
        .where(OutboundMessage.destination_id == destination_id, OutboundMessage.state == OutboundState.PENDING)
        .group_by(OutboundMessage.request_id)
        .order_by(oldest)
        .limit(HEADS_MAX)
    )
    rows = session.execute(
        select(OutboundMessage, OperationsRequest.code)
        .join(OperationsRequest, OperationsRequest.id == OutboundMessage.request_id)
        .where(OutboundMessage.id.in_(session.scalars(heads).all()))
        .order_by(OutboundMessage.id)
    )
    return [
        Letter(message.id, message.message_id, code, message.trigger, message.document.encode())
        for message, code in rows
    ]


class LeadLost(Exception):
    """The connection that holds the lock is gone: another process may post now."""


@asynccontextmanager
async def leading(database: Database) -> AsyncIterator[None]:
    """Wait until this process is the one that posts, and be it for the block; raises :class:`LeadLost` when it ends.

    On SQLite one process has the database anyway.
    """
    from mesgraph.db.postgresql import ServerDatabase

    if not isinstance(database, ServerDatabase):
        yield
        return
    import asyncpg

    dsn = database.url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        connection: asyncpg.Connection[Any] = await asyncpg.connect(dsn, timeout=5)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
        raise LeadLost(str(error)) from error
    task = asyncio.current_task()
    assert task is not None
    lost = False

    def cut(_: object) -> None:
        nonlocal lost
        lost = True
        task.cancel()

    try:
        # another process may hold the lock; only it knows until when
        while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", LEADER_LOCK):  # noqa: ASYNC110
            await asyncio.sleep(POLL_S)
        connection.add_termination_listener(cut)
        yield
    except asyncio.CancelledError:
        if not lost:
            raise
        task.uncancel()
        raise LeadLost("the connection that holds the lock is gone") from None
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise LeadLost(str(error)) from error
    finally:
        connection.remove_termination_listener(cut)
        with contextlib.suppress(Exception):
            await connection.close(timeout=2)
