"""A deviation is opened with a reason, decided once by another person, and lets a blocked consumption pass (I11)."""

from dataclasses import replace
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.models import ToleranceAction
from tests.api import Api
from tests.factories.execution import (
    MIX,
    Line,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
)

STRICT = replace(
    MIX,
    lines=[
        Line("RM-PVDF", per="0.0093", tolerance="0.5", action=ToleranceAction.BLOCK),
        Line("RM-CB", per="0.0093", tolerance="0.5"),
        Line("RM-NMP", per="0.38"),
    ],
)
REASON = {"code": "MATERIAL_SHORT", "comment": "the last bag was torn"}


async def short(api: Api) -> tuple[Any, str]:
    """The operator, and a run that took 7.30 kg of binder where 7.44 belong to 800 kg of slurry."""
    operator = await make_plant(api)
    order = await make_order(api, STRICT)
    for material in ("RM-PVDF", "RM-CB"):
        await receive(api, material, f"{material}-1", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "RM-PVDF-1", "7.30", by=operator)
    await consume(api, run, "RM-CB", "RM-CB-1", "7.44", by=operator)
    return operator, run


async def ask_for(api: Api, run: str, material: str = "RM-PVDF") -> str:
    """An open deviation of the shift lead; returns its key."""
    lead = await api.actor(Role.SUPERVISOR, subject="sup-02")
    payload = await api.do(
        "openDeviation", "deviation { number }", by=lead, jobResponse=run, material=material, reason=REASON
    )
    return f"HV1/{payload['deviation']['number']}"


async def decide(api: Api, deviation: str, *, accept: bool) -> dict[str, Any]:
    quality = await api.actor(Role.QUALITY, subject="q-05")
    return await api.do(
        "decideDeviation",
        "deviation { state decidedAt reasonCode decidedBy { subject } openedBy { subject } } ledgerEvents { type }",
        by=quality,
        deviation=deviation,
        accept=accept,
        reason={"code": "SOLIDS_MEASURED"},
    )


SLURRY = [lot("SLURRY-C", "SC-1", "800")]


async def test_a_blocked_consumption_passes_once_its_deviation_is_accepted(api: Api) -> None:
    operator, run = await short(api)
    errors = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=SLURRY)
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]
    deviation = await ask_for(api, run)
    errors = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=SLURRY)
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"], "an open one decides nothing"
    decided = await decide(api, deviation, accept=True)
    assert decided["deviation"] == {
        "state": "ACCEPTED",
        "decidedAt": "2026-02-16T05:00:00Z",
        "reasonCode": "SOLIDS_MEASURED",
        "decidedBy": {"subject": "q-05"},
        "openedBy": {"subject": "sup-02"},
    }
    made = await api.do(
        "produceMaterial",
        "warnings deviations { number billLine { line } } ledgerEvents { type payload }",
        by=operator,
        jobResponse=run,
        outputs=SLURRY,
    )
    assert made["deviations"] == [{"number": "D-000001", "billLine": {"line": 2}}]
    assert "D-000001 is accepted" in made["warnings"][0]
    [event] = [e for e in made["ledgerEvents"] if e["type"] == "MATERIAL_PRODUCED"]
    assert [x["key"] for x in event["payload"]["deviations"]] == ["D-000001"]


async def test_a_rejected_deviation_lets_nothing_pass_but_another_may_be_asked_for(api: Api) -> None:
    operator, run = await short(api)
    await decide(api, await ask_for(api, run), accept=False)
    errors = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=SLURRY)
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]
    assert await ask_for(api, run) == "HV1/D-000002"


async def test_it_counts_for_its_run_and_its_line_alone(api: Api) -> None:
    operator, run = await short(api)
    await decide(api, await ask_for(api, run, "RM-CB"), accept=True)
    errors = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=SLURRY)
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]
    await decide(api, await ask_for(api, run), accept=True)
    await produce(api, run, *SLURRY, by=operator)
    other = await start(api, await make_order(api, STRICT, code="10046"), 20, operator)
    await consume(api, other, "RM-PVDF", "RM-PVDF-1", "7.30", by=operator)
    await consume(api, other, "RM-CB", "RM-CB-1", "7.44", by=operator)
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=other, outputs=[lot("SLURRY-C", "SC-2", "800")]
    )
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]


@pytest.mark.parametrize(
    ("material", "code"),
    [("RM-NMP", "VALIDATION_FAILED"), ("RM-LFP", "WRONG_MATERIAL"), ("SLURRY-C", "WRONG_MATERIAL")],
)
async def test_it_is_asked_for_where_a_line_has_a_tolerance(api: Api, material: str, code: str) -> None:
    _, run = await short(api)
    errors = await api.refused("openDeviation", by=Role.QUALITY, jobResponse=run, material=material, reason=REASON)
    assert [(e["code"], e["path"]) for e in errors] == [(code, ["input", "material"])]


async def test_it_is_asked_for_once_and_with_a_reason(api: Api) -> None:
    _, run = await short(api)
    await ask_for(api, run)
    errors = await api.refused("openDeviation", by=Role.QUALITY, jobResponse=run, material="RM-PVDF")
    assert codes(errors) == ["REASON_REQUIRED", "DUPLICATE_KEY"]


async def test_the_one_who_opened_it_does_not_decide_it(api: Api) -> None:
    _, run = await short(api)
    both = await api.actor(Role.QUALITY, Role.SUPERVISOR, subject="q-07")
    await api.do("openDeviation", "", by=both, jobResponse=run, material="RM-PVDF", reason=REASON)
    errors = await api.refused(
        "decideDeviation", by=both, deviation="HV1/D-000001", accept=True, reason={"code": "FINE"}
    )
    assert codes(errors) == ["SAME_PERSON_FORBIDDEN"]


async def test_a_decision_is_made_once_and_with_a_reason(api: Api) -> None:
    _, run = await short(api)
    deviation = await ask_for(api, run)
    errors = await api.refused("decideDeviation", by=Role.QA, deviation=deviation, accept=True, expectedVersion=7)
    assert codes(errors) == ["VERSION_CONFLICT", "REASON_REQUIRED"]
    await decide(api, deviation, accept=False)
    errors = await api.refused("decideDeviation", by=Role.QA, deviation=deviation, accept=True, reason={"code": "FINE"})
    assert codes(errors) == ["INVALID_TRANSITION"]


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ({}, ["D-000002", "D-000001"]),
        ({"state": "OPEN"}, ["D-000002"]),
        ({"kind": "PARAMETER"}, []),
        ({"request": "HV1/10045"}, ["D-000002", "D-000001"]),
        ({"jobResponse": "HV1/10045-20-R1", "state": "ACCEPTED"}, ["D-000001"]),
        ({"site": "HV2"}, []),
    ],
)
async def test_deviations_are_listed_the_newest_first(api: Api, filter: dict[str, str], found: list[str]) -> None:
    _, run = await short(api)
    await decide(api, await ask_for(api, run), accept=True)
    await ask_for(api, run, "RM-CB")
    data = await api.ask(
        "query($f: DeviationFilter) { deviations(filter: $f) { totalCount nodes { number } } }",
        by=Role.VIEWER,
        f=filter,
    )
    assert [node["number"] for node in data["deviations"]["nodes"]] == found
    assert data["deviations"]["totalCount"] == len(found)


@pytest.mark.parametrize(("command", "allowed"), [("openDeviation", Role.SUPERVISOR), ("decideDeviation", Role.QA)])
async def test_who_opens_and_who_decides(api: Api, command: str, allowed: Role) -> None:
    await make_plant(api)
    name = command[0].upper() + command[1:]
    document = f"mutation($i: {name}Input!) {{ {command}(input: $i) {{ userErrors {{ code }} }} }}"
    input = (
        {"jobResponse": "HV1/X", "material": "RM-PVDF"}
        if command == "openDeviation"
        else {"deviation": "HV1/X", "accept": True}
    )
    for role in (Role.OPERATOR, Role.PLANNER, Role.ENGINEER):
        assert (await api.error(document, by=role, i=input))["code"] == "FORBIDDEN"
    data = await api.ask(document, by=allowed, i=input)
    assert codes(data[command]["userErrors"]) == ["NOT_FOUND"]


@pytest.mark.parametrize("accept", [True, False])
async def test_an_order_is_not_closed_while_a_deviation_of_its_runs_waits(api: Api, accept: bool) -> None:
    _, run = await short(api)
    deviation = await ask_for(api, run)
    order = run.rpartition("-R")[0].rpartition("-")[0]
    reason = {"code": "TEST", "comment": "the binder stayed in the pipe"}
    await api.do(
        "abortOperationsRequest",
        "",
        by=Role.SUPERVISOR,
        operationsRequest=order,
        disposition="SCRAP",
        reason=reason,
    )
    closing: dict[str, Any] = {"operationsRequest": order, "acceptUnaccounted": True, "reason": reason}
    errors = await api.refused("closeOperationsRequest", by=Role.PLANNER, **closing)
    assert [(e["code"], e["path"]) for e in errors] == [("DEVIATION_OPEN", ["input", "operationsRequest"])]
    assert "D-000001" in errors[0]["message"]
    await decide(api, deviation, accept=accept)
    await api.do("closeOperationsRequest", "", by=Role.PLANNER, **closing)
