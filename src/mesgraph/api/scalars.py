"""Exact scalars. A value that a scalar refuses is a top-level error with code INVALID_VALUE (HTTP 400)."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, NewType

from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition, scalar

from mesgraph import quantity
from mesgraph.clock import YEARS
from mesgraph.errors import Code
from mesgraph.ledger.queries import Cursor
from mesgraph.telemetry.columns import Columns, read_columns
from mesgraph.words import check_gs1_key

UnitCode = NewType("UnitCode", str)
GTIN = NewType("GTIN", str)
GLN = NewType("GLN", str)
SSCC = NewType("SSCC", str)
JSON = NewType("JSON", object)
TextColumn = NewType("TextColumn", list[str | None])
IntegerColumn = NewType("IntegerColumn", list[int])
FloatColumn = NewType("FloatColumn", list[float | None])
TimeColumn = NewType("TimeColumn", list[int])
ValueColumn = NewType("ValueColumn", list[float | int | bool | str | None])
Long = NewType("Long", int)
SampleColumns = NewType("SampleColumns", Columns)
Duration = NewType("Duration", timedelta)

LONG_MAX = 2**53
"""What JSON readers keep exactly."""

INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)", re.ASCII)
DURATION = re.compile(r"P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9})(?:\.(\d{1,6}))?S)?)?", re.ASCII)


def refuse(message: str, code: Code = Code.INVALID_VALUE) -> GraphQLError:
    """The error of a value that has not the form of its scalar."""
    return GraphQLError(message, extensions={"code": code.value, "retryable": False})


def text(value: Any, what: str) -> str:
    """``value`` if it is text of bearable length."""
    if not isinstance(value, str):
        raise refuse(f"{what} travels as a string, not {type(value).__name__}")
    if len(value) > 64:
        raise refuse(f"{what} of {len(value)} characters is too long")
    return value


def parse_decimal(value: Any) -> Decimal:
    """Decimal text; numbers are refused because JSON readers round them."""
    try:
        number = quantity.parse_decimal(text(value, "a Decimal"))
        quantity.to_micro(number)
    except ValueError as error:
        raise refuse(str(error)) from error
    return number


def parse_instant(value: Any) -> datetime:
    """RFC 3339 with offset."""
    written = text(value, "a DateTime")
    if not INSTANT.fullmatch(written):
        raise refuse(f"{written!r} is not an RFC 3339 time with offset, such as 2026-02-16T09:12:04+01:00")
    try:
        instant = datetime.fromisoformat(written).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise refuse(f"{written!r} is not a time: no such day, hour or offset") from error
    if instant.year not in YEARS:
        raise refuse(f"{written!r} lies outside the years {YEARS[0]} to {YEARS[-1]}")
    return instant


def show_instant(value: datetime) -> str:
    """RFC 3339 in UTC, fractions only where there are any."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def parse_date(value: Any) -> date:
    """A calendar day."""
    try:
        return date.fromisoformat(text(value, "a Date"))
    except ValueError as error:
        raise refuse(f"{value!r} is not a date such as 2026-02-16") from error


def parse_duration(value: Any) -> timedelta:
    """ISO 8601 duration of days, hours, minutes and seconds."""
    written = text(value, "a Duration")
    match = DURATION.fullmatch(written)
    if not match or not any(match.groups()):
        raise refuse(f"{written!r} is not an ISO 8601 duration such as PT8H or P3DT12H")
    days, hours, minutes, seconds, fraction = match.groups("0")
    return timedelta(
        days=int(days),
        hours=int(hours),
        minutes=int(minutes),
        seconds=int(seconds),
        microseconds=int(fraction.ljust(6, "0")),
    )


def show_duration(value: timedelta) -> str:
    """ISO 8601: ``P3DT12H``."""
    seconds = value.seconds
    hours, minutes = divmod(seconds // 60, 60)
    parts = f"{hours}H" * (hours > 0) + f"{minutes}M" * (minutes > 0)
    rest = seconds % 60
    if rest or value.microseconds:
        shown = f"{rest}.{value.microseconds:06d}".rstrip("0") if value.microseconds else str(rest)
        parts += f"{shown}S"
    days = f"{value.days}D" if value.days else ""
    return f"P{days}" + (f"T{parts}" if parts else "") if days or parts else "PT0S"


def parse_unit(value: Any) -> str:
    """A unit code."""
    written = text(value, "a UnitCode")
    if not quantity.UNIT_CODE.fullmatch(written):
        raise refuse(f"{written!r} is not a unit code of UN/ECE Rec 20, such as KGM, MTR or C62")
    return written


def gs1_key(name: str, digits: int) -> Callable[[Any], str]:
    """Parser of a numeric GS1 key: fixed length and check digit (modulo 10, weights 3 and 1 from the right)."""

    def parse(value: Any) -> str:
        written = text(value, f"a {name}")
        wrong = check_gs1_key(written, name, digits)
        if wrong is not None:
            raise refuse(wrong.message, wrong.code)
        return written

    return parse


def parse_long(value: Any) -> int:
    """A whole number that JSON readers keep exactly."""
    if type(value) is not int:
        raise refuse(f"a Long travels as a whole number, not {type(value).__name__}")
    if abs(value) > LONG_MAX:
        raise refuse(f"{value} is beyond 2^53, which is the most that a Long holds")
    return value


def parse_samples(value: Any) -> Columns:
    """Samples as columns."""
    try:
        return read_columns(value)
    except ValueError as error:
        raise refuse(str(error)) from error


def parse_cursor(value: Any) -> Cursor:
    """A cursor of the record."""
    try:
        return Cursor.parse(text(value, "a Cursor"))
    except ValueError as error:
        raise refuse(str(error)) from error


def _scalar(
    name: str, description: str, parse: Callable[[Any], Any], show: Callable[[Any], Any] = str
) -> ScalarDefinition:
    return scalar(name=name, description=description, parse_value=parse, serialize=show)


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: _scalar(
        "Decimal",
        'An exact decimal number as a string, such as "7.44". At most six decimals and 10^12 in size; no exponent.',
        parse_decimal,
        quantity.plain,
    ),
    datetime: _scalar(
        "DateTime",
        "A moment in RFC 3339 with offset, such as 2026-02-16T09:12:04+01:00. Answers are in UTC. "
        "A time without offset is refused.",
        parse_instant,
        show_instant,
    ),
    date: _scalar("Date", "A calendar day, such as 2026-02-16.", parse_date, date.isoformat),
    Duration: _scalar(
        "Duration",
        "An ISO 8601 duration of days and smaller units, such as PT8H.",
        parse_duration,
        show_duration,
    ),
    UnitCode: _scalar(
        "UnitCode",
        "A unit of UN/ECE Recommendation 20: KGM kilogram, GRM gram, MTR metre, C62 piece, LTR litre, ...",
        parse_unit,
    ),
    GTIN: _scalar("GTIN", "GS1 trade item number, 14 digits with check digit.", gs1_key("GTIN", 14)),
    GLN: _scalar("GLN", "GS1 location number, 13 digits with check digit.", gs1_key("GLN", 13)),
    SSCC: _scalar("SSCC", "GS1 number of a logistic unit, 18 digits with check digit.", gs1_key("SSCC", 18)),
    Cursor: _scalar(
        "Cursor",
        "A place in the record, such as c1-5512. Pass the last one you saw as `after` and you miss nothing.",
        parse_cursor,
    ),
    TextColumn: _scalar(
        "TextColumn",
        "Many texts at once, as one JSON list of strings and nulls: a list of a million costs a client and the server "
        "little more than its bytes.",
        lambda value: value,
        lambda value: value,
    ),
    IntegerColumn: _scalar(
        "IntegerColumn", "Many whole numbers at once, as one JSON list.", lambda value: value, lambda value: value
    ),
    FloatColumn: _scalar(
        "FloatColumn",
        "Many numbers at once, as one JSON list; null for none.",
        lambda value: value,
        lambda value: value,
    ),
    TimeColumn: _scalar(
        "TimeColumn",
        "Many moments at once, as one JSON list of whole microseconds since 1970-01-01 UTC.",
        lambda value: value,
        lambda value: value,
    ),
    ValueColumn: _scalar(
        "ValueColumn",
        "Many values of tags at once, as one JSON list: numbers, booleans or strings as their tags have them; null for "
        "no value, which is not zero.",
        lambda value: value,
        lambda value: value,
    ),
    Long: _scalar("Long", "A whole number from -2^53 to 2^53, as a JSON number.", parse_long, int),
    SampleColumns: _scalar(
        "SampleColumns",
        "Up to 5,000 samples as a JSON object of equally long columns. `paths`: paths of tags; `tag`: for each sample "
        "the place of its tag in `paths`; `time`: source time in whole microseconds since 1970, null where the device "
        "gave none; `received`: when the edge took it, the same way; `value`: number, boolean, string, or null for no "
        "value. May be left out: `quality`: 0 GOOD, 1 UNCERTAIN, 2 BAD (all GOOD); `status`: code of the protocol, up "
        "to 32 bits (0); `flags`: sum of 1 historical, 2 substituted, 4 late (0).",
        parse_samples,
        str,
    ),
    JSON: _scalar("JSON", "Any JSON value.", lambda value: value, lambda value: value),
}
