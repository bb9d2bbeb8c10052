"""Take a batch of samples: judge it, append it as one row, and move on the number of the next sample.

The row of the status is locked while that happens, so the batches of an instance stand in one order, and whatever comes
a second time is known by its number.
"""

from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from mesgraph.clock import from_micros, to_micros
from mesgraph.equipment.models import Site
from mesgraph.errors import Refused, invalid
from mesgraph.telemetry.codec import Block, write_block
from mesgraph.telemetry.columns import Columns
from mesgraph.telemetry.judging import Found, Judged, Refusal, judge
from mesgraph.telemetry.latest import Known, known_now
from mesgraph.telemetry.models import DataQualityIssue, DriverInstance, DriverStatus, IssueKind, SampleBatch
from mesgraph.telemetry.statistics import HOUR_US
from mesgraph.work import Work

SEQUENCE_MAX = 2**53


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: how many samples were kept, how many had been taken before, and which were refused.

    ``clock_offset_ms``: how far the server's clock is ahead of the newest receipt. ``known``: what is known now.
    """

    accepted: int
    duplicate: int
    rejected: list[Refusal]
    clock_offset_ms: int
    next_sequence: int
    known: Known


def ingest(work: Work, instance: DriverInstance, sequence: int, columns: Columns, memory: Known | None) -> Taken:
    """Take the samples of ``instance`` whose first one has the number ``sequence``.

    Those below the next expected number are duplicates; a batch that begins above it is taken, and what is missing
    becomes a GAP. ``memory`` is what this process knows of the instance. Refuses VALIDATION_FAILED for a number out of
    range.
    """
    if not 0 <= sequence <= SEQUENCE_MAX - len(columns):
        message = f"sequence {sequence} is no number of a first sample: 0 to 2^53, counting up without gap"
        raise Refused(invalid(message, "sequence"))
    session, now = work.session, to_micros(work.now)
    expected = _locked_sequence(session, instance)
    known = memory
    if known is None or known.next_sequence != expected or known.revision != instance.revision:
        known = known_now(session, instance, _site_code(session, instance), memory)
    following = max(expected, sequence + len(columns))
    begin = min(max(expected - sequence, 0), len(columns))
    judged = judge(known, columns, begin, now)
    if len(judged.samples):
        known = _append(session, instance, known, judged)
    if sequence > expected:
        _note_missing(work, instance, expected, sequence)
    if judged.issues:
        _note(work, instance, judged.issues)
    if following > expected:
        _move_on(session, instance, following)
    return Taken(
        accepted=len(judged.samples),
        duplicate=begin + judged.repeated,
        rejected=judged.refused,
        clock_offset_ms=(now - int(columns.received.max())) // 1000,
        next_sequence=following,
        known=replace(known, next_sequence=following),
    )


def _locked_sequence(session: Session, instance: DriverInstance) -> int:
    wanted = select(DriverStatus.next_sequence).where(DriverStatus.driver_instance_id == instance.id)
    return session.execute(wanted.with_for_update()).scalar_one()


def _move_on(session: Session, instance: DriverInstance, following: int) -> None:
    session.execute(
        update(DriverStatus)
        .where(DriverStatus.driver_instance_id == instance.id)
        .values(next_sequence=following)
        .execution_options(synchronize_session=False)
    )


def _append(session: Session, instance: DriverInstance, known: Known, judged: Judged) -> Known:
    """One row for all of them."""
    samples = judged.samples
    data = write_block(Block(known.tags.ids[judged.place].astype(np.int32), samples))
    row = {
        "site_id": instance.site_id,
        "driver_instance_id": instance.id,
        "first_at": from_micros(int(samples.time.min())),
        "last_at": from_micros(int(samples.time.max())),
        "count": len(samples),
        "data": data,
    }
    through = session.execute(insert(SampleBatch).values(**row).returning(SampleBatch.id)).scalar_one()
    return known.with_samples(through, judged.place, samples)


def _note_missing(work: Work, instance: DriverInstance, expected: int, sequence: int) -> None:
    """Samples of the instance that never came, by their numbers; when they were taken nobody knows."""
    work.add(
        DataQualityIssue(
            site_id=instance.site_id,
            driver_instance_id=instance.id,
            issue_kind=IssueKind.GAP,
            hour=to_micros(work.now) // HOUR_US,
            first_at=work.now,
            last_at=work.now,
            count=min(sequence - expected, 2**31 - 1),
            from_sequence=expected,
            to_sequence=sequence,
        )
    )


def _note(work: Work, instance: DriverInstance, issues: list[Found]) -> None:
    """One row for each tag, kind and hour, that grows."""
    known = {
        (row.tag_id, row.issue_kind, row.hour): row
        for row in work.session.scalars(
            select(DataQualityIssue).where(
                DataQualityIssue.tag_id.in_({one.tag_id for one in issues}),
                DataQualityIssue.hour.in_({one.hour for one in issues}),
            )
        )
    }
    new = []
    for one in issues:
        row = known.get((one.tag_id, one.kind, one.hour))
        first, last = from_micros(one.first), from_micros(one.last)
        if row is None:
            new.append(
                DataQualityIssue(
                    site_id=instance.site_id,
                    driver_instance_id=instance.id,
                    tag_id=one.tag_id,
                    issue_kind=one.kind,
                    hour=one.hour,
                    first_at=first,
                    last_at=last,
                    count=one.count,
                )
            )
        else:
            row.first_at, row.last_at = min(row.first_at, first), max(row.last_at, last)
            row.count = min(row.count + one.count, 2**31 - 1)
    work.add_all(new)


def _site_code(session: Session, instance: DriverInstance) -> str:
    return session.execute(select(Site.code).where(Site.id == instance.site_id)).scalar_one()
