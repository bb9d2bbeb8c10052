"""The house is in order: sizes, names, nothing of one machine in what everybody gets."""

import re
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, files, project

LINES = 600
STATED = re.compile(r"(?:over|more than) 600 lines,? because \w+", re.IGNORECASE)
MADE_BY_TOOLS = {
    "src/mesgraph/schema.graphql",
    *("requirements/runtime.txt", "requirements/dev.txt", "requirements/supply.txt"),
}

TOP_LEVEL = {
    *(
        ".ci",
        ".gitignore",
        "CHANGELOG.md",
        "MANIFEST.in",
        "Makefile",
        "README.md",
        "pyproject.toml",
        "setup.py",
    ),
    *("benchmarks", "docs", "drivers", "ext", "migrations", "requirements", "src", "tests"),
}

# Written in pieces, or this file would be the first to offend.
NOT_OURS = {
    "a path of one machine": r"(?<![\w.])/(?:wo" + r"rk|ro" + r"ot|home/[a-z]+|Users)/[\w.]",
    "a package registry": r"\b(?:py"
    + r"pi\.org|python"
    + r"hosted\.org|registry\.npm"
    + r"js|npm"
    + r"js\.(?:org|com))",
    "a content network": r"\b(?:un" + r"pkg\.com|js" + r"delivr\.net|cd" + r"njs\.|cdn\.[a-z]+\.)",
    "a conflict marker": r"^(?:<{7}|>{7}) ",
    "a left-over": r"\b(?:FIX" + r"ME|XX" + r"X)\b",
}


def text_of(path: Path) -> str:
    try:
        return (ROOT / path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""


def test_a_file_can_be_read_in_one_sitting() -> None:
    too_long = {}
    for path in files():
        if str(path) in MADE_BY_TOOLS or path.name == "package-lock.json":
            continue
        lines = text_of(path).splitlines()
        if len(lines) > LINES and not STATED.search("\n".join(lines[:10])):
            too_long[str(path)] = len(lines)
    assert not too_long, "split it, or state in the first ten lines that it is over 600 lines because ..."


@pytest.mark.parametrize("what", NOT_OURS)
def test_nothing_of_one_machine_is_committed(what: str) -> None:
    pattern = re.compile(NOT_OURS[what], re.MULTILINE)
    found = [f"{path}: {hit.group()}" for path in files() if (hit := pattern.search(text_of(path)))]
    assert not found


def test_the_top_level_is_the_one_of_the_readme() -> None:
    assert {path.parts[0] for path in files()} <= TOP_LEVEL
    readme = text_of(Path("README.md"))
    folders = {path.parts[0] for path in files() if len(path.parts) > 1 and path.parts[0] != ".ci"}
    assert not {folder for folder in folders if f"`{folder}/" not in readme}


def test_every_driver_is_announced() -> None:
    announced = set(project()["project"]["entry-points"]["mesgraph.drivers"].values())
    written = {f"mesgraph_drivers.{path.parent.name}" for path in (ROOT / "drivers").glob("*/driver.toml")}
    assert announced == written


@pytest.mark.parametrize("folder", ["src/mesgraph", "drivers", "migrations"])
def test_every_folder_with_modules_is_a_package(folder: str) -> None:
    """A folder without `__init__.py` would be left out of the wheel without a word."""
    tree = [path for path in files() if path.is_relative_to(folder) and path.suffix == ".py"]
    assert tree
    assert not {path.parent for path in tree if not (ROOT / path.parent / "__init__.py").exists()}


def test_every_compiled_module_has_a_stub_beside_its_python_face() -> None:
    sources = [path.relative_to(ROOT / "ext") for path in (ROOT / "ext").rglob("*.pyx")]
    assert sources
    assert not [path for path in sources if not (ROOT / "src" / path.with_suffix(".pyi")).exists()]
