"""What happens to sites and equipment."""

from dataclasses import dataclass
from typing import Any

from mesgraph.equipment.models import Equipment, EquipmentClass, EquipmentMode, PackmlState, Site, StateSource
from mesgraph.ledger import Event


@dataclass(frozen=True, kw_only=True)
class SiteSubmitted(Event):
    """A site was made known or its name, GLN or time zone was changed."""

    subjects = ("site",)
    site: Site
    name: str
    gln: str | None
    time_zone: str


@dataclass(frozen=True, kw_only=True)
class EquipmentClassSubmitted(Event):
    """An equipment class was made known, renamed, or got other properties."""

    subjects = ("equipment_class",)
    equipment_class: EquipmentClass
    name: str
    properties: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class EquipmentSubmitted(Event):
    """Equipment was made known, or its name, place, classes, stores or properties were changed."""

    subjects = ("equipment",)
    equipment: Equipment
    name: str
    level: str
    parent: Equipment | None
    capacity: int
    classes: list[str]
    storage_locations: list[str]
    properties: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class EquipmentStateChanged(Event):
    """A machine went from one state to another. ``inferred``: PackML knows no such step, so some were missed.
    ``command``: somebody told it to, by hand.
    """

    subjects = ("equipment",)
    equipment: Equipment
    from_state: PackmlState
    to_state: PackmlState
    mode: EquipmentMode
    set_by: StateSource
    inferred: bool
    command: str | None
