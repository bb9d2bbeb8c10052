"""Readers that act: what follows from the record, as far as it may happen a moment later.

A :class:`Reader` keeps its position with its effect: both are written in one transaction, so whatever stops the
process, each event has its effect once. Several processes may run the same readers over one database; the row of the
position lets one of them act at a time.

The effect gets events in batches, so a burst costs one transaction. It is called as actor ``system``, with no events
when the moment comes that ``due`` named, and once at the start. It sees the present rows, not those of the moment of
the event.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.clock import Clock, reach
from mesgraph.db import Database
from mesgraph.errors import Unavailable
from mesgraph.ledger.models import ReaderPosition
from mesgraph.ledger.queries import Cursor, Recorded, events_after, head
from mesgraph.ledger.tail import Tail
from mesgraph.metrics import Metrics
from mesgraph.work import SYSTEM, Work

BATCH = 200
PAUSE_S = 0.25
"""Between two transactions of a reader, so that a burst is gathered."""
RETRY_S = 1.0
TRIES = 3
"""How often the effect of one event is tried before the reader goes on without it."""

T = TypeVar("T")

log = logging.getLogger(__name__)


def never(session: Session, now: datetime) -> datetime | None:
    """Nothing follows from the passing of time alone."""
    return None


@dataclass(frozen=True, kw_only=True)
class Reader:
    """What somebody does about events of ``types``.

    ``effect`` is a verb: it changes rows and records events, and raises only for a bug. ``due`` names the next moment
    after ``now`` at which something follows from the time alone. A reader that is new to a database begins at the
    beginning of the record, or ``from_now`` on.
    """

    name: str
    types: frozenset[str]
    effect: Callable[[Work, Sequence[Recorded]], None]
    due: Callable[[Session, datetime], datetime | None] = never
    from_now: bool = False


def step(work: Work, reader: Reader, *, limit: int = BATCH, look: bool = False) -> int:
    """Let ``reader`` act on up to ``limit`` events behind its position, and move that; returns how many there were.

    ``look``: act even if there is none, because time has passed.
    """
    place = _place(work.session, reader)
    end = head(work.session).position
    events = [
        event
        for event in events_after(work.session, place.position, limit, types=reader.types)
        if event.position <= end  # what became visible between the two statements is for the next step
    ]
    if events or look:
        reader.effect(work, events)
    place.position = events[-1].position if len(events) == limit else end
    return len(events)


def pass_over(work: Work, reader: Reader) -> Recorded | None:
    """Move on behind the next event without its effect; returns that event."""
    place = _place(work.session, reader)
    events = events_after(work.session, place.position, 1, types=reader.types)
    if not events:
        return None
    place.position = events[0].position
    place.passed_over += 1
    return events[0]


def _place(session: Session, reader: Reader) -> ReaderPosition:
    """The locked position of the reader."""
    place = session.scalar(select(ReaderPosition).where(ReaderPosition.name == reader.name).with_for_update())
    if place is None:
        begin = head(session).position if reader.from_now else 0
        place = ReaderPosition(name=reader.name, position=begin, passed_over=0)
        session.add(place)
        session.flush()
    return place


class Readers:
    """Runs readers beside the server, each in a task of its own, woken by the tail and by the clock."""

    def __init__(
        self, database: Database, clock: Clock, tail: Tail, metrics: Metrics, readers: Sequence[Reader]
    ) -> None:
        self._database = database
        self._clock = clock
        self._tail = tail
        self._metrics = metrics
        self._readers = readers
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin behind the last effect of each reader."""
        for reader in self._readers:
            woken = asyncio.Event()
            self._tasks += [
                asyncio.create_task(self._listen(reader, self._tail.cursor, woken)),
                asyncio.create_task(self._act_forever(reader, woken), name=f"reader-{reader.name}"),
            ]

    async def stop(self) -> None:
        """Stop; an effect that is being written is written or not, as a whole."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self, reader: Reader, after: Cursor, woken: asyncio.Event) -> None:
        async for event in self._tail.follow(after):
            if event.type in reader.types:
                woken.set()

    async def _act_forever(self, reader: Reader, woken: asyncio.Event) -> None:
        look = True
        while True:
            woken.clear()
            looked_at = self._clock.now()
            await self._catch_up(reader, look)
            due = await self._due(reader, looked_at)
            await asyncio.sleep(PAUSE_S)
            await self._wait(woken, due)
            look = due is not None and due <= self._clock.now()

    async def _catch_up(self, reader: Reader, look: bool) -> None:
        """Act until nothing is left; an event whose effect fails alone, too, is passed over in the end."""
        limit, failures = BATCH, 0
        while True:
            try:
                taken = await self._write(partial(step, reader=reader, limit=limit, look=look))
            except Unavailable as error:
                log.warning("reader %s waits: %s", reader.name, error)
                await asyncio.sleep(RETRY_S)
                continue
            except Exception:
                failures, limit = failures + 1, 1  # to find out which event it is
                log.exception("the effect of reader %s failed; it is tried again", reader.name)
                if failures > TRIES:
                    await self._pass_over(reader)
                    failures, look = 0, False
                await asyncio.sleep(RETRY_S)
                continue
            look, failures = False, 0
            if taken < limit:
                return

    async def _pass_over(self, reader: Reader) -> None:
        with contextlib.suppress(Unavailable):
            event = await self._write(partial(pass_over, reader=reader))
            if event is not None:
                self._metrics.passed_over.labels(reader.name).inc()
                log.error("reader %s goes on without the effect of event %d", reader.name, event.position)

    async def _write(self, act: Callable[[Work], T]) -> T:
        def unit(session: Session) -> T:
            now = self._clock.now()
            return act(Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="reader"))

        return await self._database.write(unit)

    async def _due(self, reader: Reader, looked_at: datetime) -> datetime | None:
        try:
            return await self._database.read(lambda session: reader.due(session, looked_at))
        except Exception:
            log.exception("reader %s does not know when it is due next; its next event tells", reader.name)
            return None

    async def _wait(self, woken: asyncio.Event, due: datetime | None) -> None:
        """Until an event came or the clock has reached ``due``."""
        waiting: list[asyncio.Task[object]] = [asyncio.create_task(woken.wait())]
        if due is not None:
            waiting.append(asyncio.create_task(reach(self._clock, due)))
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()
