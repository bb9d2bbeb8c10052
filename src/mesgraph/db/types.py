"""Column types that mean the same on SQLite and PostgreSQL.

SQLite would store decimals as floats and drop time zones, so both are kept as integers on both databases.
"""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from sqlalchemy import BigInteger, Dialect, Integer, String
from sqlalchemy.types import TypeDecorator

from mesgraph.clock import from_micros, to_micros
from mesgraph.quantity import from_micro, to_micro

E = TypeVar("E", bound=StrEnum)


def key_text(length: int) -> String:
    """Text of a human key, compared character by character on both databases, whatever the locale of the server.

    So lists by key have one order everywhere, and a prefix is a range of the ordinary index.
    """
    return String(length).with_variant(String(length, collation="C"), "postgresql")


Key = BigInteger().with_variant(Integer, "sqlite")
"""Dense identity key. SQLite makes only INTEGER PRIMARY KEY an alias of its row id."""


class Exact(TypeDecorator[Decimal]):
    """A decimal with six places, stored as an integer of 10^-6."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:
        """Decimal to integer; a value that does not fit raises ``ValueError``."""
        return None if value is None else to_micro(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Integer (or PostgreSQL's numeric of a sum of integers) to Decimal."""
        return None if value is None else from_micro(int(value))


class Instant(TypeDecorator[datetime]):
    """A moment, stored as integer microseconds since 1970 UTC; aware datetimes in Python, naive ones refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Aware datetime to microseconds."""
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Microseconds to aware datetime in UTC."""
        return None if value is None else from_micros(value)


class Word(TypeDecorator[E]):
    """One word of a closed list, stored as text."""

    impl = String(40)
    cache_ok = True

    def __init__(self, words: type[E]) -> None:
        super().__init__(40)
        self.words = words

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        """Member to text."""
        return None if value is None else self.words(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        """Text to member."""
        return None if value is None else self.words(value)
