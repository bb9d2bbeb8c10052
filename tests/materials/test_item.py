"""Naming items and reading them."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.api.nodes import node_id
from mesgraph.materials.creation import create_item
from mesgraph.materials.models import Item, ItemKind, Lifecycle
from tests.api import START, Api
from tests.factories.materials import SSCC, make_halvard, make_item, material, pvdf_2219, site

ITEM = "query($key: ItemKey!) { item(key: $key) { __typename key digitalLink } }"


async def named(api: Api, **key: str) -> Any:
    return (await api.ask(ITEM, by=Role.VIEWER, key=key))["item"]


async def make_pallet(api: Api, number: str = SSCC) -> Item:
    def make(session: Session) -> Item:
        return create_item(
            api.work(session),
            site_id=site(session).id,
            item_kind=ItemKind.LOGISTIC_UNIT,
            material=None,
            number=number,
            quantity=Decimal(1),
            lifecycle=Lifecycle.AVAILABLE,
        )

    return await api.plant.database.write(make)


async def test_items_are_named_by_their_parts_as_scanned_or_by_id(api: Api) -> None:
    await make_halvard(api)
    lot = await make_item(api, "SLURRY-C", "SC/26047-01")
    await make_item(api, "CELL-105", "HC2604700001")
    await make_pallet(api)
    slurry = {
        "__typename": "MaterialLot",
        "key": "SLURRY-C/SC/26047-01",
        "digitalLink": "https://id.gs1.org/01/09521234004202/10/SC%2F26047-01",
    }
    cell = {
        "__typename": "SerialUnit",
        "key": "CELL-105/HC2604700001",
        "digitalLink": "https://id.gs1.org/01/09521234003007/21/HC2604700001",
    }
    pallet = {"__typename": "LogisticUnit", "key": SSCC, "digitalLink": f"https://id.gs1.org/00/{SSCC}"}
    assert await named(api, material="SLURRY-C", lot="SC/26047-01") == slurry
    assert await named(api, gtin="09521234004202", lot="SC/26047-01") == slurry
    assert await named(api, id=node_id(lot)) == slurry
    assert await named(api, id="SLURRY-C/SC/26047-01") == slurry
    assert await named(api, material="CELL-105:1", serial="HC2604700001") == cell
    assert await named(api, sscc=SSCC) == pallet
    assert await named(api, material="SLURRY-C", serial="SC/26047-01") is None
    assert await named(api, material="NONE", lot="SC/26047-01") is None


async def test_a_material_without_gtin_has_no_digital_link(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    assert (await named(api, material="RM-PVDF", lot="PVDF-2219"))["digitalLink"] is None


async def test_a_reworked_unit_is_named_in_its_latest_revision(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "MOD-8S", "HM260470001")

    def rework(session: Session) -> None:
        for revision in (1, 2):
            create_item(
                api.work(session),
                site_id=site(session).id,
                item_kind=ItemKind.SERIAL_UNIT,
                material=material(session, "MOD-8S"),
                number="HM260470001",
                quantity=Decimal(1),
                lifecycle=Lifecycle.IN_PROCESS,
                item_revision=revision,
            )

    await api.plant.database.write(rework)
    assert (await named(api, material="MOD-8S", serial="HM260470001"))["key"] == "MOD-8S/HM260470001#2"
    assert (await named(api, id="MOD-8S/HM260470001"))["key"] == "MOD-8S/HM260470001"


@pytest.mark.parametrize(
    "key",
    [
        {},
        {"lot": "PVDF-2219"},
        {"material": "RM-PVDF"},
        {"material": "RM-PVDF", "sublot": "1"},
        {"material": "RM-PVDF", "gtin": "09521234004202", "lot": "PVDF-2219"},
        {"sscc": SSCC, "lot": "PVDF-2219"},
    ],
)
async def test_other_mixtures_of_parts_are_refused(api: Api, key: dict[str, str]) -> None:
    assert (await api.error(ITEM, by=Role.VIEWER, key=key))["code"] == "VALIDATION_FAILED"


async def test_a_wrong_sscc_is_an_error_of_the_document(api: Api) -> None:
    extensions = await api.error(ITEM, by=Role.VIEWER, key={"sscc": "095212340000000014"})
    assert extensions["code"] == "INVALID_GS1_KEY"


async def test_status_follows_the_clock_and_is_told_in_the_words_of_isa_95(api: Api) -> None:
    await make_halvard(api)
    await make_item(api, "SLURRY-C", "SC-26047-01", "800")
    document = """{ item(key: {material: "SLURRY-C", lot: "SC-26047-01"}) {
      status lifecycle isa95Disposition expiresAt quantity { value uom } initialQuantity { value }
      location { code } site { code } material { code } parent { id } children { id } holds { id } } }"""
    fresh = (await api.ask(document, by=Role.VIEWER))["item"]
    api.clock.step(hours=24)
    old = (await api.ask(document, by=Role.VIEWER))["item"]
    assert fresh == {
        "status": "AVAILABLE",
        "lifecycle": "AVAILABLE",
        "isa95Disposition": "UNRESTRICTED",
        "expiresAt": (START + timedelta(hours=24)).isoformat().replace("+00:00", "Z"),
        "quantity": {"value": "800", "uom": "KGM"},
        "initialQuantity": {"value": "800"},
        "location": {"code": "STORE-RM"},
        "site": {"code": "HV1"},
        "material": {"code": "SLURRY-C"},
        "parent": None,
        "children": [],
        "holds": [],
    }
    assert old == fresh | {"status": "EXPIRED", "isa95Disposition": "RESTRICTED"}


async def test_lots_are_listed_by_material_state_place_and_site(api: Api) -> None:
    await make_halvard(api)
    await pvdf_2219(api)
    await make_item(api, "RM-CB", "CB-1", lifecycle=Lifecycle.QUARANTINE)
    await make_item(api, "RM-CB", "CB-2", location="HV2/STORE-FG", site_code="HV2")
    await make_item(api, "CELL-105", "HC2604700001")

    async def listed(by: Any = Role.VIEWER, **filter: str) -> list[str]:
        document = "query($filter: LotFilter) { materialLots(filter: $filter) { nodes { number } } }"
        data = await api.ask(document, by=by, filter=filter)
        return [lot["number"] for lot in data["materialLots"]["nodes"]]

    assert await listed() == ["CB-2", "CB-1", "PVDF-2219"]
    assert await listed(material="RM-CB") == ["CB-2", "CB-1"]
    assert await listed(material="RM-CB:1", lifecycle="QUARANTINE") == ["CB-1"]
    unknown = '{ materialLots(filter: {material: "NONE"}) { totalCount } }'
    assert (await api.error(unknown, by=Role.VIEWER))["code"] == "NOT_FOUND"
    assert await listed(location="HV1/STORE-RM") == ["CB-1", "PVDF-2219"]
    assert await listed(site="HV2") == ["CB-2"]
    assert await listed(by=await api.actor(Role.VIEWER, site="HV2")) == ["CB-2"]


async def test_an_item_of_another_site_does_not_exist(api: Api) -> None:
    await make_halvard(api)
    lot = await pvdf_2219(api)
    viewer = await api.actor(Role.VIEWER, site="HV2")
    for key in ({"material": "RM-PVDF", "lot": "PVDF-2219"}, {"id": node_id(lot)}):
        assert (await api.ask(ITEM, by=viewer, key=key))["item"] is None
