"""Lists in plans: a page of rows, and what a connection shows of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from graphql import GraphQLObjectType, get_named_type
from graphql.execution.collect_fields import FieldDetails
from sqlalchemy import Select, bindparam, func, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator

from mesgraph.api.paging import FIRST_MAX, Order, place_of, ranges, read_cursor, write_cursor
from mesgraph.api.plan._emit import Piece, Unusual
from mesgraph.api.plan.compiler import Compiler, Field, Table
from mesgraph.api.plan.kinds import NotPlanned, as_json
from mesgraph.api.plan.readings import Behind, Rows, behind
from mesgraph.api.plan.roots import Arguments, Call
from mesgraph.api.plan.shapes import NOW, Expression, Listed
from mesgraph.api.plan.statements import LIMIT, Statement, limited
from mesgraph.security_events.kinds import SecurityEventKind


@dataclass(frozen=True)
class Page:
    """A page that was read: rows, what stands behind them, what tells where one stands in the list, and whether more
    follow.
    """

    rows: Rows
    behind: Behind
    cursor: Callable[[Any], str]
    more: bool
    count: int | None
    limit: int


Written: TypeAlias = Callable[[Page], Piece]
EachWritten: TypeAlias = Callable[[Page], Sequence[Piece]]


class ListRoot:
    """A page of a list."""

    def __init__(self, compiler: Compiler, shape: Listed, asked: Field) -> None:
        _, nodes, definition = asked
        assert definition is not None
        connection: Any = get_named_type(definition.type)
        self._compiler, self._shape = compiler, shape
        self._table = Table(shape.entity)
        self._places = {
            order.name: [self._table.column(column) for column in order.columns] for order in shape.orders.values()
        }
        self._is_counted = False
        self._write = self._object(connection, nodes, self._of_connection)
        self._statements: dict[Any, Sequence[Statement]] = {}

    async def piece(self, arguments: Arguments, call: Call) -> Piece:
        """The page. Raises :class:`Unusual` for sizes that are refused; a wrong cursor is refused as elsewhere."""
        first, after = arguments["first"], arguments.get("after")
        if not 1 <= first <= FIRST_MAX:
            raise Unusual("a page of another size")
        order: Order = self._shape.orders[arguments["order_by"]]
        place = None if after is None else read_cursor(after, order)
        rows = await self._rows(arguments.get("filter"), order, place, first + 1, call)
        shown = rows[:first]
        if after is not None:
            call.context.note(SecurityEventKind.MASS_EXPORT, times=len(shown))
        further = await behind(self._table.relations, shown, call.reader, call.limit)
        count = await self._count(arguments.get("filter"), call) if self._is_counted else None
        return self._write(Page(shown, further, self._cursor_in(order), len(rows) > first, count, call.limit))

    def _cursor_in(self, order: Order) -> Callable[[Any], str]:
        columns = self._places[order.name]
        return lambda row: write_cursor([row[column] for column in columns], order)

    async def _count(self, wanted: Any, call: Call) -> int:
        """How many there are in all. That goes through the whole list, so SQLite does it beside the event loop."""
        return await call.context.read(partial(self._counted, wanted, call))

    def _counted(self, wanted: Any, call: Call, session: Session) -> int:
        selected = self._shape.selected(call.context, session, wanted)
        return session.scalar(select(func.count()).select_from(selected.subquery())) or 0

    async def _rows(self, wanted: Any, order: Order, place: Sequence[Any] | None, limit: int, call: Call) -> Rows:
        if wanted is not None or not isinstance(self._shape.whole, Select):
            return await call.context.read(lambda session: self._found(session, wanted, order, place, limit, call))
        values = {f"after{n}": value for n, value in enumerate(place or ())}
        rows: list[Any] = []
        for statement in self._of_whole(order, place):
            if len(rows) < limit:
                rows += await call.reader.fetch(statement, {**values, LIMIT: limit - len(rows)})
        return rows

    def _of_whole(self, order: Order, place: Sequence[Any] | None) -> Sequence[Statement]:
        """Statements of the whole list, made once for each order and each form of a place in it."""
        form = order.name, place and tuple(value is None for value in place)
        if form not in self._statements:
            assert isinstance(self._shape.whole, Select)
            here = place and [
                None if value is None else bindparam(f"after{n}", None, type_=column.type)
                for n, (value, column) in enumerate(zip(place, order.columns, strict=True))
            ]
            whole = self._shape.whole.with_only_columns(*self._table.columns())
            self._statements[form] = [
                self._compiler.made(limited(part), self._table.entity) for part in ranges(whole, order, here)
            ]
        return self._statements[form]

    def _found(
        self, session: Session, wanted: Any, order: Order, place: Sequence[Any] | None, limit: int, call: Call
    ) -> Rows:
        """Rows of a filtered list, in the form in which they are stored; in the scope of the session."""
        selected = self._shape.selected(call.context, session, wanted)
        selected = selected.with_only_columns(*map(_as_stored, self._table.columns()))
        now = {NOW.key: call.context.plant.clock.now()}
        rows: list[Any] = []
        for part in ranges(selected, order, place and place_of(place, order)):
            if len(rows) < limit:
                rows += session.execute(part.limit(limit - len(rows)), now).all()
        return rows

    def _object(
        self,
        type_: GraphQLObjectType,
        asked: Sequence[FieldDetails],
        of_field: Callable[[str, Sequence[FieldDetails], Any], Written],
    ) -> Written:
        """How an object is written whose fields are written by what ``of_field`` makes of them."""
        parts = list(self._fields(type_, asked, of_field))

        def write(page: Page) -> Piece:
            pieces = [(lead, write_field(page)) for lead, write_field in parts]
            text = b",".join(lead + piece for lead, (piece, _) in pieces)
            return b"{" + text + b"}", 1 + sum(objects for _, (_, objects) in pieces)

        return write

    def _fields(
        self, type_: GraphQLObjectType, asked: Sequence[FieldDetails], of_field: Callable[..., Any]
    ) -> Iterator[tuple[bytes, Any]]:
        for name, nodes, definition in self._compiler.fields(type_, asked):
            if definition is None:
                yield as_json(name) + b":", _always(as_json(type_.name))
            else:
                yield as_json(name) + b":", of_field(nodes[0].node.name.value, nodes, get_named_type(definition.type))

    def _of_connection(self, name: str, nodes: Sequence[FieldDetails], shown: Any) -> Written:
        match name:
            case "nodes":
                objects = self._compiler.objects(shown, self._table, nodes)
                return lambda page: objects.array(page.rows, page.behind, page.limit)
            case "edges":
                return self._edges(shown, nodes)
            case "totalCount":
                self._is_counted = True
                return lambda page: (as_json(page.count), 0)
            case "pageInfo":
                return self._object(shown, nodes, _of_page_info)
        raise NotPlanned(f"a connection's {name}")

    def _edges(self, edge: GraphQLObjectType, asked: Sequence[FieldDetails]) -> Written:
        parts = list(self._fields(edge, asked, self._of_edge))

        def write(page: Page) -> Piece:
            columns = [_each(lead, of_field, page) for lead, of_field in parts]
            texts = [texts for texts, _ in columns]
            edges = [b"{" + b",".join(of_edge) + b"}" for of_edge in zip(*texts, strict=True)]
            if not parts:  # all of it was skipped
                edges = [b"{}"] * len(page.rows)
            return b"[" + b",".join(edges) + b"]", len(edges) + sum(objects for _, objects in columns)

        return write

    def _of_edge(self, name: str, nodes: Sequence[FieldDetails], shown: Any) -> EachWritten:
        if name == "cursor":
            return lambda page: [(as_json(page.cursor(row)), 0) for row in page.rows]
        objects = self._compiler.objects(shown, self._table, nodes)
        return lambda page: objects.each(page.rows, page.behind, page.limit)


def _each(lead: bytes, write: Callable[[Page], Any], page: Page) -> tuple[list[bytes], int]:
    """A field of every edge."""
    pieces = write(page)
    if isinstance(pieces, tuple):  # the same for all
        pieces = [pieces] * len(page.rows)
    return [lead + piece for piece, _ in pieces], sum(objects for _, objects in pieces)


def _always(text: bytes) -> Written:
    return lambda _: (text, 0)


def _of_page_info(name: str, _nodes: Sequence[FieldDetails], _shown: Any) -> Written:
    if name == "hasNextPage":
        return lambda page: (as_json(page.more), 0)
    return lambda page: (as_json(page.cursor(page.rows[-1]) if page.rows else None), 0)


def _as_stored(expression: Expression) -> Any:
    """A column without what its type makes of it."""
    of = expression.type
    return type_coerce(expression, of.impl_instance) if isinstance(of, TypeDecorator) else expression
