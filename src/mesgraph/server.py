"""Run the server under uvicorn, after making sure that it can keep its promises."""

import gc
import signal
import sys

import uvicorn
from starlette.applications import Starlette

from mesgraph import migration
from mesgraph.config import Settings
from mesgraph.errors import Unavailable

GRACE_S = 8
WEBSOCKET_MESSAGE_MAX = 64 * 1024
CONNECTIONS_MAX = 5_000


class Unfit(Exception):
    """The settings or the database do not permit to serve; the message says the way out."""


def run(settings: Settings) -> None:
    """Serve until stopped. Raises :class:`Unfit`. The settings must also stand in the environment of the process."""
    check(settings)
    place = f"http://{settings.host}:{settings.port}"
    sys.stdout.write(f"mesgraph serves {place}/graphql{f' and {place}/graphiql' if settings.graphiql else ''}\n")
    sys.stdout.flush()
    # uvicorn finishes its work and then raises the signal again for whoever was there before it: a stop is a success
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    uvicorn.run(
        "mesgraph.server:application",
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        ws="websockets-sansio",
        ws_max_size=WEBSOCKET_MESSAGE_MAX,
        ws_max_queue=16,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=5,
        limit_concurrency=CONNECTIONS_MAX,
        server_header=False,
        log_level="warning",
    )


def application() -> Starlette:
    """The application of a process that serves and does nothing else.

    Code, types and schema are some 200,000 objects that stay as long as the process. A collection that walked them
    would stop everything for a quarter of a second, again and again, so it is told to leave them alone.
    """
    gc.disable()
    from mesgraph.app import create_app
    from mesgraph.schema import build_schema

    app = create_app()
    build_schema()
    gc.freeze()
    gc.enable()
    return app


def check(settings: Settings) -> None:
    """Refuse several workers on SQLite, and a database that is not at the newest revision."""
    if settings.workers > 1 and settings.database.startswith("sqlite"):
        raise Unfit("one process owns an SQLite file: use --workers 1, or PostgreSQL")
    try:
        behind = migration.pending(settings.database)
    except (ValueError, Unavailable) as error:
        raise Unfit(str(error)) from error
    if behind:
        raise Unfit("the database is not at this version's revision: run `mesgraph migrate` first")
