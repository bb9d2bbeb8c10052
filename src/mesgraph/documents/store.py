"""The documents that stand, those asked for last in memory: what is known costs no look at the database.

What changes a document is recorded, and the record tells each process, so a retired one is known there no more within
moments.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from mesgraph.db import Database
from mesgraph.documents import events
from mesgraph.documents.queries import by_id
from mesgraph.ledger.queries import Recorded
from mesgraph.ledger.tail import Tail

KEPT_MAX = 500
CHANGES = frozenset({events.DocumentRegistered.word, events.DocumentRetired.word})


@dataclass(frozen=True)
class Standing:
    """A document as it is run."""

    text: str
    cost_max: int | None


class Store:
    """Looks documents up by their ids."""

    def __init__(self, database: Database, tail: Tail) -> None:
        self._database = database
        self._kept: OrderedDict[str, Standing] = OrderedDict()
        self._changes = 0
        tail.listen(self._hear)

    async def standing(self, document_id: str) -> Standing | None:
        """The document that stands under an id. Raises :class:`~mesgraph.errors.Unavailable`."""
        kept = self._kept.get(document_id)
        if kept is not None:
            self._kept.move_to_end(document_id)
            return kept

        def look(session: Session) -> Standing | None:
            row = by_id(session, document_id)
            return None if row is None or row.retired_at is not None else Standing(row.text, row.cost_max)

        changes = self._changes
        found = await self._database.read(look)
        if found is not None and changes == self._changes:  # else it may have been retired meanwhile
            self._kept[document_id] = found
            if len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return found

    def _hear(self, batch: Sequence[Recorded]) -> None:
        """Changes are rare: they cost everybody one look."""
        if any(event.type in CHANGES for event in batch):
            self._changes += 1
            self._kept.clear()
