"""Answers that Python code has found, such as traces: objects whose fields are attributes, and long lists in them.

What is found is found as ever; a plan only writes it, and reads the rows that the entries of a list name.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeAlias

from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from graphql.execution.values import get_argument_values

from mesgraph.api.plan import _emit
from mesgraph.api.plan._emit import Objects, Piece, Slot, Unusual
from mesgraph.api.plan.arguments import arguments_of
from mesgraph.api.plan.compiler import Compiler, Field, Shown, Table
from mesgraph.api.plan.kinds import NotPlanned, as_json, words_of
from mesgraph.api.plan.readings import Relation, behind
from mesgraph.api.plan.roots import Arguments, Call
from mesgraph.api.plan.shapes import Called, Entries, definition_of, shape_of

Write: TypeAlias = Callable[[Any, Call], Awaitable[Piece]]


class CalledRoot:
    """What a function answers."""

    def __init__(self, compiler: Compiler, shape: Called, asked: Field) -> None:
        _, nodes, definition = asked
        assert definition is not None
        self._compiler, self._shape = compiler, shape
        self._write = self._object(get_nullable_type(definition.type), nodes)

    async def piece(self, arguments: Arguments, call: Call) -> Piece:
        """The answer, written."""
        return await self._write(await self._shape.call(call.context, **arguments), call)

    def _object(self, type_: Any, asked: Sequence[FieldDetails]) -> Write:
        if not isinstance(type_, GraphQLObjectType):
            raise NotPlanned(f"{type_} of a function")
        parts = [
            (as_json(name) + b":", self._field(type_, nodes, definition))
            for name, nodes, definition in self._compiler.fields(type_, asked)
        ]

        async def write(value: Any, call: Call) -> Piece:
            if value is None:
                raise Unusual("nothing was answered")
            pieces = [(lead, await of_field(value, call)) for lead, of_field in parts]
            text = b",".join(lead + piece for lead, (piece, _) in pieces)
            return b"{" + text + b"}", 1 + sum(objects for _, (_, objects) in pieces)

        return write

    def _field(self, type_: GraphQLObjectType, nodes: Sequence[FieldDetails], definition: GraphQLField | None) -> Write:
        if definition is None:
            return _always(as_json(type_.name))
        match shape_of(definition):
            case str(attribute) if is_leaf_type(get_nullable_type(definition.type)):
                return _leaf(attribute, definition)
            case str(attribute) if isinstance(definition.type, GraphQLNonNull):
                return self._attribute(attribute, definition.type.of_type, nodes)
            case Entries() as shape:
                return self._entries(shape, nodes, definition)
        raise NotPlanned(f"{type_.name}.{nodes[0].node.name.value}")

    def _attribute(self, attribute: str, type_: Any, nodes: Sequence[FieldDetails]) -> Write:
        write_object = self._object(type_, nodes)

        async def write(value: Any, call: Call) -> Piece:
            return await write_object(getattr(value, attribute), call)

        return write

    def _entries(self, shape: Entries, nodes: Sequence[FieldDetails], definition: GraphQLField) -> Write:
        convert = arguments_of(definition_of(definition), self._compiler.config)
        relations: list[Relation] = []
        objects = Objects({"": self._template(shape, get_named_type(definition.type), nodes, relations)})

        async def write(value: Any, call: Call) -> Piece:
            sent = get_argument_values(definition, nodes[0].node, call.variables, nodes[0].fragment_variable_values)
            rows = shape.rows(value, **convert(sent))
            return objects.array(rows, await behind(relations, rows, call.reader, call.limit), call.limit)

        return write

    def _template(
        self, shape: Entries, type_: Any, asked: Sequence[FieldDetails], relations: list[Relation]
    ) -> _emit.Template:
        shown = Shown()

        def write_value(nodes: list[FieldDetails], definition: GraphQLField) -> None:
            place = shape.places.get(definition_of(definition).python_name)
            if place is None:
                raise NotPlanned(f"{type_.name}.{nodes[0].node.name.value}")
            shown.slot(self._slot(place, shape, definition, nodes, relations))

        self._compiler.write_object(shown, type_, asked, write_value)
        return shown.template()

    def _slot(
        self,
        place: int,
        shape: Entries,
        definition: GraphQLField,
        nodes: Sequence[FieldDetails],
        relations: list[Relation],
    ) -> Slot:
        of: Any = get_nullable_type(definition.type)
        nullable = not isinstance(definition.type, GraphQLNonNull)
        if not is_leaf_type(of):
            table = Table(shape.target)
            objects = self._compiler.objects(of, table, nodes)
            statement = self._compiler.look_up(table, shape.target.id)
            relations.append(Relation(_emit.ONE, place, objects, tuple(table.relations), statement))
            return Slot(_emit.ONE, place, nullable, len(relations) - 1)
        if isinstance(of, GraphQLEnumType):
            return Slot(_emit.WORD, place, nullable, words_of(of))
        kind = {"Int": _emit.INTEGER, "Boolean": _emit.BOOLEAN, "String": _emit.TEXT}[of.name]
        return Slot(kind, place, nullable)


def _always(text: bytes) -> Write:
    async def write(_value: Any, _call: Call) -> Piece:
        return text, 0

    return write


def _leaf(attribute: str, definition: GraphQLField) -> Write:
    of: Any = get_nullable_type(definition.type)
    nullable = not isinstance(definition.type, GraphQLNonNull)

    async def write(value: Any, _call: Call) -> Piece:
        found = getattr(value, attribute)
        if found is None and not nullable:
            raise Unusual("a null where there is none")
        return as_json(None if found is None else of.serialize(found)), 0

    return write
