"""Where a role or key counts, as commands and questions name it."""

from typing import NamedTuple

from sqlalchemy.orm import Session

from mesgraph.api.nodes import find, find_optional
from mesgraph.equipment.models import Equipment, EquipmentLevel, Site
from mesgraph.errors import Refused, invalid


class Where(NamedTuple):
    """A site, or equipment of it; nothing for everywhere. By id, and by code for the record."""

    site_id: int | None = None
    site: str | None = None
    equipment_id: int | None = None
    equipment: str | None = None


def find_where(session: Session, site: str | None, equipment: str | None) -> Where:
    """What the fields ``site`` and ``equipment`` name; equipment alone says its site, too.

    Refuses NOT_FOUND, and VALIDATION_FAILED for equipment of another site, or that stands for its whole site.
    """
    named = find_optional(session, Site, site, "site")
    if equipment is None:
        return Where() if named is None else Where(named.id, named.code)
    row = find(session, Equipment, equipment, "equipment")
    if row.level is EquipmentLevel.SITE:
        raise Refused(invalid(f"{row.code} is a whole site: name it as `site` alone", "equipment"))
    if named is not None and named.id != row.site_id:
        raise Refused(invalid(f"{row.code} does not stand at {named.code}: name one of them", "equipment"))
    return Where(row.site_id, session.get_one(Site, row.site_id).code, row.id, row.code)
