"""What happens in access control."""

from dataclasses import dataclass
from datetime import datetime

from mesgraph.access.models import ApiKey, Identity, LoginSession, Principal, SessionEnd, SessionMethod
from mesgraph.access.roles import Role
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class PrincipalCreated(Event):
    """A person or service became known."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class RoleGranted(Event):
    """A principal got a role at a site, at equipment of it, or everywhere when no site is named."""

    subjects = ("principal",)
    principal: Principal
    role: Role
    site: str | None = None
    equipment: str | None = None


@dataclass(frozen=True, kw_only=True)
class RoleWithdrawn(Event):
    """A principal lost a role."""

    subjects = ("principal",)
    principal: Principal
    role: Role
    site: str | None = None
    equipment: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiKeyIssued(Event):
    """A key was made; its secret was shown once."""

    subjects = ("principal",)
    principal: Principal
    key: ApiKey
    expires_at: datetime
    label: str | None = None
    site: str | None = None
    equipment: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Event):
    """A key stopped working."""

    subjects = ("principal",)
    principal: Principal
    key: ApiKey


@dataclass(frozen=True, kw_only=True)
class PrincipalDeactivated(Event):
    """A principal may act no more; its sessions ended."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class PrincipalReactivated(Event):
    """A principal may act again."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class AccountOpened(Event):
    """A person got an initial password, which was shown once and must be changed at the first login."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class AccountLocked(Event):
    """Too many wrong tries: nobody logs in to the account for a while."""

    subjects = ("principal",)
    principal: Principal
    until: datetime


@dataclass(frozen=True, kw_only=True)
class AccountUnlocked(Event):
    """An administrator lifted the lock of an account."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class PasswordChanged(Event):
    """A person changed the password; all other sessions ended."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class PinChanged(Event):
    """A person changed the PIN of the badge; all other sessions ended."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class BadgeRegistered(Event):
    """A person got a badge and a PIN, which was shown once. The badge itself is not recorded."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class BadgeWithdrawn(Event):
    """A badge logs nobody in any more."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class IdentityLinked(Event):
    """Whoever an identity provider knows by this name is this principal."""

    subjects = ("principal",)
    principal: Principal
    identity: Identity
    issuer: str


@dataclass(frozen=True, kw_only=True)
class IdentityUnlinked(Event):
    """A name of an identity provider stands for the principal no more."""

    subjects = ("principal",)
    principal: Principal
    issuer: str


@dataclass(frozen=True, kw_only=True)
class SessionStarted(Event):
    """Somebody logged in."""

    subjects = ("principal",)
    principal: Principal
    session: LoginSession
    method: SessionMethod
    terminal: str | None = None


@dataclass(frozen=True, kw_only=True)
class SessionEnded(Event):
    """A session ended before its time."""

    subjects = ("principal",)
    principal: Principal
    session: LoginSession
    end: SessionEnd


@dataclass(frozen=True, kw_only=True)
class BreakGlassSealed(Event):
    """An emergency key was made, in two halves that were shown once; an earlier one is void."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class BreakGlassOpened(Event):
    """Two persons put the halves of the emergency key together."""

    subjects = ("principal",)
    principal: Principal
    session: LoginSession
