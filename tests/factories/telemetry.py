"""A driver instance of HV1 with tags of each type, and batches of their samples."""

from collections.abc import Sequence
from typing import Any

from mesgraph.access.roles import Role
from mesgraph.clock import to_micros
from tests.api import START, Api

INSTANCE: dict[str, Any] = {"code": "DRV-1", "driver": "simulator", "config": {"scan": 0.5}, "secretRef": "coater"}
OF_DRIVER = {"driverInstance": "DRV-1", "address": "ns=2;s=Temp", "equipment": "COAT01"}
TEMP: dict[str, Any] = OF_DRIVER | {
    "path": "COAT01/Temp",
    "kind": "ANALOG",
    "dataType": "FLOAT",
    "uom": "CEL",
    "validRange": {"low": "20", "high": "180"},
    "maxRate": "50",
    "expectedPeriod": "PT1S",
    "staleAfter": "PT10S",
}
COUNT: dict[str, Any] = OF_DRIVER | {"path": "COAT01/Count", "kind": "COUNTER", "dataType": "INTEGER"}
ON: dict[str, Any] = OF_DRIVER | {"path": "COAT01/On", "kind": "DISCRETE", "dataType": "BOOLEAN"}
NAME: dict[str, Any] = OF_DRIVER | {"path": "COAT01/Name", "kind": "TEXT", "dataType": "TEXT"}
TAGS = [TEMP, COUNT, ON, NAME]
BEGIN = to_micros(START)
SECOND = 1_000_000


async def make_tags(api: Api, *, instances: Sequence[Any] = (INSTANCE,), tags: Sequence[Any] = TAGS) -> None:
    """Make the instance and the tags known at HV1."""
    by = Role.ENGINEER
    await api.do("submitDriverInstances", "", by=by, site="HV1", driverInstances=list(instances))
    await api.do("submitTags", "", by=by, site="HV1", tags=list(tags))


def batch(*samples: tuple[Any, ...], **more: Any) -> dict[str, Any]:
    """Columns of samples (tag, second, value), each received 20 ms after its time; ``more`` are further columns."""
    paths = list(dict.fromkeys(tag["path"] for tag, _, _ in samples))
    times = [BEGIN + round(second * SECOND) for _, second, _ in samples]
    columns = {
        "paths": paths,
        "tag": [paths.index(tag["path"]) for tag, _, _ in samples],
        "time": times,
        "received": [time + 20_000 for time in times],
        "value": [value for _, _, value in samples],
    }
    return columns | more


TAKEN = "accepted duplicate rejected { index code } clockOffsetMs nextSequence"


async def send(api: Api, sequence: int, samples: dict[str, Any], instance: str = "HV1/DRV-1") -> dict[str, Any]:
    """Send a batch as the edge of HV1 does; what became of it."""
    driver = await api.actor(Role.DRIVER, site="HV1")
    return await api.do("ingestSamples", TAKEN, by=driver, driverInstance=instance, sequence=sequence, samples=samples)
