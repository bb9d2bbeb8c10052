"""Units are built of parts that are good and free, each in its slot."""

from typing import Any

from mesgraph.access.roles import Role
from mesgraph.definitions.models import ToleranceAction
from mesgraph.materials.models import Lifecycle
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import Line, Step, amount, make_order, make_plant, receive, start, stock
from tests.factories.materials import make_item

MODULE = Step(
    10, "MOD-8S", [Line("CELL-105", per="2", tolerance="0", action=ToleranceAction.BLOCK), Line("RM-ELY", per="0.1")]
)
PACK = Step(20, "PACK-48-105", [Line("MOD-8S", per="2")])


def cell(number: str, slot: str) -> dict[str, Any]:
    return {"item": {"material": "CELL-105", "serial": number}, "slot": slot}


async def assembling(api: Api, *steps: Step) -> tuple[Actor, str]:
    """Four cells and a running line."""
    operator = await make_plant(api)
    order = await make_order(api, *(steps or (MODULE,)))
    for n in range(4):
        await make_item(api, "CELL-105", f"HC{n}", location="HV1/STORE-WIP")
    return operator, await start(api, order, 10, operator)


async def build(api: Api, operator: Actor, run: str, number: str, *components: Any, **more: Any) -> dict[str, Any]:
    return await api.do(
        "assembleUnit",
        "unit { key lifecycle children { key slot status } } genealogyEvent { kind inputs { item { key } slot } } "
        "ledgerEvents { type }",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber=number,
        components=list(components),
        **more,
    )


async def test_the_parts_are_installed_each_in_its_slot(api: Api) -> None:
    operator, run = await assembling(api)
    await receive(api, "RM-ELY", "ELY-1", "10")
    made = await build(
        api,
        operator,
        run,
        "HM1",
        cell("HC0", "C01"),
        cell("HC1", "C02"),
        consumed=[{"item": {"material": "RM-ELY", "lot": "ELY-1"}, "quantity": amount("100", "GRM")}],
    )
    assert made["unit"] == {
        "key": "MOD-8S/HM1",
        "lifecycle": "IN_PROCESS",
        "children": [
            {"key": "CELL-105/HC0", "slot": "C01", "status": "INSTALLED"},
            {"key": "CELL-105/HC1", "slot": "C02", "status": "INSTALLED"},
        ],
    }
    assert made["genealogyEvent"]["kind"] == "ASSEMBLE"
    assert [(x["item"]["key"], x["slot"]) for x in made["genealogyEvent"]["inputs"]] == [
        ("CELL-105/HC0", "C01"),
        ("CELL-105/HC1", "C02"),
        ("RM-ELY/ELY-1", None),
    ]
    assert [e["type"] for e in made["ledgerEvents"]] == ["MATERIAL_CONSUMED", "UNIT_ASSEMBLED", "MATERIAL_PRODUCED"]
    assert (await stock(api, "RM-ELY", lot="ELY-1"))["quantity"] == {"value": "9.9"}
    await api.do("stopJobOrder", "", by=operator, jobOrder="HV1/10045-10")


async def test_a_part_is_built_in_once(api: Api) -> None:
    operator, run = await assembling(api)
    await build(api, operator, run, "HM1", cell("HC0", "C01"), cell("HC1", "C02"))
    errors = await api.refused(
        "assembleUnit",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM2",
        components=[cell("HC2", "C01"), cell("HC1", "C02")],
    )
    assert [(e["code"], e["path"]) for e in errors] == [("ALREADY_CONTAINED", ["input", "components", "1", "item"])]


async def test_every_part_is_judged_and_everything_is_told_at_once(api: Api) -> None:
    operator, run = await assembling(api)
    await make_item(api, "CELL-105", "HC9", location="HV1/STORE-WIP", lifecycle=Lifecycle.QUARANTINE)
    await receive(api, "RM-ELY", "ELY-1", "10")
    quality = await api.actor(Role.QUALITY, subject="q-05")
    held = {"material": "CELL-105", "serial": "HC3"}
    await api.do("placeHold", "", by=quality, items=[held], severity="MAJOR", reason={"code": "WELD"})
    errors = await api.refused(
        "assembleUnit",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM1",
        components=[
            cell("HC0", "C01"),
            cell("HC0", "C02"),
            cell("HC3", "C02"),
            cell("HC9", "C 4"),
            {"item": {"material": "RM-ELY", "lot": "ELY-1"}, "slot": "C05"},
        ],
    )
    assert [(e["code"], *e["path"][2:]) for e in errors] == [
        ("ALREADY_CONTAINED", "1", "item"),
        ("VALIDATION_FAILED", "2", "slot"),
        ("VALIDATION_FAILED", "3", "slot"),
        ("VALIDATION_FAILED", "4", "item"),
        ("LOT_ON_HOLD", "2", "item"),
        ("LOT_NOT_RELEASED", "3", "item"),
        ("CONSUMPTION_OUT_OF_TOLERANCE",),
    ]


async def test_a_unit_needs_parts_of_the_bill(api: Api) -> None:
    operator, run = await assembling(api)
    await make_item(api, "BMS", "B1", location="HV1/STORE-WIP")
    errors = await api.refused(
        "assembleUnit",
        by=operator,
        jobResponse=run,
        material="PACK-48-105",
        serialNumber="HP1",
        components=[{"item": {"material": "BMS", "serial": "B1"}, "slot": "B"}],
    )
    assert [(e["code"], e["path"][1]) for e in errors] == [
        ("WRONG_MATERIAL", "material"),
        ("WRONG_MATERIAL", "components"),
        ("CONSUMPTION_OUT_OF_TOLERANCE", "components"),
    ]


async def test_units_of_the_same_order_are_built_into_each_other(api: Api) -> None:
    operator, run = await assembling(api, MODULE, PACK)
    await build(api, operator, run, "HM1", cell("HC0", "C01"), cell("HC1", "C02"))
    await build(api, operator, run, "HM2", cell("HC2", "C01"), cell("HC3", "C02"))
    packing = await api.do("startJobOrder", "jobResponse { code }", by=operator, jobOrder="HV1/10045-20")
    await api.do(
        "assembleUnit",
        "",
        by=operator,
        jobResponse=f"HV1/{packing['jobResponse']['code']}",
        material="PACK-48-105",
        serialNumber="HP1",
        components=[{"item": {"material": "MOD-8S", "serial": f"HM{n}"}, "slot": f"M{n}"} for n in (1, 2)],
    )
    data = await api.ask(
        "query($item: ItemKey!) { trace(item: $item, direction: BACKWARD) { nodes { item { key } } } }",
        by=operator,
        item={"material": "PACK-48-105", "serial": "HP1"},
    )
    assert len(data["trace"]["nodes"]) == 7  # the pack, two modules, four cells
