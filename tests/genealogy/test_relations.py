"""Ways from one item to another, what several have in common, and how many are related to one."""

from typing import Any

from mesgraph.access.roles import Role
from tests.api import Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import make_halvard

PATH = """query($a: ItemKey!, $b: ItemKey!, $max: Int) { genealogyPath(from: $a, to: $b, maxLength: $max) {
    exists length hidden items { key } between { item { key } length } } }"""
SHARED = """query($i: [ItemKey!]!, $m: [ItemKey!], $asOf: Cursor, $first: Int! = 50, $skip: Int! = 0) {
  sharedAncestors(items: $i, among: $m, asOf: $asOf, first: $first, skip: $skip) {
    totalCount position ancestors { item { key } count amongCount nearest } } }"""
COUNTS = "query($i: ItemKey!) { item(key: $i) { ancestorsCount descendantsCount } }"


async def make_plant(api: Api) -> None:
    """P-1 -> S-1 -> S-2 -> cells A, B; P-1 also goes into B directly; C has P-2 only."""
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "10")
    await receive(api, "RM-PVDF", "P-2", "10")
    await transform(api, [("RM-PVDF/P-1", "1")], [("SLURRY-C", "S-1", "1")])
    await transform(api, [("SLURRY-C/S-1", "1")], [("SLURRY-C", "S-2", "1")])
    await transform(api, [("SLURRY-C/S-2", "0.5")], [("CELL-105", "A", "1")])
    await transform(
        api, [("SLURRY-C/S-2", "0.5"), ("RM-PVDF/P-1", "1"), ("RM-PVDF/P-2", "1")], [("CELL-105", "B", "1")]
    )
    await transform(api, [("RM-PVDF/P-2", "1")], [("CELL-105", "C", "1")])


async def path(api: Api, source: str, target: str, longest: int | None = None) -> Any:
    found = await api.ask(PATH, by=Role.VIEWER, a={"id": source}, b={"id": target}, max=longest)
    return found["genealogyPath"]


async def test_a_shortest_way_and_the_longer_ones(api: Api) -> None:
    await make_plant(api)
    short = await path(api, "RM-PVDF/P-1", "CELL-105/B")
    assert (short["exists"], short["length"], [i["key"] for i in short["items"]]) == (
        True,
        1,
        ["RM-PVDF/P-1", "CELL-105/B"],
    )
    longer = await path(api, "RM-PVDF/P-1", "CELL-105/B", 3)
    assert {b["item"]["key"]: b["length"] for b in longer["between"]} == {
        "RM-PVDF/P-1": 1,
        "SLURRY-C/S-1": 3,
        "SLURRY-C/S-2": 3,
        "CELL-105/B": 1,
    }
    too_short = await path(api, "RM-PVDF/P-1", "CELL-105/A", 1)
    assert (too_short["exists"], too_short["length"], too_short["between"]) == (True, 3, [])
    assert (await path(api, "CELL-105/B", "RM-PVDF/P-1"))["exists"] is False
    assert (await path(api, "RM-PVDF/P-2", "CELL-105/A"))["length"] is None
    itself = await path(api, "CELL-105/B", "CELL-105/B")
    assert (itself["length"], [i["key"] for i in itself["items"]]) == (0, ["CELL-105/B"])
    error = await api.error(PATH, by=Role.VIEWER, a={"id": "CELL-105/A"}, b={"id": "CELL-105/B"}, max=-1)
    assert error["code"] == "VALIDATION_FAILED"


async def test_what_bad_ones_share_and_good_ones_do_not(api: Api) -> None:
    await make_plant(api)
    bad = [{"material": "CELL-105", "serial": "A"}, {"material": "CELL-105", "serial": "B"}]
    good = [{"material": "CELL-105", "serial": "C"}]
    found = (await api.ask(SHARED, by=Role.VIEWER, i=bad, m=good))["sharedAncestors"]
    assert [(a["item"]["key"], a["count"], a["amongCount"], a["nearest"]) for a in found["ancestors"]] == [
        ("SLURRY-C/S-2", 2, 0, True),
        ("RM-PVDF/P-1", 2, 0, False),
        ("SLURRY-C/S-1", 2, 0, False),
        ("RM-PVDF/P-2", 1, 1, False),
    ]
    assert found["totalCount"] == 4
    await transform(api, [("RM-PVDF/P-2", "1")], [("CELL-105", "D", "1")])
    asked = {"i": bad, "m": [*good, {"material": "CELL-105", "serial": "D"}]}
    later = (await api.ask(SHARED, by=Role.VIEWER, **asked))["sharedAncestors"]
    assert later["ancestors"][3]["amongCount"] == 2
    then = (await api.ask(SHARED, by=Role.VIEWER, **asked, asOf=found["position"]))["sharedAncestors"]
    assert then == found  # D was not known yet
    page = (await api.ask(SHARED, by=Role.VIEWER, **asked, asOf=found["position"], first=2, skip=1))["sharedAncestors"]
    assert page["ancestors"] == found["ancestors"][1:3]
    error = await api.error(SHARED, by=Role.VIEWER, **asked, skip=-1)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["skip"])
    error = await api.error(SHARED, by=Role.VIEWER, i=[], m=[])
    assert error["code"] == "VALIDATION_FAILED"


async def test_an_item_knows_how_many_are_related_to_it(api: Api) -> None:
    await make_plant(api)
    for key, ancestors, descendants in (("RM-PVDF/P-1", 0, 4), ("SLURRY-C/S-2", 2, 2), ("CELL-105/B", 4, 0)):
        counted = (await api.ask(COUNTS, by=Role.VIEWER, i={"id": key}))["item"]
        assert counted == {"ancestorsCount": ancestors, "descendantsCount": descendants}
