"""Rows of what other systems sent."""

from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Word


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
