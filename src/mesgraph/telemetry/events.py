"""What happens to drivers and tags; samples are no events."""

from dataclasses import dataclass
from decimal import Decimal

from mesgraph.equipment.models import Equipment
from mesgraph.ledger import Event
from mesgraph.telemetry.models import DriverInstance, DriverState, Tag


@dataclass(frozen=True, kw_only=True)
class DriverInstanceSubmitted(Event):
    """A driver instance was made known, or its driver, configuration (as JSON text) or secret was changed."""

    subjects = ("driver_instance",)
    driver_instance: DriverInstance
    driver: str
    config: str
    secret_ref: str | None


@dataclass(frozen=True, kw_only=True)
class TagSubmitted(Event):
    """A tag was made known, or what is known of it was changed. Times are in microseconds."""

    subjects = ("tag",)
    tag: Tag
    driver_instance: DriverInstance
    equipment: Equipment | None
    address: str
    tag_kind: str
    data_type: str
    uom: str | None
    valid_low: Decimal | None
    valid_high: Decimal | None
    max_rate: Decimal | None
    deadband: Decimal | None
    expected_period_us: int | None
    stale_after_us: int | None


@dataclass(frozen=True, kw_only=True)
class DriverStateChanged(Event):
    """A driver instance went from one state to another, as its edge reported."""

    subjects = ("driver_instance",)
    driver_instance: DriverInstance
    from_state: DriverState
    to_state: DriverState
    message: str | None
