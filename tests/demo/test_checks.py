"""The checks can fail: each fault that the adversity tests look for is planted here, and found."""

import pytest

from mesgraph.demo.checks import (
    every_answer_is_kept,
    one_answer_for_each_key,
    positions_are_dense,
    serials_once,
    subscriber_saw_the_record,
)
from mesgraph.demo.client import Acknowledged, Seen
from mesgraph.demo.model import Model
from mesgraph.demo.plan import Plan
from mesgraph.demo.script import script
from mesgraph.demo.shifts import mini, shift


def event(position: int, *, event_id: str = "", actor: str = "op-017") -> Seen:
    return Seen(f"c1-{position}", {"eventId": event_id or f"e{position}", "type": "X", "actor": actor, "payload": {}})


RECORD = [event(1, actor="system"), event(2), event(3), event(4)]
ANSWERS = [Acknowledged("a", "x", ("e2",), False), Acknowledged("b", "y", ("e3", "e4"), False)]


def test_a_faithful_subscriber_passes() -> None:
    assert subscriber_saw_the_record(RECORD, RECORD).ok
    assert positions_are_dense(RECORD).ok
    assert every_answer_is_kept(ANSWERS, RECORD).ok
    assert one_answer_for_each_key(["a", "b"], ANSWERS).ok


@pytest.mark.parametrize(
    "live",
    [
        RECORD[:-1],
        [*RECORD[:2], *RECORD[3:]],
        [*RECORD, RECORD[-1]],
        [*RECORD[:2], RECORD[1], *RECORD[2:]],
        [RECORD[0], RECORD[2], RECORD[1], RECORD[3]],
        [*RECORD, event(5)],
        [],
    ],
    ids=["end missing", "one missing", "last twice", "one twice", "swapped", "one too many", "nothing"],
)
def test_a_subscriber_that_misses_or_repeats_is_caught(live: list[Seen]) -> None:
    assert not subscriber_saw_the_record(live, RECORD).ok


def test_a_gap_in_the_positions_is_caught() -> None:
    assert not positions_are_dense([event(1), event(3)]).ok


def test_a_lost_acknowledged_command_is_caught() -> None:
    check = every_answer_is_kept(ANSWERS, RECORD[:-1])
    assert check.actual == {"lost": ["b"]}
    assert not check.ok


def test_an_event_that_stands_twice_is_caught() -> None:
    assert not every_answer_is_kept(ANSWERS, [*RECORD, event(5, event_id="e4")]).ok


def test_a_client_that_changes_its_key_on_retry_is_caught() -> None:
    """The first try was done although its answer was lost; the second one, under another key, did it again."""
    done_twice = [*RECORD, event(5), event(6)]
    check = every_answer_is_kept([*ANSWERS, Acknowledged("c/retry", "z", ("e6",), False)], done_twice)
    assert check.actual == {"unasked": ["c1-5 X"]}
    assert not check.ok
    assert not one_answer_for_each_key(["a", "b", "c"], [*ANSWERS, Acknowledged("c/retry", "z", ("e6",), False)]).ok


def test_a_key_with_two_answers_is_caught() -> None:
    assert not one_answer_for_each_key(["a", "b"], [*ANSWERS, Acknowledged("a", "x", ("e9",), False)]).ok


def test_an_unanswered_command_is_caught() -> None:
    assert not one_answer_for_each_key(["a", "b", "c"], ANSWERS).ok


def test_a_serial_number_that_is_missing_foreign_or_twice_is_caught() -> None:
    assert serials_once("cells", ["1", "2"], ["2", "1"]).ok
    for found in (["1"], ["1", "2", "2"], ["1", "2", "3"], ["1", "1"]):
        assert not serials_once("cells", ["1", "2"], found).ok


both = pytest.mark.parametrize("plan", [mini(), shift(0.14), shift(1)], ids=["mini", "one order", "full day"])


@both
def test_the_script_has_one_key_for_each_command_and_goes_forward_in_time(plan: Plan) -> None:
    steps = script(plan)
    assert len({step.key for step in steps}) == len(steps)
    assert [step.at for step in steps] == sorted(step.at for step in steps)
    assert steps == script(plan)


@both
def test_the_model_conserves_the_binder_exactly(plan: Plan) -> None:
    model = Model(plan.binder).play(script(plan))
    assert sum(model.remaining().values()) + sum(model.removed().values()) == 25


def test_the_model_notices_a_consumption_that_was_posted_twice() -> None:
    plan = mini()
    steps = script(plan)
    doubled = [step for step in steps for _ in range(2 if step.key == "cell/HC2604700001/stack" else 1)]
    with pytest.raises(ValueError, match="made twice"):
        Model(plan.binder).play(doubled)
    again = [step for step in steps for _ in range(2 if step.key == "batch/SC-26047-01/charge/RM-PVDF" else 1)]
    assert Model(plan.binder).play(again).consumed != Model(plan.binder).play(steps).consumed


def test_a_shift_has_the_volumes_of_the_plant() -> None:
    """20 packs are 40 modules, 320 good cells and 334 planned starts; a full day starts 2,400 cells for 144 packs."""
    order, day = shift(0.14).counts, shift(1).counts
    assert [order[name] for name in ("packs", "modules", "cellsGood", "cells", "pallets")] == [20, 40, 320, 334, 3]
    assert [day[name] for name in ("packs", "modules", "cellsGood", "cells", "pallets")] == [144, 288, 2304, 2400, 18]
