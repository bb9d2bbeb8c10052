"""Rows of telemetry. There is none for a single sample."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Exact, Instant, Key, Row, Sited, Word, key_text


class TagKind(StrEnum):
    """What the values of a tag mean."""

    ANALOG = "ANALOG"
    DISCRETE = "DISCRETE"
    COUNTER = "COUNTER"
    STATE = "STATE"
    TEXT = "TEXT"
    ENERGY = "ENERGY"


class DataType(StrEnum):
    """How the values of a tag are kept."""

    FLOAT = "FLOAT"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"


class DriverState(StrEnum):
    """How a driver instance is."""

    STARTING = "STARTING"
    RUNNING = "RUNNING"
    DEGRADED = "DEGRADED"
    DISCONNECTED = "DISCONNECTED"
    BROKEN = "BROKEN"
    STOPPED = "STOPPED"


class IssueKind(StrEnum):
    """What is wrong with samples."""

    GAP = "GAP"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    SPIKE = "SPIKE"
    CLOCK_SKEW = "CLOCK_SKEW"
    DUPLICATE = "DUPLICATE"
    OUT_OF_ORDER = "OUT_OF_ORDER"


class DriverInstance(Sited, Entity):
    """One connection of a driver plug-in. ``revision`` counts the changes that make an edge begin it anew: its own, and
    those of its tags.
    """

    __tablename__ = "driver_instance"
    kind: ClassVar[str] = "DriverInstance"

    code: Mapped[str] = mapped_column(key_text(64))
    driver: Mapped[str] = mapped_column(String(64))
    config: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    secret_ref: Mapped[str | None] = mapped_column(String(200))
    revision: Mapped[int] = mapped_column(default=1)

    __table_args__ = (UniqueConstraint("site_id", "code"), Index("ix_driver_instance_by_code", "code", "id"))

    @property
    def human_key(self) -> str:
        """The code within its site."""
        return self.code


class DriverStatus(Sited, Row):
    """How an instance is, as it told last, and the number that its next sample has. What changes with every batch is
    kept apart from the instance, which people change.
    """

    __tablename__ = "driver_status"

    driver_instance_id: Mapped[int] = mapped_column(
        ForeignKey("driver_instance.id"), primary_key=True, autoincrement=False
    )
    next_sequence: Mapped[int] = mapped_column(BigInteger, default=0)
    state: Mapped[DriverState] = mapped_column(Word(DriverState), default=DriverState.STOPPED)
    message: Mapped[str | None] = mapped_column(String(500))
    buffered: Mapped[int] = mapped_column(BigInteger, default=0)
    clock_offset_ms: Mapped[int | None] = mapped_column(BigInteger)
    tier: Mapped[str | None] = mapped_column(String(40))
    changed_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)


class Tag(Sited, Entity):
    """One value that a driver instance reads. ``former_instance_id``: which one did before, if another did."""

    __tablename__ = "tag"
    kind: ClassVar[str] = "Tag"

    path: Mapped[str] = mapped_column(key_text(200))
    driver_instance_id: Mapped[int] = mapped_column(ForeignKey("driver_instance.id"), index=True)
    former_instance_id: Mapped[int | None] = mapped_column(ForeignKey("driver_instance.id"))
    equipment_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"), index=True)
    address: Mapped[str] = mapped_column(String(500))
    tag_kind: Mapped[TagKind] = mapped_column(Word(TagKind))
    data_type: Mapped[DataType] = mapped_column(Word(DataType))
    uom: Mapped[str | None] = mapped_column(String(3))
    valid_low: Mapped[Decimal | None] = mapped_column(Exact)
    valid_high: Mapped[Decimal | None] = mapped_column(Exact)
    max_rate: Mapped[Decimal | None] = mapped_column(Exact)
    deadband: Mapped[Decimal | None] = mapped_column(Exact)
    expected_period_us: Mapped[int | None] = mapped_column(BigInteger)
    stale_after_us: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("site_id", "path"), Index("ix_tag_by_path", "path", "id"))

    @property
    def place_id(self) -> int | None:
        """The machine that it is read from."""
        return self.equipment_id

    @property
    def human_key(self) -> str:
        """The path within its site."""
        return self.path


class SampleBatch(Sited, Row):
    """The samples of one batch, as columns (:class:`~mesgraph.telemetry.codec.Block`), until they are sealed."""

    __tablename__ = "sample_batch"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    driver_instance_id: Mapped[int] = mapped_column(ForeignKey("driver_instance.id"))
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]
    data: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (
        Index("ix_sample_batch_driver_instance_id_id", "driver_instance_id", "id"),
        # an id is never given again: what is known of the latest samples counts up to one
        {"sqlite_autoincrement": True},
    )


class SampleChunk(Sited, Row):
    """The sealed samples of one tag in one hour: packed (``data``), and their statistics (``slots``).

    ``hour`` counts from 1970. ``version`` counts the times that samples came to it.
    """

    __tablename__ = "sample_chunk"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id"))
    hour: Mapped[int]
    version: Mapped[int] = mapped_column(default=1)
    count: Mapped[int]
    slots: Mapped[bytes] = mapped_column(LargeBinary)
    data: Mapped[bytes] = mapped_column(LargeBinary)

    __table_args__ = (UniqueConstraint("tag_id", "hour"),)


class LatestSamples(Sited, Row):
    """The latest samples of the tags of an instance, as columns, up to and with batch ``through``."""

    __tablename__ = "latest_samples"

    driver_instance_id: Mapped[int] = mapped_column(
        ForeignKey("driver_instance.id"), primary_key=True, autoincrement=False
    )
    through: Mapped[int] = mapped_column(BigInteger)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class DataQualityIssue(Sited, Entity):
    """What is wrong with samples of one tag in one hour, or with those of a whole instance.

    ``count`` samples between ``first_at`` and ``last_at``; of a GAP of an instance, ``from_sequence`` up to and without
    ``to_sequence`` are missing.
    """

    __tablename__ = "data_quality_issue"
    kind: ClassVar[str] = "DataQualityIssue"

    driver_instance_id: Mapped[int] = mapped_column(ForeignKey("driver_instance.id"), index=True)
    tag_id: Mapped[int | None] = mapped_column(ForeignKey("tag.id"))
    issue_kind: Mapped[IssueKind] = mapped_column(Word(IssueKind))
    hour: Mapped[int]
    first_at: Mapped[datetime] = mapped_column(Instant)
    last_at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]
    from_sequence: Mapped[int | None] = mapped_column(BigInteger)
    to_sequence: Mapped[int | None] = mapped_column(BigInteger)

    __table_args__ = (UniqueConstraint("tag_id", "issue_kind", "hour"),)

    @property
    def human_key(self) -> str:
        """What it is, and since when."""
        return f"{self.issue_kind}@{self.first_at.isoformat()}"
