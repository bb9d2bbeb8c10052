"""A job goes to a work unit of its class, at its site (I13)."""

from mesgraph.access.roles import Role
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment
from mesgraph.equipment.models import EquipmentLevel
from mesgraph.orders.models import JobState
from tests.api import Api
from tests.factories.materials import site
from tests.factories.orders import codes, make_cathode, put_job, release

JOB = "HV1/10041-30"


async def test_a_job_is_given_to_a_unit_of_its_class_and_taken_away(api: Api) -> None:
    await make_cathode(api)
    await release(api)
    fields = "jobOrder { equipment { code } }"
    given = await api.do("assignJobOrder", fields, by=Role.SUPERVISOR, jobOrder=JOB, equipment="HV1/COAT02")
    taken = await api.do("assignJobOrder", fields, by=Role.PLANNER, jobOrder=JOB)
    assert given["jobOrder"]["equipment"] == {"code": "COAT02"}
    assert taken["jobOrder"]["equipment"] is None


async def test_another_class_or_another_site_is_not_capable(api: Api) -> None:
    await make_cathode(api)
    await release(api)
    await api.plant.database.write(
        lambda session: submit_equipment(
            api.work(session),
            site(session, "HV2"),
            EquipmentMaster(code="COAT09", name="Coater", level=EquipmentLevel.WORK_CELL, classes=["COATING"]),
        )
    )
    for unit in ("HV1/MIX01", "HV2/COAT09"):
        errors = await api.refused("assignJobOrder", by=Role.SUPERVISOR, jobOrder=JOB, equipment=unit)
        assert codes(errors) == ["EQUIPMENT_NOT_CAPABLE"]


async def test_a_job_that_has_started_stays_where_it_is(api: Api) -> None:
    await make_cathode(api)
    await release(api)
    await put_job(api, JOB, JobState.RUNNING, None)
    errors = await api.refused("assignJobOrder", by=Role.SUPERVISOR, jobOrder=JOB, equipment="HV1/MIX01")
    assert codes(errors) == ["INVALID_TRANSITION", "EQUIPMENT_NOT_CAPABLE"]


async def test_job_and_unit_must_exist(api: Api) -> None:
    await make_cathode(api)
    errors = await api.refused("assignJobOrder", by=Role.SUPERVISOR, jobOrder="HV1/NONE", equipment="HV1/NONE")
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", ["input", "jobOrder"]),
        ("NOT_FOUND", ["input", "equipment"]),
    ]
