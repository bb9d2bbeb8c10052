"""Columns hold what was put into them, however they are joined and parted."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mesgraph.edge import columns
from mesgraph.edge.contract import INTEGER_MAX, TEXT_MAX, TIME_MAX, Quality, Sample, sound

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.just("x" * (TEXT_MAX + 1)),
)
SAMPLES = st.builds(
    Sample,
    path=st.sampled_from(["a", "b", "Ä/ö"]),
    value=VALUES,
    quality=st.sampled_from(Quality),
    time=st.none() | st.integers(-1, 2**53),
    status=st.integers(-1, 2**33),
    flags=st.integers(0, 7),
)
TAKEN = st.lists(st.tuples(st.integers(0, 2**53), SAMPLES.map(sound)), min_size=1, max_size=20)


def rows(batch: bytes) -> list[Any]:
    """A batch, sample by sample; the types of values count."""
    given = json.loads(batch)
    count = len(given["tag"])
    optional = [given.get(name, [0] * count) for name in columns.OPTIONAL]
    held = zip(given["tag"], given["time"], given["received"], given["value"], *optional, strict=True)
    return [(given["paths"][tag], at, received, repr(value), *more) for tag, at, received, value, *more in held]


def expected(taken: list[columns.Received]) -> list[Any]:
    return [
        (one.path, one.time, received, repr(one.value), int(one.quality), one.status, one.flags)
        for received, one in taken
    ]


@given(TAKEN)
def test_a_batch_holds_its_samples(taken: list[columns.Received]) -> None:
    assert rows(columns.encode(taken)) == expected(taken)


@given(st.lists(TAKEN, min_size=1, max_size=5))
def test_joined_batches_hold_theirs_in_order(batches: list[list[columns.Received]]) -> None:
    joined = columns.join(map(columns.encode, batches))
    assert rows(joined) == [row for batch in batches for row in expected(batch)]


@given(TAKEN, st.integers(0, 20))
def test_halves_hold_what_the_whole_held(taken: list[columns.Received], at: int) -> None:
    first, second = columns.halves(columns.encode(taken), at)
    assert rows(first) == expected(taken)[:at]
    assert rows(second) == expected(taken)[at:]


@given(SAMPLES)
def test_what_cannot_be_carried_is_bad_and_has_no_value(sample: Sample) -> None:
    carried = sound(sample)
    assert carried.time is None or 0 <= carried.time < TIME_MAX
    assert 0 <= carried.status < 2**32
    if carried.value is None and sample.value is not None:
        assert carried.quality is Quality.BAD
    elif carried is not sample:
        assert (carried.path, carried.value) == (sample.path, sample.value)
        assert carried.quality is not Quality.GOOD
    elif isinstance(sample.value, int):
        assert abs(sample.value) <= INTEGER_MAX


def test_a_serial_number_stays_a_text() -> None:
    assert json.loads(columns.encode([(1, Sample("serial", "000123"))]))["value"] == ["000123"]
