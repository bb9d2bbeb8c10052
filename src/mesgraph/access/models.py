"""Rows of access control."""

from datetime import datetime
from enum import StrEnum
from typing import ClassVar

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mesgraph.access.keys import KeyKind
from mesgraph.access.roles import Role
from mesgraph.db import Entity, Instant, Row, Word, key_text


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


class Account(Entity):
    """How a person logs in here, without an identity provider: password, badge with PIN, or both.

    ``failures`` counts wrong tries since ``failing_since``; too many lock it until ``locked_until``. A password that
    an administrator handed out ends at ``password_ends_at`` and is changed with the first login.
    """

    __tablename__ = "account"
    kind: ClassVar[str] = "Account"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(200))
    password_ends_at: Mapped[datetime | None] = mapped_column(Instant)
    badge: Mapped[str | None] = mapped_column(key_text(64), unique=True)
    pin_hash: Mapped[str | None] = mapped_column(String(200))
    failures: Mapped[int] = mapped_column(default=0)
    failing_since: Mapped[datetime | None] = mapped_column(Instant)
    locked_until: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The principal's number."""
        return f"account {self.principal_id}"


class Identity(Entity):
    """Who a principal is for an identity provider: the ``subject`` of the tokens of ``issuer``."""

    __tablename__ = "identity"
    kind: ClassVar[str] = "Identity"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    issuer: Mapped[str] = mapped_column(key_text(200))
    subject: Mapped[str] = mapped_column(key_text(200))

    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    @property
    def human_key(self) -> str:
        """Issuer and subject."""
        return f"{self.subject} of {self.issuer}"


class SessionMethod(StrEnum):
    """How somebody logged in."""

    PASSWORD = "PASSWORD"
    BADGE = "BADGE"
    OIDC = "OIDC"
    CLIENT_CREDENTIALS = "CLIENT_CREDENTIALS"
    BREAK_GLASS = "BREAK_GLASS"


class SessionEnd(StrEnum):
    """Why a session ended before its time."""

    LOGGED_OUT = "LOGGED_OUT"
    REPLACED = "REPLACED"
    ENDED_BY_ADMINISTRATOR = "ENDED_BY_ADMINISTRATOR"
    PASSWORD_CHANGED = "PASSWORD_CHANGED"
    PIN_CHANGED = "PIN_CHANGED"
    TOKEN_REUSED = "TOKEN_REUSED"
    KEY_REVOKED = "KEY_REVOKED"
    DEACTIVATED = "DEACTIVATED"


class LoginSession(Entity):
    """From a login to its end: at ``ends_at``, or before that at ``ended_at``.

    ``terminal``: where a badge began it; ``api_key_id``: the key that began it, and lends it no more than it has.
    """

    __tablename__ = "login_session"
    kind: ClassVar[str] = "LoginSession"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    method: Mapped[SessionMethod] = mapped_column(Word(SessionMethod))
    terminal: Mapped[str | None] = mapped_column(key_text(64), index=True)
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_key.id"))
    ends_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    end: Mapped[SessionEnd | None] = mapped_column(Word(SessionEnd))

    @property
    def human_key(self) -> str:
        """Its number."""
        return f"session {self.id}"


class SessionToken(Row):
    """A token of a session. A refresh token is used once: ``used_at``; what was used is kept to notice a second use."""

    __tablename__ = "session_token"

    token_id: Mapped[str] = mapped_column(String(16), primary_key=True)
    session_id: Mapped[int] = mapped_column(ForeignKey("login_session.id"), index=True)
    token_kind: Mapped[KeyKind] = mapped_column(Word(KeyKind))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class RoleGrant(Entity):
    """A role of a principal at one site (``site_id``), or everywhere (``None``). Withdrawn grants keep their row.

    With ``equipment_id`` it counts at that equipment of the site and all below it, and not for the rest of the site.
    """

    __tablename__ = "role_grant"
    kind: ClassVar[str] = "RoleGrant"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    role: Mapped[Role] = mapped_column(Word(Role))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    equipment_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The role and where it counts."""
        return f"{self.role}@{self.site_id or 'everywhere'}"


class ApiKey(Entity):
    """A key of a principal: looked up by its public part, compared by the hash of its secret.

    ``label`` says what it is for, such as the driver instance that has it; with ``site_id`` roles count there alone,
    with ``equipment_id`` at that equipment of the site and all below it.
    """

    __tablename__ = "api_key"
    kind: ClassVar[str] = "ApiKey"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    key_id: Mapped[str] = mapped_column(String(16))
    label: Mapped[str | None] = mapped_column(key_text(64))
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    equipment_id: Mapped[int | None] = mapped_column(ForeignKey("equipment.id"))
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    expires_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)

    __table_args__ = (UniqueConstraint("key_id"),)

    @property
    def human_key(self) -> str:
        """The public part."""
        return self.key_id


class BreakGlass(Entity):
    """The emergency key of a principal, in two halves that two persons keep. It opens one session, then it is void."""

    __tablename__ = "break_glass"
    kind: ClassVar[str] = "BreakGlass"

    principal_id: Mapped[int] = mapped_column(ForeignKey("principal.id"), index=True)
    key_id: Mapped[str] = mapped_column(String(16), unique=True)
    secret_sha256: Mapped[bytes] = mapped_column(LargeBinary(32))
    void_at: Mapped[datetime | None] = mapped_column(Instant)

    @property
    def human_key(self) -> str:
        """The public part."""
        return self.key_id
