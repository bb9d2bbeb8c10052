"""Connections that are kept for reading: who waits longest goes first, and each sees its scope alone."""

import asyncio
from typing import Any

import pytest

from mesgraph.db.pinned import READERS, Pinned
from mesgraph.db.row_security import written


class Connection:
    """Stands for one of the driver; notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ended = False

    async def execute(self, text: str) -> None:
        self.told.append(text)

    def is_closed(self) -> bool:
        return self.ended

    def terminate(self) -> None:
        self.ended = True

    async def close(self) -> None:
        self.ended = True


class Opened:
    """A pool, and the connections that it opened."""

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        self.pool = Pinned(self._connect, written)

    async def _connect(self) -> Connection:
        self.connections.append(Connection())
        return self.connections[-1]


SITE = frozenset({1})


async def test_a_scope_is_told_when_it_changes_and_not_before() -> None:
    opened = Opened()
    for sites in (SITE, SITE, None, SITE):
        async with opened.pool.lend(sites):
            pass
    assert [connection.told for connection in opened.connections] == [
        ["SET mesgraph.sites = '1'", "SET mesgraph.sites = '*'", "SET mesgraph.sites = '1'"]
    ]


async def test_a_connection_that_has_the_scope_is_preferred() -> None:
    opened = Opened()
    async with opened.pool.lend(SITE), opened.pool.lend(None):
        pass
    async with opened.pool.lend(None) as connection:
        assert connection.told == ["SET mesgraph.sites = '*'"]


async def test_who_waits_longest_goes_first() -> None:
    opened, order = Opened(), []
    begin, end = asyncio.Event(), asyncio.Event()

    async def hold() -> None:
        async with opened.pool.lend(None):
            begin.set()
            await end.wait()

    async def ask(number: int) -> None:
        async with opened.pool.lend(None):
            order.append(number)

    holding = [asyncio.create_task(hold()) for _ in range(READERS)]
    await begin.wait()
    asking = []
    for number in range(20):
        asking.append(asyncio.create_task(ask(number)))
        await asyncio.sleep(0)
    asking[3].cancel()
    end.set()
    await asyncio.gather(*holding, *asking, return_exceptions=True)
    assert order == [number for number in range(20) if number != 3]
    assert len(opened.connections) == READERS


async def test_a_turn_that_came_to_somebody_who_left_goes_to_the_next() -> None:
    opened = Opened()
    lent = [opened.pool.lend(None) for _ in range(READERS)]
    for each in lent:
        await each.__aenter__()
    leaving, next_one = (asyncio.create_task(_once(opened)) for _ in range(2))
    await asyncio.sleep(0)
    await lent[0].__aexit__(None, None, None)  # the turn of the first one, which leaves before it knows
    leaving.cancel()
    await next_one
    for each in lent[1:]:
        await each.__aexit__(None, None, None)
    async with opened.pool.lend(None):
        pass


async def _once(opened: Opened) -> None:
    async with opened.pool.lend(None):
        pass


async def test_a_connection_that_failed_is_not_lent_again() -> None:
    opened = Opened()
    with pytest.raises(ConnectionError):
        async with opened.pool.lend(None) as connection:
            raise ConnectionError
    assert connection.ended
    async with opened.pool.lend(None) as other:
        assert other is not connection


async def test_no_place_is_lost_when_connecting_fails() -> None:
    async def refuse() -> Any:
        raise OSError("nobody listens")

    pool = Pinned(refuse, written)
    for _ in range(READERS + 1):
        with pytest.raises(OSError, match="nobody listens"):
            async with pool.lend(None):
                pass
