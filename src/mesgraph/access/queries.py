"""Named reads of access control."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.access import keys
from mesgraph.access.models import ApiKey, Principal, RoleGrant
from mesgraph.access.roles import Role
from mesgraph.work import Actor


def actor_of(session: Session, principal: Principal, authenticated_by: str) -> Actor:
    """The principal with its standing grants."""
    grants = session.execute(
        select(RoleGrant.role, RoleGrant.site_id)
        .where(RoleGrant.principal_id == principal.id, RoleGrant.withdrawn_at.is_(None))
        .order_by(RoleGrant.id)
    )
    return Actor(
        principal_id=principal.id,
        subject=principal.subject,
        grants=tuple((str(role), site_id) for role, site_id in grants),
        authenticated_by=authenticated_by,
    )


def authenticate(session: Session, text: str, now: datetime) -> Actor | None:
    """Whose key ``text`` is; ``None`` for every kind of wrong key alike."""
    parts = keys.split(text)
    if parts is None:
        return None
    key_id, secret = parts
    found = session.execute(
        select(ApiKey, Principal).join(Principal, Principal.id == ApiKey.principal_id).where(ApiKey.key_id == key_id)
    ).first()
    if found is None or not keys.matches(secret, found[0].secret_sha256):
        return None
    key, principal = found
    if key.revoked_at is not None or key.expires_at <= now or not principal.active:
        return None
    return actor_of(session, principal, f"key:{key_id}")


def holders(sites: Collection[int]) -> Select[int]:
    """Statement for the ids of those who have, or had, a role granted at any of ``sites``."""
    return select(RoleGrant.principal_id).where(RoleGrant.site_id.in_(sorted(sites)))


def holders_now(roles: Collection[Role] | None, site_id: int | None) -> Select[int]:
    """Statement for the ids of those who have a role (any of ``roles``) that counts at the site (at any)."""
    statement = select(RoleGrant.principal_id).where(RoleGrant.withdrawn_at.is_(None))
    if roles is not None:
        statement = statement.where(RoleGrant.role.in_(roles))
    if site_id is not None:
        statement = statement.where(RoleGrant.site_id.is_(None) | (RoleGrant.site_id == site_id))
    return statement
