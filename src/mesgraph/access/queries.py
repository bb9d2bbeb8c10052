"""Named reads of access control."""

from collections.abc import Collection, Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.access import keys
from mesgraph.access.keys import KeyKind, Parts
from mesgraph.access.models import ApiKey, Principal, RoleGrant
from mesgraph.access.roles import Role
from mesgraph.access.sessions import session_of
from mesgraph.work import Actor, Grant


def actor_of(
    session: Session,
    principal: Principal,
    authenticated_by: str,
    expires_at: datetime | None = None,
    session_id: int | None = None,
    key: ApiKey | None = None,
) -> Actor:
    """The principal with its standing grants; with ``key``, as far as they count for it."""
    grants = session.execute(
        select(RoleGrant.role, RoleGrant.site_id, RoleGrant.equipment_id)
        .where(RoleGrant.principal_id == principal.id, RoleGrant.withdrawn_at.is_(None))
        .order_by(RoleGrant.id)
    )
    held = (Grant(str(role), site_id, ids_of(equipment_id)) for role, site_id, equipment_id in grants)
    return Actor(
        principal_id=principal.id,
        subject=principal.subject,
        grants=tuple(held if key is None else _narrowed(held, key)),
        authenticated_by=authenticated_by,
        expires_at=expires_at,
        session_id=session_id,
    )


def _narrowed(grants: Iterator[Grant], key: ApiKey) -> Iterator[Grant]:
    """What is left of the grants with a key: where both count."""
    for role, site_id, within in grants:
        if key.site_id is None:
            yield Grant(role, site_id, within)
        elif site_id in (None, key.site_id):
            yield Grant(role, key.site_id, within | ids_of(key.equipment_id))


def ids_of(equipment_id: int | None) -> frozenset[int]:
    """The equipment where a grant or key counts, as a set; nothing for all of the site."""
    return frozenset() if equipment_id is None else frozenset({equipment_id})


def authenticate(session: Session, text: str, now: datetime) -> Actor | None:
    """Whose key or access token ``text`` is; ``None`` for every kind of wrong one alike."""
    parts = keys.split(text)
    if parts is None:
        return None
    if parts.kind is KeyKind.API_KEY:
        found = valid_key(session, parts, now)
        if found is None:
            return None
        key, principal = found
        return actor_of(session, principal, f"key:{key.key_id}", key.expires_at, key=key)
    if parts.kind is KeyKind.REFRESH:
        return None
    living = session_of(session, parts, now)
    if living is None:
        return None
    login, ends_at = living
    principal = session.get_one(Principal, login.principal_id)
    if not principal.active:
        return None
    lent_by = None if login.api_key_id is None else session.get_one(ApiKey, login.api_key_id)
    method = f"session:{login.id}:{login.method.lower()}"
    actor = actor_of(session, principal, method, ends_at, login.id, lent_by)
    return replace(actor, terminal=login.terminal)


def valid_key(session: Session, parts: Parts, now: datetime) -> tuple[ApiKey, Principal] | None:
    """An API key that works, and whose it is."""
    found = session.execute(
        select(ApiKey, Principal)
        .join(Principal, Principal.id == ApiKey.principal_id)
        .where(ApiKey.key_id == parts.key_id)
    ).first()
    if found is None or not keys.matches(parts.secret, found[0].secret_sha256):
        return None
    key, principal = found
    works = key.revoked_at is None and now < key.expires_at and principal.active
    return (key, principal) if works else None


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
