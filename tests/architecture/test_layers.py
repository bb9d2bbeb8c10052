"""The rank of the words, and what must not be loaded only because something else is."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

from tests.architecture.tree import ROOT

TOP = {"mesgraph.schema", "mesgraph.app", "mesgraph.cli", "mesgraph.demo"}


def test_import_contracts_are_kept() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_api_knows_nothing_of_the_index_above_it() -> None:
    """Every graphql.py stands above all domains and below the schema that composes them."""
    graph = grimp.build_graph("mesgraph", cache_dir=None)
    for module in graph.modules:
        if module.endswith(".graphql") or module.startswith("mesgraph.api"):
            assert not graph.find_modules_directly_imported_by(module) & TOP, module


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        # Building the schema costs seconds, and a command that needs none should not wait for it.
        ("mesgraph.cli", ["mesgraph.schema", "mesgraph.app", "strawberry", "graphql"]),
        # An edge runs on a gateway that has no database.
        ("mesgraph.edge", ["mesgraph.schema", "strawberry", "graphql", "sqlalchemy", "starlette"]),
        ("mesgraph_drivers", ["mesgraph.schema", "strawberry", "graphql", "sqlalchemy", "starlette"]),
        # The server reads columns of samples into arrays of numpy.
        ("mesgraph.app", ["pyarrow", "scipy", "pandas", "ortools"]),
    ],
)
def test_starting_loads_no_more_than_it_needs(module: str, absent: list[str]) -> None:
    if importlib.util.find_spec(module) is None:
        assert module == "mesgraph.edge", f"{module} is gone"
        pytest.skip(f"{module} does not exist yet")
    code = f"import sys, {module}; print(*[name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
