"""The simulator and the kit. It reads no machine: what it offers is compared with what its addresses say."""

import time
from typing import Any, ClassVar

import pytest

from mesgraph.edge.conformance import Bench, Conformance
from mesgraph_drivers.simulator.decode import signal


class Nothing(Bench):
    """There is no machine."""

    driver = "simulator"
    holds: ClassVar = {"constant value=7": 7.0, "constant value=-0.5": -0.5, "square period=1e10": True}
    clock = "counter"
    bad = "counter modulus=4"
    nonsense = "?"
    wrong_config: ClassVar = {"skew_s": "much", "speed": 2}
    writable = ("held", 12)
    deaf = ("held", 13)
    has_line = False

    def start(self) -> int:
        return 0

    def stop(self) -> None:
        pass

    def config(self, port: int) -> dict[str, Any]:
        return {}

    def deaf_config(self, port: int) -> dict[str, Any]:
        return {"faults": [{"kind": "deaf"}]}


class TestSimulator(Conformance):
    bench = Nothing


def test_a_serial_number_is_a_text() -> None:
    serial = signal("text digits=6")
    assert [serial(0.0), serial(0.0)] == ["000001", "000002"]


def test_a_counter_rolls_over() -> None:
    count = signal("counter modulo=3")
    assert [count(time.time()) for _ in range(4)] == [1, 2, 0, 1]


@pytest.mark.parametrize(
    ("address", "told"),
    [("", "begins with none of"), ("sine speed=1", "it has amplitude, offset, period"), ("sine period=0", "above 0")],
)
def test_a_wrong_address_says_what_may_stand_there(address: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        signal(address)
