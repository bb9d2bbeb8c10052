"""The inbox: every message by sender and id, answered once, and repeated as it was answered (I37).

Both doors for orders, `submitOperationsSchedule` and `submitB2mml`, keep their messages here, under one space of ids.
"""

from collections.abc import Iterable

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.errors import Violation, all_violations, invalid
from mesgraph.integration.events import InboundMessageDeadLettered
from mesgraph.integration.models import InboundMessage, MessageState
from mesgraph.ledger import receipts
from mesgraph.ledger.receipts import CommandReceipt
from mesgraph.orders.schedule import Outcome
from mesgraph.words import check_code
from mesgraph.work import Work

EXCERPT_MAX = 2_000
NOT_APPLIED = frozenset({Outcome.REJECTED, Outcome.STALE})


def namespace_of(source_system: str) -> str:
    """The namespace of a sender's message ids among the receipts."""
    return f"message:{source_system}"


def check_message(source_system: str, message_id: str) -> None:
    """Refuse VALIDATION_FAILED for a sender that is no code, or an id that is no id."""
    with all_violations() as found:
        found.add(check_code(source_system, "source_system"))
        if not (0 < len(message_id) <= 100 and message_id.isprintable()):
            found.add(invalid("a message id has 1 to 100 printable characters", "message_id"))


def claim(work: Work, source_system: str, message_id: str, digest: bytes) -> CommandReceipt:
    """The receipt of a message; it has an answer when the message was answered before.

    Refuses IDEMPOTENCY_CONFLICT when the id was used for other content.
    """
    return receipts.claim(work, namespace_of(source_system), message_id, digest, "message_id")


def keep(
    work: Work,
    *,
    source_system: str,
    message_id: str,
    kind: str,
    digest: bytes,
    outcomes: Iterable[Outcome],
    extensions: str | None = None,
) -> InboundMessage:
    """Keep a message that was read and done as far as it could be."""
    all_of_them = list(outcomes)
    applied = sum(outcome not in NOT_APPLIED for outcome in all_of_them)
    if applied == len(all_of_them):
        state = MessageState.APPLIED
    else:
        state = MessageState.PARTIAL if applied else MessageState.REJECTED
    return work.add(
        InboundMessage(
            source_system=source_system,
            message_id=message_id,
            message_kind=kind,
            payload_hash=digest,
            state=state,
            principal_id=work.actor.principal_id,
            request_count=len(all_of_them),
            applied_count=applied,
            extensions=extensions,
        )
    )


def keep_dead_letter(
    work: Work, *, source_system: str, digest: bytes, excerpt: str, reason: Violation
) -> tuple[InboundMessage, bool]:
    """Keep what could not be read, and say whether it had come before. It claims no message id of its sender."""
    message_id = f"sha256:{digest.hex()}"
    known = message_by_id(work.session, source_system, message_id)
    if known is not None:
        return known, True
    message = work.add(
        InboundMessage(
            source_system=source_system,
            message_id=message_id,
            message_kind="UNREADABLE",
            payload_hash=digest,
            state=MessageState.DEAD_LETTER,
            principal_id=work.actor.principal_id,
            problem=reason.message[:300],
            problem_path=str(reason.path[-1]) if reason.path else None,
            excerpt=excerpt[:EXCERPT_MAX],
        )
    )
    ledger.record(work, InboundMessageDeadLettered(message=message, payload_hash=digest, problem=reason.message[:300]))
    return message, False


def message_by_id(session: Session, source_system: str, message_id: str) -> InboundMessage | None:
    """The message of this sender with this id."""
    return session.scalar(
        select(InboundMessage).where(
            InboundMessage.source_system == source_system, InboundMessage.message_id == message_id
        )
    )


def message_by_key(session: Session, key: str) -> InboundMessage | None:
    """The message ``SOURCE/ID``; a sender's code may have slashes, too, so the longest one that fits counts."""
    parts = key.split("/")
    for end in range(len(parts) - 1, 0, -1):
        found = message_by_id(session, "/".join(parts[:end]), "/".join(parts[end:]))
        if found is not None:
            return found
    return message_by_id(session, "", key)


def messages(principal_id: int | None = None) -> Select[InboundMessage]:
    """Statement for messages; ``principal_id`` restricts to what one principal sent."""
    statement = select(InboundMessage)
    return statement if principal_id is None else statement.where(InboundMessage.principal_id == principal_id)
