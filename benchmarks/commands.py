"""Commands under load: one server process, a consumption posted over HTTP by 1, 8 and 32 clients at once.

Every client posts into a run of its own from a lot of its own, as the stations of a plant do, each post with a key of
its own. Without ``--database`` both databases are measured, one after the other; PostgreSQL where there is a server's
programs. Figures: commands per second, and the median and 99th percentile of their times.
"""

import asyncio
import uuid

from benchmarks.common import (
    SIZES,
    Case,
    Report,
    Size,
    any_postgresql,
    arguments,
    body,
    conditions,
    fresh_database,
    measure,
)
from benchmarks.seed import Seeded, seed
from benchmarks.servers import serving

CONSUME = """mutation ($input: ConsumeMaterialInput!) { consumeMaterial(input: $input) {
  materialActual { id quantity { value } } userErrors { code message } } }"""
CLIENTS = (1, 8, 32)


def consuming(seeded: Seeded, clients: int) -> Case:
    """The case of so many clients."""

    def make(client: int, n: int) -> bytes:
        command = {
            "idempotencyKey": uuid.uuid4().hex,
            "jobResponse": seeded.runs[client],
            "item": {"material": "RM-PVDF", "lot": f"PVDF-{client}"},
            "quantity": {"value": "0.001", "uom": "KGM"},
        }
        return body(CONSUME, input=command)

    return Case(f"consume_{clients}", clients, make)


async def measured(database: str, size: Size) -> dict[str, dict[str, float]]:
    """Every case on one database."""
    seeded = await seed(database, 1, consumers=max(CLIENTS))
    found = {}
    with serving(database) as server:
        for clients in CLIENTS:
            case = consuming(seeded, clients)
            found[case.name] = await measure(case, server.port, seeded.key, size)
    return found


async def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    size = SIZES[given.size]
    report = Report("commands", conditions(given.size, given.database or "both", window_s=size.window_s), size.rounds)
    with any_postgresql() as server:
        servers = {given.database.partition(":")[0]: given.database} if given.database else {"sqlite": None}
        if given.database is None and server is not None:
            servers["postgresql"] = server
        for name, url in servers.items():
            with fresh_database(url) as database:
                for case, figures in (await measured(database, size)).items():
                    report.absolute[f"{case}_{name}"] = figures
    report.print(given.json)


if __name__ == "__main__":
    asyncio.run(main())
