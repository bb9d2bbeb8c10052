"""Rows of genealogy: activities with their input and output lines. Edges are derived from them, never stored."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Exact, Instant, Row, Sited, Word
from mesgraph.materials.models import Lifecycle


class GenealogyKind(StrEnum):
    """What happened to the items (the events of EPCIS are mapped from these)."""

    RECEIVE = "RECEIVE"
    COMMISSION = "COMMISSION"
    TRANSFORM = "TRANSFORM"
    SPLIT = "SPLIT"
    MERGE = "MERGE"
    ASSEMBLE = "ASSEMBLE"
    DISASSEMBLE = "DISASSEMBLE"
    REWORK = "REWORK"
    PACK = "PACK"
    UNPACK = "UNPACK"
    MOVE = "MOVE"
    SHIP = "SHIP"
    RETURN = "RETURN"
    TRANSFER_OUT = "TRANSFER_OUT"
    TRANSFER_IN = "TRANSFER_IN"
    SAMPLE = "SAMPLE"
    ADJUST = "ADJUST"
    SCRAP = "SCRAP"


class LineRole(StrEnum):
    """Which side of the activity an item stands on."""

    INPUT = "INPUT"
    OUTPUT = "OUTPUT"


class GenealogyEvent(Sited, Entity):
    """An activity: inputs became outputs, or were moved, packed, removed. Never changed; reversed by another one."""

    __tablename__ = "genealogy_event"
    kind: ClassVar[str] = "GenealogyEvent"

    event_kind: Mapped[GenealogyKind] = mapped_column(Word(GenealogyKind))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    ledger_event_id: Mapped[int] = mapped_column(ForeignKey("ledger_event.id"), index=True)
    job_response_id: Mapped[int | None] = mapped_column(ForeignKey("job_response.id"), index=True)
    location_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("genealogy_event.id"), unique=True)
    reason_code: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_genealogy_event_by_time", "occurred_at", "id"),)

    @property
    def human_key(self) -> str:
        """Kind and id."""
        return f"{self.event_kind}-{self.id}"


class GenealogyLine(Row):
    """An item in an activity: quantity in the item's base unit, and the range of positions taken or made, if any.

    ``weight`` is what an output counts when the inputs are shared out: its quantity for products, 0 for by-products.
    ``lifecycle_before`` and ``location_before_id`` are what a reversal restores; an output that the activity made was
    PLANNED before.
    """

    __tablename__ = "genealogy_line"

    event_id: Mapped[int] = mapped_column(ForeignKey("genealogy_event.id"), primary_key=True)
    role: Mapped[LineRole] = mapped_column(Word(LineRole), primary_key=True)
    line: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    quantity: Mapped[Decimal] = mapped_column(Exact)
    weight: Mapped[Decimal] = mapped_column(Exact)
    range_from: Mapped[Decimal | None] = mapped_column(Exact)
    range_to: Mapped[Decimal | None] = mapped_column(Exact)
    slot: Mapped[str | None] = mapped_column(String(64))
    lifecycle_before: Mapped[Lifecycle] = mapped_column(Word(Lifecycle))
    location_before_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))

    __table_args__ = (Index("ix_genealogy_line_item_role", "item_id", "role"),)
