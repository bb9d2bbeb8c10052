"""A server that answers traces by recursive SQL, as mesgraph did before it had the genealogy in memory.

Only there to be compared with: it changes where the trace comes from, and nothing of how it is executed and sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.applications import Starlette

from mesgraph.api.context import Context
from mesgraph.genealogy.graphql import trace as answered
from mesgraph.genealogy.graphql.trace import Wanted
from mesgraph.genealogy.trace import Question
from mesgraph.genealogy.traced import Completeness, Trace, TraceDirection, TraceNode
from mesgraph.genealogy.walked import trace
from mesgraph.ledger.queries import Cursor
from mesgraph.materials.models import Item


@dataclass(frozen=True)
class Found:
    """A node that has its row."""

    made: TraceNode

    @property
    def item_id(self) -> int:
        """The item."""
        return self.made.item.id


@dataclass(frozen=True)
class Walked:
    """What the resolvers of a trace read."""

    found: Trace
    question: Question
    as_of_asked: bool

    @property
    def root(self) -> Item:
        """The item asked about."""
        return self.found.root

    @property
    def direction(self) -> TraceDirection:
        """Which way."""
        return self.found.direction

    @property
    def depth(self) -> int:
        """How far the farthest item is away."""
        return self.found.depth

    @property
    def at(self) -> datetime | None:
        """The event time asked for."""
        return self.found.at

    @property
    def completeness(self) -> Completeness:
        """Whether this is all."""
        return self.found.completeness

    @property
    def entries(self) -> list[Found]:
        """The nodes."""
        return [Found(node) for node in self.found.nodes]

    def node(self, entry: Found, row: object) -> TraceNode:
        """The node, which has its row already."""
        return entry.made


async def walked_answer(
    context: Context,
    root: Item,
    direction: TraceDirection,
    question: Question,
    wanted: Wanted,
    as_of_asked: bool,
) -> Walked:
    """The trace by SQL, whole: the benchmark wants nothing less."""
    found = await context.read(lambda s: trace(s, s.merge(root, load=False), direction))
    return Walked(found, question, as_of_asked)


async def no_position(context: Context, as_of: Cursor | None) -> int:
    """SQL reads what is there."""
    return context.plant.tail.cursor.position


def no_rows(session: object, ids: Sequence[int]) -> dict[int, Any]:
    """Every node has its row."""
    return dict.fromkeys(ids)


def application() -> Starlette:
    """The application of :mod:`mesgraph.server`, with traces by SQL."""
    answered.answer_of = walked_answer  # type: ignore[assignment]  # has what the resolvers read
    answered.position_of = no_position
    answered.items_of = no_rows
    from mesgraph.server import application as ordinary

    return ordinary()
