"""Named reads of stored documents."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.documents.models import StoredDocument


def by_id(session: Session, document_id: str) -> StoredDocument | None:
    """The document of this id, retired or not."""
    return session.scalar(select(StoredDocument).where(StoredDocument.document_id == document_id))
