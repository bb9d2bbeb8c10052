"""What happens in access control."""

from dataclasses import dataclass
from datetime import datetime

from mesgraph.access.models import ApiKey, Principal
from mesgraph.access.roles import Role
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class PrincipalCreated(Event):
    """A person or service became known."""

    subjects = ("principal",)
    principal: Principal


@dataclass(frozen=True, kw_only=True)
class RoleGranted(Event):
    """A principal got a role at a site, or everywhere when no site is named."""

    subjects = ("principal",)
    principal: Principal
    role: Role
    site: str | None = None


@dataclass(frozen=True, kw_only=True)
class RoleWithdrawn(Event):
    """A principal lost a role."""

    subjects = ("principal",)
    principal: Principal
    role: Role
    site: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiKeyIssued(Event):
    """A key was made; its secret was shown once."""

    subjects = ("principal",)
    principal: Principal
    key: ApiKey
    expires_at: datetime


@dataclass(frozen=True, kw_only=True)
class ApiKeyRevoked(Event):
    """A key stopped working."""

    subjects = ("principal",)
    principal: Principal
    key: ApiKey
