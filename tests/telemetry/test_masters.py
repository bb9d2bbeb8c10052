"""Driver instances and tags are masters: safe to repeat, judged whole, recorded when something changes."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.materials import make_halvard
from tests.factories.telemetry import INSTANCE, TEMP, make_tags

SEEN = "driverInstances { nodes { key code driver config secretRef revision tags { path kind dataType uom "
SEEN += "expectedPeriod staleAfter validRange { low high } equipment { code } } health { state nextSequence } } }"
LAST = "{ systemStatus { cursor } }"


@pytest.fixture
async def plant_of(api: Api) -> Api:
    await make_halvard(api)
    return api


async def instances(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.ask(f"{{ {SEEN} }}", by=Role.DRIVER))["driverInstances"]["nodes"]
    return found


async def test_an_edge_reads_its_instances_with_their_tags(plant_of: Api) -> None:
    await make_tags(plant_of)
    [instance] = await instances(plant_of)
    assert (instance["key"], instance["driver"], instance["config"]) == ("HV1/DRV-1", "simulator", {"scan": 0.5})
    assert instance["health"] == {"state": "STOPPED", "nextSequence": 0}
    assert [tag["path"] for tag in instance["tags"]] == ["COAT01/Count", "COAT01/Name", "COAT01/On", "COAT01/Temp"]
    assert instance["tags"][-1] == {
        "path": "COAT01/Temp",
        "kind": "ANALOG",
        "dataType": "FLOAT",
        "uom": "CEL",
        "expectedPeriod": "PT1S",
        "staleAfter": "PT10S",
        "validRange": {"low": "20", "high": "180"},
        "equipment": {"code": "COAT01"},
    }


async def test_the_same_again_changes_and_records_nothing(plant_of: Api) -> None:
    await make_tags(plant_of)
    before = await instances(plant_of)
    end = await plant_of.plant.tail.end()
    await make_tags(plant_of)
    assert await instances(plant_of) == before
    assert await plant_of.plant.tail.end() == end


async def test_a_change_of_instance_or_tag_counts_up_the_revision(plant_of: Api) -> None:
    await make_tags(plant_of)
    revisions = [(await instances(plant_of))[0]["revision"]]
    await make_tags(plant_of, tags=[TEMP | {"deadband": "0.5"}])
    revisions.append((await instances(plant_of))[0]["revision"])
    await make_tags(plant_of, instances=[INSTANCE | {"config": {"scan": 1}}], tags=[])
    revisions.append((await instances(plant_of))[0]["revision"])
    assert revisions == [5, 6, 7]


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"path": ""}, "VALIDATION_FAILED", ["input", "tags", "0", "path"]),
        ({"driverInstance": "DRV-9"}, "NOT_FOUND", ["input", "tags", "0", "driverInstance"]),
        ({"equipment": "NONE"}, "NOT_FOUND", ["input", "tags", "0", "equipment"]),
        ({"dataType": "INTEGER"}, "RECORD_IMMUTABLE", ["input", "tags", "0", "dataType"]),
        ({"validRange": {"low": "9", "high": "1"}}, "VALIDATION_FAILED", ["input", "tags", "0", "validRange", "high"]),
        ({"expectedPeriod": "PT0S"}, "VALIDATION_FAILED", ["input", "tags", "0", "expectedPeriod"]),
        ({"maxRate": "-1"}, "VALIDATION_FAILED", ["input", "tags", "0", "maxRate"]),
        ({"path": "X", "dataType": "TEXT"}, "VALIDATION_FAILED", ["input", "tags", "0", "dataType"]),
    ],
)
async def test_what_cannot_be_is_refused_by_name(
    plant_of: Api, change: dict[str, Any], code: str, path: list[str]
) -> None:
    await make_tags(plant_of)
    errors = await plant_of.refused("submitTags", by=Role.ENGINEER, site="HV1", tags=[TEMP | change])
    assert [(error["code"], [str(part) for part in error["path"]]) for error in errors] == [(code, path)]


async def test_a_configuration_is_an_object_of_bearable_size(plant_of: Api) -> None:
    for config in ([1], {"text": "x" * 20_001}):
        wrong = [INSTANCE | {"config": config}]
        [error] = await plant_of.refused("submitDriverInstances", by=Role.ENGINEER, site="HV1", driverInstances=wrong)
        assert (error["code"], error["path"][-1]) == ("VALIDATION_FAILED", "config")


async def test_a_change_of_state_is_recorded_and_the_same_again_only_noted(plant_of: Api) -> None:
    await make_tags(plant_of)
    driver = await plant_of.actor(Role.DRIVER, site="HV1")
    shown = "health { state message buffered clockOffsetMs tier lastSeen } ledgerEvents { type }"
    told = {"driverInstance": "HV1/DRV-1", "state": "RUNNING", "buffered": 2**40, "clockOffsetMs": -12, "tier": "gold"}
    first = await plant_of.do("reportDriverHealth", shown, by=driver, **told)
    assert [event["type"] for event in first["ledgerEvents"]] == ["DRIVER_STATE_CHANGED"]
    plant_of.clock.step(seconds=30)
    again = await plant_of.do("reportDriverHealth", shown, by=driver, **told | {"buffered": 0})
    assert again["ledgerEvents"] == []
    assert again["health"] | {"lastSeen": None} == {
        "state": "RUNNING",
        "message": None,
        "buffered": 0,
        "clockOffsetMs": -12,
        "tier": "gold",
        "lastSeen": None,
    }
    assert first["health"]["lastSeen"] < again["health"]["lastSeen"]


async def test_who_only_looks_does_not_see_how_a_device_is_reached(plant_of: Api) -> None:
    await make_tags(plant_of)
    document = "{ driverInstances { nodes { code config } } }"
    assert (await plant_of.error(document, by=Role.OPERATOR))["code"] == "FORBIDDEN"
