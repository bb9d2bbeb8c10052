"""Rows of security events."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Instant, Word
from mesgraph.security_events.kinds import SecurityEventKind, SecuritySeverity


class SecurityEventState(StrEnum):
    """Whether somebody has said that they know of it (ISA-18.2: acknowledged)."""

    UNACKNOWLEDGED = "UNACKNOWLEDGED"
    ACKNOWLEDGED = "ACKNOWLEDGED"


class SecurityEvent(Entity):
    """What one source did within one window, from whatever process it was seen.

    ``source`` names who: ``principal 12``, ``peer 192.0.2.1``, ``server``, or ``others``.
    """

    __tablename__ = "security_event"
    kind: ClassVar[str] = "SecurityEvent"

    event_kind: Mapped[SecurityEventKind] = mapped_column(Word(SecurityEventKind))
    severity: Mapped[SecuritySeverity] = mapped_column(Word(SecuritySeverity))
    source: Mapped[str] = mapped_column(String(64))
    window_at: Mapped[datetime] = mapped_column(Instant)
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant, index=True)
    count: Mapped[int] = mapped_column(BigInteger)
    principal_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id"), index=True)
    peer: Mapped[str | None] = mapped_column(String(64))
    detail: Mapped[str | None] = mapped_column(String(200))
    acknowledged_at: Mapped[datetime | None] = mapped_column(Instant)
    acknowledged_by_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id"))

    __table_args__ = (UniqueConstraint("event_kind", "source", "window_at"),)

    @property
    def human_key(self) -> str:
        """What, and by whom."""
        return f"{self.event_kind} of {self.source}"
