"""Lists: Relay connections over keysets, with a total order, so that paging neither skips nor repeats."""

import base64
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

import strawberry
from sqlalchemy import Select, func, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from mesgraph.api.context import Info
from mesgraph.errors import Refused, invalid
from mesgraph.words import UNKEPT

N = TypeVar("N")

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
    """A total order: integer or text columns that together are unique, all ascending or all descending."""

    columns: tuple[InstrumentedAttribute[Any], ...]
    descending: bool = False


async def page(info: Info, statement: Select[Any], order: Order, first: int, after: str | None) -> Any:
    """One page of ``statement``, which selects one entity (further columns are dropped)."""
    check_first(first)
    rows = await info.context.read(lambda session: _rows(session, statement, order, first + 1, after))
    shown = rows[:first]
    cursors = [_cursor(row, order) for row in shown]

    async def count() -> int:
        counted = select(func.count()).select_from(statement.order_by(None).subquery())
        return await info.context.read(lambda session: session.scalar(counted) or 0)

    return Connection(
        edges=[Edge(cursor=cursor, node=row) for cursor, row in zip(cursors, shown, strict=True)],
        nodes=list(shown),
        page_info=PageInfo(has_next_page=len(rows) > first, end_cursor=cursors[-1] if cursors else None),
        counting=count,
    )


def check_first(first: int) -> None:
    """Refuse a page size outside 1 to 500."""
    if not 1 <= first <= FIRST_MAX:
        raise Refused(invalid(f"first is {first}; it must lie between 1 and {FIRST_MAX}", "first"))


def _rows(session: Session, statement: Select[Any], order: Order, limit: int, after: str | None) -> Sequence[Any]:
    columns = order.columns
    if after is not None:
        place = tuple_(*columns)
        values = tuple_(*_read(after, order))
        statement = statement.where(place < values if order.descending else place > values)
    ordering = [column.desc() for column in columns] if order.descending else columns
    return session.scalars(statement.order_by(*ordering).limit(limit)).all()


def _cursor(row: Any, order: Order) -> str:
    values = [getattr(row, column.key) for column in order.columns]
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _read(cursor: str, order: Order) -> list[Any]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        values = None
    fits = isinstance(values, list) and len(values) == len(order.columns)
    if not fits or not all(
        type(value) is column.type.python_type and _can_stand(value)
        for value, column in zip(values, order.columns, strict=True)
    ):
        raise Refused(invalid(f"{cursor[:40]!r} is no cursor of this list", "after"))
    return list(values)


def _can_stand(value: Any) -> bool:
    """Whether the database can compare with it at all; cursors are written by strangers, too."""
    return -(2**63) <= value < 2**63 if isinstance(value, int) else not UNKEPT.search(value)
