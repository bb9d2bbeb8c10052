"""How plans read: in the form of the driver, and what many of them look up at once in one statement.

Look-ups of one statement in one scope that come before it is sent are put together, whoever asks: those of one turn of
the event loop, and those that waited for a connection. Nothing is joined that was sent already, so everybody sees at
least what was committed before they asked.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mesgraph.api.context import Context
from mesgraph.api.plan.readings import Rows
from mesgraph.api.plan.shapes import NOW
from mesgraph.api.plan.statements import KEYS, SITES, Statement, listed
from mesgraph.clock import to_micros
from mesgraph.db import Database, Sites


class LookUps:
    """The look-ups of one process."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._waiting: dict[tuple[Statement, Sites], LookUp] = {}

    async def rows(
        self, statement: Statement, sites: Sites, values: Mapping[str, Any], keys: Iterable[Any]
    ) -> Mapping[Any, Rows]:
        """Rows by their keys, perhaps of more than these."""
        name = statement, sites
        waiting = self._waiting.get(name)
        if waiting is None:
            waiting = self._waiting[name] = LookUp()
            waiting.reading = asyncio.create_task(self._answer(statement, sites, values, waiting))
        waiting.keys.update(keys)
        answer: asyncio.Future[Mapping[Any, Rows]] = asyncio.get_running_loop().create_future()
        waiting.answers.append(answer)
        return await answer

    async def _answer(self, statement: Statement, sites: Sites, values: Mapping[str, Any], look_up: "LookUp") -> None:
        """Answer everybody who asked and still waits."""
        try:
            rows = await self._read(statement, sites, values, look_up)
        except BaseException as error:
            for answer in look_up.waiting():
                answer.set_exception(error) if isinstance(error, Exception) else answer.cancel()
            if not isinstance(error, Exception):
                raise
        else:
            for answer in look_up.waiting():
                answer.set_result(rows)

    async def _read(
        self, statement: Statement, sites: Sites, values: Mapping[str, Any], look_up: "LookUp"
    ) -> Mapping[Any, Rows]:
        try:
            async with self.database.lend(sites) as fetch:
                del self._waiting[statement, sites]  # from here on others wait for a look-up of their own
                keys = listed(look_up.keys, self.database.dialect)
                found = await fetch(statement.text, statement.values({**values, KEYS: keys}))
        finally:
            if self._waiting.get((statement, sites)) is look_up:
                del self._waiting[statement, sites]
        rows: defaultdict[Any, list[Any]] = defaultdict(list)
        for row in found:
            rows[row[0]].append(row)
        return rows


@dataclass
class LookUp:
    """Keys that wait to be looked up, and those who wait for the rows."""

    keys: set[Any] = field(default_factory=set)
    answers: "list[asyncio.Future[Mapping[Any, Rows]]]" = field(default_factory=list)
    reading: "asyncio.Task[None] | None" = None

    def waiting(self) -> "Iterator[asyncio.Future[Mapping[Any, Rows]]]":
        """Who has not gone away."""
        return (answer for answer in self.answers if not answer.done())


class ScopedReader:
    """Reads for one caller, as of one moment."""

    def __init__(self, look_ups: LookUps, context: Context) -> None:
        self._look_ups, self._sites = look_ups, context.sites
        self.read = context.read
        self._values: dict[str, Any] = {NOW.key: to_micros(context.plant.clock.now())}
        if self._sites is not None:
            self._values[SITES] = listed(sorted(self._sites), look_ups.database.dialect)

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        """The rows of a statement."""
        async with self._look_ups.database.lend(self._sites) as fetch:
            rows: Rows = await fetch(statement.text, statement.values({**self._values, **values}))
            return rows

    async def look_up(self, statement: Statement, keys: Iterable[Any]) -> Mapping[Any, Rows]:
        """The rows of a statement by their keys, which are their first column; keys without rows are left out."""
        wanted = list(keys)
        found = await self._look_ups.rows(statement, self._sites, self._values, wanted)
        return {key: found[key] for key in wanted if key in found}
