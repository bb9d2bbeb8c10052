"""A running plant: its database, its clock, and the live end of its record, started and stopped together."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mesgraph.clock import Clock, SystemClock, VirtualClock
from mesgraph.config import Settings
from mesgraph.db import Database, open_database
from mesgraph.documents.store import Store
from mesgraph.genealogy.core import Core
from mesgraph.ledger.reader import Reader, Readers
from mesgraph.ledger.tail import Tail
from mesgraph.metrics import Metrics
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.watch import Watch
from mesgraph.telemetry.latest import Memory
from mesgraph.telemetry.sealing import Sealer


@dataclass(frozen=True)
class Plant:
    """What every request needs."""

    settings: Settings
    database: Database
    clock: Clock
    tail: Tail
    core: Core
    documents: Store
    watch: Watch
    metrics: Metrics = field(default_factory=Metrics)
    samples: Memory = field(default_factory=Memory)


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
            async with _numbered(database, tail), _remembered(database, tail, settings) as core:
                plant = Plant(
                    settings=settings,
                    database=database,
                    clock=clock or _clock(settings),
                    tail=tail,
                    core=core,
                    documents=Store(database, tail),
                    watch=Watch({SecurityEventKind.MASS_EXPORT: settings.mass_export_rows}),
                )
                _watch(plant)
                acting = Readers(database, plant.clock, tail, plant.metrics, readers)
                sealer = Sealer(database)
                acting.start()
                sealer.start()
                try:
                    yield plant
                finally:
                    await sealer.stop()
                    await acting.stop()
        finally:
            await tail.stop()
    finally:
        await database.close()


def _watch(plant: Plant) -> None:
    """Show monitoring where readers and the genealogy are."""
    core, watch = plant.core, plant.metrics.watch
    watch("ledger_position", "Position of the last event that readers have seen.", lambda: plant.tail.cursor.position)
    watch("genealogy_position", "Position up to which the genealogy in memory counts.", lambda: core.position)
    watch("genealogy_behind", "Events that the genealogy has not taken yet.", lambda: core.status().behind)
    watch("genealogy_edges", "Edges of the genealogy.", lambda: core.graph.edges)
    watch("security_events_forgotten", "Alarms lost before they were written.", lambda: plant.watch.forgotten)
    watch("genealogy_bytes", "Memory that the genealogy holds.", lambda: core.status().bytes)


def _clock(settings: Settings) -> Clock:
    return VirtualClock(settings.demo_clock) if settings.demo_clock else SystemClock()


@asynccontextmanager
async def _remembered(database: Database, tail: Tail, settings: Settings) -> AsyncIterator[Core]:
    """Keep the genealogy in memory."""
    core = Core(database, tail, settings.genealogy_file())
    await core.start()
    try:
        yield core
    finally:
        await core.stop()


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
