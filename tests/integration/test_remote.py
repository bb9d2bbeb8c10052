"""A program of the command line waits as long as the server tells it to, and asks again."""

import httpx2
import pytest

from mesgraph import remote
from mesgraph.remote import TOLD_S_MAX, NotAnswered

DONE = httpx2.Response(200, json={"data": {"submitItems": "done"}})


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, without waiting."""
    slept: list[float] = []
    monkeypatch.setattr(remote.time, "sleep", slept.append)
    return slept


def answered(*responses: httpx2.Response) -> object:
    left = iter(responses)
    return remote._answered(lambda: next(left), "submitItems")


@pytest.mark.parametrize("status", [429, 503])
def test_who_is_told_to_come_again_later_does(status: int, slept: list[float]) -> None:
    assert answered(httpx2.Response(status, headers={"retry-after": "7"}), DONE) == "done"
    assert len(slept) == 1
    assert 7 <= slept[0] < 8


def test_what_was_told_once_holds_for_one_try(slept: list[float]) -> None:
    assert answered(httpx2.Response(429, headers={"retry-after": "7"}), httpx2.Response(502), DONE) == "done"
    assert slept[1] < 1


@pytest.mark.parametrize(
    ("told", "at_most"), [("86400", TOLD_S_MAX + 1), ("Fri, 31 Dec 1999 23:59:59 GMT", 1), ("", 1)]
)
def test_no_server_makes_it_wait_for_ever(told: str, at_most: float, slept: list[float]) -> None:
    assert answered(httpx2.Response(429, headers={"retry-after": told}), DONE) == "done"
    assert slept[0] <= at_most


def test_a_server_that_never_has_time_is_given_up(slept: list[float]) -> None:
    busy = [httpx2.Response(429, headers={"retry-after": "1"})] * remote.TRIES
    with pytest.raises(NotAnswered, match="429"):
        answered(*busy)
    assert len(slept) == remote.TRIES - 1
