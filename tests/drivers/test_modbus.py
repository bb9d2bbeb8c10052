"""Modbus against libmodbus, which is of another make, and the kit."""

import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesgraph.edge.conformance import Bench, Conformance
from mesgraph.edge.conformance.watched import opened
from mesgraph_drivers.modbus.decode import TYPES, blocks, point, registers, value
from tests.services import leave_out

SOURCE = Path(__file__).parent / "peers" / "modbus.c"


@cache
def program() -> Path:
    """The device, compiled."""
    target = Path(tempfile.mkdtemp()) / "modbus"
    if shutil.which("gcc") is None:
        leave_out("Modbus", "no gcc to compile the device")
    done = subprocess.run(["gcc", "-o", target, SOURCE, "-lmodbus"], capture_output=True, text=True)
    if done.returncode:
        leave_out("Modbus", "libmodbus is not here (Debian: libmodbus-dev)")
    return target


class Device(Bench):
    """libmodbus in a process of its own."""

    driver = "modbus"
    holds: ClassVar = {
        "holding 0": 4711,
        "holding 0 scale=0.1": 471.1,
        "holding 1 int16": -5,
        "holding 2 float32": 123.5,
        "holding 4 float32 word=little": 123.5,
        "holding 6 float32 byte=little": 123.5,
        "holding 8 int32": -2,
        "holding 10 float64": -0.5,
        "holding 14 string length=4": "0042",
        "holding 18 uint32": 0x11223344,
        "holding 20 bit=3": True,
        "holding 20 bit=2": False,
        "coil 3": True,
        "coil 2": False,
        "discrete 4": True,
    }
    clock = "input 0 uint32"
    bad = "holding 100"
    nonsense = "holding high"
    wrong_config: ClassVar = {"host": "", "port": 70_000, "slave": 1}
    writable = ("holding 30 float32 word=little", 12.5)
    deaf = ("holding 50", 13)
    timeout_s = 0.5

    def __init__(self) -> None:
        self._port = 0
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> int:
        self._process = subprocess.Popen([program(), str(self._port)], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self._port = int(self._process.stdout.readline())
        return self._port

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()

    def config(self, port: int) -> dict[str, Any]:
        return {"host": "127.0.0.1", "port": port, "timeout_s": self.timeout_s}


class TestModbus(Conformance):
    bench = Device


async def test_a_block_with_a_hole_is_read_around_it() -> None:
    device = Device()
    addresses = [f"holding {number}" for number in (97, 98, 99, 100, 101)]
    try:
        driver, link, _ = opened("modbus", device.config(device.start()), addresses)
        samples = await driver.read(link.tags)
    finally:
        device.stop()
    assert [one.path for one in samples] == addresses[:3]
    assert link.faults == dict.fromkeys(addresses[3:], "the device has no such address")


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", "begins with none of coil, discrete, input, holding"),
        ("holding 40001x", "a number from 0 to 65535"),
        ("holding 65535 float32", "ends behind 65535"),
        ("holding 0 float", "there are int16, uint16"),
        ("holding 0 string", "length is a number from 1 to 125"),
        ("holding 0 word=middle", "word is big or little"),
        ("holding 0 scale=0", "scale is a number other than 0"),
        ("holding 0 int16 bit=3", "a bit is one of a uint16"),
        ("holding 0 speed=3", "no option 'speed' here"),
        ("coil 0 int16", "is true or false"),
    ],
)
def test_a_wrong_address_says_what_may_stand_there(address: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        point(address)


@given(
    st.lists(
        st.tuples(st.sampled_from(["holding", "input"]), st.integers(0, 65_500), st.sampled_from(["", "float64"])),
        max_size=40,
    ),
    st.integers(0, 20),
    st.integers(4, 125),
)
def test_blocks_hold_every_point_once_and_are_not_too_long(
    given: list[tuple[str, int, str]], gap: int, most: int
) -> None:
    points = {point(f"{table} {number} {type}") for table, number, type in given}
    made = blocks(list(points), gap, most)
    held = [one for block in made for one in block.points]
    assert sorted(map(repr, held)) == sorted(map(repr, points))
    assert all(block.count <= most and len({one.table for one in block.points}) == 1 for block in made)


@given(
    st.sampled_from(sorted(TYPES)), st.sampled_from(["big", "little"]), st.sampled_from(["big", "little"]), st.data()
)
def test_what_is_written_is_what_is_read(type: str, word: str, byte: str, data: st.DataObject) -> None:
    to = point(f"holding 0 {type} word={word} byte={byte}")
    if type.startswith("float"):
        number: float = data.draw(st.floats(width=32, allow_nan=False, allow_infinity=False))
    else:
        bits, signed = int(type.lstrip("uint")), not type.startswith("u")
        number = data.draw(st.integers(-(2 ** (bits - 1)) if signed else 0, 2 ** (bits - signed) - 1))
    assert value(to, registers(to, number)) == number


def test_a_number_that_does_not_fit_is_not_written_as_another() -> None:
    with pytest.raises(ValueError, match="does not fit into uint16"):
        registers(point("holding 0"), 70_000)
