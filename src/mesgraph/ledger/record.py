"""Append an event in the transaction that makes it true.

Every verb passes here, so it speaks to the database in few, cached Core statements.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, tuple_, update

from mesgraph import __version__
from mesgraph.clock import to_micros
from mesgraph.db import Entity
from mesgraph.errors import Code, all_violations, invalid
from mesgraph.ledger.entry import FORMAT, Field, SubjectLink, commit_to, encode, leaf_of
from mesgraph.ledger.event import Event
from mesgraph.ledger.models import LedgerEvent, Position, SubjectEntry, SubjectHead
from mesgraph.ledger.uuid7 import uuid7
from mesgraph.work import Work

Subject: TypeAlias = tuple[str, int]
"""Kind and id of what an event is about."""
Head: TypeAlias = tuple[int, bytes | None]
"""Counter and leaf of the latest event of a subject."""

GLOBAL = "GLOBAL"
NEXT_POSITION = select(func.coalesce(func.max(Position.position), 0) + 1).scalar_subquery()
PLACE = insert(Position).values(position=NEXT_POSITION, ledger_event_id=bindparam("event"))


def record(work: Work, event: Event, *, site_id: int | None = None, event_id: UUID | None = None) -> LedgerEvent:
    """Append ``event``; the answer of the command shows it.

    ``site_id`` names the stream (``None``: GLOBAL, for what belongs to no site). Locks the heads of the event's
    subjects until the commit, in the order of (kind, id).

    Refuses TIME_ORDER_INVALID when the event time lies before the first event of a subject: nothing happens to a thing
    before it is there (I32).
    """
    return record_all(work, [event], site_id=site_id, event_ids=[event_id or uuid7(work.now)])[0]


def record_all(
    work: Work, events: Sequence[Event], *, site_id: int | None = None, event_ids: Sequence[UUID] | None = None
) -> list[LedgerEvent]:
    """Append ``events`` in this order, in a few statements however many there are; see :func:`record`."""
    work.session.flush()
    event_ids = event_ids or [uuid7(work.now) for _ in events]
    subjects = [event.subject_rows() for event in events]
    heads = _heads(work, {(row.subject_kind, row.id) for rows in subjects for row in rows})
    known = frozenset(heads)
    _check_began(work, {(row.subject_kind, row.id): row for rows in subjects for row in rows}, known)
    links: list[list[SubjectLink]] = []
    stored: list[LedgerEvent] = []
    for event, event_id, rows in zip(events, event_ids, subjects, strict=True):
        of_event = [_next_link(heads, row) for row in rows]
        made = _stored(work, event, event_id, of_event, site_id)
        heads.update({(link.kind, link.id): (link.counter, made.leaf) for link in of_event})
        links.append(of_event)
        stored.append(made)
    work.session.add_all(stored)
    work.session.flush()
    _move_heads(work, heads, known)
    _enter_histories(work, links, stored)
    if work.session.get_bind().dialect.name == "sqlite":
        work.session.connection().execute(PLACE, [{"event": made.id} for made in stored])
    work.events.extend(stored)
    return stored


def _stored(work: Work, event: Event, event_id: UUID, links: Sequence[SubjectLink], site_id: int | None) -> LedgerEvent:
    """The row of an event, in its final form."""
    commitments, payload = commit_to(event.values() | _comment(work))
    entry = encode(
        {
            Field.FORMAT: FORMAT,
            Field.ORIGIN: GLOBAL if site_id is None else f"site/{site_id}",
            Field.EVENT_ID: event_id.bytes,
            Field.TYPE: event.word,
            Field.SUBJECTS: [[link.kind, link.id, link.counter, link.previous] for link in links],
            Field.ACTOR: [work.actor.principal_id, work.actor.authenticated_by],
            Field.OCCURRED_NS: to_micros(work.occurred_at) * 1000,
            Field.RECORDED_NS: to_micros(work.now) * 1000,
            Field.COMMAND: work.command,
            Field.KEY_DIGEST: work.key_digest,
            Field.REASON_CODE: work.reason.code if work.reason else None,
            Field.COMMITMENTS: commitments,
            Field.SOFTWARE: __version__,
        }
    )
    return LedgerEvent(
        event_id=event_id.bytes,
        type=event.word,
        site_id=site_id,
        principal_id=work.actor.principal_id,
        actor=work.actor.subject,
        occurred_at=work.occurred_at,
        recorded_at=work.now,
        reason_code=work.reason.code if work.reason else None,
        leaf=leaf_of(entry),
        entry=entry,
        payload=payload,
    )


def _comment(work: Work) -> dict[str, object]:
    return {"comment": work.reason.comment} if work.reason and work.reason.comment else {}


def _heads(work: Work, keys: Collection[Subject]) -> dict[Subject, Head]:
    """The end of the chain of each subject that has one; these heads stay locked."""
    if not keys:
        return {}
    found = work.session.execute(
        select(SubjectHead.subject_kind, SubjectHead.subject_id, SubjectHead.counter, SubjectHead.leaf)
        .where(tuple_(SubjectHead.subject_kind, SubjectHead.subject_id).in_(sorted(keys)))
        .order_by(SubjectHead.subject_kind, SubjectHead.subject_id)
        .with_for_update()
    )
    return {(kind, subject): (counter, leaf) for kind, subject, counter, leaf in found}


def _check_began(work: Work, rows: Mapping[Subject, Entity], known: Collection[Subject]) -> None:
    """What happens to a thing happens after its first event (I32). What is recorded as it happens needs no look."""
    if work.occurred_at >= work.now or not known:
        return
    first = (
        select(SubjectEntry.subject_kind, SubjectEntry.subject_id, LedgerEvent.occurred_at)
        .join(LedgerEvent, LedgerEvent.id == SubjectEntry.ledger_event_id)
        .where(
            tuple_(SubjectEntry.subject_kind, SubjectEntry.subject_id).in_(sorted(known)),
            SubjectEntry.counter == 1,
            LedgerEvent.occurred_at > work.occurred_at,
        )
        .order_by(SubjectEntry.subject_kind, SubjectEntry.subject_id)
    )
    with all_violations() as found:
        for kind, subject, began in work.session.execute(first):
            message = f"{rows[kind, subject].human_key} is there since {began.isoformat()}"
            message += f", not yet at {work.occurred_at.isoformat()}"
            found.add(invalid(message, "event_time", code=Code.TIME_ORDER_INVALID))


def _next_link(heads: Mapping[Subject, Head], row: Entity) -> SubjectLink:
    """The place of an event in the chain of its subject."""
    counter, leaf = heads.get((row.subject_kind, row.id), (0, None))
    return SubjectLink(row.subject_kind, row.id, counter + 1, leaf)


def _move_heads(work: Work, heads: Mapping[Subject, Head], known: frozenset[Subject]) -> None:
    new = [(subject, head) for subject, head in heads.items() if subject not in known]
    moved = [(subject, head) for subject, head in heads.items() if subject in known]
    if new:
        work.session.execute(
            insert(SubjectHead),
            [
                {"subject_kind": kind, "subject_id": id_, "counter": counter, "leaf": leaf}
                for (kind, id_), (counter, leaf) in new
            ],
        )
    if moved:
        work.session.connection().execute(
            update(SubjectHead.__table__)  # type: ignore[arg-type]
            .where(SubjectHead.subject_kind == bindparam("k"), SubjectHead.subject_id == bindparam("s"))
            .values(counter=bindparam("c"), leaf=bindparam("l")),
            [{"k": kind, "s": id_, "c": counter, "l": leaf} for (kind, id_), (counter, leaf) in moved],
        )


def _enter_histories(work: Work, links: Sequence[Sequence[SubjectLink]], stored: Sequence[LedgerEvent]) -> None:
    entries = [
        {"subject_kind": link.kind, "subject_id": link.id, "counter": link.counter, "ledger_event_id": made.id}
        for of_event, made in zip(links, stored, strict=True)
        for link in of_event
    ]
    if entries:
        work.session.execute(insert(SubjectEntry), entries)
