"""Release: the definition is frozen, steps and jobs are made (I16)."""

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.models import MaterialSpecification, OperationsSegment
from tests.api import Api
from tests.factories.orders import approve, cathode, codes, make_cathode, make_line, order, release, submit

ORDER = """query($key: ID!) { operationsRequest(key: $key) {
  state definition { version } segmentRequirements { seq quantity { value uom } segment { name }
    jobOrders { code state subState quantity { value uom } equipment { code } priority plannedStart
    plannedEnd } } } }"""


async def test_there_is_one_job_for_each_step(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    shown = (await api.ask(ORDER, by=Role.PLANNER, key=key))["operationsRequest"]
    assert shown["definition"] == {"version": "5"}
    assert [step["segment"]["name"] for step in shown["segmentRequirements"]] == [
        "DISP-C",
        "MIX-C",
        "COAT-C",
        "CAL-C",
        "SLIT-C",
    ]
    assert shown["segmentRequirements"][2]["jobOrders"] == [
        {
            "code": "10041-30",
            "state": "ALLOWED_TO_START",
            "subState": "WAITING",
            "quantity": {"value": "2296", "uom": "MTR"},
            "equipment": None,
            "priority": 50,
            "plannedStart": "2026-02-16T05:20:00Z",
            "plannedEnd": "2026-02-16T10:31:00Z",
        }
    ]


async def test_a_step_makes_what_the_next_ones_take(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    shown = (await api.ask(ORDER, by=Role.PLANNER, key=key))["operationsRequest"]
    assert [step["quantity"] for step in shown["segmentRequirements"]] == [
        {"value": "797.86", "uom": "KGM"},
        {"value": "797.86", "uom": "KGM"},
        {"value": "2296", "uom": "MTR"},
        {"value": "2296", "uom": "MTR"},
        {"value": "2296", "uom": "MTR"},
    ]


async def test_the_only_work_unit_of_a_class_gets_the_job(api: Api) -> None:
    await make_cathode(api)
    key = await release(api)
    shown = (await api.ask(ORDER, by=Role.PLANNER, key=key))["operationsRequest"]
    units = [job["equipment"] for step in shown["segmentRequirements"] for job in step["jobOrders"]]
    assert units == [{"code": "WB01"}, {"code": "MIX01"}, None, {"code": "CAL01"}, {"code": "SLIT01"}]


async def test_every_transition_is_an_event(api: Api) -> None:
    await make_cathode(api)
    await submit(api, order())
    payload = await api.do(
        "releaseOperationsRequest",
        "operationsRequest { state } ledgerEvents { type subjects { kind } payload }",
        by=Role.PLANNER,
        operationsRequest="HV1/10041",
    )
    assert payload["operationsRequest"]["state"] == "READY"
    assert [event["type"] for event in payload["ledgerEvents"]] == [
        "OPERATIONS_REQUEST_RELEASED",
        "JOB_ORDER_READINESS_CHANGED",
        "OPERATIONS_REQUEST_READINESS_CHANGED",
    ]
    assert payload["ledgerEvents"][1]["payload"]["jobOrder"] == {"kind": "JobOrder", "key": "10041-10"}


async def test_the_definition_is_the_one_effective_when_the_order_starts(api: Api) -> None:
    await make_cathode(api)
    await approve(api, cathode(version="6"), effectiveFrom="2026-02-18T00:00:00Z")
    early = await release(api, "A")
    late = await release(api, "B", earliestStart="2026-02-19T00:00:00Z")
    versions = [
        (await api.ask(ORDER, by=Role.PLANNER, key=key))["operationsRequest"]["definition"] for key in (early, late)
    ]
    assert versions == [{"version": "5"}, {"version": "6"}]


async def test_a_named_version_stands_while_it_is_effective(api: Api) -> None:
    await make_cathode(api)
    await approve(api, cathode(version="6"))
    asked = await release(api, "A", definition="OD-CATH-105:5")
    await submit(api, order("B", definition="OD-CATH-105:5"), message="BOD-B")
    await api.do("releaseOperationsRequest", "", by=Role.PLANNER, operationsRequest="HV1/B", definition="OD-CATH-105:6")
    versions = [
        (await api.ask(ORDER, by=Role.PLANNER, key=key))["operationsRequest"]["definition"] for key in (asked, "HV1/B")
    ]
    assert versions == [{"version": "5"}, {"version": "6"}]


async def refused(api: Api, **more: str) -> list[str]:
    errors = await api.refused("releaseOperationsRequest", by=Role.PLANNER, operationsRequest="HV1/10041", **more)
    assert {tuple(e["path"]) for e in errors} == {("input", "definition")}
    assert set(codes(errors)) == {"DEFINITION_NOT_EFFECTIVE"}
    return [e["message"] for e in errors]


async def test_without_an_effective_definition_nothing_is_released(api: Api) -> None:
    await make_line(api)
    await submit(api, order())
    await refused(api)
    await approve(api, cathode(), effectiveFrom="2026-02-17T00:00:00Z")
    await refused(api)
    await refused(api, definition="OD-CATH-105:5")


async def test_a_definition_counts_at_its_sites_and_for_its_product(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode(sites=["HV2"]))
    await submit(api, order(product="SLURRY-C", quantity={"value": "1", "uom": "KGM"}))
    assert len(await refused(api, definition="OD-CATH-105:5")) == 2


async def test_content_that_is_not_what_was_approved_is_not_released(api: Api) -> None:
    await make_cathode(api)
    await submit(api, order())

    def tamper(session: Session) -> None:
        line = session.query(MaterialSpecification).join(
            OperationsSegment, OperationsSegment.id == MaterialSpecification.segment_id
        )
        line.filter(OperationsSegment.seq == 20, MaterialSpecification.line == 3).one().quantity_per += 1

    await api.plant.database.write(tamper)
    [message] = await refused(api)
    assert "not what was approved" in message


async def test_a_number_of_a_job_is_given_once(api: Api) -> None:
    await make_cathode(api)
    await release(api, "A-10", definition="OD-CATH-105:5")

    def claim(session: Session) -> None:
        from tests.factories.orders import job_of

        job_of(session, "HV1/A-10-10").code = "10041-20"

    await api.plant.database.write(claim)
    await submit(api, order())
    errors = await api.refused("releaseOperationsRequest", by=Role.PLANNER, operationsRequest="HV1/10041")
    assert codes(errors) == ["DUPLICATE_KEY"]
