"""What many samples say together: counts, limits, and integrals over time.

A value holds until the next sample, but no longer than it may (``hold``). What is BAD or has no value says nothing, and
ends what was said before. Of every five minutes in which there are samples a chunk keeps a :data:`SLOT`, from which any
multiple of five minutes is put together without unpacking a sample.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mesgraph.telemetry.codec import GOOD, Samples
from mesgraph.telemetry.columns import Floats, Integers

HOUR_US = 3_600_000_000
SLOT_US = 300_000_000
SLOT = np.dtype(
    [
        ("slot", "u1"),
        ("count", "<u4"),
        *((name, "<f8") for name in ("low", "high", "integral", "value")),
        *((name, "<u4") for name in ("used_us", "good_us", "first_us", "last_us")),
        ("usable", "u1"),
        ("good", "u1"),
    ]
)
"""``slot`` of the hour; of the usable samples in it, ``count``, ``low``, ``high``; from the first sample to the last,
at ``first_us`` and ``last_us`` after the hour's beginning, the ``integral`` of the value in microseconds and the times
of usable and of good values; and what the last one says, which goes on behind it."""

Slots = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Stretches:
    """Stretches of time, in order, with what grows in them each microsecond: integral, usable time, good time.

    ``length`` is how long that lasts, at most up to the next ``start``.
    """

    start: Integers
    length: Integers
    value: Floats
    usable: Floats
    good: Floats


@dataclass(frozen=True, slots=True)
class Points:
    """What is counted at moments: samples, or the slots that stand for several."""

    time: Integers
    count: Integers
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Columns, a value for each interval; NaN where there is nothing to say. ``coverage`` and ``percent_good`` are of
    the whole length of the interval.
    """

    time: Integers
    count: Integers
    mean: Floats
    low: Floats
    high: Floats
    percent_good: Floats
    coverage: Floats


def stretches_of(samples: Samples, *, is_float: bool, hold: int) -> Stretches:
    """Of samples in the order of time. The last one goes on as long as it may."""
    usable = samples.usable
    length = np.full(len(samples), hold, np.int64)
    np.minimum(np.diff(samples.time), hold, out=length[:-1])
    value = np.where(usable, samples.floats(is_float), 0.0)
    good = usable & (samples.quality == GOOD)
    return Stretches(samples.time, length, value, usable.astype(np.float64), good.astype(np.float64))


def points_of(samples: Samples, *, is_float: bool) -> Points:
    """The usable ones of ``samples``."""
    usable = samples.usable
    value = samples.floats(is_float)[usable]
    return Points(samples.time[usable], np.ones(len(value), np.int64), value, value)


def slots_of(samples: Samples, hour: int, *, is_float: bool, hold: int) -> Slots:
    """The slots of an hour's samples, which are in the order of time and at least one."""
    inside = samples.time - hour * HOUR_US
    numbers, first = np.unique(inside // SLOT_US, return_index=True)
    last = np.append(first[1:], len(samples)) - 1
    whole = stretches_of(samples, is_float=is_float, hold=hold)
    length = whole.length.copy()
    length[last] = 0  # what follows the last sample of a slot is counted where it ends
    usable = whole.usable > 0
    slots = np.zeros(len(numbers), SLOT)
    slots["slot"], slots["first_us"], slots["last_us"] = numbers, inside[first], inside[last]
    slots["count"] = np.add.reduceat(usable.astype(np.int64), first)
    slots["low"] = np.minimum.reduceat(np.where(usable, whole.value, np.inf), first)
    slots["high"] = np.maximum.reduceat(np.where(usable, whole.value, -np.inf), first)
    slots["integral"] = np.add.reduceat(whole.value * length, first)
    slots["used_us"] = np.add.reduceat(whole.usable * length, first)
    slots["good_us"] = np.add.reduceat(whole.good * length, first)
    slots["value"], slots["usable"], slots["good"] = whole.value[last], whole.usable[last], whole.good[last]
    return slots


def stretches_of_slots(slots: Slots, hours: Integers, *, hold: int) -> Stretches:
    """Of slots in order, and the hour of each: what is inside a slot, and from its last sample to the next slot's
    first one. Exact at the borders of slots.
    """
    begin = hours * HOUR_US
    first, last = begin + slots["first_us"], begin + slots["last_us"]
    behind = np.full(len(slots), hold, np.int64)
    np.minimum(first[1:] - last[:-1], hold, out=behind[:-1])
    within = last - first
    share = np.maximum(within, 1)
    return Stretches(
        _woven(first, last),
        _woven(within, behind),
        _woven(slots["integral"] / share, slots["value"]),
        _woven(slots["used_us"] / share, slots["usable"].astype(np.float64)),
        _woven(slots["good_us"] / share, slots["good"].astype(np.float64)),
    )


def points_of_slots(slots: Slots, hours: Integers) -> Points:
    """Each slot as one point with the count of its samples."""
    some = slots["count"] > 0
    begin = hours * HOUR_US + slots["slot"].astype(np.int64) * SLOT_US
    return Points(begin[some], slots["count"][some].astype(np.int64), slots["low"][some], slots["high"][some])


def aggregate(stretches: Stretches, points: Points, begin: int, end: int, interval: int, *, until: int) -> Aggregates:
    """Over [begin, end) in steps of ``interval``, whose last one may be shorter; microseconds. Nothing is said to last
    beyond ``until``.
    """
    starts = np.arange(begin, end, interval, dtype=np.int64)
    borders = np.append(starts, end)
    length = np.diff(borders).astype(np.float64)
    integral, usable, good = _grown(stretches, np.minimum(borders, until))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(usable > 0, integral / usable, np.nan)
    inside = (points.time >= begin) & (points.time < end)
    place = (points.time[inside] - begin) // interval
    count = np.zeros(len(starts), np.int64)
    low, high = np.full(len(starts), np.nan), np.full(len(starts), np.nan)
    np.add.at(count, place, points.count[inside])
    if len(place):
        first = np.flatnonzero(np.diff(place, prepend=-1))
        low[place[first]] = np.minimum.reduceat(points.low[inside], first)
        high[place[first]] = np.maximum.reduceat(points.high[inside], first)
    return Aggregates(starts, count, mean, low, high, 100 * good / length, usable / length)


def _grown(stretches: Stretches, borders: Integers) -> tuple[Floats, Floats, Floats]:
    """How much integral, usable time and good time grew from each border to the next."""
    if not len(stretches.start):
        nothing = np.zeros(len(borders) - 1)
        return nothing, nothing, nothing
    at = np.searchsorted(stretches.start, borders, side="right") - 1
    known = at >= 0
    at = np.maximum(at, 0)
    part = np.where(known, np.minimum(borders - stretches.start[at], stretches.length[at]), 0)

    def grown(slope: Floats) -> Floats:
        sums = np.concatenate(([0.0], np.cumsum(slope * stretches.length)))
        return np.diff(np.where(known, sums[at] + slope[at] * part, 0.0))

    return grown(stretches.value), grown(stretches.usable), grown(stretches.good)


def _woven(first: npt.NDArray[Any], second: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One of each in turn."""
    woven = np.empty(2 * len(first), first.dtype)
    woven[0::2], woven[1::2] = first, second
    return woven
