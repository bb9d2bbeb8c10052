"""Documents with values inside: read as one document with variables, whatever the values are.

Clients that write values into the text would have every text parsed, validated and compiled anew. Texts that differ in
strings and numbers alone are one form; the first one of a form is read as ever, its values become variables, and the
others are only looked through by one expression. A form is for plans: what a plan does not answer is executed as it was
sent, so that errors name its own lines and values.
"""

import re
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLNonNull,
    GraphQLSchema,
    NameNode,
    OperationDefinitionNode,
    TypeInfo,
    TypeInfoVisitor,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    get_nullable_type,
    parse_type,
    print_ast,
    visit,
)

VALUE = re.compile(
    r'"(?P<text>[^"\\\n\r]*)"|(?<![\w$.-])(?P<number>-?(?:0|[1-9]\d{0,14})(?P<fraction>\.\d{1,15})?)(?![\w.])'
)
UNREADABLE = re.compile(r'"""|\\|#')
"""Block strings, escapes and comments: what has them is read as it is."""
TEXT_MAX = 8 * 1024
PREFIX = "_value"


def form_of(text: str) -> tuple[str, list[Any]] | None:
    """The form of a document, and its values in their order; ``None`` for one without values, or not so plain."""
    if len(text) > TEXT_MAX or UNREADABLE.search(text):
        return None
    values: list[Any] = []

    def taken(match: re.Match[str]) -> str:
        if match["text"] is not None:
            values.append(match["text"])
            return '""'
        values.append(float(match["number"]) if match["fraction"] else int(match["number"]))
        return "0.0" if match["fraction"] else "0"

    form = VALUE.sub(taken, text)
    return (form, values) if values else None


def as_variables(values: list[Any]) -> dict[str, Any]:
    """The values by the names of their variables."""
    return {f"{PREFIX}{number}": value for number, value in enumerate(values)}


def with_variables(schema: GraphQLSchema, document: DocumentNode) -> str | None:
    """The document with a variable for each string and number; ``None`` where one has no place for a variable."""
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1:
        return None
    taking = _Taking(TypeInfo(schema))
    changed = visit(document, TypeInfoVisitor(taking.types, taking))
    if taking.misplaced:
        return None
    definitions = tuple(
        VariableDefinitionNode(variable=VariableNode(name=NameNode(value=f"{PREFIX}{n}")), type=parse_type(f"{of}"))
        for n, of in enumerate(taking.found)
    )
    changed = DocumentNode(
        definitions=tuple(
            _declaring(node, definitions) if isinstance(node, OperationDefinitionNode) else node
            for node in changed.definitions
        )
    )
    return print_ast(changed)


def _declaring(operation: OperationDefinitionNode, more: tuple[VariableDefinitionNode, ...]) -> OperationDefinitionNode:
    return OperationDefinitionNode(
        operation=operation.operation,
        name=operation.name,
        variable_definitions=(*(operation.variable_definitions or ()), *more),
        directives=operation.directives,
        selection_set=operation.selection_set,
    )


class _Taking(Visitor):
    """Takes the strings and numbers out of a document, in their order."""

    def __init__(self, types: TypeInfo) -> None:
        super().__init__()
        self.types = types
        self.found: list[Any] = []
        self.misplaced = False

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: Any) -> Any:
        """A default must be a constant."""
        self.misplaced |= node.default_value is not None

    def _enter_value(self, *_: Any) -> Any:
        of = self.types.get_input_type()
        if of is None:
            self.misplaced = True
            return None
        self.found.append(GraphQLNonNull(get_nullable_type(of)))
        return VariableNode(name=NameNode(value=f"{PREFIX}{len(self.found) - 1}"))

    enter_string_value = enter_int_value = enter_float_value = _enter_value
