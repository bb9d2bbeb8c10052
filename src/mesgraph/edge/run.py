"""An edge from start to end: what it did last at once, what the server wants as soon as it answers."""

import asyncio
import fcntl
import logging
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mesgraph.edge.configuration import Instance, Kept, sizes
from mesgraph.edge.plant import Later, NotTaken, Plant
from mesgraph.edge.supervisor import Supervisor

ASK_S = 10.0

log = logging.getLogger(__name__)


class InUse(Exception):
    """Another edge works in this folder."""


def run(server: str, key: str, site: str, state: Path) -> None:
    """Be an edge until told to stop (SIGTERM, SIGINT). Raises :class:`InUse`."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    with _alone(state):
        asyncio.run(_until_stopped(server, key, site, state))


async def _until_stopped(server: str, key: str, site: str, state: Path) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await serve(Plant(server, key, site), state, stop)


async def serve(plant: Plant, state: Path, stop: asyncio.Event) -> None:
    """Be an edge until ``stop`` is set."""
    supervisor = Supervisor(state, plant)
    following = asyncio.create_task(_follow(plant, supervisor, Kept(state / "configuration.json"), state))
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait([stopping, following], return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
        following.cancel()
        await asyncio.gather(stopping, return_exceptions=True)
        await supervisor.stop()
        await plant.close()
    if not following.cancelled() and following.done():
        following.result()


async def _follow(plant: Plant, supervisor: Supervisor, kept: Kept, state: Path) -> None:
    """Do what the server wants, and what it wanted last while it does not answer."""
    known: Sequence[Instance] = kept.read()
    if known:
        log.info("%s", sizes(known, shutil.disk_usage(state).free))
        await supervisor.apply(known)
    away = False
    while True:
        try:
            wanted = await plant.instances()
        except (Later, NotTaken) as error:
            if not away:
                log.warning("configuration: %s; the last known one stands (%d instances)", error, len(known))
            away = True
        else:
            if away:
                log.info("configuration: the server answers")
            away = False
            if wanted != known:
                known = wanted
                kept.write(known)
                log.info("%s", sizes(known, shutil.disk_usage(state).free))
                await supervisor.apply(known)
        await asyncio.sleep(ASK_S)


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    state.mkdir(parents=True, exist_ok=True)
    with (state / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InUse(f"another edge works in {state}; give each edge a folder of its own") from error
        yield
