"""Master data of sites and equipment."""

from mesgraph.access.roles import Role
from tests.api import Api

HALVARD = {"code": "HV1", "name": "Halvard electrode and cell", "timeZone": "Europe/Stockholm"}


async def test_equipment_stands_below_its_site_with_its_classes_and_stores(api: Api) -> None:
    await api.do("submitSites", "sites { code }", by=Role.ADMIN, sites=[HALVARD])
    await api.do("submitEquipmentClasses", "", by=Role.ENGINEER, classes=[{"code": "COATER", "name": "Coater"}])
    payload = await api.do(
        "submitEquipment",
        "equipment { code parent { code } classes { code } storageLocations { code } }",
        by=Role.ENGINEER,
        site="HV1",
        equipment=[
            {"code": "STORE-WIP", "name": "Store", "level": "STORAGE_ZONE"},
            {
                "code": "COAT01",
                "name": "Coater 1",
                "level": "WORK_CELL",
                "classes": ["COATER"],
                "storageLocations": ["STORE-WIP"],
            },
        ],
    )
    assert payload["equipment"][1] == {
        "code": "COAT01",
        "parent": {"code": "HV1"},
        "classes": [{"code": "COATER"}],
        "storageLocations": [{"code": "STORE-WIP"}],
    }


async def test_every_mistake_is_named_at_once_and_nothing_is_written(api: Api) -> None:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HALVARD])
    errors = await api.refused(
        "submitEquipment",
        by=Role.ENGINEER,
        site="HV1",
        equipment=[
            {"code": "GOOD", "name": "Good", "level": "AREA"},
            {"code": "B D", "name": "", "level": "AREA", "parent": "NOWHERE", "capacity": 0, "classes": ["NONE"]},
        ],
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "equipment", "1", "code"]),
        ("VALIDATION_FAILED", ["input", "equipment", "1", "name"]),
        ("VALIDATION_FAILED", ["input", "equipment", "1", "capacity"]),
        ("NOT_FOUND", ["input", "equipment", "1", "parent"]),
        ("NOT_FOUND", ["input", "equipment", "1", "classes", "0"]),
    ]


async def test_a_site_out_of_scope_does_not_exist(api: Api) -> None:
    other = {"code": "HV2", "name": "Halvard module and pack", "timeZone": "Europe/Lisbon"}
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HALVARD, other])
    engineer = await api.actor(Role.ENGINEER, site="HV1")
    errors = await api.refused("submitEquipment", by=engineer, site="HV2", equipment=[])
    assert [e["code"] for e in errors] == ["NOT_FOUND"]
    assert await api.ask("{ sites { code } }", by=engineer) == {"sites": [{"code": "HV1"}]}


async def test_a_code_stands_in_a_command_once(api: Api) -> None:
    errors = await api.refused("submitSites", by=Role.ADMIN, sites=[HALVARD, HALVARD])
    assert [(e["code"], e["path"]) for e in errors] == [("DUPLICATE_KEY", ["input", "sites", "1"])]


async def test_the_level_of_known_equipment_stays(api: Api) -> None:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HALVARD])
    unit = {"code": "MIX01", "name": "Mixer", "level": "UNIT"}
    await api.do("submitEquipment", "", by=Role.ENGINEER, site="HV1", equipment=[unit])
    errors = await api.refused("submitEquipment", by=Role.ENGINEER, site="HV1", equipment=[unit | {"level": "AREA"}])
    assert [(e["code"], e["path"]) for e in errors] == [("RECORD_IMMUTABLE", ["input", "equipment", "0", "level"])]
