"""`mesgraph master import`: a file of any size, line by line."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mesgraph.integration.command_line import NotSubmitted
from mesgraph.integration.masters import command_line
from mesgraph.integration.masters.command_line import read_parts
from mesgraph.integration.masters.table import read_table
from tests.kit.served import Served, served

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What does not depend on the database."""
SET_UP = """
mutation {
  submitSites(input: {sites: [{code: "HV1", name: "Halvard", timeZone: "Europe/Stockholm"}]}) { userErrors { message } }
  submitMaterialDefinitions(input: {definitions: [{code: "RM-PVDF", revision: "1", name: "Binder", kind: RAW,
    baseUom: "KGM", tracking: LOT}]}) { userErrors { message } }
  createPrincipal(input: {subject: "erp", kind: SERVICE, displayName: "ERP"}) { userErrors { message } }
  grantRole(input: {principal: "erp", role: ERP}) { userErrors { message } }
  issueApiKey(input: {principal: "erp"}) { text userErrors { message } }
}
"""


class Importer:
    """A server, and a folder with the key of its planning system."""

    def __init__(self, server: Served, key: str, folder: Path) -> None:
        self.server, self.folder = server, folder
        self.key_file = folder / "key"
        self.key_file.write_text(key)

    async def run(self, name: str, content: bytes, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = self.folder / name
        path.write_bytes(content)
        command = [str(Path(sys.executable).parent / "mesgraph"), "master", "import", str(path), *arguments]
        command += ["--server", f"http://{self.server.address}", "--key-file", str(self.key_file)]
        return await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=100)


@pytest.fixture
async def importer(database_url: str, tmp_path: Path) -> AsyncIterator[Importer]:
    async with served(database_url) as server:
        made = await server.ask(SET_UP)
        assert not [part for part in made.values() if part["userErrors"]], made
        yield Importer(server, made["issueApiKey"]["text"], tmp_path)


@once
async def test_every_row_is_reported_with_its_line(importer: Importer) -> None:
    table = "\ufeffcode;name;gln\r\nA;Alpha;\r\n\r\nb b;Beta;9521234000014\r\nA;Alfa;\r\n".encode()
    done = await importer.run("suppliers.csv", table, "--kind", "suppliers", "--delimiter", ";")
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["  2 A CREATED", "  4 b b REJECTED"]
    assert [line.split(":")[0] for line in lines[2:4]] == [
        "    VALIDATION_FAILED at code",
        "    INVALID_GS1_KEY at gln",
    ]
    assert lines[4:] == [
        "  5 A REJECTED",
        "    DUPLICATE_KEY at code: A stands on line 2 already",
        "suppliers.csv: 1 created, 2 rejected",
    ]
    again = await importer.run("suppliers.csv", b"code,name\nA,Alpha\n", "--kind", "suppliers")
    assert (again.returncode, again.stdout.splitlines()[-1]) == (0, "suppliers.csv: 1 unchanged")


@once
async def test_open_stock_at_the_start_of_a_plant(importer: Importer) -> None:
    rows = "".join(f"RM-PVDF,P-{n},25,KGM\n" for n in range(510))
    table = f"material,lotNumber,quantity,uom\n{rows}RM-PVDF,P-7,25,KGM\n".encode()
    arguments = ["--kind", "lots", "--site", "HV1"]
    done = await importer.run("lots.csv", table, *arguments)
    assert (done.returncode, "REASON_REQUIRED" in done.stdout) == (1, True)
    done = await importer.run("lots.csv", table, *arguments, "--reason", "OPENING_STOCK")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-3:] == [
        "  512 RM-PVDF/P-7 UNCHANGED",
        "    note: it stands on line 9, too; what comes later counts",
        "lots.csv: 510 created, 1 unchanged",
    ]
    whole = await importer.run("lots.csv", table, *arguments, "--reason", "X", "--atomic")
    assert (whole.returncode, "takes 2 documents" in whole.stderr) == (2, True)


@once
async def test_what_cannot_be_imported_is_said_in_one_line(importer: Importer) -> None:
    for content, word in (
        (b"", "is empty"),
        (b'code,name\nA,"B', "no table"),
        ("code,name\nA,Ö".encode("latin-1"), "UTF-8"),
    ):
        done = await importer.run("bad.csv", content, "--kind", "suppliers")
        assert (done.returncode, done.stdout, word in done.stderr) == (2, "", True), done.stderr
        assert done.stderr.startswith("mesgraph: ")
    done = await importer.run("bad.csv", b"code;name\nA;B\n", "--kind", "suppliers")
    assert (done.returncode, "separated by semicolons" in done.stdout) == (1, True)
    importer.key_file.write_text("mg_wrong")
    done = await importer.run("bad.csv", b"code,name\nA,B\n", "--kind", "suppliers")
    assert (done.returncode, "UNAUTHENTICATED" in done.stderr) == (2, True)


def test_a_long_file_becomes_documents_whose_lines_are_those_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "long.csv"
    rows = [f'S{n},"Name\nof {n}"\n' + "\n" * (n % 3 == 0) for n in range(2_500)]
    file.write_text("code,name\n" + "".join(rows))
    parts = read_parts(file, ",")
    assert len(parts) == 5
    found = [r for part in parts for r in read_table(part.document, ",", ["code", "name"], ["code"], part.first_line)]
    lines = file.read_text().split("\n")
    assert [record.cells["code"] for record in found] == [f"S{n}" for n in range(2_500)]
    assert all(lines[record.line - 1].startswith(record.cells["code"] + ",") for record in found)
    file.write_text("code,name\n" + "".join(f"S{n},{'x' * 900}\n" for n in range(500)))
    assert max(len(part.document) for part in read_parts(file, ",")) <= 200_000
    file.write_text("code,name\n")
    assert [part.document for part in read_parts(file, ",")] == ["code,name\n"]


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "large.csv"
    file.write_bytes(b"code,name\n")
    monkeypatch.setattr(command_line, "FILE_MAX", 5)
    with pytest.raises(NotSubmitted, match="split it"):
        read_parts(file, ",")


def test_the_delimiter_is_one_that_there_is(tmp_path: Path) -> None:
    for delimiter in ("|", "", ",,"):
        with pytest.raises(NotSubmitted, match="delimiter"):
            read_parts(tmp_path / "any.csv", delimiter)
