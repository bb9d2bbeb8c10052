"""What equipment can do is data: classes have properties, equipment values, steps needs; what lacks is named (I13)."""

from decimal import Decimal
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.models import OperationsSegment
from mesgraph.equipment.capability import Need
from tests.api import Api
from tests.factories.orders import approve, cathode, codes, make_line, release

COATER = [
    {"code": "WIDTH", "dataType": "NUMBER", "uom": "MTR", "min": "0.1", "max": "2"},
    {"code": "SOLVENT", "dataType": "TEXT"},
    {"code": "DUAL_SIDE", "dataType": "BOOLEAN"},
]
VALUES = [
    {"code": "WIDTH", "value": "0.65"},
    {"code": "SOLVENT", "value": "NMP"},
    {"code": "DUAL_SIDE", "value": "true"},
]


async def make_classes(api: Api, **more: Any) -> None:
    await api.do("submitEquipmentClasses", "", by=Role.ENGINEER, classes=[give_class(**more)])


def give_class(**more: Any) -> dict[str, Any]:
    return {"code": "COATING", "name": "Coating", "properties": COATER} | more


def coater(code: str, values: list[dict[str, str]] | None) -> dict[str, Any]:
    given = {} if values is None else {"properties": values}
    stores = ["STORE-RM", "STORE-WIP"]
    return {
        "code": code,
        "name": code,
        "level": "WORK_CELL",
        "classes": ["COATING"],
        "storageLocations": stores,
    } | given


@pytest.fixture
async def line(api: Api) -> None:
    """The cathode line; COAT01 is wide enough for 0.6 m, COAT02 is not and coats one side only."""
    await make_line(api)
    await make_classes(api)
    narrow = [{"code": "WIDTH", "value": "0.4"}, {"code": "SOLVENT", "value": "NMP"}]
    equipment = [coater("COAT01", VALUES), coater("COAT02", narrow)]
    await api.do("submitEquipment", "", by=Role.ENGINEER, site="HV1", equipment=equipment)


def needing(*needs: dict[str, str]) -> dict[str, Any]:
    content = cathode()
    content["segments"][2] |= {"equipmentProperties": list(needs), "dependencies": []}
    return content


async def test_classes_have_properties_and_equipment_has_values(api: Api, line: None) -> None:
    data = await api.ask(
        '{ equipment(site: "HV1", code: "COAT01") { properties { code value } '
        "classes { properties { code dataType uom min max } } } }",
        by=Role.OPERATOR,
    )
    assert data["equipment"]["properties"] == VALUES
    [of_class] = data["equipment"]["classes"]
    assert of_class["properties"][0] == COATER[0]
    await make_classes(api, properties=None, name="Renamed")
    equipment = [coater("COAT01", None)]
    await api.do("submitEquipment", "", by=Role.ENGINEER, site="HV1", equipment=equipment)
    again = await api.ask('{ equipment(site: "HV1", code: "COAT01") { properties { code value } } }', by=Role.OPERATOR)
    assert again["equipment"]["properties"] == VALUES, "what is left out stays"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ({"code": "WIDTH", "value": "2.1"}, "VALIDATION_FAILED"),
        ({"code": "WIDTH", "value": "wide"}, "VALIDATION_FAILED"),
        ({"code": "WIDTH", "value": "NaN"}, "VALIDATION_FAILED"),
        ({"code": "DUAL_SIDE", "value": "yes"}, "VALIDATION_FAILED"),
        ({"code": "SOLVENT", "value": ""}, "VALIDATION_FAILED"),
        ({"code": "HEIGHT", "value": "1"}, "NOT_FOUND"),
    ],
)
async def test_a_value_fits_its_property(api: Api, line: None, value: dict[str, str], code: str) -> None:
    errors = await api.refused("submitEquipment", by=Role.ENGINEER, site="HV1", equipment=[coater("COAT01", [value])])
    assert [(e["code"], e["path"][:5]) for e in errors] == [(code, ["input", "equipment", "0", "properties", "0"])]


async def test_every_mistake_of_a_class_is_named(api: Api) -> None:
    wrong = [
        {"code": "A", "dataType": "NUMBER", "min": "2", "max": "1"},
        {"code": "A", "dataType": "TEXT", "uom": "MTR"},
        {"code": "?", "dataType": "BOOLEAN"},
    ]
    errors = await api.refused("submitEquipmentClasses", by=Role.ENGINEER, classes=[give_class(properties=wrong)])
    assert {(e["code"], e["path"][4], e["path"][-1]) for e in errors} == {
        ("DUPLICATE_KEY", "1", "1"),
        ("VALIDATION_FAILED", "0", "min"),
        ("VALIDATION_FAILED", "1", "dataType"),
        ("VALIDATION_FAILED", "2", "code"),
    }


@pytest.mark.parametrize(
    ("need", "message"),
    [
        ({"code": "WIDTH", "min": "0.6"}, "WIDTH is 0.4, at least 0.6 is needed"),
        ({"code": "WIDTH", "min": "0.5", "max": "1"}, "WIDTH is 0.4, at least 0.5 and at most 1 is needed"),
        ({"code": "DUAL_SIDE", "equals": "true"}, "DUAL_SIDE is not known, true is needed"),
    ],
)
async def test_equipment_that_lacks_a_property_is_not_capable_and_the_property_is_named(
    api: Api, line: None, need: dict[str, str], message: str
) -> None:
    await approve(api, needing(need))
    key = await release(api)
    job = f"{key}-30"
    errors = await api.refused("assignJobOrder", by=Role.SUPERVISOR, jobOrder=job, equipment="HV1/COAT02")
    assert [(e["code"], message in e["message"]) for e in errors] == [("EQUIPMENT_NOT_CAPABLE", True)]
    errors = await api.refused("startJobOrder", by=Role.OPERATOR, jobOrder=job, equipment="HV1/COAT02")
    assert ("EQUIPMENT_NOT_CAPABLE", True) in [(e["code"], message in e["message"]) for e in errors]
    document = """query($id: ID!, $unit: ID) { jobOrder(id: $id) {
        readiness(equipment: $unit) { blockers { code message node { ... on Equipment { code } } } }
        segmentRequirement { segment { equipmentProperties { code } } } } }"""
    for unit, capable in (("HV1/COAT02", False), ("HV1/COAT01", True)):
        data = await api.ask(document, by=Role.OPERATOR, id=job, unit=unit)
        blockers = data["jobOrder"]["readiness"]["blockers"]
        assert ("EQUIPMENT_NOT_CAPABLE" not in [b["code"] for b in blockers]) is capable
    assert data["jobOrder"]["segmentRequirement"]["segment"]["equipmentProperties"] == [{"code": need["code"]}]
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=job, equipment="HV1/COAT01")


@pytest.mark.parametrize(
    ("need", "code"),
    [
        ({"code": "HEIGHT", "min": "1"}, "NOT_FOUND"),
        ({"code": "WIDTH"}, "VALIDATION_FAILED"),
        ({"code": "WIDTH", "equals": "0.6"}, "VALIDATION_FAILED"),
        ({"code": "SOLVENT", "min": "1"}, "VALIDATION_FAILED"),
        ({"code": "DUAL_SIDE", "equals": "yes"}, "VALIDATION_FAILED"),
        ({"code": "WIDTH", "min": "2", "max": "1"}, "VALIDATION_FAILED"),
    ],
)
async def test_a_step_needs_what_its_class_has(api: Api, line: None, need: dict[str, str], code: str) -> None:
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **needing(need))
    assert codes(errors) == [code]
    assert errors[0]["path"][:5] == ["input", "segments", "2", "equipmentProperties", "0"]


async def test_needs_are_part_of_what_was_approved(api: Api, line: None) -> None:
    await approve(api, needing({"code": "WIDTH", "min": "0.6"}))
    key = await release(api)

    def loosen(session: Any) -> None:
        row = session.query(OperationsSegment).filter_by(seq=30).one()
        row.equipment_properties = []

    await api.plant.database.write(loosen)
    errors = await api.refused("startJobOrder", by=Role.OPERATOR, jobOrder=f"{key}-30", equipment="HV1/COAT01")
    assert codes(errors) == ["DEFINITION_NOT_EFFECTIVE"]


def test_limits_are_included() -> None:
    need = Need(code="WIDTH", min=Decimal("0.5"), max=Decimal(1))
    assert [need.unmet_by(value) is None for value in ("0.499999", "0.5", "0.75", "1", "1.000001")] == [
        False,
        True,
        True,
        True,
        False,
    ]
