"""Verbs of driver instances and tags."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from mesgraph import ledger
from mesgraph.clock import MICROSECOND
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import equipment_by_key
from mesgraph.errors import Code, Violation, all_violations, invalid, not_found
from mesgraph.telemetry import events, queries
from mesgraph.telemetry.models import DataType, DriverInstance, DriverState, DriverStatus, Tag, TagKind
from mesgraph.words import check_code
from mesgraph.work import Work

CONFIG_MAX = 20_000
"""Characters of a configuration as JSON."""
TEXT_MAX = {"secret_ref": 200, "address": 500, "message": 500, "tier": 40}
PERIOD_MAX = timedelta(days=366)


@dataclass(frozen=True, kw_only=True)
class DriverMaster:
    """What is known of a driver instance."""

    code: str
    driver: str
    config: dict[str, Any] = field(default_factory=dict)
    secret_ref: str | None = None


@dataclass(frozen=True, kw_only=True)
class TagMaster:
    """What is known of a tag. ``driver_instance`` and ``equipment`` are codes of the same site; ``valid_range`` is the
    lowest and highest value that can be true, either may be open.
    """

    path: str
    driver_instance: str
    address: str
    kind: TagKind
    data_type: DataType
    equipment: str | None = None
    uom: str | None = None
    valid_range: tuple[Decimal | None, Decimal | None] = (None, None)
    max_rate: Decimal | None = None
    deadband: Decimal | None = None
    expected_period: timedelta | None = None
    stale_after: timedelta | None = None


@dataclass(frozen=True, kw_only=True)
class Health:
    """What an edge tells of an instance. ``clock_offset_ms``: how far the device's clock is ahead of the edge's."""

    state: DriverState
    message: str | None = None
    buffered: int = 0
    clock_offset_ms: int | None = None
    tier: str | None = None


def submit_driver_instance(work: Work, site: Site, master: DriverMaster) -> DriverInstance:
    """Make a driver instance known, or replace what is known of it. The same again changes nothing.

    Refuses VALIDATION_FAILED.
    """
    with all_violations() as found:
        found.add(check_code(master.code, "code"), check_code(master.driver, "driver"))
        found.add(_check_config(master.config), _check_text(master.secret_ref, "secret_ref"))
    instance = queries.instance_by_key(work.session, f"{site.code}/{master.code}")
    told = {"driver": master.driver, "config": master.config, "secret_ref": master.secret_ref}
    if instance is None:
        instance = work.add(DriverInstance(site_id=site.id, code=master.code, **told))
        work.session.add(DriverStatus(site_id=site.id, driver_instance_id=instance.id, changed_at=work.now))
    else:
        work.lock(instance)
        if not _changes(instance, told):
            return instance
        _change(instance, told)
        instance.revision += 1
    written = json.dumps(master.config, sort_keys=True)  # the ledger holds no floats
    ledger.record(
        work,
        events.DriverInstanceSubmitted(
            driver_instance=instance, driver=master.driver, config=written, secret_ref=master.secret_ref
        ),
        site_id=site.id,
    )
    return instance


def submit_tag(work: Work, site: Site, master: TagMaster) -> Tag:
    """Make a tag known, or replace what is known of it. The same again changes nothing.

    Refuses VALIDATION_FAILED, NOT_FOUND (driver instance, equipment), and RECORD_IMMUTABLE for another data type: what
    is stored of the tag relies on it.
    """
    path = master.path.removeprefix(f"{site.code}/")
    tag = queries.tag_by_key(work.session, f"{site.code}/{path}")
    with all_violations() as found:
        found.extend(_tag_violations(path, master))
        instance = queries.instance_by_key(work.session, f"{site.code}/{master.driver_instance}")
        if instance is None:
            found.add(not_found("DriverInstance", master.driver_instance[:100], "driver_instance"))
        equipment = _equipment(work, site, master.equipment)
        if master.equipment is not None and equipment is None:
            found.add(not_found("Equipment", master.equipment[:100], "equipment"))
        if tag is not None and tag.data_type is not master.data_type:
            message = f"{path} is {tag.data_type} and stays so; make another tag"
            found.add(invalid(message, "data_type", code=Code.RECORD_IMMUTABLE))
    assert instance is not None, "it was found, or refused"
    told = _told(master, instance, equipment)
    work.lock(instance, tag)
    if tag is None:
        tag = work.add(Tag(site_id=site.id, path=path, **told))
    elif not _changes(tag, told):
        return tag
    else:
        _move(work, tag, instance)
        _change(tag, told)
    instance.revision += 1
    ledger.record(work, _tag_event(tag, instance, equipment), site_id=site.id)
    return tag


def report_health(work: Work, instance: DriverInstance, health: Health) -> DriverStatus:
    """Note how an instance is; a change of its state is recorded. Refuses VALIDATION_FAILED."""
    with all_violations() as found:
        found.add(_check_text(health.message, "message"), _check_text(health.tier, "tier"))
        if not 0 <= health.buffered < 2**53:
            found.add(invalid(f"buffered is {health.buffered}, a number of samples", "buffered"))
    status = queries.statuses(work.session, [instance.id])[instance.id]
    if status.state is not health.state:
        event = events.DriverStateChanged(
            driver_instance=instance, from_state=status.state, to_state=health.state, message=health.message
        )
        ledger.record(work, event, site_id=instance.site_id)
        status.changed_at = work.now
    status.state, status.message, status.tier = health.state, health.message, health.tier
    status.buffered, status.clock_offset_ms, status.seen_at = health.buffered, health.clock_offset_ms, work.now
    work.session.flush()
    return status


def _told(master: TagMaster, instance: DriverInstance, equipment: Equipment | None) -> dict[str, Any]:
    low, high = master.valid_range
    return {
        "driver_instance_id": instance.id,
        "equipment_id": equipment.id if equipment else None,
        "address": master.address,
        "tag_kind": master.kind,
        "data_type": master.data_type,
        "uom": master.uom,
        "valid_low": low,
        "valid_high": high,
        "max_rate": master.max_rate,
        "deadband": master.deadband,
        "expected_period_us": _micros(master.expected_period),
        "stale_after_us": _micros(master.stale_after),
    }


def _tag_event(tag: Tag, instance: DriverInstance, equipment: Equipment | None) -> events.TagSubmitted:
    return events.TagSubmitted(
        tag=tag,
        driver_instance=instance,
        equipment=equipment,
        address=tag.address,
        tag_kind=tag.tag_kind,
        data_type=tag.data_type,
        uom=tag.uom,
        expected_period_us=tag.expected_period_us,
        stale_after_us=tag.stale_after_us,
        valid_low=tag.valid_low,
        valid_high=tag.valid_high,
        max_rate=tag.max_rate,
        deadband=tag.deadband,
    )


def _move(work: Work, tag: Tag, instance: DriverInstance) -> None:
    """Give a tag to another instance: the edge of the one that had it begins anew, too, and its head is still read."""
    if tag.driver_instance_id == instance.id:
        return
    former = work.session.get_one(DriverInstance, tag.driver_instance_id)
    former.revision += 1
    tag.former_instance_id = former.id


def _changes(row: Entity, told: dict[str, Any]) -> bool:
    return any(getattr(row, name) != value for name, value in told.items())


def _change(row: Entity, told: dict[str, Any]) -> None:
    for name, value in told.items():
        setattr(row, name, value)


def _equipment(work: Work, site: Site, code: str | None) -> Equipment | None:
    return equipment_by_key(work.session, f"{site.code}/{code}") if code is not None else None


def _micros(period: timedelta | None) -> int | None:
    return None if period is None else period // MICROSECOND


def _check_config(config: object) -> Violation | None:
    if not isinstance(config, dict):
        return invalid('config is a JSON object, such as {"host": "10.0.0.7"}', "config")
    length = len(json.dumps(config))
    if length <= CONFIG_MAX:
        return None
    return invalid(f"config has {length:,} characters of JSON, at most {CONFIG_MAX:,} are kept", "config")


def _check_text(value: str | None, name: str) -> Violation | None:
    if value is None or (value.isprintable() and 0 < len(value) <= TEXT_MAX[name]):
        return None
    return invalid(f"{name} has 1 to {TEXT_MAX[name]} printable characters, this one has {len(value)}", name)


def _tag_violations(path: str, master: TagMaster) -> Iterator[Violation]:
    if not (0 < len(path) <= 200 and path.isprintable() and path.strip("/ ") == path and path[0] != "~"):
        yield invalid(f"{path[:80]!r} is no path: 1-200 printable characters, no slash at its ends", "path")
    if wrong := _check_text(master.address, "address"):
        yield wrong
    low, high = master.valid_range
    if low is not None and high is not None and low > high:
        yield invalid(f"the range ends at {high}, below its beginning {low}", "valid_range", "high")
    for name in ("max_rate", "deadband"):
        if (value := getattr(master, name)) is not None and value < 0:
            yield invalid(f"{name} {value} is below zero", name)
    for name in ("expected_period", "stale_after"):
        if (value := getattr(master, name)) is not None and not timedelta(0) < value <= PERIOD_MAX:
            yield invalid(f"{name} {value} must lie above zero and within a year", name)
    if master.data_type in (DataType.BOOLEAN, DataType.TEXT):
        limits = (*master.valid_range, master.max_rate, master.deadband)
        if any(limit is not None for limit in limits):
            yield invalid(f"a tag of type {master.data_type} has no range, rate or deadband", "data_type")
