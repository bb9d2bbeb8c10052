"""What a value may be: its type, its unit, its limits. Written down by engineering, judged while a job runs. Pure.

Parameters of a segment and fields of an instruction step share it, so a limit means the same in both. Numbers are
exact decimals; no float ever decides.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeAlias

from mesgraph.errors import Code, Refused, Violation, invalid
from mesgraph.quantity import UNIT_CODE, parse_decimal, plain, to_micro

CHOICES_MAX = 100
TEXT_MAX = 200

Value: TypeAlias = Decimal | bool | str
"""A value that has the type of its rule."""


class DataType(StrEnum):
    """Type of a value. ITEM is a scanned item, which its key stands for."""

    DECIMAL = "DECIMAL"
    INTEGER = "INTEGER"
    BOOLEAN = "BOOLEAN"
    TEXT = "TEXT"
    ITEM = "ITEM"


NUMBERS = frozenset({DataType.DECIMAL, DataType.INTEGER})


class Verdict(StrEnum):
    """What a value is, measured against its rule."""

    PASS = "PASS"
    WARNING = "WARNING"
    FAIL = "FAIL"


GRAVITY = (Verdict.PASS, Verdict.WARNING, Verdict.FAIL)


def worst(verdicts: Iterator[Verdict]) -> Verdict:
    """The gravest of several; PASS of none."""
    return max(verdicts, key=GRAVITY.index, default=Verdict.PASS)


@dataclass(frozen=True)
class ValueRule:
    """Type, unit and limits of a value. Limits belong to numbers and are inclusive; choices belong to texts.

    A number outside [low, high] fails, one outside [warn_low, warn_high] warns. A BOOLEAN states that something is
    so: true passes, false fails.
    """

    data_type: DataType = DataType.DECIMAL
    uom: str | None = None
    target: Decimal | None = None
    low: Decimal | None = None
    high: Decimal | None = None
    warn_low: Decimal | None = None
    warn_high: Decimal | None = None
    choices: list[str] | None = None

    @property
    def is_number(self) -> bool:
        """Whether it has a unit and limits."""
        return self.data_type in NUMBERS

    @property
    def span(self) -> str:
        """The limits for people: ``4000 to 7000 C24``, ``at most 5 P1``."""
        unit = f" {self.uom}" if self.uom else ""
        if self.low is None and self.high is None:
            return "true" if self.data_type is DataType.BOOLEAN else f"any{unit}"
        if self.high is None:
            return f"at least {plain(self.low or Decimal(0))}{unit}"
        if self.low is None:
            return f"at most {plain(self.high)}{unit}"
        return f"{plain(self.low)} to {plain(self.high)}{unit}"

    def read(self, text: str, uom: str | None, *path: str | int) -> Value:
        """The value that ``text`` states, in the rule's unit, which ``uom`` names or leaves out.

        Refuses VALIDATION_FAILED for what has not the type or is no choice, UOM_MISMATCH for another unit (I45).
        """
        if uom is not None and uom != self.uom:
            wanted = f"measure in {self.uom}" if self.uom else "it has no unit"
            raise Refused(invalid(f"unit {uom} does not fit: {wanted}", *path, "uom", code=Code.UOM_MISMATCH))
        match self.data_type:
            case DataType.DECIMAL | DataType.INTEGER:
                return self._number(text, *path, "value")
            case DataType.BOOLEAN:
                if text not in ("true", "false"):
                    raise Refused(invalid(f"{text[:40]!r} is neither true nor false", *path, "value"))
                return text == "true"
        if not (0 < len(text) <= TEXT_MAX and text.isprintable()):
            raise Refused(invalid(f"a text has 1 to {TEXT_MAX} printable characters", *path, "value"))
        if self.choices and text not in self.choices:
            raise Refused(invalid(f"{text[:40]!r} is none of {', '.join(self.choices)}", *path, "value"))
        return text

    def judge(self, value: Value) -> Verdict:
        """Measure a value that has the type of the rule."""
        if isinstance(value, bool):
            return Verdict.PASS if value else Verdict.FAIL
        if isinstance(value, str):
            return Verdict.PASS
        if not _within(value, self.low, self.high):
            return Verdict.FAIL
        return Verdict.PASS if _within(value, self.warn_low, self.warn_high) else Verdict.WARNING

    def violations(self) -> Iterator[Violation]:
        """Everything that is wrong with the rule itself."""
        limits = self._limits()
        if not self.is_number:
            for name in [name for name, _ in limits] + ["uom"] * (self.uom is not None):
                yield invalid(f"a {self.data_type} has no {name.replace('_', ' ')}", name)
        elif self.uom is not None and not UNIT_CODE.fullmatch(self.uom):
            yield invalid(f"{self.uom[:40]!r} is no unit code of Rec 20", "uom")
        if self.data_type is DataType.INTEGER:
            for name, limit in limits:
                if limit != int(limit):
                    yield invalid(f"an INTEGER has no limit {plain(limit)}", name)
        for (below, lower), (name, upper) in pairwise(limits):
            if lower > upper:
                yield invalid(f"{name} {plain(upper)} lies below {below} {plain(lower)}", name)
        yield from self._choice_violations()

    def _limits(self) -> list[tuple[str, Decimal]]:
        """The limits that are given, from the lowest to the highest."""
        names = ("low", "warn_low", "target", "warn_high", "high")
        return [(name, limit) for name in names if (limit := getattr(self, name)) is not None]

    def _choice_violations(self) -> Iterator[Violation]:
        choices = self.choices
        if choices is None:
            return
        if self.data_type is not DataType.TEXT:
            yield invalid(f"a {self.data_type} has no choices", "choices")
        if not 1 <= len(choices) <= CHOICES_MAX or len(set(choices)) != len(choices):
            yield invalid(f"1 to {CHOICES_MAX} different choices, or none at all", "choices")
        for i, choice in enumerate(choices):
            if not (0 < len(choice) <= TEXT_MAX and choice.isprintable()):
                yield invalid(f"a choice has 1 to {TEXT_MAX} printable characters", "choices", i)

    def _number(self, text: str, *path: str | int) -> Decimal:
        try:
            number = parse_decimal(text)
            to_micro(number)
        except ValueError as error:
            raise Refused(invalid(str(error), *path)) from error
        if self.data_type is DataType.INTEGER and number != int(number):
            raise Refused(invalid(f"{text[:40]} is no whole number", *path))
        return number


def shown_value(value: Value) -> str:
    """The one text of a value: ``5480.5``, ``true``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else plain(value)


def _within(value: Decimal, low: Decimal | None, high: Decimal | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)
