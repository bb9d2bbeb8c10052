"""The demo never touches a database that holds something."""

from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from mesgraph.demo.database import NotUsable, own_database
from tests.services import drop_database


def test_without_a_name_it_is_a_new_file_each_time() -> None:
    first, second = own_database(None), own_database(None)
    assert first != second
    assert not Path(first.removeprefix("sqlite:///")).exists()


def test_a_file_that_does_not_exist_is_used_as_named(tmp_path: Path) -> None:
    assert own_database(f"sqlite:///{tmp_path}/plant.db") == f"sqlite:///{tmp_path}/plant.db"


def test_beside_a_file_that_exists_a_sibling_is_made(tmp_path: Path) -> None:
    (tmp_path / "plant.db").write_text("something of yours")
    (tmp_path / "plant_demo_1.db").write_text("and something more")
    assert own_database(f"sqlite:///{tmp_path}/plant.db") == f"sqlite:///{tmp_path}/plant_demo_2.db"
    assert (tmp_path / "plant.db").read_text() == "something of yours"


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/plant", "plant.db"])
def test_what_names_no_database_is_refused(url: str) -> None:
    with pytest.raises(NotUsable):
        own_database(url)


@pytest.mark.postgresql
def test_an_empty_database_is_used_and_one_with_tables_is_left_alone(postgresql_database: str) -> None:
    assert own_database(postgresql_database) == postgresql_database
    with psycopg.connect(postgresql_database) as connection:
        connection.execute("CREATE TABLE yours (id int)")
    sibling = own_database(postgresql_database)
    try:
        assert sibling == f"{postgresql_database}_demo_1"
        with psycopg.connect(sibling) as connection:
            assert connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone() == (0,)
    finally:
        drop(sibling)


@pytest.mark.postgresql
def test_a_database_that_does_not_exist_is_made(postgresql_database: str) -> None:
    url = own_database(f"{postgresql_database}_new")
    try:
        assert url == f"{postgresql_database}_new"
        with psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        drop(url)


def drop(url: str) -> None:
    parts = urlsplit(url)
    drop_database(parts._replace(path="").geturl(), parts.path.strip("/"))
