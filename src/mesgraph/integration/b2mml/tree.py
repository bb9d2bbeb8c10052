"""XML from strangers, read piece by piece into a small tree: what is hostile is refused while it is being read.

No document type is accepted, so no entity can be declared; the parser resolves none, opens no file and no connection.
Depth, elements and text are counted as they arrive.
"""

import codecs
import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from lxml import etree

from mesgraph.errors import Code, Refused, invalid

DEPTH_MAX = 32
ELEMENTS_MAX = 100_000
ATTRIBUTES_MAX = 32
TEXT_MAX = 64 * 1024
PIECE = 64 * 1024
DECLARATION = re.compile(r"""<\?xml\s+version\s*=\s*["']([^"']*)["'](?:\s+encoding\s*=\s*["']([^"']*)["'])?""")


@dataclass(slots=True)
class Element:
    """An element: local name, namespace, text without the space around it, and its XPath in the document.

    In the path the first of a name among its siblings has no index.
    """

    name: str
    namespace: str
    path: str
    attributes: dict[str, str]
    children: list["Element"] = field(default_factory=list)
    text: str = ""

    def all(self, *names: str) -> Iterator["Element"]:
        """The children of these names, in the order of the document."""
        return (child for child in self.children if child.name in names)

    def first(self, *names: str) -> "Element | None":
        """The first child of one of these names."""
        return next(self.all(*names), None)

    def walk(self) -> Iterator["Element"]:
        """This element and everything below it."""
        yield self
        for child in self.children:
            yield from child.walk()


@dataclass(frozen=True)
class Document:
    """A document that could be read. ``digest`` covers what it says, not how it is indented or prefixed."""

    root: Element
    digest: bytes


class Unreadable(Refused):
    """It is no XML, or none that is read here."""


def read(document: str) -> Document:
    """The tree of ``document``; whatever its declaration says, it was decoded by whoever hands it over.

    Refuses MESSAGE_INVALID, as :class:`Unreadable`, with the path of the element that was being read; also for a
    version other than 1.0 and an encoding that is none.
    """
    builder = _Builder()
    _check_declaration(builder, document.removeprefix("\ufeff"))
    parser = etree.XMLParser(
        target=builder, encoding="utf-8", resolve_entities=False, no_network=True, huge_tree=False, load_dtd=False
    )
    data = document.removeprefix("\ufeff").encode()
    try:
        for start in range(0, len(data), PIECE):
            parser.feed(data[start : start + PIECE])
        parser.close()
    except etree.XMLSyntaxError as error:
        raise builder.unreadable(str(error.msg)) from error
    assert builder.root is not None, "a document without elements is a syntax error"
    return Document(builder.root, builder.digest())


def _check_declaration(builder: "_Builder", document: str) -> None:
    declared = DECLARATION.match(document)
    if declared is None:
        return
    version, encoding = declared.groups()
    if version != "1.0":
        raise builder.unreadable(f"XML {version[:20]} is not taken here: send XML 1.0")
    if encoding is not None and not _is_encoding(encoding):
        raise builder.unreadable(f"{encoding[:40]!r} is no encoding of XML: send UTF-8")


def _is_encoding(name: str) -> bool:
    """Whether text may be written so; UTF-7 can hide markup."""
    try:
        "".encode(name)
    except (LookupError, ValueError):
        return False
    return codecs.lookup(name).name != "utf-7"


class _Builder:
    """The parser's target: builds the tree and counts."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._names: list[Counter[str]] = [Counter()]
        self._sizes: list[int] = []
        self._elements = 0
        self._hash = hashlib.sha256()

    def unreadable(self, message: str) -> Unreadable:
        place = self._open[-1].path if self._open else ""
        return Unreadable(invalid(message[:300], *([place] if place else []), code=Code.MESSAGE_INVALID))

    def digest(self) -> bytes:
        return self._hash.digest()

    def doctype(self, *_: object) -> None:
        raise self.unreadable("a document type (DOCTYPE) is not accepted: send the document without it")

    def pi(self, *_: object) -> None:
        """Instructions to processors mean nothing here."""

    def comment(self, _: str) -> None:
        """Comments mean nothing here."""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition("}")
        self._elements += 1
        self._names[-1][name] += 1
        number = self._names[-1][name]
        parent = self._open[-1] if self._open else None
        path = f"{parent.path if parent else ''}/{name[:100]}{f'[{number}]' if number > 1 else ''}"
        element = Element(name, namespace.removeprefix("{"), path, dict(attributes))
        self._open.append(element)
        if len(self._open) > DEPTH_MAX:
            raise self.unreadable(f"elements are nested at most {DEPTH_MAX} deep")
        if self._elements > ELEMENTS_MAX:
            raise self.unreadable(f"a document has at most {ELEMENTS_MAX} elements; send several")
        if len(attributes) > ATTRIBUTES_MAX or any(len(value) > TEXT_MAX for value in attributes.values()):
            raise self.unreadable(f"an element has at most {ATTRIBUTES_MAX} attributes of {TEXT_MAX} characters")
        if parent is not None:
            parent.children.append(element)
        else:
            self.root = element
        self._texts.append([])
        self._sizes.append(0)
        self._names.append(Counter())
        self._say("start", tag, *(part for pair in sorted(element.attributes.items()) for part in pair))

    def data(self, text: str) -> None:
        self._sizes[-1] += len(text)
        if self._sizes[-1] > TEXT_MAX:
            raise self.unreadable(f"an element has at most {TEXT_MAX} characters of text")
        self._texts[-1].append(text)

    def end(self, _: str) -> None:
        element = self._open.pop()
        element.text = "".join(self._texts.pop()).strip()
        self._sizes.pop()
        self._names.pop()
        self._say("end", element.text)

    def close(self) -> None:
        """Also called after a refusal."""

    def _say(self, *words: str) -> None:
        for word in words:
            data = word.encode()
            self._hash.update(len(data).to_bytes(4, "big") + data)
