"""Verbs of sites and equipment."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from zoneinfo import available_timezones

from sqlalchemy import delete

from mesgraph import ledger
from mesgraph.equipment import events, packml, queries
from mesgraph.equipment.capability import Property, property_violations, value_violations
from mesgraph.equipment.models import (
    Equipment,
    EquipmentClass,
    EquipmentClassMember,
    EquipmentLevel,
    EquipmentMode,
    EquipmentStateRecord,
    PackmlState,
    Site,
    StateSource,
    StorageLocation,
)
from mesgraph.errors import Code, Refused, all_violations, invalid, not_found
from mesgraph.words import check_code, check_name
from mesgraph.work import Work


def submit_site(work: Work, *, code: str, name: str, gln: str | None, time_zone: str) -> Site:
    """Make a site known, or change its name, GLN or time zone.

    A new site gets a root in the equipment tree with the same code. Refuses VALIDATION_FAILED.
    """
    with all_violations() as found:
        found.add(check_code(code, "code"), check_name(name, "name"))
        if time_zone not in available_timezones():
            found.add(invalid(f"{time_zone!r} is not an IANA time zone such as Europe/Stockholm", "time_zone"))
    site = queries.site_by_key(work.session, code)
    if site is None:
        site = work.add(Site(code=code, name=name, gln=gln, time_zone=time_zone))
        work.add(Equipment(site_id=site.id, code=code, name=name, level=EquipmentLevel.SITE))
    else:
        work.lock(site)
        site.name, site.gln, site.time_zone = name, gln, time_zone
    ledger.record(work, events.SiteSubmitted(site=site, name=name, gln=gln, time_zone=time_zone), site_id=site.id)
    return site


def submit_equipment_class(
    work: Work, *, code: str, name: str, properties: Sequence[Property] | None = None
) -> EquipmentClass:
    """Make an equipment class known, or rename it. ``properties`` replace those that it had; ``None`` keeps them.

    Refuses VALIDATION_FAILED, DUPLICATE_KEY.
    """
    with all_violations() as found:
        found.add(check_code(code, "code"), check_name(name, "name"))
        found.extend(property_violations(properties or ()))
    equipment_class = queries.class_by_key(work.session, code)
    if equipment_class is None:
        equipment_class = work.add(EquipmentClass(code=code, name=name))
    else:
        work.lock(equipment_class)
        equipment_class.name = name
    if properties is not None:
        equipment_class.properties = [one.kept() for one in properties]
    work.session.flush()
    ledger.record(
        work,
        events.EquipmentClassSubmitted(
            equipment_class=equipment_class, name=name, properties=equipment_class.properties
        ),
    )
    return equipment_class


@dataclass(frozen=True, kw_only=True)
class EquipmentMaster:
    """What is known of equipment. Keys of parent and stores are codes of the same site.

    ``properties`` are codes and values of the properties of its classes; ``None`` keeps those that are known.
    """

    code: str
    name: str
    level: EquipmentLevel
    parent: str | None = None
    capacity: int = 1
    classes: list[str] = field(default_factory=list)
    storage_locations: list[str] = field(default_factory=list)
    properties: Sequence[tuple[str, str]] | None = None


def submit_equipment(work: Work, site: Site, master: EquipmentMaster) -> Equipment:
    """Make equipment known, or replace what is known of it as a whole. Without a parent it stands below the site.

    Refuses VALIDATION_FAILED, NOT_FOUND (parent, class, store), a parent below itself, and RECORD_IMMUTABLE for
    another level: jobs and stock rely on it.
    """
    equipment = queries.equipment_by_key(work.session, f"{site.code}/{master.code}")
    with all_violations() as found:
        found.add(check_code(master.code, "code"), check_name(master.name, "name"))
        if not 1 <= master.capacity <= 10_000:
            found.add(invalid(f"capacity {master.capacity} must lie between 1 and 10,000", "capacity"))
        if master.level is EquipmentLevel.SITE:
            found.add(invalid("a site is made by submitSites", "level"))
        if equipment is not None and equipment.level is not master.level:
            message = f"{equipment.code} is a {equipment.level} and stays one; retire it and make another"
            found.add(invalid(message, "level", code=Code.RECORD_IMMUTABLE))
        parent = _sibling(work, site, master.parent or site.code)
        if parent is None:
            found.add(not_found("Equipment", master.parent, "parent"))
        elif equipment is not None and parent.id in queries.within(work.session, equipment.id):
            found.add(invalid(f"{parent.code} stands below {equipment.code}", "parent"))
        classes = [queries.class_by_key(work.session, code) for code in master.classes]
        stores = [_sibling(work, site, code) for code in master.storage_locations]
        for name, keys, rows in (
            ("classes", master.classes, classes),
            ("storage_locations", master.storage_locations, stores),
        ):
            found.extend(
                not_found(name, key, name, i)
                for i, (key, row) in enumerate(zip(keys, rows, strict=True))
                if row is None
            )
        known = {p.code: p for c in classes if c is not None for p in map(Property.of, c.properties)}
        found.extend(value_violations(known, master.properties or ()))
    if equipment is None:
        equipment = work.add(Equipment(site_id=site.id, code=master.code, name=master.name, level=master.level))
        _open_state(work, equipment, StateSource.DERIVED)
    work.lock(equipment)
    equipment.name, equipment.level, equipment.capacity = master.name, master.level, master.capacity
    equipment.parent_id = parent.id if parent else None
    if master.properties is not None:
        equipment.properties = dict(master.properties)
    _replace_links(work, equipment, [c.id for c in classes if c], [s.id for s in stores if s])
    ledger.record(
        work,
        events.EquipmentSubmitted(
            equipment=equipment,
            name=master.name,
            level=master.level,
            parent=parent,
            capacity=master.capacity,
            classes=master.classes,
            storage_locations=master.storage_locations,
            properties=equipment.properties,
        ),
        site_id=site.id,
    )
    return equipment


def report_state(
    work: Work, equipment: Equipment, *, state: PackmlState, mode: EquipmentMode | None, set_by: StateSource
) -> EquipmentStateRecord:
    """Record the observed state of a machine; the same state and mode again changes nothing.

    Refuses TIME_ORDER_INVALID when ``occurred_at`` lies before the present state began, and INVALID_TRANSITION for a
    change of mode outside STOPPED, IDLE and ABORTED. A step that PackML does not know is recorded as inferred.
    """
    work.lock(equipment)
    mode = mode or equipment.mode
    inferred = state is not equipment.packml_state and state not in packml.followers(equipment.packml_state)
    return _change_state(work, equipment, state, mode, set_by, inferred=inferred)


def command_equipment(
    work: Work, equipment: Equipment, command: packml.EquipmentCommand, *, expected_version: int | None = None
) -> EquipmentStateRecord:
    """Tell a machine what to do, by hand: where no driver reports its states, they follow the commands.

    Refuses VERSION_CONFLICT, INVALID_TRANSITION with the commands allowed instead, and TIME_ORDER_INVALID when
    ``occurred_at`` lies before the present state began.
    """
    work.lock(equipment)
    work.expect(equipment, expected_version)
    state = packml.target_of(equipment, command)
    return _change_state(work, equipment, state, equipment.mode, StateSource.OPERATOR, command=command)


def _change_state(
    work: Work,
    equipment: Equipment,
    state: PackmlState,
    mode: EquipmentMode,
    set_by: StateSource,
    *,
    inferred: bool = False,
    command: packml.EquipmentCommand | None = None,
) -> EquipmentStateRecord:
    """End the present interval and begin the next one. The equipment is locked."""
    current = queries.open_state(work.session, equipment.id) or _open_state(work, equipment, StateSource.DERIVED)
    if (equipment.packml_state, equipment.mode) == (state, mode):
        return current
    if work.occurred_at < current.from_at:
        raise Refused(
            invalid(
                f"{equipment.code} is {current.packml_state} since {current.from_at.isoformat()}",
                "event_time",
                code=Code.TIME_ORDER_INVALID,
            )
        )
    packml.check_mode_change(equipment, mode)
    from_state = equipment.packml_state
    current.to_at = work.occurred_at
    equipment.packml_state, equipment.mode = state, mode
    record = _open_state(work, equipment, set_by, inferred=inferred)
    ledger.record(
        work,
        events.EquipmentStateChanged(
            equipment=equipment,
            from_state=from_state,
            to_state=state,
            mode=mode,
            set_by=set_by,
            inferred=inferred,
            command=command,
        ),
        site_id=equipment.site_id,
    )
    return record


def _open_state(
    work: Work, equipment: Equipment, set_by: StateSource, *, inferred: bool = False
) -> EquipmentStateRecord:
    return work.add(
        EquipmentStateRecord(
            site_id=equipment.site_id,
            equipment_id=equipment.id,
            packml_state=equipment.packml_state,
            mode=equipment.mode,
            from_at=work.occurred_at,
            reason_code=work.reason.code if work.reason else None,
            set_by=set_by,
            inferred=inferred,
        )
    )


def _sibling(work: Work, site: Site, code: str) -> Equipment | None:
    return queries.equipment_by_key(work.session, f"{site.code}/{code.removeprefix(site.code + '/')}")


def _replace_links(work: Work, equipment: Equipment, class_ids: list[int], store_ids: list[int]) -> None:
    work.session.execute(delete(EquipmentClassMember).where(EquipmentClassMember.equipment_id == equipment.id))
    work.session.execute(delete(StorageLocation).where(StorageLocation.equipment_id == equipment.id))
    work.session.add_all(EquipmentClassMember(equipment_id=equipment.id, class_id=c) for c in dict.fromkeys(class_ids))
    work.session.add_all(
        StorageLocation(equipment_id=equipment.id, location_id=store, rank=rank)
        for rank, store in enumerate(dict.fromkeys(store_ids), start=1)
    )
    work.session.flush()
