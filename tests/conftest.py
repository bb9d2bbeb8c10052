"""What every test can ask for: a migrated database of either kind, a plant on a fixed clock, and the API."""

import gc
import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from mesgraph.access import passwords
from mesgraph.config import Settings
from mesgraph.migration import migrate
from mesgraph.plant import Plant, running_plant
from tests.api import Api, SteppedClock
from tests.emptied import Emptied
from tests.services import as_plant_role, create_database, create_plant_role, drop_database
from tests.statements import compiled_once

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]


def pytest_collection_finish() -> None:
    """Modules, schema and collected tests stay to the end: no collection of garbage walks them again, as in a server
    (:func:`mesgraph.server.application`).
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def statements() -> Iterator[None]:
    """What one test compiled, the next one has."""
    with compiled_once():
        yield


@pytest.fixture(scope="session", autouse=True)
def time_of_processor() -> Iterator[None]:
    """As much as a test needs on whatever machine; tests of the budget say their own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MESGRAPH_CPU_MS", "0")
        yield


@pytest.fixture(scope="session", autouse=True)
def hasher_of_the_product() -> Iterator[PasswordHasher]:
    """What makes guessing costly, which would make every test with a secret costly, too: they hash with little effort.
    The test of the effort asks for this.
    """
    ours, quick = passwords._hasher, PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", quick)
        patch.setattr(passwords, "_nobody", passwords.of_nobody(quick))
        yield ours


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, copied for every test."""
    path = tmp_path_factory.mktemp("template") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgresql_emptied(postgresql: str) -> Iterator[Emptied]:
    """A migrated PostgreSQL database, emptied after every test."""
    template = f"template_{uuid.uuid4().hex}"
    migrate(as_plant_role(create_database(postgresql, template, owner=create_plant_role(postgresql))))
    emptied = Emptied(postgresql, template)
    yield emptied
    emptied.drop()
    drop_database(postgresql, template)


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A fresh, migrated database without principals, of each kind in turn."""
    if request.param == "sqlite":
        template: Path = request.getfixturevalue("sqlite_template")
        shutil.copy(template, tmp_path / "plant.db")
        yield f"sqlite:///{tmp_path / 'plant.db'}"
    else:
        emptied: Emptied = request.getfixturevalue("postgresql_emptied")
        yield emptied.take()
        emptied.give_back()


@pytest.fixture
async def plant(database_url: str) -> AsyncIterator[Plant]:
    """A running plant whose clock stands until the test moves it."""
    async with running_plant(Settings(database=database_url), clock=SteppedClock()) as running:
        yield running


@pytest.fixture
def api(plant: Plant) -> Api:
    """The API of that plant, asked in-process."""
    return Api(plant)
