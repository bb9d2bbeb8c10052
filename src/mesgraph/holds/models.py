"""Rows of holds."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Exact, Instant, Row, Sited, Word, key_text


class HoldScope(StrEnum):
    """What a hold stops: whole items, a range of positions of one lot, equipment, or an order."""

    ITEM = "ITEM"
    RANGE = "RANGE"
    EQUIPMENT = "EQUIPMENT"
    ORDER = "ORDER"


class HoldSeverity(StrEnum):
    """How grave the cause is; from MAJOR up another person than the one who placed the hold releases it."""

    MINOR = "MINOR"
    MAJOR = "MAJOR"
    CRITICAL = "CRITICAL"


class Hold(Sited, Entity):
    """An exceptional stop. It is released by role quality or qa; the state under it is never lost."""

    __tablename__ = "hold"
    kind: ClassVar[str] = "Hold"

    number: Mapped[str] = mapped_column(key_text(64))
    scope: Mapped[HoldScope] = mapped_column(Word(HoldScope))
    severity: Mapped[HoldSeverity] = mapped_column(Word(HoldSeverity))
    equipment_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    request_id: Mapped[int | None] = mapped_column(ForeignKey("operations_request.id"), index=True)
    range_from: Mapped[Decimal | None] = mapped_column(Exact)
    range_to: Mapped[Decimal | None] = mapped_column(Exact)
    reason_code: Mapped[str] = mapped_column(String(64))
    comment: Mapped[str | None] = mapped_column(String(2000))
    placed_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    released_by_id: Mapped[int | None] = mapped_column(ForeignKey("principal.id"))
    released_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("site_id", "number"),)

    @property
    def place_id(self) -> int | None:
        """What it stops."""
        return self.equipment_id

    @property
    def human_key(self) -> str:
        """The number."""
        return self.number


class HeldItem(Row):
    """An item under a hold: the whole of it, or a range of its positions. A child of a split inherits its parent's."""

    __tablename__ = "held_item"

    hold_id: Mapped[int] = mapped_column(ForeignKey("hold.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True, index=True)
    range_from: Mapped[Decimal | None] = mapped_column(Exact)
    range_to: Mapped[Decimal | None] = mapped_column(Exact)
