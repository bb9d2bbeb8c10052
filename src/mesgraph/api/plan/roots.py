"""Where a plan begins: one thing by its key; lists have a module of their own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

from graphql import get_named_type
from graphql.execution.values import VariableValues

from mesgraph.api.context import Context
from mesgraph.api.plan._emit import Piece, Unusual
from mesgraph.api.plan.compiler import Compiler, Field, Table
from mesgraph.api.plan.readings import Reader, behind
from mesgraph.api.plan.shapes import Found
from mesgraph.api.plan.statements import Statement

Arguments: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of a plan: who asks, what it reads with, and how long its answer may become."""

    context: Context
    variables: VariableValues
    reader: Reader
    limit: int


class Root(Protocol):
    """A field at the root of a plan."""

    async def piece(self, arguments: Arguments, call: Call) -> Piece:
        """Its answer. Raises :class:`Unusual` where there is more to say than a plan can."""
        ...


class FoundRoot:
    """One thing by its key."""

    def __init__(self, compiler: Compiler, shape: Found, asked: Field) -> None:
        _, nodes, definition = asked
        assert definition is not None
        self._compiler, self._shape, self._table = compiler, shape, Table(shape.target)
        self._objects = compiler.objects(get_named_type(definition.type), self._table, nodes)
        self._statements: dict[Any, Statement] = {}

    async def piece(self, arguments: Arguments, call: Call) -> Piece:
        """The thing. When there is none, or the arguments name it in another way, graphql-core has the word."""
        key = self._shape.key(**arguments)
        if key is None:
            raise Unusual("named in another way")
        form = (key.column.key, *map(id, key.also))
        statement = self._statements.get(form)
        if statement is None:
            statement = self._compiler.look_up(self._table, key.column, *key.also)
            self._statements[form] = statement
        rows = (await call.reader.look_up(statement, [key.value])).get(key.value, ())
        if len(rows) != 1:
            raise Unusual("none, or several")
        further = await behind(self._table.relations, rows, call.reader, call.limit)
        return self._objects.each(rows, further, call.limit)[0]
