"""Kiosks and drivers run stored documents only, unless the plant says otherwise."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.documents.test_asking import ACCEPT, TOPIC, apollo, code_of
from tests.kit.served import Served, served
from tests.kit.test_live import opened, receive, send, socket

ME = "query Me { me { subject } }"
SITE = """mutation { submitSites(input: {sites: [{code: "HV1", name: "Halvard", timeZone: "Europe/Lisbon"}]}) {
  userErrors { message } } }"""
HIRE = """mutation($who: String!, $whom: ID!, $role: Role!) {
  createPrincipal(input: {subject: $who, kind: PERSON, displayName: $who}) { userErrors { message } }
  grantRole(input: {principal: $whom, role: $role}) { userErrors { message } }
  issueApiKey(input: {principal: $whom}) { text }
  registerBadge(input: {principal: $whom, badge: $who}) { pin } }"""


class Plant:
    """A server, and people who got in there."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.keys: dict[str, str] = {"admin": server.key}

    async def hire(self, who: str, role: str) -> None:
        """Somebody with an API key, and with a badge at a shared terminal."""
        made = await self.server.ask(HIRE, who=who, whom=who, role=role)
        self.keys[who] = made["issueApiKey"]["text"]
        body = {"badge": who, "pin": made["registerBadge"]["pin"], "terminal": f"T-{who}"}
        self.keys[f"{who} at a kiosk"] = (await self.server.http.post("/auth/login", json=body)).json()["accessToken"]

    async def answer(self, who: str, **body: Any) -> Any:
        headers = ACCEPT | {"Authorization": f"Bearer {self.keys[who]}"}
        answer = await self.server.http.post("/graphql", json=body, headers=headers)
        return answer.json().get("data") or code_of(answer)


@asynccontextmanager
async def plant(database_url: str, **settings: Any) -> AsyncIterator[Plant]:
    async with served(database_url, **settings) as server:
        made = Plant(server)
        await made.hire("driver", "DRIVER")
        await made.hire("operator", "OPERATOR")
        yield made


BOUND = {
    "none": set(),
    "kiosks-and-drivers": {"driver", "driver at a kiosk", "operator at a kiosk"},
    "all": {"driver", "driver at a kiosk", "operator", "operator at a kiosk"},
}


@pytest.mark.parametrize("setting", BOUND)
async def test_who_is_bound_runs_what_is_stored_and_nothing_else(database_url: str, setting: str) -> None:
    async with plant(database_url, stored_only=setting) as made:
        everybody = list(made.keys)
        refused = {who for who in everybody if await made.answer(who, query=ME) == (400, "DOCUMENT_NOT_STORED")}
        assert refused == BOUND[setting]
        for who in refused:
            assert await made.answer(who, **apollo(ME)) == (400, "DOCUMENT_NOT_FOUND")
            assert await made.answer(who, **apollo(ME), query=ME) == (400, "DOCUMENT_NOT_STORED")
        await made.server.store(ME)
        for who in everybody:
            subject = {"me": {"subject": who.split()[0]}}
            assert await made.answer(who, **apollo(ME)) == subject
            assert await made.answer(who, query=ME) == subject, "the text of a stored document is that document"
        refused = {who for who in everybody if await made.answer(who, query=f"{ME} ") == (400, "DOCUMENT_NOT_STORED")}
        assert refused == BOUND[setting], "another text is another document"


async def test_kiosks_and_drivers_are_bound_unless_the_plant_says_otherwise(database_url: str) -> None:
    async with plant(database_url) as made:
        assert await made.answer("driver", query=ME) == (400, "DOCUMENT_NOT_STORED")
        assert await made.answer("operator at a kiosk", query=ME) == (400, "DOCUMENT_NOT_STORED")
        assert await made.answer("operator", query=ME) == {"me": {"subject": "operator"}}


async def test_a_topic_that_is_not_stored_is_refused_and_the_socket_goes_on(database_url: str) -> None:
    payload = {"query": TOPIC, "variables": {"after": "c1-0"}}
    async with plant(database_url) as made, socket(made.server) as connection:
        await made.server.ask(SITE)
        await opened(connection, {"Authorization": f"Bearer {made.keys['driver']}"})
        await send(connection, type="subscribe", id="1", payload=payload)
        refused = await receive(connection)
        assert (refused["id"], refused["type"]) == ("1", "error")
        assert refused["payload"][0]["extensions"]["code"] == "DOCUMENT_NOT_STORED"
        await made.server.store(TOPIC)
        await send(connection, type="subscribe", id="2", payload=payload)
        message = await receive(connection)
        assert (message["id"], message["type"]) == ("2", "next")
        assert message["payload"]["data"]["ledgerAppended"]["event"]["type"] == "SITE_SUBMITTED"


async def test_a_stored_document_gives_no_rights(database_url: str) -> None:
    text = 'mutation { createPrincipal(input: {subject: "x", kind: PERSON, displayName: "X"}) { replayed } }'
    async with plant(database_url) as made:
        await made.server.store(text)
        assert (await made.answer("driver", **apollo(text)))[1] == "FORBIDDEN"
        found = await made.server.ask('{ principals(filter: {keyPrefix: "x"}) { totalCount } }')
        assert found["principals"] == {"totalCount": 0}
