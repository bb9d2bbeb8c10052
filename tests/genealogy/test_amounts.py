"""How much of a lot is in what was made from it: golden case G2 and exact division."""

from decimal import Decimal

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import make_halvard

TRACE = """query($item: ItemKey!, $direction: TraceDirection!) { trace(item: $item, direction: $direction) {
    depth completeness { complete reason missing }
    nodes { item { key } depth contained { value uom } remains { value uom } removed { value uom } }
    edges { event { kind } from { key } to { key } inputShare { value uom } }
    totals { byMaterial { material { code } direction count exposed { value uom } }
        shippedCount onHand { value } shipped { value } removed { value } } } }"""


async def cut(api: Api, key: str, parts: int) -> list[str]:
    payload = await api.do(
        "splitLot",
        "item { status } children { key quantity { value } }",
        by=Role.OPERATOR,
        item={"id": key},
        parts=parts,
    )
    assert payload["item"] == {"status": "CONSUMED"}
    return [child["quantity"]["value"] for child in payload["children"]]


async def test_golden_case_g2(api: Api) -> None:
    await make_halvard(api)
    binder = await receive(api, "RM-PVDF", "PVDF-2219", "25")
    solids = await receive(api, "RM-CB", "CB-1", "1000")
    await transform(api, [(binder, "7.44"), (solids, "792.56")], [("SLURRY-C", "SC-26047-03", "800")])
    await transform(api, [("SLURRY-C/SC-26047-03", "399.0")], [("RM-CB", "COIL-A", "1148")])
    await transform(api, [("SLURRY-C/SC-26047-03", "398.9")], [("RM-CB", "COIL-B", "1148")])
    await api.do(
        "takeSample", "", by=Role.QUALITY, item={"material": "SLURRY-C", "lot": "SC-26047-03"}, quantity=kg("0.5")
    )
    await api.do(
        "scrapItem",
        "item { status }",
        by=Role.SUPERVISOR,
        item={"material": "SLURRY-C", "lot": "SC-26047-03"},
        quantity=kg("1.6"),
        reason={"code": "CLEANING"},
    )
    for coil in ("RM-CB/COIL-A", "RM-CB/COIL-B"):
        await cut(api, coil, 343)
    found = (await api.ask(TRACE, by=Role.QUALITY, item={"id": binder}, direction="FORWARD"))["trace"]
    contained = {node["item"]["key"]: Decimal(node["contained"]["value"]) for node in found["nodes"]}
    for coil, grams in (("COIL-A", "10.818"), ("COIL-B", "10.816")):
        cells = [amount for key, amount in contained.items() if key.startswith(f"RM-CB/{coil}/")]
        assert len(cells) == 343
        assert {str(round(amount * 1000, 3)) for amount in cells} == {grams}
    slurry = next(node for node in found["nodes"] if node["item"]["key"] == "SLURRY-C/SC-26047-03")
    assert slurry["contained"] == {"value": "7.44", "uom": "KGM"}
    assert slurry["removed"] == {"value": "0.01953", "uom": "KGM"}
    parts = sum(Decimal(node[part]["value"]) for node in found["nodes"] for part in ("remains", "removed"))
    assert parts == 25
    totals = found["totals"]
    assert Decimal(totals["onHand"]["value"]) + Decimal(totals["removed"]["value"]) == 25
    assert found["completeness"] == {"complete": True, "reason": None, "missing": 0}


async def test_what_a_cell_was_made_from(api: Api) -> None:
    await make_halvard(api)
    binder = await receive(api, "RM-PVDF", "PVDF-2219", "25")
    solids = await receive(api, "RM-CB", "CB-1", "1000")
    await transform(api, [(binder, "7.44"), (solids, "792.56")], [("SLURRY-C", "SC-1", "800")])
    await transform(api, [("SLURRY-C/SC-1", "399.0")], [("CELL-105", "HC1", "1"), ("CELL-105", "HC2", "1")])
    found = (
        await api.ask(TRACE, by=Role.VIEWER, item={"material": "CELL-105", "serial": "HC1"}, direction="BACKWARD")
    )["trace"]
    assert [(n["item"]["key"], n["depth"], n["contained"], n["remains"]) for n in found["nodes"]] == [
        ("CELL-105/HC1", 0, {"value": "1", "uom": "C62"}, None),
        ("SLURRY-C/SC-1", 1, {"value": "199.5", "uom": "KGM"}, None),
        ("RM-PVDF/PVDF-2219", 2, {"value": "1.85535", "uom": "KGM"}, None),
        ("RM-CB/CB-1", 2, {"value": "197.64465", "uom": "KGM"}, None),
    ]
    assert [(e["from"]["key"], e["inputShare"]["value"]) for e in found["edges"]] == [
        ("RM-PVDF/PVDF-2219", "7.44"),
        ("RM-CB/CB-1", "792.56"),
        ("SLURRY-C/SC-1", "199.5"),
    ]
    assert found["totals"]["onHand"] is None
    assert {m["material"]["code"]: m["exposed"]["value"] for m in found["totals"]["byMaterial"]} == {
        "SLURRY-C": "199.5",
        "RM-PVDF": "1.85535",
        "RM-CB": "197.64465",
    }


async def test_a_split_that_does_not_divide_conserves_exactly(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "25")
    parts = await cut(api, lot, 7)
    assert sum(map(Decimal, parts)) == 25
    assert parts == ["3.571429"] * 4 + ["3.571428"] * 3


def kg(value: str) -> dict[str, str]:
    return {"value": value, "uom": "KGM"}
