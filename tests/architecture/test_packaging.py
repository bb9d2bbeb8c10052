"""What a stranger installs is whole: built as a source archive, then as a wheel, in an empty environment."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.tree import ROOT, files

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def run(*command: object, cwd: Path, **environment: str) -> str:
    told = os.environ | environment
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=told, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive with the locked tools."""
    out = tmp_path_factory.mktemp("dist")
    uv = Path(sys.executable).with_name("uv")
    command = (uv, "build", "--no-build-isolation", "--python", sys.executable, "--out-dir", out, ROOT)
    run(*command, cwd=out, CFLAGS="-O0")  # the compiler's effort says nothing about what is in the wheel
    assert len(list(out.glob("*.tar.gz"))) == 1
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds the wheel and its locked dependencies."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home)
    programs = home / "bin"
    pip = [sys.executable, "-m", "pip", "--python", programs / "python", "install", "-q", "--no-compile"]
    run(*pip, "--require-hashes", "-r", ROOT / "requirements" / "runtime.txt", cwd=home)
    run(*pip, "--no-deps", wheel, cwd=home)
    return programs


def contents(wheel: Path) -> set[str]:
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_the_wheel_holds_the_source_tree(wheel: Path) -> None:
    """Every module, migration, stub and data file under its import name; beyond them only what is compiled."""
    homes = {"src/mesgraph": "mesgraph", "drivers": "mesgraph_drivers", "migrations": "mesgraph_migrations"}
    expected = set()
    for path in files():
        for folder, name in homes.items():
            if path.is_relative_to(folder) and path.name not in ("package.json", "package-lock.json"):
                expected.add(str(name / path.relative_to(folder)))
    found = contents(wheel)
    assert expected - found == set()
    extra = {name for name in found - expected if not name.startswith("mesgraph/console/assets/")}
    compiled = {path.relative_to(ROOT / "ext").with_suffix("") for path in (ROOT / "ext").rglob("*.pyx")}
    assert {name.split(".")[0] for name in extra} == {str(path) for path in compiled}
    assert all(name.endswith(".so") for name in extra)


def test_the_console_travels_in_the_wheel(wheel: Path) -> None:
    names = [line.split()[0] for line in (ROOT / "src/mesgraph/console/assets.list").read_text().splitlines()]
    here = {name for name in names if (ROOT / "src/mesgraph/console/assets" / name).exists()}
    assert here <= {name.rsplit("/", 1)[-1] for name in contents(wheel) if "/assets/" in name}


def test_the_command_answers(installed: Path, tmp_path: Path) -> None:
    assert "serve" in run(installed / "mesgraph", "--help", cwd=tmp_path)


def test_the_compiled_modules_load(installed: Path, tmp_path: Path) -> None:
    code = "from mesgraph.genealogy._shares import apportion; print(apportion(10, [1, 1, 1]))"
    assert run(installed / "python", "-c", code, cwd=tmp_path) == "[4, 3, 3]\n"


def test_a_database_is_made_from_the_installed_migrations(installed: Path, tmp_path: Path) -> None:
    database = tmp_path / "plant.sqlite3"
    run(installed / "mesgraph", "migrate", "--database", f"sqlite:///{database}", cwd=tmp_path)
    assert database.stat().st_size > 0


def test_the_installed_server_answers(installed: Path, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'plant.db'}"
    key = run(installed / "mesgraph", "migrate", "--database", database, cwd=tmp_path).split()[-1]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [installed / "mesgraph", "serve", "--database", database, "--port", str(port)]
    with subprocess.Popen(command, cwd=tmp_path) as server:
        try:
            assert ask(port, key, "{ me { subject } }") == {"data": {"me": {"subject": "admin"}}}
        finally:
            server.terminate()
    assert server.returncode == 0


def ask(port: int, key: str, query: str) -> Any:
    """The answer, as soon as the server takes questions."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:{port}/graphql", json.dumps({"query": query}).encode(), headers)
    for _ in range(120):
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.URLError:
            time.sleep(0.5)
    raise AssertionError("the installed server does not answer")
