"""A migrated PostgreSQL database for test after test: emptied in between, which costs a tenth of copying a new one."""

import uuid
from urllib.parse import urlsplit

import psycopg
from psycopg import Connection, sql

from tests.services import PLANT_ROLE, as_plant_role, create_database, drop_database

Rows = dict[str, list[tuple[object, ...]]]


class Emptied:
    """Hands out a copy of ``template`` on ``server``, the same one again as long as nobody changes its tables."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        with psycopg.connect(_url(server, template)) as connection:
            self._tables = _tables(connection)
            self._begun: Rows = {table: _rows(connection, table) for table in _filled(connection, self._tables)}
        self._name: str | None = None
        self._connection: Connection[tuple[object, ...]] | None = None

    def take(self) -> str:
        """The URL of a database as the migrations leave it."""
        if self._name is None:
            self._name = f"test_{uuid.uuid4().hex}"
            create_database(self._server, self._name, template=self._template, owner=PLANT_ROLE)
            # Kept: it has the catalogue of all tables in memory, which a new one would read anew after every test.
            self._connection = psycopg.connect(_url(self._server, self._name), autocommit=True)
        return as_plant_role(_url(self._server, self._name))

    def give_back(self) -> None:
        """Make it as the migrations left it; give it up when its tables are others now."""
        assert self._connection is not None, "it was taken"
        self._connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        if _tables(self._connection) == self._tables:
            self._empty(self._connection)
        else:
            self.drop()

    def drop(self) -> None:
        """Remove it."""
        if self._connection is not None:
            self._connection.close()
        if self._name is not None:
            drop_database(self._server, self._name)
        self._name = self._connection = None

    def _empty(self, connection: Connection[tuple[object, ...]]) -> None:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # no foreign key is looked at
            for table in _filled(connection, self._tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute("SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence")
            for table, rows in self._begun.items():
                places = sql.SQL(", ").join([sql.Placeholder()] * len(rows[0]))
                statement = sql.SQL("INSERT INTO {} VALUES ({})").format(sql.Identifier(table), places)
                connection.cursor().executemany(statement, rows)


def _url(server: str, name: str) -> str:
    return urlsplit(server)._replace(path=f"/{name}").geturl()


def _tables(connection: Connection[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Every table with its columns."""
    return connection.execute(
        "SELECT relname, attname, atttypid::int FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid"
        " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped"
        " ORDER BY relname, attnum"
    ).fetchall()


def _filled(connection: Connection[tuple[object, ...]], tables: list[tuple[object, ...]]) -> list[str]:
    """The tables that have rows, in one question."""
    names = dict.fromkeys(str(table) for table, *_ in tables)
    each = (
        sql.SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(sql.Literal(name), sql.Identifier(name))
        for name in names
    )
    return [str(name) for (name,) in connection.execute(sql.SQL(" UNION ALL ").join(each)).fetchall()]


def _rows(connection: Connection[tuple[object, ...]], table: str) -> list[tuple[object, ...]]:
    return connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(table))).fetchall()
