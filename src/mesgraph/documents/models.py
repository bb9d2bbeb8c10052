"""Rows of stored documents."""

from datetime import datetime
from typing import ClassVar

from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Entity, Instant, key_text


class StoredDocument(Entity):
    """A document of the organisation. ``registered_by_id`` and ``registered_at`` are of the latest registration.

    ``name``: what its operations are called; ``cost_max``: what an answer may cost, in place of the usual limit.
    """

    __tablename__ = "stored_document"
    kind: ClassVar[str] = "StoredDocument"

    document_id: Mapped[str] = mapped_column(key_text(64), unique=True)
    text: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(key_text(200), index=True)
    cost_max: Mapped[int | None]
    registered_by_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    registered_at: Mapped[datetime] = mapped_column(Instant)
    retired_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The id by which it is asked for."""
        return self.document_id
