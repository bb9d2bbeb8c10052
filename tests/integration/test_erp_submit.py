"""`mesgraph erp submit` and long documents over the wire."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mesgraph.api.view import BODY_MAX
from mesgraph.integration.b2mml import DOCUMENT_MAX
from tests.factories.b2mml import document, request, tag
from tests.integration.erp import Erp, key_of_the_erp
from tests.kit.served import served

once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""What does not depend on the database."""

SET_UP = """
mutation {
  submitSites(input: {sites: [{code: "HV1", name: "Halvard", timeZone: "Europe/Stockholm"}]}) { userErrors { message } }
  submitMaterialDefinitions(input: {definitions: [{code: "COIL-C", revision: "1", name: "Coil", kind:
    INTERMEDIATE, baseUom: "MTR", tracking: LOT}]}) { userErrors { message } }
}
"""
SUBMIT = "mutation ($input: SubmitB2mmlInput!) { submitB2mml(input: $input) { message { state } } }"


@pytest.fixture
async def erp(database_url: str, tmp_path: Path) -> AsyncIterator[Erp]:
    async with served(database_url) as server:
        made = await server.ask(SET_UP)
        assert not [part for part in made.values() if part["userErrors"]], made
        yield Erp(server, await key_of_the_erp(server), tmp_path)


@once
async def test_files_are_submitted_and_their_answers_filed(erp: Erp) -> None:
    good = erp.file("good.xml", document(request(end="2026-03-02T16:00:00")))
    mixed = erp.file("mixed.xml", document(request("1"), request("2", product="NOTHING"), message="B"))
    answers = erp.folder / "answers"
    answers.mkdir()
    done = await erp.submit(good, mixed, "--ack", answers)
    assert (done.returncode, done.stderr) == (1, "")
    place = "/ProcessOperationsSchedule/DataArea/OperationsSchedule/OperationsRequest"
    assert done.stdout.splitlines() == [
        "good.xml: BOD-7781 APPLIED",
        "  10041 ACCEPTED 10041 FORECAST",
        f"    note: {place}/EndTime has no offset; read on the clock of HV1 it is 2026-03-02T15:00:00+00:00",
        "mixed.xml: B PARTIAL",
        "  1 ACCEPTED 1 FORECAST",
        "  2 REJECTED",
        f"    NOT_FOUND at {place}[2]/SegmentRequirement/MaterialRequirement/MaterialDefinitionID: "
        "no MaterialDefinition 'NOTHING'",
    ]
    assert "<AcknowledgeOperationsSchedule" in (answers / "good-ack.xml").read_text()
    again = await erp.submit(good, "--ack", "-")
    assert again.returncode == 0
    assert again.stdout == (answers / "good-ack.xml").read_text()
    assert again.stderr.startswith("good.xml: BOD-7781 APPLIED (answered before)\n")


@once
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "iso-8859-1"])
async def test_a_file_is_read_in_its_encoding(erp: Erp, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?>' + document(request("10041", "<Ö/>"))
    done = await erp.submit(erp.file("order.xml", text.encode(encoding)))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@once
async def test_what_cannot_be_submitted_is_said_in_one_line(erp: Erp) -> None:
    large = erp.file("large.xml", b" " * (DOCUMENT_MAX + 1))
    for path, word in (
        (erp.file("empty.xml", b""), "empty.xml is empty"),
        (erp.file("blank.xml", b" \n"), "blank.xml is empty"),
        (large, "split it"),
        (erp.folder / "none.xml", "cannot be read"),
        (erp.folder, "cannot be read"),
    ):
        done = await erp.submit(path)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("mesgraph: "), done.stderr
        assert word in done.stderr
    erp.key_file.write_text("mg_wrong")
    done = await erp.submit(erp.file("order.xml", document(request())))
    assert (done.returncode, "UNAUTHENTICATED" in done.stderr) == (2, True)


@once
async def test_an_unreadable_file_is_a_dead_letter(erp: Erp) -> None:
    done = await erp.submit(erp.file("broken.xml", "<broken"))
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("broken.xml: sha256:")
    assert first.endswith(" DEAD_LETTER")
    assert second.startswith("  MESSAGE_INVALID")


# --- long documents over the wire


async def post(erp: Erp, body: dict[str, Any], key: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {key or erp.key}", "Accept": "application/graphql-response+json"}
    answer = await erp.server.http.post("/graphql", json=body, headers=headers, timeout=60)
    return answer.status_code, answer.json()


@once
async def test_the_erp_may_send_long_documents_and_nobody_else_may(erp: Erp) -> None:
    padding = "".join(tag("Description", "x" * 60_000) for _ in range(2))
    long = document(*[request(str(i), padding) for i in range(20)])
    body = {"query": SUBMIT, "variables": {"input": {"document": long}}}
    assert len(long) > 2_000_000
    status, answer = await post(erp, body, erp.server.key)
    assert (status, answer["errors"][0]["extensions"]["code"]) == (413, "VALIDATION_FAILED")
    status, answer = await post(erp, body)
    assert (status, answer["data"]) == (200, {"submitB2mml": {"message": {"state": "APPLIED"}}})


@once
async def test_other_commands_stay_short_for_the_erp_too(erp: Erp) -> None:
    long = "x" * (BODY_MAX + 1)
    mutation = (
        "mutation ($x: String!) { submitOperationsSchedule(input: {sourceSystem: $x, messageId: $x, requests: []})"
    )
    both = SUBMIT.replace(") { submitB2mml", ", $x: String!) { a: submitB2mml") + " "
    for query, variables in (
        (f"{mutation} {{ replayed }} }}", {"x": long}),
        ("query ($k: ID!) { operationsRequest(key: $k) { code } }", {"k": long}),
        (both[:-2] + "submitSites(input: {sites: []}) { replayed } }", {"input": {"document": long}, "x": ""}),
        (f'{{ operationsRequest(key: "{long}") {{ code }} }}', {}),
    ):
        status, answer = await post(erp, {"query": query, "variables": variables})
        assert status == 400, query[:80]
        assert answer["errors"][-1]["extensions"]["code"] in ("LIMIT_EXCEEDED", "DOCUMENT_INVALID"), query[:80]


@once
async def test_a_hundred_megabytes_are_refused_while_they_are_read(erp: Erp) -> None:
    """With an announced length nothing is read; without one the answer comes when the limit is passed."""
    async with connection(erp, f"Content-Length: {100 * 1024 * 1024}") as (reader, _):
        assert b" 413 " in await reader.readline()
    async with connection(erp, "Transfer-Encoding: chunked") as (reader, writer):
        answer = asyncio.create_task(reader.readline())
        sent = 0
        while not answer.done() and sent < 100 * 1024 * 1024:
            writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
            sent += 0x10000
            await writer.drain()
            await asyncio.sleep(0)
        assert b" 413 " in await answer
    assert DOCUMENT_MAX < sent < 4 * DOCUMENT_MAX


@asynccontextmanager
async def connection(erp: Erp, length: str) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection on which the head of a request was sent."""
    reader, writer = await asyncio.open_connection(*erp.server.address.split(":"))
    head = f"Host: 127.0.0.1\r\nAuthorization: Bearer {erp.key}\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    writer.write(f"POST /graphql HTTP/1.1\r\n{head}".encode())
    try:
        yield reader, writer
    finally:
        writer.close()
