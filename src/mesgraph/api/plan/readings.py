"""What a plan reads of one table: columns, how its rows are written, and the relations that lead on from them.

Relations are read for all rows of a table at once, and what stands behind them is written first: a row is written when
everything in it is there to be copied.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Protocol, TypeAlias, TypeVar

from sqlalchemy.orm import Session

from mesgraph.api.plan._emit import MANY, Objects, Piece
from mesgraph.api.plan.kinds import as_json
from mesgraph.api.plan.statements import Statement

T = TypeVar("T")

Rows: TypeAlias = Sequence[Any]
"""Rows of a driver, whose values are by number and in the form in which they are stored."""
Behind: TypeAlias = list[dict[Any, Piece]]
"""For each relation what stands behind each key."""


class Reader(Protocol):
    """What a plan reads with, for one caller."""

    async def fetch(self, statement: Statement, values: Mapping[str, Any]) -> Rows:
        """The rows of a statement."""
        ...

    async def look_up(self, statement: Statement, keys: Iterable[Any]) -> Mapping[Any, Rows]:
        """The rows of a statement by their keys, which are their first column; keys without rows are left out."""
        ...

    async def read(self, query: Callable[[Session], T]) -> T:
        """Ask with a session in the caller's scope."""
        ...


@dataclass(frozen=True)
class Relation:
    """From a column of one table to rows of another, which ``statement`` looks up by their first column."""

    kind: int
    column: int
    objects: Objects
    relations: tuple["Relation | Computation", ...]
    statement: Statement

    async def behind(self, rows: Iterable[Any], reader: Reader, limit: int) -> dict[Any, Piece]:
        """What stands behind each key in ``rows``."""
        keys = {key for row in rows if (key := row[self.column]) is not None}
        if not keys:
            return {}
        found = await reader.look_up(self.statement, keys)
        further = await behind(self.relations, list(chain.from_iterable(found.values())), reader, limit)
        if self.kind == MANY:
            return {key: self.objects.array(of_key, further, limit) for key, of_key in found.items()}
        pieces = self.objects.each((of_key[0] for of_key in found.values()), further, limit)
        return dict(zip(found, pieces, strict=True))


@dataclass(frozen=True)
class Computation:
    """From a column of a table to what Python code makes of it, or of what is found from there by ``hops``."""

    column: int
    hops: tuple[Statement, ...]
    load: Callable[[Session, set[Any]], Mapping[Any, Any]]

    async def behind(self, rows: Iterable[Any], reader: Reader, _limit: int) -> dict[Any, Piece]:
        """What each key in ``rows`` comes to."""
        keys = {key: key for row in rows if (key := row[self.column]) is not None}
        for hop in self.hops:
            found = await reader.look_up(hop, set(keys.values()))
            keys = {key: found[at][0][1] for key, at in keys.items() if at in found}
        made = await reader.read(lambda session: self.load(session, set(keys.values())))
        return {key: (as_json(made[at]), 0) for key, at in keys.items() if at in made}


async def behind(relations: Sequence[Relation | Computation], rows: Rows, reader: Reader, limit: int) -> Behind:
    """What the relations of ``rows`` lead to."""
    return [await relation.behind(rows, reader, limit) for relation in relations]
