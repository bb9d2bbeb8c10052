"""How plans read: in the form of the driver, and what many of them look up at once in one statement.

Look-ups of one statement in one scope that come before it is sent are put together, whoever asks: those of one turn of
the event loop, and those that waited for a connection or for two such look-ups that were under way. So the more is
asked, the more is put together. Nothing is joined that was sent already, so everybody sees at least what was committed
before they asked.
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from mesgraph.api.budget import timed
from mesgraph.api.context import Context as Request
from mesgraph.api.plan.readings import Rows
from mesgraph.api.plan.shapes import NOW
from mesgraph.api.plan.statements import KEYS, SITES, Statement, listed
from mesgraph.clock import to_micros
from mesgraph.db import Database, Fetch, Lengthy, Sites

Name: TypeAlias = tuple[Statement, Sites]
UNDER_WAY_MAX = 2
"""Look-ups of one statement in one scope at a time: while one is answered, the next one travels."""


class LookUps:
    """The look-ups of one process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: dict[Name, LookUp] = {}
        self._under_way: Counter[Name] = Counter()

    async def rows(
        self, statement: Statement, sites: Sites, values: Mapping[str, Any], keys: Iterable[Any]
    ) -> Mapping[Any, Rows]:
        """Rows by their keys, perhaps of more than these."""
        name = statement, sites
        look_up = self._waiting.get(name)
        if look_up is None:
            look_up = self._waiting[name] = LookUp(values, copy_context())
            self._begin(name)
        look_up.keys.update(keys)
        answer: asyncio.Future[Mapping[Any, Rows]] = asyncio.get_running_loop().create_future()
        look_up.answers.append(answer)
        return await answer

    def _begin(self, name: Name) -> None:
        """Have what waits read, if it is not yet and others leave room, on the account of who asked first."""
        look_up = self._waiting.get(name)
        if look_up is not None and look_up.reading is None and self._under_way[name] < UNDER_WAY_MAX:
            self._under_way[name] += 1
            look_up.reading = asyncio.create_task(self._read(name), context=look_up.context)

    async def _read(self, name: Name) -> None:
        """Answer everybody who waits once there is a connection; then it is the turn of those who came meanwhile."""
        statement, sites = name
        look_up = None
        try:
            async with self.database.lend(sites) as fetch:
                look_up = self._waiting.pop(name)  # from here on others wait for a look-up of their own
                keys = listed(look_up.keys, self.database.dialect)
                found = await _fetched(self.database, sites, fetch, statement, {**look_up.values, KEYS: keys})
            look_up.answer(found)
        except BaseException as error:
            (look_up or self._waiting.pop(name)).fail(error)
            if not isinstance(error, Exception):
                raise
        finally:
            self._under_way[name] -= 1
            self._begin(name)
            if not self._under_way[name]:
                del self._under_way[name]


@dataclass
class LookUp:
    """Keys that wait to be looked up, and those who wait for the rows."""

    values: Mapping[str, Any]
    context: Context
    keys: set[Any] = field(default_factory=set)
    answers: list["asyncio.Future[Mapping[Any, Rows]]"] = field(default_factory=list)
    reading: "asyncio.Task[None] | None" = None

    def answer(self, found: Rows) -> None:
        """Give the rows to everybody who has not gone away."""
        rows: defaultdict[Any, list[Any]] = defaultdict(list)
        for row in found:
            rows[row[0]].append(row)
        for answer in self.answers:
            if not answer.done():
                answer.set_result(rows)

    def fail(self, error: BaseException) -> None:
        """Tell them why there are none."""
        for answer in self.answers:
            if not answer.done():
                answer.set_exception(error) if isinstance(error, Exception) else answer.cancel()


class ScopedReader:
    """Reads for one caller, as of one moment."""

    def __init__(self, look_ups: LookUps, context: Request) -> None:
        self._look_ups, self._sites = look_ups, context.sites
        self.read = context.read
        self._values: dict[str, Any] = {NOW.key: to_micros(context.plant.clock.now())}
        if self._sites is not None:
            self._values[SITES] = listed(sorted(self._sites), look_ups.database.dialect)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        """The rows of a statement."""
        database = self._look_ups.database
        async with database.lend(self._sites) as fetch:
            return await _fetched(database, self._sites, fetch, statement, {**self._values, **values})

    async def look_up(self, statement: Statement, keys: Iterable[Any]) -> Mapping[Any, Rows]:
        """The rows of a statement by their keys, which are their first column; keys without rows are left out."""
        wanted = list(keys)
        found = await self._look_ups.rows(statement, self._sites, self._values, wanted)
        return {key: found[key] for key in wanted if key in found}


async def _fetched(
    database: Database, sites: Sites, fetch: Fetch, statement: Statement, values: Mapping[str, Any]
) -> Rows:
    """The rows of a statement; one that would hold the event loop for long is read beside it, on the same account."""
    given = statement.values(values)
    try:
        return await fetch(statement.text, given)
    except Lengthy:
        read = timed(lambda session: session.connection().exec_driver_sql(statement.text, tuple(given)).all())
        return await database.read(read, sites)
