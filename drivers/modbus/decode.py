"""What an address means, what is read together, and what registers say. Nothing here talks to a machine.

An address is a table, a number, and for registers a type: ``coil 3``, ``discrete 4``, ``input 0 int16 scale=0.1``,
``holding 100 float32 word=little``, ``holding 14 string length=8``, ``holding 20 bit=3``. Numbers are those of the
protocol and begin with 0: what a manual calls 40001 is ``holding 0``.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from mesgraph.edge.contract import Value

BITS = ("coil", "discrete")
REGISTERS = ("input", "holding")
TYPES = {
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "float32": "f",
    "float64": "d",
}
STRING = "string"
LAST = 65_535
LENGTH_MAX = 125
BITS_MAX = 2_000


@dataclass(frozen=True)
class Point:
    """What a tag reads. ``count`` is in registers, or in bits of the tables of bits."""

    table: str
    number: int
    count: int = 1
    type: str = "uint16"
    little_words: bool = False
    little_bytes: bool = False
    scale: Decimal | None = None
    bit: int | None = None

    @property
    def end(self) -> int:
        """The number after its last."""
        return self.number + self.count


@dataclass(frozen=True)
class Block:
    """Points that are read by one question."""

    points: tuple[Point, ...]

    @property
    def start(self) -> int:
        """Its first number."""
        return self.points[0].number

    @property
    def count(self) -> int:
        """How many numbers it spans."""
        return max(point.end for point in self.points) - self.start

    def halves(self) -> "list[Block]":
        """The same points in two blocks."""
        at = len(self.points) // 2
        return [Block(self.points[:at]), Block(self.points[at:])]


def point(address: str) -> Point:
    """The point of an address. Raises ``ValueError``, which says what may stand there."""
    words = address.split()
    table = words[0] if words else ""
    if table not in (*BITS, *REGISTERS):
        raise ValueError(f"{address!r} begins with none of {', '.join((*BITS, *REGISTERS))}")
    if len(words) < 2 or not words[1].isdecimal() or int(words[1]) > LAST:
        raise ValueError(f"{address!r}: after {table} comes a number from 0 to {LAST}")
    if table in BITS:
        if len(words) > 2:
            raise ValueError(f"{address!r}: a {table} is true or false and has neither type nor options")
        return Point(table, int(words[1]), type="bool")
    rest = words[2:]
    type = rest.pop(0) if rest and "=" not in rest[0] else "uint16"
    made = _register(address, Point(table, int(words[1]), type=type), dict(word.partition("=")[::2] for word in rest))
    if made.end > LAST + 1:
        raise ValueError(f"{address!r} ends behind {LAST}")
    return made


def _register(address: str, plain: Point, options: dict[str, str]) -> Point:
    known = {"word", "byte"} | ({"length"} if plain.type == STRING else {"scale", "bit"})
    if plain.type not in TYPES and plain.type != STRING:
        raise ValueError(f"{address!r}: no type {plain.type!r}; there are {', '.join((*TYPES, STRING))}")
    if unknown := sorted(set(options) - known):
        raise ValueError(f"{address!r}: no option {unknown[0]!r} here; there are {', '.join(sorted(known))}")
    for name in ("word", "byte"):
        if options.get(name, "big") not in ("big", "little"):
            raise ValueError(f"{address!r}: {name} is big or little")
    length = _number(address, options, "length", 1, LENGTH_MAX) if plain.type == STRING else None
    bit = _number(address, options, "bit", 0, 15) if "bit" in options else None
    if bit is not None and plain.type != "uint16":
        raise ValueError(f"{address!r}: a bit is one of a uint16")
    return Point(
        plain.table,
        plain.number,
        length or struct.calcsize(TYPES[plain.type]) // 2,
        plain.type,
        options.get("word") == "little",
        options.get("byte") == "little",
        _scale(address, options["scale"]) if "scale" in options else None,
        bit,
    )


def _number(address: str, options: dict[str, str], name: str, least: int, most: int) -> int:
    text = options.get(name, "")
    if not text.isdecimal() or not least <= int(text) <= most:
        raise ValueError(f"{address!r}: {name} is a number from {least} to {most}")
    return int(text)


def _scale(address: str, text: str) -> Decimal:
    try:
        scale = Decimal(text)
    except InvalidOperation:
        scale = Decimal(0)
    if not scale.is_finite() or scale == 0 or abs(scale.adjusted()) > 30:
        raise ValueError(f"{address!r}: scale is a number other than 0, such as 0.1")
    return scale


def blocks(points: Sequence[Point], gap: int, registers_max: int) -> list[Block]:
    """Few questions that cover all points: what lies at most ``gap`` apart is read together."""
    found: list[Block] = []
    together: list[Point] = []
    for one in sorted(set(points), key=lambda one: (one.table, one.number, one.count)):
        most = BITS_MAX if one.table in BITS else registers_max
        if together and not (
            one.table == together[0].table
            and one.number - max(other.end for other in together) <= gap
            and max(one.end, *(other.end for other in together)) - together[0].number <= most
        ):
            found.append(Block(tuple(together)))
            together = []
        together.append(one)
    return [*found, Block(tuple(together))] if together else found


def value(point: Point, registers: Sequence[int]) -> Value:
    """What the registers of a point say. Raises ``ValueError`` where they hold no text."""
    raw = _bytes(point, registers)
    if point.type == STRING:
        return raw.decode("utf-8").partition("\0")[0].rstrip()
    if point.bit is not None:
        return bool(registers[0] >> point.bit & 1) if not point.little_bytes else bool(raw[1] >> point.bit & 1)
    number = struct.unpack(f">{TYPES[point.type]}", raw)[0]
    if point.scale is None or number != number or number in (float("inf"), float("-inf")):
        return number  # type: ignore[no-any-return]  # of the type that the address says
    return float(Decimal(number) * point.scale)


def registers(point: Point, value: Value) -> list[int]:
    """The registers that say a value. Raises ``ValueError`` where it does not fit."""
    if point.type == STRING or point.bit is not None or isinstance(value, bool | str | None):
        raise ValueError(f"{value!r} cannot be written as {point.type}; only numbers into whole registers can")
    scaled = Decimal(str(value)) / (point.scale or 1)
    try:
        given = float(scaled) if TYPES[point.type] in "fd" else int(scaled.to_integral_value())
        raw = struct.pack(f">{TYPES[point.type]}", given)
    except (struct.error, OverflowError, ValueError) as error:
        raise ValueError(f"{value!r} does not fit into {point.type}") from error
    words = [raw[at : at + 2] for at in range(0, len(raw), 2)]
    ordered = words[::-1] if point.little_words else words
    return [int.from_bytes(word, "little" if point.little_bytes else "big") for word in ordered]


def _bytes(point: Point, registers: Sequence[int]) -> bytes:
    words = [word.to_bytes(2, "little" if point.little_bytes else "big") for word in registers]
    return b"".join(words[::-1] if point.little_words else words)
