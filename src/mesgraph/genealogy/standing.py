"""Standing traces: which of the watched items an activity touches, asked once for all who watch.

A trace is not kept for each of thousands of watched items, and followed as it grows. The question is turned round: what
the items of the activity were made from and what was made from them, at its place in the record, has the watched items
in it or has not. So nothing grows, a reversal needs no care, and who comes back with an old cursor is told the same.
"""

import asyncio
import weakref
from array import array
from collections import Counter, OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mesgraph.ledger.queries import Recorded

if TYPE_CHECKING:
    from mesgraph.genealogy.core import Core

Items = frozenset[int]
KEPT = 5_000
"""Activities whose answers are kept for those who are slower, as many as the tail keeps."""


class StandingTraces:
    """The items that are watched now, and which of them the latest activities touch."""

    def __init__(self, core: "Core") -> None:
        # of a plant that ended the graph must go at once: it holds much, and a ring would wait for a collection
        self._core = weakref.proxy(core)
        self._watched: Counter[int] = Counter()
        self._answers: OrderedDict[int, tuple[Items, asyncio.Task[Items]]] = OrderedDict()

    @contextmanager
    def watching(self, item: int) -> Iterator[None]:
        """Watch an item for the time of the block."""
        self._watched[item] += 1
        try:
            yield
        finally:
            self._watched[item] -= 1
            if not self._watched[item]:
                del self._watched[item]

    async def touches(self, event: Recorded, item: int) -> bool:
        """Whether an activity names a watched item, something it was made from, or something that was made from it.

        Raises :class:`Unavailable` as :meth:`Core.come_to` does.
        """
        asked, answer = self._answers.get(event.position, (frozenset(), None))
        if answer is None or item not in asked:
            asked = frozenset(self._watched)
            answer = asyncio.create_task(self._touched_by(event, asked))
            self._answers[event.position] = asked, answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        # one who leaves does not take the answer away from the others
        return item in await asyncio.shield(answer)

    async def _touched_by(self, event: Recorded, watched: Items) -> Items:
        try:
            await self._core.come_to(event.position)
            return await asyncio.to_thread(self._related, event, watched)
        except BaseException:
            self._answers.pop(event.position, None)
            raise

    def _related(self, event: Recorded, watched: Items) -> Items:
        graph = self._core.graph
        named = array("i", [node for _, item, _ in event.subjects if (node := graph.node(item)) >= 0])
        nodes = {item: node for item in watched if (node := graph.node(item)) >= 0}
        related = graph.related(named, array("i", nodes.values()), as_of=event.position)
        return frozenset(item for item, one in zip(nodes, related, strict=True) if one)
