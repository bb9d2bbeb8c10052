"""The core of a process: the genealogy in memory, which follows the record.

A trace asks for :meth:`Core.fresh` first, so that it answers with everything that was committed before it was asked.
The graph is begun from a snapshot file, where there is one that fits the database, and from the record behind it;
without one from the whole record. Several processes over one database each have their own.
"""

import asyncio
import contextlib
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.db import Database
from mesgraph.errors import Code, Unavailable
from mesgraph.genealogy import snapshot
from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.feed import KINDS, activities, lines_behind
from mesgraph.genealogy.standing import StandingTraces
from mesgraph.genealogy.trace import Half, Question, half_of, narrowed
from mesgraph.ledger.models import LedgerEvent, Position
from mesgraph.ledger.queries import head, unnumbered
from mesgraph.ledger.tail import Tail

P = ParamSpec("P")
T = TypeVar("T")

STEP = 20_000
"""Positions that are read at once: a burst, or a part of a long record."""
MERGE_FROM = 20_000
MERGE_SHARE = 0.06
"""Edges behind the base, at least and as a share of all, that make a merge worth its time."""
SAVE_FROM = 200_000
"""Edges from which on a snapshot is quicker than the record."""
BYTES_PER_LINE = 60
"""Of what is not merged yet, generously; merged it is about half."""
KEPT_ITEMS = 500_000
"""Items of the latest answers that are kept; the latest one is kept however large it is."""
RETRY_S = 1.0
WAIT_S = 5.0
"""How long a question waits for the core to come up with the record."""

log = logging.getLogger(__name__)


class Timed(Protocol):
    """Makes of a function one that does the same, and whose time is counted."""

    def __call__(self, work: Callable[P, T], /) -> Callable[P, T]: ...


def _untimed(work: Callable[P, T], /) -> Callable[P, T]:
    return work


@dataclass(frozen=True)
class CoreStatus:
    """How the core is. ``behind``: events of the record that it has not taken yet; ``bytes``: what it holds in memory;
    ``restored``: whether it began from a snapshot; ``refused``: why it did not, though there was one.
    """

    position: int = 0
    behind: int = 0
    nodes: int = 0
    edges: int = 0
    bytes: int = 0
    restored: bool = False
    refused: str | None = None


class Core:
    """The genealogy of the plant in memory, up to ``position``."""

    def __init__(self, database: Database, tail: Tail, file: Path | None = None) -> None:
        self.graph = Graph(KINDS)
        self.position = 0
        self._database = database
        self._tail = tail
        self._file = file
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._merging: asyncio.Task[None] | None = None
        self._saved_events = 0
        self._status = CoreStatus()
        self._halves: OrderedDict[tuple[Question, bool], Half] = OrderedDict()
        self.standing = StandingTraces(self)

    async def start(self) -> None:
        """Begin with the snapshot, if it fits, and follow the record from there."""
        if self._file is not None and self._file.exists():
            await self._restore(self._file)
        lines = await self._database.read(lambda session: lines_behind(session, self.position))
        if lines > STEP:
            size = lines * BYTES_PER_LINE >> 20
            log.info("the genealogy takes %d lines of the record, and about %d MiB of memory for them", lines, size)
        self._task = asyncio.create_task(self._follow(), name="genealogy-core")

    async def stop(self) -> None:
        """Stop following, for good; a snapshot is written when enough was added since the last one."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        if self._merging is not None:
            await self._merging
        if self._file is not None and self._to_save():
            await asyncio.to_thread(self.graph.merge)
            await self._save(self._file)
        # a graph holds terabytes of addresses: they go now, and do not wait for whatever still knows this core
        self._halves.clear()
        del self.graph

    def status(self) -> CoreStatus:
        """How it is now."""
        return replace(
            self._status,
            position=self.position,
            behind=max(self._tail.cursor.position - self.position, 0),
            nodes=self.graph.nodes,
            edges=self.graph.edges,
            bytes=sum(self.graph.memory().values()),
        )

    async def fresh(self) -> int:
        """Wait until the graph has all that is committed now; returns its position.

        Raises :class:`Unavailable` (IN_PROGRESS) when it does not come up within :data:`WAIT_S`.
        """
        deadline = time.monotonic() + WAIT_S
        while (wanted := await self._database.read(_end)) is None:
            if time.monotonic() > deadline:
                raise Unavailable(Code.IN_PROGRESS, "the record is being numbered; ask again")
            await asyncio.sleep(0.002)
        await self.come_to(wanted, deadline)
        return self.position

    async def come_to(self, position: int, deadline: float | None = None) -> None:
        """Wait until the graph has all up to a position; raises as :meth:`fresh` does."""
        deadline = deadline or time.monotonic() + WAIT_S
        while self.position < position:
            self._tail.wake()
            news, left = self._news, deadline - time.monotonic()
            if left <= 0:
                behind = position - self.position
                raise Unavailable(Code.IN_PROGRESS, f"the genealogy is {behind} events behind the record; ask again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await news.wait()

    def count(self, items: Sequence[int], *, forward: bool) -> list[int]:
        """How many items each was made from, or were made from it."""
        nodes = [self.graph.node(item) for item in items]
        return [0 if node < 0 else self.graph.count(node, forward) for node in nodes]

    async def half(self, question: Question, *, forward: bool, timed: Timed = _untimed) -> Half:
        """One direction of a trace; kept for a while, so that who pages through it does not compute it again.

        ``timed`` makes of a computation one whose time is charged to whoever asks.
        """
        key = question, forward
        half = self._halves.pop(key, None)
        if half is None and question == question.whole:
            half = await asyncio.to_thread(timed(half_of), self.graph, question, forward=forward)
        elif half is None:
            whole = await self.half(question.whole, forward=forward, timed=timed)
            half = await asyncio.to_thread(timed(narrowed), self.graph, question, whole, forward=forward)
        self._halves[key] = half
        while len(self._halves) > 1 and sum(len(kept.items) for kept in self._halves.values()) > KEPT_ITEMS:
            self._halves.popitem(last=False)
        return half

    async def _follow(self) -> None:
        while True:
            try:
                while self.position < self._tail.cursor.position:
                    await self._take(min(self._tail.cursor.position, self.position + STEP))
                await self._tail.moved_from(self.position)
            except Unavailable as error:
                log.warning("the genealogy cannot read the record now: %s", error)
                await asyncio.sleep(RETRY_S)
            except Exception:
                log.exception("the genealogy cannot take what was recorded; trying again")
                await asyncio.sleep(RETRY_S)

    async def _take(self, upto: int) -> None:
        graph, after = self.graph, max(self.position, self.graph.last_position)
        # read and appended in the database's thread, where there is one: the loop stays free
        await self._database.read(lambda session: activities(session, after, upto).into(graph))
        self.position = upto
        news, self._news = self._news, asyncio.Event()
        news.set()
        if self._merging is None and self.graph.appended > max(MERGE_FROM, MERGE_SHARE * self.graph.edges):
            self._merging = asyncio.create_task(self._merge(), name="genealogy-merge")

    async def _merge(self) -> None:
        try:
            await asyncio.to_thread(self.graph.merge)
            if self._file is not None and self._to_save():
                await self._save(self._file)
        except Exception:
            log.exception("the genealogy could not be merged; it goes on with what it has")
        finally:
            self._merging = None

    def _to_save(self) -> bool:
        """Whether a tenth and more came since the last snapshot, and all is enough for one."""
        return self.graph.edges >= SAVE_FROM and self.graph.events > 1.1 * self._saved_events

    async def _save(self, file: Path) -> None:
        events, position = self.graph.merged
        end = await self._database.read(lambda session: _event_at(session, position))
        if end is None:
            return
        try:
            await asyncio.to_thread(snapshot.save, self.graph, KINDS, end, file)
            self._saved_events = events
        except OSError as error:
            log.warning("no snapshot of the genealogy: %s", error)

    async def _restore(self, file: Path) -> None:
        try:
            found = await asyncio.to_thread(snapshot.read, file)
            if found.kinds != [list(kind) for kind in KINDS]:
                raise snapshot.Damaged("another version of mesgraph made it")
            if await self._database.read(lambda session: _event_at(session, found.end.position)) != found.end:
                raise snapshot.Damaged("it is of another database, or of another state of this one")
            await asyncio.to_thread(found.verify)
            found.restore(self.graph)
        except (snapshot.Damaged, OSError, ValueError, KeyError, TypeError, MemoryError) as error:
            log.warning("the snapshot %s is refused, and made anew from the record: %s", file, error)
            self.graph = Graph(KINDS)
            self._status = replace(self._status, refused=str(error))
            return
        self.position = found.end.position
        self._saved_events = self.graph.events
        self._status = replace(self._status, restored=True)


def _end(session: Session) -> int | None:
    """The end of the record; ``None`` while something that is committed has no position yet."""
    return None if unnumbered(session) else head(session).position


def _event_at(session: Session, position: int) -> snapshot.End | None:
    leaf = session.scalar(
        select(LedgerEvent.leaf)
        .join(Position, Position.ledger_event_id == LedgerEvent.id)
        .where(Position.position == position)
    )
    return None if leaf is None else snapshot.End(head(session).epoch, position, leaf.hex())
