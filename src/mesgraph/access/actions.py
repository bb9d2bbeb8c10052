"""Verbs of access control."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import func, select

from mesgraph import ledger
from mesgraph.access import events
from mesgraph.access.duties import separated_from
from mesgraph.access.keys import new_key
from mesgraph.access.models import ApiKey, Principal, PrincipalKind, RoleGrant, SessionEnd
from mesgraph.access.roles import Role
from mesgraph.access.sessions import end_sessions
from mesgraph.errors import Code, Refused, invalid
from mesgraph.work import Work

LIFE = timedelta(days=365)
OVERLAPPING_MAX = 2


def create_principal(work: Work, *, subject: str, kind: PrincipalKind, display_name: str) -> Principal:
    """Make a person or service known. Refuses DUPLICATE_KEY."""
    if work.session.scalar(select(Principal.id).where(Principal.subject == subject)) is not None:
        raise Refused(invalid(f"principal {subject!r} exists", "subject", code=Code.DUPLICATE_KEY))
    principal = work.add(Principal(subject=subject, principal_kind=kind, display_name=display_name, active=True))
    ledger.record(work, events.PrincipalCreated(principal=principal))
    return principal


def grant_role(
    work: Work,
    principal: Principal,
    role: Role,
    site_id: int | None,
    site: str | None,
    equipment_id: int | None = None,
    equipment: str | None = None,
) -> RoleGrant:
    """Give ``principal`` a role at a site, at equipment of it, or everywhere; granting twice changes nothing.

    Refuses SEPARATION_OF_DUTIES beside a role that is not held together with it where both would count.
    """
    work.lock(principal)
    standing = _standing_grant(work, principal, role, site_id, equipment_id)
    if standing is not None:
        return standing
    _keep_duties_apart(work, principal, role, site_id)
    grant = work.add(RoleGrant(principal_id=principal.id, role=role, site_id=site_id, equipment_id=equipment_id))
    granted = events.RoleGranted(principal=principal, role=role, site=site, equipment=equipment)
    ledger.record(work, granted, site_id=site_id)
    return grant


def withdraw_role(
    work: Work,
    principal: Principal,
    role: Role,
    site_id: int | None,
    site: str | None,
    equipment_id: int | None = None,
    equipment: str | None = None,
) -> RoleGrant:
    """Take a role away. Refuses NOT_FOUND when the principal does not hold it there, and VALIDATION_FAILED for the last
    administrator who could grant it again.
    """
    work.lock(principal)
    standing = _standing_grant(work, principal, role, site_id, equipment_id)
    if standing is None:
        raise Refused(invalid(f"{principal.subject} has no role {role} there", "role", code=Code.NOT_FOUND))
    if role is Role.ADMIN and site_id is None:
        _keep_an_administrator(work, besides=lambda holder, _: holder == principal.id)
    standing.withdrawn_at = work.now
    withdrawn = events.RoleWithdrawn(principal=principal, role=role, site=site, equipment=equipment)
    ledger.record(work, withdrawn, site_id=site_id)
    return standing


def issue_api_key(
    work: Work,
    principal: Principal,
    site_id: int | None = None,
    site: str | None = None,
    equipment_id: int | None = None,
    equipment: str | None = None,
    *,
    expires_at: datetime | None = None,
    label: str | None = None,
) -> tuple[ApiKey, str]:
    """A new key of ``principal``, for all sites, one, or equipment of it, and its text, shown this once. Valid for a
    year at most.

    Of one label two keys work at a time: the old one until the new one is where it is needed. Refuses a third one.
    """
    work.lock(principal)
    latest = work.now + LIFE
    expires_at = expires_at or latest
    if not work.now < expires_at <= latest:
        raise Refused(invalid(f"a key ends within a year, at {latest.isoformat()} at the latest", "expires_at"))
    if label is not None:
        _check_overlap(work, principal, label)
    fresh = new_key()
    key = work.add(
        ApiKey(
            principal_id=principal.id,
            key_id=fresh.key_id,
            label=label,
            site_id=site_id,
            equipment_id=equipment_id,
            secret_sha256=fresh.secret_sha256,
            expires_at=expires_at,
        )
    )
    issued = events.ApiKeyIssued(
        principal=principal, key=key, expires_at=expires_at, label=label, site=site, equipment=equipment
    )
    ledger.record(work, issued)
    return key, fresh.text


def _check_overlap(work: Work, principal: Principal, label: str) -> None:
    living = select(func.count(ApiKey.id)).where(
        ApiKey.principal_id == principal.id,
        ApiKey.label == label,
        ApiKey.revoked_at.is_(None),
        ApiKey.expires_at > work.now,
    )
    if (work.session.scalar(living) or 0) >= OVERLAPPING_MAX:
        message = f"{principal.subject} has {OVERLAPPING_MAX} keys for {label} that work: revoke the older one first"
        raise Refused(invalid(message, "label"))


def revoke_api_key(work: Work, key: ApiKey) -> ApiKey:
    """Stop a key; stopping twice changes nothing. Refuses VALIDATION_FAILED for the last key of an administrator."""
    work.lock(key)
    if key.revoked_at is None:
        _keep_an_administrator(work, besides=lambda _, key_id: key_id == key.id)
        key.revoked_at = work.now
        principal = work.session.get_one(Principal, key.principal_id)
        end_sessions(work, principal, SessionEnd.KEY_REVOKED, key=key)
        ledger.record(work, events.ApiKeyRevoked(principal=principal, key=key))
    return key


def deactivate(work: Work, principal: Principal) -> Principal:
    """Let a principal act no more: keys, tokens and open connections stop; doing it again changes nothing.

    Refuses VALIDATION_FAILED for the last administrator with a key.
    """
    work.lock(principal)
    if principal.active:
        _keep_an_administrator(work, besides=lambda holder, _: holder == principal.id)
        principal.active = False
        end_sessions(work, principal, SessionEnd.DEACTIVATED)
        ledger.record(work, events.PrincipalDeactivated(principal=principal))
    return principal


def bootstrap(work: Work) -> str | None:
    """On a database without principals: make ``admin`` and return its key, to be printed once."""
    if work.session.scalar(select(Principal.id).limit(1)) is not None:
        return None
    admin = create_principal(work, subject="admin", kind=PrincipalKind.SERVICE, display_name="Administrator")
    grant_role(work, admin, Role.ADMIN, None, None)
    return issue_api_key(work, admin)[1]


def _keep_an_administrator(work: Work, *, besides: Callable[[int, int], bool]) -> None:
    """Refuse to lock everybody out: somebody else must hold role ADMIN everywhere, and a key that works."""
    keys = work.session.execute(
        select(Principal.id, ApiKey.id)
        .join(RoleGrant, RoleGrant.principal_id == Principal.id)
        .join(ApiKey, ApiKey.principal_id == Principal.id)
        .where(
            Principal.active,
            RoleGrant.role == Role.ADMIN,
            RoleGrant.site_id.is_(None),
            RoleGrant.withdrawn_at.is_(None),
            ApiKey.revoked_at.is_(None),
            ApiKey.expires_at > work.now,
        )
    ).all()
    if keys and all(besides(holder, key_id) for holder, key_id in keys):
        raise Refused(invalid("this is the last administrator's way in; give another one first"))


def _keep_duties_apart(work: Work, principal: Principal, role: Role, site_id: int | None) -> None:
    statement = select(RoleGrant).where(
        RoleGrant.principal_id == principal.id,
        RoleGrant.role.in_(separated_from(role)),
        RoleGrant.withdrawn_at.is_(None),
    )
    if site_id is not None:
        statement = statement.where(RoleGrant.site_id.is_(None) | (RoleGrant.site_id == site_id))
    beside = work.session.scalars(statement.order_by(RoleGrant.id).limit(1)).first()
    if beside is not None:
        message = f"{principal.subject} is {beside.role} there, and nobody is {beside.role} and {role} at one site"
        raise Refused(invalid(message, "role", code=Code.SEPARATION_OF_DUTIES))


def _standing_grant(
    work: Work, principal: Principal, role: Role, site_id: int | None, equipment_id: int | None
) -> RoleGrant | None:
    return work.session.scalar(
        select(RoleGrant).where(
            RoleGrant.principal_id == principal.id,
            RoleGrant.role == role,
            RoleGrant.site_id.is_not_distinct_from(site_id),
            RoleGrant.equipment_id.is_not_distinct_from(equipment_id),
            RoleGrant.withdrawn_at.is_(None),
        )
    )
