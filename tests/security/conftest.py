"""What is refused before it reaches a database does not depend on which one that is."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated database without principals."""
    shutil.copy(sqlite_template, tmp_path / "plant.db")
    return f"sqlite:///{tmp_path / 'plant.db'}"
