"""What is refused before anything is executed, beside what the schema refuses itself.

Introspection follows the setting; commands and queries travel over HTTP, where each request proves anew who asks; and
text that not both databases can keep (NUL, half of a surrogate pair) never gets as far as a verb.
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    StringValueNode,
    Visitor,
    visit,
)
from strawberry.extensions import ParserCache, SchemaExtension
from strawberry.types.graphql import OperationType

from mesgraph.access.roles import Role
from mesgraph.api.context import Context
from mesgraph.errors import Code
from mesgraph.words import UNKEPT

DEPTH_MAX = 32
TEXT_MAX = 256 * 1024


class LongField(NamedTuple):
    """A command that takes longer values than others do, for some roles only. Sizes in bytes."""

    field: str
    roles: frozenset[Role]
    value_max: int

    @property
    def request_max(self) -> int:
        """Of the request around it: JSON writes a line break or a quotation mark with two characters."""
        return 2 * self.value_max + TEXT_MAX


LONG: tuple[LongField, ...] = (LongField("submitB2mml", frozenset({Role.ERP}), 16 * 1024 * 1024),)
"""The commands that take long values."""


class KeptDocuments(ParserCache):
    """Parses a document once."""

    def on_parse(self) -> Iterator[None]:
        """As the parent; what does not parse is left to the schema, which answers on every transport alike."""
        with contextlib.suppress(GraphQLError):
            next(super().on_parse())
        yield


class Guard(SchemaExtension):
    """Adds its refusals to those of validation; it stands after the validation cache."""

    def on_operation(self) -> Iterator[None]:
        """Before parsing."""
        settings = self._context.plant.settings
        if not (settings.introspection or settings.graphiql):
            self.execution_context.validation_rules += (NoSchemaIntrospectionCustomRule,)
        yield

    def on_validate(self) -> Iterator[None]:
        """After the rules of GraphQL."""
        execution = self.execution_context
        refusals = list(refused_values(execution.variables or {}))
        if "\\u" in (execution.query or "") and execution.graphql_document is not None:
            refusals += refused_literals(execution.graphql_document)
        if execution._provided_operation_name is None and _operations(execution.graphql_document) > 1:
            refusals.append(_refusal("name the operation: the document has several", []))
        if self._context.is_socket and execution.operation_type is not OperationType.SUBSCRIPTION:
            refusals.append(_refusal("send queries and commands by POST; a socket carries subscriptions", []))
        refusals += self._too_long()
        if refusals:
            execution.pre_execution_errors = [*(execution.pre_execution_errors or []), *refusals]
        yield

    def _too_long(self) -> list[GraphQLError]:
        """Long values are for the commands that take them, alone in their document."""
        execution = self.execution_context
        length = _length(execution.variables or {})
        if length <= TEXT_MAX:
            return []
        fields = _root_fields(execution.graphql_document)
        if any(fields == [long.field] and length <= long.value_max + TEXT_MAX for long in LONG):
            return []
        return [_refusal(f"the variables have at most {TEXT_MAX} characters", [])]

    @property
    def _context(self) -> Context:
        context: Context = self.execution_context.context
        return context


def _length(variables: dict[str, Any]) -> int:
    """About how many characters ``variables`` took as JSON, never more than they did."""
    length = 0
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        match value:
            case str():
                length += len(value)
            case dict():
                length += sum(map(len, value))
                waiting += value.values()
            case list():
                waiting += value
        length += 2
    return length


def _root_fields(document: DocumentNode | None) -> list[str]:
    """Names of the fields at the root of the document's only operation; none for anything that is less plain."""
    definitions = document.definitions if document is not None else ()
    if len(definitions) != 1 or not isinstance(definitions[0], OperationDefinitionNode):
        return []
    return [node.name.value for node in definitions[0].selection_set.selections if isinstance(node, FieldNode)]


def refused_values(variables: dict[str, Any]) -> Iterator[GraphQLError]:
    """A refusal for each text in ``variables`` that cannot be kept, and for values nested too deeply."""
    waiting: list[tuple[Any, tuple[str | int, ...]]] = [(variables, ())]
    while waiting:
        value, path = waiting.pop()
        match value:
            case str() if UNKEPT.search(value):
                yield _unkept(path)
            case dict() | list() if len(path) > DEPTH_MAX:
                yield _refusal(f"values are nested at most {DEPTH_MAX} deep", path, Code.INVALID_VALUE)
            case dict():
                if any(UNKEPT.search(key) for key in value):
                    yield _unkept(path)
                waiting += [(item, (*path, key)) for key, item in value.items()]
            case list():
                waiting += [(item, (*path, i)) for i, item in enumerate(value)]


def refused_literals(document: DocumentNode) -> list[GraphQLError]:
    """A refusal for each text in the document that cannot be kept."""
    found: list[GraphQLError] = []

    class Texts(Visitor):
        def enter_string_value(self, node: StringValueNode, *_: Any) -> None:
            if UNKEPT.search(node.value):
                found.append(_unkept(()))

    visit(document, Texts())
    return found


def _operations(document: DocumentNode | None) -> int:
    definitions = document.definitions if document is not None else ()
    return sum(isinstance(definition, OperationDefinitionNode) for definition in definitions)


def _unkept(path: tuple[str | int, ...]) -> GraphQLError:
    return _refusal("text cannot hold the character NUL or half of a surrogate pair", path, Code.INVALID_VALUE)


def _refusal(message: str, path: Any, code: Code = Code.DOCUMENT_INVALID) -> GraphQLError:
    return GraphQLError(
        message, extensions={"code": code.value, "retryable": False, "path": [str(part) for part in path]}
    )
