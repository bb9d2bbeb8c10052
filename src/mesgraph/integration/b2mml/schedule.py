"""What a schedule message of B2MML says: verb, sender and orders, in our words (V0401, V0500, V0600, V0700, V0701).

Elements are found by their local name in any order. A request that breaks a lexical rule keeps its violations and does
not hinder the others; only a document that is no schedule message at all is refused.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from mesgraph.errors import Code, Findings, Refused, Violation, invalid
from mesgraph.integration.b2mml import lexical
from mesgraph.integration.b2mml.lexical import WrittenTime
from mesgraph.integration.b2mml.tree import Document, Element, Unreadable, read

ORDERS_MAX = 500
ELEMENTS_OF_ORDER_MAX = 5_000
EXTENSIONS_TEXT_MAX = 64 * 1024

DERIVABLE = re.compile(r"[A-Za-z0-9._/-]{1,40}")
"""A message id from which the number of an order can be made."""
NAMESPACE = re.compile(r"http://www\.(mesa|wbf)\.org/xml/b2mml(-v\d{3,4})?", re.IGNORECASE)
ROOT = re.compile(r"(Process|Sync|Change|Cancel)?((?:Operations|Production)Schedule)")
NOUNS = ("OperationsSchedule", "ProductionSchedule")
REQUESTS = ("OperationsRequest", "ProductionRequest")
SEGMENTS = ("SegmentRequirement", "SegmentRequirementChild")
MATERIALS = {
    "MaterialRequirement": "",
    "MaterialProducedRequirement": "Produced",
    "MaterialConsumedRequirement": "Consumed",
    "ConsumableExpected": "Consumable",
}
"""The elements of material, and the use that an element of the older versions says by its name."""
PRODUCT_USES = ("Produced", "Material Produced")
NOT_APPLIED = (
    "SegmentParameter",
    "ProductionParameter",
    "PersonnelRequirement",
    "EquipmentRequirement",
    "PhysicalAssetRequirement",
    "EarliestStartTime",
    "LatestEndTime",
    "Duration",
    "RequestedSegmentResponse",
)
"""What the definition of the product decides, not the order."""


class Verb(StrEnum):
    """What the sender wants of the orders of a message."""

    PROCESS = "PROCESS"
    SYNC = "SYNC"
    CHANGE = "CHANGE"
    CANCEL = "CANCEL"


STATES = {
    "Forecast": "FORECAST",
    "Released": "RELEASED",
    "Waiting": "RELEASED",
    "Ready": "RELEASED",
    "Cancelled": "CANCELLED",
}
"""What a sender may want of an order, by RequestState; the other words are the plant's own to say."""


@dataclass(frozen=True)
class Product:
    """A material that an order is to make; ``quantity`` is ``None`` when none is given, or when what is given is
    ``unread``.
    """

    material: str
    quantity: Decimal | None
    uom: str | None
    element: Element
    quantity_element: Element | None
    unread: bool = False


@dataclass(kw_only=True)
class Order:
    """A request of the message. ``None`` is what it does not say."""

    element: Element
    external_id: str
    derived_id: bool
    verb: Verb
    revision: int | None = None
    priority: int | None = None
    starts: WrittenTime | None = None
    ends: WrittenTime | None = None
    state: str | None = None
    scope: list[Element] = field(default_factory=list)
    definition: str | None = None
    products: list[Product] = field(default_factory=list)
    products_unread: bool = False
    windows: list[tuple[WrittenTime, WrittenTime]] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)
    violations: tuple[Violation, ...] = ()
    unread: bool = False
    """Too large to be read: nothing else of it is judged."""
    warnings: list[str] = field(default_factory=list)
    extensions: list[dict[str, Any]] = field(default_factory=list)

    def place(self, name: str) -> str:
        """Where the value of a field stands in the document; the request itself for one that is not there."""
        return self.places.get(name, self.element.path)

    def warn(self, warning: str) -> None:
        """Tell the sender something, once."""
        if warning not in self.warnings:
            self.warnings.append(warning)


@dataclass(frozen=True)
class ScheduleMessage:
    """A message with orders. ``verb`` is ``None`` for a bare noun, which counts as Sync."""

    verb: Verb | None
    noun: str
    digest: bytes
    sender: str | None
    message_id: str | None
    created_text: str | None
    created: WrittenTime | None
    schedule_id: str
    orders: list[Order]

    @property
    def kind(self) -> str:
        """``PROCESS_OPERATIONS_SCHEDULE``; the older noun stays to be seen."""
        noun = re.sub(r"(?<!^)(?=[A-Z])", "_", self.noun).upper()
        return f"{self.verb}_{noun}" if self.verb else noun


def read_schedule(text: str) -> ScheduleMessage:
    """Read a document. Refuses MESSAGE_INVALID, as :class:`Unreadable`, when it is no schedule message."""
    document = read(text)
    root = document.root
    bare = root.name in REQUESTS
    match = ROOT.fullmatch(root.name)
    if match is None and not bare:
        raise _unreadable(
            root,
            f"{root.name[:80]} is not taken here: send Process, Sync, Change or Cancel of OperationsSchedule or "
            "ProductionSchedule, or one of these nouns alone",
        )
    if root.namespace and not NAMESPACE.fullmatch(root.namespace):
        raise _unreadable(root, f"namespace {lexical.shown(root.namespace)} is none of B2MML V0401 to V0701")
    if bare or match is None:
        return _message(document, None, root.name.replace("Request", "Schedule"), None, [root])
    verb, noun = match.groups()
    if verb is None:
        return _message(document, None, noun, root, list(root.all(*REQUESTS)))
    area = root.first("DataArea")
    if area is None:
        raise _unreadable(root, "the document has no DataArea")
    schedules = list(area.all(*NOUNS))
    requests = [request for schedule in schedules for request in schedule.all(*REQUESTS)]
    wanted = _verb(Verb(verb.upper()), area.first(verb))
    return _message(document, wanted, noun, schedules[0] if schedules else None, requests)


def _unreadable(element: Element, message: str) -> Unreadable:
    return Unreadable(lexical.refused(element, message))


def _verb(verb: Verb, element: Element | None) -> Verb:
    """What is wanted: the action code ``Delete`` of an OAGIS-like verb takes the orders back."""
    if element is None:
        return verb
    codes = {e.attributes.get("actionCode", "") for e in element.walk() if e.name == "ActionExpression"}
    if "Delete" in codes and len(codes) > 1:
        raise _unreadable(element, "Delete stands beside other action codes: send what is to be deleted by itself")
    return Verb.CANCEL if codes == {"Delete"} else verb


def _message(
    document: Document, verb: Verb | None, noun: str, schedule: Element | None, requests: list[Element]
) -> ScheduleMessage:
    root = document.root
    if len(requests) > ORDERS_MAX:
        raise _unreadable(root, f"a message has at most {ORDERS_MAX} requests, this one {len(requests)}; send several")
    area = root.first("ApplicationArea")
    sender = area.first("Sender") if area else None
    written = area.first("CreationDateTime") if area else None
    message_id = _text(area, "BODID", "BODId")
    try:
        created = lexical.time(written) if written is not None and written.text else None
    except Refused as refused:
        raise Unreadable(*refused.violations) from refused
    name = message_id if message_id and DERIVABLE.fullmatch(message_id) else f"doc-{document.digest.hex()[:32]}"
    orders = [_order(element, verb or Verb.SYNC, f"{name}-{i + 1}", root) for i, element in enumerate(requests)]
    return ScheduleMessage(
        verb=verb,
        noun=noun,
        digest=document.digest,
        sender=_text(sender, "LogicalID"),
        message_id=message_id,
        created_text=written.text if written is not None else None,
        created=created,
        schedule_id=_text(schedule, "ID") or "",
        orders=orders,
    )


def _text(element: Element | None, *names: str) -> str | None:
    found = element.first(*names) if element is not None else None
    return found.text or None if found is not None else None


def _order(element: Element, verb: Verb, derived: str, root: Element) -> Order:
    given = element.first("ID")
    has_id = given is not None and bool(given.text)
    order = Order(
        element=element, external_id=given.text if given and has_id else derived, derived_id=not has_id, verb=verb
    )
    found = Findings()
    own = [e for e in element.walk() if _is_own(e, root)] if _is_small(element, found) else []
    found.extend(violation for e in own for check in lexical.CHECKS if (violation := check(e)))
    if own:
        _read_fields(order, found)
        _read_segments(order, found)
        order.extensions = [_kept(e) for e in _foreign(element, root)]
        if len(json.dumps(order.extensions)) > EXTENSIONS_TEXT_MAX:
            order.extensions = []
            found.add(
                lexical.refused(element, f"extensions have at most {EXTENSIONS_TEXT_MAX} characters in a request")
            )
    order.unread = not own
    if order.derived_id:
        order.warn(f"the request has no ID; it is known as {order.external_id}")
    order.violations = tuple(dict.fromkeys(found.violations))
    return order


def _is_small(element: Element, found: Findings) -> bool:
    size = sum(1 for _ in element.walk())
    if size > ELEMENTS_OF_ORDER_MAX:
        found.add(lexical.refused(element, f"a request has at most {ELEMENTS_OF_ORDER_MAX} elements, this one {size}"))
    return size <= ELEMENTS_OF_ORDER_MAX


def _is_own(element: Element, root: Element) -> bool:
    return element.namespace == root.namespace


def _read_fields(order: Order, found: Findings) -> None:
    element = order.element

    def place(name: str, *tags: str) -> Element | None:
        there = element.first(*tags)
        if there is None or not there.text:
            return None
        order.places[name] = there.path
        return there

    place("external_id", "ID")
    if (version := place("revision", "Version")) is not None:
        with found.under():
            order.revision = lexical.integer(version)
    if (priority := place("priority", "Priority")) is not None:
        with found.under():
            order.priority = lexical.integer(priority)
    if (starts := place("earliest_start", "StartTime")) is not None:
        with found.under():
            order.starts = lexical.time(starts)
    if (ends := place("due_at", "EndTime", "Endtime")) is not None:
        with found.under():
            order.ends = lexical.time(ends)
    if (state := place("state", "RequestState")) is not None and lexical.word_violation(state) is None:
        order.state = STATES.get(state.text)
        if order.state is None:
            words = ", ".join(STATES)
            found.add(lexical.refused(state, f"RequestState {state.text} is not for the sender to say: send {words}"))
        elif order.state == "CANCELLED":
            order.verb = Verb.CANCEL
    if definition := place("definition", "OperationsDefinitionID", "ProductProductionRuleID", "ProductionRuleID"):
        version_text = _text(element, "OperationsDefinitionVersion", "ProductProductionRuleVersion")
        order.definition = f"{definition.text}:{version_text}" if version_text else definition.text
    _read_scope(order)


def _read_scope(order: Order) -> None:
    scope = order.element.first("HierarchyScope", "Location")
    while scope is not None:
        equipment = scope.first("EquipmentID")
        if equipment is not None and equipment.text:
            order.scope.append(equipment)
            order.places.setdefault("site", equipment.path)
        scope = scope.first("HierarchyScopeChild", "HierarchyScope", "Location")


def _segments(element: Element) -> Iterator[Element]:
    for segment in element.all(*SEGMENTS):
        yield segment
        yield from _segments(segment)


def _read_segments(order: Order, found: Findings) -> None:
    segments = list(_segments(order.element))
    unused = {e.name for part in (order.element, *segments) for e in part.children if e.name in NOT_APPLIED}
    for part in (order.element, *segments):
        for material in part.all(*MATERIALS):
            use = MATERIALS[material.name] or _text(material, "MaterialUse") or ""
            if use in PRODUCT_USES:
                product = _product(material, found)
                order.products_unread |= product is None
                order.products += [product] if product else []
            else:
                unused.add(f"{material.name} {use}".strip())
    for segment in segments:
        starts, ends = segment.first("EarliestStartTime"), segment.first("LatestEndTime")
        with found.under():
            start = lexical.time(starts) if starts is not None and starts.text else None
        with found.under():
            end = lexical.time(ends) if ends is not None and ends.text else None
            if start is not None and end is not None:
                order.windows.append((start, end))
    if unused:
        order.warn(f"the definition decides, so this was not applied: {', '.join(sorted(unused))}")


def _product(element: Element, found: Findings) -> Product | None:
    """The material of a requirement with its quantity; ``None`` for one that names no material."""
    material = element.first("MaterialDefinitionID")
    if material is None or not material.text:
        found.add(lexical.refused(element, "name what is produced by MaterialDefinitionID"))
        return None
    product = Product(material.text, None, None, material, None, unread=True)
    with found.under():
        product = _with_quantity(element, material)
    return product  # noqa: RET504 - a refusal is noted, and the block left


def _with_quantity(element: Element, material: Element) -> Product:
    """Of several quantities the one without Key counts."""
    quantities = list(element.all("Quantity"))
    without_key = [q for q in quantities if not _text(q, "Key")]
    chosen = without_key if without_key else quantities
    if len(chosen) > 1:
        raise Refused(lexical.refused(element, f"{len(chosen)} quantities: one, or one of them without Key, counts"))
    text = chosen[0].first("QuantityString") if chosen else None
    if text is None or not text.text:
        return Product(material.text, None, None, material, None)
    if lexical.value_violation(chosen[0]) is not None:
        raise Refused(*filter(None, [lexical.value_violation(chosen[0])]))
    return Product(material.text, lexical.decimal(text), _text(chosen[0], "UnitOfMeasure"), material, text)


def _foreign(element: Element, root: Element) -> Iterator[Element]:
    """The outermost elements of other namespaces."""
    for child in element.children:
        if _is_own(child, root):
            yield from _foreign(child, root)
        else:
            yield child


def _kept(element: Element) -> dict[str, Any]:
    """An extension as plain values."""
    kept: dict[str, Any] = {"path": element.path, "namespace": element.namespace, "name": element.name}
    if element.text:
        kept["text"] = element.text
    if element.attributes:
        kept["attributes"] = element.attributes
    if element.children:
        kept["children"] = [_kept(child) for child in element.children]
    return kept


def check_times(order: Order, zone: str) -> list[Violation]:
    """TIME_ORDER_INVALID for each step whose latest end lies before its earliest start, on the site's clock."""
    return [
        invalid(
            f"LatestEndTime {end.at(zone).isoformat()} lies before EarliestStartTime {start.at(zone).isoformat()}",
            end.element.path,
            code=Code.TIME_ORDER_INVALID,
        )
        for start, end in order.windows
        if end.at(zone) < start.at(zone)
    ]
