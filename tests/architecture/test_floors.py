"""No server starts on a library with a known hole."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

from mesgraph.floors import unmet

FLOORS = {"strawberry-graphql": "0.327.1", "graphql-core": "3.3.1", "starlette": "1.3.0", "joserfc": "1.7.9"}


def test_what_is_installed_is_new_enough() -> None:
    assert unmet(frozenset({"postgresql"})) == []


@pytest.mark.parametrize("name", FLOORS)
def test_a_library_with_a_known_hole_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr("mesgraph.floors.version", lambda asked: FLOORS[name] if asked == name else real(asked))
    [problem] = unmet()
    assert problem.startswith(f"{name} {FLOORS[name]} is not ")


def test_what_an_extra_needs_counts_with_the_extra_only(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "asyncpg":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr("mesgraph.floors.version", version)
    assert unmet() == []
    assert unmet(frozenset({"postgresql"})) == ["asyncpg is missing"]


def test_a_server_does_not_start_below_a_floor(tmp_path: Path) -> None:
    """With the library that says it is older, as a downgrade would leave it."""
    old = tmp_path / "joserfc-1.7.9.dist-info"
    old.mkdir()
    (old / "METADATA").write_text("Metadata-Version: 2.1\nName: joserfc\nVersion: 1.7.9\n")
    program = Path(sys.executable).parent / "mesgraph"
    database = f"sqlite:///{tmp_path / 'plant.db'}"
    command = [program, "serve", "--database", database]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env={"PYTHONPATH": str(tmp_path)}, check=False
    )
    assert (done.returncode, "joserfc 1.7.9 is not >=1.8" in done.stderr) == (2, True), done.stderr
