"""Documents of B2MML, as a planning system writes them, and sending them."""

from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from mesgraph.access.roles import Role
from mesgraph.work import Actor
from tests.api import Api

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
"""The documents of the guide."""

ANSWER = (
    "message { sourceSystem messageId kind state requestCount applied: appliedCount payloadHash excerpt extensions "
    "userErrors { code message path } } "
    "results { externalId outcome derivedId warnings operationsRequest { code state quantity { value uom } priority "
    "dueAt earliestStart externalRevision site { code } } userErrors { code message path } } "
    "duplicateOf { messageId } acknowledgement ledgerEvents { type }"
)


def example(name: str) -> str:
    """A document of the guide."""
    return (EXAMPLES / name).read_text(encoding="utf-8")


def tag(name: str, *content: str | None, **attributes: str) -> str:
    """An element; no content, no element."""
    inner = "".join(part for part in content if part is not None)
    if not inner and not attributes:
        return ""
    written = "".join(f' {key}="{escape(value)}"' for key, value in attributes.items())
    return f"<{name}{written}>{inner}</{name}>"


def request(
    number: str | None = "10041",
    *extra: str,
    version: int | str | None = 1,
    product: str = "COIL-C",
    quantity: str | None = "2296",
    uom: str | None = "MTR",
    site: str | None = "HV1",
    state: str | None = None,
    priority: str | None = "50",
    start: str | None = None,
    end: str | None = None,
    segment: str = "",
) -> str:
    """An OperationsRequest for cathode coil."""
    amount = tag("Quantity", tag("QuantityString", quantity), tag("UnitOfMeasure", uom)) if quantity else ""
    material = tag("MaterialRequirement", tag("MaterialDefinitionID", product), tag("MaterialUse", "Produced"), amount)
    return tag(
        "OperationsRequest",
        tag("ID", number),
        tag("Version", str(version)) if version is not None else "",
        tag("StartTime", start),
        tag("EndTime", end),
        tag("HierarchyScope", tag("EquipmentID", site), tag("EquipmentLevel", "Site")) if site else "",
        tag("Priority", priority),
        tag("RequestState", state),
        tag("SegmentRequirement", tag("ID", "1"), segment, material if product else ""),
        *extra,
    )


def document(
    *requests: str,
    verb: str = "Process",
    message: str | None = "BOD-7781",
    sender: str | None = "ERP1",
    created: str = "2026-02-16T05:30:00Z",
    namespace: str = "http://www.mesa.org/xml/B2MML",
    action: str = "",
) -> str:
    """A message with an envelope."""
    area = tag(
        "ApplicationArea",
        tag("Sender", tag("LogicalID", sender)),
        tag("CreationDateTime", created),
        tag("BODID", message),
    )
    criteria = f'<ActionCriteria><ActionExpression actionCode="{action}"/></ActionCriteria>' if action else ""
    data = f"<DataArea><{verb}>{criteria}</{verb}>{tag('OperationsSchedule', tag('ID', 'S1'), *requests)}</DataArea>"
    name = f"{verb}OperationsSchedule"
    return f'<{name} xmlns="{namespace}" xmlns:x="urn:extension" releaseID="1">{area}{data}</{name}>'


async def submit_document(api: Api, text: str, *, by: Actor | Role = Role.ERP, **input: Any) -> dict[str, Any]:
    """Send a document; returns the payload."""
    return await api.do("submitB2mml", ANSWER, by=by, document=text, **input)


def refusals(errors: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Code and place in the document of each."""
    return [(error["code"], (error["path"] or [""])[-1]) for error in errors]
