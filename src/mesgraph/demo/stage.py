"""Where a shift is played: an empty database brought to the newest revision, a server over it, and their clock."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mesgraph.clock import VirtualClock
from mesgraph.demo.plan import START
from mesgraph.demo.server import ServerChild, free_port


@dataclass(frozen=True)
class Stage:
    """The server runs; ``admin_key`` is the key that `mesgraph migrate` prints on a new database."""

    server: ServerChild
    clock: VirtualClock
    admin_key: str


@contextmanager
def stage(database: str, *, port: int | None = None, graphiql: bool = False) -> Iterator[Stage]:
    """Set everything up in the empty ``database``, and stop the server in the end."""
    from mesgraph import migration

    with tempfile.TemporaryDirectory(prefix="mesgraph-stage-") as folder:
        file = Path(folder) / "clock"
        clock = VirtualClock(file)
        clock.set(START)
        migration.migrate(database)
        key = migration.first_admin_key(database, clock)
        if key is None:
            raise RuntimeError(f"{database} has principals already")
        server = ServerChild(database, file, free_port(port), Path(folder) / "server.log", graphiql=graphiql)
        server.start()
        try:
            yield Stage(server=server, clock=clock, admin_key=key)
        finally:
            server.stop()
