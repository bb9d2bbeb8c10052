"""Documents are stored once, as they are, if they fit the schema; administrators of everything register them."""

import asyncio
import hashlib
from typing import Any

import pytest
from sqlalchemy import select

from mesgraph.access.roles import Role
from mesgraph.api.nodes import opaque_id
from mesgraph.api.prepared import Documents
from mesgraph.documents.actions import COST_MAX, DOCUMENTS_MAX
from mesgraph.ledger.models import LedgerEvent
from tests.api import Api

SITES = "query Sites { sites { code } }"
ME = "query Me { me { subject } }"
STORED = "storedDocuments { documentId name text costMax retiredAt registeredBy { subject } }"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


async def register(api: Api, *texts: str, **options: Any) -> list[dict[str, Any]]:
    documents = [{"text": text, **options} for text in texts]
    payload = await api.do("registerDocuments", STORED, by=Role.ADMIN, documents=documents)
    stored: list[dict[str, Any]] = payload["storedDocuments"]
    return stored


async def recorded(api: Api) -> list[str]:
    def read(session: Any) -> list[str]:
        types = session.scalars(select(LedgerEvent.type).order_by(LedgerEvent.id))
        return [word for word in types if word.startswith("DOCUMENT")]

    return await api.plant.database.read(read)


async def test_several_texts_are_stored_under_their_hashes(api: Api) -> None:
    admin = await api.actor(Role.ADMIN)
    sites, me = await register(api, SITES, ME)
    assert sites == {
        "documentId": sha(SITES),
        "name": "Sites",
        "text": SITES,
        "costMax": None,
        "retiredAt": None,
        "registeredBy": {"subject": (await api.ask("{ me { subject } }", by=Role.ADMIN))["me"]["subject"]},
    }
    assert (me["documentId"], me["name"]) == (sha(ME), "Me")
    assert await recorded(api) == ["DOCUMENT_REGISTERED"] * 2
    assert admin.subject == sites["registeredBy"]["subject"]


async def test_the_same_text_again_changes_nothing(api: Api) -> None:
    before = await register(api, SITES, SITES)
    async with api.nothing_written():
        assert await register(api, SITES, SITES) == before
    assert before[0] == before[1]
    assert await recorded(api) == ["DOCUMENT_REGISTERED"]


async def test_another_limit_is_a_change(api: Api) -> None:
    await register(api, SITES)
    [document] = await register(api, SITES, costMax=20_000)
    assert document["costMax"] == 20_000
    assert await recorded(api) == ["DOCUMENT_REGISTERED"] * 2


async def test_what_is_retired_stands_again_when_it_is_registered_again(api: Api) -> None:
    await register(api, SITES)
    retired = "storedDocument { documentId retiredAt }"
    for _ in range(2):
        payload = await api.do("retireDocument", retired, by=Role.ADMIN, storedDocument=sha(SITES))
        assert payload["storedDocument"]["retiredAt"] is not None
    assert await recorded(api) == ["DOCUMENT_REGISTERED", "DOCUMENT_RETIRED"]
    [document] = await register(api, SITES)
    assert document["retiredAt"] is None
    assert await recorded(api) == ["DOCUMENT_REGISTERED", "DOCUMENT_RETIRED", "DOCUMENT_REGISTERED"]


async def test_who_may_not_read_them_is_not_told_that_they_exist(api: Api) -> None:
    await register(api, SITES)
    document = "query ($id: ID!) { node(id: $id) { __typename } }"
    stored = opaque_id("StoredDocument", 1)
    assert (await api.ask(document, by=Role.AUDITOR, id=stored))["node"] == {"__typename": "StoredDocument"}
    assert (await api.ask(document, by=Role.OPERATOR, id=stored))["node"] is None


@pytest.mark.parametrize(
    ("given", "code", "path", "words"),
    [
        ({"text": "{\n  nothing\n}"}, "DOCUMENT_INVALID", ["0", "text"], "line 2, column 3: Cannot query field"),
        ({"text": "query {"}, "DOCUMENT_INVALID", ["0", "text"], "line 1, column 8"),
        ({"text": ""}, "DOCUMENT_INVALID", ["0", "text"], "line 1, column 1"),
        ({"text": "fragment F on Site { code }"}, "DOCUMENT_INVALID", ["0", "text"], "never used"),
        ({"text": "{ sites { " + "a" * 3_000 + " } }"}, "DOCUMENT_INVALID", ["0", "text"], "line 1"),
        ({"text": "{ " + "sites { code } " * 30 + "}"}, "LIMIT_EXCEEDED", ["0", "text"], "8"),
        ({"text": SITES, "documentId": sha(ME)}, "VALIDATION_FAILED", ["0", "documentId"], sha(SITES)),
        ({"text": SITES, "documentId": sha(SITES).upper()}, "VALIDATION_FAILED", ["0", "documentId"], sha(SITES)),
        ({"text": SITES, "costMax": 0}, "VALIDATION_FAILED", ["0", "costMax"], "between 1 and"),
        ({"text": SITES, "costMax": COST_MAX + 1}, "VALIDATION_FAILED", ["0", "costMax"], "between 1 and"),
    ],
)
async def test_what_cannot_be_run_is_not_stored(
    api: Api, given: dict[str, Any], code: str, path: list[str], words: str
) -> None:
    errors = await api.refused("registerDocuments", by=Role.ADMIN, documents=[given, {"text": ME}])
    assert [error["code"] for error in errors] == [code]
    assert errors[0]["path"] == ["input", "documents", *path]
    assert words in errors[0]["message"]


async def test_every_mistake_is_told_at_once(api: Api) -> None:
    documents = [{"text": "{ a }"}, {"text": SITES, "documentId": "?"}, {"text": ME, "costMax": -1}]
    errors = await api.refused("registerDocuments", by=Role.ADMIN, documents=documents)
    assert [error["path"][2:] for error in errors] == [["0", "text"], ["1", "documentId"], ["2", "costMax"]]


@pytest.mark.parametrize("count", [0, DOCUMENTS_MAX + 1])
async def test_one_to_fifty_are_registered_at_once(api: Api, count: int) -> None:
    documents = [{"text": f"query Q{n} {{ sites {{ code }} }}"} for n in range(count)]
    [error] = await api.refused("registerDocuments", by=Role.ADMIN, documents=documents)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "documents"])


async def test_fifty_pass(api: Api) -> None:
    assert len(await register(api, *(f"query Q{n} {{ sites {{ code }} }}" for n in range(DOCUMENTS_MAX)))) == 50


async def test_others_have_their_turn_between_two_documents(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    turns, prepared = [], Documents.prepared

    def read(self: Documents, text: str, **options: Any) -> Any:
        turns.append(text)
        return prepared(self, text, **options)

    async def somebody() -> None:
        while True:
            turns.append("somebody")
            await asyncio.sleep(0)

    monkeypatch.setattr(Documents, "prepared", read)
    other = asyncio.create_task(somebody())
    await register(api, SITES, ME)
    other.cancel()
    assert "somebody" in turns[turns.index(SITES) : turns.index(ME)]


async def test_retiring_what_is_not_stored_is_refused(api: Api) -> None:
    [error] = await api.refused("retireDocument", by=Role.ADMIN, storedDocument=sha(SITES))
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "storedDocument"])


async def test_an_administrator_of_one_site_stores_nothing_for_all(api: Api) -> None:
    site = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Lisbon"}
    await api.do("submitSites", "", by=Role.ADMIN, sites=[site])
    here = await api.actor(Role.ADMIN, site="HV1", subject="here")
    register_it = "mutation($t: String!) { registerDocuments(input: {documents: [{text: $t}]}) { replayed } }"
    async with api.nothing_written():
        assert (await api.error(register_it, by=here, t=SITES))["code"] == "FORBIDDEN"


async def test_stored_documents_are_listed_and_looked_up(api: Api) -> None:
    await register(api, SITES, ME)
    await api.do("retireDocument", "", by=Role.ADMIN, storedDocument=sha(ME))

    async def names(arguments: str) -> list[str]:
        asked = await api.ask(f"{{ storedDocuments{arguments} {{ nodes {{ name }} }} }}", by=Role.AUDITOR)
        return [one["name"] for one in asked["storedDocuments"]["nodes"]]

    assert await names("") == ["Sites", "Me"]
    assert await names("(orderBy: NEWEST)") == ["Me", "Sites"]
    assert await names("(orderBy: NAME)") == ["Me", "Sites"]
    assert await names("(filter: {retired: true})") == ["Me"]
    assert await names("(filter: {retired: false})") == ["Sites"]
    assert await names('(filter: {keyPrefix: "S"})') == ["Sites"]
    one = "query($id: ID!) { storedDocument(id: $id) { name text id } }"
    found = (await api.ask(one, by=Role.ADMIN, id=sha(SITES)))["storedDocument"]
    assert (found["name"], found["text"]) == ("Sites", SITES)
    assert (await api.ask(one, by=Role.ADMIN, id=found["id"]))["storedDocument"] == found
    assert (await api.error(one, by=Role.ADMIN, id=sha("none")))["code"] == "NOT_FOUND"
    assert (await api.error(one, by=Role.OPERATOR, id=sha(SITES)))["code"] == "FORBIDDEN"
