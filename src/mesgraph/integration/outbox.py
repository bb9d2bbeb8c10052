"""The outbox: what happened becomes messages to the destinations, once each and in the order of the record.

A message is written by a reader of the record, in the transaction that moves the reader's position; its id is made
from the event, so it is the same however often it is sent. Of one order the messages leave in order.
"""

import secrets
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.equipment.models import Site
from mesgraph.errors import (
    Findings,
    Refused,
    TransitionViolation,
    Violation,
    all_violations,
    invalid,
    not_found,
)
from mesgraph.integration import events
from mesgraph.integration.b2mml.performance import message_of
from mesgraph.integration.models import (
    Destination,
    DestinationKind,
    OutboundMessage,
    OutboundState,
    OutboundTrigger,
)
from mesgraph.integration.performance import performance_of
from mesgraph.ledger.queries import Recorded, head
from mesgraph.ledger.reader import Reader
from mesgraph.orders.models import OperationsRequest, SegmentRequirement
from mesgraph.orders.run import row
from mesgraph.words import check_code
from mesgraph.work import Work

TRIGGERS = {
    "SEGMENT_REQUIREMENT_ENDED": OutboundTrigger.SEGMENT_ENDED,
    "OPERATIONS_REQUEST_COMPLETED": OutboundTrigger.ORDER_COMPLETED,
    "OPERATIONS_REQUEST_ABORTED": OutboundTrigger.ORDER_ABORTED,
    "OPERATIONS_REQUEST_CLOSED": OutboundTrigger.ORDER_CLOSED,
}
"""The events that destinations are told of."""
ACKNOWLEDGED_AT_ONCE_MAX = 500
ERROR_MAX = 300


def write_messages(work: Work, happened: Sequence[Recorded]) -> None:
    """A message for each event and each destination that is told of its order."""
    destinations = work.session.scalars(
        select(Destination).where(Destination.active.is_(True)).order_by(Destination.id)
    ).all()
    for event in happened if destinations else ():
        request, step = _subject(work.session, event)
        for destination in destinations:
            if event.position > destination.from_position and _is_told(destination, request):
                _write(work, destination, request, step, event)


OUTBOX = Reader(name="outbox", types=frozenset(TRIGGERS), effect=write_messages)
"""Writes the messages; see :mod:`mesgraph.ledger.reader`."""


def _subject(session: Session, event: Recorded) -> tuple[OperationsRequest, SegmentRequirement | None]:
    ids = {kind: key for kind, key, _ in event.subjects}
    if TRIGGERS[event.type] is not OutboundTrigger.SEGMENT_ENDED:
        return row(session, OperationsRequest, ids[OperationsRequest.kind]), None
    step = row(session, SegmentRequirement, ids[SegmentRequirement.kind])
    return row(session, OperationsRequest, step.request_id), step


def _is_told(destination: Destination, request: OperationsRequest) -> bool:
    return destination.site_id in (None, request.site_id) and destination.source_system in (
        None,
        request.source_system,
    )


def _write(
    work: Work, destination: Destination, request: OperationsRequest, step: SegmentRequirement | None, event: Recorded
) -> None:
    message_id = f"{event.event_id}.{destination.id}"
    performance = performance_of(work.session, request, None if step is None else [step.id])
    message = work.add(
        OutboundMessage(
            site_id=request.site_id,
            destination_id=destination.id,
            message_id=message_id,
            trigger=TRIGGERS[event.type],
            request_id=request.id,
            document=message_of(performance, message_id=message_id, receiver=destination.code, at=work.now),
            state=OutboundState.PENDING,
        )
    )
    ledger.record(
        work,
        events.OutboundMessageQueued(
            message=message, destination=destination, request=request, trigger=message.trigger
        ),
        site_id=request.site_id,
    )


def register_destination(
    work: Work,
    *,
    code: str,
    kind: DestinationKind,
    url: str | None = None,
    site: Site | None = None,
    source_system: str | None = None,
    active: bool = True,
    new_secret: bool = False,
) -> tuple[Destination, str | None]:
    """Make a system known that is told what is made from now on, or change it; with its secret if that is new.

    ``url`` is for HTTP alone: messages are posted there. ``site`` and ``source_system`` restrict what it is told of.
    Another scheme, host or port makes a new secret, for whoever listened there knows how to sign with the old one.
    Refuses VALIDATION_FAILED.
    """
    with all_violations() as found:
        found.add(check_code(code, "code"))
        if source_system is not None:
            found.add(check_code(source_system, "source_system"))
        found.add(_url_violation(kind, url))
    destination = destination_by_key(work.session, code)
    if destination is None:
        moved = False
        destination = Destination(code=code, from_position=head(work.session).position, failures=0)
        values = _values(kind, url, site, source_system, active)
        for name, value in values.items():
            setattr(destination, name, value)
        work.add(destination)
    else:
        work.lock(destination)
        if destination.destination_kind is not kind:
            raise Refused(invalid(f"{code} is a {destination.destination_kind}: register another code", "kind"))
        moved = _origin(destination.url) != _origin(url)
        for name, value in _values(kind, url, site, source_system, active).items():
            setattr(destination, name, value)
    secret = None
    if kind is DestinationKind.HTTP and (new_secret or moved or destination.secret is None):
        secret = destination.secret = secrets.token_urlsafe(32)
    work.session.flush()
    ledger.record(
        work,
        events.DestinationRegistered(
            destination=destination,
            kind=kind,
            url=url,
            site=site.code if site else None,
            source_system=source_system,
            active=active,
            new_secret=secret is not None,
        ),
    )
    return destination, secret


def _values(
    kind: DestinationKind, url: str | None, site: Site | None, source_system: str | None, active: bool
) -> dict[str, object]:
    return {
        "destination_kind": kind,
        "url": url,
        "site_id": site.id if site else None,
        "source_system": source_system,
        "active": active,
    }


def _origin(url: str | None) -> tuple[str, str | None, int | None]:
    """Who listens at an address: scheme, host and port."""
    parts = urlsplit(url or "")
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _url_violation(kind: DestinationKind, url: str | None) -> Violation | None:
    if kind is DestinationKind.CONNECTOR:
        return None if url is None else invalid("a connector fetches its messages; it has no URL", "url")
    try:
        parts = urlsplit(url or "")
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or url is None or len(url) > 1000 or not url.isascii() or not url.isprintable() or " " in url:
        return invalid("messages are posted to an http or https address, such as https://erp.example/mes", "url")
    if parts.username or parts.password:
        return invalid("an address has no user and password: the signature says who posts", "url")
    return None


def acknowledge(work: Work, messages: Sequence[OutboundMessage]) -> list[OutboundMessage]:
    """Note that a destination has taken messages over; one that it has already stays as it is."""
    work.lock(*messages)
    for message in messages:
        if message.state is not OutboundState.ACKNOWLEDGED:
            message.state, message.acknowledged_at = OutboundState.ACKNOWLEDGED, work.now
            message.last_error = None
            ledger.record(work, events.OutboundMessageAcknowledged(message=message), site_id=message.site_id)
    return list(messages)


def fail(work: Work, messages: Sequence[OutboundMessage], error: str) -> list[OutboundMessage]:
    """Note that a destination refuses messages for good. Refuses INVALID_TRANSITION for one that it has taken over."""
    work.lock(*messages)
    with all_violations() as found:
        for i, message in enumerate(messages):
            if message.state is OutboundState.ACKNOWLEDGED:
                found.add(_wrong_state(message, "refused", i))
    for message in messages:
        if message.state is not OutboundState.FAILED:
            message.state, message.last_error = OutboundState.FAILED, error[:ERROR_MAX]
            ledger.record(
                work, events.OutboundMessageFailed(message=message, error=error[:ERROR_MAX]), site_id=message.site_id
            )
    return list(messages)


def retry(work: Work, messages: Sequence[OutboundMessage]) -> list[OutboundMessage]:
    """Send failed messages again. Refuses INVALID_TRANSITION for one that has not failed."""
    work.lock(*messages)
    with all_violations() as found:
        for i, message in enumerate(messages):
            if message.state is not OutboundState.FAILED:
                found.add(_wrong_state(message, "sent again", i))
    for message in messages:
        message.state, message.attempts = OutboundState.PENDING, 0
        ledger.record(work, events.OutboundMessageRetried(message=message), site_id=message.site_id)
    return list(messages)


def _wrong_state(message: OutboundMessage, what: str, index: int) -> TransitionViolation:
    allowed = () if message.state is OutboundState.ACKNOWLEDGED else ("ACKNOWLEDGED", "FAILED")
    return TransitionViolation(
        message=f"{message.message_id} is {message.state} and cannot be {what}",
        path=("messages", index),
        from_state=message.state,
        allowed=allowed,
    )


def messages_by_id(session: Session, message_ids: Collection[str], *path: str) -> list[OutboundMessage]:
    """The messages with these ids, in the order asked; refuses NOT_FOUND, and too many."""
    if not 1 <= len(message_ids) <= ACKNOWLEDGED_AT_ONCE_MAX:
        raise Refused(invalid(f"name 1 to {ACKNOWLEDGED_AT_ONCE_MAX} messages, not {len(message_ids)}", *path))
    rows = session.scalars(select(OutboundMessage).where(OutboundMessage.message_id.in_(message_ids)))
    known = {message.message_id: message for message in rows}
    found = Findings()
    for i, message_id in enumerate(message_ids):
        if message_id not in known:
            found.add(not_found("OutboundMessage", message_id[:100], *path, i))
    found.refuse()
    return list(dict.fromkeys(known[message_id] for message_id in message_ids))


def message_by_key(session: Session, key: str) -> OutboundMessage | None:
    """The message with this id, if in scope."""
    return session.scalar(select(OutboundMessage).where(OutboundMessage.message_id == key))


def destination_by_key(session: Session, code: str) -> Destination | None:
    """The destination with this code."""
    return session.scalar(select(Destination).where(Destination.code == code))


def destinations(sites: Collection[int] | None) -> Select[Destination]:
    """Statement for the destinations that are told of one of these sites (``None``: of any)."""
    statement = select(Destination)
    if sites is not None:
        statement = statement.where(or_(Destination.site_id.is_(None), Destination.site_id.in_(sorted(sites))))
    return statement


def unacknowledged(session: Session, destination_id: int, after: int, limit: int) -> list[OutboundMessage]:
    """Messages that a destination has yet to take over, in order, behind the one with id ``after``."""
    waiting = (OutboundState.PENDING, OutboundState.SENT)
    return list(
        session.scalars(
            select(OutboundMessage)
            .where(
                OutboundMessage.destination_id == destination_id,
                OutboundMessage.state.in_(waiting),
                OutboundMessage.id > after,
            )
            .order_by(OutboundMessage.id)
            .limit(limit)
        )
    )
