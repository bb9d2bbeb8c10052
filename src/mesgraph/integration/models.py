"""Rows of what other systems sent, and of what is to be sent to them."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Instant, Sited, Word, key_text


class MessageState(StrEnum):
    """What became of a message that another system sent."""

    APPLIED = "APPLIED"
    PARTIAL = "PARTIAL"
    REJECTED = "REJECTED"
    DEAD_LETTER = "DEAD_LETTER"


class InboundMessage(Entity):
    """A message of a source system and what became of it; its answer is the receipt of the same key.

    A dead letter could not be read: ``problem`` says why, ``excerpt`` is its beginning, and ``message_id`` is made
    from the hash of its text, so that it stands in nobody's way.
    """

    __tablename__ = "inbound_message"
    kind: ClassVar[str] = "InboundMessage"

    source_system: Mapped[str] = mapped_column(String(64))
    message_id: Mapped[str] = mapped_column(String(100))
    message_kind: Mapped[str] = mapped_column(String(64))
    payload_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    state: Mapped[MessageState] = mapped_column(Word(MessageState), index=True)
    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    request_count: Mapped[int] = mapped_column(default=0)
    applied_count: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(String(300))
    problem_path: Mapped[str | None] = mapped_column(Text)
    excerpt: Mapped[str | None] = mapped_column(Text)
    extensions: Mapped[str | None] = mapped_column(Text)

    __table_args__ = (UniqueConstraint("source_system", "message_id"),)

    @property
    def human_key(self) -> str:
        """Sender and message id."""
        return f"{self.source_system}/{self.message_id}" if self.source_system else self.message_id


class DestinationKind(StrEnum):
    """How a system gets its messages."""

    CONNECTOR = "CONNECTOR"
    HTTP = "HTTP"


class Destination(Entity):
    """A system that is told what was made.

    ``secret`` signs what is posted, so it is kept as it is and shown only once. ``failures`` counts the tries that
    failed since the last one that did not; ``from_position`` is where in the record the messages begin.
    """

    __tablename__ = "destination"
    kind: ClassVar[str] = "Destination"

    code: Mapped[str] = mapped_column(key_text(64), unique=True)
    destination_kind: Mapped[DestinationKind] = mapped_column(Word(DestinationKind))
    url: Mapped[str | None] = mapped_column(String(1000))
    secret: Mapped[str | None] = mapped_column(String(100))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    source_system: Mapped[str | None] = mapped_column(String(64))
    active: Mapped[bool] = mapped_column(default=True)
    from_position: Mapped[int] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(300))
    last_success_at: Mapped[datetime | None] = mapped_column(Instant)
    last_failure_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The code."""
        return self.code


class OutboundState(StrEnum):
    """How far a message to another system is."""

    PENDING = "PENDING"
    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    FAILED = "FAILED"


class OutboundTrigger(StrEnum):
    """Why a message was written."""

    SEGMENT_ENDED = "SEGMENT_ENDED"
    ORDER_COMPLETED = "ORDER_COMPLETED"
    ORDER_ABORTED = "ORDER_ABORTED"
    ORDER_CLOSED = "ORDER_CLOSED"


class OutboundMessage(Sited, Entity):
    """A message to a destination about an order. ``message_id`` is its id for ever, however often it is sent."""

    __tablename__ = "outbound_message"
    kind: ClassVar[str] = "OutboundMessage"

    destination_id: Mapped[int] = mapped_column(ForeignKey("destination.id"))
    message_id: Mapped[str] = mapped_column(String(100), unique=True)
    trigger: Mapped[OutboundTrigger] = mapped_column(Word(OutboundTrigger))
    request_id: Mapped[int] = mapped_column(ForeignKey("operations_request.id"), index=True)
    document: Mapped[str] = mapped_column(Text)
    state: Mapped[OutboundState] = mapped_column(Word(OutboundState))
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str | None] = mapped_column(String(300))
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (Index("ix_outbound_message_destination_state", "destination_id", "state"),)

    @property
    def human_key(self) -> str:
        """The message id."""
        return self.message_id
