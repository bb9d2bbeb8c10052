"""Connections of asyncpg for reading: lent first in, first out, and each kept to a scope for as long as that lasts.

A pool would reset a connection whenever it comes back, which costs a round trip, half of what a look-up by key takes.
Here nothing needs to be reset: no transaction, no setting but the scope, and prepared statements are to be kept.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from mesgraph.db.scope import Sites

READERS = 8
"""Connections of a process at most."""


class Pinned:
    """Connections to one database, opened when they are needed."""

    def __init__(self, connect: Callable[[], Any], written: Callable[[Sites], str]) -> None:
        self._connect, self._written = connect, written
        self._free: deque[tuple[Any, str]] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lent = 0
        self._closed = False

    @asynccontextmanager
    async def lend(self, sites: Sites) -> AsyncIterator[Any]:
        """A connection that sees rows of ``sites``; one that failed is not lent again."""
        if self._waiting or self._lent >= READERS:
            turn = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            await self._turn(turn)
        else:
            self._lent += 1
        connection = None
        try:
            connection, held = await self._taken(self._written(sites))
            yield connection
        except BaseException:
            if connection is not None:
                connection.terminate()
            raise
        else:
            self._give_back(connection, held)
        finally:
            self._next()

    async def close(self) -> None:
        """Close what is not lent; the rest is closed when it comes back."""
        self._closed = True
        while self._free:
            connection, _ = self._free.pop()
            await connection.close()

    async def _turn(self, turn: "asyncio.Future[None]") -> None:
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # the turn came all the same; it is for the next one
            else:
                self._waiting.remove(turn)
            raise

    def _next(self) -> None:
        """Hand the place of a connection to who has waited longest, or to nobody."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._lent -= 1

    async def _taken(self, wanted: str) -> tuple[Any, str]:
        """A connection in its scope: one that has it already, where there is one."""
        found = next((free for free in self._free if free[1] == wanted), None)
        if found is not None:
            self._free.remove(found)
            if not found[0].is_closed():
                return found
        connection = None
        while self._free and connection is None:
            connection, _ = self._free.popleft()
            if connection.is_closed():
                connection = None
        if connection is None:
            connection = await self._connect()
        try:
            await connection.execute(f"SET mesgraph.sites = '{wanted}'")  # digits and commas
        except BaseException:
            connection.terminate()
            raise
        return connection, wanted

    def _give_back(self, connection: Any, held: str) -> None:
        if self._closed or connection.is_closed():
            connection.terminate()
        else:
            self._free.append((connection, held))


def connecting(dsn: str, settings: dict[str, str], statements: int) -> Callable[[], Any]:
    """What opens one connection."""

    async def connect() -> Any:
        return await asyncpg.connect(
            dsn, server_settings=settings, statement_cache_size=statements, max_cached_statement_lifetime=0, timeout=5
        )

    return connect
