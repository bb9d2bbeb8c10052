"""What scanners read, and the items that it names."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesgraph.access.roles import Role
from mesgraph.config import Settings
from mesgraph.errors import Refused
from mesgraph.materials.models import Lifecycle
from mesgraph.materials.scan import GS, ScanForm, read_scan
from mesgraph.plant import Plant
from tests.api import Api
from tests.factories.execution import MIX, make_order, make_plant
from tests.factories.genealogy import receive
from tests.factories.materials import SSCC, make_halvard, make_item

PACK = "09521234001003"
SLURRY = "09521234004202"


@pytest.mark.parametrize(
    ("code", "form", "said"),
    [
        (f"]C101{PACK}21HP1", "ELEMENT_STRING", {"01": PACK, "21": "HP1"}),
        (f"]d201{PACK}{GS}10L1{GS}21HP1{GS}", "ELEMENT_STRING", {"01": PACK, "10": "L1", "21": "HP1"}),
        (f"{GS}01{PACK}21HP1\r\n", "ELEMENT_STRING", {"01": PACK, "21": "HP1"}),
        (f"01{PACK}21HP1", "ELEMENT_STRING", {"01": PACK, "21": "HP1"}),
        (f"(01){PACK}(21)HP1", "ELEMENT_STRING", {"01": PACK, "21": "HP1"}),
        (f"]C100{SSCC}", "ELEMENT_STRING", {"00": SSCC}),
        ("8004952123400A1", "ELEMENT_STRING", {"8004": "952123400A1"}),
        (f"https://id.gs1.org/01/{PACK}/10/A%2F1/21/HP1?17=261200", "DIGITAL_LINK",
         {"01": PACK, "10": "A/1", "21": "HP1", "17": "261200"}),
        (f"HTTP://halvard.example/a/b/00/{SSCC}", "DIGITAL_LINK", {"00": SSCC}),
        (SSCC, "PLAIN", {"00": SSCC}),
        ("]E09521234001003", "PLAIN", {"01": PACK}),
        ("HP260470123", "PLAIN", {}),
        ("RM-PVDF/PVDF-2219", "PLAIN", {}),
    ],
)  # fmt: skip
def test_a_code_is_read(code: str, form: str, said: dict[str, str]) -> None:
    scan = read_scan(code)
    assert (scan.form, {element.ai: element.value for element in scan.elements}) == (form, said)


def test_dates_and_measures_are_read_as_such() -> None:
    scan = read_scan(f"]C101{PACK}1726120031030125001126021610L1")
    assert (scan.day("17"), scan.day("11")) == (date(2026, 12, 31), date(2026, 2, 16))
    assert next(element.amount for element in scan.elements if element.ai == "3103") == Decimal("12.5")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("01095212340010040", "INVALID_GS1_KEY"),  # check digit
        ("]C10109521234001004", "INVALID_GS1_KEY"),
        ("]d201095", "INVALID_GS1_KEY"),
        ("]d2", "INVALID_GS1_KEY"),
        (f"]C101{PACK}17261300", "INVALID_GS1_KEY"),  # month 13
        ("]C1000952123400000000", "INVALID_GS1_KEY"),
        ("https://halvard.example/packs/1", "INVALID_GS1_KEY"),
        ("https://[::1", "INVALID_GS1_KEY"),
        ("", "VALIDATION_FAILED"),
        ("  ", "VALIDATION_FAILED"),
        (GS, "VALIDATION_FAILED"),
        ("A" * 501, "VALIDATION_FAILED"),
    ],
)
def test_what_is_no_code_is_refused(code: str, expected: str) -> None:
    if len(code) == 17:
        code += "21HP1"
    with pytest.raises(Refused) as refusal:
        read_scan(code)
    assert [(v.code, v.path) for v in refusal.value.violations] == [(expected, ("code",))]


@given(
    st.text(max_size=60) | st.from_regex(r"(\]C1|\]d2|https://a\.b/|\(01\)|)(01|00|10|17|21|8004)[0-9A-Z\x1d/]{0,30}")
)
def test_whatever_is_scanned_is_read_or_refused(code: str) -> None:
    codes: set[str] = set()
    try:
        scan = read_scan(code)
        assert scan.elements or scan.plain
    except Refused as refused:
        codes = {violation.code for violation in refused.violations}
    assert codes <= {"INVALID_GS1_KEY", "VALIDATION_FAILED"}


async def stocked(api: Api) -> None:
    """A pack, a lot of slurry, one of binder, and a pallet."""
    await make_halvard(api)
    await make_item(api, "PACK-48-105", "HP1")
    await receive(api, "SLURRY-C", "SC-1", "10")
    await receive(api, "RM-PVDF", "P-1", "10")
    await make_item(api, "PACK-48-105", "HP2")
    await api.do("pack", "", by=Role.OPERATOR, sscc=SSCC, items=[{"material": "PACK-48-105", "serial": "HP2"}])


async def scanned(api: Api, code: str) -> str:
    document = "query($code: String!) { itemByScan(code: $code) { key digitalLink } }"
    item: dict[str, Any] = (await api.ask(document, by=Role.VIEWER, code=code))["itemByScan"]
    return str(item["key"])


@pytest.mark.parametrize(
    ("code", "key"),
    [
        (f"]C101{PACK}21HP1", "PACK-48-105/HP1"),
        (f"]d201{SLURRY}10SC-1", "SLURRY-C/SC-1"),
        (f"]Q1https://id.gs1.org/01/{SLURRY}/10/SC-1", "SLURRY-C/SC-1"),
        (f"]Q3https://id.gs1.org/01/{SLURRY}/10/SC-1", "SLURRY-C/SC-1"),
        (f"https://example.com/01/{SLURRY}/10/SC-1", "SLURRY-C/SC-1"),
        (SSCC, SSCC),
        ("RM-PVDF/P-1", "RM-PVDF/P-1"),
        ("P-1", "RM-PVDF/P-1"),
        ("HP1", "PACK-48-105/HP1"),
    ],
)
async def test_a_code_names_its_item(api: Api, code: str, key: str) -> None:
    await stocked(api)
    assert await scanned(api, code) == key


async def test_the_link_on_a_label_leads_back_to_the_item(api: Api) -> None:
    await stocked(api)
    for key, link in (
        ("SLURRY-C/SC-1", f"https://id.gs1.org/01/{SLURRY}/10/SC-1"),
        ("PACK-48-105/HP1", f"https://id.gs1.org/01/{PACK}/21/HP1"),
        (SSCC, f"https://id.gs1.org/00/{SSCC}"),
    ):
        document = "query($key: ItemKey!) { item(key: $key) { digitalLink } }"
        found = await api.ask(document, by=Role.VIEWER, key={"id": key})
        assert found["item"]["digitalLink"] == link
        assert await scanned(api, link) == key


async def test_links_lead_to_the_domain_of_the_plant(plant: Plant) -> None:
    settings = Settings(database=plant.settings.database, digital_link="https://halvard.example/id")
    api = Api(replace(plant, settings=settings))
    await stocked(api)
    document = "query($key: ItemKey!) { item(key: $key) { digitalLink } }"
    found = await api.ask(document, by=Role.VIEWER, key={"sscc": SSCC})
    assert found["item"]["digitalLink"] == f"https://halvard.example/id/00/{SSCC}"
    with pytest.raises(ValueError, match="digital_link"):
        Settings(digital_link="https://halvard.example/id/")


async def test_a_reworked_unit_is_found_in_its_latest_revision(api: Api) -> None:
    await stocked(api)
    await make_item(api, "CELL-105", "HC1", lifecycle=Lifecycle.AVAILABLE)
    why = {"reason": {"code": "X"}}
    cell = {"material": "CELL-105", "serial": "HC1"}
    await api.do("rejectLot", "", by=Role.QA, item=cell, **why)
    await make_plant(api)
    await make_order(api, MIX)
    wanted = {"item": cell, "decision": "REWORK", "request": "HV1/10045", **why}
    await api.do("dispositionItem", "", by=Role.QA, **wanted)
    assert await scanned(api, "HC1") == "CELL-105/HC1#1"
    assert await scanned(api, "HC1#1") == "CELL-105/HC1#1"
    document = 'query { itemByScan(code: "HC1#2") { key } }'
    assert (await api.error(document, by=Role.VIEWER))["code"] == "NOT_FOUND"


@pytest.mark.parametrize(
    ("code", "expected", "said"),
    [
        (f"]C101{PACK}21HP9", "NOT_FOUND", f"(01){PACK} (21)HP9"),
        (f"]C101{PACK}", "NOT_FOUND", "a lot (10) or serial number (21)"),
        ("8004952123400A1", "NOT_FOUND", "(8004)952123400A1"),
        ("NOTHING", "NOT_FOUND", "NOTHING"),
        ("]C10109521234001004", "INVALID_GS1_KEY", "check digit"),
        ("TWICE", "VALIDATION_FAILED", "RM-CB/TWICE, RM-PVDF/TWICE"),
    ],
)
async def test_what_names_no_item_is_told_with_what_was_read(api: Api, code: str, expected: str, said: str) -> None:
    await stocked(api)
    for material in ("RM-PVDF", "RM-CB"):
        await make_item(api, material, "TWICE")
    result = await api.answer("query($c: String!) { itemByScan(code: $c) { key } }", by=Role.VIEWER, c=code)
    (error,) = result.errors
    assert (error.extensions["code"], error.extensions["path"]) == (expected, ["code"])
    assert said in error.message


async def test_an_item_of_another_site_is_not_there(api: Api) -> None:
    await stocked(api)
    elsewhere = await api.actor(Role.OPERATOR, site="HV2")
    document = "query($c: String!) { itemByScan(code: $c) { key } }"
    for code in (SSCC, "P-1", f"]C101{PACK}21HP1"):
        assert (await api.error(document, by=elsewhere, c=code))["code"] == "NOT_FOUND"


async def test_a_label_fills_a_form_before_the_item_is_known(api: Api) -> None:
    await stocked(api)
    document = (
        "query($c: String!) { scan(code: $c) { form gtin lot serial sscc expiresOn producedOn material { code } "
        "item { key } elements { ai title value day amount } } }"
    )
    found = await api.ask(document, by=Role.VIEWER, c=f"]C101{SLURRY}17261200310301250010NEW")
    assert found["scan"] == {
        "form": ScanForm.ELEMENT_STRING,
        "gtin": SLURRY,
        "lot": "NEW",
        "serial": None,
        "sscc": None,
        "expiresOn": "2026-12-31",
        "producedOn": None,
        "material": {"code": "SLURRY-C"},
        "item": None,
        "elements": [
            {"ai": "01", "title": "GTIN", "value": SLURRY, "day": None, "amount": None},
            {"ai": "17", "title": "USE BY or EXPIRY", "value": "261200", "day": "2026-12-31", "amount": None},
            {"ai": "3103", "title": "NET WEIGHT (kg)", "value": "012500", "day": None, "amount": "12.5"},
            {"ai": "10", "title": "BATCH/LOT", "value": "NEW", "day": None, "amount": None},
        ],
    }
