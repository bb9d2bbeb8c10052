"""Documents in the form of V0701, built element by element in the order that its schema demands."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from lxml import etree

NAMESPACE = "http://www.mesa.org/xml/B2MML"
RELEASE = "V0701"


def root(name: str) -> Any:
    """A new document's root."""
    return etree.Element(f"{{{NAMESPACE}}}{name}", nsmap={None: NAMESPACE})


def add(parent: Any, name: str, text: object = None, **attributes: str) -> Any:
    """A child with text; characters that XML cannot hold become spaces."""
    child = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}", attributes)
    if text is not None:
        child.text = "".join(c if c.isprintable() or c in "\n\t" else " " for c in str(text))
    return child


def add_all(parent: Any, name: str, texts: Iterable[object]) -> None:
    """A child for each text."""
    for text in texts:
        add(parent, name, text)


def moment(at: datetime) -> str:
    """RFC 3339 in UTC, as xsd:dateTime has it, too."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def add_application_area(parent: Any, *, sender: str, message_id: str, at: datetime, receiver: str = "") -> None:
    """Who sends the document, when, and under which id."""
    area = add(parent, "ApplicationArea")
    add(add(area, "Sender"), "LogicalID", sender)
    if receiver:
        add(add(area, "Receiver"), "LogicalID", receiver)
    add(area, "CreationDateTime", moment(at))
    add(area, "BODID", message_id)


def text_of(element: Any) -> str:
    """The document as text."""
    etree.indent(element)
    body: str = etree.tostring(element, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'
