"""SQLite, embedded: one writer thread with group commit, and a few read-only connections.

One process owns the file (an advisory lock beside it says so). Writes wait in a queue; the writer takes all that
wait, runs each in a savepoint of one transaction, and answers when that transaction is on disk: while one commit
waits for the disk the next group gathers, so nobody waits for company that may not come.
"""

import asyncio
import fcntl
import os
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any, ClassVar, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool, StaticPool

from mesgraph.db.database import Database, Fetch, Lengthy, Unit
from mesgraph.db.scope import Sites, apply_scope
from mesgraph.errors import Code, Unavailable

T = TypeVar("T")

GROUP_MAX = 64
READERS = 4
STATEMENTS_KEPT = 1_000
"""Prepared statements of the connection that plans read by."""
NEAR_S = 0.02
"""How long a statement may hold the event loop before it is given up. A page of 500 rows takes a tenth of that; but few
rows of one site are looked for among millions of another.
"""
NEAR_STEPS = 10_000
"""Steps of SQLite's machine between two looks at the clock."""
BUSY_TIMEOUT_MS = 5000
COMMON_PRAGMAS = (
    "foreign_keys=ON",
    "trusted_schema=OFF",
    "cell_size_check=ON",
    f"busy_timeout={BUSY_TIMEOUT_MS}",
)
WRITER_PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", *COMMON_PRAGMAS)


class Job:
    """One waiting unit of work and the promise of its result."""

    def __init__(self, unit: Unit[Any], sites: Sites) -> None:
        self.unit = unit
        self.sites = sites
        self.answer: Future[Any] = Future()
        self.result: Any = None
        self.error: BaseException | None = None

    def run(self, connection: Connection) -> None:
        """Run in a savepoint of the open transaction; a unit that fails leaves nothing behind."""
        self.result, self.error = None, None
        session = Session(connection, join_transaction_mode="create_savepoint", expire_on_commit=False)
        apply_scope(session, self.sites)
        try:
            self.result = self.unit(session)
            session.commit()
        except BaseException as error:
            self.error = error
        try:
            session.close()
        except OperationalError:
            # no savepoint to return to: SQLite has ended the whole transaction by itself; make sure of that
            raw_connection(connection).rollback()

    def reply(self) -> None:
        """Tell the caller; only after the outer commit."""
        if self.error is not None:
            self.answer.set_exception(translate(self.error))
        else:
            self.answer.set_result(self.result)


class EmbeddedDatabase(Database):
    """The default database: one file, one process."""

    dialect: ClassVar[str] = "sqlite"

    def __init__(self, url: URL) -> None:
        super().__init__()
        self.path = Path(url.database or "")
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._closed = False
        self._lock_file = -1
        self._near_until = 0.0

    async def open(self) -> None:
        """Take the file for this process, start the writer and the readers."""
        self._lock_file = own_file(self.path)
        self._writer_engine = engine(str(self.path), WRITER_PRAGMAS, "BEGIN IMMEDIATE", poolclass=StaticPool)
        try:
            self._connection = self._writer_engine.connect()
        except (DatabaseError, sqlite3.DatabaseError) as error:
            os.close(self._lock_file)
            raise Unavailable(Code.UNAVAILABLE, f"{self.path} cannot be used: {error}") from error
        uri = f"{self.path.absolute().as_uri()}?mode=ro"
        self._reader_engine = engine(
            uri, COMMON_PRAGMAS, "BEGIN", poolclass=QueuePool, pool_size=READERS, max_overflow=0
        )
        self._near = connect(uri, COMMON_PRAGMAS, cached_statements=STATEMENTS_KEPT)
        self._near.set_progress_handler(lambda: perf_counter() > self._near_until, NEAR_STEPS)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="mesgraph-reader")
        self._writer = threading.Thread(target=self._write_forever, name="mesgraph-writer")
        self._writer.start()

    async def close(self) -> None:
        """Finish the queue, then stop."""
        self._closed = True
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._readers.shutdown)
        self._connection.close()
        self._near.close()
        self._reader_engine.dispose()
        self._writer_engine.dispose()
        os.close(self._lock_file)

    async def write(self, unit: Unit[T], sites: Sites = None) -> T:
        """Queue ``unit`` for the writer; a caller that goes away does not stop it."""
        if self._closed:
            raise Unavailable(Code.UNAVAILABLE, "the server is stopping; send the same command again")
        job = Job(unit, sites)
        answer: asyncio.Future[T] = asyncio.wrap_future(job.answer)
        answer.add_done_callback(self._ended)
        self._jobs.put(job)
        return await asyncio.shield(answer)

    def _ended(self, answer: "asyncio.Future[Any]") -> None:
        """It is over; when whoever asked has gone, nobody wants to hear how, the log neither."""
        self._committed()
        if not answer.cancelled():
            answer.exception()

    async def read(self, query: Unit[T], sites: Sites = None) -> T:
        """Run ``query`` on one of the read-only connections."""

        def run() -> T:
            with Session(self._reader_engine, expire_on_commit=False) as session:
                apply_scope(session, sites)
                return query(session)

        try:
            return await asyncio.get_running_loop().run_in_executor(self._readers, run)
        except OperationalError as error:
            raise translate(error) from error

    @property
    def sql(self) -> Dialect:
        """SQLite's."""
        return self._reader_engine.dialect

    @asynccontextmanager
    async def lend(self, sites: Sites) -> AsyncIterator[Fetch]:
        """On a connection of the event loop: plans read by keys and in pages, which is faster than a thread begins."""
        yield self._fetch

    async def _fetch(self, text: str, values: Sequence[Any]) -> Sequence[Any]:
        self._near_until = perf_counter() + NEAR_S
        try:
            return self._near.execute(text, values).fetchall()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
                raise Lengthy from error
            raise translate(OperationalError(text, None, error)) from error

    def _write_forever(self) -> None:
        while (job := self._jobs.get()) is not None:
            group = [job]
            last = False
            while len(group) < GROUP_MAX and not last:
                try:
                    following = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if following is None:
                    last = True
                else:
                    group.append(following)
            self._commit(group)
            if last:
                return

    def _commit(self, group: list[Job]) -> None:
        """One transaction for the group; if its commit fails, one for each, so that nobody fails for another."""
        try:
            with self._connection.begin():
                for job in group:
                    job.run(self._connection)
                    self._make_sure_of_transaction(job)
        except BaseException as error:
            raw_connection(self._connection).rollback()  # a failed COMMIT may leave the transaction open
            if len(group) > 1:
                for job in group:
                    self._commit([job])
                return
            group[0].error = error
        for job in group:
            job.reply()

    def _make_sure_of_transaction(self, job: Job) -> None:
        """On a full or failing disk SQLite may end the whole transaction: then nobody's work may go on in it."""
        if not raw_connection(self._connection).in_transaction:
            raise job.error or AssertionError("a unit of work ended the transaction")


def raw_connection(connection: Connection) -> sqlite3.Connection:
    """The driver's connection below."""
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def own_file(path: Path) -> int:
    """Take an SQLite file for this process; closing the returned descriptor lets it go.

    Raises :class:`Unavailable` when another process has it, or when there can be no such file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise Unavailable(Code.UNAVAILABLE, f"{path} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        message = f"{path} is in use by a running server; use its API, or stop it first"
        raise Unavailable(Code.UNAVAILABLE, message) from error
    return lock


def connect(database: str, pragmas: tuple[str, ...], **options: Any) -> sqlite3.Connection:
    """A connection of the driver."""
    connection: sqlite3.Connection = sqlite3.connect(
        database, uri=database.startswith("file:"), isolation_level=None, check_same_thread=False, **options
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")
    return connection


def engine(database: str, pragmas: tuple[str, ...], begin: str, **pool: Any) -> Engine:
    """An engine whose transactions start with ``begin``: the driver's own rules would start them too late."""
    made = create_engine("sqlite://", creator=partial(connect, database, pragmas), hide_parameters=True, **pool)
    event.listen(made, "begin", cast(Callable[..., None], lambda connection: connection.exec_driver_sql(begin)))
    return made


def translate(error: BaseException) -> BaseException:
    """A fault of disk or lock as :class:`Unavailable`; everything else as it is."""
    if not isinstance(error, OperationalError):
        return error
    text = str(error.orig)
    if "full" in text:
        return Unavailable(Code.STORAGE_FULL, "the disk of the database is full; nothing was written")
    if "locked" in text or "busy" in text:
        return Unavailable(Code.IN_PROGRESS, "the database is busy; send the same command again")
    if "disk I/O" in text or "unable to open" in text:
        return Unavailable(Code.UNAVAILABLE, f"the database file cannot be used: {text}")
    return error
