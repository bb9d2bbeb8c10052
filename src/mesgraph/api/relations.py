"""Fields declared by column: those that lead from one row to others are loaded in batches."""

from collections.abc import Sequence
from typing import Any

import strawberry
from sqlalchemy.orm import InstrumentedAttribute

from mesgraph.api.context import Info
from mesgraph.api.plan.shapes import Reads, ToMany, ToOne, shaped
from mesgraph.db import Entity


def read_from(column: InstrumentedAttribute[Any], description: str) -> Any:
    """The value of a column under another name. Annotate the field with its GraphQL type."""

    def resolve(root: Any):  # type: ignore[no-untyped-def]  # the field's annotation types it
        return getattr(root, column.key)

    return strawberry.field(resolver=shaped(Reads(column))(resolve), description=description)


def to_one(column: InstrumentedAttribute[Any], target: type[Entity], description: str) -> Any:
    """The row of ``target`` that ``column`` of this row names. Annotate the field with its GraphQL type."""

    async def resolve(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's annotation types it
        return await info.context.one(target, getattr(root, column.key))

    return strawberry.field(resolver=shaped(ToOne(column, target))(resolve), description=description)


def to_many(
    column: InstrumentedAttribute[Any], target: type[Entity], description: str, order: Sequence[Any] = ()
) -> Any:
    """The rows of ``target`` whose ``column`` names this row, by id unless ``order`` says otherwise."""

    async def resolve(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's annotation types it
        return await info.context.many(target, column, root.id, order or (target.id,))

    shape = ToMany(column, target, order or (target.id,))
    return strawberry.field(resolver=shaped(shape)(resolve), description=description)
