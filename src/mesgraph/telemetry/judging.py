"""Which samples of a batch are kept, and what is wrong with those that are. Pure, and nothing for a single sample."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from mesgraph.telemetry.codec import EMPTY, HISTORICAL, LATE, UNTIMED, Samples
from mesgraph.telemetry.columns import Columns, Integers, Mask
from mesgraph.telemetry.latest import BOOLEAN, FLOAT, INTEGER, NEVER, TEXT, Known
from mesgraph.telemetry.models import IssueKind
from mesgraph.telemetry.statistics import HOUR_US

AHEAD_MAX_US = 24 * HOUR_US
"""A time that is further ahead of the server is no mistake of a clock that could be lived with."""
SKEW_US = 5_000_000
"""Clocks that differ by more contradict each other."""
EXACT = 2**53
"""Whole numbers up to this are exact as floats."""
TEXT_MAX = 1_000
NONE, BOOL, INT, NUMBER, WORDS = range(5)
FORMS: dict[type, int] = {type(None): NONE, bool: BOOL, int: INT, float: NUMBER, str: WORDS}
NOT_NUMBERS = frozenset({"nan", "inf", "infinity", "-inf", "-infinity", "+inf", "+infinity"})


class SampleRefusal(StrEnum):
    """Why a sample is not kept."""

    UNKNOWN_TAG = "UNKNOWN_TAG"
    WRONG_TYPE = "WRONG_TYPE"
    NOT_FINITE = "NOT_FINITE"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    TIME_IN_FUTURE = "TIME_IN_FUTURE"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A sample that is not kept: its place in the batch, and why."""

    index: int
    code: SampleRefusal


@dataclass(frozen=True, slots=True)
class Found:
    """What is wrong with so many samples of a tag in an hour, the first and the last of them at these times."""

    kind: IssueKind
    tag_id: int
    hour: int
    first: int
    last: int
    count: int


@dataclass(frozen=True, slots=True)
class Judged:
    """The samples that are kept, in the order in which they came, with the places of their tags; the refused ones, how
    many came twice, and what is wrong.
    """

    place: npt.NDArray[Any]
    samples: Samples
    refused: list[Refusal]
    repeated: int
    issues: list[Found]


def judge(known: Known, columns: Columns, begin: int, now: int) -> Judged:
    """Judge the samples of a batch from place ``begin`` on; those before were taken. ``now`` in microseconds."""
    place = _places(known, columns)
    types = known.tags.types[place] if len(known.tags.types) else np.zeros(len(columns), np.uint8)
    forms = np.fromiter(map(FORMS.__getitem__, map(type, columns.values)), np.uint8, len(columns))
    values, texts, wrong = _values(columns, types, forms)
    codes = np.zeros(len(columns), np.uint8)
    words = list(SampleRefusal)
    for code, mask in (
        *wrong,
        (SampleRefusal.TIME_IN_FUTURE, np.maximum(columns.time, columns.received) > now + AHEAD_MAX_US),
        (SampleRefusal.UNKNOWN_TAG, place < 0),
    ):
        codes[mask] = words.index(code) + 1
    codes[:begin] = 0
    refused = [Refusal(int(i), words[codes[i] - 1]) for i in np.flatnonzero(codes)]
    keep = codes == 0
    keep[:begin] = False
    flags = columns.flags | np.where(columns.untimed, UNTIMED, 0) | np.where(forms == NONE, EMPTY, 0)
    whole = Samples(
        time=columns.time,
        received=columns.received,
        server=np.full(len(columns), now, np.int64),
        value=values,
        quality=columns.quality.astype(np.uint8),
        status=columns.status.astype(np.uint32),
        flags=flags.astype(np.uint8),
        texts=texts,
    )
    kept = np.flatnonzero(keep)
    repeated, issues = _compared(known, place[kept], whole.take(kept), now)
    kept = kept[~repeated]
    return Judged(place[kept], whole.take(kept), refused, int(repeated.sum()), issues)


def _places(known: Known, columns: Columns) -> npt.NDArray[Any]:
    """The place of the tag of each sample; -1 where there is no such tag."""
    of_paths = np.array([known.tags.places.get(path, -1) for path in columns.paths], np.int64)
    return of_paths[columns.tag]


def _values(
    columns: Columns, types: npt.NDArray[np.uint8], forms: npt.NDArray[np.uint8]
) -> tuple[Integers, tuple[str, ...], list[tuple[SampleRefusal, Mask]]]:
    """64 bits for each value, the texts among them, and which values have not the type of their tag."""
    values: list[Any] = columns.values
    words = np.flatnonzero(forms == WORDS)
    if len(words):
        values = [None if form == WORDS else value for value, form in zip(values, forms, strict=True)]
    try:
        floats = np.array(values, np.float64)
    except OverflowError:
        floats = np.array([np.inf if isinstance(x, int) and abs(x) >= 2**1023 else x for x in values], np.float64)
    bits = floats.copy().view(np.int64)
    whole = (types == INTEGER) | (types == BOOLEAN)
    fits = np.isfinite(floats) & (np.abs(floats) < EXACT)
    bits[whole] = np.where(fits, floats, 0).astype(np.int64)[whole]
    large = _large_integers(columns, np.flatnonzero((types == INTEGER) & (forms == INT) & ~fits), bits)
    texts, too_long, not_numbers = _texts(columns, words, types, bits)
    bits[forms == NONE] = 0
    given = forms != NONE
    number = (forms == INT) | (forms == NUMBER)
    integral = number & (large | (fits & (floats == np.floor(np.where(fits, floats, 0.5)))))
    accepted = np.select(
        [types == FLOAT, types == INTEGER, types == BOOLEAN],
        [number, integral, (forms == BOOL) | ((forms == INT) & ((floats == 0) | (floats == 1)))],
        forms == WORDS,
    )
    endless = (number & np.isinf(floats) & (types != TEXT)) | not_numbers
    wrong = [
        (SampleRefusal.WRONG_TYPE, given & ~accepted),
        (SampleRefusal.NOT_FINITE, endless & given & (types == FLOAT)),
        (SampleRefusal.TEXT_TOO_LONG, too_long),
    ]
    return bits, texts, wrong


def _large_integers(columns: Columns, which: npt.NDArray[Any], bits: Integers) -> Mask:
    """Put those into ``bits`` that a float does not hold exactly; which of them have 64 bits."""
    large = np.zeros(len(columns), np.bool_)
    for i in which:
        value = columns.values[i]
        if isinstance(value, int) and -(2**63) <= value < 2**63:
            bits[i], large[i] = value, True
    return large


def _texts(
    columns: Columns, words: npt.NDArray[Any], types: npt.NDArray[np.uint8], bits: Integers
) -> tuple[tuple[str, ...], Mask, Mask]:
    """Number the texts; which are too long, and which are a number's way to say that it is none."""
    numbers: dict[str, int] = {}
    too_long, not_numbers = np.zeros(len(columns), np.bool_), np.zeros(len(columns), np.bool_)
    for i in words:
        text = str(columns.values[i])
        if types[i] == TEXT:
            too_long[i] = len(text) > TEXT_MAX
            bits[i] = numbers.setdefault(text, len(numbers)) if not too_long[i] else 0
        else:
            not_numbers[i] = text.lower() in NOT_NUMBERS
    return tuple(numbers), too_long, not_numbers


def _compared(known: Known, place: npt.NDArray[Any], samples: Samples, now: int) -> tuple[Mask, list[Found]]:
    """Which samples are the one before again, and what is wrong, beside the sample of their tag that came before."""
    if not len(place):
        return np.zeros(0, np.bool_), []
    order = np.argsort(place, kind="stable")
    tag, own = place[order], samples.take(order)
    first = np.diff(tag, prepend=-1) != 0

    def before(name: str) -> npt.NDArray[Any]:
        column, latest = getattr(own, name), getattr(known.latest, name)
        shifted: npt.NDArray[Any] = np.where(first, latest[tag], np.roll(column, 1))
        return shifted

    time_before, value_before = before("time"), before("value")
    compared = time_before != NEVER
    step = own.time - time_before
    types = known.tags.types[tag]
    texts_differ = first & (types == TEXT)
    again = compared & (step == 0) & (own.value == value_before) & (own.quality == before("quality")) & ~texts_differ
    remembered = (own.flags & (HISTORICAL | LATE)) != 0
    numeric = own.usable & (types != TEXT)
    value = np.where(types == FLOAT, own.value.view(np.float64), own.value)
    earlier = np.where(types == FLOAT, value_before.view(np.float64), value_before)
    with np.errstate(invalid="ignore", divide="ignore"):
        speed = np.abs(value - earlier) / (step / 1e6)
    skewed = (np.abs(own.time - own.received) > SKEW_US) & ~remembered | (own.received > now + SKEW_US)
    found = {
        IssueKind.DUPLICATE: again,
        IssueKind.OUT_OF_ORDER: compared & (step < 0) & ~remembered,
        IssueKind.GAP: compared & (step > known.tags.hold[tag]),
        IssueKind.OUT_OF_RANGE: numeric & ((value < known.tags.low[tag]) | (value > known.tags.high[tag])),
        IssueKind.SPIKE: numeric & compared & (step > 0) & (speed > known.tags.rate[tag]),
        IssueKind.CLOCK_SKEW: skewed,
    }
    repeated = np.zeros(len(place), np.bool_)
    repeated[order] = again
    return repeated, [one for kind, mask in found.items() for one in _issues(known, kind, tag[mask], own.time[mask])]


def _issues(known: Known, kind: IssueKind, tag: npt.NDArray[Any], time: Integers) -> Iterator[Found]:
    """One for each tag and hour."""
    spans: dict[tuple[int, int], tuple[int, int]] = {}
    counts: Counter[tuple[int, int]] = Counter()
    for place, moment in zip(tag.tolist(), time.tolist(), strict=True):
        key = (int(known.tags.ids[place]), moment // HOUR_US)
        first, last = spans.get(key, (moment, moment))
        spans[key] = (min(first, moment), max(last, moment))
        counts[key] += 1
    for (tag_id, hour), (first, last) in spans.items():
        yield Found(kind, tag_id, hour, first, last, counts[tag_id, hour])
