"""Lists: Relay connections over keysets, with a total order, so that paging neither skips nor repeats.

A list is ``things(filter: ThingFilter, orderBy: ThingOrder!, first, after)``. The conditions of a filter stand in
:mod:`mesgraph.api.filters`, the orders of a list are declared with :func:`orders`.
"""

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated, Any, Generic, TypeAlias, TypeVar, cast

import strawberry
from sqlalchemy import ColumnElement, Select, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session
from sqlalchemy.types import TypeDecorator

from mesgraph.api.context import Context, Info
from mesgraph.api.enums import described_enum
from mesgraph.api.plan.shapes import Listed, shaped
from mesgraph.db import Entity
from mesgraph.errors import Refused, invalid
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.words import UNKEPT

N = TypeVar("N")
F = TypeVar("F")
E = TypeVar("E", bound=StrEnum)

FIRST_DEFAULT, FIRST_MAX = 50, 500

First = Annotated[int, strawberry.argument(description="How many at most: 1 to 500, 50 when left out.")]
After = Annotated[str | None, strawberry.argument(description="`endCursor` of the page before.")]


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Relay's page info; lists are read forwards."""

    has_next_page: bool = strawberry.field(description="Whether there is more behind this page.")
    end_cursor: str | None = strawberry.field(description="Pass it as `after` for the next page.")


@strawberry.type(description="A place in a list and the thing that stands there.")
class Edge(Generic[N]):
    """Relay's edge."""

    cursor: str = strawberry.field(description="This place.")
    node: N = strawberry.field(description="The thing.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[N]):
    """Relay's connection."""

    edges: list[Edge[N]] = strawberry.field(description="Places with things.")
    nodes: list[N] = strawberry.field(description="The things alone.")
    page_info: PageInfo = strawberry.field(description="Where this page ends.")
    counting: strawberry.Private[Callable[[], Any]]

    @strawberry.field(description="How many there are in all. Counted only when asked; on long lists it costs.")
    async def total_count(self) -> int:
        """The count behind the page."""
        count: int = await self.counting()
        return count


@dataclass(frozen=True)
class Order:
    """A total order: columns that together are unique, all ascending or all descending.

    Rows without a value in the first column stand at the end, in either direction. ``name`` stands in the cursors, so
    that a cursor of one order is refused by another.
    """

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False
    name: str = ""

    @property
    def entity(self) -> type[Entity]:
        """The rows that are ordered."""
        return cast(type[Entity], self.columns[0].class_)


def orders(words: type[E], description: str, lines: Mapping[E, tuple[Order, str]]) -> dict[E, Order]:
    """The orders of one list as a GraphQL enum ``words``: for each word its order and its meaning."""
    described_enum(words, description, {word: meaning for word, (_, meaning) in lines.items()})
    return {word: replace(order, name=word) for word, (order, _) in lines.items()}


Listing: TypeAlias = Select[Any] | Callable[[Session], Select[Any]]
"""A statement that selects one entity, or what makes it once the things are looked up that its filter names."""


async def page(info: Info, listing: Listing, order: Order, first: int, after: str | None) -> Any:
    """One page of what ``listing`` selects (columns beside the entity are dropped)."""
    check_first(first)

    def statement(session: Session) -> Select[Any]:
        return listing if isinstance(listing, Select) else listing(session)

    rows = await info.context.read(lambda session: _rows(session, statement(session), order, first + 1, after))
    shown = rows[:first]
    if after is not None:
        info.context.note(SecurityEventKind.MASS_EXPORT, times=len(shown))
    cursors = [_cursor(row, order) for row in shown]

    async def count() -> int:
        def counted(session: Session) -> int:
            whole = statement(session).order_by(None).subquery()
            return session.scalar(select(func.count()).select_from(whole)) or 0

        return await info.context.read(counted)

    return Connection(
        edges=[Edge(cursor=cursor, node=row) for cursor, row in zip(cursors, shown, strict=True)],
        nodes=list(shown),
        page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=cursors[-1] if cursors else None),
        counting=count,
    )


def listing(
    description: str,
    filter: type[F],
    orders: Mapping[E, Order],
    default: E,
    whole: Select[Any] | Callable[[Context], Select[Any]],
    conditions: Callable[[Context, Session, F], Iterable[ColumnElement[bool]]],
) -> Any:
    """The field of one list: ``things(filter, orderBy, first, after)`` (decision 0015).

    ``whole`` selects everything that there is to list, of a context where not everybody sees the same; ``conditions``
    are those of a filter. The type of the field stands where it is declared, as its annotation.
    """
    shape = Listed(orders[default].entity, whole, conditions, orders)

    async def resolve(info: Info, filter: Any, order_by: Any, first: int, after: str | None) -> Any:
        return await page(info, lambda s: shape.selected(info.context, s, filter), orders[order_by], first, after)

    order = type(default)
    resolve.__annotations__ = {
        "info": Info,
        "filter": Annotated[filter | None, strawberry.argument(description="Which; all when left out.")],
        "order_by": Annotated[order, strawberry.argument(description="In which order.")],
        "first": First,
        "after": After,
    }
    resolve.__defaults__ = (None, default, FIRST_DEFAULT, None)
    return strawberry.field(resolver=shaped(shape)(resolve), description=description)


def check_first(first: int) -> None:
    """Refuse a page size outside 1 to 500."""
    if not 1 <= first <= FIRST_MAX:
        raise Refused(invalid(f"first is {first}; it must lie between 1 and {FIRST_MAX}", "first"))


def _rows(session: Session, statement: Select[Any], order: Order, limit: int, after: str | None) -> Sequence[Any]:
    place = None if after is None else place_of(read_cursor(after, order), order)
    rows: list[Any] = []
    for part in ranges(statement, order, place):
        if len(rows) < limit:
            rows += session.scalars(part.limit(limit - len(rows)))
    return rows


def place_of(stored: Sequence[Any], order: Order) -> list[ColumnElement[Any] | None]:
    """The values of a cursor as a statement compares with them; none where a column is empty."""
    return [
        None if value is None else literal(_loaded(value, column), column.type)
        for value, column in zip(stored, order.columns, strict=True)
    ]


def ranges(
    statement: Select[Any], order: Order, place: Sequence[ColumnElement[Any] | None] | None
) -> list[Select[Any]]:
    """``statement`` in ``order`` from behind ``place`` on: ranges of indexes to read until there are enough rows.

    They are two where the first column of the order may be empty: a condition that covers both would be read from the
    start.
    """
    leading, rest = order.columns[0], replace(order, columns=order.columns[1:])
    if not _may_be_empty(leading):
        return [_behind(statement, order, place)]
    valued, empty = statement.where(leading.is_not(None)), statement.where(leading.is_(None))
    if place is not None and place[0] is None:
        return [_behind(empty, rest, place[1:])]
    return [_behind(valued, order, place), _behind(empty, rest, None)]


def _behind(statement: Select[Any], order: Order, place: Sequence[ColumnElement[Any] | None] | None) -> Select[Any]:
    columns = order.columns
    if place is not None:
        here = tuple_(*place)
        statement = statement.where(tuple_(*columns) < here if order.descending else tuple_(*columns) > here)
    return statement.order_by(*(column.desc() for column in columns) if order.descending else columns)


def _may_be_empty(column: InstrumentedAttribute[Any]) -> bool:
    return bool(column.property.columns[0].nullable)


def _cursor(row: Any, order: Order) -> str:
    return write_cursor([_stored(getattr(row, column.key), column) for column in order.columns], order)


def write_cursor(values: Sequence[Any], order: Order) -> str:
    """The cursor of a row with these stored values in the columns of its order."""
    return base64.urlsafe_b64encode(json.dumps([order.name, *values]).encode()).decode().rstrip("=")


def read_cursor(cursor: str, order: Order) -> list[Any]:
    """The stored values that a cursor holds. Refuses VALIDATION_FAILED for a cursor of anything else."""
    try:
        name, *values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if name != order.name:
            raise ValueError(f"a cursor of order {name!r}")
        for value, column in zip(values, order.columns, strict=True):
            _loaded(value, column)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise Refused(invalid(f"{cursor[:40]!r} is no cursor of this list in this order", "after")) from error
    return list(values)


def _stored(value: Any, column: InstrumentedAttribute[Any]) -> Any:
    """A value of the column as a cursor holds it: an integer, a text, or none."""
    if not isinstance(column.type, TypeDecorator):
        return value
    return column.type.process_bind_param(value, None)  # type: ignore[arg-type]  # none of ours asks for the dialect


def _loaded(value: Any, column: InstrumentedAttribute[Any]) -> Any:
    """The reverse. Raises ``ValueError`` for what is no value of the column: cursors are written by strangers, too."""
    if value is None and _may_be_empty(column):
        return None
    decorator = column.type if isinstance(column.type, TypeDecorator) else None
    stored = decorator.impl_instance if decorator else column.type
    if type(value) is not stored.python_type or not _can_stand(value):
        raise ValueError(f"no value of {column.key}")
    if decorator is None:
        return value
    return decorator.process_result_value(value, None)  # type: ignore[arg-type]  # none of ours asks for the dialect


def _can_stand(value: Any) -> bool:
    """Whether the database can compare with it at all."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else not UNKEPT.search(value)
