"""Where a subscription is in the record."""

import asyncio
from typing import TYPE_CHECKING

from strawberry.types import ExecutionContext

from mesgraph.ledger.queries import Cursor

if TYPE_CHECKING:
    from mesgraph.api.prepared import Prepared


class Place:
    """A subscription tells its place where it is. This one is alone and remains so: plain execution.

    ``start``: from where on it follows, whatever its document says. ``stops``: it ends when it has caught up with the
    record, for then it goes on in a group. ``begun`` is the position of the event that was looked at last, ``done`` of
    the last one of which nothing is left to send: in between, messages of one event are on their way.
    """

    def __init__(self, start: Cursor | None = None) -> None:
        self.start = start
        self.stops = False
        self.begun = self.done = 0
        self.woken: asyncio.Event | None = None
        """Of a topic that shows a state: set it, and it looks again."""

    def asks(self, execution: ExecutionContext, prepared: "Prepared") -> None:
        """This is asked; it may still be refused, also by :class:`~mesgraph.api.limits.Excess` here."""

    def begin(self, position: int) -> None:
        """The event at ``position`` is looked at next."""
        self.begun = position

    def end(self, position: int) -> None:
        """All that there is to say about the event at ``position`` was said."""
        self.begun = self.done = position

    def look(self) -> None:
        """A state is looked at now."""

    def looked(self) -> None:
        """It was shown, if it was another one than the last."""

    def arrive(self, at: Cursor, *, state: bool = False) -> None:
        """It has caught up with the record; a topic that shows a ``state`` has nothing to catch up with."""
