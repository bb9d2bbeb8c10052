"""Forms of the plant's words: codes, names, numbers."""

import re

from mesgraph.errors import Violation, invalid

CODE = re.compile(r"[A-Za-z0-9._/-]{1,64}")
NUMBER = re.compile(r"[A-Za-z0-9._/-]{1,20}")
NAME_MAX = 200


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
