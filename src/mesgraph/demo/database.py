"""Where the demo's plant is kept: always in a database of its own. What is there already is never touched.

This and the server child are all of the demo that knows of databases.
"""

import itertools
import tempfile
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

LISTED = "SELECT 1 FROM pg_database WHERE datname = %s"
TABLES = """
SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
LIMIT 1
"""
NAME_BYTES_MAX = 63


class NotUsable(Exception):
    """The URL names no database that a demo can be played in."""


def own_database(url: str | None) -> str:
    """The URL of an empty database for one demo.

    ``None``: a new SQLite file in a new temporary folder. A file that does not exist is used as named, and so is a
    PostgreSQL database that has no tables, or does not exist and is made here. Otherwise a sibling ``NAME_demo_1``,
    ``NAME_demo_2``, ... is made: the first that does not exist.
    """
    if url is None:
        return f"sqlite:///{Path(tempfile.mkdtemp(prefix='mesgraph-demo-')) / 'demo.db'}"
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return _own_file(url)
    if parts.scheme.partition("+")[0] in ("postgresql", "postgres"):
        return _own_server_database(parts)
    raise NotUsable(f"{url!r} is neither sqlite:///FILE nor postgresql://USER@HOST/NAME")


def _own_file(url: str) -> str:
    path = Path(url.removeprefix("sqlite:///"))
    if not url.startswith("sqlite:///") or not path.name or path.name == ":memory:":
        raise NotUsable("name a file: sqlite:///FILE")
    path.parent.mkdir(parents=True, exist_ok=True)
    siblings = (path.with_name(f"{path.stem}_demo_{n}{path.suffix}") for n in itertools.count(1))
    free = next(candidate for candidate in itertools.chain([path], siblings) if not candidate.exists())
    return f"sqlite:///{free}"


def _own_server_database(parts: SplitResult) -> str:
    import psycopg
    from psycopg import sql

    name = unquote(parts.path.strip("/"))
    if not name:
        raise NotUsable("name a database: postgresql://USER@HOST/NAME")
    server = parts._replace(scheme="postgresql")
    with psycopg.connect(server._replace(path="/postgres").geturl(), autocommit=True) as connection:
        for n in itertools.count(0):
            candidate = f"{name}_demo_{n}" if n else name
            if len(candidate.encode()) > NAME_BYTES_MAX:
                raise NotUsable(f"{candidate!r} is longer than {NAME_BYTES_MAX} bytes")
            url = server._replace(path=f"/{candidate}").geturl()
            if connection.execute(LISTED, [candidate]).fetchone() is None:
                try:
                    connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(candidate)))
                except psycopg.errors.DuplicateDatabase:
                    continue  # another demo was faster
                return url
            if n == 0:
                with psycopg.connect(url) as inside:
                    if inside.execute(TABLES).fetchone() is None:
                        return url
    raise AssertionError("a count never ends")
