"""A clock that stands still, so that what a test does lies within one window."""

import pytest

from tests.api import SteppedClock


@pytest.fixture
def standing(monkeypatch: pytest.MonkeyPatch) -> SteppedClock:
    """The clock of servers that begin now."""
    clock = SteppedClock()
    monkeypatch.setattr("mesgraph.plant.SystemClock", lambda: clock)
    monkeypatch.setattr("mesgraph.migration.SystemClock", lambda: clock)
    return clock
