"""Rows of signatures."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.access.models import SessionMethod
from mesgraph.db import Entity, Instant, Word


class SignatureMeaning(StrEnum):
    """What a signature says (11.50)."""

    AUTHORSHIP = "AUTHORSHIP"
    REVIEW = "REVIEW"
    APPROVAL = "APPROVAL"
    RESPONSIBILITY = "RESPONSIBILITY"
    PERFORMED = "PERFORMED"
    VERIFIED = "VERIFIED"
    WITNESSED = "WITNESSED"


class SignatureChallenge(Entity):
    """What somebody is about to sign: the record as its event ``counter`` with ``leaf`` left it.

    The session that asked for it uses it once, before ``expires_at``; ``proof_sha256`` is set when its owner has shown
    anew who they are.
    """

    __tablename__ = "signature_challenge"
    kind: ClassVar[str] = "SignatureChallenge"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"))
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id"), index=True)
    record_table: Mapped[str] = mapped_column(String(40))
    record_kind: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int] = mapped_column(BigInteger)
    counter: Mapped[int] = mapped_column(BigInteger)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))
    meaning: Mapped[SignatureMeaning] = mapped_column(Word(SignatureMeaning))
    nonce_sha256: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    proof_sha256: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    method: Mapped[SessionMethod | None] = mapped_column(Word(SessionMethod))
    used_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"challenge {self.id}"


class Signature(Entity):
    """A signature under a record, final.

    ``counter`` and ``leaf`` name the event that left the record as it was signed; ``settled`` the last event of the
    command that was signed. ``method`` is how the signer showed who they are, ``roles`` what they held, ``zone`` the
    time zone in which ``signed_at`` is printed.
    """

    __tablename__ = "signature"
    kind: ClassVar[str] = "Signature"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id"), index=True)
    printed_name: Mapped[str] = mapped_column(String(200))
    record_kind: Mapped[str] = mapped_column(String(40))
    record_id: Mapped[int] = mapped_column(BigInteger)
    record_key: Mapped[str] = mapped_column(String(200))
    counter: Mapped[int] = mapped_column(BigInteger)
    leaf: Mapped[bytes] = mapped_column(LargeBinary(32))
    settled: Mapped[int] = mapped_column(BigInteger)
    meaning: Mapped[SignatureMeaning] = mapped_column(Word(SignatureMeaning))
    command: Mapped[str] = mapped_column(String(64))
    signed_at: Mapped[datetime] = mapped_column(Instant)
    zone: Mapped[str] = mapped_column(String(64))
    roles: Mapped[str] = mapped_column(String(400))
    method: Mapped[SessionMethod] = mapped_column(Word(SessionMethod))
    reason_code: Mapped[str | None] = mapped_column(String(64))
    comment: Mapped[str | None] = mapped_column(String(2000))

    __table_args__ = (Index("ix_signature_record", "record_kind", "record_id"),)

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"signature {self.id}"
