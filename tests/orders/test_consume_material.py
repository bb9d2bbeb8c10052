"""Material is taken only where it is good, there, enough, and on the bill; what is taken is pending."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.models import RevisionRule
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import (
    COAT,
    MIX,
    STACK,
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
    stock,
)
from tests.factories.materials import make_item


async def refuse(api: Api, run: str, code: str, number: str, value: str, uom: str = "KGM", **more: Any) -> list[Any]:
    operator = await api.actor(Role.OPERATOR, site="HV1", subject="op-017")
    return await api.refused(
        "consumeMaterial",
        by=operator,
        jobResponse=run,
        item={"material": code, "lot": number},
        quantity=amount(value, uom),
        **more,
    )


async def mixing(api: Api) -> tuple[Actor, str]:
    """25 kg of binder and a running mixer."""
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    return operator, await start(api, order, 20, operator)


async def stacking(api: Api, **hold: Any) -> tuple[Actor, str]:
    """A coil of 655 m, a range of it on hold, and a running stacker."""
    operator = await make_plant(api)
    order = await make_order(api, COAT, STACK)
    await make_item(api, "COIL-C", "CC-1", "655", location="HV1/STORE-WIP")
    if hold:
        await api.do(
            "placeHold",
            "",
            by=await api.actor(Role.QUALITY, subject="q-05"),
            items=[{"material": "COIL-C", "lot": "CC-1"}],
            severity="MAJOR",
            reason={"code": "OVEN_HOT"},
            **hold,
        )
    return operator, await start(api, order, 40, operator)


async def test_what_is_taken_leaves_the_lot_and_is_pending_in_the_run(api: Api) -> None:
    operator, run = await mixing(api)
    payload = await api.do(
        "consumeMaterial",
        "materialActual { use quantity { value uom } pending { value } location { code } postedBy "
        "item { key quantity { value } status } } ledgerEvents { type subjects { kind } payload }",
        by=operator,
        jobResponse=run,
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
        quantity=amount("7440", "GRM"),
    )
    assert payload["materialActual"] == {
        "use": "CONSUMED",
        "quantity": {"value": "7.44", "uom": "KGM"},
        "pending": {"value": "7.44"},
        "location": {"code": "STORE-RM"},
        "postedBy": "op-017",
        "item": {"key": "RM-PVDF/PVDF-2219", "quantity": {"value": "17.56"}, "status": "AVAILABLE"},
    }
    (event,) = payload["ledgerEvents"]
    assert event["type"] == "MATERIAL_CONSUMED"
    assert [s["kind"] for s in event["subjects"]] == ["MaterialLot", "JobResponse", "MaterialActual"]
    assert event["payload"]["lifecycleBefore"] == "AVAILABLE"


async def test_the_last_of_a_lot_uses_it_up(api: Api) -> None:
    operator, run = await mixing(api)
    actual = await consume(api, run, "RM-PVDF", "PVDF-2219", "25", by=operator)
    assert actual["item"]["status"] == "CONSUMED"
    assert codes(await refuse(api, run, "RM-PVDF", "PVDF-2219", "1")) == ["INSUFFICIENT_QUANTITY"]


async def test_more_than_there_is_is_refused_with_what_there_is(api: Api) -> None:
    _, run = await mixing(api)
    (error,) = await refuse(api, run, "RM-PVDF", "PVDF-2219", "25.000001")
    assert (error["code"], error["path"]) == ("INSUFFICIENT_QUANTITY", ["input", "quantity"])
    assert "25 KGM" in error["message"]


async def test_everything_that_is_wrong_is_told_at_once(api: Api) -> None:
    _, run = await mixing(api)
    await make_item(api, "RM-CB", "CB-1", "5", location=None)
    errors = await refuse(api, run, "RM-CB", "CB-1", "6", eventTime="2026-02-16T04:00:00Z")
    assert codes(errors) == ["TIME_ORDER_INVALID", "WRONG_MATERIAL", "LOT_NOT_AT_LOCATION", "INSUFFICIENT_QUANTITY"]


async def test_a_lot_on_hold_is_not_taken(api: Api) -> None:
    _, run = await mixing(api)
    quality = await api.actor(Role.QUALITY, subject="q-05")
    key = {"material": "RM-PVDF", "lot": "PVDF-2219"}
    await api.do("placeHold", "", by=quality, items=[key], severity="MAJOR", reason={"code": "SUPPLIER_NOTICE"})
    assert codes(await refuse(api, run, "RM-PVDF", "PVDF-2219", "1")) == ["LOT_ON_HOLD"]


async def test_around_a_held_range_the_rest_of_a_coil_is_good(api: Api) -> None:
    operator, run = await stacking(api, range={"from": "612", "to": "655"})
    for positions in (None, {"from": "610", "to": "613.34"}):
        more = {"range": positions} if positions else {}
        assert codes(await refuse(api, run, "COIL-C", "CC-1", "3.34", "MTR", **more)) == ["LOT_ON_HOLD"]
    taken = {"from": "608.66", "to": "612"}
    await consume(api, run, "COIL-C", "CC-1", "3.34", "MTR", by=operator, range=taken)


@pytest.mark.parametrize(("value", "start_at", "end"), [("10", "0", "9"), ("10", "650", "660"), ("10", "20", "10")])
async def test_positions_lie_within_the_lot_and_fit_the_quantity(api: Api, value: str, start_at: str, end: str) -> None:
    _, run = await stacking(api)
    errors = await refuse(api, run, "COIL-C", "CC-1", value, "MTR", range={"from": start_at, "to": end})
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "range"])]


async def test_positions_are_taken_once(api: Api) -> None:
    operator, run = await stacking(api)
    await consume(api, run, "COIL-C", "CC-1", "10", "MTR", by=operator, range={"from": "0", "to": "10"})
    errors = await refuse(api, run, "COIL-C", "CC-1", "1", "MTR", range={"from": "9", "to": "10"})
    assert codes(errors) == ["VALIDATION_FAILED"]
    await consume(api, run, "COIL-C", "CC-1", "1", "MTR", by=operator, range={"from": "10", "to": "11"})


async def test_quarantine_and_work_of_another_order_are_not_released(api: Api) -> None:
    operator = await make_plant(api)
    first = await make_order(api, MIX, COAT, code="10045")
    other = await make_order(api, MIX, COAT, code="10046")
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, first, 20, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    own, foreign = await start(api, first, 30, operator), await start(api, other, 30, operator)
    assert codes(await refuse(api, foreign, "SLURRY-C", "SC-1", "399")) == ["LOT_NOT_RELEASED"]
    await consume(api, own, "SLURRY-C", "SC-1", "399", by=operator)


async def test_a_lot_past_its_expiry_is_not_taken(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix, coat = await start(api, order, 20, operator), await start(api, order, 30, operator)
    await consume(api, mix, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-1", "800"), by=operator)
    api.clock.step(hours=24)
    assert codes(await refuse(api, coat, "SLURRY-C", "SC-1", "399")) == ["LOT_EXPIRED"]
    # posted late, for a moment at which it was still good
    await consume(api, coat, "SLURRY-C", "SC-1", "399", by=operator, eventTime="2026-02-17T04:59:59Z")


async def test_an_exact_bill_line_takes_no_other_revision(api: Api) -> None:
    operator = await make_plant(api)
    exact = Step(20, "SLURRY-C", [Line("RM-PVDF", revisions=RevisionRule.EXACT)])
    order = await make_order(api, exact)
    await api.do(
        "submitMaterialDefinitions",
        "",
        by=Role.ENGINEER,
        definitions=[
            {
                "code": "RM-PVDF",
                "revision": "2",
                "name": "PVDF binder",
                "kind": "RAW",
                "baseUom": "KGM",
                "tracking": "LOT",
            }
        ],
    )
    await receive(api, "RM-PVDF", "PVDF-3000", "25")
    run = await start(api, order, 20, operator)
    assert codes(await refuse(api, run, "RM-PVDF", "PVDF-3000", "1")) == ["WRONG_MATERIAL_VERSION"]


async def test_a_lot_elsewhere_has_to_be_moved_first(api: Api) -> None:
    operator, run = await mixing(api)
    await api.do(
        "submitEquipment",
        "",
        by=Role.ENGINEER,
        site="HV1",
        equipment=[{"code": "STORE-FAR", "name": "Far", "level": "STORAGE_ZONE"}],
    )
    await receive(api, "RM-PVDF", "PVDF-9", "5", store="STORE-FAR")
    assert codes(await refuse(api, run, "RM-PVDF", "PVDF-9", "1")) == ["LOT_NOT_AT_LOCATION"]
    await api.do(
        "moveMaterial", "", by=operator, items=[{"material": "RM-PVDF", "lot": "PVDF-9"}], location="HV1/STORE-RM"
    )
    await consume(api, run, "RM-PVDF", "PVDF-9", "1", by=operator)


async def test_nothing_is_taken_before_it_was_received(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX)
    run = await start(api, order, 20, operator)
    api.clock.step(hours=1)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    errors = await refuse(api, run, "RM-PVDF", "PVDF-2219", "1", eventTime="2026-02-16T05:30:00Z")
    assert codes(errors) == ["TIME_ORDER_INVALID"]


async def test_what_was_found_later_does_not_cover_an_earlier_consumption(api: Api) -> None:
    operator, run = await mixing(api)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "24", by=operator)
    api.clock.step(hours=2)
    supervisor = await api.actor(Role.SUPERVISOR, subject="sup-02")
    await api.do(
        "adjustLot",
        "",
        by=supervisor,
        item={"material": "RM-PVDF", "lot": "PVDF-2219"},
        counted=amount("6", "KGM"),
        reason={"code": "COUNT"},
    )
    errors = await refuse(api, run, "RM-PVDF", "PVDF-2219", "5", eventTime="2026-02-16T06:00:00Z")
    assert codes(errors) == ["INSUFFICIENT_QUANTITY"]
    await consume(api, run, "RM-PVDF", "PVDF-2219", "5", by=operator)
    assert (await stock(api, "RM-PVDF", lot="PVDF-2219"))["quantity"] == {"value": "1"}


async def test_a_material_without_positions_has_none_to_take(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, MIX, COAT, code="10045")
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    mix = await start(api, order, 20, operator)
    errors = await refuse(api, mix, "RM-PVDF", "PVDF-2219", "1", range={"from": "0", "to": "1"})
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "range"])]
