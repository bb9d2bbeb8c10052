"""Tables of master data: every row is judged by itself and told."""

from typing import Any

import pytest
from sqlalchemy import func, select

from mesgraph.access.roles import Role
from mesgraph.ledger.models import LedgerEvent
from tests.api import Api
from tests.factories.materials import make_halvard

ROWS = "rows { line key outcome userErrors { code path message } } ledgerEvents { type }"
WHY = {"reason": {"code": "OPENING_STOCK"}}


async def table(api: Api, kind: str, *lines: str, by: Role = Role.ERP, **more: Any) -> list[tuple[Any, ...]]:
    """Line, key, outcome, and code with column of each error."""
    payload = await api.do("submitMastersCsv", ROWS, by=by, kind=kind, document="\r\n".join(lines), **more)
    return [
        (row["line"], row["key"], row["outcome"], *((e["code"], *(e["path"] or [])) for e in row["userErrors"]))
        for row in payload["rows"]
    ]


async def events(api: Api) -> int:
    return await api.plant.database.read(lambda s: s.scalar(select(func.count()).select_from(LedgerEvent)) or 0)


async def test_rows_are_created_updated_unchanged_or_rejected_each_by_itself(api: Api) -> None:
    await make_halvard(api)
    await api.actor(Role.ERP)
    before = await events(api)
    rows = await table(
        api,
        "SUPPLIERS",
        "code,name,gln,approvalStatus",
        'NEW,"Rossi, ""Polimeri""\r\nS.p.A.",9521234000013,conditional',
        "",
        "SOLEXA,Solexa Polymers,,APPROVED",
        "FERROVIA,Ferrovia,,BLOCKED",
        "a b,Name,9521234000014,MAYBE",
        "NEW,Again,,",
        "SHORT,Name",
    )
    assert rows == [
        (2, "NEW", "REJECTED", ("VALIDATION_FAILED", "name")),  # a line break is no printable name
        (5, "SOLEXA", "UNCHANGED"),
        (6, "FERROVIA", "UPDATED"),
        (7, "a b", "REJECTED", ("VALIDATION_FAILED", "approvalStatus")),
        (8, "NEW", "REJECTED", ("DUPLICATE_KEY", "code")),
        (9, "", "REJECTED", ("MESSAGE_INVALID", "gln")),
    ]
    assert await events(api) == before + 1  # what is rejected or unchanged leaves no trace


async def test_materials_are_what_the_command_makes_of_them(api: Api) -> None:
    await make_halvard(api)
    header = "Code,Revision,Name,Kind,BaseUom,Tracking,shelfLife,uomFactors,quarantineOnReceipt"
    lines = [header, "RM-X,1,Binder X,raw,KGM,lot,P180D,GRM=0.001 TNE=1000,TRUE"]
    assert await table(api, "MATERIALS", *lines) == [(2, "RM-X/1", "CREATED")]
    assert await table(api, "MATERIALS", *lines) == [(2, "RM-X/1", "UNCHANGED")]
    document = '{ materialDefinition(code: "RM-X") { shelfLife quarantineOnReceipt uomFactors { uom factor } kind } }'
    assert (await api.ask(document, by=Role.VIEWER))["materialDefinition"] == {
        "shelfLife": "P180D",
        "quarantineOnReceipt": True,
        "uomFactors": [{"uom": "GRM", "factor": "0.001"}, {"uom": "TNE", "factor": "1000"}],
        "kind": "RAW",
    }
    wrong = [
        header,
        ",1,N,RAW,KGM,LOT,,,",
        "A,1,N,STONE,kilo,LOT,180,GRM=x,maybe",
        "B,1,N,RAW,KGM,LOT,,GRM=1 GRM=2,",
        "RM-Y,1,N,RAW,KGM,LOT,PT0S,KGM=1,",
    ]
    rows = await table(api, "MATERIALS", *wrong)
    assert rows[0] == (2, "1", "REJECTED", ("VALIDATION_FAILED", "code"))
    assert [place[1] for place in rows[1][3:]] == [
        "kind",
        "baseUom",
        "shelfLife",
        "quarantineOnReceipt",
        "uomFactors",
    ]
    assert rows[2] == (4, "B/1", "REJECTED", ("VALIDATION_FAILED", "uomFactors"))
    assert {place[1] for place in rows[3][3:]} == {"shelfLife", "uomFactors"}


async def test_equipment_goes_to_the_site_of_its_row_or_of_the_document(api: Api) -> None:
    await make_halvard(api)
    assert await table(api, "EQUIPMENT_CLASSES", "code,name", "COATER,Coaters") == [(2, "COATER", "CREATED")]
    lines = [
        "site,code,name,level,parent,capacity,classes,storageLocations",
        "HV1,LINE-X,Line X,PRODUCTION_LINE,,,,",
        ",COAT09,Coater 9,WORK_CELL,LINE-X,2,COATER,STORE-WIP STORE-RM",
        "HV9,COAT10,Coater 10,WORK_CELL,,,,",
        ",COAT11,Coater 11,WORK_CELL,NONE,two,,",
    ]
    rows = await table(api, "EQUIPMENT", *lines, by=Role.ENGINEER, site="HV1")
    assert rows == [
        (2, "HV1/LINE-X", "CREATED"),
        (3, "COAT09", "CREATED"),
        (4, "HV9/COAT10", "REJECTED", ("NOT_FOUND", "site")),
        (5, "COAT11", "REJECTED", ("VALIDATION_FAILED", "capacity")),
    ]
    lines[2] = lines[2].replace("STORE-WIP STORE-RM", "STORE-RM")
    assert (await table(api, "EQUIPMENT", *lines[:3], by=Role.ENGINEER, site="HV1"))[1][2] == "UPDATED"
    assert (await table(api, "EQUIPMENT", *lines[:3], by=Role.ENGINEER, site="HV1"))[1][2] == "UNCHANGED"
    without = await table(api, "EQUIPMENT", lines[0], lines[2], by=Role.ENGINEER)
    assert without == [(2, "COAT09", "REJECTED", ("VALIDATION_FAILED", "site"))]


async def test_open_stock_needs_a_reason_and_can_be_sent_again(api: Api) -> None:
    await make_halvard(api)
    lines = [
        "material,lotNumber,quantity,uom,expiresAt,location,supplier,supplierLot",
        "RM-PVDF,P-1,2500,GRM,2026-03-01,STORE-RM,SOLEXA,S/1",
        "RM-PVDF,P-2,1,MTR,,,,",
        "RM-NONE,P-3,1,KGM,,,,",
        "RM-PVDF,P-4,0,KGM,2026-02-30,,,",
        "RM-PVDF,P-5,1,KGM,2020-01-01,COAT01,NOBODY,",
        "BMS,B-1,1,C62,,,,",
        "RM-PVDF,P-6,1,KGM,9999-12-31,,,",
        "RM-PVDF,P-7,1,KGM,9999-12-30,,,",
        "RM-PVDF,P-8,1,KGM,0001-01-01T00:00:00+14:00,,,",
    ]
    document = "\n".join(lines)
    (error,) = await api.refused("submitMastersCsv", by=Role.ERP, kind="LOTS", document=document, site="HV1")
    assert error["code"] == "REASON_REQUIRED"
    rows = await table(api, "LOTS", *lines, site="HV1", **WHY)
    assert rows == [
        (2, "RM-PVDF/P-1", "CREATED"),
        (3, "RM-PVDF/P-2", "REJECTED", ("UOM_MISMATCH", "uom")),
        (4, "RM-NONE/P-3", "REJECTED", ("NOT_FOUND", "material")),
        (5, "RM-PVDF/P-4", "REJECTED", ("VALIDATION_FAILED", "expiresAt")),
        (6, "RM-PVDF/P-5", "REJECTED", ("NOT_FOUND", "supplier")),
        (7, "BMS/B-1", "REJECTED", ("VALIDATION_FAILED", "lotNumber")),
        *((8 + n, f"RM-PVDF/P-{6 + n}", "REJECTED", ("VALIDATION_FAILED", "expiresAt")) for n in range(3)),
    ]
    key = {"material": "RM-PVDF", "lot": "P-1"}
    fields = "expiresAt quantity { value } supplierLot location { code }"
    query = f"query($key: ItemKey!) {{ item(key: $key) {{ {fields} }} }}"
    assert (await api.ask(query, by=Role.VIEWER, key=key))["item"] == {
        "expiresAt": "2026-03-01T23:00:00Z",  # the end of the day in Stockholm
        "quantity": {"value": "2.5"},
        "supplierLot": "S/1",
        "location": {"code": "STORE-RM"},
    }
    assert await table(api, "LOTS", *lines[:2], site="HV1", **WHY) == [(2, "RM-PVDF/P-1", "UNCHANGED")]
    lines[1] = lines[1].replace("2500", "2600")
    again = await table(api, "LOTS", *lines[:2], site="HV1", **WHY)
    assert again == [(2, "RM-PVDF/P-1", "REJECTED", ("DUPLICATE_KEY", "lotNumber"))]


async def test_all_or_none_when_asked(api: Api) -> None:
    await make_halvard(api)
    document = "code,name\nGOOD,Good\nb ad,Bad\n"
    errors = await api.refused("submitMastersCsv", by=Role.ERP, kind="SUPPLIERS", document=document, atomic=True)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "document", "3", "code"])]


@pytest.mark.parametrize(
    ("document", "more", "said"),
    [
        ("", {}, "empty"),
        ("\n\n", {}, "empty"),
        ("code;name\nA;B", {}, "separated by semicolons"),
        ("code,name\nA,B", {"delimiter": ";"}, "separated by commas"),
        ("code,colour\nA,red", {}, "unknown columns: colour; missing columns: name"),
        ("code,name,Code\nA,B,C", {}, "columns named twice: code"),
        ('code,name\nA,"B', {}, "line 2"),
        ('code,name\nA,"B"x', {}, "line 2"),
        ("code,name\n" + "A,B\n" * 501, {}, "501 rows"),
        ("x" * 200_001, {}, "200001 characters"),
    ],
)
async def test_what_is_no_table_of_the_kind_is_refused_as_a_whole(
    api: Api, document: str, more: dict[str, Any], said: str
) -> None:
    (error,) = await api.refused("submitMastersCsv", by=Role.ERP, kind="SUPPLIERS", document=document, **more)
    assert (error["code"], error["path"]) == ("MESSAGE_INVALID", ["input", "document"])
    assert said in error["message"]


async def test_other_delimiters_are_declared_and_a_byte_order_mark_is_passed_over(api: Api) -> None:
    assert await table(api, "SUPPLIERS", "\ufeffcode;name", "A;Alpha, Beta", delimiter=";") == [(2, "A", "CREATED")]
    assert await table(api, "SUPPLIERS", "code\tname", "B\tBeta", delimiter="\t", firstLine=1002) == [
        (1002, "B", "CREATED")
    ]
    (error,) = await api.refused("submitMastersCsv", by=Role.ERP, kind="SUPPLIERS", document="a|b", delimiter="|")
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "delimiter"])
    given = {"kind": "SUPPLIERS", "document": "code,name\nC,Gamma", "firstLine": -3}
    (error,) = await api.refused("submitMastersCsv", by=Role.ERP, **given)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "firstLine"])


async def test_a_repeat_gives_the_same_report(api: Api) -> None:
    wanted = {"kind": "SUPPLIERS", "document": "code,name\nA,Alpha\nb ad,B", "idempotencyKey": "table-1"}
    first = await api.do("submitMastersCsv", ROWS, by=Role.ERP, **wanted)
    again = await api.do("submitMastersCsv", ROWS, by=Role.ERP, **wanted)
    assert again["replayed"]
    assert again["rows"] == first["rows"]


async def test_submit_lots_is_all_or_none(api: Api) -> None:
    await make_halvard(api)
    amount = {"value": "1", "uom": "KGM"}
    lots = [{"material": "RM-PVDF", "lotNumber": f"P-{n}", "quantity": amount} for n in (1, 2)]
    made = await api.do("submitLots", "lots { key status }", by=Role.ERP, site="HV1", lots=lots[:1], **WHY)
    assert made["lots"] == [{"key": "RM-PVDF/P-1", "status": "AVAILABLE"}]
    more = [*lots, {"material": "RM-PVDF", "lotNumber": "P 3", "quantity": amount}, {"material": "NONE"}]
    errors = await api.refused("submitLots", by=Role.ERP, site="HV1", lots=more, **WHY)
    assert [(e["code"], e["path"][1:]) for e in errors] == [("NOT_FOUND", ["lots", "3", "material"])]
    errors = await api.refused("submitLots", by=Role.ERP, site="HV1", lots=more[:3], **WHY)
    assert [(e["code"], e["path"][1:]) for e in errors] == [("VALIDATION_FAILED", ["lots", "2", "lotNumber"])]
    both = await api.do("submitLots", "lots { key }", by=Role.ERP, site="HV1", lots=lots, **WHY)
    assert both["lots"] == [{"key": "RM-PVDF/P-1"}, {"key": "RM-PVDF/P-2"}]
