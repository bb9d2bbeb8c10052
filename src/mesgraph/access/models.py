"""Rows of access control."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.access.roles import Role
from mesgraph.db import Entity, Instant, Word, key_text


class PrincipalKind(StrEnum):
    """A human being, or a machine or program."""

    PERSON = "PERSON"
    SERVICE = "SERVICE"


class Principal(Entity):
    """Somebody or something that acts."""

    __tablename__ = "principal"
    kind: ClassVar[str] = "Principal"

    subject: Mapped[str] = mapped_column(key_text(64), unique=True)
    principal_kind: Mapped[PrincipalKind] = mapped_column(Word(PrincipalKind))
    display_name: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)

    @property
    def human_key(self) -> str:
        """The subject."""
        return self.subject


class RoleGrant(Entity):
    """A role of a principal at one site (``site_id``), or everywhere (``None``). Withdrawn grants keep their row."""

    __tablename__ = "role_grant"
    kind: ClassVar[str] = "RoleGrant"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    role: Mapped[Role] = mapped_column(Word(Role))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The role and where it counts."""
        return f"{self.role}@{self.site_id or 'everywhere'}"


class ApiKey(Entity):
    """A key of a principal: looked up by its public part, compared by the hash of its secret."""

    __tablename__ = "api_key"
    kind: ClassVar[str] = "ApiKey"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    key_id: Mapped[str] = mapped_column(String(16))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("key_id"),)

    @property
    def human_key(self) -> str:
        """The public part."""
        return self.key_id
