"""Golden case G2 through the API: what each cell holds of the binder lot, and that nothing is lost."""

from decimal import Decimal

from mesgraph.access.roles import Role
from mesgraph.work import Actor
from tests.api import Api
from tests.factories.execution import (
    Line,
    Order,
    Step,
    amount,
    consume,
    lot,
    make_order,
    make_plant,
    produce,
    receive,
    start,
    units,
)

CELLS = 343
TRACE = """query($item: ItemKey!, $direction: TraceDirection!) { trace(item: $item, direction: $direction) {
  completeness { complete } nodes { depth item { key } contained { value uom } remains { value } removed { value } }
} }"""
ROUTE = [
    Step(20, "SLURRY-C", [Line("RM-PVDF"), Line("RM-LFP"), Line("RM-CB"), Line("RM-NMP")]),
    Step(30, "COIL-C", [Line("SLURRY-C")]),
    Step(40, "CELL-105", [Line("COIL-C")]),
]
CHARGE = {"RM-LFP": "481.12", "RM-CB": "7.44", "RM-PVDF": "7.44", "RM-NMP": "304"}
COILS = {"A": "399", "B": "398.9"}


async def batch(api: Api) -> tuple[Actor, Order]:
    """One batch of 800 kg, two coils of it, 343 cells of each coil."""
    operator = await make_plant(api)
    order = await make_order(api, *ROUTE)
    for material, value in CHARGE.items():
        await receive(api, material, "PVDF-2219" if material == "RM-PVDF" else f"{material}-1", value)
    mix, coat, stack = [await start(api, order, seq, operator) for seq in (20, 30, 40)]
    for material, value in CHARGE.items():
        number = "PVDF-2219" if material == "RM-PVDF" else f"{material}-1"
        await consume(api, mix, material, number, value, by=operator)
    await produce(api, mix, lot("SLURRY-C", "SC-26047-03", "800"), by=operator)
    for coil, value in COILS.items():
        await consume(api, coat, "SLURRY-C", "SC-26047-03", value, by=operator)
        await produce(api, coat, lot("COIL-C", f"CC-26047-04-{coil}", "1148", "MTR"), by=operator)
        await consume(api, stack, "COIL-C", f"CC-26047-04-{coil}", "1148", "MTR", by=operator)
        await produce(api, stack, units("CELL-105", *(f"HC{coil}{n:04}" for n in range(CELLS))), by=operator)
    for seq in (20, 30, 40):
        await api.do("stopJobOrder", "", by=operator, jobOrder=order.jobs[seq])
    return operator, order


async def test_each_cell_holds_its_milligrams_of_binder_and_nothing_is_lost(api: Api) -> None:
    operator, _ = await batch(api)
    binder = {"material": "RM-PVDF", "lot": "PVDF-2219"}
    forward = (await api.ask(TRACE, by=operator, item=binder, direction="FORWARD"))["trace"]
    assert forward["completeness"] == {"complete": True}
    grams = {
        node["item"]["key"]: Decimal(node["contained"]["value"]) * 1000
        for node in forward["nodes"]
        if node["item"]["key"].startswith("CELL-105/")
    }
    assert len(grams) == 2 * CELLS
    for coil, expected in (("A", Decimal("10.818")), ("B", Decimal("10.816"))):
        of_coil = {value.quantize(Decimal("0.001")) for key, value in grams.items() if f"/HC{coil}" in key}
        assert of_coil == {expected}
    remains = sum(Decimal(node["remains"]["value"]) for node in forward["nodes"])
    removed = sum(Decimal(node["removed"]["value"]) for node in forward["nodes"])
    assert remains + removed == Decimal("7.44")
    (slurry,) = [node for node in forward["nodes"] if node["item"]["key"] == "SLURRY-C/SC-26047-03"]
    assert Decimal(slurry["remains"]["value"]).quantize(Decimal("0.0001")) == Decimal("0.0195")


async def test_a_cell_leads_back_to_the_binder(api: Api) -> None:
    operator, _ = await batch(api)
    cell = {"material": "CELL-105", "serial": "HCA0342"}
    backward = (await api.ask(TRACE, by=operator, item=cell, direction="BACKWARD"))["trace"]
    contained = {node["item"]["key"]: node["contained"] for node in backward["nodes"]}
    binder = contained["RM-PVDF/PVDF-2219"]
    assert (Decimal(binder["value"]) * 1000).quantize(Decimal("0.001")) == Decimal("10.818")
    assert binder["uom"] == "KGM"
    data = await api.ask(
        "query($item: ItemKey!) { asBuilt(item: $item) { completenessPct gaps { message } "
        "inputs { inputShare { value } } } }",
        by=operator,
        item=cell,
    )
    assert data["asBuilt"]["gaps"] == []
    # 1148 m over 343 cells do not divide: the shares differ by a micrometre at most and add up exactly
    (share,) = data["asBuilt"]["inputs"]
    assert Decimal(share["inputShare"]["value"]) in (Decimal("3.346938"), Decimal("3.346939"))


async def test_a_sample_of_the_slurry_takes_its_part_of_the_binder_along(api: Api) -> None:
    operator, _ = await batch(api)
    quality = await api.actor(Role.QUALITY, subject="q-05")
    slurry = {"material": "SLURRY-C", "lot": "SC-26047-03"}
    await api.do("takeSample", "", by=quality, item=slurry, quantity=amount("0.5", "KGM"))
    binder = {"material": "RM-PVDF", "lot": "PVDF-2219"}
    forward = (await api.ask(TRACE, by=operator, item=binder, direction="FORWARD"))["trace"]
    removed = sum(Decimal(node["removed"]["value"]) for node in forward["nodes"])
    assert removed == Decimal("0.00465")  # 7.44 * 0.5 / 800
