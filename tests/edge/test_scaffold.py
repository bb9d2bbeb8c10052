"""A stranger's driver: made by the scaffold, installed as a distribution of its own, proved by the kit."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mesgraph.edge.scaffold import Unfit, make

MESGRAPH = Path(sys.executable).with_name("mesgraph")


def run(*command: str | Path, site: Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, timeout=110)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The package of a new driver, and where it is installed."""
    folder = tmp_path_factory.mktemp("stranger")
    home, site = make("acme_press", folder), folder / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(site)]
    subprocess.run([*pip, str(home)], check=True, capture_output=True)
    return home, site


@pytest.mark.slow
def test_it_passes_the_kit_as_it_is(installed: tuple[Path, Path]) -> None:
    home, site = installed
    done = run(MESGRAPH, "driver", "check", "tests", site=site, cwd=home)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith("  ")]
    assert len(rows) == 15
    assert {row[2] for row in rows} == {"done"}


def test_it_is_found_like_one_of_ours(installed: tuple[Path, Path]) -> None:
    home, site = installed
    listed = run(MESGRAPH, "driver", "list", site=site, cwd=home).stdout
    assert "acme_press\tGOLD\tMachines that speak acme_press\tmesgraph-driver-acme-press 0.1.0" in listed


def test_what_it_states_wrongly_is_found_out(installed: tuple[Path, Path]) -> None:
    """A rule that is done cannot be left as to do."""
    home, site = installed
    stated = site / "mesgraph_acme_press" / "driver.toml"
    text = stated.read_text()
    try:
        stated.write_text(text.replace('wrong-config = "done"', 'wrong-config = "todo"'))
        done = run(*(sys.executable, "-m", "pytest", "-q", "-k", "wrong_config", "tests"), site=site, cwd=home)
        listed = run(MESGRAPH, "driver", "list", site=site, cwd=home).stdout
    finally:
        stated.write_text(text)
    assert done.returncode == 1
    assert "state it as done when it passes" in done.stdout
    assert "acme_press\tNONE" in listed


def test_one_that_cannot_be_loaded_is_a_line_and_stops_no_other(installed: tuple[Path, Path]) -> None:
    home, site = installed
    module = site / "mesgraph_acme_press" / "__init__.py"
    text = module.read_text()
    try:
        module.write_text("import no_such_library\n")
        done = run(MESGRAPH, "driver", "list", site=site, cwd=home)
    finally:
        module.write_text(text)
    assert done.returncode == 0
    assert (
        "acme_press\tBROKEN\tit cannot be loaded: ModuleNotFoundError: No module named 'no_such_library'" in done.stdout
    )
    assert "simulator\tGOLD" in done.stdout


@pytest.mark.parametrize("name", ["", "Acme", "7up", "a-b", "a__b", "../evil", "x" * 41, "simulator"])
def test_a_name_that_cannot_be_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(Unfit):
        make(name, tmp_path)
    assert not list(tmp_path.iterdir())
