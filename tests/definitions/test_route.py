"""The route as a graph: order, quantities, windows. Pure."""

from datetime import timedelta
from decimal import Decimal

import pytest

from mesgraph.definitions.models import DependencyKind
from mesgraph.definitions.route import After, Route, Step, cycle_in
from tests.api import START


def after(step: int, kind: DependencyKind = DependencyKind.AFTER_END, **delay: int) -> After[int]:
    return After(step, kind, timedelta(**delay))


def route(*steps: Step[int], product: str = "COIL") -> Route[int]:
    return Route(product=product, steps={step.key: step for step in steps})


CATHODE = route(
    Step(10),
    Step(20, (after(10),), makes="SLURRY", takes=(("LFP", Decimal("0.6")),)),
    Step(30, (after(20),), makes="COIL", takes=(("SLURRY", Decimal("0.3475")),)),
    Step(40, (after(30),)),
)


def test_a_step_makes_what_the_later_ones_take() -> None:
    quantities = CATHODE.quantities(Decimal("2296"))
    assert quantities == {10: Decimal("797.86"), 20: Decimal("797.86"), 30: Decimal("2296"), 40: Decimal("2296")}


def test_the_needs_of_several_takers_add_up() -> None:
    made = route(
        Step(10, makes="A"),
        Step(20, (after(10),), makes="B", takes=(("A", Decimal(2)),)),
        Step(30, (after(20),), makes="P", takes=(("A", Decimal(1)), ("B", Decimal(3)))),
        product="P",
    )
    assert made.quantities(Decimal(5)) == {10: Decimal(35), 20: Decimal(15), 30: Decimal(5)}


def test_a_step_that_takes_and_makes_the_same_material_ends_what_counts_for_the_earlier_one() -> None:
    made = route(
        Step(10, makes="COIL"),
        Step(20, (after(10),), makes="COIL", takes=(("COIL", Decimal("1.1")),)),
        Step(30, (after(20),), makes="COIL", takes=(("COIL", Decimal("1.2")),)),
    )
    assert made.quantities(Decimal(100)) == {10: Decimal(132), 20: Decimal(120), 30: Decimal(100)}


def test_amounts_have_six_decimals() -> None:
    made = route(Step(10, makes="A"), Step(20, (after(10),), makes="COIL", takes=(("A", Decimal("0.333333")),)))
    assert made.quantities(Decimal("0.5"))[10] == Decimal("0.166667")


def test_parallel_branches_meet() -> None:
    made = route(
        Step(10),
        Step(20),
        Step(30, (after(10), after(20)), makes="COIL", setup=timedelta(minutes=10), run_s_per_unit=Decimal("7.5")),
    )
    assert made.before[30] == {10, 20}
    assert made.order == [10, 20, 30]


def test_windows_follow_dependencies_and_delays() -> None:
    made = route(
        Step(10, setup=timedelta(hours=1)),
        Step(20, (after(10, DependencyKind.AFTER_START, minutes=5),), setup=timedelta(hours=2)),
        Step(30, (after(10), after(20, hours=72)), makes="COIL", run_s_per_unit=Decimal("7.5")),
    )
    windows = made.windows(START, made.quantities(Decimal(480)))
    hours = {key: [(moment - START) / timedelta(hours=1) for moment in window] for key, window in windows.items()}
    assert hours == {
        10: [0, 1],
        20: [pytest.approx(1 / 12), pytest.approx(2 + 1 / 12)],
        30: [pytest.approx(74 + 1 / 12), pytest.approx(75 + 1 / 12)],
    }


@pytest.mark.parametrize(
    ("edges", "cycle"),
    [
        ({1: [], 2: [1], 3: [1, 2]}, []),
        ({1: [1]}, [1, 1]),
        ({1: [2], 2: [3], 3: [2]}, [2, 3, 2]),
        ({1: [], 2: [1, 4], 3: [2], 4: [3]}, [2, 4, 3, 2]),
    ],
)
def test_a_cycle_is_shown_step_by_step(edges: dict[int, list[int]], cycle: list[int]) -> None:
    assert cycle_in(edges) == cycle


def test_a_long_chain_needs_no_deep_stack() -> None:
    assert cycle_in({n: [n + 1] for n in range(50_000)}) == []
