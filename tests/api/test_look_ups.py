"""What many ask for at once is read once, for nobody else than those who may see the same."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from mesgraph.api.plan.reader import LookUps
from mesgraph.api.plan.statements import KEYS, Statement

BY_KEY = Statement("by key", (KEYS,), {})
HERE, THERE = frozenset({1}), frozenset({2})


class Asked:
    """Stands for a database: notes what is asked, and answers when it is told to."""

    dialect = "postgresql"

    def __init__(self) -> None:
        self.asked: list[tuple[Any, list[int]]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.fault: Exception | None = None
        self.on_asked: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def lend(self, sites: Any) -> AsyncIterator[Any]:
        async def fetch(_text: str, values: Sequence[Any]) -> list[tuple[int, str]]:
            self.asked.append((sites, sorted(values[0])))
            self.on_asked()
            await self.open.wait()
            if self.fault is not None:
                raise self.fault
            return [(key, f"row {key}") for key in values[0]]

        yield fetch


async def turns() -> None:
    """Until everybody waits for the database."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def database() -> Asked:
    return Asked()


@pytest.fixture
def look_ups(database: Asked) -> LookUps:
    return LookUps(database)  # type: ignore[arg-type]  # as much of one as they need


async def test_those_of_one_turn_are_one_statement(database: Asked, look_ups: LookUps) -> None:
    found = await asyncio.gather(*(look_ups.rows(BY_KEY, HERE, {}, [key]) for key in (3, 1, 2, 3)))
    assert database.asked == [(HERE, [1, 2, 3])]
    assert [rows[key] for rows, key in zip(found, (3, 1, 2, 3), strict=True)] == [
        [(key, f"row {key}")] for key in (3, 1, 2, 3)
    ]


async def test_scopes_are_never_read_together(database: Asked, look_ups: LookUps) -> None:
    await asyncio.gather(*(look_ups.rows(BY_KEY, sites, {}, [1]) for sites in (HERE, THERE, None, HERE)))
    assert sorted(map(str, database.asked)) == sorted(map(str, [(HERE, [1]), (THERE, [1]), (None, [1])]))


async def test_nobody_joins_what_was_sent_already(database: Asked, look_ups: LookUps) -> None:
    """Whoever wrote something before asking sees it: a statement under way may be older."""
    database.open.clear()
    first = asyncio.create_task(look_ups.rows(BY_KEY, HERE, {}, [1]))
    await turns()
    second = asyncio.create_task(look_ups.rows(BY_KEY, HERE, {}, [1]))
    await turns()
    database.open.set()
    await asyncio.gather(first, second)
    assert database.asked == [(HERE, [1]), (HERE, [1])]


async def test_many_look_ups_in_many_turns_all_find_their_rows(database: Asked, look_ups: LookUps) -> None:
    async def ask(key: int) -> None:
        for _ in range(key % 5):
            await asyncio.sleep(0)
        assert (await look_ups.rows(BY_KEY, HERE, {}, [key]))[key] == [(key, f"row {key}")]

    await asyncio.gather(*(ask(key) for key in range(200)))
    assert look_ups._waiting == {}


async def test_while_two_are_under_way_the_others_become_one(database: Asked, look_ups: LookUps) -> None:
    database.open.clear()
    asking = []
    for key in range(10):
        asking.append(asyncio.create_task(look_ups.rows(BY_KEY, HERE, {}, [key])))
        await turns()
    elsewhere = asyncio.create_task(look_ups.rows(BY_KEY, THERE, {}, [0]))
    await turns()
    assert database.asked == [(HERE, [0]), (HERE, [1]), (THERE, [0])]
    database.open.set()
    found = await asyncio.gather(*asking, elsewhere)
    assert database.asked[3:] == [(HERE, list(range(2, 10)))]
    assert [found[key][key] for key in range(10)] == [[(key, f"row {key}")] for key in range(10)]
    assert look_ups._waiting == {}
    assert look_ups._under_way == {}


async def test_each_is_read_on_the_account_of_who_asked_first(database: Asked, look_ups: LookUps) -> None:
    who: ContextVar[str] = ContextVar("who")
    payers = []
    database.on_asked = lambda: payers.append(who.get())

    async def ask(name: str, key: int) -> None:
        who.set(name)
        await look_ups.rows(BY_KEY, HERE, {}, [key])

    database.open.clear()
    asking = []
    for key, name in enumerate(["ann", "bob", "cem", "dan"]):
        asking.append(asyncio.create_task(ask(name, key)))
        await turns()
    database.open.set()
    await asyncio.gather(*asking)
    assert payers == ["ann", "bob", "cem"]


async def test_who_goes_away_takes_nothing_from_the_others(database: Asked, look_ups: LookUps) -> None:
    database.open.clear()
    leaving, staying = (asyncio.create_task(look_ups.rows(BY_KEY, HERE, {}, [key])) for key in (1, 2))
    await turns()
    leaving.cancel()
    database.open.set()
    assert (await staying)[2] == [(2, "row 2")]


async def test_a_fault_reaches_all_who_wait_and_nobody_after_them(database: Asked, look_ups: LookUps) -> None:
    database.fault = ConnectionError("gone")
    found = await asyncio.gather(*(look_ups.rows(BY_KEY, HERE, {}, [k]) for k in (1, 2)), return_exceptions=True)
    assert [type(each) for each in found] == [ConnectionError, ConnectionError]
    database.fault = None
    assert (await look_ups.rows(BY_KEY, HERE, {}, [1]))[1] == [(1, "row 1")]
