"""Exact amounts. Stored as integers of 10^-6 of the base unit, :class:`~decimal.Decimal` in Python, text on the wire.

No float ever holds a quantity (I45). Units are codes of UN/ECE Recommendation 20.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from mesgraph.errors import Code, Refused, invalid

DIGITS = 6
SCALE = 10**DIGITS
MAX = Decimal(10) ** 12  # 10^12 units in steps of 10^-6 fill a signed 64-bit integer with room for sums
QUANTUM = Decimal(1).scaleb(-DIGITS)
UNIT_CODE = re.compile(r"[A-Z0-9]{2,3}")
DECIMAL_TEXT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)")


@dataclass(frozen=True)
class Quantity:
    """An exact amount with its unit code."""

    value: Decimal
    uom: str

    def __str__(self) -> str:
        return f"{plain(self.value)} {self.uom}"


def plain(value: Decimal) -> str:
    """Shortest text of ``value`` without an exponent: ``7.44``, ``800``."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def parse_decimal(text: str) -> Decimal:
    """Read a decimal from plain digits; exponents, NaN, infinity and grouping are refused with ``ValueError``."""
    if len(text) > 40 or not DECIMAL_TEXT.fullmatch(text) or not text.isascii():
        raise ValueError(f'{text[:40]!r} is not a plain decimal such as "12.5"')
    try:
        return Decimal(text)
    except InvalidOperation as error:  # cannot follow from the pattern; kept so that no other error escapes
        raise ValueError(f"{text[:40]!r} is not a decimal") from error


def to_micro(value: Decimal) -> int:
    """Integer of 10^-6. Raises ``ValueError`` for more than six decimals or more than 10^12."""
    if not value.is_finite():
        raise ValueError(f"{value} is not a finite number")
    if abs(value) > MAX:
        raise ValueError(f"{plain(value)} is larger than {plain(MAX)}")
    scaled = value.scaleb(DIGITS)
    whole = int(scaled)
    if whole != scaled:
        raise ValueError(f"{plain(value)} has more than {DIGITS} decimals")
    return whole


def from_micro(micro: int) -> Decimal:
    """The decimal of an integer of 10^-6."""
    return Decimal(micro).scaleb(-DIGITS)


def in_base(
    quantity: Quantity, base_uom: str, factors: Mapping[str, str], *path: str | int, positive: bool = True
) -> Decimal:
    """``quantity`` in the base unit of its material, through a declared factor.

    Refuses UOM_MISMATCH for a unit without factor, VALIDATION_FAILED for a value that is not positive (unless
    ``positive`` is false, which still refuses negative ones) or does not fit six decimals after conversion.
    """
    if quantity.uom != base_uom and quantity.uom not in factors:
        known = ", ".join([base_uom, *sorted(factors)])
        raise Refused(
            invalid(f"unit {quantity.uom} cannot be converted; use {known}", *path, "uom", code=Code.UOM_MISMATCH)
        )
    if quantity.value < 0 or (positive and quantity.value == 0):
        wanted = "greater than zero" if positive else "zero or more"
        raise Refused(invalid(f"quantity {plain(quantity.value)} must be {wanted}", *path, "value"))
    value = quantity.value if quantity.uom == base_uom else quantity.value * Decimal(factors[quantity.uom])
    try:
        return from_micro(to_micro(value))
    except ValueError as error:
        raise Refused(invalid(f"{error} (in {base_uom})", *path, "value")) from error
