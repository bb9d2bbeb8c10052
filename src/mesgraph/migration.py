"""Bring a database to the newest revision; make its first administrator."""

import contextlib
import os
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from mesgraph.access.actions import bootstrap
from mesgraph.clock import Clock, SystemClock
from mesgraph.db.database import parse_url
from mesgraph.db.sqlite import own_file
from mesgraph.errors import Code, Unavailable
from mesgraph.work import SYSTEM, Work


@contextlib.contextmanager
def configured(connection: Connection) -> Iterator[Config]:
    """Alembic's configuration for ``connection``; the revisions come from the installed package."""
    with as_file(files("mesgraph_migrations")) as folder:
        config = Config()
        config.set_main_option("script_location", str(folder))
        config.attributes["connection"] = connection
        yield config


@contextlib.contextmanager
def connected(url: str) -> Iterator[Connection]:
    """A connection over a synchronous driver: Alembic's own way of working.

    An SQLite file belongs to this process meanwhile. Raises ``ValueError`` for a URL that names no database of ours,
    and :class:`~mesgraph.errors.Unavailable` when the database cannot be opened.
    """
    parsed = parse_url(url)
    engine = create_engine(_synchronous(parsed), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA journal_mode=WAL"))
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=FULL"))
    else:
        event.listen(engine, "connect", _see_every_site)
    try:
        with _owned(parsed):
            try:
                connection = engine.connect()
            except DBAPIError as error:
                raise Unavailable(Code.UNAVAILABLE, f"{url} cannot be opened: {error.orig}") from error
            with connection:
                yield connection
    finally:
        engine.dispose()


def _see_every_site(raw: Any, _: object) -> None:
    """Row security hides nothing from a migration; said in a transaction of its own, so that none takes it back."""
    raw.execute("SET mesgraph.sites = '*'")
    raw.commit()


@contextlib.contextmanager
def _owned(url: URL) -> Iterator[None]:
    """Nobody migrates an SQLite file under a running server, or serves one that is being migrated."""
    if url.get_backend_name() != "sqlite":
        yield
        return
    lock = own_file(Path(url.database or ""))
    try:
        yield
    finally:
        os.close(lock)


def migrate(url: str) -> str:
    """Bring the database to the newest revision and return it. Doing it again changes nothing."""
    with connected(url) as connection, configured(connection) as config:
        command.upgrade(config, "head")
        return ScriptDirectory.from_config(config).get_current_head() or ""


def pending(url: str) -> bool:
    """Whether the database is not at the newest revision."""
    with connected(url) as connection, configured(connection) as config:
        current = MigrationContext.configure(connection).get_current_revision()
        return current != ScriptDirectory.from_config(config).get_current_head()


def first_admin_key(url: str, clock: Clock | None = None) -> str | None:
    """On a database without principals: the key of a new ``admin``, to be printed once."""
    with connected(url) as connection, Session(connection) as session:
        now = (clock or SystemClock()).now()
        work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="bootstrap")
        key = bootstrap(work)
        session.commit()
        return key


def _synchronous(url: URL) -> URL:
    return url.set(drivername="postgresql+psycopg") if url.get_backend_name() == "postgresql" else url
