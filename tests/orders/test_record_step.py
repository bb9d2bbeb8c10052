"""Steps are done in order, every entry is checked before anything is written, and attempts never overwrite (I21)."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.instruction import EntryDraft, InstructionDraft, StepDraft
from mesgraph.definitions.models import StepKind
from mesgraph.definitions.values import DataType, ValueRule
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    codes,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
)
from tests.factories.materials import material

NET = EntryDraft(
    field="net",
    prompt="Net weight",
    rule=ValueRule(uom="KGM", low=Decimal("7.40"), high=Decimal("7.48"), warn_low=Decimal("7.42")),
)
SCALE = EntryDraft(field="scale", prompt="Scale", rule=ValueRule(DataType.TEXT, choices=["W1", "W2"]), mandatory=False)
CLOSED = EntryDraft(field="closed", prompt="Lid closed?", rule=ValueRule(DataType.BOOLEAN))
BINDER = {"material": "RM-PVDF", "lot": "PVDF-2219"}
NEXT = "nextStep { no kind prompt }"
PROGRESS = (
    "query($id: ID!) { jobOrder(id: $id) { jobResponse { nextStep { no } steps { step { no } state "
    "attempts { attempt verdict entries { specification { field } value verdict item { key } } postedBy { subject } } "
    "deviation { number state } } } } }"
)


def step(no: int, kind: StepKind, *entries: EntryDraft, **more: Any) -> StepDraft:
    return StepDraft(no=no, kind=kind, prompt=f"Do {no}", entries=entries, **more)


async def running(api: Api) -> tuple[Any, str]:
    """The operator, and a run of the mixer with an instruction of every kind of step; 15 is optional."""
    operator = await make_plant(api)
    binder = await api.plant.database.read(lambda session: material(session, "RM-PVDF"))
    scan = EntryDraft(field="binder", prompt="Binder", rule=ValueRule(DataType.ITEM), material=binder)
    steps = [
        step(10, StepKind.SCAN, scan),
        step(15, StepKind.INFO, mandatory=False),
        step(20, StepKind.DATA, NET, SCALE),
        step(30, StepKind.CHECK, CLOSED),
        step(40, StepKind.SIGN, another_person=True),
    ]
    charge = InstructionDraft(code="WI-MIX", version="1", name="Charge", steps=steps)
    order = await make_order(api, replace(MIX, instruction=charge))
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    await receive(api, "RM-CB", "CB-1", "25")
    return operator, await start(api, order, 20, operator)


async def done(api: Api, by: Any, run: str, no: int, *entries: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Record a step; returns the execution with the deviation beside it."""
    payload = await api.do(
        "recordStep",
        f"stepExecution {{ attempt verdict {NEXT} }} deviation {{ number kind description }} ledgerEvents {{ type }}",
        by=by,
        jobResponse=run,
        step=str(no),
        entries=list(entries),
        **more,
    )
    execution: dict[str, Any] = payload["stepExecution"] | {"deviation": payload["deviation"]}
    return execution


SCANNED = {"field": "binder", "item": BINDER}


def weighed(value: str = "7.44", **more: str) -> dict[str, str]:
    return {"field": "net", "value": value, **more}


def closed(value: str = "true") -> dict[str, str]:
    return {"field": "closed", "value": value}


async def progress(api: Api, run: str) -> dict[str, Any]:
    data = await api.ask(PROGRESS, by=Role.QUALITY, id=run.rpartition("-")[0])
    found: dict[str, Any] = data["jobOrder"]["jobResponse"]
    return found


async def states(api: Api, run: str) -> dict[int, str]:
    return {x["step"]["no"]: x["state"] for x in (await progress(api, run))["steps"]}


async def test_each_step_says_what_comes_next_until_the_job_may_end(api: Api) -> None:
    operator, run = await running(api)
    job, lead = run.rpartition("-")[0], await api.actor(Role.SUPERVISOR, subject="sup-02")
    assert (await progress(api, run))["nextStep"] == {"no": 10}
    assert (await done(api, operator, run, 10, SCANNED))["nextStep"] == {"no": 15, "kind": "INFO", "prompt": "Do 15"}
    assert (await done(api, operator, run, 15))["nextStep"]["no"] == 20
    assert (await done(api, operator, run, 20, weighed(), {"field": "scale", "value": "W2"}))["nextStep"]["no"] == 30
    assert (await done(api, operator, run, 30, closed()))["nextStep"]["no"] == 40
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=job)
    assert [(e["code"], e["message"]) for e in errors] == [("STEP_INCOMPLETE", "step 40 is not done: Do 40")]
    assert (await done(api, lead, run, 40))["nextStep"] is None
    await api.do("stopJobOrder", "", by=operator, jobOrder=job)
    shown = (await progress(api, run))["steps"]
    assert [x["state"] for x in shown] == ["DONE"] * 5
    assert shown[0]["attempts"] == [
        {
            "attempt": 1,
            "verdict": "PASS",
            "entries": [
                {
                    "specification": {"field": "binder"},
                    "value": "RM-PVDF/PVDF-2219",
                    "verdict": "PASS",
                    "item": {"key": "RM-PVDF/PVDF-2219"},
                }
            ],
            "postedBy": {"subject": "op-017"},
        }
    ]


async def test_mandatory_steps_are_done_in_order_and_optional_ones_may_be_passed_over(api: Api) -> None:
    operator, run = await running(api)
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="20", entries=[weighed()])
    assert [(e["code"], e["path"], e["message"]) for e in errors] == [
        ("STEP_OUT_OF_SEQUENCE", ["input", "step"], "step 10 comes before step 20 and is not done yet")
    ]
    await done(api, operator, run, 10, SCANNED)
    assert (await done(api, operator, run, 20, weighed()))["nextStep"]["no"] == 30


async def test_a_scan_of_another_material_is_refused(api: Api) -> None:
    operator, run = await running(api)
    errors = await api.refused(
        "recordStep",
        by=operator,
        jobResponse=run,
        step="10",
        entries=[{"field": "binder", "item": {"material": "RM-CB", "lot": "CB-1"}}],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("WRONG_MATERIAL", ["input", "entries", "0", "item"])]


SLURRY = {"field": "slurry", "item": {"material": "SLURRY-C", "lot": "SC-1"}}


async def coating(api: Api) -> tuple[Any, list[str], str]:
    """The operator, runs of the coaters of two orders that scan slurry, and what made the slurry in the first."""
    operator = await make_plant(api)
    slurry = await api.plant.database.read(lambda session: material(session, "SLURRY-C"))
    field = EntryDraft(field="slurry", prompt="Slurry", rule=ValueRule(DataType.ITEM), material=slurry)
    scan = InstructionDraft(code="WI-COAT", version="1", name="Scan", steps=[step(10, StepKind.SCAN, field)])
    orders = [await make_order(api, MIX, replace(COAT, instruction=scan), code=code) for code in ("10045", "10046")]
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, orders[0], 20, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    made = await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    return operator, [await start(api, order, 30, operator) for order in orders], made["ledgerEvents"][-1]["eventId"]


async def refused_scan(api: Api, operator: Any, run: str) -> list[str]:
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="10", entries=[SLURRY])
    assert [e["path"] for e in errors] == [["input", "entries", "0", "item"]]
    return codes(errors)


async def test_an_item_in_process_is_scanned_in_its_own_order_only(api: Api) -> None:
    operator, (own, other), _ = await coating(api)
    assert await refused_scan(api, operator, other) == ["LOT_NOT_RELEASED"]
    assert (await done(api, operator, own, 10, SLURRY))["verdict"] == "PASS"


async def test_what_is_only_a_number_since_its_production_was_reversed_is_not_scanned(api: Api) -> None:
    operator, (own, _), production = await coating(api)
    await api.do("reverseEvent", "", by=operator, event=production, reason={"code": "WRONG_SCAN"})
    assert await refused_scan(api, operator, own) == ["LOT_NOT_RELEASED"]


async def test_what_is_used_up_is_scanned_only_in_the_run_that_took_it(api: Api) -> None:
    operator, (own, other), _ = await coating(api)
    await consume(api, own, "SLURRY-C", "SC-1", "800", by=operator)
    assert await refused_scan(api, operator, other) == ["ALREADY_CONTAINED"]
    await done(api, operator, own, 10, SLURRY)


async def test_what_left_the_stock_is_not_scanned(api: Api) -> None:
    operator, run = await running(api)
    await api.do("scrapItem", "", by=Role.SUPERVISOR, item=BINDER, reason={"code": "TORN"})
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="10", entries=[SCANNED])
    assert [(e["code"], e["path"]) for e in errors] == [("LOT_NOT_RELEASED", ["input", "entries", "0", "item"])]


@pytest.mark.parametrize(
    ("no", "entries", "refusals"),
    [
        (20, [], {("VALIDATION_FAILED", "entries")}),
        (
            20,
            [weighed("heavy"), {"field": "scale", "value": "W9"}, {"field": "colour", "value": "red"}, weighed("1")],
            {
                ("VALIDATION_FAILED", "entries.0.value"),
                ("VALIDATION_FAILED", "entries.1.value"),
                ("VALIDATION_FAILED", "entries.2.field"),
                ("VALIDATION_FAILED", "entries.3.field"),
            },
        ),
        (20, [weighed(uom="GRM")], {("UOM_MISMATCH", "entries.0.uom")}),
        (20, [{"field": "net"}], {("VALIDATION_FAILED", "entries.0.value")}),
        (10, [{"field": "binder", "value": "PVDF-2219"}], {("VALIDATION_FAILED", "entries.0.item")}),
        (10, [{"field": "binder", "item": {"sscc": "095212340000000013"}}], {("NOT_FOUND", "entries.0.item")}),
        (15, [closed()], {("VALIDATION_FAILED", "entries.0.field")}),
    ],
)
async def test_every_entry_is_checked_before_anything_is_written(
    api: Api, no: int, entries: list[Any], refusals: set[tuple[str, str]]
) -> None:
    operator, run = await running(api)
    if no > 10:
        await done(api, operator, run, 10, SCANNED)
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step=str(no), entries=entries)
    assert {(e["code"], ".".join(e["path"][1:])) for e in errors} == refusals


async def test_near_a_limit_a_step_is_done_with_a_warning(api: Api) -> None:
    operator, run = await running(api)
    await done(api, operator, run, 10, SCANNED)
    assert (await done(api, operator, run, 20, weighed("7.41")))["verdict"] == "WARNING"
    assert (await states(api, run))[20] == "DONE"


async def test_a_failed_step_is_recorded_and_done_again(api: Api) -> None:
    operator, run = await running(api)
    await done(api, operator, run, 10, SCANNED)
    failed = await done(api, operator, run, 20, weighed("7.39"))
    assert failed == {
        "attempt": 1,
        "verdict": "FAIL",
        "nextStep": {"no": 20, "kind": "DATA", "prompt": "Do 20"},
        "deviation": {
            "number": "D-000001",
            "kind": "STEP",
            "description": "step 20: net is 7.39 KGM, allowed is 7.4 to 7.48 KGM",
        },
    }
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="30", entries=[closed()])
    assert codes(errors) == ["STEP_OUT_OF_SEQUENCE"]
    assert (await done(api, operator, run, 20, weighed("7.44")))["attempt"] == 2
    shown = (await progress(api, run))["steps"][2]
    assert (shown["state"], [x["verdict"] for x in shown["attempts"]]) == ("DONE", ["FAIL", "PASS"])
    await done(api, operator, run, 30, closed())


async def test_what_failed_keeps_the_job_from_ending_until_its_deviation_is_accepted(api: Api) -> None:
    operator, run = await running(api)
    job, lead = run.rpartition("-")[0], await api.actor(Role.SUPERVISOR, subject="sup-02")
    await done(api, operator, run, 10, SCANNED)
    await done(api, operator, run, 20, weighed())
    await done(api, operator, run, 30, closed())
    await done(api, lead, run, 40)
    await done(api, operator, run, 30, closed("false"))
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=job)
    assert codes(errors) == ["PARAMETER_OUT_OF_LIMITS"]
    assert "closed is false" in errors[0]["message"]
    for accept, state in ((False, "FAILED"), (True, "DONE")):
        [deviation] = await open_deviations(api)
        await api.do(
            "decideDeviation", "", by=Role.QA, deviation=f"HV1/{deviation}", accept=accept, reason={"code": "CHECKED"}
        )
        assert (await states(api, run))[30] == state
        if not accept:
            await done(api, operator, run, 30, closed("false"))
    await api.do("stopJobOrder", "", by=operator, jobOrder=job)


async def open_deviations(api: Api) -> list[str]:
    data = await api.ask("{ deviations(filter: {state: OPEN}) { nodes { number } } }", by=Role.QA)
    return [node["number"] for node in data["deviations"]["nodes"]]


async def signs_who_began(api: Api, run: str) -> Any:
    return await api.actor(Role.OPERATOR, site="HV1", subject="op-017")


async def signs_who_did_a_step(api: Api, run: str) -> Any:
    other = await api.actor(Role.OPERATOR, site="HV1", subject="op-022")
    await done(api, other, run, 30, closed())
    return other


@pytest.mark.parametrize("signer", [signs_who_began, signs_who_did_a_step])
async def test_who_took_part_does_not_sign(api: Api, signer: Callable[..., Any]) -> None:
    operator, run = await running(api)
    await done(api, operator, run, 10, SCANNED)
    await done(api, operator, run, 20, weighed())
    await done(api, operator, run, 30, closed())
    errors = await api.refused("recordStep", by=await signer(api, run), jobResponse=run, step="40")
    assert [(e["code"], e["path"]) for e in errors] == [("SAME_PERSON_FORBIDDEN", ["input", "step"])]


async def test_what_is_signed_is_signed_again_only_after_something_else_was_recorded(api: Api) -> None:
    operator, run = await running(api)
    await done(api, operator, run, 10, SCANNED)
    await done(api, operator, run, 20, weighed())
    await done(api, operator, run, 30, closed())
    first, second = [await api.actor(Role.SUPERVISOR, subject=subject) for subject in ("sup-02", "sup-03")]
    await done(api, first, run, 40)
    for by in (first, second):
        errors = await api.refused("recordStep", by=by, jobResponse=run, step="40")
        assert [(e["code"], e["path"]) for e in errors] == [("RECORD_IMMUTABLE", ["input", "step"])]
        assert "record the step that has to be put right again" in errors[0]["message"]
    assert (await done(api, operator, run, 30, closed()))["attempt"] == 2
    assert (await done(api, second, run, 40))["attempt"] == 2
    assert codes(await api.refused("recordStep", by=first, jobResponse=run, step="40")) == ["RECORD_IMMUTABLE"]


async def test_an_interrupted_run_may_go_on_with_its_steps_an_ended_one_not(api: Api) -> None:
    operator, run = await running(api)
    job = run.rpartition("-")[0]
    await api.do("pauseJobOrder", "", by=operator, jobOrder=job)
    await done(api, operator, run, 10, SCANNED)
    await api.do("resumeJobOrder", "", by=operator, jobOrder=job)
    await api.do(
        "abortOperationsRequest",
        "",
        by=Role.SUPERVISOR,
        operationsRequest="HV1/10045",
        disposition="SCRAP",
        reason={"code": "TEST"},
    )
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="20", entries=[weighed()])
    assert codes(errors) == ["INVALID_TRANSITION"]


async def test_a_run_without_instruction_has_no_steps(api: Api) -> None:
    operator = await make_plant(api)
    run = await start(api, await make_order(api, MIX), 20, operator)
    assert await progress(api, run) == {"nextStep": None, "steps": []}
    errors = await api.refused("recordStep", by=operator, jobResponse=run, step="10")
    assert [(e["code"], e["path"]) for e in errors] == [("NOT_FOUND", ["input", "step"])]


async def test_a_step_of_another_instruction_is_refused(api: Api) -> None:
    operator, run = await running(api)
    info = InstructionDraft(code="WI-X", version="1", name="X", steps=[step(10, StepKind.INFO)])
    order = await make_order(api, replace(MIX, instruction=info), code="10046")
    other = await start(api, order, 20, operator)
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { jobResponse { nextStep { id } } } }",
        by=operator,
        id=other.rpartition("-")[0],
    )
    errors = await api.refused(
        "recordStep", by=operator, jobResponse=run, step=data["jobOrder"]["jobResponse"]["nextStep"]["id"]
    )
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "step"])]


async def test_a_run_does_not_end_before_its_last_step(api: Api) -> None:
    operator = await make_plant(api)
    info = InstructionDraft(code="WI-X", version="1", name="X", steps=[step(10, StepKind.INFO)])
    order = await make_order(api, replace(MIX, instruction=info))
    run = await start(api, order, 20, operator)
    api.clock.step(hours=2)
    await done(api, operator, run, 10)
    errors = await api.refused("stopJobOrder", by=operator, jobOrder=order.jobs[20], eventTime="2026-02-16T06:00:00Z")
    assert codes(errors) == ["TIME_ORDER_INVALID"]
