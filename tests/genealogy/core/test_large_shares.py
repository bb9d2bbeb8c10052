"""A share forward has four bytes in the base; what does not fit into them is found all the same."""

import pytest

from mesgraph.genealogy._graph import Graph
from mesgraph.genealogy.feed import CODES, KINDS
from mesgraph.genealogy.models import GenealogyKind as K
from tests.genealogy.core.reference import MICRO

TOO_LARGE = 2**32


@pytest.mark.parametrize("merges", [0, 1, 2])
@pytest.mark.parametrize("share", [1, TOO_LARGE - 2, TOO_LARGE - 1, TOO_LARGE, 10**6 * MICRO])
def test_any_share_is_passed_on(share: int, merges: int) -> None:
    graph = Graph(KINDS)
    total = 4 * share
    graph.append(1, 0, CODES[K.RECEIVE], [], [(1, 0, total, total)])
    graph.append(2, 0, CODES[K.RECEIVE], [], [(2, 0, total, total)])
    graph.append(3, 0, CODES[K.TRANSFORM], [(1, 0, share, 0), (2, 0, share, 0)], [(3, 0, 2 * share, 2 * share)])
    if merges:
        graph.merge()
    # In part the same, from one of them once more: two edges between the same two.
    graph.append(4, 0, CODES[K.TRANSFORM], [(1, 0, share, 0), (3, 0, share, 0)], [(4, 0, 2 * share, 2 * share)])
    graph.append(5, 0, CODES[K.TRANSFORM], [(1, 0, share, 0)], [(4, 0, 2 * share, 2 * share)])
    if merges > 1:
        graph.merge()
    forward = graph.amounts(graph.node(1), True, rest=True)
    assert list(forward.contained) == [total, share, 2.5 * share]
    assert sum(forward.remaining) == total
    backward = graph.amounts(graph.node(4), False)
    assert dict(zip(graph.items(backward.nodes), backward.contained, strict=True)) == {
        4: 4 * share,
        3: share,
        2: 0.5 * share,
        1: 2.5 * share,
    }
