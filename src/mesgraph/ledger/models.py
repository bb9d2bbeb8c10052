"""Rows of the record. All but the sequencer's and the readers' are only ever inserted."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.functions import GenericFunction
from sqlalchemy.types import UserDefinedType

from mesgraph.db import Instant, Key, Row


class TransactionId(UserDefinedType[str]):
    """The writing transaction's 64-bit id on PostgreSQL; unused on SQLite, where the order is known at once."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        """Column type for DDL."""
        return "xid8"


@compiles(TransactionId, "sqlite")
def _sqlite_transaction_id(*_: Any, **__: Any) -> str:
    return "INTEGER"


class current_transaction(GenericFunction[str]):
    """The current transaction's id, as the column's default."""

    type = TransactionId()
    inherit_cache = True


@compiles(current_transaction, "postgresql")
def _postgresql_current_transaction(*_: Any, **__: Any) -> str:
    return "pg_current_xact_id()"


@compiles(current_transaction, "sqlite")
def _sqlite_current_transaction(*_: Any, **__: Any) -> str:
    return "0"


class LedgerEvent(Row):
    """One event in its final form, and the columns by which it is found.

    ``entry`` is what is hashed; ``payload`` holds the values and salts that the entry commits to, so a value can be
    withheld or erased later without breaking the proof of the entry.
    """

    __tablename__ = "ledger_event"

    id: Mapped[int] = mapped_column(Key, primary_key=True)
    event_id: Mapped[bytes] = mapped_column(LargeBinary(16), unique=True)
    type: Mapped[str] = mapped_column(String(64))
    site_id: Mapped[int | None] = mapped_column(BigInteger, index=True)
    principal_id: Mapped[int] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(200))
    occurred_at: Mapped[datetime] = mapped_column(Instant)
    recorded_at: Mapped[datetime] = mapped_column(Instant)
    reason_code: Mapped[str | None] = mapped_column(String(64))
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))
    entry: Mapped[bytes] = mapped_column(LargeBinary)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    transaction: Mapped[str] = mapped_column(TransactionId(), server_default=current_transaction())

    __table_args__ = (Index("ix_ledger_event_transaction", "transaction"),)


class SubjectEntry(Row):
    """An event in the history of one of its subjects; the key proves that no counter is given twice."""

    __tablename__ = "ledger_subject_entry"

    subject_kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ledger_event_id: Mapped[int] = mapped_column(ForeignKey("ledger_event.id"), index=True)


class SubjectHead(Row):
    """The last counter and leaf of a subject: the row that orders two writers about one thing."""

    __tablename__ = "ledger_subject_head"

    subject_kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    subject_id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    counter: Mapped[int] = mapped_column(BigInteger)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))


class Position(Row):
    """The place of an event in the one order: given in the transaction on SQLite, by the sequencer on PostgreSQL."""

    __tablename__ = "ledger_position"

    position: Mapped[int] = mapped_column(Key, primary_key=True, autoincrement=False)
    ledger_event_id: Mapped[int] = mapped_column(ForeignKey("ledger_event.id"), unique=True)


class SequencerState(Row):
    """The epoch, the last position, and (PostgreSQL) the snapshot up to which events have their position."""

    __tablename__ = "ledger_sequencer"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    epoch: Mapped[int]
    position: Mapped[int] = mapped_column(BigInteger)
    snapshot: Mapped[str] = mapped_column(String)


class ReaderPosition(Row):
    """How far a reader with an effect has come; moves in the transaction that makes the effect true.

    ``passed_over`` counts the events whose effect failed again and again, so that the reader went on without it.
    """

    __tablename__ = "ledger_reader"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    passed_over: Mapped[int] = mapped_column(default=0)
