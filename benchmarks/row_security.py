"""What row security costs a point read on PostgreSQL: two databases, one without policies, read in turns.

`same`: the scope of before, as the server keeps it. `changing`: another one at each read, so that it is said each time.
"""

import asyncio
import statistics
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from alembic import command

from benchmarks.common import Report, any_postgresql, arguments, conditions
from mesgraph.config import Settings
from mesgraph.db import Database, Sites, open_database
from mesgraph.materials.models import Item
from mesgraph.migration import configured, connected, migrate
from mesgraph.plant import running_plant
from tests.api import Api, SteppedClock
from tests.factories.materials import make_halvard, make_item
from tests.services import as_plant_role, create_database, create_plant_role, drop_database

READS, ROUNDS, LOTS = 300, 30, 200
HERE, THERE = frozenset({1}), frozenset({1, 2})


@contextmanager
def databases(server: str) -> Iterator[dict[str, str]]:
    """Two plants with some lots; of one the policies are taken away."""
    owner = create_plant_role(server)
    with ExitStack() as stack:
        urls = {}
        for kind in ("with", "without"):
            name = f"benchmark_{uuid.uuid4().hex}"
            urls[kind] = as_plant_role(create_database(server, name, owner=owner))
            stack.callback(drop_database, server, name)
            migrate(urls[kind])
            asyncio.run(furnish(urls[kind]))
        with connected(urls["without"]) as connection, configured(connection) as config:
            command.downgrade(config, "0022")
        yield urls


async def furnish(url: str) -> None:
    """HALVARD with lots of binder."""
    async with running_plant(Settings(database=url), clock=SteppedClock()) as plant:
        api = Api(plant)
        await make_halvard(api)
        for n in range(LOTS):
            await make_item(api, "RM-PVDF", f"P-{n}", "25")


async def seconds(database: Database, scope: Callable[[int], Sites]) -> float:
    """For one read, of many."""
    began = time.perf_counter()
    for n in range(READS):
        assert await database.read(lambda session: session.get(Item, 1), scope(n)) is not None
    return (time.perf_counter() - began) / READS


async def measure(urls: dict[str, str]) -> dict[str, list[float]]:
    """Seconds for a read, by kind and round; the kinds take turns in going first."""
    opened = {kind: open_database(url) for kind, url in urls.items()}
    for database in opened.values():
        await database.open()
    kinds: list[tuple[str, Database, Callable[[int], Sites]]] = [
        ("without", opened["without"], lambda _: HERE),
        ("same", opened["with"], lambda _: HERE),
        ("changing", opened["with"], lambda n: HERE if n % 2 else THERE),
    ]
    found: dict[str, list[float]] = {name: [] for name, _, _ in kinds}
    for turn in range(ROUNDS):
        first = turn % len(kinds)
        for name, database, scope in kinds[first:] + kinds[:first]:
            found[name].append(await seconds(database, scope))
    for database in opened.values():
        await database.close()
    return found


def main() -> None:
    """Measure and print."""
    given = arguments(__doc__)
    with any_postgresql() as server:
        if server is None:
            raise SystemExit("there are no programs of a PostgreSQL server on this machine")
        report = Report("row_security", conditions(given.size, "postgresql:", reads=READS), ROUNDS)
        with databases(server) as urls:
            found = asyncio.run(measure(urls))
    for name, figures in found.items():
        report.absolute[name] = {"seconds": float(f"{statistics.median(figures):.3g}")}
        if name == "without":
            continue
        ratios = (figure / without for figure, without in zip(figures, found["without"], strict=True))
        report.ratios[f"{name}_to_without"] = round(statistics.median(ratios), 3)
    report.print(given.json)


if __name__ == "__main__":
    main()
