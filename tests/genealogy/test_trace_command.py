"""`mesgraph trace` at a running server: the same trace in four forms, and one line for what cannot be."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.kit.served import Served, served

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What the command shows does not depend on the database."""
SET_UP = """
mutation {
  submitSites(input: {sites: [{code: "HV1", name: "Halvard", timeZone: "Europe/Stockholm"},
    {code: "HV2", name: "Halvard 2", timeZone: "Europe/Stockholm"}]}) { userErrors { message } }
  submitEquipment(input: {site: "HV1", equipment: [{code: "STORE", name: "Store", level: STORAGE_ZONE}]}) {
    userErrors { message } }
  submitMaterialDefinitions(input: {definitions: [{code: "RM-PVDF", revision: "1", name: "Binder <PVDF>", kind: RAW,
    baseUom: "KGM", tracking: LOT}]}) { userErrors { message } }
  createPrincipal(input: {subject: "op", kind: PERSON, displayName: "Op"}) { userErrors { message } }
  grantRole(input: {principal: "op", role: OPERATOR, site: "HV1"}) { userErrors { message } }
  operator: issueApiKey(input: {principal: "op"}) { text userErrors { message } }
  away: createPrincipal(input: {subject: "away", kind: PERSON, displayName: "Away"}) { userErrors { message } }
  awayRole: grantRole(input: {principal: "away", role: VIEWER, site: "HV2"}) { userErrors { message } }
  awayKey: issueApiKey(input: {principal: "away"}) { text userErrors { message } }
}
"""
WORK = """
mutation {
  receiveItems(input: {site: "HV1", lines: [
    {material: "RM-PVDF", lotNumber: "P-1", quantity: {value: "25", uom: "KGM"}, location: "STORE"}
  ]}) { userErrors { message } }
  splitLot(input: {item: {material: "RM-PVDF", lot: "P-1"}, parts: 20}) { userErrors { message } }
  again: splitLot(input: {item: {material: "RM-PVDF", lot: "P-1", sublot: "001"}, parts: 2}) { userErrors { message } }
}
"""


class Quality:
    """Somebody with a key who asks where things come from and go."""

    def __init__(self, server: Served, keys: dict[str, str], folder: Path) -> None:
        self.server, self.folder = server, folder
        for name, key in keys.items():
            (folder / name).write_text(key + "\n")

    async def trace(self, *arguments: object, key: str = "operator") -> subprocess.CompletedProcess[str]:
        command = [Path(sys.executable).parent / "mesgraph", "trace", *map(str, arguments)]
        command += ["--server", f"http://{self.server.address}", "--key-file", str(self.folder / key)]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60)


@pytest.fixture
async def quality(database_url: str, tmp_path: Path) -> AsyncIterator[Quality]:
    async with served(database_url) as server:
        made = await server.ask(SET_UP)
        assert not refused(made), made
        keys = {"operator": made["operator"]["text"], "away": made["awayKey"]["text"]}
        done = (await server.post(WORK, keys["operator"])).json()
        assert "errors" not in done, done
        assert not refused(done["data"]), done
        yield Quality(server, keys, tmp_path)


def refused(payloads: dict[str, Any]) -> list[Any]:
    return [payload for payload in payloads.values() if payload["userErrors"]]


async def test_a_tree_shows_where_a_lot_went(quality: Quality) -> None:
    done = await quality.trace("RM-PVDF/P-1", "--forward")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "Forward trace of RM-PVDF/P-1: what was made from it, and what that is packed in."
    assert lines[2:] == [
        "RM-PVDF/P-1  Binder <PVDF>  CONSUMED  0 kg",
        "├── RM-PVDF/P-1/001  Binder <PVDF>  CONSUMED  0 kg  [1.25 kg]",
        "│   ├── RM-PVDF/P-1/021  Binder <PVDF>  AVAILABLE  625 g  [625 g]",
        "│   └── RM-PVDF/P-1/022  Binder <PVDF>  AVAILABLE  625 g  [625 g]",
        "├── RM-PVDF/P-1/002  Binder <PVDF>  AVAILABLE  1.25 kg  [1.25 kg]",
        "├── RM-PVDF/P-1/003  Binder <PVDF>  AVAILABLE  1.25 kg  [1.25 kg]",
        "├── RM-PVDF/P-1/004  Binder <PVDF>  AVAILABLE  1.25 kg  [1.25 kg]",
        "└── ... 16 more of RM-PVDF Binder <PVDF>  AVAILABLE  20 kg in all  [1.25 kg each, 20 kg in all]",
        "Of RM-PVDF/P-1: 25 kg in the plant, nothing shipped, 0 kg in samples, losses and scrap.",
        "Complete: 22 items besides the root, nothing is missing.",
    ]


async def test_an_item_is_found_by_its_bare_number(quality: Quality) -> None:
    done = await quality.trace("P-1", "--forward", "--depth", "0")
    assert done.stdout.startswith("Forward trace of RM-PVDF/P-1")


async def test_a_cut_trace_ends_with_status_1_and_says_what_is_missing(quality: Quality) -> None:
    done = await quality.trace("RM-PVDF/P-1", "--forward", "--depth", "1")
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.splitlines()[-1] == "NOT COMPLETE: 2 items farther away than the depth asked for."


async def test_the_data_has_the_promised_keys(quality: Quality) -> None:
    done = await quality.trace("RM-PVDF/P-1/021", "--backward", "--json", "--model", "proportional")
    made = json.loads(done.stdout)
    assert list(made) == [
        *("root", "direction", "model", "at", "asOf", "madeAt", "depth", "completeness", "nodes", "edges", "totals")
    ]
    asked = [made[name] for name in ("root", "direction", "model", "at", "asOf", "depth")]
    assert asked == ["RM-PVDF/P-1/021", "BACKWARD", "PROPORTIONAL", None, None, 2]
    assert made["completeness"] == {"complete": True, "reason": None, "missing": 0}
    quantity = {"value": "0", "uom": "KGM"}
    part = {"value": "0.625", "uom": "KGM"}
    assert [{name: value for name, value in node.items() if name != "id"} for node in made["nodes"][1:]] == [
        {
            "key": key,
            "material": "RM-PVDF",
            "status": "CONSUMED",
            "quantity": quantity,
            "depth": depth,
            "shipped": False,
            "contained": part,
            "remains": None,
            "removed": None,
        }
        for depth, key in enumerate(("RM-PVDF/P-1/001", "RM-PVDF/P-1"), start=1)
    ]
    links = [(edge["from"], edge["to"], edge["kind"], edge["inputShare"]["value"]) for edge in made["edges"]]
    assert sorted(links) == [
        ("RM-PVDF/P-1", "RM-PVDF/P-1/001", "SPLIT", "1.25"),
        ("RM-PVDF/P-1/001", "RM-PVDF/P-1/021", "SPLIT", "0.625"),
    ]
    exposed = {"value": "1.25", "uom": "KGM"}
    assert made["totals"]["byMaterial"] == [{"material": "RM-PVDF", "count": 2, "exposed": exposed}]


async def test_a_page_and_a_graph_are_written_to_files(quality: Quality) -> None:
    page, graph = quality.folder / "trace.html", quality.folder / "trace.dot"
    for form, path in (("--html", page), ("--dot", graph)):
        done = await quality.trace("RM-PVDF/P-1", "--forward", form, "--output", path)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert "19 \N{MULTIPLICATION SIGN} RM-PVDF" in page.read_text(encoding="utf-8")
    assert "Binder &lt;PVDF&gt;" in page.read_text(encoding="utf-8")
    assert graph.read_text(encoding="utf-8").startswith("digraph trace {")


async def test_a_trace_of_more_than_a_page_is_whole(quality: Quality) -> None:
    many = """mutation { receiveItems(input: {site: "HV1", lines: [{material: "RM-PVDF", lotNumber: "P-2",
        quantity: {value: "1200", uom: "KGM"}, location: "STORE"}]}) { userErrors { message } }
      splitLot(input: {item: {material: "RM-PVDF", lot: "P-2"}, parts: 500, quantity: {value: "500", uom: "KGM"}}) {
        userErrors { message } }
      again: splitLot(input: {item: {material: "RM-PVDF", lot: "P-2"}, parts: 250,
        quantity: {value: "500", uom: "KGM"}}) { userErrors { message } } }"""
    key = (quality.folder / "operator").read_text().strip()
    assert not refused((await quality.server.post(many, key)).json()["data"])
    done = await quality.trace("RM-PVDF/P-2", "--forward", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert len({node["key"] for node in answer["nodes"]}) == len(answer["nodes"]) == 1 + 750
    assert len({(edge["from"], edge["to"]) for edge in answer["edges"]}) == len(answer["edges"]) == 750
    assert answer["asOf"] is None


async def test_what_had_happened_and_what_was_recorded_is_asked_of_the_server(quality: Quality) -> None:
    done = await quality.trace("RM-PVDF/P-1", "--forward", "--at", "2020-01-01T00:00:00+01:00", "--json")
    made = json.loads(done.stdout)
    assert (made["at"][:19], len(made["nodes"])) == ("2019-12-31T23:00:00", 1)
    done = await quality.trace("RM-PVDF/P-1", "--forward", "--as-of", "c1-1", "--json")
    made = json.loads(done.stdout)
    assert (made["asOf"], len(made["nodes"])) == ("c1-1", 1)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("RM-PVDF/P-1",), "give --backward or --forward"),
        (("RM-PVDF/P-1", "--backward", "--forward"), "give --backward or --forward"),
        (("RM-PVDF/P-1", "--forward", "--json", "--dot"), "give only one of --json, --dot"),
        (("NOTHING", "--forward"), "NOT_FOUND: "),
        (("~x", "--forward"), "NOT_FOUND: "),
        (("RM-PVDF/P-1", "--forward", "--model", "magic"), "MAGIC"),
        (("RM-PVDF/P-1", "--forward", "--at", "2026-02-16"), "RFC 3339"),
        (("RM-PVDF/P-1", "--forward", "--as-of", "c9-1"), "VALIDATION_FAILED: "),
        (("RM-PVDF/P-1", "--forward", "--output", "/nowhere/x"), "/nowhere/x cannot be written"),
    ],
)
async def test_what_cannot_be_is_said_in_one_line(quality: Quality, arguments: tuple[str, ...], word: str) -> None:
    done = await quality.trace(*arguments)
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("mesgraph: ")
    assert word in done.stderr


async def test_a_key_counts(quality: Quality) -> None:
    done = await quality.trace("RM-PVDF/P-1", "--forward", key="away")
    assert (done.returncode, "NOT_FOUND" in done.stderr) == (2, True)
    (quality.folder / "wrong").write_text("mg_wrong")
    done = await quality.trace("RM-PVDF/P-1", "--forward", key="wrong")
    assert (done.returncode, "UNAUTHENTICATED" in done.stderr) == (2, True)
    done = await quality.trace("RM-PVDF/P-1", "--forward", key="none")
    assert (done.returncode, "cannot be read" in done.stderr) == (2, True)
