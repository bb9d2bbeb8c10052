"""Parts come out of a unit again; their time in it stays known."""

from datetime import timedelta
from typing import Any

from mesgraph.access.roles import Role
from mesgraph.work import Actor
from tests.api import START, Api
from tests.factories.execution import Line, Step, make_order, make_plant, start, stock
from tests.factories.materials import SSCC, make_item

MODULE = Step(10, "MOD-8S", [Line("CELL-105", per="2")])
UNIT = {"material": "MOD-8S", "serial": "HM1"}
CELLS = [{"material": "CELL-105", "serial": f"HC{n}"} for n in (1, 2)]
WHY = {"reason": {"code": "WELD_FAILED"}}
BACK = "query($i: ItemKey!, $at: DateTime) { trace(item: $i, direction: BACKWARD, at: $at) { nodes { item { key } } } }"


async def module(api: Api) -> tuple[Actor, str, str]:
    """Module HM1 of two cells; the operator, the run, and the assembly."""
    operator = await make_plant(api)
    order = await make_order(api, MODULE)
    for cell in CELLS:
        await make_item(api, "CELL-105", cell["serial"], location="HV1/STORE-WIP")
    run = await start(api, order, 10, operator)
    made = await api.do(
        "assembleUnit",
        "genealogyEvent { id }",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM1",
        components=[{"item": cell, "slot": f"C{n}"} for n, cell in enumerate(CELLS, 1)],
    )
    return operator, run, made["genealogyEvent"]["id"]


async def take_out(api: Api, *cells: dict[str, str], **more: Any) -> dict[str, Any]:
    return await api.do(
        "disassembleUnit",
        "unit { children { key } } components { key status slot parent { key } location { code } quantity { value } } "
        "genealogyEvent { id kind inputs { item { key } slot } outputs { item { key } } }",
        by=Role.TECHNICIAN,
        unit=UNIT,
        components=list(cells) or None,
        **more,
    )


async def test_a_component_waits_in_quarantine_and_the_unit_keeps_the_history_of_the_slot(api: Api) -> None:
    await module(api)
    api.clock.step(hours=1)
    payload = await take_out(api, CELLS[1])
    assert payload["components"] == [
        {
            "key": "CELL-105/HC2",
            "status": "QUARANTINE",
            "slot": None,
            "parent": None,
            "location": {"code": "STORE-RM"},
            "quantity": {"value": "1"},
        }
    ]
    assert payload["unit"] == {"children": [{"key": "CELL-105/HC1"}]}
    assert payload["genealogyEvent"]["kind"] == "DISASSEMBLE"
    assert payload["genealogyEvent"]["inputs"] == [{"item": {"key": "CELL-105/HC2"}, "slot": "C2"}]
    assert payload["genealogyEvent"]["outputs"] == [{"item": {"key": "MOD-8S/HM1"}}]

    async def inside(at: str | None) -> set[str]:
        found = await api.ask(BACK, by=Role.VIEWER, i=UNIT, at=at)
        return {node["item"]["key"] for node in found["trace"]["nodes"]} - {"MOD-8S/HM1"}

    assert await inside(None) == {"CELL-105/HC1"}
    before = (START + timedelta(minutes=1)).isoformat()
    assert await inside(before) == {"CELL-105/HC1", "CELL-105/HC2"}


async def test_a_component_goes_into_another_unit_when_it_is_released(api: Api) -> None:
    operator, run, _ = await module(api)
    await take_out(api, CELLS[0])
    again = {
        "jobResponse": run,
        "material": "MOD-8S",
        "serialNumber": "HM2",
        "components": [{"item": CELLS[0], "slot": "C1"}],
    }
    errors = await api.refused("assembleUnit", by=operator, **again)
    assert [e["code"] for e in errors] == ["LOT_NOT_RELEASED"]
    await api.do("releaseLot", "", by=Role.QA, item=CELLS[0])
    await api.do("assembleUnit", "", by=operator, **again)
    assert (await stock(api, "CELL-105", serial="HC1"))["parent"] == {"key": "MOD-8S/HM2"}


async def test_all_are_taken_out_when_none_is_named(api: Api) -> None:
    await module(api)
    assert len((await take_out(api))["components"]) == 2
    (error,) = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=UNIT)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "unit"])


async def test_what_holds_the_unit_holds_the_part(api: Api) -> None:
    await module(api)
    await api.do("placeHold", "", by=Role.QUALITY, items=[UNIT], severity="MINOR", reason={"code": "DOUBT"})
    payload = await take_out(api, CELLS[0])
    assert payload["components"][0]["status"] == "ON_HOLD"


async def test_only_what_is_installed_in_a_unit_that_is_here_comes_out(api: Api) -> None:
    await module(api)
    await make_item(api, "CELL-105", "HC3")
    await make_item(api, "MOD-8S", "HM9")
    stranger = {"material": "CELL-105", "serial": "HC3"}
    errors = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=UNIT, components=[CELLS[0], stranger])
    assert [(e["code"], e["path"][1:]) for e in errors] == [("INVALID_TRANSITION", ["components", "1"])]
    other = {"material": "MOD-8S", "serial": "HM9"}
    errors = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=other, components=CELLS[:1])
    assert [(e["code"], e["path"][1:]) for e in errors] == [("VALIDATION_FAILED", ["components", "0"])]
    (error,) = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=UNIT, expectedVersion=99)
    assert error["code"] == "VERSION_CONFLICT"
    early = (START - timedelta(hours=1)).isoformat()
    errors = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=UNIT, eventTime=early)
    assert "TIME_ORDER_INVALID" in {e["code"] for e in errors}
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=[other])
    errors = await api.refused("disassembleUnit", by=Role.OPERATOR, unit=other)
    assert "ALREADY_CONTAINED" in {e["code"] for e in errors}


async def test_it_is_reversed_from_the_leaves(api: Api) -> None:
    operator, _, assembly = await module(api)
    event = (await take_out(api, CELLS[0]))["genealogyEvent"]["id"]
    (error,) = await api.refused("reverseEvent", by=operator, event=assembly, **WHY)
    assert error["code"] == "DOWNSTREAM_DEPENDENCY"
    await api.do("reverseEvent", "", by=operator, event=event, **WHY)
    cell = await stock(api, "CELL-105", serial="HC1")
    assert (cell["lifecycle"], cell["slot"], cell["parent"]) == ("INSTALLED", "C1", {"key": "MOD-8S/HM1"})
    found = await api.ask(BACK, by=Role.VIEWER, i=UNIT)
    assert len(found["trace"]["nodes"]) == 3
    await api.do("reverseEvent", "", by=operator, event=assembly, **WHY)
    assert (await stock(api, "CELL-105", serial="HC1"))["lifecycle"] == "AVAILABLE"
