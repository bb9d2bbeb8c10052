"""What the text of an element may be: closed lists of words, numbers, times (I49).

Each reader gives the value or refuses MESSAGE_INVALID at the element's path.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from mesgraph import quantity
from mesgraph.errors import Code, Refused, Violation, invalid
from mesgraph.integration.b2mml.tree import Element

WORDS: dict[str, frozenset[str]] = {
    "RequestState": frozenset(
        [
            "Forecast",
            "Released",
            "Waiting",
            "Cancelled",
            "Ready",
            "Running",
            "Completed",
            "Aborted",
            "Held",
            "Suspended",
            "Closed",
            "Other",
        ]
    ),
    "MaterialUse": frozenset(
        {
            "Consumable",
            "Consumed",
            "Produced",
            "By-product Produced",
            "Co-product Produced",
            "Yield Produced",
            "Material Consumed",
            "Material Produced",
            "Destructive Sample",
            "Returned Sample",
            "Retained Sample",
            "Inventoried",
            "Other",
        }
    ),
    "OperationsType": frozenset(["Production", "Maintenance", "Quality", "Inventory", "Mixed", "Other"]),
    "EquipmentLevel": frozenset(
        [
            "Enterprise",
            "Site",
            "Area",
            "ProcessCell",
            "Unit",
            "ProductionLine",
            "WorkCell",
            "ProductionUnit",
            "StorageZone",
            "StorageUnit",
            "WorkCenter",
            "WorkUnit",
            "EquipmentModule",
            "ControlModule",
            "Other",
        ]
    ),
    "AssemblyType": frozenset(["Physical", "Logical", "Other"]),
    "AssemblyRelationship": frozenset(["Permanent", "Transient", "Other"]),
    "DataType": frozenset(
        [
            "Amount",
            "BinaryObject",
            "Code",
            "DateTime",
            "Identifier",
            "Indicator",
            "Measure",
            "Numeric",
            "Quantity",
            "Text",
            "string",
            "byte",
            "unsignedByte",
            "binary",
            "integer",
            "positiveInteger",
            "negativeInteger",
            "nonNegativeInteger",
            "nonPositiveInteger",
            "int",
            "unsignedInt",
            "long",
            "unsignedLong",
            "short",
            "unsignedShort",
            "decimal",
            "float",
            "double",
            "boolean",
            "time",
            "timeInstant",
            "timePeriod",
            "duration",
            "date",
            "dateTime",
            "month",
            "year",
            "century",
            "recurringDay",
            "recurringDate",
            "recurringDuration",
            "Name",
            "QName",
            "NCName",
            "uriReference",
            "language",
            "ID",
            "IDREF",
            "IDREFS",
            "ENTITY",
            "ENTITIES",
            "NOTATION",
            "NMTOKEN",
            "NMTOKENS",
            "Enumeration",
            "SVG",
            "Other",
        ]
    ),
}
WORDS["SegmentState"] = WORDS["ScheduleState"] = WORDS["RequestState"]
WORDS["EquipmentElementLevel"] = WORDS["EquipmentLevel"]
"""The closed lists of B2MML V0701, by the element that holds one; earlier versions have no further words."""


DATE_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:\d\d)?", re.ASCII)
DURATION = re.compile(r"-?P(?=.)(\d+Y)?(\d+M)?(\d+D)?(T(?=.)(\d+H)?(\d+M)?(\d+(\.\d+)?S)?)?", re.ASCII)
INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
DOUBLE = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
BOOLEAN = re.compile(r"true|false|0|1")
DATE = re.compile(r"\d{4}-\d\d-\d\d(Z|[+-]\d\d:\d\d)?", re.ASCII)

_WHOLE = "integer positiveInteger negativeInteger nonNegativeInteger nonPositiveInteger int unsignedInt long"
LEXICAL: dict[str, re.Pattern[str]] = (
    dict.fromkeys(f"{_WHOLE} unsignedLong short unsignedShort byte unsignedByte".split(), INTEGER)
    | dict.fromkeys(("Amount", "Measure", "Numeric", "Quantity", "decimal"), quantity.DECIMAL_TEXT)
    | dict.fromkeys(("float", "double"), DOUBLE)
    | dict.fromkeys(("boolean", "Indicator"), BOOLEAN)
    | dict.fromkeys(("dateTime", "DateTime"), DATE_TIME)
    | {"duration": DURATION, "date": DATE}
)
"""The form of a value of each DataType; a type that is not here takes any text."""


@dataclass(frozen=True)
class WrittenTime:
    """A time as it stands in a document: with an offset, or naive, and then it means the site's clock."""

    value: datetime
    element: Element

    def at(self, zone: str) -> datetime:
        """The moment. A naive time that a change of clocks makes double is the first of the two."""
        value = self.value if self.value.tzinfo else self.value.replace(tzinfo=ZoneInfo(zone))
        return value.astimezone(UTC)


def refused(element: Element, message: str) -> Violation:
    """MESSAGE_INVALID at ``element``."""
    return invalid(message, element.path, code=Code.MESSAGE_INVALID)


def shown(text: str) -> str:
    """A value in a message, short."""
    return repr(text if len(text) <= 60 else f"{text[:60]}...")


def word_violation(element: Element) -> Violation | None:
    """Whether an element of a closed list holds a word of it; ``Other`` says in OtherValue what it means."""
    words = WORDS.get(element.name)
    if words is None or not element.text:
        return None
    if element.text not in words:
        return refused(
            element,
            f"{element.name} {shown(element.text)} is none of {', '.join(sorted(words))}; or Other + OtherValue",
        )
    if element.text == "Other" and not element.attributes.get("OtherValue"):
        return refused(element, f"{element.name} Other needs the attribute OtherValue")
    return None


def value_violation(element: Element) -> Violation | None:
    """Whether the ValueString or QuantityString of ``element`` has the form that its DataType says."""
    text, kind = element.first("ValueString", "QuantityString"), element.first("DataType")
    form = LEXICAL.get(kind.text) if kind is not None else None
    if text is None or kind is None or form is None or not text.text or form.fullmatch(text.text):
        return None
    return refused(text, f"{shown(text.text)} is no {kind.text}")


def duration_violation(element: Element) -> Violation | None:
    """Whether a Duration is one of ISO 8601."""
    if element.name != "Duration" or not element.text or DURATION.fullmatch(element.text):
        return None
    return refused(element, f"{shown(element.text)} is not a duration such as PT8H")


def time(element: Element) -> WrittenTime:
    """An xsd:dateTime, in full; digits behind the microsecond are cut."""
    match = DATE_TIME.fullmatch(element.text)
    if match is None:
        raise Refused(refused(element, f"{shown(element.text)} is not a time such as 2026-03-02T16:00:00+01:00"))
    try:
        value = datetime.fromisoformat(f"{match[1]}{(match[2] or '')[:7]}{match[3] or ''}")
    except ValueError as error:
        raise Refused(refused(element, f"{shown(element.text)} is not a time: no such day, hour or offset")) from error
    if not 1971 <= value.year <= 2199:
        raise Refused(refused(element, f"{shown(element.text)} lies outside the years 1971 to 2199"))
    return WrittenTime(value, element)


def integer(element: Element) -> int:
    """A whole number; a numeric ``50.0`` is one, too."""
    text = element.text
    if quantity.DECIMAL_TEXT.fullmatch(text) and len(text) <= 40 and "." in text:
        whole, _, rest = text.partition(".")
        text = text if rest.strip("0") else whole
    if not INTEGER.fullmatch(text):
        raise Refused(refused(element, f"{shown(element.text)} is not a whole number"))
    return int(text)


def decimal(element: Element) -> Decimal:
    """An exact number; the exponent of a double is worked out."""
    if len(element.text) > 60 or not DOUBLE.fullmatch(element.text):
        raise Refused(refused(element, f"{shown(element.text)} is not a number such as 12.5"))
    try:
        value = Decimal(element.text)
        return quantity.from_micro(quantity.to_micro(value))
    except (ValueError, InvalidOperation) as error:
        limit = "of at most 10^12 with 6 decimals, such as 12.5"
        raise Refused(refused(element, f"{shown(element.text)} is not a number {limit}")) from error


CHECKS: tuple[Callable[[Element], Violation | None], ...] = (word_violation, value_violation, duration_violation)
"""What every element of a request is checked for, whether anything is done with it or not."""
