"""From selections to columns, templates and statements."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    GraphQLField,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    get_named_type,
    get_nullable_type,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails, FragmentDetails, collect_fields, collect_subfields
from graphql.execution.values import VariableValues
from sqlalchemy import ColumnElement, Dialect, Select, inspect, select
from sqlalchemy.orm import InstrumentedAttribute
from strawberry.schema.config import StrawberryConfig

from mesgraph.access.decision import permit
from mesgraph.access.policy import MASK, MASKED, RECORDED, audience
from mesgraph.access.roles import EVERYONE
from mesgraph.api.nodes import NODES
from mesgraph.api.plan import _emit
from mesgraph.api.plan._emit import Objects, Slot, Template
from mesgraph.api.plan.kinds import NotPlanned, as_json, kind_of
from mesgraph.api.plan.readings import Computation, Relation
from mesgraph.api.plan.shapes import Computed, Expression, Identity, Part, Reads, ToMany, ToOne, definition_of, shape_of
from mesgraph.api.plan.statements import KEYS, Statement, among, made, scoped
from mesgraph.db import Entity
from mesgraph.errors import Denied
from mesgraph.work import Actor

Field = tuple[str, list[FieldDetails], GraphQLField | None]
"""The name under which a field answers, where the document asks for it, and its definition: none for ``__typename``."""


class Table:
    """Columns and relations of one table while they are gathered: what is asked for twice is read once.

    The first column is the key by which rows are looked up; what it is, the statement says.
    """

    def __init__(self, entity: type[Entity]) -> None:
        self.entity = entity
        self.relations: list[Relation | Computation] = []
        self._columns: list[Expression] = []
        self._known: dict[Any, int] = {}

    def column(self, expression: Expression) -> int:
        """The number of a column."""
        name = expression.key if isinstance(expression, InstrumentedAttribute) else id(expression)
        if name not in self._known:
            self._columns.append(expression)
            self._known[name] = len(self._columns)
        return self._known[name]

    def relation(self, name: Any, made: Callable[[], Relation | Computation]) -> int:
        """The number of a relation."""
        if name not in self._known:
            self.relations.append(made())
            self._known[name] = len(self.relations) - 1
        return self._known[name]

    def columns(self, key: Expression | None = None) -> list[Expression]:
        """All columns, the first of them ``key``."""
        return [self.entity.id if key is None else key, *self._columns]


class Shown:
    """A template while it grows: what is fixed runs together, slots divide it."""

    def __init__(self) -> None:
        self._fixed = [b""]
        self._slots: list[Slot] = []
        self._objects = 0

    def put(self, piece: bytes) -> None:
        """Bytes that are always the same."""
        self._fixed[-1] += piece

    def slot(self, slot: Slot) -> None:
        """A place for a value."""
        self._slots.append(slot)
        self._fixed.append(b"")

    def begin(self) -> None:
        """An object begins."""
        self._objects += 1
        self.put(b"{")

    def template(self) -> Template:
        """What has grown."""
        return Template(self._fixed, self._slots, self._objects)


@dataclass(frozen=True)
class Compiler:
    """Compiles the selections of one operation, for callers who may all see the same."""

    schema: GraphQLSchema
    config: StrawberryConfig
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDetails]
    variables: VariableValues
    actor: Actor
    dialect: Dialect
    everywhere: bool

    def root(self) -> Iterator[Field]:
        """The fields at the root."""
        query = self.schema.query_type
        assert query is not None
        grouped = collect_fields(self.schema, self.fragments, self.variables, query, self.operation).grouped_field_set
        return self._permitted(query, grouped)

    def fields(self, type_: GraphQLObjectType, asked: Sequence[FieldDetails]) -> Iterator[Field]:
        """The fields of a selection. Raises :class:`NotPlanned` for one that these callers may not see."""
        grouped = collect_subfields(
            self.schema, self.fragments, self.variables, self.operation, type_, list(asked)
        ).grouped_field_set
        return self._permitted(type_, grouped)

    def _permitted(self, type_: GraphQLObjectType, grouped: dict[str, list[FieldDetails]]) -> Iterator[Field]:
        for name, nodes in grouped.items():
            of_schema = nodes[0].node.name.value
            if of_schema.startswith("__"):
                if of_schema != "__typename":
                    raise NotPlanned(of_schema)
                yield name, nodes, None
                continue
            if not self._may_see(type_.name, of_schema):
                raise NotPlanned(f"{type_.name}.{of_schema}")
            yield name, nodes, type_.fields[of_schema]

    def _may_see(self, type_name: str, name: str) -> bool:
        """Whether these callers may, and nobody has to be told that they did."""
        if (type_name, name) in RECORDED:
            return False
        roles = audience(type_name, name)
        if type_name != "Query" and roles == EVERYONE:
            return True
        try:
            permit(self.actor, type_name, name, roles)
        except Denied:
            return False
        return True

    def _types(self, shown: Any) -> list[GraphQLObjectType]:
        if isinstance(shown, GraphQLObjectType):
            return [shown]
        return [type_ for type_ in self.schema.get_possible_types(shown) if type_.name in NODES]

    def objects(self, shown: Any, table: Table, asked: Sequence[FieldDetails]) -> Objects:
        """How rows of ``table`` are written as objects of the type ``shown``."""
        types = [
            type_ for type_ in self._types(shown) if type_.name not in NODES or NODES[type_.name].row is table.entity
        ]
        kinds = table.entity.kinds
        if not types or (kinds is None and len(types) > 1):
            raise NotPlanned(f"{shown.name} of rows of {table.entity.__name__}")
        if kinds is None:
            return Objects({types[0].name: self._template(types[0], table, asked)})
        column, names = kinds
        number = table.column(getattr(table.entity, column))
        words = {name: word for word, name in names.items()}
        return Objects({words[type_.name].value: self._template(type_, table, asked) for type_ in types}, number)

    def look_up(
        self, table: Table, key: Expression, *also: ColumnElement[bool], order: Sequence[Any] = ()
    ) -> Statement:
        """Reads rows of ``table`` by ``key``."""
        wanted = among(key, KEYS, self.dialect.name)
        return self.made(select(*table.columns(key)).where(wanted, *also).order_by(*order), table.entity)

    def made(self, selected: Select[Any], entity: type[Entity]) -> Statement:
        """The SQL of a statement over one table, in the scope of these callers."""
        if not self.everywhere:
            selected = scoped(selected, entity, self.dialect.name)
        return made(selected, self.dialect, everywhere=self.everywhere)

    def write_object(
        self,
        shown: Shown,
        type_: GraphQLObjectType,
        asked: Sequence[FieldDetails],
        write_value: Callable[[list[FieldDetails], GraphQLField], None],
    ) -> None:
        """An object whose values ``write_value`` writes."""
        shown.begin()
        lead = b""
        for name, nodes, definition in self.fields(type_, asked):
            shown.put(lead + as_json(name) + b":")
            lead = b","
            if definition is None:
                shown.put(as_json(type_.name))
            else:
                write_value(nodes, definition)
        shown.put(b"}")

    def _template(self, type_: GraphQLObjectType, table: Table, asked: Sequence[FieldDetails]) -> Template:
        shown = Shown()
        self.write_object(shown, type_, asked, lambda nodes, of: self._value(shown, type_, table, nodes, of))
        return shown.template()

    def _value(
        self, shown: Shown, type_: GraphQLObjectType, table: Table, nodes: list[FieldDetails], definition: GraphQLField
    ) -> None:
        name = nodes[0].node.name.value
        match shape_of(definition):
            case Identity():
                slot = Slot(_emit.IDENTITY, table.column(table.entity.id), False, f"{type_.name}:".encode())
                self._leaf(shown, type_, name, definition, slot)
            case str(attribute) if attribute in inspect(table.entity).column_attrs:
                self._column(shown, type_, name, definition, table, getattr(table.entity, attribute))
            case Reads(expression=expression):
                self._column(shown, type_, name, definition, table, expression)
            case Part(fields=fields) if isinstance(definition.type, GraphQLNonNull):
                self._part(shown, table, nodes, definition.type.of_type, fields)
            case Computed() as shape if is_leaf_type(get_nullable_type(definition.type)):
                shown.slot(self._computed(table, definition, shape))
            case ToOne() | ToMany() as shape:
                shown.slot(self._relation(table, nodes, definition, shape))
            case _:
                raise NotPlanned(f"{type_.name}.{name}")

    def _column(
        self,
        shown: Shown,
        type_: GraphQLNamedType,
        name: str,
        definition: GraphQLField,
        table: Table,
        expression: Expression,
    ) -> None:
        named: Any = get_nullable_type(definition.type)
        kind, of = kind_of(expression.type, named)
        nullable = not isinstance(definition.type, GraphQLNonNull)
        self._leaf(shown, type_, name, definition, Slot(kind, table.column(expression), nullable, of))

    def _leaf(self, shown: Shown, type_: GraphQLNamedType, name: str, definition: GraphQLField, slot: Slot) -> None:
        readers = MASKED.get(type_.name, {}).get(name)
        if readers is None or self.actor.has_any(readers):
            shown.slot(slot)
        elif isinstance(definition.type, GraphQLNonNull):
            shown.put(as_json(MASK))
        else:
            shown.slot(Slot(_emit.MASK, slot.column, True, as_json(MASK)))

    def _part(
        self,
        shown: Shown,
        table: Table,
        nodes: Sequence[FieldDetails],
        type_: Any,
        parts: Mapping[str, Expression | Computed],
    ) -> None:
        def write_value(below: list[FieldDetails], definition: GraphQLField) -> None:
            part = parts[definition_of(definition).python_name]
            if isinstance(part, Computed):
                shown.slot(self._computed(table, definition, part))
            else:
                self._column(shown, type_, below[0].node.name.value, definition, table, part)

        self.write_object(shown, type_, nodes, write_value)

    def _computed(self, table: Table, definition: GraphQLField, shape: Computed) -> Slot:
        column = table.column(shape.column)

        def made() -> Computation:
            hops = []
            for through in shape.through:
                hop = Table(cast(type[Entity], through.class_))
                hop.column(through)
                hops.append(self.look_up(hop, hop.entity.id))
            return Computation(column, tuple(hops), shape.load)

        number = table.relation((column, shape.load), made)
        return Slot(_emit.ONE, column, not isinstance(definition.type, GraphQLNonNull), number)

    def _relation(
        self, table: Table, nodes: Sequence[FieldDetails], definition: GraphQLField, shape: ToOne | ToMany
    ) -> Slot:
        kind = _emit.MANY if isinstance(shape, ToMany) else _emit.ONE
        column = table.column(table.entity.id if isinstance(shape, ToMany) else shape.column)

        def made() -> Relation:
            behind = Table(shape.target)
            key = shape.column if isinstance(shape, ToMany) else shape.target.id
            objects = self.objects(get_named_type(definition.type), behind, nodes)
            order = shape.order if isinstance(shape, ToMany) else ()
            return Relation(kind, column, objects, tuple(behind.relations), self.look_up(behind, key, order=order))

        number = table.relation((kind, column, *(id(details.node) for details in nodes)), made)
        return Slot(kind, column, not isinstance(definition.type, GraphQLNonNull), number)
