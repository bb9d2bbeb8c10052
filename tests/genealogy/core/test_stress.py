"""Readers are told what was right at their position, whatever others do meanwhile."""

from pathlib import Path

import pytest

from tests.genealogy.core.stress import Plot, Stress
from tests.stages import scaled

EDGES = scaled(60_000, 1_000_000)


@pytest.mark.timeout(1800)
def test_readers_of_a_position_are_told_the_same_whatever_is_written_merged_and_saved(tmp_path: Path) -> None:
    stress = Stress(Plot(EDGES), tmp_path)
    stress.run()
    assert not stress.wrong
    assert stress.graph.edges >= EDGES
    assert stress.asked > 200
    assert stress.merges > 2
    assert stress.saves > 2
