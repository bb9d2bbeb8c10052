"""Rows of transfers between sites."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import BetweenSites, Entity, Exact, Instant, Word, key_text


class TransferState(StrEnum):
    """Where a transfer stands."""

    DRAFT = "DRAFT"
    SHIPPED = "SHIPPED"
    IN_TRANSIT = "IN_TRANSIT"
    RECEIVED = "RECEIVED"
    RECONCILED = "RECONCILED"
    DISPUTED = "DISPUTED"
    CANCELLED = "CANCELLED"


class Resolution(StrEnum):
    """What became of a difference."""

    ARRIVED_LATE = "ARRIVED_LATE"
    NEVER_LEFT = "NEVER_LEFT"
    LOST = "LOST"


class Transfer(BetweenSites, Entity):
    """Items that one site sends to another. The codes of the sites are kept here, because each sees only its own."""

    __tablename__ = "transfer"
    kind: ClassVar[str] = "Transfer"
    lock_rank = 15

    number: Mapped[str] = mapped_column(key_text(80), unique=True)
    from_code: Mapped[str] = mapped_column(String(64))
    to_code: Mapped[str] = mapped_column(String(64))
    state: Mapped[TransferState] = mapped_column(Word(TransferState))
    shipped_at: Mapped[datetime | None] = mapped_column(Instant)
    received_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The number."""
        return self.number


class TransferLine(Entity):
    """An item of a transfer, packed contents included; key and unit are kept for the site that sees the item no more.

    ``received`` is unknown before the receipt. ``resolution`` says what became of the difference.
    """

    __tablename__ = "transfer_line"
    kind: ClassVar[str] = "TransferLine"

    transfer_id: Mapped[int] = mapped_column(ForeignKey("transfer.id"))
    line: Mapped[int]
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    item_key: Mapped[str] = mapped_column(String(150))
    uom: Mapped[str] = mapped_column(String(3))
    shipped: Mapped[Decimal] = mapped_column(Exact)
    received: Mapped[Decimal | None] = mapped_column(Exact)
    resolution: Mapped[Resolution | None] = mapped_column(Word(Resolution))

    __table_args__ = (UniqueConstraint("transfer_id", "line"),)

    @property
    def human_key(self) -> str:
        """Its number."""
        return str(self.line)

    @property
    def difference(self) -> Decimal:
        """What was sent, not received, and not adjusted yet; zero before the receipt."""
        if self.received is None or self.resolution is not None:
            return Decimal(0)
        return self.shipped - self.received
