"""Lines that say BACKFLUSH are taken with the output: so much as the bill says, first expiry first, from the stores."""

from dataclasses import replace
from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.definitions.models import IssueMethod, MaterialUse, ToleranceAction
from tests.api import Api
from tests.factories.execution import (
    MIX,
    MODULE,
    Line,
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
from tests.factories.orders import cathode, make_line, takes

FLUSH = IssueMethod.BACKFLUSH
BINDER = Line("RM-PVDF", per="0.0093")
SOLVENT = Line("RM-NMP", per="0.38", issue=FLUSH, tolerance="0", action=ToleranceAction.BLOCK)
FILL = replace(MIX, lines=[BINDER, SOLVENT])
SLURRY = [lot("SLURRY-C", "SC-1", "800")]


async def filling(api: Api, *lots: tuple[str, str], step: Any = FILL) -> tuple[Any, str]:
    """The operator, and a run that has taken its binder; ``lots`` of solvent were received in this order."""
    operator = await make_plant(api)
    order = await make_order(api, step)
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    for number, quantity in lots:
        await receive(api, "RM-NMP", number, quantity)
        api.clock.step(minutes=1)
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    return operator, run


def inputs(made: dict[str, Any]) -> dict[str, str]:
    return {x["item"]["key"]: x["quantity"]["value"] for x in made["genealogyEvent"]["inputs"]}


async def left(api: Api, *numbers: str) -> list[str]:
    return [(await stock(api, "RM-NMP", lot=number))["quantity"]["value"] for number in numbers]


async def test_it_is_taken_in_the_same_activity_as_much_as_the_bill_says(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "400"))
    made = await produce(api, run, *SLURRY, by=operator)
    assert inputs(made) == {"RM-PVDF/PVDF-2219": "7.44", "RM-NMP/NMP-1": "304"}
    assert await left(api, "NMP-1") == ["96"]
    [taken] = [e["payload"] for e in made["ledgerEvents"] if e["type"] == "MATERIAL_CONSUMED"]
    assert taken["issue"] == "BACKFLUSH"
    assert made["warnings"] == []


async def test_what_came_first_goes_first_where_nothing_expires(api: Api) -> None:
    operator, run = await filling(api, ("NMP-2", "100"), ("NMP-1", "250"), ("NMP-3", "50"))
    made = await produce(api, run, *SLURRY, by=operator)
    assert inputs(made) == {"RM-PVDF/PVDF-2219": "7.44", "RM-NMP/NMP-2": "100", "RM-NMP/NMP-1": "204"}
    assert await left(api, "NMP-2", "NMP-1", "NMP-3") == ["0", "46", "50"]


async def test_what_expires_first_goes_first(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, replace(MIX, lines=[BINDER, Line("RM-ELY", per="0.01", issue=FLUSH)]))
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    payload = await api.do(
        "receiveItems",
        "items { key }",
        by=operator,
        site="HV1",
        lines=[
            {
                "material": "RM-ELY",
                "lotNumber": number,
                "quantity": amount("20", "KGM"),
                "location": "HV1/STORE-RM",
                "expiresAt": f"2026-{month}-01T00:00:00Z",
            }
            for number, month in (("LATE", "06"), ("SOON", "04"))
        ],
    )
    assert len(payload["items"]) == 2
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    made = await produce(api, run, *SLURRY, by=operator)
    assert inputs(made) == {"RM-PVDF/PVDF-2219": "7.44", "RM-ELY/SOON": "8"}


async def test_what_is_lost_on_the_way_is_taken_on_top(api: Api) -> None:
    step = replace(FILL, lines=[BINDER, replace(SOLVENT, scrap="0.025")])
    operator, run = await filling(api, ("NMP-1", "400"), step=step)
    assert inputs(await produce(api, run, *SLURRY, by=operator))["RM-NMP/NMP-1"] == "311.6"


async def test_what_was_taken_by_hand_counts(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "400"), ("NMP-2", "400"))
    await consume(api, run, "RM-NMP", "NMP-2", "300", by=operator)
    assert inputs(await produce(api, run, *SLURRY, by=operator)) == {
        "RM-PVDF/PVDF-2219": "7.44",
        "RM-NMP/NMP-1": "4",
        "RM-NMP/NMP-2": "300",
    }


async def test_what_is_missing_is_named_with_its_amount(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "300"))
    document = (
        "mutation($i: ProduceMaterialInput!) { produceMaterial(input: $i) { userErrors { code message path "
        "... on QuantityError { available requested uom } } } }"
    )
    async with api.nothing_written():
        data = await api.ask(document, by=operator, i={"jobResponse": run, "outputs": SLURRY})
    [error] = data["produceMaterial"]["userErrors"]
    assert error == {
        "code": "INSUFFICIENT_QUANTITY",
        "message": "4 KGM of RM-NMP are missing in the stores of COAT01: 304 KGM belong to this output",
        "path": ["input", "outputs"],
        "available": "300",
        "requested": "304",
        "uom": "KGM",
    }


async def test_what_is_held_or_kept_for_others_or_elsewhere_is_not_taken(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "400"), ("NMP-2", "400"), ("NMP-3", "400"))
    await api.do(
        "placeHold",
        "",
        by=Role.QUALITY,
        items=[{"material": "RM-NMP", "lot": "NMP-1"}],
        severity="MINOR",
        reason={"code": "TEST"},
    )
    other = await make_order(api, FILL, code="10046")
    await api.do(
        "reserveMaterial",
        "",
        by=Role.PLANNER,
        jobOrder=other.jobs[20],
        item={"material": "RM-NMP", "lot": "NMP-2"},
        quantity=amount("400", "KGM"),
    )
    assert "RM-NMP/NMP-3" in inputs(await produce(api, run, *SLURRY, by=operator))


async def test_what_is_reserved_for_others_is_told_where_it_is_missing(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "400"))
    other = await make_order(api, FILL, code="10046")
    given = {"item": {"material": "RM-NMP", "lot": "NMP-1"}, "quantity": amount("400", "KGM")}
    await api.do("reserveMaterial", "", by=Role.PLANNER, jobOrder=other.jobs[20], **given)
    (error,) = await api.refused("produceMaterial", by=operator, jobResponse=run, outputs=SLURRY)
    assert (error["code"], error["path"]) == ("LOT_RESERVED", ["input", "outputs"])
    assert error["message"].endswith("; 400 KGM there are reserved for other orders")


async def test_a_bill_that_is_all_backflush_needs_nothing_else(api: Api) -> None:
    operator = await make_plant(api)
    order = await make_order(api, replace(MIX, lines=[SOLVENT]))
    await receive(api, "RM-NMP", "NMP-1", "400")
    run = await start(api, order, 20, operator)
    assert inputs(await produce(api, run, *SLURRY, by=operator)) == {"RM-NMP/NMP-1": "304"}


async def test_a_unit_that_is_assembled_takes_it_too(api: Api) -> None:
    operator = await make_plant(api)
    glue = Line("RM-CB", per="0.05", issue=FLUSH)
    order = await make_order(api, replace(MODULE, lines=[*MODULE.lines, glue]))
    cells = await make_order(
        api, replace(MIX, makes="CELL-105", lines=[Line("RM-NMP", per="1", issue=FLUSH)]), code="10050"
    )
    await receive(api, "RM-CB", "GLUE-1", "1")
    await receive(api, "RM-NMP", "NMP-1", "20")
    stacking = await start(api, cells, 20, operator)
    names = [f"HC-{n}" for n in range(8)]
    await produce(api, stacking, units("CELL-105", *names), by=operator)
    await api.do("reportQuantity", "", by=operator, jobResponse=stacking, good=amount("8", "C62"))
    await api.do("stopJobOrder", "", by=operator, jobOrder=cells.jobs[20])
    run = await start(api, order, 10, operator)
    made = await api.do(
        "assembleUnit",
        "genealogyEvent { inputs { item { key } quantity { value } } } warnings",
        by=operator,
        jobResponse=run,
        material="MOD-8S",
        serialNumber="HM-1",
        components=[{"item": {"material": "CELL-105", "serial": name}, "slot": name} for name in names],
    )
    assert inputs(made)["RM-CB/GLUE-1"] == "0.05"
    assert made["warnings"] == []


async def test_a_reversed_production_gives_it_back_to_the_run(api: Api) -> None:
    operator, run = await filling(api, ("NMP-1", "400"))
    made = await produce(api, run, *SLURRY, by=operator)
    await api.do("reverseEvent", "", by=Role.QUALITY, event=made["genealogyEvent"]["id"], reason={"code": "WRONG_LOT"})
    assert await left(api, "NMP-1") == ["96"]
    again = await produce(api, run, lot("SLURRY-C", "SC-2", "800"), by=operator)
    assert inputs(again) == {"RM-PVDF/PVDF-2219": "7.44", "RM-NMP/NMP-1": "304"}
    assert await left(api, "NMP-1") == ["96"]


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ({"scrapFactor": "0.02"}, "scrapFactor"),
        ({"issue": "BACKFLUSH", "scrapFactor": "11"}, "scrapFactor"),
        ({"issue": "BACKFLUSH", "material": "CELL-105", "quantityPer": amount("1", "C62")}, "issue"),
        ({"issue": "BACKFLUSH", "material": "RM-CB"}, "issue"),
        ({"issue": "BACKFLUSH", "use": "BY_PRODUCT"}, "issue"),
    ],
)
async def test_what_cannot_be_taken_by_itself_is_refused_in_the_draft(
    api: Api, line: dict[str, Any], field: str
) -> None:
    await make_line(api)
    content = cathode()
    content["segments"][1]["materials"][3] = takes(4, "RM-NMP", "0.38") | line
    errors = await api.refused("draftOperationsDefinition", by=Role.ENGINEER, **content)
    assert codes(errors) == ["VALIDATION_FAILED"]
    assert errors[0]["path"] == ["input", "segments", "1", "materials", "3", field]


async def test_a_co_product_is_posted_as_one(api: Api) -> None:
    operator = await make_plant(api)
    beside = [Line("SLURRY-A", MaterialUse.CO_PRODUCT), Line("RM-CB", MaterialUse.BY_PRODUCT)]
    order = await make_order(api, replace(MIX, lines=[BINDER], beside=beside))
    await receive(api, "RM-PVDF", "PVDF-2219", "25")
    run = await start(api, order, 20, operator)
    await consume(api, run, "RM-PVDF", "PVDF-2219", "7.44", by=operator)
    outputs = [
        *SLURRY,
        lot("SLURRY-A", "SA-1", "10", use="CO_PRODUCT"),
        lot("RM-CB", "CB-REC", "1", use="BY_PRODUCT"),
    ]
    await produce(api, run, *outputs, by=operator)
    data = await api.ask(
        "query($id: ID!) { jobOrder(id: $id) { jobResponse { materialActuals { use item { key } } } } }",
        by=operator,
        id=order.jobs[20],
    )
    posted = {x["item"]["key"]: x["use"] for x in data["jobOrder"]["jobResponse"]["materialActuals"]}
    assert posted == {
        "RM-PVDF/PVDF-2219": "CONSUMED",
        "SLURRY-C/SC-1": "PRODUCED",
        "SLURRY-A/SA-1": "CO_PRODUCT",
        "RM-CB/CB-REC": "BY_PRODUCT",
    }
