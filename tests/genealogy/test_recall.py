"""What a recall would concern: the figures of stories S2 and S3, with holds posted by hand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import text

from mesgraph.access.roles import Role
from mesgraph.genealogy.activity import Line, record_activity
from mesgraph.genealogy.models import GenealogyKind
from mesgraph.work import Work
from tests.api import Api
from tests.factories.genealogy import act, item, new_item, receive, transform
from tests.factories.materials import equipment, make_halvard, site
from tests.factories.supply_chain import BINDER, make_chain, make_coils

RECALL = """query($s: SuspectSetInput!) { simulateRecall(suspects: $s) {
    suspectCount affectedCount hiddenCount shippedCount isRecall
    byMaterial { material { code } count onHand { value uom } } byStatus { status count }
    byLocation { location { code } count } byShipment { shipment { kind } count }
    columns { keys statuses depths shipped } } }"""
COLUMNS = """query($i: ItemKey!, $m: AttributionModel!, $r: ItemRangeInput) {
    trace(item: $i, direction: FORWARD, model: $m, range: $r) { nodeCount completeness { complete }
        columns { keys materials statuses depths contained containedUoms } } }"""


async def recall(api: Api, by: Any = Role.QUALITY, **suspects: Any) -> Any:
    return (await api.ask(RECALL, by=by, s=suspects))["simulateRecall"]


async def cells_of(api: Api, coil: str, model: str, part: dict[str, str] | None = None) -> dict[str, str]:
    """Cells exposed to a coil, with their states."""
    found = (await api.ask(COLUMNS, by=Role.QUALITY, i={"id": coil}, m=model, r=part))["trace"]
    assert found["completeness"]["complete"]
    columns = found["columns"]
    rows = zip(columns["keys"], columns["materials"], columns["statuses"], strict=True)
    return {key: status for key, material, status in rows if material == "CELL-105:1"}


async def hold(api: Api, keys: list[str]) -> None:
    reason = {"code": "SUPPLIER_NOTICE"}
    await api.do(
        "placeHold",
        "hold { number }",
        by=Role.QUALITY,
        items=[{"id": key} for key in keys],
        reason=reason,
        severity="MAJOR",
    )


async def test_story_s2_cells_of_the_hot_metres(api: Api) -> None:
    """Metres 612 to 655 of coil A were too hot: 13 of its 196 cells have something of them, coil C is not concerned."""
    await make_halvard(api)
    await make_coils(
        api, {"CC-26047-04-A": "655", "CC-26047-04-C": "493"}, {"CC-26047-04-A": 196, "CC-26047-04-C": 147}
    )
    coil = "COIL-C/CC-26047-04-A"
    hot = await cells_of(api, coil, "POSITIONAL", {"from": "612", "to": "655"})
    assert sorted(hot) == [f"CELL-105/CC-26047-04-A-{k:04}" for k in range(183, 196)]
    seen = await recall(api, items=[{"item": {"id": coil}, "range": {"from": "612", "to": "655"}}])
    assert {key for key in seen["columns"]["keys"] if key != coil} == set(hot)
    await hold(api, sorted(hot))
    states = list((await cells_of(api, coil, "PROPORTIONAL")).values())
    assert (len(states), states.count("ON_HOLD"), states.count("AVAILABLE")) == (196, 13, 183)
    assert len(await cells_of(api, "COIL-C/CC-26047-04-C", "WORST_CASE")) == 147


async def test_story_s3_a_supplier_withdraws_a_binder_lot(api: Api) -> None:
    await make_halvard(api)
    await make_chain(api)
    found = await recall(api, items=[{"item": {"id": BINDER}}])
    counts = {line["material"] and line["material"]["code"]: line["count"] for line in found["byMaterial"]}
    assert counts == {
        "RM-PVDF": 1,
        "SLURRY-C": 3,
        "COIL-C": 6,
        "CELL-105": 2058,
        "MOD-8S": 247,
        "PACK-48-105": 123,
        None: 5,
    }
    assert found["affectedCount"] == sum(counts.values())
    states = {line["status"]: line["count"] for line in found["byStatus"]}
    assert states["SCRAPPED"] == 2058 - 1976
    assert states["SHIPPED"] == found["shippedCount"] == 40 + 5
    assert found["byShipment"] == [{"shipment": {"kind": "SHIP"}, "count": 45}]
    assert found["isRecall"]
    assert found["hiddenCount"] == 0
    binder = next(line for line in found["byMaterial"] if line["material"] and line["material"]["code"] == "RM-PVDF")
    assert binder["onHand"] == {"value": "2.68", "uom": "KGM"}
    rows = list(zip(found["columns"]["keys"], found["columns"]["statuses"], strict=True))
    rest = [key for key, status in rows if status == "AVAILABLE" and key.startswith(("PACK", "MOD", "RM"))]
    assert len(rest) == 83 + 1 + 1  # packs, the spare module, the binder that is left
    await hold(api, rest)
    after = await recall(api, items=[{"item": {"id": BINDER}}])
    assert {line["status"]: line["count"] for line in after["byStatus"]}["ON_HOLD"] == len(rest)


async def test_what_was_made_somewhere_for_some_time(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "10")
    for number in (1, 2, 3):
        api.clock.step(hours=1)
        await transform(api, [(lot, "1")], [("SLURRY-C", f"S-{number}", "1")])
    unit = {"equipment": "HV1/COAT01"}
    now = api.clock.now()

    def place(work: Work) -> None:
        work.session.execute(
            text("UPDATE genealogy_event SET location_id = (SELECT id FROM equipment WHERE code = 'COAT01')")
        )

    await act(api, place)
    window = {**unit, "from": (now - timedelta(minutes=90)).isoformat(), "to": now.isoformat()}
    found = await recall(api, production=[window])
    assert found["columns"]["keys"] == ["SLURRY-C/S-2"]
    assert not found["isRecall"]
    whole_site = await recall(api, production=[window | {"equipment": "HV1/HV1"}])
    assert whole_site["columns"]["keys"] == ["SLURRY-C/S-2"]

    def away(work: Work) -> None:
        item(work, "SLURRY-C/S-2").site_id = site(work.session, "HV2").id

    await act(api, away)
    local = await recall(api, by=await api.actor(Role.QUALITY, site="HV1"), production=[window])
    assert (local["suspectCount"], local["affectedCount"], local["hiddenCount"]) == (1, 0, 1)


async def test_a_recall_names_what_is_wrong_with_its_suspects(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "10")
    for suspects, path in (
        ({}, ["suspects"]),
        ({"items": [{"item": {"id": "RM-PVDF/NONE"}}]}, ["suspects", "items", "0", "item"]),
        ({"items": [{"item": {"id": lot}, "range": {"from": "5", "to": "11"}}]}, ["suspects", "items", "0", "range"]),
        ({"items": [{"item": {"id": lot}, "range": {"from": "0", "to": "0"}}]}, ["suspects", "items", "0", "range"]),
    ):
        error = await api.error(RECALL, by=Role.QUALITY, s=suspects)
        assert error["code"] in {"VALIDATION_FAILED", "NOT_FOUND"}, error
        assert [str(step) for step in error["path"]] == path, error
    both = {"items": [{"item": {"id": "RM-PVDF/NONE"}}, {"item": {"id": lot}}, {"item": {"id": "RM-PVDF/NEITHER"}}]}
    error = await api.error(RECALL, by=Role.QUALITY, s=both)
    assert [str(step) for step in error["path"]] == ["suspects", "items", "0", "item"]
    (other,) = error["others"]
    assert (other["code"], [str(step) for step in other["path"]]) == ("NOT_FOUND", ["suspects", "items", "2", "item"])
    assert "RM-PVDF/NEITHER" in other["message"]


async def test_what_lies_elsewhere_is_counted_but_not_shown(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "10")
    await transform(api, [(lot, "1")], [("SLURRY-C", "S-1", "1")])

    def away(work: Work) -> None:
        item(work, "SLURRY-C/S-1").site_id = site(work.session, "HV2").id

    await act(api, away)
    local = await api.actor(Role.QUALITY, site="HV1")
    found = await recall(api, by=local, items=[{"item": {"id": lot}}])
    assert (found["columns"]["keys"], found["hiddenCount"]) == ([lot], 1)


async def test_a_machine_makes_thousands_in_a_window(api: Api) -> None:
    await make_halvard(api)
    lot = await receive(api, "RM-PVDF", "P-1", "3000")
    count = 2_500

    def make_many(work: Work) -> None:
        place = equipment(work.session, "HV1/STORE-WIP")
        outputs = [new_item(work, "SLURRY-C", f"S-{n}", "1") for n in range(count)]
        row = item(work, lot)
        record_activity(
            work,
            kind=GenealogyKind.TRANSFORM,
            site_id=row.site_id,
            location=place,
            inputs=[Line(row, Decimal(count))],
            outputs=[Line(one, Decimal(1)) for one in outputs],
        )

    await act(api, make_many)
    begin, end = api.clock.now().isoformat(), api.clock.step(hours=1).isoformat()
    window = {"equipment": "HV1/STORE-WIP", "from": begin, "to": end}
    found = await recall(api, production=[window])
    assert (found["suspectCount"], found["affectedCount"]) == (count, count)
