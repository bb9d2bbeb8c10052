"""Verbs of security events."""

import logging
from collections.abc import Mapping

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.access.models import Principal
from mesgraph.security_events import events
from mesgraph.security_events.kinds import RULES
from mesgraph.security_events.models import SecurityEvent
from mesgraph.security_events.watch import Alarm
from mesgraph.work import Work

log = logging.getLogger("mesgraph.security")


def raise_event(work: Work, alarm: Alarm) -> SecurityEvent:
    """Tell of an alarm; what another process told of the same source and window rises by its count."""
    source = alarm.source
    found = work.session.scalar(
        select(SecurityEvent)
        .where(
            SecurityEvent.event_kind == alarm.kind,
            SecurityEvent.source == source.name,
            SecurityEvent.window_at == alarm.window_at,
        )
        .with_for_update()
    )
    if found is not None:
        found.count += alarm.count
        found.last_at = max(found.last_at, alarm.last_at)
        ledger.record(work, events.SecurityEventGrew(event=found, count=found.count))
        return found
    made = work.add(
        SecurityEvent(
            event_kind=alarm.kind,
            severity=RULES[alarm.kind].severity,
            source=source.name,
            window_at=alarm.window_at,
            first_at=alarm.first_at,
            last_at=alarm.last_at,
            count=alarm.count,
            principal_id=source.principal_id,
            peer=source.peer,
            detail=alarm.detail,
        )
    )
    told = events.SecurityEventRaised(event=made, event_kind=alarm.kind, source=source.name, count=alarm.count)
    ledger.record(work, told)
    log.warning("security event %s: %s by %s, %d times", made.id, alarm.kind, source.name, alarm.count)
    return made


def acknowledge(work: Work, event: SecurityEvent) -> SecurityEvent:
    """Say that somebody knows of it; saying it again changes nothing."""
    work.lock(event)
    if event.acknowledged_at is None:
        event.acknowledged_at, event.acknowledged_by_id = work.now, work.actor.principal_id
        ledger.record(work, events.SecurityEventAcknowledged(event=event))
    return event


def record_read(work: Work, operation: str | None, rows: Mapping[str, int]) -> None:
    """Record that the actor read ``rows`` things of fields, by the field's name."""
    reader = work.session.get_one(Principal, work.actor.principal_id)
    read = events.DataRead(principal=reader, fields=sorted(rows), rows=sum(rows.values()), operation=operation)
    ledger.record(work, read)
