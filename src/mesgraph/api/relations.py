"""Fields that lead from one row to others, declared by column so that they are loaded in batches."""

from collections.abc import Sequence
from typing import Any

import strawberry
from sqlalchemy.orm import InstrumentedAttribute

from mesgraph.api.context import Info
from mesgraph.db import Entity


def to_one(column: InstrumentedAttribute[Any], target: type[Entity], description: str) -> Any:
    """The row of ``target`` that ``column`` of this row names. Annotate the field with its GraphQL type."""

    async def resolve(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's annotation types it
        return await info.context.one(target, getattr(root, column.key))

    return strawberry.field(resolver=resolve, description=description)


def to_many(
    column: InstrumentedAttribute[Any], target: type[Entity], description: str, order: Sequence[Any] = ()
) -> Any:
    """The rows of ``target`` whose ``column`` names this row, by id unless ``order`` says otherwise."""

    async def resolve(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's annotation types it
        return await info.context.many(target, column, root.id, order or (target.id,))

    return strawberry.field(resolver=resolve, description=description)
