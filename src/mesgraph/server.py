"""Run the server under uvicorn, after making sure that it can keep its promises."""

import gc
import ipaddress
import signal
import sys
from functools import partial
from typing import Any

import uvicorn
from starlette.applications import Starlette

from mesgraph import migration
from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.errors import Unavailable
from mesgraph.floors import unmet
from mesgraph.gate.connections import PatientConnection, PatientSocket, Peers
from mesgraph.gate.logs import LOGGING
from mesgraph.gate.tls import check_pair, modern
from mesgraph.signatures.demands import DEMANDABLE, unknown

GRACE_S = 8
SWITCH_S = 0.0002
"""For how long a thread that computes, such as one that reads a long document, lets the event loop wait."""
COLLECTIONS = 2_000, 10, 100
"""When Python looks for cycles (:func:`gc.set_threshold`): so that the usual ones take a few milliseconds, and the one
that looks at everything is rare. Documents that are read are most of what is new, and they are no cycles.
"""
WEBSOCKET_MESSAGE_MAX = 64 * 1024
CONNECTIONS_MAX = 10_000


class Unfit(Exception):
    """The settings or the database do not permit to serve; the message says the way out."""


def run(settings: Settings) -> None:
    """Serve until stopped. Raises :class:`Unfit`. The settings must also stand in the environment of the process."""
    check(settings)
    scheme = "https" if settings.tls_certificate else "http"
    place = f"{scheme}://{settings.host}:{settings.port}"
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
        log_config=LOGGING,
        **options(settings),
    )


def options(settings: Settings) -> dict[str, Any]:
    """How uvicorn serves, whoever starts it."""
    peers = Peers(settings.connections_per_peer, settings.trusted_proxies)
    tls = settings.tls_certificate is not None
    return {
        # the classes, which uvicorn takes beside names; it makes one for each connection, in each process
        "http": partial(PatientConnection, peers=peers),
        "ws": partial(PatientSocket, peers=peers),
        "ws_max_size": WEBSOCKET_MESSAGE_MAX,
        "ws_max_queue": 16,
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": GRACE_S,
        "timeout_keep_alive": 5,
        "limit_concurrency": CONNECTIONS_MAX,
        "server_header": False,
        "access_log": False,
        "log_level": "warning",
        # uvicorn would believe whoever comes from this machine
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": sorted(settings.trusted_proxies),
        "ssl_certfile": settings.tls_certificate,
        "ssl_keyfile": settings.tls_key,
        "ssl_context_factory": modern if tls else None,
    }


def application() -> Starlette:
    """The application of a process that serves and does nothing else.

    Code, types and schema are some 200,000 objects that stay as long as the process. A collection that walked them
    would stop everything for a quarter of a second, again and again, so it is told to leave them alone.
    """
    gc.disable()
    sys.setswitchinterval(SWITCH_S)
    from mesgraph.app import create_app
    from mesgraph.schema import build_schema

    app = create_app(watched=True)
    build_schema()
    gc.freeze()
    gc.set_threshold(*COLLECTIONS)
    gc.enable()
    return app


def check(settings: Settings) -> None:
    """Refuse old libraries, settings that name nothing, several workers on SQLite, and a database that is behind."""
    embedded = settings.database.startswith("sqlite")
    problems = unmet(frozenset() if embedded else frozenset({"postgresql"}))
    if problems:
        raise Unfit(f"install what this version needs: {'; '.join(problems)}")
    if no_commands := unknown(settings.signatures):
        raise Unfit(f"MESGRAPH_SIGNATURES names {', '.join(no_commands)}; signed can be: {', '.join(DEMANDABLE)}")
    if settings.workers > 1 and embedded:
        raise Unfit("one process owns an SQLite file: use --workers 1, or PostgreSQL")
    try:
        if settings.tls_certificate is not None and settings.tls_key is not None:
            check_pair(settings.tls_certificate, settings.tls_key)
        for proxy in settings.trusted_proxies:
            ipaddress.ip_network(proxy, strict=False)
        for role in settings.explorers:
            Role(role)
        behind = migration.pending(settings.database)
    except (ValueError, Unavailable) as error:
        raise Unfit(str(error)) from error
    if behind:
        raise Unfit("the database is not at this version's revision: run `mesgraph migrate` first")
