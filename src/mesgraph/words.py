"""Forms of the plant's words: codes, names, numbers."""

import re
from collections.abc import Iterable, Iterator

from mesgraph.errors import Code, Violation, invalid

CODE = re.compile(r"[A-Za-z0-9._/-]{1,64}")
NUMBER = re.compile(r"[A-Za-z0-9._/-]{1,20}")
NAME_MAX = 200
UNKEPT = re.compile("[\x00\ud800-\udfff]")
"""What not both databases can keep in a text: NUL, and half of a surrogate pair."""


def check_code(value: str, *path: str | int) -> Violation | None:
    """A code has 1 to 64 characters of A-Z, a-z, 0-9, dot, underscore, slash and hyphen."""
    return None if CODE.fullmatch(value) else invalid(f"{value[:80]!r} is no code: 1-64 of A-Z a-z 0-9 . _ / -", *path)


def check_number(value: str, *path: str | int) -> Violation | None:
    """A lot, sublot or serial number: like a code, 20 characters at most (GS1 AI 10 and 21)."""
    if NUMBER.fullmatch(value):
        return None
    return invalid(f"{value[:80]!r} is no lot or serial number: 1-20 of A-Z a-z 0-9 . _ / -", *path)


def check_name(value: str, *path: str | int) -> Violation | None:
    """A name has 1 to 200 printable characters."""
    if len(value.strip()) > 0 and len(value) <= NAME_MAX and value.isprintable():
        return None
    return invalid(f"a name has 1 to {NAME_MAX} printable characters, this one has {len(value)}", *path)


def number_after(last: str | None, prefix: str) -> str:
    """The number that follows ``last`` in a series such as H-000001."""
    return f"{prefix}-{int(last.removeprefix(f'{prefix}-')) + 1 if last else 1:06}"


def gs1_check_digit(digits: str) -> int:
    """GS1 check digit of the digits before it: modulo 10, weights 3 and 1 from the right."""
    total = sum(int(d) * (3 if i % 2 == 0 else 1) for i, d in enumerate(reversed(digits)))
    return -total % 10


def check_gs1_key(value: str, name: str, digits: int, *path: str | int) -> Violation | None:
    """A numeric GS1 key (GTIN 14, GLN 13, SSCC 18 digits) has its length and a right check digit (I46)."""
    if not (len(value) == digits and value.isascii() and value.isdecimal()):
        return invalid(f"{name} {value[:40]!r} must have {digits} digits", *path, code=Code.INVALID_GS1_KEY)
    wanted = gs1_check_digit(value[:-1])
    if wanted == int(value[-1]):
        return None
    message = f"{name} {value!r} ends in {value[-1]}, its check digit is {wanted}"
    return invalid(message, *path, code=Code.INVALID_GS1_KEY)


def check_distinct(codes: Iterable[object], *path: str | int) -> Iterator[Violation]:
    """Each code once: which of two statements about the same thing counts is not for us to guess."""
    seen: set[object] = set()
    for i, code in enumerate(codes):
        if code in seen:
            yield invalid(f"{code} stands here twice", *path, i, code=Code.DUPLICATE_KEY)
        seen.add(code)
