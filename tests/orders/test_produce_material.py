"""Outputs are made of exactly what went in, as one activity."""

import time

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.models import MaterialUse, ToleranceAction
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    STACK,
    Line,
    Order,
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
    stock,
    units,
)
from tests.factories.materials import make_item

BINDER = {"material": "RM-PVDF", "lot": "PVDF-2219"}


async def mixing(api: Api, step: Step = MIX, *more: Step) -> tuple[Actor, Order, str]:
    """25 kg of binder, 500 kg of powder, and a running mixer."""
    operator = await make_plant(api)
    order = await make_order(api, step, *more)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    await receive(api, "RM-LFP", "LFP-7", "500")
    return operator, order, await start(api, order, 20, operator)


async def test_all_that_is_pending_goes_in_by_default(api: Api) -> None:
    operator, _, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await consume(api, run, "RM-LFP", "LFP-7", "481.12", by=operator)
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    assert made["items"] == [
        {
            "key": "SLURRY-C/SC-1",
            "lifecycle": "IN_PROCESS",
            "location": {"code": "STORE-RM"},
            "expiresAt": "2026-02-17T05:00:00Z",
            "quantity": {"value": "800", "uom": "KGM"},
        }
    ]
    assert [(x["item"]["key"], x["quantity"]["value"]) for x in made["genealogyEvent"]["inputs"]] == [
        ("RM-PVDF/PVDF-2219", "7.44"),
        ("RM-LFP/LFP-7", "481.12"),
    ]
    assert [e["type"] for e in made["ledgerEvents"]] == ["MATERIAL_TRANSFORMED", "MATERIAL_PRODUCED"]
    run_now = await api.ask(
        "query($item: ItemKey!) { asBuilt(item: $item) { materialActuals { use pending { value } } } }",
        by=operator,
        item={"material": "SLURRY-C", "lot": "SC-1"},
    )
    assert [a["pending"]["value"] for a in run_now["asBuilt"]["materialActuals"]] == ["0", "0", "0"]


async def test_material_can_be_consumed_in_the_same_breath(api: Api) -> None:
    operator, _, run = await mixing(api)
    await consume(api, run, "RM-LFP", "LFP-7", "100", by=operator)
    made = await produce(
        api,
        run,
        lot("SLURRY-C", "SC-1", "800"),
        by=operator,
        consumed=[{"item": BINDER, "quantity": amount("7.44", "KGM")}],
    )
    assert [x["item"]["key"] for x in made["genealogyEvent"]["inputs"]] == ["RM-PVDF/PVDF-2219"]
    assert [e["type"] for e in made["ledgerEvents"]] == [
        "MATERIAL_CONSUMED",
        "MATERIAL_TRANSFORMED",
        "MATERIAL_PRODUCED",
    ]


async def test_named_parts_of_the_pending_go_in(api: Api) -> None:
    operator, _, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "4", by=operator)
    second = await consume(api, run, "RM-PVDF", "PVDF-2219", "4", by=operator)
    first_lot = await produce(
        api,
        run,
        lot("SLURRY-C", "SC-1", "500"),
        by=operator,
        **{"from": [{"item": BINDER, "quantity": amount("5", "KGM")}]},
    )
    assert sum(float(x["quantity"]["value"]) for x in first_lot["genealogyEvent"]["inputs"]) == 5
    errors = await api.refused(
        "produceMaterial",
        by=operator,
        jobResponse=run,
        outputs=[lot("SLURRY-C", "SC-2", "300")],
        **{"from": [{"materialActual": second["id"], "quantity": amount("3.5", "KGM")}]},
    )
    assert [(e["code"], e["path"]) for e in errors] == [("INSUFFICIENT_QUANTITY", ["input", "from", "0", "quantity"])]
    await produce(api, run, lot("SLURRY-C", "SC-2", "300"), by=operator, **{"from": [{"materialActual": second["id"]}]})
    await api.do("stopJobOrder", "", by=operator, jobOrder="HV1/10045-20")


async def test_an_output_needs_an_input(api: Api) -> None:
    operator, _, run = await mixing(api)
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=run, outputs=[lot("SLURRY-C", "SC-1", "800")]
    )
    assert codes(errors) == ["QUANTITY_NOT_CONSERVED"]


async def test_what_is_not_on_the_bill_is_not_made(api: Api) -> None:
    operator, _, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    errors = await api.refused(
        "produceMaterial",
        by=operator,
        jobResponse=run,
        outputs=[
            lot("SLURRY-A", "SA-1", "800"),
            {"material": "SLURRY-C", "lot": "SC-1"},
            {"material": "SLURRY-C"},
        ],
    )
    assert [(e["code"], e["path"]) for e in errors] == [
        ("WRONG_MATERIAL", ["input", "outputs", "0", "material"]),
        ("VALIDATION_FAILED", ["input", "outputs", "1", "quantity"]),
        ("VALIDATION_FAILED", ["input", "outputs", "2", "lot"]),
    ]


async def test_a_tolerance_that_blocks_refuses_and_one_that_warns_is_recorded(api: Api) -> None:
    step = Step(
        20,
        "SLURRY-C",
        [
            Line("RM-PVDF", per="0.0093", tolerance="0.5", action=ToleranceAction.BLOCK),
            Line("RM-LFP", per="0.6014", tolerance="0.5"),
        ],
    )
    operator, _, run = await mixing(api, step)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.48", by=operator)
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=run, outputs=[lot("SLURRY-C", "SC-1", "800")]
    )
    assert codes(errors) == ["CONSUMPTION_OUT_OF_TOLERANCE"]
    made = await produce(api, run, lot("SLURRY-C", "SC-1", "802"), by=operator)
    (warning,) = made["warnings"]
    assert warning.startswith("0 KGM of RM-LFP, the bill asks 482.3228 KGM")
    assert made["ledgerEvents"][-1]["payload"]["warnings"] == [warning]


async def test_by_products_take_no_share(api: Api) -> None:
    step = Step(20, "SLURRY-C", [Line("RM-PVDF")], [Line("RM-NMP", MaterialUse.BY_PRODUCT)])
    operator, _, run = await mixing(api, step)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "8", by=operator)
    await produce(
        api, run, lot("SLURRY-C", "SC-1", "800"), lot("RM-NMP", "NMP-R1", "300", use="BY_PRODUCT"), by=operator
    )
    data = await api.ask(
        "query($a: ItemKey!, $b: ItemKey!) { a: asBuilt(item: $a) { inputs { inputShare { value } } } "
        "b: asBuilt(item: $b) { inputs { inputShare { value } } } }",
        by=operator,
        a={"material": "SLURRY-C", "lot": "SC-1"},
        b={"material": "RM-NMP", "lot": "NMP-R1"},
    )
    assert data["a"]["inputs"] == [{"inputShare": {"value": "8"}}]
    assert all(x["inputShare"]["value"] == "0" for x in data["b"]["inputs"])


async def test_products_of_different_units_need_weights(api: Api) -> None:
    step = Step(20, "SLURRY-C", [Line("RM-PVDF")], [Line("COIL-C", MaterialUse.CO_PRODUCT)])
    operator, _, run = await mixing(api, step)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "9", by=operator)
    coil = lot("COIL-C", "CC-1", "100", "MTR", use="CO_PRODUCT")
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=run, outputs=[lot("SLURRY-C", "SC-1", "800"), coil]
    )
    assert codes(errors) == ["UOM_MISMATCH"]
    await produce(api, run, lot("SLURRY-C", "SC-1", "800", weight="2"), coil | {"weight": "1"}, by=operator)
    data = await api.ask(
        "query($a: ItemKey!) { asBuilt(item: $a) { inputs { inputShare { value } } } }",
        by=operator,
        a={"material": "COIL-C", "lot": "CC-1"},
    )
    assert data["asBuilt"]["inputs"] == [{"inputShare": {"value": "3"}}]


async def test_numbers_are_used_once(api: Api) -> None:
    operator, _, run = await mixing(api, Step(20, "CELL-105", [Line("RM-PVDF")]))
    await consume(api, run, "RM-PVDF", "PVDF-2219", "1", by=operator)
    await produce(api, run, units("CELL-105", "HC1", "HC2"), by=operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "1", by=operator)
    errors = await api.refused(
        "produceMaterial",
        by=operator,
        jobResponse=run,
        outputs=[units("CELL-105", "HC3", "HC2", "HC3", "H C")],
    )
    assert [(e["code"], e["path"][-1]) for e in errors] == [
        ("SERIAL_NOT_UNIQUE", "1"),
        ("SERIAL_NOT_UNIQUE", "2"),
        ("VALIDATION_FAILED", "3"),
    ]


async def test_nothing_is_made_before_its_material_was_taken(api: Api) -> None:
    operator, _, run = await mixing(api)
    api.clock.step(hours=2)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    errors = await api.refused(
        "produceMaterial",
        by=operator,
        jobResponse=run,
        outputs=[lot("SLURRY-C", "SC-1", "800")],
        eventTime="2026-02-16T06:00:00Z",
    )
    assert codes(errors) == ["TIME_ORDER_INVALID"]


async def test_a_hold_that_comes_after_the_taking_also_stops_the_output(api: Api) -> None:
    operator, _, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    quality = await api.actor(Role.QUALITY, subject="q-05")
    await api.do("placeHold", "", by=quality, items=[BINDER], severity="MAJOR", reason={"code": "SUPPLIER_NOTICE"})
    await produce(api, run, lot("SLURRY-C", "SC-1", "800"), by=operator)
    assert (await stock(api, "SLURRY-C", lot="SC-1"))["status"] == "ON_HOLD"


async def test_of_positions_each_output_gets_the_next_ones(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT, STACK)
    await make_item(api, "COIL-C", "CC-1", "655", location="HV1/STORE-WIP")
    run = await start(api, order, 40, operator)
    await consume(api, run, "COIL-C", "CC-1", "10", "MTR", by=operator, range={"from": "600", "to": "610"})
    ranges = []
    for number in ("HC0", "HC1"):
        source = {"item": {"material": "COIL-C", "lot": "CC-1"}, "quantity": amount("3.34", "MTR")}
        made = await produce(api, run, units("CELL-105", number), by=operator, **{"from": [source]})
        ranges += [x["range"] for x in made["genealogyEvent"]["inputs"]]
    assert ranges == [{"from": "600", "to": "603.34"}, {"from": "603.34", "to": "606.68"}]


async def test_a_held_range_of_pending_positions_stops_just_its_cells(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, COAT, STACK)
    await make_item(api, "COIL-C", "CC-1", "655", location="HV1/STORE-WIP")
    run = await start(api, order, 40, operator)
    await consume(api, run, "COIL-C", "CC-1", "10", "MTR", by=operator, range={"from": "0", "to": "10"})
    coil = {"material": "COIL-C", "lot": "CC-1"}
    quality = await api.actor(Role.QUALITY, subject="q-05")
    await api.do(
        "placeHold",
        "",
        by=quality,
        items=[coil],
        range={"from": "5", "to": "6"},
        severity="MAJOR",
        reason={"code": "OVEN_HOT"},
    )
    for number, status in (("HC0", "IN_PROCESS"), ("HC1", "ON_HOLD"), ("HC2", "IN_PROCESS")):
        source = {"item": coil, "quantity": amount("3", "MTR")}
        await produce(api, run, units("CELL-105", number), by=operator, **{"from": [source]})
        assert (await stock(api, "CELL-105", serial=number))["status"] == status


async def test_one_command_makes_five_thousand_units(api: Api) -> None:
    operator, _, run = await mixing(api, Step(20, "CELL-105", [Line("RM-LFP", per="0.1")]))
    await consume(api, run, "RM-LFP", "LFP-7", "499.999999", by=operator)
    began = time.perf_counter()
    numbers = [f"HC{n:06}" for n in range(5000)]
    payload = await api.do(
        "produceMaterial",
        "genealogyEvent { kind }",
        by=operator,
        jobResponse=run,
        outputs=[units("CELL-105", *numbers)],
    )
    took_s = time.perf_counter() - began
    assert payload["genealogyEvent"] == {"kind": "TRANSFORM"}
    assert took_s < 20, f"{took_s:.1f} s"
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=run, outputs=[units("CELL-105", *numbers, "ONE-MORE")]
    )
    assert "VALIDATION_FAILED" in codes(errors)


STRICT = Step(20, "SLURRY-C", [Line("RM-PVDF", per="0.01", tolerance="1", action=ToleranceAction.BLOCK)])


@pytest.mark.parametrize(
    ("value", "refusals"), [("1", []), ("2", ["2 KGM of RM-PVDF, the bill asks 1 KGM within 1 %"])]
)
async def test_what_may_not_be_taken_still_counts_for_the_bill(api: Api, value: str, refusals: list[str]) -> None:
    operator, _, run = await mixing(api, STRICT)
    errors = await api.refused(
        "produceMaterial",
        by=operator,
        jobResponse=run,
        consumed=[{"item": BINDER, "quantity": amount(value, "KGM")}],
        outputs=[lot("SLURRY-C", "SC-1", "100")],
        eventTime="2026-02-16T04:00:00Z",
    )
    early = [e for e in errors if e["code"] == "TIME_ORDER_INVALID"]
    assert {tuple(e["path"]) for e in early} == {("input", "eventTime")}
    assert len(early) == 2, "before the run began, and before the binder was there"
    assert [e["message"] for e in errors if e not in early] == refusals


@pytest.mark.parametrize("state", ["paused", "not begun"])
async def test_a_run_that_does_not_run_makes_nothing(api: Api, state: str) -> None:
    operator, order, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    if state == "paused":
        await api.do("pauseJobOrder", "", by=operator, jobOrder=order.jobs[20])
    moment = {} if state == "paused" else {"eventTime": "2026-02-16T04:00:00Z"}
    errors = await api.refused(
        "produceMaterial", by=operator, jobResponse=run, outputs=[lot("SLURRY-C", "SC-1", "800")], **moment
    )
    assert codes(errors)[0] == ("INVALID_TRANSITION" if state == "paused" else "TIME_ORDER_INVALID")
