"""Named reads of materials and items."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, and_, case, literal, not_, or_, select, type_coerce
from sqlalchemy.orm import Session

from mesgraph.db import Word
from mesgraph.errors import Code, Refused, invalid
from mesgraph.materials.models import (
    TERMINAL,
    Item,
    ItemKind,
    ItemStatus,
    Lifecycle,
    MaterialDefinition,
    Supplier,
)
from mesgraph.materials.scan import Scan


def supplier_by_key(session: Session, code: str) -> Supplier | None:
    """The supplier with this code."""
    return session.scalar(select(Supplier).where(Supplier.code == code))


def material_by_key(session: Session, key: str) -> MaterialDefinition | None:
    """The material ``CODE:REVISION``; with ``CODE`` alone, its revision that was made last."""
    code, _, revision = key.partition(":")
    statement = select(MaterialDefinition).where(MaterialDefinition.code == code)
    if revision:
        statement = statement.where(MaterialDefinition.revision == revision)
    return session.scalar(statement.order_by(MaterialDefinition.id.desc()).limit(1))


def material_by_gtin(session: Session, gtin: str) -> MaterialDefinition | None:
    """The material with this GTIN, its revision that was made last."""
    newest = select(MaterialDefinition).where(MaterialDefinition.gtin == gtin).order_by(MaterialDefinition.id.desc())
    return session.scalar(newest.limit(1))


def revisions_of(session: Session, key: str) -> set[int]:
    """Ids of the revisions that ``CODE`` or ``CODE:REVISION`` names."""
    code, _, revision = key.partition(":")
    statement = select(MaterialDefinition.id).where(MaterialDefinition.code == code)
    if revision:
        statement = statement.where(MaterialDefinition.revision == revision)
    return set(session.scalars(statement))


def item_by_key(session: Session, key: str) -> Item | None:
    """The item that this human key names: ``MATERIAL/NUMBER``, ``MATERIAL/LOT/SUBLOT`` or an SSCC.

    A rework revision is named with its suffix (``MATERIAL/NUMBER#1``). When items of two kinds have the same key, it
    names none of them: use the id, or an item key that says whether a lot or a serial is meant.
    """
    found = session.scalars(select(Item).where(Item.key == key).limit(2)).all()
    return found[0] if len(found) == 1 else None


def item_by_parts(
    session: Session,
    *,
    material: str | None = None,
    gtin: str | None = None,
    lot: str | None = None,
    sublot: str | None = None,
    serial: str | None = None,
    sscc: str | None = None,
) -> Item | None:
    """The item that these parts of its key name; of a reworked one its latest revision.

    Give an SSCC; or material (``CODE`` or ``CODE:REVISION``) or GTIN with a lot, with a lot and sublot, or with a
    serial. A lot beside a serial must be the lot of the unit.
    """
    if sscc is not None:
        return _latest(session, ItemKind.LOGISTIC_UNIT, sscc)
    code = _code_of(session, material, gtin)
    if code is None:
        return None
    if serial is not None:
        unit = _latest(session, ItemKind.SERIAL_UNIT, f"{code}/{serial}")
        fits = unit is None or lot is None or unit.lot_id == _id_of(_latest(session, ItemKind.LOT, f"{code}/{lot}"))
        return unit if fits else None
    if lot is None:
        return None
    if sublot is not None:
        return _latest(session, ItemKind.SUBLOT, f"{code}/{lot}/{sublot}")
    return _latest(session, ItemKind.LOT, f"{code}/{lot}")


def item_by_scan(session: Session, scan: Scan) -> Item:
    """The item that a scanned code names.

    By SSCC, by GTIN with serial or lot, by the human key, or by a lot or serial number that one material alone has.
    Refuses NOT_FOUND, which says what was read, and VALIDATION_FAILED when a bare number names several items.
    """
    sscc, gtin, lot, serial = (scan.value(ai) for ai in ("00", "01", "10", "21"))
    item: Item | None = None
    if sscc is not None:
        item = item_by_parts(session, sscc=sscc)
    elif gtin is not None and (serial or lot):
        item = item_by_parts(session, gtin=gtin, serial=serial, lot=None if serial else lot)
    elif scan.plain is not None:
        item = item_by_key(session, scan.plain) or _item_by_number(session, scan.plain)
    if item is None:
        raise Refused(invalid(f"no item for {scan.words[:200]}{_lacking(scan)}", "code", code=Code.NOT_FOUND))
    return item


def _lacking(scan: Scan) -> str:
    """What a code has not that would name an item."""
    if scan.value("00") or scan.plain or (scan.value("01") and (scan.value("10") or scan.value("21"))):
        return ""
    wanted = "a lot (10) or serial number (21)" if scan.value("01") else "an SSCC (00), or a GTIN (01) with 10 or 21"
    return f": an item is named by {wanted}"


def _item_by_number(session: Session, number: str) -> Item | None:
    """The lot or serial unit with this number, of whatever material; of a reworked one the latest revision, or the one
    that the number names after a ``#``.
    """
    kinds = (ItemKind.LOT, ItemKind.SERIAL_UNIT)
    number, revised, revision = number.partition("#")
    statement = select(Item).where(Item.number == number, Item.item_kind.in_(kinds)).order_by(Item.id).limit(50)
    things = {(item.item_kind, item.key.partition("#")[0]) for item in session.scalars(statement)}
    if len(things) > 1:
        keys = ", ".join(sorted(key for _, key in things)[:5])
        raise Refused(invalid(f"{number} is the number of several items: {keys}", "code"))
    if revised:
        return next((item_by_key(session, f"{key}#{revision}") for _, key in things), None)
    return next((_latest(session, kind, key) for kind, key in things), None)


def _code_of(session: Session, material: str | None, gtin: str | None) -> str | None:
    if gtin is None:
        return None if material is None else material.partition(":")[0]
    definition = material_by_gtin(session, gtin)
    return definition.code if definition else None


def _latest(session: Session, kind: ItemKind, key: str) -> Item | None:
    """The latest revision that counts: one whose rework was reversed is only a number. Units alone have revisions."""
    latest = newer = _exact(session, kind, key)
    while newer is not None and kind is ItemKind.SERIAL_UNIT:
        if newer.lifecycle is not Lifecycle.PLANNED:
            latest = newer
        newer = _exact(session, kind, f"{key}#{newer.item_revision + 1}")
    return latest


def _exact(session: Session, kind: ItemKind, key: str) -> Item | None:
    return session.scalar(select(Item).where(Item.item_kind == kind, Item.key == key))


def _id_of(item: Item | None) -> int:
    return item.id if item else 0


def key_taken(session: Session, kind: ItemKind, key: str) -> bool:
    """Whether an item of this kind has the key at any site, also outside the session's scope."""
    item = Item.__table__.c
    return session.execute(select(item.id).where(item.item_kind == kind, item.key == key).limit(1)).first() is not None


def has_items(session: Session, material_id: int) -> bool:
    """Whether any site has ever had an item of this revision of a material."""
    item = Item.__table__.c
    return session.execute(select(item.id).where(item.material_id == material_id).limit(1)).first() is not None


def of_kinds(kinds: Collection[ItemKind]) -> ColumnElement[bool]:
    """The condition that an item is of any of ``kinds``.

    A single kind is written into the statement, so that the indexes that hold this kind alone serve it.
    """
    if len(kinds) != 1:
        return Item.item_kind.in_(kinds)
    [kind] = kinds
    return Item.item_kind == literal(kind, Item.item_kind.type, literal_execute=True)


def shown_status(now: ColumnElement[datetime]) -> ColumnElement[str]:
    """What :meth:`Item.status_at` says at ``now``, as the database computes it."""
    ended = or_(*(Item.lifecycle == word for word in sorted(TERMINAL)))
    word = case(
        (ended, Item.lifecycle),
        (Item.open_holds > 0, literal(ItemStatus.ON_HOLD, Word(ItemStatus))),
        (Item.expires_at <= now, literal(ItemStatus.EXPIRED, Word(ItemStatus))),
        else_=Item.lifecycle,
    )
    return type_coerce(word, Word(ItemStatus))


def has_status(statuses: Collection[ItemStatus], now: datetime) -> ColumnElement[bool]:
    """The condition that :meth:`Item.status_at` says any of ``statuses`` at ``now``."""
    expired = and_(Item.expires_at.is_not(None), Item.expires_at <= now)
    words = {Lifecycle(status) for status in statuses if status not in (ItemStatus.ON_HOLD, ItemStatus.EXPIRED)}
    found = [
        Item.lifecycle.in_(words & TERMINAL),
        and_(Item.lifecycle.in_(words - TERMINAL), Item.open_holds == 0, not_(expired)),
    ]
    living = Item.lifecycle.not_in(TERMINAL)
    if ItemStatus.ON_HOLD in statuses:
        found.append(and_(living, Item.open_holds > 0))
    if ItemStatus.EXPIRED in statuses:
        found.append(and_(living, Item.open_holds == 0, expired))
    return or_(*found)
