"""Logging in at an identity provider: one of another make, and one that lies."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx2
import pytest

from tests.clients.peers import node_of
from tests.kit.served import Served, served

FOLDER = Path(__file__).parents[1] / "identity"
REDIRECT = "http://127.0.0.1:9/back"
SECRET = "a secret of thirty-two characters"
LINK = """mutation($issuer: String!, $subject: String!) {
  createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { userErrors { code } }
  grantRole(input: {principal: "ann", role: OPERATOR}) { userErrors { code } }
  linkIdentity(input: {principal: "ann", issuer: $issuer, subject: $subject}) { identity { id } userErrors { code } }
}"""
UNLINK = "mutation($id: ID!) { unlinkIdentity(input: {identity: $id}) { userErrors { code } } }"
ME = "{ me { subject } }"

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Place:
    """A plant and its identity provider."""

    server: Served
    issuer: str

    async def auth(self, path: str, **body: Any) -> httpx2.Response:
        return await self.server.http.post(f"/auth/oidc/{path}", json=body)


@asynccontextmanager
async def provider() -> AsyncIterator[str]:
    """The issuer of a running provider."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        node_of(FOLDER),
        "provider.js",
        str(port),
        REDIRECT,
        cwd=FOLDER,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(20):
            while b"ready" not in await process.stdout.readline():
                assert process.returncode is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Place]:
    async with provider() as issuer:
        settings = {"oidc_issuer": issuer, "oidc_client_id": "mesgraph", "oidc_client_secret": SECRET}
        settings |= {"oidc_redirect_uri": REDIRECT, "oidc_audience": "urn:mesgraph"}
        async with served(database_url, **settings) as server:
            yield Place(server, issuer)


async def person(begun: dict[str, Any], name: str) -> dict[str, str]:
    """What the provider sends back when ``name`` has logged in there and agreed."""
    async with httpx2.AsyncClient(follow_redirects=False, timeout=20) as browser:
        address, answer = begun["authorizationUrl"], None
        for _ in range(12):
            answer = await browser.get(address)
            while answer.is_redirect:
                address = urljoin(address, answer.headers["location"])
                if address.startswith(REDIRECT):
                    return {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
                answer = await browser.get(address)
            prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
            action = re.search(r'action="([^"]+)"', answer.text)
            assert prompt is not None
            assert action is not None
            form = {"prompt": prompt[1], "login": name, "password": "any"}
            answer = await browser.post(urljoin(address, action[1]), data=form)
            address = urljoin(address, answer.headers["location"])
    raise AssertionError("the provider never came to an end")


async def logged_in(place: Place, name: str) -> tuple[dict[str, Any], dict[str, str]]:
    begun = (await place.auth("start")).json()
    return begun, await person(begun, name)


def kept(begun: dict[str, Any]) -> dict[str, str]:
    return {name: begun[name] for name in ("state", "nonce", "verifier")}


async def test_a_person_logs_in_at_the_provider_and_works_here(place: Place) -> None:
    linked = await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    begun, back = await logged_in(place, "ann@plant")
    answer = await place.auth("finish", code=back["code"], state=back["state"], begun=kept(begun))
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert tokens["principal"] == {"subject": "ann", "displayName": "Ann"}
    assert (await place.server.post(ME, tokens["accessToken"])).json()["data"] == {"me": {"subject": "ann"}}
    again = await place.auth("finish", code=back["code"], state=back["state"], begun=kept(begun))
    assert again.status_code == 401, "a code is used once"
    await place.server.ask(UNLINK, id=linked["linkIdentity"]["identity"]["id"])
    assert (await place.server.post(ME, tokens["accessToken"])).status_code == 401


async def test_who_is_not_linked_does_not_get_in(place: Place) -> None:
    await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    begun, back = await logged_in(place, "bob@plant")
    answer = await place.auth("finish", code=back["code"], state=back["state"], begun=kept(begun))
    assert answer.status_code == 401


@pytest.mark.parametrize("swapped", ["state", "nonce", "verifier"])
async def test_an_answer_to_another_login_is_refused(place: Place, swapped: str) -> None:
    await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    begun, back = await logged_in(place, "ann@plant")
    other = (await place.auth("start")).json()
    mixed = {**kept(begun), swapped: other[swapped]}
    answer = await place.auth("finish", code=back["code"], state=back["state"], begun=mixed)
    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


async def test_an_access_token_of_the_provider_is_a_bearer_token_for_its_audience(place: Place) -> None:
    await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    begun, back = await logged_in(place, "ann@plant")
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": REDIRECT}
    async with httpx2.AsyncClient() as browser:
        answer = await browser.post(
            f"{place.issuer}/token",
            data={**form, "code_verifier": begun["verifier"]},
            auth=httpx2.BasicAuth("mesgraph", SECRET.replace(" ", "%20")),
        )
    tokens = answer.json()
    assert (await place.server.post(ME, tokens["access_token"])).json()["data"] == {"me": {"subject": "ann"}}
    assert (await place.server.post(ME, tokens["id_token"])).status_code == 401, "an id token opens nothing"


SITE = """mutation { submitSites(input: {sites: [{code: "HV1", name: "H", timeZone: "Europe/Stockholm"}]}) {
  sites { id } userErrors { message } } }"""
CHALLENGE = """mutation($id: ID!) { challengeSignature(input: {record: $id, meaning: REVIEW}) {
  challenge { text } userErrors { code } } }"""
SIGN = """mutation($challenge: String!, $proof: String!) {
  sign(input: {signature: {challenge: $challenge, proof: $proof}}) { signed { method } userErrors { code } } }"""


@pytest.mark.parametrize(("who", "status"), [("ann@plant", 200), ("bob@plant", 401)])
async def test_a_signature_takes_a_login_of_its_own(place: Place, who: str, status: int) -> None:
    await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    site = (await place.server.ask(SITE))["submitSites"]["sites"][0]["id"]
    begun, back = await logged_in(place, "ann@plant")
    token = (await place.auth("finish", code=back["code"], state=back["state"], begun=kept(begun))).json()
    headers = {"Authorization": f"Bearer {token['accessToken']}"}
    asked = (await place.server.post(CHALLENGE, token["accessToken"], id=site)).json()["data"]["challengeSignature"]
    challenge = asked["challenge"]["text"]
    begun = (await place.auth("start", anew=True)).json()
    back = await person(begun, who)
    body = {"code": back["code"], "state": back["state"], "begun": kept(begun), "challenge": challenge}
    answer = await place.server.http.post("/auth/oidc/finish", json=body, headers=headers)
    assert answer.status_code == status, answer.text
    if status == 200:
        proof = answer.json()["proof"]
        signed = (await place.server.post(SIGN, token["accessToken"], challenge=challenge, proof=proof)).json()
        assert signed["data"]["sign"] == {"signed": {"method": "OIDC"}, "userErrors": []}


async def test_an_old_login_at_the_provider_signs_nothing(place: Place) -> None:
    """The provider says when the person has shown a secret; without being asked it does not even say that."""
    await place.server.ask(LINK, issuer=place.issuer, subject="ann@plant")
    site = (await place.server.ask(SITE))["submitSites"]["sites"][0]["id"]
    begun, back = await logged_in(place, "ann@plant")
    token = (await place.auth("finish", code=back["code"], state=back["state"], begun=kept(begun))).json()
    begun, back = await logged_in(place, "ann@plant")
    asked = (await place.server.post(CHALLENGE, token["accessToken"], id=site)).json()["data"]["challengeSignature"]
    body = {"code": back["code"], "state": back["state"], "begun": kept(begun)}
    answer = await place.server.http.post(
        "/auth/oidc/finish",
        json={**body, "challenge": asked["challenge"]["text"]},
        headers={"Authorization": f"Bearer {token['accessToken']}"},
    )
    assert answer.status_code == 401


async def test_a_plant_without_a_provider_says_so(database_url: str) -> None:
    async with served(database_url) as server:
        answer = await server.http.post("/auth/oidc/start", json={})
        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "NOT_FOUND")
