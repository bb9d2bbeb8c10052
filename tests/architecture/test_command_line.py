"""The command line says what is wrong in one line."""

import subprocess
import sys
from pathlib import Path

import pytest

from mesgraph.db.database import open_database
from mesgraph.db.sqlite import EmbeddedDatabase


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "mesgraph", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "url", ["foo", "mysql://x", "sqlite://", "sqlite:///:memory:", "postgresql://nobody@127.0.0.1:1/x"]
)
@pytest.mark.parametrize("command", ["migrate", "serve"])
def test_a_database_that_cannot_be_opened(command: str, url: str) -> None:
    done = run(command, "--database", url)
    assert (done.returncode, "Traceback" in done.stderr, done.stderr.startswith("mesgraph: ")) == (2, False, True)


@pytest.mark.parametrize(("option", "value"), [("--workers", "0"), ("--port", "99999")])
def test_a_setting_out_of_range(option: str, value: str) -> None:
    done = run("serve", option, value)
    assert (done.returncode, "Traceback" in done.stderr) == (2, False)


async def test_a_file_that_a_server_owns(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'plant.db'}"
    assert run("migrate", "--database", url).returncode == 0
    database = open_database(url)
    assert isinstance(database, EmbeddedDatabase)
    await database.open()
    try:
        for command in ("migrate", "serve"):
            done = run(command, "--database", url)
            assert (done.returncode, "in use" in done.stderr, "Traceback" in done.stderr) == (2, True, False)
    finally:
        await database.close()
