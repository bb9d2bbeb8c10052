"""Named reads of sites and equipment."""

from collections.abc import Collection

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from mesgraph.equipment.models import (
    Equipment,
    EquipmentClass,
    EquipmentClassMember,
    EquipmentStateRecord,
    Site,
    StorageLocation,
)


def site_by_key(session: Session, code: str) -> Site | None:
    """The site with this code, if in scope."""
    return session.scalar(select(Site).where(Site.code == code))


def any_site(session: Session, code: str) -> tuple[int, str] | None:
    """Id and code of a site, in scope or not: what somebody may name who sends something there."""
    table = Site.__table__
    row = session.execute(select(table.c.id, table.c.code).where(table.c.code == code)).first()
    return (row[0], row[1]) if row is not None else None


def sites(session: Session) -> list[Site]:
    """The sites in scope, by code."""
    return list(session.scalars(select(Site).order_by(Site.code)))


def split_site(session: Session, key: str) -> tuple[Site | None, str]:
    """A site-scoped key ``SITE/CODE`` as site and code; without a site the only one in scope, if there is only one."""
    first, slash, rest = key.partition("/")
    if slash and (site := site_by_key(session, first)) is not None:
        return site, rest
    in_scope = session.scalars(select(Site).limit(2)).all()
    return (in_scope[0] if len(in_scope) == 1 else None), key


def equipment_by_key(session: Session, key: str) -> Equipment | None:
    """The equipment ``SITE/CODE``, if in scope."""
    site, code = split_site(session, key)
    if site is None:
        return None
    return session.scalar(select(Equipment).where(Equipment.site_id == site.id, Equipment.code == code))


def class_by_key(session: Session, code: str) -> EquipmentClass | None:
    """The equipment class with this code."""
    return session.scalar(select(EquipmentClass).where(EquipmentClass.code == code))


def members_of(class_id: int) -> Select[int]:
    """Statement for the ids of the equipment of a class."""
    return select(EquipmentClassMember.equipment_id).where(EquipmentClassMember.class_id == class_id)


def classes_of(session: Session, equipment_ids: list[int]) -> list[tuple[int, EquipmentClass]]:
    """(equipment id, class) for each membership."""
    rows = session.execute(
        select(EquipmentClassMember.equipment_id, EquipmentClass)
        .join(EquipmentClass, EquipmentClass.id == EquipmentClassMember.class_id)
        .where(EquipmentClassMember.equipment_id.in_(equipment_ids))
        .order_by(EquipmentClass.code)
    )
    return [(row[0], row[1]) for row in rows]


def belongs_to_class(session: Session, equipment_id: int, class_id: int) -> bool:
    """Whether the equipment is of the class."""
    return session.get(EquipmentClassMember, (equipment_id, class_id)) is not None


def stores_of(session: Session, equipment_ids: list[int]) -> list[tuple[int, Equipment]]:
    """(equipment id, store) for each storage location, the default store first."""
    rows = session.execute(
        select(StorageLocation.equipment_id, Equipment)
        .join(Equipment, Equipment.id == StorageLocation.location_id)
        .where(StorageLocation.equipment_id.in_(equipment_ids))
        .order_by(StorageLocation.equipment_id, StorageLocation.rank)
    )
    return [(row[0], row[1]) for row in rows]


def open_state(session: Session, equipment_id: int) -> EquipmentStateRecord | None:
    """The state record that has not ended."""
    return session.scalar(
        select(EquipmentStateRecord).where(
            EquipmentStateRecord.equipment_id == equipment_id, EquipmentStateRecord.to_at.is_(None)
        )
    )


def above(session: Session, ids: Collection[int]) -> dict[int, frozenset[int]]:
    """Ids of the equipment above each of these in the hierarchy, itself included."""
    tree = select(Equipment.id.label("of"), Equipment.id, Equipment.parent_id).where(Equipment.id.in_(sorted(ids)))
    found = tree.cte("tree", recursive=True)
    upwards = select(found.c.of, Equipment.id, Equipment.parent_id).join(found, Equipment.id == found.c.parent_id)
    found = found.union(upwards)
    paths: dict[int, set[int]] = {key: set() for key in ids}
    for of, key in session.execute(select(found.c.of, found.c.id)):
        paths[of].add(key)
    return {key: frozenset(path) for key, path in paths.items()}


def within(session: Session, root_id: int) -> list[int]:
    """Ids of the equipment below ``root_id`` in the hierarchy, itself included."""
    return sorted(below(session, [root_id])[root_id])


def below(session: Session, root_ids: Collection[int]) -> dict[int, set[int]]:
    """Ids of the equipment below each of these in the hierarchy, itself included."""
    tree = select(Equipment.id, Equipment.id.label("root")).where(Equipment.id.in_(sorted(root_ids)))
    found = tree.cte("tree", recursive=True)
    found = found.union(select(Equipment.id, found.c.root).join(found, Equipment.parent_id == found.c.id))
    inside: dict[int, set[int]] = {key: set() for key in root_ids}
    for key, root in session.execute(select(found.c.id, found.c.root)):
        inside[root].add(key)
    return inside
