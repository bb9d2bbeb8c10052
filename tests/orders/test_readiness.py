"""Whether a job can start, and everything that stands in the way (I10, I13, I14, I16, I17)."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.equipment.models import Equipment, EquipmentMode, PackmlState
from mesgraph.materials.models import Lifecycle
from mesgraph.orders.models import JobState, JobSubState
from mesgraph.orders.queries import jobs_of
from mesgraph.orders.readiness import refresh_readiness
from tests.api import Api
from tests.factories.materials import equipment, make_item
from tests.factories.orders import approve, cathode, job_of, make_cathode, make_line, put_job, release, request_of

READINESS = """query($job: ID!) { readiness(jobOrder: $job) { ready blockers { code message
  node { __typename ... on Equipment { code } ... on SegmentRequirement { seq }
    ... on MaterialDefinition { code } } } } }"""


async def blockers(api: Api, job: str) -> list[tuple[str, Any]]:
    found = (await api.ask(READINESS, by=Role.OPERATOR, job=job))["readiness"]
    assert found["ready"] is (found["blockers"] == [])
    shown = []
    for blocker in found["blockers"]:
        node = blocker["node"]
        kind = node.pop("__typename")
        shown.append((blocker["code"], next(iter(node.values()), kind)))
    return shown


async def change(api: Api, key: str, **values: Any) -> None:
    def write(session: Session) -> None:
        row = equipment(session, key)
        for name, value in values.items():
            setattr(row, name, value)

    await api.plant.database.write(write)


async def ready_job(api: Api) -> str:
    await make_cathode(api)
    key = await release(api)
    return f"{key}-10"


async def test_nothing_stands_in_the_way(api: Api) -> None:
    assert await blockers(api, await ready_job(api)) == []


@pytest.mark.parametrize(
    "fault", [{"mode": EquipmentMode.MAINTENANCE}, {"packml_state": PackmlState.ABORTED}, {"open_holds": 1}], ids=str
)
async def test_the_work_unit_is_ready(api: Api, fault: dict[str, Any]) -> None:
    job = await ready_job(api)
    await change(api, "HV1/WB01", **fault)
    assert await blockers(api, job) == [("EQUIPMENT_NOT_READY", "WB01")]


async def test_all_blockers_are_named_at_once_as_a_start_would(api: Api) -> None:
    job = await ready_job(api)
    await change(api, "HV1/WB01", mode=EquipmentMode.MANUAL, packml_state=PackmlState.CLEARING, capacity=0)
    wanted = ["EQUIPMENT_NOT_READY", "EQUIPMENT_NOT_READY", "EQUIPMENT_BUSY"]
    assert [code for code, _ in await blockers(api, job)] == wanted
    errors = await api.refused("startJobOrder", by=Role.OPERATOR, jobOrder=job)
    assert [error["code"] for error in errors] == wanted


async def test_the_work_unit_is_of_the_class(api: Api) -> None:
    job = await ready_job(api)

    def misplace(session: Session) -> None:
        job_of(session, job).equipment_id = equipment(session, "HV1/MIX01").id

    await api.plant.database.write(misplace)
    assert await blockers(api, job) == [("EQUIPMENT_NOT_CAPABLE", "MIX01")]


async def test_a_work_unit_runs_as_many_jobs_as_it_has_capacity_for(api: Api) -> None:
    job = await ready_job(api)
    other = await release(api, "10042")
    await put_job(api, f"{other}-10", JobState.RUNNING, None)
    assert await blockers(api, job) == [("EQUIPMENT_BUSY", "WB01")]
    await change(api, "HV1/WB01", capacity=2)
    assert await blockers(api, job) == []


async def test_a_job_without_work_unit_is_judged_by_the_best_one(api: Api) -> None:
    await ready_job(api)
    job = "HV1/10041-30"
    await change(api, "HV1/COAT01", mode=EquipmentMode.MAINTENANCE)
    assert "EQUIPMENT_NOT_READY" not in [code for code, _ in await blockers(api, job)]
    await change(api, "HV1/COAT02", mode=EquipmentMode.MAINTENANCE)
    assert "EQUIPMENT_NOT_READY" in [code for code, _ in await blockers(api, job)]


async def test_a_class_without_work_unit_at_the_site_blocks(api: Api) -> None:
    await make_line(api)
    await api.do(
        "submitEquipmentClasses", "", by=Role.ENGINEER, classes=[{"code": "FLYING", "name": "Nothing is of it"}]
    )
    content = cathode()
    content["segments"][0]["equipmentClass"] = "FLYING"
    await approve(api, content)
    key = await release(api)
    assert await blockers(api, f"{key}-10") == [("EQUIPMENT_NOT_CAPABLE", "EquipmentClass")]


async def test_what_a_step_waits_for_has_happened_and_the_delay_has_passed(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"] = [content["segments"][1]["materials"][4]]
    content["segments"][1]["dependencies"] = [{"after": 10, "delay": "PT2H"}]
    await approve(api, content)
    key = await release(api)
    job = f"{key}-20"
    assert await blockers(api, job) == [("SEGMENT_DEPENDENCY_UNMET", 10)]
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    assert await blockers(api, job) == [("SEGMENT_DEPENDENCY_UNMET", 10)]
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    assert await blockers(api, job) == [("SEGMENT_DEPENDENCY_UNMET", 10)]
    errors = await api.refused("startJobOrder", by=Role.OPERATOR, jobOrder=job)
    assert [(e["code"], e["retryable"]) for e in errors] == [("SEGMENT_DEPENDENCY_UNMET", True)]
    api.clock.step(hours=2)
    assert await blockers(api, job) == []


async def test_a_step_after_the_start_of_another_need_not_wait_for_its_end(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"] = [content["segments"][1]["materials"][4]]
    content["segments"][1]["dependencies"] = [{"after": 10, "kind": "AFTER_START"}]
    await approve(api, content)
    key = await release(api)
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    assert await blockers(api, f"{key}-20") == []


async def test_enough_of_every_material_is_usable_where_the_unit_takes_from(api: Api) -> None:
    await make_line(api)
    content = cathode()
    mixing = content["segments"][1]
    mixing["dependencies"] = []
    mixing["materials"] = [mixing["materials"][2], mixing["materials"][4]]
    await approve(api, content)
    key = await release(api)
    job = f"{key}-20"
    needed = Decimal("0.0093") * Decimal("797.86")
    assert await blockers(api, job) == [("INSUFFICIENT_QUANTITY", "RM-PVDF")]
    await make_item(api, "RM-PVDF", "P-1", str(needed - 1))
    await make_item(api, "RM-PVDF", "P-2", "1", location="HV1/COAT01")
    assert await blockers(api, job) == [("LOT_NOT_AT_LOCATION", "RM-PVDF")]
    await make_item(api, "RM-PVDF", "P-3", "1", lifecycle=Lifecycle.QUARANTINE)
    assert await blockers(api, job) == [("LOT_NOT_AT_LOCATION", "RM-PVDF")]
    await make_item(api, "RM-PVDF", "P-4", "1", location="HV1/STORE-WIP")
    assert await blockers(api, job) == []


async def test_held_and_expired_material_does_not_count(api: Api) -> None:
    await make_line(api)
    content = cathode()
    coating = content["segments"][2]
    coating["dependencies"] = []
    coating["materials"] = [coating["materials"][0], coating["materials"][2]]
    await approve(api, content)
    key = await release(api)
    job = f"{key}-30"
    item = await make_item(api, "SLURRY-C", "S-1", "800")
    assert await blockers(api, job) == []
    api.clock.step(hours=25)
    assert await blockers(api, job) == [("INSUFFICIENT_QUANTITY", "SLURRY-C")]
    api.clock.step(hours=-25)

    def hold(session: Session) -> None:
        session.merge(item).open_holds = 1

    await api.plant.database.write(hold)
    assert await blockers(api, job) == [("INSUFFICIENT_QUANTITY", "SLURRY-C")]


async def test_material_does_not_refuse_a_start(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["dependencies"] = []
    content["segments"][0]["dependencies"] = [{"after": 20}]
    await approve(api, content)
    key = await release(api)
    shown = await api.ask("query($k: ID!) { operationsRequest(key: $k) { state } }", by=Role.OPERATOR, k=key)
    assert shown["operationsRequest"]["state"] == "WAITING"
    payload = await api.do(
        "startJobOrder", "jobOrder { state request { state } }", by=Role.OPERATOR, jobOrder=f"{key}-20"
    )
    assert payload["jobOrder"] == {"state": "RUNNING", "request": {"state": "RUNNING"}}


async def test_a_job_that_may_not_start_says_so(api: Api) -> None:
    job = await ready_job(api)
    await api.do("revokeStart", "", by=Role.SUPERVISOR, jobOrder=job)
    assert await blockers(api, job) == [("INVALID_TRANSITION", "JobOrder")]
    await put_job(api, job, JobState.ENDED, JobSubState.COMPLETED)
    assert await blockers(api, job) == [("INVALID_TRANSITION", "JobOrder")]


async def test_content_that_was_altered_after_the_approval_stops_the_start(api: Api) -> None:
    job = await ready_job(api)

    def tamper(session: Session) -> None:
        definition = session.query(OperationsDefinition).one()
        definition.name = "Altered"

    await api.plant.database.write(tamper)
    errors = await api.refused("startJobOrder", by=Role.OPERATOR, jobOrder=job)
    assert [error["code"] for error in errors] == ["DEFINITION_NOT_EFFECTIVE"]


async def test_a_retired_version_stays_good_for_orders_that_have_it(api: Api) -> None:
    job = await ready_job(api)
    await api.do("retireOperationsDefinition", "", by=Role.QA, operationsDefinition="OD-CATH-105:5")
    assert await blockers(api, job) == []


async def test_what_changed_is_stored_and_recorded_when_looked_at_again(api: Api) -> None:
    job = await ready_job(api)
    await change(api, "HV1/WB01", mode=EquipmentMode.MAINTENANCE)

    def refresh(session: Session) -> tuple[list[str], Any, Any]:
        work = api.work(session)
        request = request_of(session, "HV1/10041")
        refresh_readiness(work, request)
        refresh_readiness(work, request)
        types = [event.type for event in work.events]
        return types, jobs_of(session, request.id)[0].sub_state, request.state

    assert await api.plant.database.write(refresh) == (
        ["JOB_ORDER_READINESS_CHANGED", "OPERATIONS_REQUEST_READINESS_CHANGED"],
        "WAITING",
        "WAITING",
    )
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { subState readiness { ready } } }", by=Role.OPERATOR, id=job
    )
    assert data["jobOrder"] == {"subState": "WAITING", "readiness": {"ready": False}}


async def test_many_jobs_are_judged_in_a_fixed_number_of_statements(api: Api) -> None:
    from sqlalchemy import event

    await make_cathode(api)
    keys = [await release(api, f"A{n}") for n in range(4)]

    def count(session: Session, wanted: list[str]) -> int:
        from mesgraph.orders.readiness import readiness_of

        jobs = [job for key in wanted for job in jobs_of(session, request_of(session, key).id)]
        session.get(Equipment, 1)
        counted = []
        connection = session.connection()

        def note(*_: Any) -> None:
            counted.append(1)

        event.listen(connection, "before_cursor_execute", note)
        try:
            readiness_of(session, jobs, api.clock.now())
        finally:
            event.remove(connection, "before_cursor_execute", note)
        return len(counted)

    few = await api.plant.database.read(lambda session: count(session, keys[:1]))
    many = await api.plant.database.read(lambda session: count(session, keys))
    assert many == few


async def test_a_start_makes_the_steps_ready_that_waited_for_it(api: Api) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][3]["dependencies"] = [{"after": 10, "kind": "AFTER_START"}]
    await approve(api, content)
    key = await release(api)
    document = "query($id: ID!) { jobOrder(id: $id) { subState } }"
    before = await api.ask(document, by=Role.OPERATOR, id=f"{key}-40")
    await api.do("startJobOrder", "", by=Role.OPERATOR, jobOrder=f"{key}-10")
    after = await api.ask(document, by=Role.OPERATOR, id=f"{key}-40")
    assert [answer["jobOrder"]["subState"] for answer in (before, after)] == ["WAITING", "READY"]
