"""Migrations make what the models say, on both databases; doing it again changes nothing."""

from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

from mesgraph import migration
from mesgraph.models import Row
from tests.services import create_database, drop_database

EMPTY = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


@pytest.fixture(params=EMPTY)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'new.db'}"
        return
    yield request.getfixturevalue("postgresql_database")


def differences(url: str) -> list[Any]:
    with migration.connected(url) as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": False})
        return list(compare_metadata(context, Row.metadata))


@pytest.mark.filterwarnings("ignore:Did not recognize type 'xid8'")
def test_the_migrations_make_the_models(database_url: str) -> None:
    assert differences(database_url) == []


def test_upgrading_twice_is_harmless(empty: str) -> None:
    assert migration.pending(empty)
    head = migration.migrate(empty)
    assert not migration.pending(empty)
    key = migration.first_admin_key(empty)
    assert key is not None
    assert key.startswith("mg_")
    before = contents(empty)
    assert migration.migrate(empty) == head
    assert migration.first_admin_key(empty) is None, "the key is made once"
    assert contents(empty) == before


def contents(url: str) -> list[Any]:
    with migration.connected(url) as connection:
        return [
            sorted(map(repr, connection.execute(text(f'SELECT * FROM "{table}"')))) for table in Row.metadata.tables
        ]


def test_the_sequencer_has_its_state_from_the_first_day(database_url: str) -> None:
    with migration.connected(database_url) as connection:
        [(epoch, position, snapshot)] = connection.execute(
            text("SELECT epoch, position, snapshot FROM ledger_sequencer")
        )
        assert (epoch, position) == (1, 0)
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT CAST(:snapshot AS pg_snapshot)"), {"snapshot": snapshot})


@pytest.mark.postgresql
def test_ids_of_events_are_drawn_one_by_one(postgresql: str) -> None:
    """The order of the record rests on it: a cache of ids would hand out an old id after a newer one was committed."""
    name = "sequence_cache"
    url = create_database(postgresql, name)
    try:
        migration.migrate(url)
        with migration.connected(url) as connection:
            caches = connection.execute(
                text("SELECT cache_size FROM pg_sequences WHERE sequencename = 'ledger_event_id_seq'")
            )
            assert [row[0] for row in caches] == [1]
    finally:
        drop_database(postgresql, name)
