"""Verbs of stored documents."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mesgraph import ledger
from mesgraph.documents import events
from mesgraph.documents.models import StoredDocument
from mesgraph.documents.queries import by_id
from mesgraph.errors import Violation, all_violations, invalid
from mesgraph.words import UNKEPT
from mesgraph.work import Work

DOCUMENTS_MAX = 50
"""Registered at once."""
COST_MAX = 100_000
"""Most that an administrator may permit one document to cost."""


@dataclass(frozen=True)
class DocumentDraft:
    """A text and what is wanted of it.

    ``name``: what its operations are called; ``claimed``: the id that its sender worked out; ``wrong``: why it cannot
    be run.
    """

    text: str
    name: str
    claimed: str | None = None
    cost_max: int | None = None
    wrong: Sequence[Violation] = ()


def id_of(text: str) -> str:
    """The id of a document."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def register(work: Work, drafts: Sequence[DocumentDraft]) -> list[StoredDocument]:
    """Let documents be asked for by their ids, in the order given.

    What stands already with the same limit stays as it is, without an event; a retired one stands again. Refuses
    VALIDATION_FAILED for too many at once, a claimed id that is not the text's, a limit out of bounds, and a text that
    cannot be kept, and whatever is wrong with a draft.
    """
    with all_violations() as found:
        found.extend(_broken(drafts))
    return [_register(work, draft) for draft in drafts]


def retire(work: Work, document: StoredDocument) -> StoredDocument:
    """Let a document be asked for no more; retiring it twice changes nothing."""
    work.lock(document)
    if document.retired_at is None:
        document.retired_at = work.now
        ledger.record(work, events.DocumentRetired(document=document))
    return document


def _broken(drafts: Sequence[DocumentDraft]) -> Iterator[Violation]:
    if not 1 <= len(drafts) <= DOCUMENTS_MAX:
        message = f"{len(drafts)} documents; 1 to {DOCUMENTS_MAX} are registered at once: send several commands"
        yield invalid(message, "documents")
    for place, draft in enumerate(drafts):
        yield from draft.wrong
        if UNKEPT.search(draft.text):
            yield invalid("a text has no NUL and no half characters: leave them out", "documents", place, "text")
        made = id_of(draft.text)
        if draft.claimed is not None and draft.claimed != made:
            message = f"the id of this text is {made}, not {draft.claimed[:80]!r}: hash exactly the text that is sent"
            yield invalid(message, "documents", place, "document_id")
        if draft.cost_max is not None and not 1 <= draft.cost_max <= COST_MAX:
            message = f"costMax is {draft.cost_max}; it lies between 1 and {COST_MAX:,}"
            yield invalid(message, "documents", place, "cost_max")


def _register(work: Work, draft: DocumentDraft) -> StoredDocument:
    document = by_id(work.session, id_of(draft.text))
    if document is None:
        document = work.add(
            StoredDocument(
                document_id=id_of(draft.text),
                text=draft.text,
                name=draft.name,
                cost_max=draft.cost_max,
                registered_by_id=work.actor.principal_id,
                registered_at=work.now,
            )
        )
    else:
        work.lock(document)
        if document.retired_at is None and document.cost_max == draft.cost_max:
            return document
        document.cost_max, document.retired_at = draft.cost_max, None
        document.registered_by_id, document.registered_at = work.actor.principal_id, work.now
    ledger.record(work, events.DocumentRegistered(document=document, name=document.name, cost_max=document.cost_max))
    return document
