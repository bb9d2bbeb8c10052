"""What JSON may hold, seen from its bytes: the standard reader recurses, and needs time that grows with the square of
a number's digits, so it is not asked before this.
"""

import re

from mesgraph.api.limits import DIGITS_MAX, JSON_DEPTH_MAX, JSON_NODES_MAX, Excess, at_most

# A string that does not end, or ends in half an escape, matches up to the end of the text: were it passed over, the
# search would begin again at every quotation mark in it, which is quadratic.
STRING = re.compile(rb'"[^"\\]*(?:\\(?:.|\Z)[^"\\]*)*(?:"|\Z)', re.DOTALL)
DIGITS = re.compile(rb"[0-9.]{%d,}" % (DIGITS_MAX + 1))
ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
DEEP = f"the JSON is nested deeper than {JSON_DEPTH_MAX} levels, which is the most that is taken: nest less"


def check_json(text: bytes, values_max: int = JSON_NODES_MAX) -> None:
    """Raise :class:`~mesgraph.api.limits.Excess` for ``text`` that it would be costly to read as JSON.

    Depth, number of values, digits of a number. Whether it is JSON at all is not asked, and the length of a text is
    judged by the field that takes it (:mod:`mesgraph.api.guard`).
    """
    if not (_may_be_large(text) or DIGITS.search(text)):
        return
    bare = STRING.sub(b'"', text)
    at_most("the JSON", "values", _values(bare), values_max, "send several requests")
    if number := DIGITS.search(bare):
        at_most("a number", "digits", len(number[0]), DIGITS_MAX, "send a shorter one")
    _check_depth(bare.translate(None, ALL_BUT_BRACKETS))


def _may_be_large(text: bytes) -> bool:
    opened = text.count(b"{") + text.count(b"[")
    return opened > JSON_DEPTH_MAX or opened + text.count(b",") > JSON_NODES_MAX - 1


def _values(bare: bytes) -> int:
    """A value for each comma, one for each thing opened, and the first: exact but for empty lists and objects."""
    return 1 + bare.count(b",") + bare.count(b"{") + bare.count(b"[")


def _check_depth(brackets: bytes) -> None:
    """Only brackets are left, so this loop is short."""
    depth = 0
    for bracket in brackets:
        depth += 1 if bracket in b"[{" else -1
        if depth > JSON_DEPTH_MAX:
            raise Excess(DEEP)
