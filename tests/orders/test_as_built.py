"""The as-built record gathers what made an item, and says what is missing."""

from typing import Any

from mesgraph.access.roles import Role
from mesgraph.definitions.instruction import InstructionDraft, StepDraft
from mesgraph.definitions.models import StepKind
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    Line,
    Step,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    step_of,
)
from tests.factories.materials import make_item

RECORD = """query($item: ItemKey!) { asBuilt(item: $item) {
  item { key } jobResponses { code } materialActuals { use item { key } quantity { value } }
  components { key slot } inputs { from { key } inputShare { value uom } slot } events { kind }
  holds { number } completenessPct gaps { code message } } }"""


async def record(api: Api, material: str, **number: str) -> dict[str, Any]:
    data = await api.ask(RECORD, by=Role.VIEWER, item={"material": material, **number})
    found: dict[str, Any] = data["asBuilt"]
    return found


async def test_a_record_without_gaps_is_complete(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, Step(20, "SLURRY-C", [Line("RM-PVDF")]), COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, coat, "SLURRY-C", "SC-1", "399", by=operator)
    await produce(api, coat, lot("COIL-C", "CC-1", "1148", "MTR"), by=operator)
    for seq in (20, 30):
        await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[seq])
    coil = await record(api, "COIL-C", lot="CC-1")
    assert coil == {
        "item": {"key": "COIL-C/CC-1"},
        "jobResponses": [{"code": "10045-20-R1"}, {"code": "10045-30-R1"}],
        "materialActuals": [
            {"use": "CONSUMED", "item": {"key": "RM-PVDF/PVDF-2219"}, "quantity": {"value": "7.44"}},
            {"use": "PRODUCED", "item": {"key": "SLURRY-C/SC-1"}, "quantity": {"value": "800"}},
            {"use": "CONSUMED", "item": {"key": "SLURRY-C/SC-1"}, "quantity": {"value": "399"}},
            {"use": "PRODUCED", "item": {"key": "COIL-C/CC-1"}, "quantity": {"value": "1148"}},
        ],
        "components": [],
        "inputs": [{"from": {"key": "SLURRY-C/SC-1"}, "inputShare": {"value": "399", "uom": "KGM"}, "slot": None}],
        "events": [{"kind": "TRANSFORM"}],
        "holds": [],
        "completenessPct": "100",
        "gaps": [],
    }
    slurry = await record(api, "SLURRY-C", lot="SC-1")
    assert slurry["jobResponses"] == [{"code": "10045-20-R1"}]
    assert [e["kind"] for e in slurry["events"]] == ["TRANSFORM", "TRANSFORM"]
    assert slurry["gaps"] == []


async def test_the_gaps_say_what_is_missing(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, order, 20, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "1", by=operator)
    quality = await api.actor(Role.QUALITY, subject="q-05")
    slurry = {"material": "SLURRY-C", "lot": "SC-1"}
    await api.do("placeHold", "", by=quality, items=[slurry], severity="MAJOR", reason={"code": "VISCOSITY"})
    found = await record(api, "SLURRY-C", lot="SC-1")
    assert [(gap["code"], gap["message"]) for gap in found["gaps"]] == [
        ("RUN_NOT_ENDED", "10045-20-R1 has not come to its end"),
        ("ACTUAL_MISSING", "step 20 has no actual of RM-LFP, line 3"),
        ("ACTUAL_MISSING", "step 20 has no actual of RM-NMP, line 4"),
        ("MATERIAL_PENDING", "1 KGM of RM-PVDF/PVDF-2219 are pending in 10045-20-R1"),
        ("HOLD_OPEN", "hold H-000001 on SLURRY-C/SC-1 or a part of it is open: VISCOSITY"),
    ]
    assert [hold["number"] for hold in found["holds"]] == ["H-000001"]
    assert found["completenessPct"] == "28.5"  # 2 of 7: the origin, and the binder's actual


async def test_a_received_lot_needs_its_receipt_and_nothing_else(api: Api) -> None:
    await make_plant(api)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    received = await record(api, "RM-PVDF", lot="PVDF-2219")
    assert (received["completenessPct"], received["events"]) == ("100", [{"kind": "RECEIVE"}])
    await make_item(api, "RM-CB", "CB-1", "5")
    assert [gap["code"] for gap in (await record(api, "RM-CB", lot="CB-1"))["gaps"]] == ["ORIGIN_UNKNOWN"]


async def test_components_and_the_runs_that_only_worked_on_the_unit_belong_to_it(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, Step(10, "MOD-8S", [Line("CELL-105", per="2")]), Step(40, "MOD-8S"), code="10047")
    for n in range(4):
        await make_item(api, "CELL-105", f"HC{n}", location="HV1/STORE-WIP")
    run, test = await start(api, order, 10, operator), await start(api, order, 40, operator)
    for unit in range(2):
        await api.do(
            "assembleUnit",
            "",
            by=operator,
            jobResponse=run,
            material="MOD-8S",
            serialNumber=f"HM{unit}",
            components=[
                {"item": {"material": "CELL-105", "serial": f"HC{2 * unit + n}"}, "slot": f"C{n}"} for n in range(2)
            ],
        )
    found = await record(api, "MOD-8S", serial="HM1")
    assert found["components"] == [{"key": "CELL-105/HC2", "slot": "C0"}, {"key": "CELL-105/HC3", "slot": "C1"}]
    assert [x["inputShare"] for x in found["inputs"]] == [{"value": "1", "uom": "C62"}] * 2
    assert [r["code"] for r in found["jobResponses"]] == [run.removeprefix("HV1/"), test.removeprefix("HV1/")]
    assert [gap["code"] for gap in found["gaps"]] == ["RUN_NOT_ENDED", "RUN_NOT_ENDED"]


async def test_an_unknown_item_has_no_record(api: Api) -> None:
    await make_plant(api)
    extensions = await api.error(RECORD, by=Role.VIEWER, item={"material": "COIL-C", "lot": "NONE"})
    assert extensions["code"] == "NOT_FOUND"


async def test_a_run_that_was_given_up_leaves_no_gap_in_what_its_successor_made(api: Api) -> None:
    operator = await make_plant(api)
    check = InstructionDraft(
        code="WI-1", version="1", name="Look", steps=[StepDraft(no=10, kind=StepKind.INFO, prompt="Look at the level")]
    )
    order = await make_order(api, Step(20, "SLURRY-C", [Line("RM-PVDF")], instruction=check))
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    await start(api, order, 20, operator)
    step = await step_of(api, order, 20)
    stored = await api.do(
        "storeJobOrder",
        "jobOrder { code }",
        by=Role.PLANNER,
        segmentRequirement=step,
        quantity={"value": "5", "uom": "KGM"},
        equipment="HV1/COAT01",
        permit=True,
    )
    why = {"reason": {"code": "TORN"}}
    await api.do("abortJobOrder", "", by=Role.SUPERVISOR, jobOrder=order.jobs[20], **why)
    order.jobs[21] = f"HV1/{stored['jobOrder']['code']}"
    run = await start(api, order, 21, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    [gap] = [g for g in (await record(api, "SLURRY-C", lot="SC-1"))["gaps"] if g["code"] == "STEP_INCOMPLETE"]
    assert gap["message"] == f"step 10 of the instruction is not done in {run.removeprefix('HV1/')}: OPEN"
    await api.do("recordStep", "", by=operator, jobResponse=run, step=10)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[21])
    slurry = await record(api, "SLURRY-C", lot="SC-1")
    assert (slurry["gaps"], slurry["completenessPct"]) == ([], "100")
    assert [r["code"] for r in slurry["jobResponses"]] == [run.removeprefix("HV1/")]
