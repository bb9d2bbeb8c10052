"""What was made here leaves only with a complete as-built record (I43)."""

from decimal import Decimal

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.draft import ParameterDraft
from mesgraph.definitions.values import ValueRule
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import Line, Step, amount, consume, lot, make_order, make_plant, produce, receive, start
from tests.factories.materials import SSCC, make_item
from tests.invariants.checks import broken_invariants

MODULE = Step(10, "MOD-8S", [Line("CELL-105", per="2")])
HM1 = {"material": "MOD-8S", "serial": "HM1"}
WHY = {"reason": {"code": "WRONG"}}


@pytest.fixture
async def operator(api: Api) -> Actor:
    """A module that was built of two cells."""
    operator = await make_plant(api)
    for n in range(2):
        await make_item(api, "CELL-105", f"HC{n}", location="HV1/STORE-WIP")
    order = await make_order(api, MODULE)
    run = await start(api, order, 10, operator)
    components = [{"item": {"material": "CELL-105", "serial": f"HC{n}"}, "slot": f"C{n}"} for n in range(2)]
    await api.do(
        "assembleUnit",
        "",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM1",
        components=components,
    )
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[10])
    return operator


async def refusal(api: Api, operator: Actor, item: dict[str, str]) -> list[tuple[str, str]]:
    errors = await api.refused("shipItems", by=operator, items=[item])
    return [(error["code"], error["message"]) for error in errors]


async def test_a_complete_unit_leaves(api: Api, operator: Actor) -> None:
    await api.do("shipItems", "", by=operator, items=[HM1])
    assert await api.plant.database.read(broken_invariants) == []


@pytest.mark.parametrize("packed", [False, True])
async def test_a_unit_with_an_empty_slot_stays_alone_or_packed(api: Api, operator: Actor, packed: bool) -> None:
    cell = {"material": "CELL-105", "serial": "HC1"}
    await api.do("disassembleUnit", "", by=operator, unit=HM1, components=[cell])
    if packed:
        await api.do("pack", "", by=operator, sscc=SSCC, items=[HM1])
    assert await refusal(api, operator, {"sscc": SSCC} if packed else HM1) == [
        (
            "NOT_RELEASED_FOR_SHIPMENT",
            "the as-built record of MOD-8S/HM1 is not complete: slot C1 of MOD-8S/HM1 is empty",
        )
    ]


async def test_the_slots_of_a_reworked_unit_are_those_of_its_assembly(api: Api, operator: Actor) -> None:
    rework = await make_order(api, Step(10, "MOD-8S"), code="R1")
    await api.do("rejectLot", "", by=Role.QA, item=HM1, **WHY)
    await api.do("dispositionItem", "", by=Role.QA, item=HM1, decision="REWORK", request=rework.code, **WHY)
    await start(api, rework, 10, operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=rework.jobs[10])
    gaps = await gaps_of(api)
    assert [gap for gap in gaps if gap["code"] == "COMPONENT_MISSING"] == []
    cell = {"material": "CELL-105", "serial": "HC0"}
    await api.do("disassembleUnit", "", by=operator, unit=HM1, components=[cell])
    gaps = await gaps_of(api)
    assert {"code": "COMPONENT_MISSING", "message": "slot C0 of MOD-8S/HM1#1 is empty"} in gaps


PACK = Step(20, "PACK-48-105", [Line("MOD-8S", per="1")])
HP1 = {"material": "PACK-48-105", "serial": "HP1"}


async def test_what_is_installed_has_to_be_complete_too(api: Api, operator: Actor) -> None:
    await api.do("disassembleUnit", "", by=operator, unit=HM1)
    order = await make_order(api, PACK, code="P1")
    run = await start(api, order, 20, operator)
    given = {"jobResponse": run, "material": "PACK-48-105", "serialNumber": "HP1"}
    await api.do("assembleUnit", "", by=operator, **given, components=[{"item": HM1, "slot": "M1"}])
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    assert {message.partition(" is not complete")[0] for _, message in await refusal(api, operator, HP1)} == {
        "the as-built record of MOD-8S/HM1"
    }


async def test_a_rework_leaves_the_record_of_the_first_making_as_it_was(api: Api, operator: Actor) -> None:
    """Neither does it hide a gap, nor does it want the whole bill once more."""
    for code, step in (("R1", MODULE), ("R2", Step(10, "CELL-105"))):
        rework = await make_order(api, step, code=code)
        await api.do("rejectLot", "", by=Role.QA, item=HM1, **WHY)
        await api.do("dispositionItem", "", by=Role.QA, item=HM1, decision="REWORK", request=rework.code, **WHY)
        await start(api, rework, 10, operator)
        await api.do("stopJobOrder", "", by=operator, jobOrder=rework.jobs[10])
        assert await gaps_of(api) == [], code
    await api.do("disassembleUnit", "", by=operator, unit=HM1)
    assert [gap["code"] for gap in await gaps_of(api)] == ["COMPONENT_MISSING"] * 2


async def test_an_order_of_another_site_reworks_nothing(api: Api, operator: Actor) -> None:
    await make_item(api, "MOD-8S", "HM9", location=None, site_code="HV2")
    far = {"material": "MOD-8S", "serial": "HM9"}
    rework = await make_order(api, Step(10, "MOD-8S"), code="R1")
    await api.do("rejectLot", "", by=Role.QA, item=far, **WHY)
    given = {"item": far, "decision": "REWORK", "request": rework.code}
    (error,) = await api.refused("dispositionItem", by=Role.QA, **given, **WHY)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "request"])


WEIGHT = ParameterDraft(code="WEIGHT", name="Weight", rule=ValueRule(uom="KGM", low=Decimal(1), high=Decimal(2)))


@pytest.fixture
async def weighed(api: Api) -> tuple[Actor, str]:
    """A slurry whose weight was wrong: its operator, and the deviation."""
    operator = await make_plant(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    order = await make_order(api, Step(20, "SLURRY-C", [Line("RM-PVDF")], parameters=[WEIGHT]), code="S1")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "P-1", "5", by=operator)
    await produce(api, run, lot("SLURRY-C", "SC-1", "10"), by=operator)
    await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[20])
    given = {"jobResponse": run, "parameter": "WEIGHT", "item": SLURRY, "value": "9"}
    made = await api.do("recordParameter", "deviation { id }", by=operator, **given)
    return operator, str(made["deviation"]["id"])


SLURRY = {"material": "SLURRY-C", "lot": "SC-1"}


async def test_a_lot_with_an_open_deviation_stays(api: Api, weighed: tuple[Actor, str]) -> None:
    operator, deviation = weighed
    ((code, message),) = await refusal(api, operator, SLURRY)
    assert code == "NOT_RELEASED_FOR_SHIPMENT"
    assert "is not decided" in message
    await api.do("decideDeviation", "", by=Role.QA, deviation=deviation, accept=True, **WHY)
    await api.do("shipItems", "", by=operator, items=[SLURRY])


async def test_a_rejected_deviation_wants_a_decision_on_the_item(api: Api, weighed: tuple[Actor, str]) -> None:
    operator, deviation = weighed
    await api.do("decideDeviation", "", by=Role.QA, deviation=deviation, accept=False, **WHY)
    ((code, message),) = await refusal(api, operator, SLURRY)
    assert code == "NOT_RELEASED_FOR_SHIPMENT"
    assert "reject SLURRY-C/SC-1 and decide what becomes of it" in message
    await api.do("rejectLot", "", by=Role.QA, item=SLURRY, **WHY)
    await api.do("dispositionItem", "", by=Role.QA, item=SLURRY, decision="USE_AS_IS", **WHY)
    await api.do("shipItems", "", by=operator, items=[SLURRY])


async def gaps_of(api: Api) -> list[dict[str, str]]:
    document = "query($item: ItemKey!) { asBuilt(item: $item) { gaps { code message } } }"
    gaps: list[dict[str, str]] = (await api.ask(document, by=Role.VIEWER, item=HM1))["asBuilt"]["gaps"]
    return gaps


async def test_holds_and_gaps_are_told_at_once(api: Api, operator: Actor) -> None:
    await api.do("disassembleUnit", "", by=operator, unit=HM1)
    await api.do("placeHold", "", by=Role.QUALITY, items=[HM1], severity="MINOR", **WHY)
    told = await refusal(api, operator, HM1)
    assert [code for code, _ in told] == ["NOT_RELEASED_FOR_SHIPMENT"] * 2
    assert "slot C0" in told[0][1]
    assert "is on hold" in told[1][1]


async def test_what_was_received_needs_no_record_of_ours(api: Api, operator: Actor) -> None:
    await make_item(api, "CELL-105", "HC9", location="HV1/STORE-WIP")
    await api.do("shipItems", "", by=operator, items=[{"material": "CELL-105", "serial": "HC9"}])


@pytest.mark.parametrize("complete", [True, False])
async def test_the_site_that_ships_judges_by_the_records_of_the_one_that_made_it(
    api: Api, operator: Actor, complete: bool
) -> None:
    if not complete:
        await api.do(
            "disassembleUnit", "", by=operator, unit=HM1, components=[{"material": "CELL-105", "serial": "HC1"}]
        )
    made = await api.do("createTransfer", "transfer { number }", by=operator, toSite="HV2", items=[HM1])
    transfer = made["transfer"]["number"]
    await api.do("shipTransfer", "", by=operator, transfer=transfer)
    receiver = await api.actor(Role.OPERATOR, site="HV2", subject="store-2")
    arrived = {
        "transfer": transfer,
        "location": "HV2/STORE-FG",
        "received": [{"item": HM1, "quantity": amount("1", "C62")}],
    }
    await api.do("confirmTransferReceipt", "", by=receiver, **arrived)
    document = "query($item: ItemKey!) { asBuilt(item: $item) { jobResponses { code } gaps { code } } }"
    record = (await api.ask(document, by=receiver, item=HM1))["asBuilt"]
    assert record == {"jobResponses": [], "gaps": [] if complete else [{"code": "COMPONENT_MISSING"}]}
    if complete:
        await api.do("shipItems", "", by=receiver, items=[HM1])
    else:
        assert [code for code, _ in await refusal(api, receiver, HM1)] == ["NOT_RELEASED_FOR_SHIPMENT"]
