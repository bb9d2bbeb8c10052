"""From the head to chunks: batches of an instance are folded into a row for each tag and hour.

Gathering reads, folding computes, putting writes; between them nothing is locked. Whoever puts second finds that the
batches are gone, or a chunk is another one, and leaves everything as it is.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from mesgraph.equipment.models import Site
from mesgraph.telemetry.codec import Samples, joined, read_block, read_chunk, write_chunk
from mesgraph.telemetry.latest import hold_of, known_now
from mesgraph.telemetry.models import DataType, DriverInstance, LatestSamples, SampleBatch, SampleChunk, Tag
from mesgraph.telemetry.statistics import HOUR_US, slots_of

BATCHES_MAX = 200
"""Batches that are folded at once: what is in memory meanwhile."""


class Chunk(NamedTuple):
    """A chunk as it is stored."""

    id: int
    version: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Gathered:
    """The oldest batches of an instance, the tags in them, and the chunks where their samples belong."""

    instance: DriverInstance
    batches: list[int]
    tag: Any
    samples: Samples
    tags: dict[int, Tag]
    chunks: dict[tuple[int, int], Chunk]
    latest: tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Folded:
    """What is put: new chunks, changed ones, and the batches that are done with."""

    instance: DriverInstance
    batches: list[int]
    new: list[dict[str, Any]]
    changed: list[dict[str, Any]]
    latest: tuple[int, bytes]


def gather(session: Session, instance_id: int) -> Gathered | None:
    """What is to be folded; ``None`` when there is nothing."""
    rows = session.execute(
        select(SampleBatch.id, SampleBatch.data)
        .where(SampleBatch.driver_instance_id == instance_id)
        .order_by(SampleBatch.id)
        .limit(BATCHES_MAX)
    ).all()
    if not rows:
        return None
    instance = session.scalars(select(DriverInstance).where(DriverInstance.id == instance_id)).one()
    blocks = [read_block(data) for _, data in rows]
    tag = np.concatenate([block.tag for block in blocks])
    wanted = np.unique(tag).tolist()
    tags = {row.id: row for row in session.scalars(select(Tag).where(Tag.id.in_(wanted)))}
    texts = [key for key, row in tags.items() if row.data_type is DataType.TEXT]
    samples = _one_after_the_other([(block.tag, block.samples) for block in blocks], texts)
    hours = samples.time // HOUR_US
    known = known_now(session, instance, _site_code(session, instance), None)
    return Gathered(
        instance=instance,
        batches=[row[0] for row in rows],
        tag=tag,
        samples=samples,
        tags=tags,
        chunks=_chunks(session, wanted, int(hours.min()), int(hours.max())),
        latest=(known.through, known.write()),
    )


def _one_after_the_other(blocks: Sequence[tuple[Any, Samples]], texts: Sequence[int]) -> Samples:
    """All samples; the places of texts are those among the texts of all blocks."""
    moved, before = [], 0
    for tag, samples in blocks:
        if before and samples.texts:
            value = np.where(np.isin(tag, texts), samples.value + before, samples.value)
            moved.append(replace(samples, value=value))
        else:
            moved.append(samples)
        before += len(samples.texts)
    return joined(moved)


def _chunks(session: Session, tags: Sequence[int], first: int, last: int) -> dict[tuple[int, int], Chunk]:
    rows = session.execute(
        select(SampleChunk.tag_id, SampleChunk.hour, SampleChunk.id, SampleChunk.version, SampleChunk.data).where(
            SampleChunk.tag_id.in_(tags), SampleChunk.hour.between(first, last)
        )
    )
    return {(row[0], row[1]): Chunk(row[2], row[3], row[4]) for row in rows}


def fold(gathered: Gathered) -> Folded:
    """Pack the samples of each tag and hour, with those that are there already. Pure; takes time of the processor."""
    new, changed = [], []
    for tag_id, hour, samples in _by_tag_and_hour(gathered.tag, gathered.samples):
        tag, chunk = gathered.tags[tag_id], gathered.chunks.get((tag_id, hour))
        row = folded_row(tag, hour, samples, chunk.data if chunk else None)
        if chunk is None:
            new.append(row | {"site_id": gathered.instance.site_id, "tag_id": tag_id, "hour": hour, "version": 1})
        else:
            changed.append(row | {"id": chunk.id, "version": chunk.version + 1})
    return Folded(gathered.instance, gathered.batches, new, changed, gathered.latest)


def folded_row(tag: Tag, hour: int, samples: Samples, before: bytes | None) -> dict[str, Any]:
    """The columns of a chunk with ``samples`` behind those of ``before``, in the order of time."""
    is_float = tag.data_type is DataType.FLOAT
    whole = with_chunk(samples, before, is_text=tag.data_type is DataType.TEXT)
    slots = slots_of(numeric(whole, tag), hour, is_float=is_float, hold=hold_of(tag))
    return {"count": len(whole), "slots": slots.tobytes(), "data": write_chunk(whole, is_float=is_float)}


def with_chunk(samples: Samples, before: bytes | None, *, is_text: bool) -> Samples:
    """``samples`` of a tag and those of a chunk of it, in the order of time."""
    own = samples if is_text else replace(samples, texts=())
    if before is not None:
        own = joined([read_chunk(before), own], is_text)
    return own.take(np.argsort(own.time, kind="stable"))


def numeric(samples: Samples, tag: Tag) -> Samples:
    """The same for counting: texts are no numbers, so they count as zero."""
    if tag.data_type is not DataType.TEXT:
        return samples
    return replace(samples, value=np.zeros(len(samples), np.int64))


def _by_tag_and_hour(tag: Any, samples: Samples) -> Iterator[tuple[int, int, Samples]]:
    order = np.lexsort((samples.time, tag))
    tags, ordered = tag[order], samples.take(order)
    hours = ordered.time // HOUR_US
    starts = np.flatnonzero((np.diff(tags, prepend=-1) != 0) | (np.diff(hours, prepend=-1) != 0))
    ends = np.append(starts[1:], len(tags))
    for start, end in zip(starts.tolist(), ends.tolist(), strict=True):
        yield int(tags[start]), int(hours[start]), ordered.take(slice(start, end))


def put(session: Session, folded: Folded) -> None:
    """Write what was folded. Raises :class:`Overtaken`, with nothing changed, when somebody else was faster."""
    # the batches first: they are what two sealers quarrel about
    gone = delete(SampleBatch).where(SampleBatch.id.in_(folded.batches)).returning(SampleBatch.id)
    if len(session.execute(gone.execution_options(synchronize_session=False)).all()) != len(folded.batches):
        raise Overtaken
    versions = {row["id"]: row["version"] - 1 for row in folded.changed}
    wanted = select(SampleChunk.id, SampleChunk.version).where(SampleChunk.id.in_(versions)).with_for_update()
    if {row[0]: row[1] for row in session.execute(wanted)} != versions:
        raise Overtaken
    if folded.new:
        session.execute(insert(SampleChunk), folded.new)
    if folded.changed:
        session.execute(update(SampleChunk), folded.changed)
    _put_latest(session, folded)


class Overtaken(Exception):
    """Somebody else has folded these batches, or more of them."""


def _put_latest(session: Session, folded: Folded) -> None:
    through, data = folded.latest
    own = LatestSamples.driver_instance_id == folded.instance.id
    kept = session.execute(select(LatestSamples.through).where(own)).scalar()
    if kept is None:
        row = {"site_id": folded.instance.site_id, "driver_instance_id": folded.instance.id}
        session.execute(insert(LatestSamples).values(through=through, data=data, **row))
    elif kept < through:
        changed = update(LatestSamples).where(own).values(through=through, data=data)
        session.execute(changed.execution_options(synchronize_session=False))


def _site_code(session: Session, instance: DriverInstance) -> str:
    return session.execute(select(Site.code).where(Site.id == instance.site_id)).scalar_one()
