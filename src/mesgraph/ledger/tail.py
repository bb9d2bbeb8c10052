"""The live end of the record: every committed event once, in the one order, to any number of readers.

One task per process reads what is new and keeps the latest in memory. Readers pull at their own pace: who is slow or
comes back with an old cursor reads from the database until it has caught up, so nothing is ever dropped and no buffer
grows with the number of readers.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeVar

from sqlalchemy.orm import Session

from mesgraph.db import Database
from mesgraph.errors import Code, Refused, Unavailable, invalid
from mesgraph.ledger.queries import Cursor, Recorded, events_after, head, numbered, position_of, unnumbered

POLL_S = 0.05
BATCH = 500
KEPT = 5_000
WAIT_S = 5.0
"""How long a question waits for events that are committed to get their positions."""

T = TypeVar("T")

log = logging.getLogger(__name__)


class Tail:
    """Reads the record in order. ``wake`` it when something was committed; it looks by itself every 50 ms, too."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent: list[Recorded] = []
        self._woken = asyncio.Event()
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._listeners: list[Callable[[Sequence[Recorded]], None]] = []
        self.cursor = Cursor(1, 0)

    async def start(self) -> None:
        """Begin at the present end of the record."""
        self.cursor = await self._database.read(head)
        self._task = asyncio.create_task(self._read_forever(), name="ledger-tail")

    async def stop(self) -> None:
        """Stop reading. Readers that wait go on waiting: end them first."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    def listen(self, listener: Callable[[Sequence[Recorded]], None]) -> None:
        """Tell ``listener`` of each batch of events before any reader gets them."""
        self._listeners.append(listener)

    async def follow(self, after: Cursor | None = None, *, to_end: bool = False) -> AsyncIterator[Recorded]:
        """Every event behind ``after`` (``None``: from now on), for ever, or up to where this process has read.

        Refuses what :meth:`check` refuses.
        """
        await self.check(after)
        position = self.cursor.position if after is None else after.position
        while True:
            news = self._news
            batch = self._kept_behind(position)
            if batch is None:
                batch = await self._stored_behind(position)
            for event in batch:
                position = event.position
                yield event
            if batch:
                continue
            if to_end:
                return
            await news.wait()

    async def moved_from(self, position: int) -> None:
        """Wait until the record goes on behind ``position``."""
        while self.cursor.position <= position:
            await self._news.wait()

    async def position_of(self, ledger_event_id: int, timeout_s: float) -> Cursor | None:
        """The cursor of an event, as soon as it has one; ``None`` after ``timeout_s``."""
        position = await self._as_soon_as(lambda session: position_of(session, ledger_event_id), timeout_s)
        return None if position is None else Cursor(self.cursor.epoch, position)

    async def numbered(self, subject_kind: str, subject_id: int) -> None:
        """Wait until every event of a subject that is committed now has its position.

        Raises :class:`Unavailable` (IN_PROGRESS) when that takes longer than :data:`WAIT_S`.
        """
        if not await self._as_soon_as(lambda session: numbered(session, subject_kind, subject_id), WAIT_S):
            raise Unavailable(Code.IN_PROGRESS, "the record is being numbered; ask again")

    async def end(self) -> Cursor:
        """The end of the record with all that is committed now; raises as :meth:`numbered` does."""
        found = await self._as_soon_as(lambda session: None if unnumbered(session) else head(session), WAIT_S)
        if found is None:
            raise Unavailable(Code.IN_PROGRESS, "the record is being numbered; ask again")
        return found

    async def _as_soon_as(self, look: Callable[[Session], T], timeout_s: float) -> T:
        """What ``look`` finds, once that is something, or after ``timeout_s``; it looks again with every event."""
        deadline = asyncio.get_running_loop().time() + timeout_s
        while True:
            news = self._news
            found = await self._database.read(look)
            left = deadline - asyncio.get_running_loop().time()
            if found or left <= 0:
                return found
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await news.wait()

    async def check(self, after: Cursor | None) -> None:
        """Refuse a cursor of another epoch, or one that lies ahead of the record: the reader must start anew."""
        if after is None:
            return
        if after.epoch != self.cursor.epoch:
            raise Refused(invalid(f"cursor {after} belongs to an earlier life of this database; start anew", "after"))
        # another process may have read further than this one: the database knows
        if after.position > self.cursor.position and after.position > (await self._database.read(head)).position:
            raise Refused(invalid(f"cursor {after} lies ahead of the record", "after"))

    def _kept_behind(self, position: int) -> list[Recorded] | None:
        """What memory has behind ``position``; ``None`` when it does not reach back that far."""
        if position >= self.cursor.position:
            return []
        if not self._recent or self._recent[0].position > position + 1:
            return None
        start = position + 1 - self._recent[0].position
        return self._recent[start : start + BATCH]

    async def _stored_behind(self, position: int) -> list[Recorded]:
        return await self._database.read(lambda session: events_after(session, position, BATCH))

    async def _read_forever(self) -> None:
        while True:
            # not wait_for: before Python 3.12 it loses a cancellation that comes together with the event
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_S):
                    await self._woken.wait()
            self._woken.clear()
            try:
                while await self._read_batch() == BATCH:
                    pass
            except Unavailable as error:
                log.warning("the record cannot be read now: %s", error)
                await asyncio.sleep(1)
            except Exception:
                log.exception("the record cannot be read; trying again")
                await asyncio.sleep(1)

    async def _read_batch(self) -> int:
        batch = await self._stored_behind(self.cursor.position)
        if batch:
            for listener in self._listeners:
                listener(batch)
            self._recent = (self._recent + batch)[-KEPT:]
            self.cursor = Cursor(self.cursor.epoch, batch[-1].position)
            news, self._news = self._news, asyncio.Event()
            news.set()
        return len(batch)
