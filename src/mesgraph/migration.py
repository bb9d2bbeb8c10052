"""Bring a database to the newest revision; make its first administrator."""

import contextlib
from collections.abc import Iterator
from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from mesgraph.access.actions import bootstrap
from mesgraph.clock import Clock, SystemClock
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
    """A connection over a synchronous driver: Alembic's own way of working."""
    engine = create_engine(_synchronous(make_url(url)), poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA journal_mode=WAL"))
        event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA synchronous=FULL"))
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


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
