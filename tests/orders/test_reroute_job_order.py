"""The rest of a job goes to alternate equipment that the definition lists, and to no other (I44)."""

from dataclasses import replace

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.instruction import InstructionDraft, StepDraft
from mesgraph.definitions.models import StepKind
from mesgraph.equipment.actions import EquipmentMaster, submit_equipment, submit_equipment_class
from mesgraph.equipment.models import EquipmentLevel
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    STORES,
    Line,
    Step,
    amount,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
)
from tests.factories.materials import make_item, site
from tests.orders.test_dispatch_list import dispatched

SPARES = Step(COAT.seq, COAT.makes, COAT.lines, alternates=["PILOT-COATER", "LAB-COATER"])
"""Coating with two alternates, the first choice first."""
JOBS = (
    "jobOrder { code state quantity { value } equipment { code } reroutedFrom { code } } "
    "rerouted { code state subState quantity { value } jobResponse { endedAt } } ledgerEvents { type }"
)


async def make_spares(api: Api) -> None:
    """PILOT01 and LAB01 of the alternate classes, which are no work units of the step's own class."""

    def make(session: Session) -> None:
        work = api.work(session)
        for code, equipment_class in (("PILOT01", "PILOT-COATER"), ("LAB01", "LAB-COATER")):
            submit_equipment_class(work, code=equipment_class, name=equipment_class)
            master = EquipmentMaster(
                code=code,
                name=code,
                level=EquipmentLevel.WORK_CELL,
                classes=[equipment_class],
                storage_locations=STORES,
            )
            submit_equipment(work, site(session), master)

    await make_plant(api)
    await api.plant.database.write(make)


async def test_the_done_quantity_stays_and_the_rest_goes_to_the_alternate(api: Api) -> None:
    """Story S2: coil A ends at 655 of 1148 m, coil C of 493 m comes from another coater."""
    await make_spares(api)
    order = await make_order(api, SPARES, quantity="1148")
    run = await start(api, order, 30)
    await api.do(
        "reportQuantity",
        "",
        by=Role.OPERATOR,
        jobResponse=run,
        good=amount("612", "MTR"),
        scrap=amount("3", "MTR"),
        rework=amount("40", "MTR"),
        reason={"code": "OVEN_ZONE"},
    )
    payload = await api.do("rerouteJobOrder", JOBS, by=Role.RULE, jobOrder=order.jobs[30])
    assert payload["rerouted"] == {
        "code": "10045-30",
        "state": "ENDED",
        "subState": "COMPLETED",
        "quantity": {"value": "655"},
        "jobResponse": {"endedAt": "2026-02-16T05:00:00Z"},
    }
    assert payload["jobOrder"] == {
        "code": "10045-30-2",
        "state": "ALLOWED_TO_START",
        "quantity": {"value": "493"},
        "equipment": {"code": "PILOT01"},
        "reroutedFrom": {"code": "10045-30"},
    }
    assert [event["type"] for event in payload["ledgerEvents"]][:2] == ["JOB_ORDER_ENDED", "JOB_ORDER_REROUTED"]
    order.jobs[31] = "HV1/10045-30-2"
    await start(api, order, 31)
    done = await api.do("stopJobOrder", "jobOrder { request { state } }", by=Role.OPERATOR, jobOrder=order.jobs[31])
    assert done["jobOrder"]["request"] == {"state": "COMPLETED"}


async def test_a_job_that_has_not_begun_is_cancelled_and_goes_as_a_whole(api: Api) -> None:
    await make_spares(api)
    order = await make_order(api, SPARES)
    payload = await api.do("rerouteJobOrder", JOBS, by=Role.PLANNER, jobOrder=order.jobs[30], equipment="HV1/LAB01")
    assert (payload["rerouted"]["state"], payload["rerouted"]["jobResponse"]) == ("CANCELLED", None)
    assert (payload["jobOrder"]["quantity"], payload["jobOrder"]["equipment"]) == ({"value": "20"}, {"code": "LAB01"})
    assert await dispatched(api, "HV1/LAB01") == ["10045-30-2"]


async def test_the_first_alternate_that_is_fit_is_chosen(api: Api) -> None:
    await make_spares(api)
    order = await make_order(api, SPARES)
    reason = {"code": "CLEANING"}
    await api.do("placeHold", "", by=Role.QUALITY, equipment="HV1/PILOT01", severity="MINOR", reason=reason)
    payload = await api.do("rerouteJobOrder", JOBS, by=Role.SUPERVISOR, jobOrder=order.jobs[30])
    assert payload["jobOrder"]["equipment"] == {"code": "LAB01"}


async def test_equipment_that_is_not_listed_is_no_route(api: Api) -> None:
    await make_spares(api)
    order, plain = await make_order(api, SPARES), await make_order(api, MIX, code="10046")
    for job, unit in ((order.jobs[30], "HV1/COAT02"), (order.jobs[30], "HV2/PA01"), (plain.jobs[20], None)):
        errors = await api.refused("rerouteJobOrder", by=Role.PLANNER, jobOrder=job, equipment=unit)
        assert [(e["code"], e["path"]) for e in errors] == [("NO_ALTERNATE_ROUTE", ["input", "equipment"])]


async def test_what_is_pending_is_settled_before_and_something_must_be_left(api: Api) -> None:
    await make_spares(api)
    order = await make_order(api, SPARES)
    await make_item(api, "SLURRY-C", "SC-1", "800")
    run = await start(api, order, 30)
    await consume(api, run, "SLURRY-C", "SC-1", "10")
    await api.do("reportQuantity", "", by=Role.OPERATOR, jobResponse=run, good=amount("20", "MTR"))
    errors = await api.refused("rerouteJobOrder", by=Role.SUPERVISOR, jobOrder=order.jobs[30])
    assert [(e["code"], e["path"]) for e in errors] == [
        ("VALIDATION_FAILED", ["input", "quantity"]),
        ("QUANTITY_NOT_CONSERVED", ["input", "jobOrder"]),
    ]
    await produce(api, run, lot("COIL-C", "CC-1", "20", "MTR"))
    payload = await api.do(
        "rerouteJobOrder", JOBS, by=Role.SUPERVISOR, jobOrder=order.jobs[30], quantity=amount("4", "MTR")
    )
    assert payload["jobOrder"]["quantity"] == {"value": "4"}


async def test_a_rerouted_job_takes_the_alternates_only(api: Api) -> None:
    """It may be given to another alternate, and to equipment of the step's own class; to nothing else."""
    await make_spares(api)
    order = await make_order(api, SPARES)
    await api.do("rerouteJobOrder", "", by=Role.PLANNER, jobOrder=order.jobs[30])
    for unit in ("HV1/LAB01", "HV1/COAT02"):
        await api.do("assignJobOrder", "", by=Role.PLANNER, jobOrder="HV1/10045-30-2", equipment=unit)
    errors = await api.refused("assignJobOrder", by=Role.PLANNER, jobOrder="HV1/10045-30-2", equipment="HV1/STORE-RM")
    assert codes(errors) == ["EQUIPMENT_NOT_CAPABLE"]
    other = await make_order(api, SPARES, code="10046")
    errors = await api.refused("assignJobOrder", by=Role.PLANNER, jobOrder=other.jobs[30], equipment="HV1/LAB01")
    assert codes(errors) == ["EQUIPMENT_NOT_CAPABLE"]


async def test_what_the_alternate_made_is_complete_although_nothing_was_done_before(api: Api) -> None:
    """A step of the instruction that the rerouted run left open was done in the run that took its place."""
    await make_spares(api)
    look = InstructionDraft(
        code="WI-1", version="1", name="Look", steps=[StepDraft(no=10, kind=StepKind.INFO, prompt="Look at the level")]
    )
    order = await make_order(api, replace(SPARES, lines=[Line("RM-PVDF")], instruction=look), quantity="10")
    await receive(api, "RM-PVDF", "P-1", "25")
    await start(api, order, 30)
    payload = await api.do("rerouteJobOrder", "jobOrder { id }", by=Role.RULE, jobOrder=order.jobs[30])
    rest = payload["jobOrder"]["id"]
    started = await api.do("startJobOrder", "jobResponse { id }", by=Role.OPERATOR, jobOrder=rest)
    run = started["jobResponse"]["id"]
    await consume(api, run, "RM-PVDF", "P-1", "5")
    await produce(api, run, lot("COIL-C", "CC-1", "10", "MTR"))
    document = 'query { asBuilt(item: {material: "COIL-C", lot: "CC-1"}) { gaps { code } } }'
    gaps = (await api.ask(document, by=Role.VIEWER))["asBuilt"]["gaps"]
    assert {gap["code"] for gap in gaps} == {"RUN_NOT_ENDED", "STEP_INCOMPLETE"}
    await api.do("recordStep", "", by=Role.OPERATOR, jobResponse=run, step=10)
    await api.do("stopJobOrder", "", by=Role.OPERATOR, jobOrder=rest)
    assert (await api.ask(document, by=Role.VIEWER))["asBuilt"]["gaps"] == []
