"""What is known of the tags of an instance while samples come in: their limits, and the latest sample of each.

Kept in memory by each process that takes or shows samples, one :class:`Known` for each instance, never changed but
replaced. It counts up to a batch; what came since is read from the head, so every process sees the same.
"""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.telemetry.codec import COLUMNS, Block, Samples, read_block
from mesgraph.telemetry.columns import Floats, Integers
from mesgraph.telemetry.models import DataType, DriverInstance, LatestSamples, SampleBatch, Tag

TYPES = list(DataType)
FLOAT, INTEGER, BOOLEAN, TEXT = (TYPES.index(word) for word in DataType)
NEVER = -1
"""Time of the latest sample of a tag that has none."""
FOREVER = 2**50
"""Microseconds that a value holds where nothing limits it."""
PERIODS_MISSED = 3
"""After so many expected periods without a sample some are missing, where the tag does not say when it is stale."""


def hold_of(tag: Tag) -> int:
    """How long a value of ``tag`` counts when no other follows, in microseconds."""
    if tag.stale_after_us is not None:
        return tag.stale_after_us
    return FOREVER if tag.expected_period_us is None else PERIODS_MISSED * tag.expected_period_us


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of an instance as columns, by id; ``places`` finds one by its path. A limit that is not there is NaN."""

    places: dict[str, int]
    ids: npt.NDArray[np.int32]
    paths: list[str]
    types: npt.NDArray[np.uint8]
    low: Floats
    high: Floats
    rate: Floats
    hold: Integers

    @classmethod
    def of(cls, tags: list[Tag], site_code: str) -> "Tags":
        """Of rows in the order of their ids."""
        places = {tag.path: i for i, tag in enumerate(tags)}
        places |= {f"{site_code}/{path}": i for path, i in places.items()}

        def limits(name: str) -> Floats:
            return np.array([np.nan if (x := getattr(tag, name)) is None else float(x) for tag in tags], np.float64)

        return cls(
            places=places,
            ids=np.array([tag.id for tag in tags], np.int32),
            paths=[tag.path for tag in tags],
            types=np.array([TYPES.index(tag.data_type) for tag in tags], np.uint8),
            low=limits("valid_low"),
            high=limits("valid_high"),
            rate=limits("max_rate"),
            hold=np.array([hold_of(tag) for tag in tags], np.int64),
        )


@dataclass(frozen=True, slots=True)
class Known:
    """An instance at ``revision``, the latest samples of its tags up to and with batch ``through``, and the number of
    its next sample, where this process took the last one itself.
    """

    revision: int
    through: int
    next_sequence: int | None
    tags: Tags
    latest: Samples
    texts: list[str | None]

    def with_block(self, through: int, block: Block) -> "Known":
        """The same after a batch; its samples of tags that are not the instance's any more are left out."""
        place = np.minimum(np.searchsorted(self.tags.ids, block.tag), max(len(self.tags.ids) - 1, 0))
        own = self.tags.ids[place] == block.tag if len(self.tags.ids) else np.zeros(len(block.tag), np.bool_)
        return self.with_samples(through, place[own], block.samples.take(own))

    def with_samples(self, through: int, place: npt.NDArray[Any], samples: Samples) -> "Known":
        """The same after ``samples`` of the tags at these places. What is older than the latest does not replace it,
        nor does what the source remembered from before.
        """
        order = np.lexsort((samples.time, place))
        last = order[np.append(np.diff(place[order]) != 0, True)] if len(order) else order
        newer = last[samples.time[last] >= self.latest.time[place[last]]]
        at = place[newer]
        columns = {name: getattr(self.latest, name).copy() for name in COLUMNS}
        for name, column in columns.items():
            column[at] = getattr(samples, name)[newer]
        texts = self.texts
        if samples.texts:
            texts = list(texts)
            for tag, sample in zip(at, newer, strict=True):
                if self.tags.types[tag] == TEXT:
                    texts[tag] = samples.texts[samples.value[sample]]
        return replace(self, through=through, latest=Samples(**columns), texts=texts)

    def write(self) -> bytes:
        """The latest samples, as they are kept beside the head."""
        has = self.latest.time != NEVER
        columns = {name: getattr(self.latest, name)[has].tobytes() for name in COLUMNS}
        texts = [self.texts[place] for place in np.flatnonzero(has)]
        written: bytes = msgspec.msgpack.encode({"ids": self.tags.ids[has].tobytes(), **columns, "texts": texts})
        return written


class Memory:
    """What this process knows of each instance."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}

    def get(self, instance_id: int) -> Known | None:
        """What was known last."""
        return self._known.get(instance_id)

    def put(self, instance_id: int, known: Known) -> None:
        """Replace it, unless somebody else knew more meanwhile."""
        old = self._known.get(instance_id)
        if old is None or (known.revision, known.through) >= (old.revision, old.through):
            self._known[instance_id] = known


def known_now(session: Session, instance: DriverInstance, site_code: str, before: Known | None) -> Known:
    """What is known of an instance with all that is committed: ``before``, or what is kept, and the batches since."""
    kept = session.execute(
        select(LatestSamples.through).where(LatestSamples.driver_instance_id == instance.id)
    ).scalar()
    known = before
    if known is None or known.revision != instance.revision or (kept is not None and kept > known.through):
        known = _begun(session, instance, site_code)
    rows = session.execute(
        select(SampleBatch.id, SampleBatch.data)
        .where(SampleBatch.driver_instance_id == instance.id, SampleBatch.id > known.through)
        .order_by(SampleBatch.id)
    ).all()
    for through, data in rows:
        known = replace(known.with_block(through, read_block(data)), next_sequence=None)
    return known


def _begun(session: Session, instance: DriverInstance, site_code: str) -> Known:
    tags = session.scalars(select(Tag).where(Tag.driver_instance_id == instance.id).order_by(Tag.id)).all()
    columns = Tags.of(list(tags), site_code)
    known = Known(instance.revision, 0, None, columns, _empty(len(tags)), [None] * len(tags))
    row = session.execute(
        select(LatestSamples.through, LatestSamples.data).where(LatestSamples.driver_instance_id == instance.id)
    ).one_or_none()
    return known if row is None else _with_kept(known, row[0], msgspec.msgpack.decode(row[1]))


def _with_kept(known: Known, through: int, kept: dict[str, Any]) -> Known:
    ids = np.frombuffer(kept["ids"], np.int32)
    columns = {name: np.frombuffer(kept[name], getattr(known.latest, name).dtype) for name in COLUMNS}
    number_of = {text: i for i, text in enumerate(dict.fromkeys(text for text in kept["texts"] if text is not None))}
    values = columns["value"].copy()
    for i, text in enumerate(kept["texts"]):
        values[i] = number_of[text] if text is not None else values[i]
    samples = Samples(**columns | {"value": values}, texts=tuple(number_of))
    return known.with_block(through, Block(ids, samples))


def _empty(count: int) -> Samples:
    zeros = np.zeros(count, np.int64)
    return Samples(
        np.full(count, NEVER, np.int64),
        zeros,
        zeros,
        zeros,
        np.zeros(count, np.uint8),
        np.zeros(count, np.uint32),
        np.zeros(count, np.uint8),
    )
