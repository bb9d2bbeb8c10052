"""What equipment can do beyond its class, as data: properties of a class, values of equipment, needs of a step (I13).

A class says which properties its equipment has, in which unit and between which limits. Equipment says what it has. A
step says what it needs: a number between limits, or exactly a word. Values are texts, as they are kept; numbers are
exact. Pure.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mesgraph.errors import Violation, invalid, not_found
from mesgraph.quantity import UNIT_CODE, parse_decimal, plain, to_micro
from mesgraph.words import check_code, check_distinct

PROPERTIES_MAX, TEXT_MAX = 100, 200


class PropertyType(StrEnum):
    """What the values of a property are."""

    NUMBER = "NUMBER"
    TEXT = "TEXT"
    BOOLEAN = "BOOLEAN"


@dataclass(frozen=True, kw_only=True)
class Property:
    """A property of a class. Unit and limits are for numbers: no equipment of the class lies outside of them."""

    code: str
    data_type: PropertyType
    uom: str | None = None
    min: Decimal | None = None
    max: Decimal | None = None

    def kept(self) -> dict[str, Any]:
        """As it stands in the row of the class."""
        return _kept(self) | {"data_type": str(self.data_type)}

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Property":
        """Read what :meth:`kept` wrote."""
        return cls(**_read(kept) | {"data_type": PropertyType(kept["data_type"])})


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a step needs of a property: a number between limits, or exactly the text ``equals``."""

    code: str
    min: Decimal | None = None
    max: Decimal | None = None
    equals: str | None = None

    def kept(self) -> dict[str, Any]:
        """As it stands in the row of the segment."""
        return _kept(self)

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Need":
        """Read what :meth:`kept` wrote."""
        return cls(**_read(kept))

    def unmet_by(self, value: str | None) -> str | None:
        """What is wrong with equipment of this value, in words; ``None`` when it does."""
        wanted = self._words()
        if value is None:
            return f"{self.code} is not known, {wanted} is needed"
        if self.equals is not None:
            met = value == self.equals
        else:
            number = parse_decimal(value)
            met = (self.min is None or self.min <= number) and (self.max is None or number <= self.max)
        return None if met else f"{self.code} is {value}, {wanted} is needed"

    def _words(self) -> str:
        if self.equals is not None:
            return self.equals
        limits = [f"{word} {plain(x)}" for word, x in (("at least", self.min), ("at most", self.max)) if x is not None]
        return " and ".join(limits)


def unmet(needs: Sequence[Mapping[str, Any]], values: Mapping[str, str]) -> list[str]:
    """Every need, as it is kept, that equipment with these values does not meet, in words."""
    judged = (Need.of(need).unmet_by(values.get(need["code"])) for need in needs)
    return [message for message in judged if message is not None]


def property_violations(properties: Sequence[Property]) -> Iterator[Violation]:
    """Whether a class may have these properties."""
    if len(properties) > PROPERTIES_MAX:
        yield invalid(f"a class has at most {PROPERTIES_MAX} properties, this one {len(properties)}", "properties")
    yield from check_distinct([x.code for x in properties], "properties")
    for i, one in enumerate(properties):
        malformed = check_code(one.code, "properties", i, "code")
        if malformed is not None:
            yield malformed
        numbers = [x for x in (one.uom, one.min, one.max) if x is not None]
        if one.data_type is not PropertyType.NUMBER and numbers:
            yield invalid(f"only a NUMBER has unit and limits, not a {one.data_type}", "properties", i, "data_type")
        if one.uom is not None and not UNIT_CODE.fullmatch(one.uom):
            yield invalid(f"{one.uom!r} is no unit code", "properties", i, "uom")
        yield from _limits_violations(one.min, one.max, "properties", i)


def value_violations(known: Mapping[str, Property], values: Sequence[tuple[str, str]]) -> Iterator[Violation]:
    """Whether equipment whose classes have the properties ``known`` may have these values."""
    yield from check_distinct([code for code, _ in values], "properties")
    for i, (code, value) in enumerate(values):
        one = known.get(code)
        if one is None:
            yield not_found("property of its classes", code, "properties", i, "code")
        else:
            wrong = _value_violation(one, value)
            if wrong is not None:
                yield invalid(wrong, "properties", i, "value")


def need_violations(known: Mapping[str, Property], needs: Sequence[Need]) -> Iterator[Violation]:
    """Whether a step on a class with the properties ``known`` may need this."""
    path = "equipment_properties"
    yield from check_distinct([need.code for need in needs], path)
    for i, need in enumerate(needs):
        one = known.get(need.code)
        if one is None:
            yield not_found("property of the class", need.code, path, i, "code")
            continue
        number = one.data_type is PropertyType.NUMBER
        limited = need.min is not None or need.max is not None
        if number and (need.equals is not None or not limited):
            yield invalid(f"{need.code} is a number: say min, max or both", path, i)
        elif not number and (need.equals is None or limited):
            yield invalid(f"{need.code} is a {one.data_type}: say what it equals", path, i)
        elif not number and (wrong := _value_violation(one, need.equals or "")) is not None:
            yield invalid(wrong, path, i, "equals")
        yield from _limits_violations(need.min, need.max, path, i)


def _value_violation(one: Property, value: str) -> str | None:
    if one.data_type is PropertyType.BOOLEAN:
        return None if value in ("true", "false") else f"{one.code} is true or false, not {value[:40]!r}"
    if one.data_type is PropertyType.TEXT:
        fits = 0 < len(value) <= TEXT_MAX and value.isprintable()
        return None if fits else f"{one.code} has 1 to {TEXT_MAX} printable characters"
    try:
        number = parse_decimal(value)
        to_micro(number)
    except ValueError as error:
        return str(error)
    if (one.min is not None and number < one.min) or (one.max is not None and number > one.max):
        return f"{one.code} {value} lies outside of what the class permits"
    return None


def _limits_violations(low: Decimal | None, high: Decimal | None, *path: str | int) -> Iterator[Violation]:
    for name, value in (("min", low), ("max", high)):
        try:
            to_micro(value or Decimal(0))
        except ValueError as error:
            yield invalid(str(error), *path, name)
    if low is not None and high is not None and low > high:
        yield invalid(f"min {plain(low)} lies above max {plain(high)}", *path, "min")


def _kept(one: Property | Need) -> dict[str, Any]:
    texts = {name: plain(value) if isinstance(value, Decimal) else value for name, value in vars(one).items()}
    return {name: value for name, value in texts.items() if value is not None}


def _read(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {name: Decimal(value) if name in ("min", "max") else value for name, value in kept.items()}
