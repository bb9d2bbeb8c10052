"""Commits of the record: units of work that change one row and record one event, from 1 and from 16 callers.

Cases: ``commits_sqlite`` and, where there is a server, ``commits_postgresql``; ``record`` is the making of an entry
alone, without a database. A server that this benchmark starts itself runs without fsync, which ``conditions`` says;
name one with --database for figures of durable commits.
"""

import asyncio
import contextlib
import itertools
import time
from collections.abc import Mapping

from sqlalchemy.orm import Session

from benchmarks.common import SIZES, Report, any_postgresql, arguments, conditions, fresh_database, repeat
from mesgraph.access.actions import create_principal
from mesgraph.access.models import PrincipalKind
from mesgraph.config import Settings
from mesgraph.ledger.entry import commit_to, encode, leaf_of
from mesgraph.ledger.queries import Cursor
from mesgraph.plant import Plant, running_plant
from mesgraph.work import SYSTEM, Work
from tests.api import START

CALLERS = (1, 16)
PAYLOAD = {"number": "10041", "quantity": 7_440_000, "reason": "text of the usual length", "places": list(range(8))}


async def commits(plant: Plant, callers: int, seconds: float) -> float:
    """Commits per second; at the end the tail must have delivered every one."""
    numbers = itertools.count()
    prefix = f"{time.monotonic_ns()}-"
    before = plant.tail.cursor.position

    def unit(session: Session) -> None:
        work = Work(session=session, actor=SYSTEM, now=START, occurred_at=START)
        name = f"{prefix}{next(numbers)}"
        create_principal(work, subject=name, kind=PrincipalKind.SERVICE, display_name=name)

    done = 0
    began = time.perf_counter()

    async def call() -> None:
        nonlocal done
        while time.perf_counter() - began < seconds:
            await plant.database.write(unit)
            done += 1

    await asyncio.gather(*(call() for _ in range(callers)))
    rate = done / (time.perf_counter() - began)
    async with asyncio.timeout(10):
        async for event in plant.tail.follow(Cursor(1, before)):
            if event.position == before + done:
                return rate
    raise AssertionError("the tail ends only by time-out")


async def on(server: str | None, seconds: float, rounds: int) -> dict[str, float]:
    """Medians for one database."""
    with fresh_database(server) as database:
        async with running_plant(Settings(database=database)) as plant:

            async def once() -> Mapping[str, float]:
                return {f"per_second_{n}_callers": await commits(plant, n, seconds) for n in CALLERS}

            return await repeat(rounds, once)


async def record() -> Mapping[str, float]:
    """Entries made per second."""
    count, began = 5_000, time.perf_counter()
    for _ in range(count):
        commitments, _payload = commit_to(PAYLOAD)
        leaf_of(encode({12: commitments}))
    return {"per_second": count / (time.perf_counter() - began)}


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    report = Report("ledger", conditions(given.size, given.database or "sqlite", window_s=size.window_s), size.rounds)
    report.absolute["record"] = await repeat(size.rounds, record)
    report.absolute["commits_sqlite"] = await on(None, size.window_s, size.rounds)
    with contextlib.ExitStack() as stack:
        server = given.database or stack.enter_context(any_postgresql())
        report.conditions["postgresql_fsync"] = "as named server" if given.database else "off"
        if server is not None:
            report.absolute["commits_postgresql"] = await on(server, size.window_s, size.rounds)
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
