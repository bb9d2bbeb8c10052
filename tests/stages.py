"""Stages for whole shifts: an empty database of either kind, and how often trouble is made."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mesgraph.demo.shifts import mini, one_pack

KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
SHIFT_TIMEOUT_S = 600
"""A shift with its server's restarts on a busy machine."""


def scaled(in_ci: int, full: int) -> int:
    """How often: ``MESGRAPH_TEST_SCALE=full`` (make adversity) plays the full count, a number that many."""
    scale = os.environ.get("MESGRAPH_TEST_SCALE", "")
    return full if scale == "full" else int(scale) if scale.isdecimal() else in_ci


PLAN = mini() if os.environ.get("MESGRAPH_TEST_SCALE") == "full" else one_pack()
"""The shift in which trouble is made; its script is long enough for all of it."""


@pytest.fixture(params=KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database without tables: a file that does not exist yet, or an empty PostgreSQL database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'demo.db'}"
    else:
        yield request.getfixturevalue("postgresql_database")
