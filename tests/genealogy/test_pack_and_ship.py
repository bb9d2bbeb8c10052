"""Into and out of logistic units, to other stores, and out of the plant."""

from mesgraph.access.roles import Role
from mesgraph.materials.models import Lifecycle
from tests.api import Api
from tests.factories.genealogy import receive, transform
from tests.factories.materials import SSCC, make_halvard, make_item

OUTER = "095212340000000020"
PACKS = [{"material": "PACK-48-105", "serial": f"HP{n}"} for n in (1, 2)]


async def packs(api: Api) -> None:
    """Two packs of one lot of binder."""
    await make_halvard(api)
    await receive(api, "RM-PVDF", "P-1", "25")
    await transform(api, [("RM-PVDF/P-1", "10")], [("PACK-48-105", "HP1", "1"), ("PACK-48-105", "HP2", "1")])


async def status(api: Api, *keys: str) -> list[str]:
    document = "query($key: ItemKey!) { item(key: $key) { status } }"
    return [(await api.ask(document, by=Role.VIEWER, key={"id": key}))["item"]["status"] for key in keys]


async def hold(api: Api, key: str, **more: object) -> None:
    await api.do(
        "placeHold", "", by=Role.QUALITY, items=[{"id": key}], severity="MINOR", reason={"code": "TEST"}, **more
    )


async def test_a_unit_is_made_known_by_packing_and_what_is_in_it_goes_with_it(api: Api) -> None:
    await packs(api)
    payload = await api.do(
        "pack",
        "logisticUnit { key location { code } children { key } } genealogyEvent { kind }",
        by=Role.OPERATOR,
        sscc=SSCC,
        items=PACKS,
    )
    assert payload["logisticUnit"] == {
        "key": SSCC,
        "location": {"code": "STORE-WIP"},
        "children": [{"key": "PACK-48-105/HP1"}, {"key": "PACK-48-105/HP2"}],
    }
    moved = await api.do(
        "moveMaterial",
        "items { location { code } children { location { code } } }",
        by=Role.OPERATOR,
        items=[{"sscc": SSCC}],
        location="HV1/STORE-RM",
    )
    assert moved["items"][0]["children"] == [{"location": {"code": "STORE-RM"}}] * 2
    await api.do("shipItems", "", by=Role.OPERATOR, items=[{"sscc": SSCC}])
    assert await status(api, SSCC, "PACK-48-105/HP1", "PACK-48-105/HP2") == ["SHIPPED"] * 3


async def test_a_packed_item_is_in_one_place_only(api: Api) -> None:
    await packs(api)
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=PACKS[:1])
    for command, more in (
        ("pack", {"sscc": OUTER}),
        ("moveMaterial", {"location": "HV1/STORE-RM"}),
        ("shipItems", {}),
    ):
        errors = await api.refused(command, by=Role.OPERATOR, items=PACKS[:1], **more)
        assert "ALREADY_CONTAINED" in {e["code"] for e in errors}, command
    errors = await api.refused("scrapItem", by=Role.QA, item=PACKS[0], reason={"code": "X"})
    assert [e["code"] for e in errors] == ["ALREADY_CONTAINED"]


async def test_only_usable_items_are_packed(api: Api) -> None:
    await packs(api)
    await make_item(api, "PACK-48-105", "HP3", lifecycle=Lifecycle.QUARANTINE)
    await hold(api, "PACK-48-105/HP1")
    items = [PACKS[0], {"id": "PACK-48-105/HP3"}, PACKS[1], PACKS[1]]
    errors = await api.refused("pack", by=Role.OPERATOR, sscc=SSCC, items=items)
    assert [(e["code"], e["path"][1:]) for e in errors] == [
        ("VALIDATION_FAILED", ["items", "3"]),
        ("LOT_ON_HOLD", ["items", "0"]),
        ("LOT_NOT_RELEASED", ["items", "1"]),
    ]


async def test_a_unit_is_never_in_itself(api: Api) -> None:
    await packs(api)
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=PACKS[:1])
    await api.do("pack", "", by=Role.OPERATOR, sscc=OUTER, items=[{"sscc": SSCC}])
    for item in (OUTER, SSCC):
        errors = await api.refused("pack", by=Role.OPERATOR, sscc=SSCC, items=[{"sscc": item}])
        assert {e["code"] for e in errors} & {"GENEALOGY_CYCLE", "ALREADY_CONTAINED"}, item


async def test_what_is_unpacked_stays_where_the_unit_is_and_leaves_its_trace(api: Api) -> None:
    await packs(api)
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=PACKS)
    other = await api.refused("unpack", by=Role.OPERATOR, sscc=SSCC, items=[{"material": "RM-PVDF", "lot": "P-1"}])
    assert [(e["code"], e["path"][1:]) for e in other] == [("VALIDATION_FAILED", ["items", "0"])]
    await api.do("unpack", "items { key parent { key } }", by=Role.OPERATOR, sscc=SSCC, items=PACKS[:1])
    document = "query($i: ItemKey!) { trace(item: $i, direction: BACKWARD, maxDepth: 1) { nodes { item { key } } } }"
    found = await api.ask(document, by=Role.VIEWER, i={"sscc": SSCC})
    assert [n["item"]["key"] for n in found["trace"]["nodes"]] == [SSCC, "PACK-48-105/HP2"]
    await api.do("unpack", "", by=Role.OPERATOR, sscc=SSCC)
    assert [e["code"] for e in await api.refused("unpack", by=Role.OPERATOR, sscc=SSCC)] == ["VALIDATION_FAILED"]


async def test_nothing_is_shipped_while_something_behind_it_is_on_hold(api: Api) -> None:
    await packs(api)
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=PACKS)
    await hold(api, "RM-PVDF/P-1")
    errors = await api.refused("shipItems", by=Role.OPERATOR, items=[{"sscc": SSCC}])
    assert [(e["code"], e["__typename"], e["path"][1:]) for e in errors] == [
        ("NOT_RELEASED_FOR_SHIPMENT", "LotOnHoldError", ["items", "0"])
    ]


async def test_the_refusal_says_what_is_on_hold(api: Api) -> None:
    await packs(api)
    await hold(api, "PACK-48-105/HP1")
    (error,) = await api.refused("shipItems", by=Role.OPERATOR, items=PACKS[:1])
    assert "PACK-48-105/HP1 does not leave: PACK-48-105/HP1 is on hold (" in error["message"]
    await hold(api, "RM-PVDF/P-1")
    (error,) = await api.refused("shipItems", by=Role.OPERATOR, items=PACKS[:1])
    assert "something it was made from is on hold (" in error["message"]


async def test_a_hold_on_positions_stops_only_what_was_cut_from_them(api: Api) -> None:
    await make_halvard(api)
    await receive(api, "COIL-C", "CC-1", "655")
    for serial, start, end in (("HP1", "0", "100"), ("HP2", "600", "655")):
        length = str(int(end) - int(start))
        ranges = {"COIL-C/CC-1": (start, end)}
        await transform(api, [("COIL-C/CC-1", length)], [("PACK-48-105", serial, "1")], ranges=ranges)
    await hold(api, "COIL-C/CC-1", range={"from": "612", "to": "655"})
    await api.do("shipItems", "", by=Role.OPERATOR, items=PACKS[:1])
    errors = await api.refused("shipItems", by=Role.OPERATOR, items=PACKS[1:])
    assert [e["code"] for e in errors] == ["NOT_RELEASED_FOR_SHIPMENT"]


async def test_what_is_not_available_is_not_shipped(api: Api) -> None:
    await packs(api)
    await make_item(api, "PACK-48-105", "HP3", lifecycle=Lifecycle.QUARANTINE)
    errors = await api.refused("shipItems", by=Role.OPERATOR, items=[{"id": "PACK-48-105/HP3"}])
    assert {e["code"] for e in errors} == {"NOT_RELEASED_FOR_SHIPMENT", "LOT_NOT_RELEASED"}
    await api.do("shipItems", "", by=Role.OPERATOR, items=PACKS[:1])
    again = await api.refused("shipItems", by=Role.OPERATOR, items=PACKS[:1])
    assert "NOT_RELEASED_FOR_SHIPMENT" in {e["code"] for e in again}


async def test_items_are_moved_to_stores_of_their_site_only(api: Api) -> None:
    await packs(api)
    for location in ("HV1/COAT01", "HV2/STORE-FG", "HV1/STORE-WIP"):
        errors = await api.refused("moveMaterial", by=Role.OPERATOR, items=PACKS[:1], location=location)
        assert [e["code"] for e in errors] == ["VALIDATION_FAILED"], location
