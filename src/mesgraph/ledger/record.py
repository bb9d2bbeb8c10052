"""Append an event in the transaction that makes it true.

Every verb passes here, so it speaks to the database in few, cached Core statements.
"""

from uuid import UUID

from sqlalchemy import bindparam, func, insert, select, tuple_, update

from mesgraph import __version__
from mesgraph.clock import to_micros
from mesgraph.db import Entity
from mesgraph.ledger.entry import FORMAT, Field, SubjectLink, commit_to, encode, leaf_of
from mesgraph.ledger.event import Event
from mesgraph.ledger.models import LedgerEvent, Position, SubjectEntry, SubjectHead
from mesgraph.ledger.uuid7 import uuid7
from mesgraph.work import Work

GLOBAL = "GLOBAL"
NEXT_POSITION = select(func.coalesce(func.max(Position.position), 0) + 1).scalar_subquery()


def record(work: Work, event: Event, *, site_id: int | None = None, event_id: UUID | None = None) -> LedgerEvent:
    """Append ``event``; the answer of the command shows it.

    ``site_id`` names the stream (``None``: GLOBAL, for what belongs to no site). Locks the heads of the event's
    subjects until the commit, in the order of (kind, id).
    """
    work.session.flush()
    rows = event.subject_rows()
    links = _next_links(work, rows)
    commitments, payload = commit_to(event.values() | _comment(work))
    event_id = event_id or uuid7(work.now)
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
    leaf = leaf_of(entry)
    stored = LedgerEvent(
        event_id=event_id.bytes,
        type=event.word,
        site_id=site_id,
        principal_id=work.actor.principal_id,
        actor=work.actor.subject,
        occurred_at=work.occurred_at,
        recorded_at=work.now,
        reason_code=work.reason.code if work.reason else None,
        leaf=leaf,
        entry=entry,
        payload=payload,
    )
    work.session.add(stored)
    work.session.flush()
    _move_heads(work, links, leaf, stored.id)
    if work.session.get_bind().dialect.name == "sqlite":
        work.session.execute(insert(Position).values(position=NEXT_POSITION, ledger_event_id=stored.id))
    work.events.append(stored)
    return stored


def _comment(work: Work) -> dict[str, object]:
    return {"comment": work.reason.comment} if work.reason and work.reason.comment else {}


def _next_links(work: Work, rows: list[Entity]) -> list[SubjectLink]:
    """The place of this event in the chain of each subject; the heads stay locked."""
    keys = sorted({(row.subject_kind, row.id) for row in rows})
    if not keys:
        return []
    found = work.session.execute(
        select(SubjectHead.subject_kind, SubjectHead.subject_id, SubjectHead.counter, SubjectHead.leaf)
        .where(tuple_(SubjectHead.subject_kind, SubjectHead.subject_id).in_(keys))
        .order_by(SubjectHead.subject_kind, SubjectHead.subject_id)
        .with_for_update()
    )
    heads = {(kind, subject): (counter, leaf) for kind, subject, counter, leaf in found}
    links = []
    for row in rows:
        counter, leaf = heads.get((row.subject_kind, row.id), (0, None))
        links.append(SubjectLink(row.subject_kind, row.id, counter + 1, leaf))
    return links


def _move_heads(work: Work, links: list[SubjectLink], leaf: bytes, ledger_event_id: int) -> None:
    new = [link for link in links if link.previous is None]
    moved = [link for link in links if link.previous is not None]
    if new:
        work.session.execute(
            insert(SubjectHead),
            [{"subject_kind": x.kind, "subject_id": x.id, "counter": x.counter, "leaf": leaf} for x in new],
        )
    if moved:
        work.session.connection().execute(
            update(SubjectHead.__table__)  # type: ignore[arg-type]
            .where(SubjectHead.subject_kind == bindparam("k"), SubjectHead.subject_id == bindparam("s"))
            .values(counter=bindparam("c"), leaf=bindparam("l")),
            [{"k": x.kind, "s": x.id, "c": x.counter, "l": leaf} for x in moved],
        )
    if links:
        work.session.execute(
            insert(SubjectEntry),
            [
                {
                    "subject_kind": x.kind,
                    "subject_id": x.id,
                    "counter": x.counter,
                    "ledger_event_id": ledger_event_id,
                }
                for x in links
            ],
        )
