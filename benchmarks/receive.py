"""Receipts in bulk: one command over HTTP that makes thousands of items known.

Cases, on SQLite and, where there is a server, on PostgreSQL: ``units`` 5,000 serial units of one line; ``lots`` 1,000
lots, each an activity of its own. A server that this benchmark starts itself runs without fsync, which ``conditions``
says; name one with --database for figures of durable commits.
"""

import asyncio
import contextlib
import time
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Any

from benchmarks.common import (
    SIZES,
    Client,
    Report,
    any_postgresql,
    arguments,
    body,
    conditions,
    fresh_database,
    repeat,
)
from benchmarks.servers import serving
from mesgraph.access.actions import create_principal, grant_role, issue_api_key
from mesgraph.access.models import PrincipalKind
from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.plant import running_plant
from tests.api import Api, SteppedClock
from tests.factories.materials import make_halvard

UNITS = 5_000
LOTS = 1_000
RECEIVE = """mutation ($input: ReceiveItemsInput!) { receiveItems(input: $input) {
  genealogyEvents { id } userErrors { code message } } }"""


async def prepare(database: str) -> str:
    """Masters, and the key of a store."""
    async with running_plant(Settings(database=database), clock=SteppedClock()) as plant:
        api = Api(plant)
        await make_halvard(api)

        def key(session: Any) -> str:
            work = api.work(session)
            store = create_principal(work, subject="store", kind=PrincipalKind.SERVICE, display_name="Store")
            grant_role(work, store, Role.ERP, None, None)
            return issue_api_key(work, store)[1]

        return await plant.database.write(key)


def units(prefix: str) -> list[dict[str, Any]]:
    """A line of serial units."""
    return [{"material": "CELL-105", "serialNumbers": [f"{prefix}{n:05}" for n in range(UNITS)]}]


def lots(prefix: str) -> list[dict[str, Any]]:
    """A line for each lot."""
    amount = {"value": "25", "uom": "KGM"}
    return [{"material": "RM-PVDF", "lotNumber": f"{prefix}{n:05}", "quantity": amount} for n in range(LOTS)]


async def on(server: str | None, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of both cases for one database."""
    with fresh_database(server) as database:
        key = await prepare(database)
        with serving(database) as running:
            async with Client(running.port, key) as client:

                async def once(case: str) -> Mapping[str, float]:
                    make, count = (units, UNITS) if case == "units" else (lots, LOTS)
                    request = body(RECEIVE, input={"site": "HV1", "lines": make(uuid.uuid4().hex[:8])})
                    began = time.perf_counter()
                    answer = await client.post(request)
                    took = time.perf_counter() - began
                    if b'"genealogyEvents":[{' not in answer:
                        raise RuntimeError(answer[:500].decode())
                    return {"command_s": took, "items_per_second": count / took}

                return {case: await repeat(rounds, partial(once, case)) for case in ("units", "lots")}


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    report = Report("receive", conditions(given.size, given.database or "sqlite", units=UNITS, lots=LOTS), size.rounds)
    for case, figures in (await on(None, size.rounds)).items():
        report.absolute[f"{case}_sqlite"] = figures
    with contextlib.ExitStack() as stack:
        server = given.database or stack.enter_context(any_postgresql())
        report.conditions["postgresql_fsync"] = "as named server" if given.database else "off"
        if server is not None:
            for case, figures in (await on(server, size.rounds)).items():
                report.absolute[f"{case}_postgresql"] = figures
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
