"""What happens to stored documents."""

from dataclasses import dataclass

from mesgraph.documents.models import StoredDocument
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class DocumentRegistered(Event):
    """A GraphQL document may be asked for by its id from now on, which is the hash of its text, within its limits."""

    subjects = ("document",)
    document: StoredDocument
    name: str
    cost_max: int | None = None


@dataclass(frozen=True, kw_only=True)
class DocumentRetired(Event):
    """A document is stored no more for those who ask for it."""

    subjects = ("document",)
    document: StoredDocument
