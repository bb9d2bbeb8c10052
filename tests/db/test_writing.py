"""A unit of work is done once and whole, or not at all, whatever happens beside it."""

import asyncio
import gc
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool
from sqlalchemy.util import await_only

from mesgraph.db import open_database
from mesgraph.db.database import Database
from mesgraph.db.postgresql import ServerDatabase
from mesgraph.db.sqlite import EmbeddedDatabase
from mesgraph.errors import Code, Unavailable
from mesgraph.plant import Plant
from tests.patience import eventually

COUNTS = Table(
    "counts", MetaData(), Column("id", Integer, primary_key=True), Column("n", Integer), Column("words", String(2000))
)

sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
postgresql_only = pytest.mark.parametrize(
    "database_url", [pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
)


@pytest.fixture
async def database(plant: Plant) -> Database:
    def make(session: Session) -> None:
        COUNTS.create(session.connection())
        session.execute(insert(COUNTS), [{"id": i, "n": 0} for i in (1, 2)])

    await plant.database.write(make)
    return plant.database


def adding(row: int, words: str = "") -> Callable[[Session], None]:
    def unit(session: Session) -> None:
        session.execute(insert(COUNTS).values(id=row, n=1, words=words))

    return unit


def bump(session: Session, row: int = 1) -> int:
    n = session.scalar(select(COUNTS.c.n).where(COUNTS.c.id == row).with_for_update()) or 0
    session.execute(update(COUNTS).where(COUNTS.c.id == row).values(n=n + 1))
    return n + 1


async def rows(database: Database) -> list[tuple[int, int]]:
    found = select(COUNTS.c.id, COUNTS.c.n).order_by(COUNTS.c.id)
    return await database.read(lambda s: [(row[0], row[1]) for row in s.execute(found)])


async def test_many_writers_at_once_lose_nothing(database: Database) -> None:
    answers = await asyncio.gather(*(database.write(bump) for _ in range(200)))
    assert sorted(answers) == list(range(1, 201))
    assert await rows(database) == [(1, 200), (2, 0)]


async def test_a_unit_that_fails_leaves_nothing_and_disturbs_nobody(database: Database) -> None:
    def failing(session: Session) -> None:
        bump(session, 2)
        raise RuntimeError("after the change")

    units = [failing if i % 3 == 0 else bump for i in range(90)]
    answers = await asyncio.gather(*(database.write(unit) for unit in units), return_exceptions=True)
    assert sum(isinstance(answer, RuntimeError) for answer in answers) == 30
    assert await rows(database) == [(1, 60), (2, 0)]


async def test_a_broken_constraint_is_a_fault_of_its_own_unit(database: Database) -> None:
    outcomes = await asyncio.gather(*(database.write(adding(row)) for row in (3, 3, 1, 4)), return_exceptions=True)
    assert [isinstance(outcome, IntegrityError) for outcome in outcomes].count(True) == 2
    assert [row for row, _ in await rows(database)] == [1, 2, 3, 4]


async def test_a_caller_that_goes_away_neither_loses_nor_halves_a_write(database: Database) -> None:
    tasks = []
    for i in range(60):
        tasks.append(asyncio.create_task(database.write(bump)))
        if i % 3 == 0:
            await asyncio.sleep(0)
        if i % 2 == 0:
            tasks[-1].cancel()
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    done = sum(isinstance(outcome, int) for outcome in outcomes)
    await database.write(lambda _: None)
    await settled(database)
    [(_, stored), _] = await rows(database)
    assert done <= stored <= 60
    assert await database.write(bump) == stored + 1, "and the database still works"


async def test_the_log_says_nothing_of_who_went_away(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """Or whoever sends nonsense and hangs up would fill it."""

    def failing(session: Session) -> None:
        bump(session, 2)
        raise RuntimeError("after the change")

    for run in (database.write, database.read):
        tasks = [asyncio.create_task(run(failing)) for _ in range(20)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await database.write(lambda _: None)
    await settled(database)
    tasks.clear()
    gc.collect()
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
    assert await rows(database) == [(1, 0), (2, 0)]


async def settled(database: Database) -> None:
    """What was begun has ended."""
    if isinstance(database, ServerDatabase) and database._running:
        await asyncio.wait(database._running)


@postgresql_only
async def test_cancelled_callers_leak_no_connection(database: Database) -> None:
    assert isinstance(database, ServerDatabase)

    def slow(session: Session) -> None:
        session.execute(text("SELECT pg_sleep(0.02)"))

    for _ in range(10):
        tasks = [asyncio.create_task(run(slow)) for run in (database.write, database.read) for _ in range(15)]
        await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    await settled(database)

    async def in_use() -> tuple[int, int]:
        pool = database._engine.pool
        assert isinstance(pool, QueuePool)
        return pool.checkedout(), await database.read(active)

    # the plant of the fixture reads beside this, for moments; what leaked never comes back
    await eventually(in_use, lambda used: used == (0, 0))


def active(session: Session) -> int:
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        " AND state LIKE 'idle in transaction%'"
    )
    return int(session.scalar(text(others)) or 0)


@postgresql_only
async def test_a_deadlock_is_solved_by_running_the_unit_again(database: Database) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    runs = {1: 0, 2: 0}

    def crossing(mine: int, other: int, reached: asyncio.Event, wanted: asyncio.Event) -> Callable[[Session], None]:
        def unit(session: Session) -> None:
            runs[mine] += 1
            bump(session, mine)
            reached.set()
            await_only(wanted.wait())
            bump(session, other)

        return unit

    await asyncio.gather(database.write(crossing(1, 2, first, second)), database.write(crossing(2, 1, second, first)))
    assert await rows(database) == [(1, 2), (2, 2)], "both were done, each once"
    assert sorted(runs.values()) == [1, 2], "one of them twice, from its start"


@postgresql_only
async def test_a_lock_that_is_held_too_long_is_said_to_be_in_progress(database: Database) -> None:
    hold = asyncio.Event()

    def holding(session: Session) -> None:
        bump(session)
        await_only(hold.wait())

    holder = asyncio.create_task(database.write(holding))
    await asyncio.sleep(0.1)
    with pytest.raises(Unavailable) as refusal:
        await database.write(bump)
    assert refusal.value.code is Code.IN_PROGRESS
    hold.set()
    await holder
    assert (await rows(database))[0] == (1, 1)


@postgresql_only
async def test_a_statement_that_takes_too_long_is_given_up(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(session: Session) -> None:
        session.execute(text("SET LOCAL statement_timeout = 100"))
        session.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(Unavailable) as refusal:
        await database.write(endless)
    assert refusal.value.code is Code.TIMEOUT


@postgresql_only
async def test_lost_connections_are_unavailable_and_then_forgotten(database: Database) -> None:
    def suicide(session: Session) -> None:
        bump(session)
        session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(Unavailable) as refusal:
        await database.write(suicide)
    assert refusal.value.code is Code.UNAVAILABLE
    assert await asyncio.gather(*(database.write(bump) for _ in range(20))) is not None
    assert (await rows(database))[0] == (1, 20), "what was cut off left nothing"


async def test_a_server_that_is_not_there_says_so() -> None:
    database = open_database("postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(Unavailable) as refusal:
        await database.open()
    assert "secret" not in str(refusal.value)
    await database.close()


@postgresql_only
async def test_a_pool_that_is_used_up_is_overload(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(database, ServerDatabase)
    monkeypatch.setattr(database._engine.pool, "_timeout", 0.2)
    hold = asyncio.Event()
    holders = [
        asyncio.create_task(database.write(lambda s: (s.connection(), await_only(hold.wait())))) for _ in range(20)
    ]
    await asyncio.sleep(1)
    with pytest.raises(Unavailable) as refusal:
        await database.write(bump)
    assert refusal.value.code is Code.OVERLOADED
    hold.set()
    await asyncio.gather(*holders)
    assert await database.write(bump) == 1


async def test_a_reader_sees_one_moment_and_cannot_write(database: Database) -> None:
    with pytest.raises((Unavailable, OperationalError)):
        await database.read(bump)
    assert await rows(database) == [(1, 0), (2, 0)]


async def test_listeners_hear_of_commits(database: Database) -> None:
    heard = []
    database.on_commit(lambda: heard.append(1))
    await database.write(bump)
    assert heard


# -- SQLite: one file, one process, one writer


def grouped(database: Database, *units: Callable[[Session], Any]) -> "asyncio.Future[list[Any]]":
    """Run the units in one group: they gather while a first one keeps the writer busy."""
    import threading

    gate = threading.Event()
    first = asyncio.ensure_future(database.write(lambda _: gate.wait(5)))

    async def run() -> list[Any]:
        await asyncio.sleep(0.05)
        jobs = [asyncio.ensure_future(database.write(unit)) for unit in units]
        await asyncio.sleep(0.05)
        gate.set()
        await first
        return await asyncio.gather(*jobs, return_exceptions=True)

    return asyncio.ensure_future(run())


@sqlite_only
async def test_what_waits_is_committed_together(database: Database) -> None:
    assert isinstance(database, EmbeddedDatabase)
    groups: list[int] = []
    commit = database._commit

    def counting(group: list[Any]) -> None:
        groups.append(len(group))
        commit(group)

    database._commit = counting  # type: ignore[method-assign]
    await grouped(database, *[bump] * 40)
    assert groups == [1, 40]


class CommitFails:
    """The writer's connection, whose next COMMIT does not reach the disk."""

    def __init__(self, database: EmbeddedDatabase) -> None:
        self.left = 1
        raw = database._connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        self.raw = raw

    def arm(self, monkeypatch: pytest.MonkeyPatch, database: EmbeddedDatabase) -> None:
        dialect = database._writer_engine.dialect
        commit = dialect.do_commit

        def failing(connection: Any) -> None:
            if self.left:
                self.left -= 1
                raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))
            commit(connection)

        monkeypatch.setattr(dialect, "do_commit", failing)


@sqlite_only
async def test_a_commit_that_fails_is_tried_again_one_by_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(database, EmbeddedDatabase)
    fault = CommitFails(database)

    def wrong(session: Session) -> None:
        bump(session, 2)
        raise RuntimeError

    def arming(_: Session) -> None:
        fault.arm(monkeypatch, database)

    answers = await grouped(database, arming, bump, wrong, bump)
    assert answers[1] == 1
    assert isinstance(answers[2], RuntimeError)
    assert answers[3] == 2, "each was run again, in its turn, and counted once"
    assert await rows(database) == [(1, 2), (2, 0)]


@sqlite_only
async def test_a_single_commit_that_fails_is_told_to_its_caller(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(database, EmbeddedDatabase)
    CommitFails(database).arm(monkeypatch, database)
    with pytest.raises(Unavailable) as refusal:
        await database.write(bump)
    assert refusal.value.code is Code.UNAVAILABLE
    assert await rows(database) == [(1, 0), (2, 0)]
    assert await database.write(bump) == 1


@sqlite_only
async def test_a_full_disk_refuses_what_does_not_fit_and_keeps_the_rest(database: Database) -> None:
    assert isinstance(database, EmbeddedDatabase)

    def limit(session: Session, pages: int = 4) -> None:
        used = session.scalar(text("PRAGMA page_count")) or 0
        session.execute(text(f"PRAGMA max_page_count = {used + pages}"))

    await database.write(limit)
    tried = range(10, 60)
    outcomes = await asyncio.gather(*(database.write(adding(row, "x" * 1900)) for row in tried), return_exceptions=True)
    refusals = [outcome for outcome in outcomes if isinstance(outcome, Unavailable)]
    acknowledged = [row for row, outcome in zip(tried, outcomes, strict=True) if outcome is None]
    assert all(outcome is None or isinstance(outcome, Unavailable) for outcome in outcomes), outcomes
    assert {refusal.code for refusal in refusals} == {Code.STORAGE_FULL}
    assert acknowledged
    assert len(acknowledged) + len(refusals) == 50
    assert [row for row, _ in await rows(database)] == [1, 2, *acknowledged], "reads go on, nothing is lost or halved"
    await database.write(lambda session: limit(session, 1000))
    await database.write(adding(99))


@sqlite_only
async def test_a_unit_that_ends_the_transaction_of_its_group_harms_nobody(database: Database) -> None:
    """On a full disk or a failing one SQLite rolls the whole transaction back by itself, in the middle of a group."""

    def aborting(session: Session) -> None:
        raw = session.connection().connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        bump(session, 2)
        raw.execute("ROLLBACK")
        raise OperationalError("INSERT", None, sqlite3.OperationalError("database or disk is full"))

    answers = await grouped(database, bump, aborting, bump, bump)
    assert isinstance(answers[1], Unavailable)
    assert answers[1].code is Code.STORAGE_FULL
    assert [answers[0], *answers[2:]] == [1, 2, 3]
    assert await rows(database) == [(1, 3), (2, 0)], "each was done once"


@sqlite_only
async def test_a_second_process_is_told_that_the_file_is_in_use(database: Database) -> None:
    assert isinstance(database, EmbeddedDatabase)
    program = (
        "import asyncio, sys\n"
        "from mesgraph.db import open_database\n"
        "from mesgraph.errors import Unavailable\n"
        "try:\n"
        "    asyncio.run(open_database(sys.argv[1]).open())\n"
        "except Unavailable as error:\n"
        "    print(error)\n"
    )
    command = [sys.executable, "-c", program, f"sqlite:///{database.path}"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=30)
    assert "is in use by a running server" in done.stdout, done.stderr


@sqlite_only
async def test_the_file_is_free_again_after_closing(database_url: str) -> None:
    for _ in range(3):
        database = open_database(database_url)
        await database.open()
        assert await database.write(lambda session: session.scalar(text("SELECT 1"))) == 1
        await database.close()


@sqlite_only
async def test_after_closing_nothing_is_accepted(database_url: str) -> None:
    database = open_database(database_url)
    await database.open()
    writing = asyncio.ensure_future(database.write(lambda session: session.scalar(text("SELECT 7"))))
    await asyncio.sleep(0)
    await database.close()
    assert await writing == 7, "what was accepted before is finished"
    async with asyncio.timeout(5):
        with pytest.raises(Unavailable):
            await database.write(lambda session: session.scalar(text("SELECT 1")))


@pytest.mark.parametrize("content", [b"this is no database at all, it is a text" * 100], ids=["a text"])
async def test_a_file_that_is_no_database_is_told_and_let_go(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "plant.db"
    file.write_bytes(content)
    for _ in range(2):
        with pytest.raises(Unavailable, match="cannot be used"):
            await open_database(f"sqlite:///{file}").open()


@sqlite_only
async def test_what_is_acknowledged_is_on_disk(database: Database) -> None:
    def settings(session: Session) -> tuple[Any, ...]:
        return tuple(session.scalar(text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous", "foreign_keys"))

    assert await database.write(settings) == ("wal", 2, 1)


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite|URL"):
        open_database(url)


async def test_count_is_exact(database: Database) -> None:
    assert await database.read(lambda s: s.scalar(select(func.count()).select_from(COUNTS))) == 2
