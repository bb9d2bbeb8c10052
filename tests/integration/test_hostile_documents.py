"""Documents that are no documents: refused while they are read, kept as dead letters, and in nobody's way."""

import hashlib
from collections.abc import Iterator

import pytest

from mesgraph.integration.b2mml import tree
from mesgraph.integration.b2mml.schedule import ORDERS_MAX
from tests.api import Api
from tests.factories.b2mml import document, refusals, request, submit_document
from tests.factories.orders import make_line

MANY = " ".join(f"a{i}='x'" for i in range(tree.ATTRIBUTES_MAX + 1))
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
ROOT = "/ProcessOperationsSchedule"


def nested(depth: int) -> str:
    return "<a>" * depth + "</a>" * depth


HOSTILE = {
    "nothing": ("", ""),
    "no XML": ("ID;Quantity\n10041;20\n", ""),
    "cut off": (document(request())[:-40], f"{ROOT}/DataArea/OperationsSchedule"),
    "two roots": (document(request()) + "<a/>", ""),
    "bomb": (
        f'<!DOCTYPE l [<!ENTITY l0 "lol">{LAUGHS}]><ProcessOperationsSchedule>&l9;</ProcessOperationsSchedule>',
        "",
    ),
    "file": ('<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><OperationsSchedule>&f;</OperationsSchedule>', ""),
    "address": ('<!DOCTYPE a SYSTEM "http://127.0.0.1:1/a.dtd"><OperationsSchedule/>', ""),
    "unknown entity": ("<OperationsSchedule><ID>&who;</ID></OperationsSchedule>", "/OperationsSchedule/ID"),
    "deep": (nested(tree.DEPTH_MAX + 1), "/a" * (tree.DEPTH_MAX + 1)),
    "wide": (f"<a>{'<b/>' * tree.ELEMENTS_MAX}</a>", f"/a/b[{tree.ELEMENTS_MAX}]"),
    "long text": (f"<a>{'x' * (tree.TEXT_MAX + 1)}</a>", "/a"),
    "long attribute": (f'<a b="{"x" * (tree.TEXT_MAX + 1)}"/>', "/a"),
    "attributes": (f"<a {MANY}/>", "/a"),
    "NUL": ("<OperationsSchedule><ID>&#0;</ID></OperationsSchedule>", "/OperationsSchedule/ID"),
    "XML 1.1": (f'<?xml version="1.1"?>{document(request())}', ""),
    "no encoding": (f'<?xml version="1.0" encoding="bogus"?>{document(request())}', ""),
    "UTF-7": (f"<?xml version='1.0' encoding='UTF-7'?>{document(request())}", ""),
    "foreign noun": ('<SyncPersonnel xmlns="http://www.mesa.org/xml/B2MML"/>', "/SyncPersonnel"),
    "foreign namespace": ('<OperationsSchedule xmlns="urn:other"/>', "/OperationsSchedule"),
    "an answer": (
        '<AcknowledgeOperationsSchedule xmlns="http://www.mesa.org/xml/B2MML"/>',
        "/AcknowledgeOperationsSchedule",
    ),
    "no data": ('<ProcessOperationsSchedule xmlns="http://www.mesa.org/xml/B2MML"/>', ROOT),
    "impossible time": (document(request(), created="now"), f"{ROOT}/ApplicationArea/CreationDateTime"),
    "too many requests": (document(*[request(str(i)) for i in range(ORDERS_MAX + 1)]), ROOT),
    "unclear action": (
        document(request()).replace(
            "<Process></Process>",
            '<Process><A><ActionExpression actionCode="Delete"/><ActionExpression actionCode="Add"/></A></Process>',
        ),
        f"{ROOT}/DataArea/Process",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_it_is_kept_as_a_dead_letter(api: Api, name: str) -> None:
    text, place = HOSTILE[name]
    payload = await submit_document(api, text)
    message = payload["message"]
    assert (message["state"], payload["results"]) == ("DEAD_LETTER", [])
    assert refusals(message["userErrors"]) == [("MESSAGE_INVALID", place or "document")]
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert (message["payloadHash"], message["messageId"]) == (digest, f"sha256:{digest}")
    assert message["excerpt"] == text[:2000]
    assert 'actionCode="Rejected"' in payload["acknowledgement"]
    assert payload["ledgerEvents"] == [{"type": "INBOUND_MESSAGE_DEAD_LETTERED"}]


async def test_the_same_dead_letter_is_kept_once(api: Api) -> None:
    first = await submit_document(api, "<a>")
    async with api.nothing_written():
        again = await submit_document(api, "<a>")
    assert again == first | {"duplicateOf": {"messageId": first["message"]["messageId"]}, "ledgerEvents": []}


async def test_a_dead_letter_takes_nobody_s_message_id(api: Api) -> None:
    """A document that was damaged on its way is sent again as it was meant, under the same id."""
    await make_line(api)
    whole = document(request())
    assert (await submit_document(api, whole[:-9]))["message"]["state"] == "DEAD_LETTER"
    payload = await submit_document(api, whole)
    assert (payload["message"]["state"], payload["duplicateOf"]) == ("APPLIED", None)


async def test_a_request_that_is_too_large_is_refused_alone(api: Api) -> None:
    await make_line(api)
    large = request("10042", segment="<SegmentParameter/>" * 5000)
    payload = await submit_document(api, document(request(), large))
    assert [result["outcome"] for result in payload["results"]] == ["ACCEPTED", "REJECTED"]
    assert refusals(payload["results"][1]["userErrors"]) == [
        ("MESSAGE_INVALID", f"{ROOT}/DataArea/OperationsSchedule/OperationsRequest[2]")
    ]


async def test_what_the_sender_adds_has_a_limit(api: Api) -> None:
    await make_line(api)
    notes = "".join(f"<x:Note>{'x' * 60_000}</x:Note>" for _ in range(2))
    payload = await submit_document(api, document(request("10041", notes), request("10042")))
    assert [result["outcome"] for result in payload["results"]] == ["REJECTED", "ACCEPTED"]


def test_reading_ends_at_the_first_offence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a document with an offence near its beginning the rest is never looked at."""
    fed = 0

    class Counting:
        def __init__(self, **options: object) -> None:
            self._parser = parser(**options)

        def feed(self, data: bytes) -> None:
            nonlocal fed
            fed += len(data)
            self._parser.feed(data)

    parser = tree.etree.XMLParser
    monkeypatch.setattr(tree.etree, "XMLParser", Counting)
    text = "".join(_pieces(nested(40)[:200]))
    with pytest.raises(tree.Unreadable):
        tree.read(text)
    assert fed == tree.PIECE


def _pieces(beginning: str) -> Iterator[str]:
    yield beginning
    yield "<b>x</b>" * 500_000
