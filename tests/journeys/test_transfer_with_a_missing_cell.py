"""Story S6: 640 cells in 40 trays go from HV1 to HV2; 639 come, and one stays in transit until it is adjusted."""

from collections import Counter
from typing import Any

import pytest

from mesgraph.words import gs1_check_digit
from tests.kit.served import Served, served

TRAYS, PER_TRAY = 40, 16
SITES = [
    {"code": "HV1", "name": "Halvard electrode and cell", "timeZone": "Europe/Stockholm"},
    {"code": "HV2", "name": "Halvard module and pack", "timeZone": "Europe/Lisbon"},
]
CELL = {
    "code": "CELL-105",
    "revision": "A",
    "name": "Cell",
    "kind": "INTERMEDIATE",
    "baseUom": "C62",
    "tracking": "SERIAL",
}
TRANSFER = """transfer { number state fromSite toSite lines { itemKey received { value } difference { value }
  item { key } } }"""


def sscc(tray: int) -> str:
    digits = f"0952123401{tray:07}"
    return digits + str(gs1_check_digit(digits))


def cells(tray: int) -> list[str]:
    return [f"HC26047{n:05}" for n in range(tray * PER_TRAY, (tray + 1) * PER_TRAY)]


LOST = cells(17)[3]


class People:
    """Everybody with a key, asking over HTTP."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.keys: dict[str, str] = {}

    async def hire(self, name: str, role: str, site: str | None) -> None:
        document = """mutation($s: ID!, $name: String!, $r: Role!, $site: ID) {
          createPrincipal(input: {subject: $name, kind: PERSON, displayName: $name}) { userErrors { code } }
          grantRole(input: {principal: $s, role: $r, site: $site}) { userErrors { code } }
          issueApiKey(input: {principal: $s}) { text } }"""
        issued = await self.server.ask(document, s=name, name=name, r=role, site=site)
        self.keys[name] = issued["issueApiKey"]["text"]

    async def ask(self, who: str, document: str, **variables: Any) -> Any:
        answer = (await self.server.post(document, self.keys.get(who), **variables)).json()
        assert "errors" not in answer, answer
        return answer["data"]

    async def do(self, who: str, command: str, fields: str, **input: Any) -> Any:
        name = command[0].upper() + command[1:]
        document = f"""mutation($input: {name}Input!) {{ {command}(input: $input) {{ {fields}
          userErrors {{ code message path }} }} }}"""
        return (await self.ask(who, document, input=input))[command]


@pytest.fixture
async def people(database_url: str) -> Any:
    async with served(database_url) as server:
        people = People(server)
        await people.do("admin", "submitSites", "", sites=SITES)
        for name, role, site in (
            ("eng-03", "ENGINEER", None),
            ("store-1", "OPERATOR", "HV1"),
            ("store-2", "OPERATOR", "HV2"),
            ("sup-2", "SUPERVISOR", "HV2"),
            ("aud-01", "AUDITOR", None),
        ):
            await people.hire(name, role, site)
        await people.do("eng-03", "submitMaterialDefinitions", "", definitions=[CELL])
        for site, store in (("HV1", "STORE-WIP"), ("HV2", "STORE-MOD")):
            equipment = [{"code": store, "name": store, "level": "STORAGE_ZONE"}]
            await people.do("eng-03", "submitEquipment", "", site=site, equipment=equipment)
        yield people


async def test_640_cells_leave_639_come_and_one_is_disputed_until_it_is_adjusted(people: People) -> None:
    await pack_the_trays(people)
    trays = [{"sscc": sscc(tray)} for tray in range(TRAYS)]
    made = await people.do("store-1", "createTransfer", TRANSFER, toSite="HV2", items=trays)
    number = made["transfer"]["number"]
    assert (number, made["transfer"]["state"], len(made["transfer"]["lines"])) == ("HV1-T-000001", "DRAFT", TRAYS)
    sent = await people.do("store-1", "shipTransfer", TRANSFER, transfer=number)
    assert sent["transfer"]["state"] == "IN_TRANSIT"
    assert len(sent["transfer"]["lines"]) == TRAYS + TRAYS * PER_TRAY

    # no more can come than was sent, and nothing else
    two = {"item": {"material": "CELL-105", "serial": LOST}, "quantity": {"value": "2", "uom": "C62"}}
    given = {"transfer": number, "location": "HV2/STORE-MOD"}
    refused = await people.do("store-2", "confirmTransferReceipt", TRANSFER, **given, received=[two])
    assert [error["code"] for error in refused["userErrors"]] == ["TRANSFER_DISCREPANCY"]

    missing = {"item": {"material": "CELL-105", "serial": LOST}, "quantity": {"value": "0", "uom": "C62"}}
    came = await people.do("store-2", "confirmTransferReceipt", TRANSFER, **given, received=[missing])
    assert came["userErrors"] == []
    assert came["transfer"]["state"] == "DISPUTED"
    differing = [line for line in came["transfer"]["lines"] if line["difference"]["value"] != "0"]
    assert [(line["itemKey"], line["received"]["value"]) for line in differing] == [(f"CELL-105/{LOST}", "0")]

    assert await counted(people, "store-2") == {"AVAILABLE": 639, "SHIPPED": 1}
    assert await counted(people, "store-1") == {}
    assert await counted(people, "aud-01") == {"AVAILABLE": 639, "SHIPPED": 1}

    # the sending site still sees the transfer, but its items no more
    [seen] = (await people.ask("store-1", f"{{ transfers {{ nodes {{ {TRANSFER[10:]} }} }}"))["transfers"]["nodes"]
    assert (seen["number"], seen["state"]) == (number, "DISPUTED")
    assert {line["item"] for line in seen["lines"]} == {None}
    assert LOST in {line["itemKey"].removeprefix("CELL-105/") for line in seen["lines"]}

    adjust = {"transfer": number, "items": [{"material": "CELL-105", "serial": LOST}], "resolution": "LOST"}
    refused = await people.do("sup-2", "adjustTransfer", TRANSFER, **adjust)
    assert [error["code"] for error in refused["userErrors"]] == ["REASON_REQUIRED"]
    reason = {"code": "TRANSFER_LOSS", "comment": "not in tray 18, not in the truck"}
    done = await people.do("sup-2", "adjustTransfer", TRANSFER, **adjust, reason=reason)
    assert (done["userErrors"], done["transfer"]["state"]) == ([], "RECONCILED")
    assert await counted(people, "store-2") == {"AVAILABLE": 639, "SCRAPPED": 1}

    # the life of a cell is one story, through both sites and both trays of it
    kinds = await kinds_of(people, cells(17)[4])
    assert kinds == ["RECEIVE", "PACK", "TRANSFER_OUT", "TRANSFER_IN"]
    assert await kinds_of(people, LOST) == ["RECEIVE", "PACK", "TRANSFER_OUT", "UNPACK", "SCRAP"]


async def pack_the_trays(people: People) -> None:
    numbers = [number for tray in range(TRAYS) for number in cells(tray)]
    line = {"material": "CELL-105", "serialNumbers": numbers, "location": "STORE-WIP"}
    received = await people.do("store-1", "receiveItems", "", site="HV1", lines=[line])
    assert received["userErrors"] == []
    for tray in range(TRAYS):
        items = [{"material": "CELL-105", "serial": number} for number in cells(tray)]
        packed = await people.do("store-1", "pack", "", sscc=sscc(tray), items=items, location="STORE-WIP")
        assert packed["userErrors"] == []


async def counted(people: People, who: str) -> dict[str, int]:
    """How many cells of the transfer somebody sees in each lifecycle."""
    document = '{ transfer(key: "HV1-T-000001") { lines { item { key lifecycle } } } }'
    lines = (await people.ask(who, document))["transfer"]["lines"]
    items = [line["item"] for line in lines if line["item"] is not None]
    return dict(Counter(item["lifecycle"] for item in items if item["key"].startswith("CELL-105/")))


async def kinds_of(people: People, serial: str) -> list[str]:
    document = """query($cell: ItemKey!) {
      genealogyEvents(filter: {item: $cell}, orderBy: OLDEST) { nodes { kind } } }"""
    data = await people.ask("aud-01", document, cell={"material": "CELL-105", "serial": serial})
    return [event["kind"] for event in data["genealogyEvents"]["nodes"]]
