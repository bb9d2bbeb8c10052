"""Exact shares: compared with a model in rational numbers."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mesgraph.genealogy._shares import apportion

LARGEST = 2**63 - 1


def model(total: int, weights: list[int]) -> list[int]:
    """The largest-remainder rule in rational numbers; at a tie the lower index."""
    if not total:
        return [0] * len(weights)
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [floor(share) for share in exact]
    by_claim = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_claim[: total - sum(shares)]:
        shares[i] += 1
    return shares


amounts = st.one_of(st.integers(0, 50), st.integers(0, LARGEST), st.integers(LARGEST - 5, LARGEST))


@given(amounts, st.lists(amounts, min_size=1, max_size=40).filter(any))
@example(LARGEST, [LARGEST] * 3)
@example(LARGEST, [LARGEST, 1, 0])
@example(1, [0, 0, 1])
@example(2, [1, 1, 1])
def test_shares_follow_the_model_and_add_up(total: int, weights: list[int]) -> None:
    shares = apportion(total, weights)
    assert shares == model(total, weights)
    assert sum(shares) == total
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


def test_a_tie_goes_to_the_lower_index() -> None:
    assert apportion(10, [1, 1, 1]) == [4, 3, 3]
    assert apportion(11, [1, 1, 1]) == [4, 4, 3]


def test_the_largest_event_is_shared_exactly() -> None:
    weights = [LARGEST - i for i in range(5_000)]
    assert apportion(LARGEST, weights) == model(LARGEST, weights)


def test_nothing_over_nothing_is_nothing() -> None:
    assert apportion(0, [0, 0]) == [0, 0]


@pytest.mark.parametrize(
    ("total", "weights", "why"),
    [
        (1, [], "no weights"),
        (0, [], "no weights"),
        (1, [0, 0], "all weights are zero"),
        (-1, [1], "total"),
        (LARGEST + 1, [1], "total"),
        (1, [1, -1], "weight 1 is negative"),
        (1, [LARGEST + 1], "64 bits"),
        (1, [-LARGEST - 2], "64 bits"),
    ],
)
def test_what_cannot_be_shared_is_refused(total: int, weights: list[int], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        apportion(total, weights)


@pytest.mark.parametrize(("total", "weights"), [(1.5, [1]), (1, [1.5]), (1, None)])
def test_what_is_not_whole_is_a_type_error(total: object, weights: object) -> None:
    with pytest.raises(TypeError):
        apportion(total, weights)  # type: ignore[arg-type]
