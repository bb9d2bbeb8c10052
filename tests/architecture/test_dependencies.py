"""Version floors: releases before these carry a known fault that would be ours too."""

import re
from importlib.metadata import PackageNotFoundError, version

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.tree import ROOT, project

# What is installed must be at least this; what is not installed need not be.
FLOORS = {
    "strawberry-graphql": (
        "0.327.2",
        "CVE-2026-35523, -35526, -47706, -47707, -107727: sockets and fragments",
    ),
    "graphql-core": ("3.3.2", "CVE-2026-75507, -75508, -119286 and four more: documents that never finish"),
    "starlette": ("1.3.1", "CVE-2026-48710, -54283, CVE-2025-62727: Host, forms, ranges"),
    "pyjwt": ("2.15", "CVE-2026-32597, -48522, -48523, -102266, -102267, -102275: tokens and key sets"),
    "asyncua": ("2.1.0", "CVE-2022-25304, CVE-2023-26150, -26151; the reassembly of messages is bounded"),
    "setuptools": ("80", "the package list of mapped folders"),
}

FORBIDDEN = {
    "aiosqlite": "its thread keeps the process alive; SQLite runs in our own writer thread",
    "pymerkle": "GPL-3, and the ledger has its own tree",
}


def locked(name: str) -> dict[str, Version]:
    text = (ROOT / "requirements" / name).read_text()
    return {package: Version(at) for package, at in re.findall(r"^([a-z0-9-]+)==([^ ;\\]+)", text, re.MULTILINE)}


@pytest.mark.parametrize("package", FLOORS)
def test_no_known_fault_is_installed(package: str) -> None:
    floor, why = FLOORS[package]
    try:
        installed = Version(version(package))
    except PackageNotFoundError:
        installed = None
    for found in (installed, locked("runtime.txt").get(package), locked("dev.txt").get(package)):
        assert found is None or found >= Version(floor), why


@pytest.mark.parametrize("package", FORBIDDEN)
def test_what_we_do_without_stays_out(package: str) -> None:
    assert package not in locked("dev.txt"), FORBIDDEN[package]


def test_async_database_access_has_its_greenlet() -> None:
    assert "greenlet" in locked("runtime.txt")


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_the_lock_answers_what_the_project_asks(lock: str) -> None:
    asked = [*project()["project"]["dependencies"]]
    for extra in project()["project"]["optional-dependencies"].values():
        asked += extra
    if lock == "dev.txt":
        asked += project()["dependency-groups"]["dev"]
    found = locked(lock)
    for requirement in map(Requirement, asked):
        assert requirement.specifier.contains(found[requirement.name]), f"{requirement}: make lock"


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_the_lock_names_no_host_and_every_hash(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert "://" not in text
    assert "--index" not in text
    blocks = re.split(r"^(?=[a-z0-9-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked(lock))
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_two_locks_agree() -> None:
    runtime, development = locked("runtime.txt"), locked("dev.txt")
    assert {name: development.get(name) for name in runtime} == runtime
