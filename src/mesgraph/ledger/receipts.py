"""Idempotency: the receipt of a command commits with its effect (I37).

A key counts within its namespace: the principal for idempotency keys, the source system for message ids. The same key
with the same content gets the first answer again; with other content it is refused.
"""

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.db import Instant, Row
from mesgraph.errors import Code, Refused, invalid
from mesgraph.work import Work


class CommandReceipt(Row):
    """What was asked under a key (its digest) and what was answered. ``answer`` is empty only before the commit."""

    __tablename__ = "command_receipt"

    namespace: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    answer: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(Instant)


def claim(work: Work, namespace: str, key: str, digest: bytes, *path: str | int) -> CommandReceipt:
    """The receipt of this key: a stored one with its answer, or a new one to be filled before the commit.

    Refuses IDEMPOTENCY_CONFLICT when the key was used for other content. On PostgreSQL a second caller with the same
    key waits here for the first one, then finds its receipt.
    """
    stored = work.session.get(CommandReceipt, (namespace, key))
    if stored is None:
        fresh = CommandReceipt(namespace=namespace, key=key, digest=digest, answer=b"", created_at=work.now)
        work.session.add(fresh)
        work.session.flush()
        return fresh
    if stored.digest != digest:
        raise Refused(invalid(f"{key!r} was used before for other content", *path, code=Code.IDEMPOTENCY_CONFLICT))
    return stored
