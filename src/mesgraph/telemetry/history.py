"""The samples of a tag in a window, and what they say together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mesgraph.clock import from_micros
from mesgraph.errors import Refused, invalid
from mesgraph.telemetry.codec import NOTHING, Samples, joined, read_block, read_chunk
from mesgraph.telemetry.latest import hold_of
from mesgraph.telemetry.models import DataType, SampleBatch, SampleChunk, Tag
from mesgraph.telemetry.statistics import (
    HOUR_US,
    SLOT,
    SLOT_US,
    Aggregates,
    Slots,
    aggregate,
    points_of,
    points_of_slots,
    slots_of,
    stretches_of,
    stretches_of_slots,
)
from mesgraph.telemetry.store import numeric, with_chunk

SAMPLES_MAX = 400_000
"""Samples of one answer, and of a window whose intervals are no multiple of five minutes."""
INTERVALS_MAX = 100_000


class Sealed(NamedTuple):
    """A chunk; without ``data`` where its slots are enough."""

    hour: int
    slots: bytes
    data: bytes | None


@dataclass(frozen=True, slots=True)
class Stored:
    """What is stored of a tag from before a window on: chunks in the order of time, and batches of the head."""

    tag: Tag
    begin: int
    end: int
    chunks: list[Sealed]
    head: list[bytes]


@dataclass(frozen=True, slots=True)
class Window:
    """[begin, end), in microseconds; ``interval`` of aggregates."""

    begin: int
    end: int
    interval: int | None = None

    @property
    def by_slots(self) -> bool:
        """Whether the statistics of chunks are enough."""
        return self.interval is not None and self.interval % SLOT_US == 0 and self.begin % SLOT_US == 0


def check_window(window: Window) -> None:
    """Refuse VALIDATION_FAILED for a window that ends before it begins, or an interval that is too short for it."""
    if window.end <= window.begin:
        raise Refused(invalid("the window ends before it begins, or with it", "window", "to"))
    if window.interval is None:
        return
    if window.interval <= 0:
        raise Refused(invalid("the interval is longer than nothing", "interval"))
    count = -(-(window.end - window.begin) // window.interval)
    if count > INTERVALS_MAX:
        message = f"the window has {count:,} intervals, at most {INTERVALS_MAX:,} are answered: take longer ones"
        raise Refused(invalid(message, "interval"))


def read_stored(session: Session, tag: Tag, window: Window) -> Stored:
    """What a window needs. Refuses VALIDATION_FAILED when that would be too many samples."""
    first, last = window.begin // HOUR_US, (window.end - 1) // HOUR_US
    own = SampleChunk.tag_id == tag.id
    inside = own & SampleChunk.hour.between(first, last)
    if not window.by_slots:
        _check_count(session.scalar(select(func.sum(SampleChunk.count)).where(inside)) or 0, window)
    head = session.scalars(
        select(SampleBatch.data)
        .where(
            SampleBatch.driver_instance_id.in_({tag.driver_instance_id, tag.former_instance_id} - {None}),
            SampleBatch.first_at < from_micros(window.end),
        )
        .order_by(SampleBatch.id)
    ).all()
    before = None
    if window.interval is not None:
        earlier = select(SampleChunk.hour, SampleChunk.slots, SampleChunk.data).where(own, SampleChunk.hour < first)
        before = session.execute(earlier.order_by(SampleChunk.hour.desc()).limit(1)).one_or_none()
    chunks = [] if before is None else [Sealed(*before)]
    touched = _hours_of(tag, head) if window.by_slots else set()
    wanted = select(SampleChunk.hour, SampleChunk.data).where(inside)
    if window.by_slots:
        wanted = wanted.where(SampleChunk.hour.in_(touched))
    data = {row[0]: row[1] for row in session.execute(wanted)} if touched or not window.by_slots else {}
    slots = session.execute(select(SampleChunk.hour, SampleChunk.slots).where(inside).order_by(SampleChunk.hour))
    chunks += [Sealed(row[0], row[1], data.get(row[0])) for row in slots]
    return Stored(tag, window.begin, window.end, chunks, list(head))


def _check_count(count: int, window: Window) -> None:
    if count > SAMPLES_MAX:
        way_out = "take a shorter one, or an `interval`"
        if window.interval is not None:
            way_out = "take a shorter one, or an `interval` of a multiple of PT5M from a full five minutes on"
        message = f"the window has {count:,} samples, at most {SAMPLES_MAX:,} are read one by one: {way_out}"
        raise Refused(invalid(message, "window"))


def samples_of(stored: Stored) -> Samples:
    """The samples in the window, in the order of time. Takes time of the processor."""
    whole = _whole(stored)
    begin, end = np.searchsorted(whole.time, [stored.begin, stored.end])
    return whole.take(slice(int(begin), int(end)))


def aggregates_of(stored: Stored, window: Window, now: int) -> Aggregates:
    """What the samples say, interval by interval; nothing is known behind ``now``. Takes time of the processor."""
    assert window.interval is not None, "asked for with an interval"
    tag, is_float = stored.tag, stored.tag.data_type is DataType.FLOAT
    if window.by_slots:
        slots, hours = _slots(stored)
        stretches = stretches_of_slots(slots, hours, hold=hold_of(tag))
        points = points_of_slots(slots, hours)
    else:
        whole = numeric(_whole(stored), tag)
        stretches = stretches_of(whole, is_float=is_float, hold=hold_of(tag))
        points = points_of(whole, is_float=is_float)
    return aggregate(stretches, points, window.begin, window.end, window.interval, until=now)


def _head(tag: Tag, head: Sequence[bytes]) -> Samples:
    """The samples of the tag in batches."""
    parts = [block.samples.take(block.tag == tag.id) for block in map(read_block, head) if (block.tag == tag.id).any()]
    return joined(parts, tag.data_type is DataType.TEXT) if parts else NOTHING


def _hours_of(tag: Tag, head: Sequence[bytes]) -> set[int]:
    return set(np.unique(_head(tag, head).time // HOUR_US).tolist())


def _whole(stored: Stored) -> Samples:
    is_text = stored.tag.data_type is DataType.TEXT
    chunks = [read_chunk(chunk.data) for chunk in stored.chunks if chunk.data is not None]
    return with_chunk(joined([*chunks, _head(stored.tag, stored.head)], is_text), None, is_text=is_text)


def _slots(stored: Stored) -> tuple[Slots, np.ndarray[tuple[int], np.dtype[np.int64]]]:
    """The slots of all hours; where the head has samples, of chunk and head together."""
    tag, is_text = stored.tag, stored.tag.data_type is DataType.TEXT
    of_hours = {chunk.hour: np.frombuffer(chunk.slots, SLOT) for chunk in stored.chunks}
    data = {chunk.hour: chunk.data for chunk in stored.chunks}
    head = _head(tag, stored.head)
    hours = head.time // HOUR_US
    for hour in np.unique(hours).tolist():
        whole = with_chunk(head.take(hours == hour), data.get(hour), is_text=is_text)
        is_float = tag.data_type is DataType.FLOAT
        of_hours[hour] = slots_of(numeric(whole, tag), hour, is_float=is_float, hold=hold_of(tag))
    ordered = sorted(of_hours)
    if not ordered:
        return np.empty(0, SLOT), np.empty(0, np.int64)
    return (
        np.concatenate([of_hours[hour] for hour in ordered]),
        np.repeat(np.array(ordered, np.int64), [len(of_hours[hour]) for hour in ordered]),
    )
