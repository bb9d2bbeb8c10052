"""What a scanner read: GS1 element strings, GS1 Digital Links, SSCCs, and plain keys.

An element string is what a GS1-128, GS1 DataMatrix or GS1 QR symbol holds: application identifiers (AI) with values,
one of variable length ended by FNC1, which scanners send as GS (0x1D). It may come with the symbology identifier of
ISO/IEC 15424 in front (``]C1``, ``]d2``, ``]Q3``), or as people read it: ``(01)09521234001003(21)HP1``. Without either
it is told from a plain number by the identifier that it begins with.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from biip import ParseError
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from biip.gs1_messages import GS1Message

from mesgraph.errors import Code, Refused, Violation, invalid
from mesgraph.words import check_gs1_key

CODE_MAX = 500
GS = "\x1d"
LINK = re.compile(r"https?://", re.IGNORECASE)
SYMBOLOGY = re.compile(r"\][A-Za-z]\w")
GS1_SYMBOLOGIES = frozenset({"]C1", "]e0", "]e1", "]e2", "]d2", "]Q3", "]J1"})
"""Symbologies whose content is element strings: GS1-128, DataBar, DataMatrix, QR Code, DotCode."""
RETAIL = "]E"
"""EAN-13, EAN-8 and UPC: a GTIN and nothing else."""
BEGINS_ALONE = re.compile(r"(01\d{14}|00\d{18}|8003\d{14}|8004)")
"""Identifiers of things, by which an element string is known that comes with nothing in front."""
READABLE = re.compile(r"\(\d{2,4}\)")
SSCC = re.compile(r"\d{18}", re.ASCII)


class ScanForm(StrEnum):
    """What kind of code it was."""

    ELEMENT_STRING = "ELEMENT_STRING"
    DIGITAL_LINK = "DIGITAL_LINK"
    PLAIN = "PLAIN"


@dataclass(frozen=True)
class Element:
    """One application identifier with its value; ``day`` and ``amount`` where the value is a date or a measure."""

    ai: str
    title: str
    value: str
    day: date | None = None
    amount: Decimal | None = None


@dataclass(frozen=True)
class Scan:
    """What was read. ``plain`` is the text when it has no identifiers."""

    form: ScanForm
    elements: tuple[Element, ...] = ()
    plain: str | None = None

    def value(self, ai: str) -> str | None:
        """The value of an identifier."""
        return next((element.value for element in self.elements if element.ai == ai), None)

    def day(self, ai: str) -> date | None:
        """The date of an identifier."""
        return next((element.day for element in self.elements if element.ai == ai), None)

    @property
    def words(self) -> str:
        """For messages: what was read."""
        return self.plain or " ".join(f"({element.ai}){element.value}" for element in self.elements)


def read_scan(code: str) -> Scan:
    """Read a code. Refuses INVALID_GS1_KEY for an element string or link that GS1's rules do not permit (unknown
    identifier, length, character, check digit, date), VALIDATION_FAILED for an empty or endless one.
    """
    text = code.strip(" \t\r\n")
    if not len(text.strip(GS)) > 0 or len(text) > CODE_MAX:
        raise Refused(invalid(f"a code has 1 to {CODE_MAX} characters, this one has {len(text)}", "code"))
    symbology = SYMBOLOGY.match(text)
    content = text[3:] if symbology else text
    if LINK.match(content):
        return Scan(ScanForm.DIGITAL_LINK, _elements(GS1DigitalLinkURI.parse, _lower_scheme(content)))
    if READABLE.match(content):
        return Scan(ScanForm.ELEMENT_STRING, _elements(GS1Message.parse_hri, content))
    if text[:3] in GS1_SYMBOLOGIES or content.startswith(GS) or BEGINS_ALONE.match(content):
        return Scan(ScanForm.ELEMENT_STRING, _elements(GS1Message.parse, content.strip(GS)))
    if text.startswith(RETAIL):
        return Scan(ScanForm.PLAIN, _elements(GS1Message.parse, f"01{content.zfill(14)}"), content)
    if SSCC.fullmatch(content) and check_gs1_key(content, "SSCC", 18) is None:
        return Scan(ScanForm.PLAIN, (Element("00", "SSCC", content),), content)
    return Scan(ScanForm.PLAIN, plain=content)


def _lower_scheme(link: str) -> str:
    scheme, colon, rest = link.partition(":")
    return scheme.lower() + colon + rest


def _elements(parse: Callable[[str], GS1Message | GS1DigitalLinkURI], text: str) -> tuple[Element, ...]:
    try:
        found = parse(text).element_strings
    except (ParseError, ValueError) as error:
        raise Refused(_wrong(text, str(error))) from error
    if not found:
        raise Refused(_wrong(text, "it has no application identifier"))
    for element in found:
        wrong = element.gtin_error or element.sscc_error or element.gln_error
        if wrong is not None:
            raise Refused(_wrong(text, wrong))
    return tuple(
        Element(element.ai.ai, element.ai.data_title, element.value, element.date, element.decimal) for element in found
    )


def _wrong(text: str, why: str) -> Violation:
    shown = text.replace(GS, " ")[:80]
    return invalid(f"{shown!r} is no code of GS1: {why[:300]}", "code", code=Code.INVALID_GS1_KEY)
