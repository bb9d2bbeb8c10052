"""How far an administrator or auditor of single sites reaches.

A principal belongs to the sites where its roles count. Whoever looks after single sites knows those who have, or had, a
role there, and acts for those alone whose roles count nowhere else: an account that is opened, or a key that is issued,
opens all that its principal may do.
"""

from collections.abc import Collection

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mesgraph.access.models import Principal, RoleGrant
from mesgraph.db.scope import Sites


def known_among(session: Session, sites: Sites, principal_ids: Collection[int]) -> set[int]:
    """Those of the principals whom somebody knows who looks after ``sites``: with a role there, or with none yet."""
    if sites is None:
        return set(principal_ids)
    granted = session.execute(
        select(RoleGrant.principal_id, RoleGrant.site_id).where(RoleGrant.principal_id.in_(set(principal_ids)))
    ).all()
    here = {principal_id for principal_id, site_id in granted if site_id in sites}
    return here | (set(principal_ids) - {principal_id for principal_id, _ in granted})


def belongs(session: Session, sites: Sites, principal: Principal) -> bool:
    """Whether no role of the principal counts beyond ``sites``."""
    if sites is None:
        return True
    beyond = select(RoleGrant.id).where(
        RoleGrant.principal_id == principal.id,
        RoleGrant.withdrawn_at.is_(None),
        or_(RoleGrant.site_id.is_(None), RoleGrant.site_id.not_in(sorted(sites))),
    )
    return session.scalar(beyond.limit(1)) is None
