"""Conditions of lists, one shape for all of them.

A field of a filter has the name of the field that it tests, and all fields that are given must hold. A word takes a
list (any of them), a moment a :class:`DateTimeRange`, a thing its id or key; what names equipment includes all that
stands below it. ``keyPrefix`` is the beginning of the human key.
"""

from datetime import datetime
from typing import Any, TypeAlias

import strawberry
from sqlalchemy import ColumnElement, and_, true
from sqlalchemy.orm import InstrumentedAttribute

from mesgraph.errors import Refused, invalid

Condition: TypeAlias = ColumnElement[bool]

LAST_CHARACTER = "\U0010ffff"


@strawberry.input(description="A stretch of time, half-open: [from, to). What has no such time lies in none.")
class DateTimeRange:
    """A window."""

    from_: datetime | None = strawberry.field(
        name="from", default=None, description="First moment, included; any time before `to` when left out."
    )
    to: datetime | None = strawberry.field(
        default=None, description="End, excluded; any time since `from` when left out."
    )


def in_range(column: InstrumentedAttribute[Any], wanted: DateTimeRange, *path: str | int) -> Condition:
    """``column`` lies in ``wanted``; refuses VALIDATION_FAILED for one that ends before it begins."""
    if wanted.from_ is not None and wanted.to is not None and wanted.to < wanted.from_:
        message = f"the range ends at {wanted.to.isoformat()}, before it begins at {wanted.from_.isoformat()}"
        raise Refused(invalid(message, *path, "to"))
    begun = true() if wanted.from_ is None else column >= wanted.from_
    return and_(column.is_not(None), begun, true() if wanted.to is None else column < wanted.to)


def starts_with(column: InstrumentedAttribute[Any], prefix: str) -> Condition:
    """``column``, a :data:`~mesgraph.db.types.KeyText`, begins with ``prefix``: a range of its index."""
    return column.between(prefix, prefix + LAST_CHARACTER)


def prefix_field(of: str) -> Any:
    """The field ``keyPrefix`` of a filter; ``of`` says what the key is."""
    return strawberry.field(default=None, description=f"Whose {of} begins so; capitals count.")
