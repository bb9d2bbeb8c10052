"""Rows of equipment."""

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, synonym

from mesgraph.db import Entity, Instant, Row, Sited, Word, key_text


class EquipmentLevel(StrEnum):
    """Level in the role-based equipment hierarchy of ISA-95 part 1."""

    SITE = "SITE"
    AREA = "AREA"
    PROCESS_CELL = "PROCESS_CELL"
    PRODUCTION_LINE = "PRODUCTION_LINE"
    PRODUCTION_UNIT = "PRODUCTION_UNIT"
    STORAGE_ZONE = "STORAGE_ZONE"
    UNIT = "UNIT"
    WORK_CELL = "WORK_CELL"
    STORAGE_UNIT = "STORAGE_UNIT"
    EQUIPMENT_MODULE = "EQUIPMENT_MODULE"
    CONTROL_MODULE = "CONTROL_MODULE"


class EquipmentMode(StrEnum):
    """What the equipment is there for at the moment."""

    PRODUCTION = "PRODUCTION"
    MAINTENANCE = "MAINTENANCE"
    MANUAL = "MANUAL"


class PackmlState(StrEnum):
    """Machine state of ISA-TR88.00.02 (PackML)."""

    CLEARING = "CLEARING"
    STOPPED = "STOPPED"
    STARTING = "STARTING"
    IDLE = "IDLE"
    SUSPENDED = "SUSPENDED"
    EXECUTE = "EXECUTE"
    STOPPING = "STOPPING"
    ABORTING = "ABORTING"
    ABORTED = "ABORTED"
    HOLDING = "HOLDING"
    HELD = "HELD"
    UNHOLDING = "UNHOLDING"
    SUSPENDING = "SUSPENDING"
    UNSUSPENDING = "UNSUSPENDING"
    RESETTING = "RESETTING"
    COMPLETING = "COMPLETING"
    COMPLETE = "COMPLETE"


class StateSource(StrEnum):
    """Who said that the state changed."""

    DRIVER = "DRIVER"
    OPERATOR = "OPERATOR"
    DERIVED = "DERIVED"


class Site(Sited, Entity):
    """A plant with its own clock, calendar and GLN. A site lies in its own scope."""

    __tablename__ = "site"
    kind: ClassVar[str] = "Site"
    site_id = synonym("id")

    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    gln: Mapped[str | None] = mapped_column(String(13))
    time_zone: Mapped[str] = mapped_column(String(64))

    @property
    def human_key(self) -> str:
        """The code."""
        return self.code


class EquipmentClass(Entity):
    """A kind of equipment with a common capability; segments require a class, not a machine.

    ``properties`` are kept as :class:`~mesgraph.equipment.capability.Property` writes them.
    """

    __tablename__ = "equipment_class"
    kind: ClassVar[str] = "EquipmentClass"

    code: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    properties: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)

    @property
    def human_key(self) -> str:
        """The code."""
        return self.code


class Equipment(Sited, Entity):
    """A role in the plant: a line, a machine, a store. ``open_holds`` is written by the holds domain only.

    ``properties`` are its values of the properties of its classes, by code.
    """

    __tablename__ = "equipment"
    kind: ClassVar[str] = "Equipment"
    lock_rank = 50

    code: Mapped[str] = mapped_column(key_text(64))
    name: Mapped[str] = mapped_column(String(200))
    level: Mapped[EquipmentLevel] = mapped_column(Word(EquipmentLevel))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    mode: Mapped[EquipmentMode] = mapped_column(Word(EquipmentMode), default=EquipmentMode.PRODUCTION)
    packml_state: Mapped[PackmlState] = mapped_column(Word(PackmlState), default=PackmlState.IDLE)
    capacity: Mapped[int] = mapped_column(default=1)
    properties: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    open_holds: Mapped[int] = mapped_column(default=0)

    __table_args__ = (UniqueConstraint("site_id", "code"), Index("ix_equipment_by_code", "code", "id"))

    @property
    def place_id(self) -> int | None:
        """Itself."""
        return self.id

    @property
    def human_key(self) -> str:
        """The code within its site."""
        return self.code


class EquipmentClassMember(Row):
    """Equipment of a class."""

    __tablename__ = "equipment_class_member"

    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    class_id: Mapped[int] = mapped_column(ForeignKey("equipment_class.id"), primary_key=True, index=True)


class StorageLocation(Row):
    """A store from which equipment takes and into which it puts; ``rank`` 1 is where output goes by default."""

    __tablename__ = "storage_location"

    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id"), primary_key=True)
    location_id: Mapped[int] = mapped_column(ForeignKey("equipment.id"), primary_key=True, index=True)
    rank: Mapped[int]


class EquipmentStateRecord(Sited, Entity):
    """An interval [from, to) in one state; the open one has no end."""

    __tablename__ = "equipment_state_record"
    kind: ClassVar[str] = "EquipmentStateRecord"

    equipment_id: Mapped[int] = mapped_column(ForeignKey("equipment.id"))
    packml_state: Mapped[PackmlState] = mapped_column(Word(PackmlState))
    mode: Mapped[EquipmentMode] = mapped_column(Word(EquipmentMode))
    from_at: Mapped[datetime] = mapped_column(Instant)
    to_at: Mapped[datetime | None] = mapped_column(Instant)
    reason_code: Mapped[str | None] = mapped_column(String(64))
    set_by: Mapped[StateSource] = mapped_column(Word(StateSource))
    inferred: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (Index("ix_equipment_state_record_equipment_from", "equipment_id", "from_at"),)

    @property
    def human_key(self) -> str:
        """Equipment and start."""
        return f"{self.equipment_id}@{self.from_at.isoformat()}"
