"""Named reads of the record."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import cbor2
from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session

from mesgraph.db import Entity
from mesgraph.db.scope import sites_of
from mesgraph.ledger.entry import Field, decode_payload
from mesgraph.ledger.models import LedgerEvent, Position, SequencerState, SubjectEntry

CURSOR = re.compile(r"c(\d{1,9})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True)
class Cursor:
    """A place in the one order of events. The epoch changes when a database is restored from a backup."""

    epoch: int
    position: int

    def __str__(self) -> str:
        return f"c{self.epoch}-{self.position}"

    @classmethod
    def parse(cls, text: str) -> "Cursor":
        """Read the text form; raises ``ValueError`` for anything else."""
        match = CURSOR.fullmatch(text)
        if match is None:
            raise ValueError(f'{text[:40]!r} is not a cursor such as "c1-5512"')
        return cls(int(match[1]), int(match[2]))


@dataclass(frozen=True)
class Recorded:
    """One event as readers see it, decoded once and shared by all of them."""

    ledger_event_id: int
    position: int
    event_id: UUID
    type: str
    site_id: int | None
    subjects: tuple[tuple[str, int, int], ...]
    actor: str
    principal_id: int
    occurred_at: datetime
    recorded_at: datetime
    reason_code: str | None
    leaf: bytes
    payload: dict[str, Any]


def recorded(event: LedgerEvent, position: int) -> Recorded:
    """Decode a stored event."""
    entry = cbor2.loads(event.entry)
    return Recorded(
        ledger_event_id=event.id,
        position=position,
        event_id=UUID(bytes=event.event_id),
        type=event.type,
        site_id=event.site_id,
        subjects=tuple((kind, id_, counter) for kind, id_, counter, _ in entry[Field.SUBJECTS]),
        actor=event.actor,
        principal_id=event.principal_id,
        occurred_at=event.occurred_at,
        recorded_at=event.recorded_at,
        reason_code=event.reason_code,
        leaf=event.leaf,
        payload=decode_payload(event.payload),
    )


def events_after(
    session: Session, position: int, limit: int, *, types: Collection[str] | None = None
) -> list[Recorded]:
    """Up to ``limit`` events behind ``position``, in order; of ``types`` only, if they are given."""
    statement = (
        select(LedgerEvent, Position.position)
        .join(Position, Position.ledger_event_id == LedgerEvent.id)
        .where(Position.position > position)
        .order_by(Position.position)
        .limit(limit)
    )
    if types is not None:
        statement = statement.where(LedgerEvent.type.in_(sorted(types)))
    return [recorded(event, place) for event, place in session.execute(statement)]


def head(session: Session) -> Cursor:
    """The end of the order as this session sees it."""
    epoch = session.scalar(select(SequencerState.epoch))
    position = session.scalar(select(func.coalesce(func.max(Position.position), 0)))
    return Cursor(epoch or 1, position or 0)


UNNUMBERED = text("""
    SELECT EXISTS (
        SELECT 1 FROM ledger_event, ledger_sequencer
        WHERE transaction >= pg_snapshot_xmin(snapshot::pg_snapshot)
          AND NOT pg_visible_in_snapshot(transaction, snapshot::pg_snapshot)
    )
""")


def unnumbered(session: Session) -> bool:
    """Whether this session sees events that have no position yet; never on SQLite, where they come together."""
    return session.get_bind().dialect.name == "postgresql" and bool(session.scalar(UNNUMBERED))


def event_by_id(session: Session, event_id: str) -> LedgerEvent | None:
    """The event with this UUID, if its site is in scope or it belongs to none."""
    try:
        key = UUID(event_id).bytes
    except ValueError:
        return None
    event = session.scalar(select(LedgerEvent).where(LedgerEvent.event_id == key))
    scope = sites_of(session)
    in_scope = event is not None and (scope is None or event.site_id is None or event.site_id in scope)
    return event if in_scope else None


def last_time(session: Session, subject: Entity, types: Collection[str]) -> datetime | None:
    """The latest event time among the events of these types in the history of ``subject``."""
    return session.scalar(
        select(func.max(LedgerEvent.occurred_at))
        .join(SubjectEntry, SubjectEntry.ledger_event_id == LedgerEvent.id)
        .where(
            SubjectEntry.subject_kind == subject.subject_kind,
            SubjectEntry.subject_id == subject.id,
            LedgerEvent.type.in_(sorted(types)),
        )
    )


def position_of(session: Session, ledger_event_id: int) -> int | None:
    """The position of an event; ``None`` while the sequencer has not given it."""
    return session.scalar(select(Position.position).where(Position.ledger_event_id == ledger_event_id))


def numbered(session: Session, subject_kind: str, subject_id: int) -> bool:
    """Whether every event of a subject that this session sees has its position: its last one gets it last."""
    last = (
        select(Position.position)
        .select_from(SubjectEntry)
        .outerjoin(Position, Position.ledger_event_id == SubjectEntry.ledger_event_id)
        .where(SubjectEntry.subject_kind == subject_kind, SubjectEntry.subject_id == subject_id)
        .order_by(SubjectEntry.counter.desc())
        .limit(1)
    )
    row = session.execute(last).first()
    return row is None or row.position is not None


def history_of(subject_kind: str, subject_id: int) -> Select[LedgerEvent, int, int]:
    """Statement for the events of one subject: event, position, counter in the subject's chain."""
    return (
        select(LedgerEvent, Position.position, SubjectEntry.counter)
        .join(SubjectEntry, SubjectEntry.ledger_event_id == LedgerEvent.id)
        .join(Position, Position.ledger_event_id == LedgerEvent.id)
        .where(SubjectEntry.subject_kind == subject_kind, SubjectEntry.subject_id == subject_id)
    )
