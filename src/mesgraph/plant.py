"""A running plant: its database, its clock, and the live end of its record, started and stopped together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mesgraph.clock import Clock, SystemClock, VirtualClock
from mesgraph.config import Settings
from mesgraph.db import Database, open_database
from mesgraph.ledger.reader import Reader, Readers
from mesgraph.ledger.tail import Tail
from mesgraph.metrics import Metrics


@dataclass(frozen=True)
class Plant:
    """What every request needs."""

    settings: Settings
    database: Database
    clock: Clock
    tail: Tail
    metrics: Metrics = field(default_factory=Metrics)


@asynccontextmanager
async def running_plant(
    settings: Settings, clock: Clock | None = None, readers: Sequence[Reader] = ()
) -> AsyncIterator[Plant]:
    """Open the database and follow its record until the block ends. ``clock`` replaces the one of the settings.

    ``readers`` act on what is recorded.
    """
    database = open_database(settings.database)
    await database.open()
    try:
        tail = Tail(database)
        await tail.start()
        try:
            async with _numbered(database, tail):
                plant = Plant(settings=settings, database=database, clock=clock or _clock(settings), tail=tail)
                plant.metrics.watch_position(lambda: tail.cursor.position)
                acting = Readers(database, plant.clock, tail, plant.metrics, readers)
                acting.start()
                try:
                    yield plant
                finally:
                    await acting.stop()
        finally:
            await tail.stop()
    finally:
        await database.close()


def _clock(settings: Settings) -> Clock:
    return VirtualClock(settings.demo_clock) if settings.demo_clock else SystemClock()


@asynccontextmanager
async def _numbered(database: Database, tail: Tail) -> AsyncIterator[None]:
    """Wake the tail after commits: directly on SQLite, through the sequencer on PostgreSQL."""
    from mesgraph.db.postgresql import ServerDatabase

    if not isinstance(database, ServerDatabase):
        database.on_commit(tail.wake)
        yield
        return
    from mesgraph.ledger.sequencer import Sequencer

    sequencer = Sequencer(database.url, tail)
    sequencer.start()
    database.on_commit(sequencer.committed)
    try:
        yield
    finally:
        await sequencer.stop()
