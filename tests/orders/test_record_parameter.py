"""What is measured is recorded, whatever it is; what is out of limits opens a deviation and may hold the item (I20)."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.draft import ParameterDraft
from mesgraph.definitions.values import DataType, ValueRule
from mesgraph.orders.models import RequestState
from tests.api import Api
from tests.factories.execution import (
    MIX,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    stock,
)
from tests.factories.orders import put_request

VISCOSITY = ParameterDraft(
    code="VISCOSITY",
    name="Viscosity",
    rule=ValueRule(uom="C24", low=Decimal(4000), high=Decimal(7000), warn_high=Decimal(6500)),
    critical=True,
)
SOLIDS = ParameterDraft(
    code="SOLIDS", name="Solids", rule=ValueRule(uom="P1", low=Decimal("61.2"), high=Decimal("62.8"))
)
DEGASSED = ParameterDraft(code="DEGASSED", name="Degassed", rule=ValueRule(DataType.BOOLEAN))
SLURRY = {"material": "SLURRY-C", "lot": "SC-1"}
FIELDS = (
    "parameterActual { value uom verdict source item { key } parameter { code } postedAt postedBy { subject } } "
    "deviation { number kind state description jobResponse { code } parameterActual { value } hold { number } } "
    "hold { number severity reasonCode comment items { key } } ledgerEvents { type }"
)


async def mixing(api: Api) -> tuple[Any, str]:
    """The operator, and a run of the mixer that has made SC-1."""
    operator = await make_plant(api)
    order = await make_order(api, replace(MIX, parameters=[VISCOSITY, SOLIDS, DEGASSED]))
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    return operator, run


async def record(api: Api, by: Any, run: str, parameter: str, value: str, **more: Any) -> dict[str, Any]:
    return await api.do("recordParameter", FIELDS, by=by, jobResponse=run, parameter=parameter, value=value, **more)


async def test_a_value_inside_its_limits_passes(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await record(api, operator, run, "VISCOSITY", "5480.50", uom="C24", item=SLURRY)
    assert payload["parameterActual"] == {
        "value": "5480.5",
        "uom": "C24",
        "verdict": "PASS",
        "source": "OPERATOR",
        "item": {"key": "SLURRY-C/SC-1"},
        "parameter": {"code": "VISCOSITY"},
        "postedAt": "2026-02-16T05:00:00Z",
        "postedBy": {"subject": "op-017"},
    }
    assert (payload["deviation"], payload["hold"]) == (None, None)
    assert [e["type"] for e in payload["ledgerEvents"]] == ["PARAMETER_RECORDED"]


async def test_near_a_limit_it_warns(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await record(api, operator, run, "VISCOSITY", "6800")
    assert (payload["parameterActual"]["verdict"], payload["deviation"]) == ("WARNING", None)


async def test_outside_a_deviation_is_opened_with_it(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await record(api, operator, run, "SOLIDS", "62.800001", item=SLURRY)
    assert payload["parameterActual"]["verdict"] == "FAIL"
    assert payload["deviation"] == {
        "number": "D-000001",
        "kind": "PARAMETER",
        "state": "OPEN",
        "description": "SOLIDS is 62.800001 P1, allowed is 61.2 to 62.8 P1",
        "jobResponse": {"code": run.removeprefix("HV1/")},
        "parameterActual": {"value": "62.800001"},
        "hold": None,
    }
    assert [e["type"] for e in payload["ledgerEvents"]] == ["PARAMETER_RECORDED", "DEVIATION_OPENED"]
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["status"] == "IN_PROCESS"


async def test_of_a_critical_parameter_it_also_holds_the_item(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await record(api, operator, run, "VISCOSITY", "3900", item=SLURRY)
    assert payload["hold"] == {
        "number": "H-000001",
        "severity": "MAJOR",
        "reasonCode": "PARAMETER_OUT_OF_LIMITS",
        "comment": "VISCOSITY is 3900 C24, allowed is 4000 to 7000 C24",
        "items": [{"key": "SLURRY-C/SC-1"}],
    }
    assert payload["deviation"]["hold"] == {"number": "H-000001"}
    assert [e["type"] for e in payload["ledgerEvents"]] == ["PARAMETER_RECORDED", "HOLD_PLACED", "DEVIATION_OPENED"]
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["status"] == "ON_HOLD"


async def test_what_is_used_up_cannot_be_held_but_the_deviation_is_opened(api: Api) -> None:
    operator, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "17.56", by=operator)
    payload = await record(api, operator, run, "VISCOSITY", "3900", item={"material": "RM-PVDF", "lot": "PVDF-2219"})
    assert (payload["hold"], payload["deviation"]["state"]) == (None, "OPEN")


async def test_a_boolean_that_is_not_so_fails(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await record(api, operator, run, "DEGASSED", "false")
    assert payload["deviation"]["description"] == "DEGASSED is false, allowed is true"


async def test_a_repeated_measurement_is_another_one(api: Api) -> None:
    operator, run = await mixing(api)
    await record(api, operator, run, "SOLIDS", "60", source="LABORATORY")
    await record(api, operator, run, "SOLIDS", "62")
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { jobResponse { parameterActuals { value verdict source } "
        "deviations { number } } } }",
        by=Role.VIEWER,
        id=run.rpartition("-")[0],
    )
    assert data["jobOrder"]["jobResponse"] == {
        "parameterActuals": [
            {"value": "60", "verdict": "FAIL", "source": "LABORATORY"},
            {"value": "62", "verdict": "PASS", "source": "OPERATOR"},
        ],
        "deviations": [{"number": "D-000001"}],
    }


async def test_every_mistake_is_named_at_once(api: Api) -> None:
    operator, run = await mixing(api)
    errors = await api.refused(
        "recordParameter",
        by=operator,
        jobResponse=run,
        parameter="SOLIDS",
        value="62",
        uom="C24",
        eventTime="2026-02-16T04:00:00Z",
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("TIME_ORDER_INVALID", ["input", "eventTime"]),
        ("UOM_MISMATCH", ["input", "uom"]),
    ]
    errors = await api.refused(
        "recordParameter",
        by=operator,
        jobResponse=run,
        parameter="COLOUR",
        value="1",
        item={"sscc": "095212340000000013"},
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", ["input", "parameter"]),
        ("NOT_FOUND", ["input", "item"]),
    ]


async def test_a_parameter_belongs_to_the_segment_of_the_run(api: Api) -> None:
    operator, run = await mixing(api)
    other = await make_order(api, replace(MIX, parameters=[VISCOSITY]), code="10046")
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { segmentRequirement { segment { parameters { id } } } } }",
        by=operator,
        id=other.jobs[20],
    )
    [parameter] = data["jobOrder"]["segmentRequirement"]["segment"]["parameters"]
    errors = await api.refused("recordParameter", by=operator, jobResponse=run, parameter=parameter["id"], value="5000")
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "parameter"])]


async def test_a_run_that_has_ended_takes_values_until_its_order_is_over(api: Api) -> None:
    operator, run = await mixing(api)
    job = run.rpartition("-")[0]
    await api.do("stopJobOrder", "", by=operator, jobOrder=job)
    given = {"by": operator, "jobResponse": run, "parameter": "SOLIDS"}
    recorded = await api.do("recordParameter", "parameterActual { verdict } deviation { number }", **given, value="99")
    assert recorded["parameterActual"] == {"verdict": "FAIL"}
    assert recorded["deviation"] is not None
    await put_request(api, job.rpartition("-")[0], RequestState.CLOSED)
    errors = await api.refused("recordParameter", by=operator, jobResponse=run, parameter="SOLIDS", value="62")
    assert codes(errors) == ["INVALID_TRANSITION"]


@pytest.mark.parametrize("role", [Role.PLANNER, Role.ERP, Role.VIEWER, Role.AUDITOR])
async def test_who_does_not_measure_records_nothing(api: Api, role: Role) -> None:
    document = "mutation($i: RecordParameterInput!) { recordParameter(input: $i) { replayed } }"
    error = await api.error(document, by=role, i={"jobResponse": "x", "parameter": "x", "value": "1"})
    assert error["code"] == "FORBIDDEN"


async def test_the_as_built_record_has_the_values_and_what_is_missing(api: Api) -> None:
    operator, run = await mixing(api)
    await record(api, operator, run, "SOLIDS", "60", item=SLURRY)
    data = await api.ask(
        "query($key: ItemKey!) { asBuilt(item: $key) { parameterActuals { parameter { code } value } "
        "deviations { number } gaps { code message } } }",
        by=operator,
        key=SLURRY,
    )
    record_ = data["asBuilt"]
    assert record_["parameterActuals"] == [{"parameter": {"code": "SOLIDS"}, "value": "60"}]
    assert record_["deviations"] == [{"number": "D-000001"}]
    gaps = {(gap["code"], gap["message"].split(":")[0]) for gap in record_["gaps"]}
    assert gaps >= {
        ("PARAMETER_MISSING", "step 20 has no value of VISCOSITY"),
        ("PARAMETER_MISSING", "step 20 has no value of DEGASSED"),
        ("DEVIATION_OPEN", "deviation D-000001 is not decided"),
    }
    assert not any("SOLIDS" in message for code, message in gaps if code == "PARAMETER_MISSING")
