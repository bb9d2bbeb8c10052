"""Values, in a document and beside it: what is too long to be read, and what cannot be kept.

NUL and half of a surrogate pair are no text for one or the other database, so they never get as far as a verb.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from graphql import (
    DocumentNode,
    FloatValueNode,
    GraphQLError,
    IntValueNode,
    ListValueNode,
    ObjectValueNode,
    StringValueNode,
    ValueNode,
    Visitor,
    visit,
)

from mesgraph.api.errors import refusal
from mesgraph.api.limits import DIGITS_MAX, JSON_DEPTH_MAX, STRING_MAX, at_most
from mesgraph.errors import Code
from mesgraph.words import UNKEPT


def check_literals(value: ValueNode) -> None:
    """Raise :class:`~mesgraph.api.limits.Excess` for a value, or one in it, that is too long or nested too deeply."""
    waiting: list[tuple[Any, int]] = [(value, 0)]
    while waiting:
        node, depth = waiting.pop()
        match node:
            case IntValueNode() | FloatValueNode():
                at_most("a number", "digits", len(node.value), DIGITS_MAX, "send a shorter one")
            case StringValueNode():
                at_most("a text", "bytes", _bytes(node.value), STRING_MAX, "send it in parts")
            case ListValueNode() | ObjectValueNode():
                at_most("a value", "levels", depth + 1, JSON_DEPTH_MAX, "nest less")
                waiting += [(item, depth + 1) for item in _items(node)]


def _bytes(text: str) -> int:
    return len(text) if len(text) * 4 <= STRING_MAX else len(text.encode("utf-8", "surrogatepass"))


def _items(node: ListValueNode | ObjectValueNode) -> Iterable[ValueNode]:
    return node.values if isinstance(node, ListValueNode) else (member.value for member in node.fields)


def refused_values(variables: dict[str, Any]) -> Iterator[GraphQLError]:
    """A refusal for each text in ``variables`` that cannot be kept, and for values nested too deeply."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(variables, ())]
    while waiting:
        value, path = waiting.pop()
        match value:
            case str() if UNKEPT.search(value):
                yield _unkept(path)
            case dict() | list() if len(path) > JSON_DEPTH_MAX:
                yield refusal(f"values are nested at most {JSON_DEPTH_MAX} deep: nest less", Code.INVALID_VALUE, path)
            case dict():
                if any(UNKEPT.search(key) for key in value):
                    yield _unkept(path)
                waiting += [(item, (*path, key)) for key, item in value.items()]
            case list() if not is_plain(value):
                waiting += [(item, (*path, i)) for i, item in enumerate(value)]


PLAIN = frozenset({int, float, bool, type(None)})


def is_plain(values: list[Any]) -> bool:
    """Whether there is no text and nothing nested in them: columns of numbers are long, and need no second look."""
    return PLAIN.issuperset(map(type, values))


def refused_literals(document: DocumentNode) -> list[GraphQLError]:
    """A refusal for each text in the document that cannot be kept."""
    found: list[GraphQLError] = []

    class Texts(Visitor):
        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            if UNKEPT.search(node.value):
                found.append(_unkept(()))

    visit(document, Texts())
    return found


def _unkept(path: tuple[str | int, ...]) -> GraphQLError:
    message = "text cannot hold the character NUL or half of a surrogate pair: take it out"
    return refusal(message, Code.INVALID_VALUE, path)
