"""Named reads of drivers and tags."""

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.equipment.queries import split_site
from mesgraph.telemetry.models import DriverInstance, DriverStatus, Tag


def instance_by_key(session: Session, key: str) -> DriverInstance | None:
    """The driver instance ``SITE/CODE``, if in scope."""
    site, code = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(DriverInstance).where(DriverInstance.site_id == site.id, DriverInstance.code == code))


def tag_by_key(session: Session, key: str) -> Tag | None:
    """The tag ``SITE/PATH``, if in scope."""
    site, path = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(Tag).where(Tag.site_id == site.id, Tag.path == path))


def statuses(session: Session, instance_ids: Collection[int]) -> dict[int, DriverStatus]:
    """How these instances are."""
    rows = session.scalars(select(DriverStatus).where(DriverStatus.driver_instance_id.in_(set(instance_ids))))
    return {row.driver_instance_id: row for row in rows}
