"""PostgreSQL over asyncpg, for plants that outgrow one machine or one writer."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, ClassVar, TypeVar

import asyncpg
from sqlalchemy.engine import URL, Dialect
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.util import await_only

from mesgraph.db import row_security
from mesgraph.db.database import Database, Fetch, Unit
from mesgraph.db.pinned import Pinned, connecting
from mesgraph.db.scope import Sites, apply_scope
from mesgraph.errors import Code, Unavailable

T = TypeVar("T")

log = logging.getLogger(__name__)

TRIES = 5
POOL_TIMEOUT_S = 10
RETRY_DELAY_S_MIN, RETRY_DELAY_S_MAX = 0.005, 0.2
# 23505: two callers made the same key at once; the second run finds the key and says so in its own words.
RETRIED = {"40001", "40P01", "23505"}
LOST = {
    "25006",
    "57P01",
    "57P02",
    "57P03",
    "53300",
}  # read-only primary, shutdown, start-up, too many clients
STATEMENTS_KEPT = 1_000
"""Prepared statements of a connection. The verbs have more than the hundred that SQLAlchemy keeps unless told, and to
prepare one anew costs a round trip.
"""
SERVER_SETTINGS = {
    "application_name": "mesgraph",
    "statement_timeout": "10000",
    "lock_timeout": "3000",
    "idle_in_transaction_session_timeout": "10000",
    "jit": "off",
}
READ_ONLY = {"default_transaction_read_only": "on"}


class ServerDatabase(Database):
    """A PostgreSQL database."""

    dialect: ClassVar[str] = "postgresql"

    def __init__(self, url: URL) -> None:
        super().__init__()
        self.url = url.set(drivername="postgresql+asyncpg")
        self._engine = create_async_engine(
            self.url,
            pool_size=10,
            max_overflow=10,
            pool_timeout=POOL_TIMEOUT_S,
            pool_pre_ping=True,
            pool_recycle=900,
            hide_parameters=True,
            connect_args={
                "server_settings": SERVER_SETTINGS,
                "timeout": 5,
                "prepared_statement_cache_size": STATEMENTS_KEPT,
            },
        )
        dsn = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._pinned = Pinned(connecting(dsn, SERVER_SETTINGS | READ_ONLY, STATEMENTS_KEPT), row_security.written)
        self._engine.dialect.do_ping = answers  # type: ignore[method-assign]
        self._role = url.username or "of this account"
        self._running: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Make sure that the server answers, and say so when nothing but the API keeps sites apart there."""
        try:
            async with self._engine.connect() as connection:
                self.row_security = not await row_security.escaped(connection)
        except (OSError, DBAPIError, TimeoutError) as error:
            shown = self.url.render_as_string()
            raise Unavailable(Code.UNAVAILABLE, f"{shown} does not answer: {error}") from error
        if not self.row_security:
            message = "the database role %s is a superuser or bypasses row security: only the API keeps sites apart"
            log.warning(message, self._role)

    async def close(self) -> None:
        """Finish what runs, then close the pool."""
        while self._running:
            await asyncio.wait(self._running)
        await self._pinned.close()
        await self._engine.dispose()

    async def write(self, unit: Unit[T], sites: Sites = None) -> T:
        """Run and commit; a caller that goes away neither stops it nor poisons the connection."""
        return await self._finish(self._with_retry(unit, sites))

    async def read(self, query: Unit[T], sites: Sites = None) -> T:
        """Run ``query`` in a read-only transaction with one snapshot."""
        return await self._finish(self._read(query, sites))

    @property
    def sql(self) -> Dialect:
        """That of asyncpg."""
        return self._engine.dialect

    @asynccontextmanager
    async def lend(self, sites: Sites) -> AsyncIterator[Fetch]:
        """On a connection of its own pool, without a transaction around the statements."""
        try:
            async with self._pinned.lend(sites) as connection:

                async def fetch(text: str, values: Sequence[Any]) -> Sequence[Any]:
                    rows: Sequence[Any] = await connection.fetch(text, *values)
                    return rows

                yield fetch
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            raise Unavailable(Code.UNAVAILABLE, "the database does not answer; ask again") from error

    async def _finish(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of ``work``, which goes on to its end whatever becomes of the caller."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        """It is over; when whoever asked has gone, nobody wants to hear how, the log neither."""
        self._running.discard(task)
        if not task.cancelled():
            task.exception()

    async def _read(self, query: Unit[T], sites: Sites) -> T:
        try:
            async with AsyncSession(self._engine, expire_on_commit=False) as session:
                connection = await session.connection(
                    execution_options={"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
                )
                await row_security.hold(session, connection, sites, reads=True)
                apply_scope(session.sync_session, sites)
                return await session.run_sync(query)
        except (DBAPIError, OSError, PoolTimeout) as error:
            raise translate(error) from error

    async def _with_retry(self, unit: Unit[T], sites: Sites) -> T:
        for attempt in range(1, TRIES + 1):
            try:
                async with AsyncSession(self._engine, expire_on_commit=False) as session, session.begin():
                    await row_security.hold(session, await session.connection(), sites, reads=False)
                    apply_scope(session.sync_session, sites)
                    result = await session.run_sync(unit)
            except (DBAPIError, OSError, StaleDataError, PoolTimeout) as error:
                if attempt == TRIES or not (isinstance(error, StaleDataError) or sqlstate(error) in RETRIED):
                    raise translate(error) from error
                ceiling = min(RETRY_DELAY_S_MAX, RETRY_DELAY_S_MIN * 2**attempt)
                await asyncio.sleep(random.uniform(RETRY_DELAY_S_MIN, ceiling))
            else:
                self._committed()
                return result
        raise AssertionError("the last try returns or raises")


def answers(dbapi_connection: Any) -> bool:
    """Whether a connection of the pool still lives, in one round trip. SQLAlchemy would begin a transaction for it and
    end it, which doubles what a short query costs.
    """
    try:
        await_only(dbapi_connection.driver_connection.execute("SELECT"))
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
        return False
    return True


def sqlstate(error: BaseException) -> str:
    """PostgreSQL's five-letter code of ``error``, or an empty text."""
    return getattr(getattr(error, "orig", None), "sqlstate", None) or ""


def translate(error: BaseException) -> BaseException:
    """A fault of lock, disk or connection as :class:`Unavailable`; everything else as it is."""
    state = sqlstate(error)
    if state == "53100":
        return Unavailable(Code.STORAGE_FULL, "the disk of the database is full; nothing was written")
    if isinstance(error, PoolTimeout):
        return Unavailable(Code.OVERLOADED, "too many commands and queries wait for the database; try again")
    if state in {"55P03", "40001", "40P01"} or isinstance(error, StaleDataError):
        return Unavailable(Code.IN_PROGRESS, "another command holds the same rows; send the same command again")
    if state == "57014":
        return Unavailable(Code.TIMEOUT, "the statement took too long and was given up; nothing was written")
    disconnected = isinstance(error, DBAPIError) and error.connection_invalidated
    if state in LOST or state.startswith("08") or disconnected or isinstance(error, OSError | InterfaceError):
        return Unavailable(Code.UNAVAILABLE, "the database does not answer; send the same command again")
    return error
