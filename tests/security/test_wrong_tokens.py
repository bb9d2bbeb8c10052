"""Whatever is wrong with a token: nobody gets in with it, and nobody learns why (RFC 8725)."""

import os
import time
from collections.abc import AsyncIterator

import pytest

from tests.kit.served import Served, served
from tests.security.identity import AUDIENCE, Issuer, issuing
from tests.security.wrong_tokens import wrong_tokens

COUNT = 3_000 if os.environ.get("MESGRAPH_TEST_SCALE") == "full" else 300
ME = "{ me { subject } }"
LINK = """mutation($issuer: String!) {
  createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { userErrors { code } }
  grantRole(input: {principal: "ann", role: OPERATOR}) { userErrors { code } }
  linkIdentity(input: {principal: "ann", issuer: $issuer, subject: "ann@plant"}) { userErrors { code } } }"""
DEACTIVATE = 'mutation { deactivatePrincipal(input: {principal: "ann"}) { userErrors { code } } }'

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with issuing() as running:
        yield running


@pytest.fixture
async def server(database_url: str, issuer: Issuer) -> AsyncIterator[Served]:
    provider = {"oidc_issuer": issuer.url, "oidc_client_id": "mesgraph", "oidc_redirect_uri": "https://plant/back"}
    async with served(database_url, **provider, oidc_audience=AUDIENCE) as running:
        await running.ask(LINK, issuer=issuer.url)
        yield running


@pytest.mark.timeout(900)
async def test_no_wrong_token_opens_anything_and_all_get_one_answer(server: Served, issuer: Issuer) -> None:
    now = int(time.time())
    for algorithm in issuer.keys:
        good = await server.post(ME, issuer.token(issuer.claims(now), algorithm))
        assert good.json() == {"data": {"me": {"subject": "ann"}}}, algorithm
    answers, began = set(), time.monotonic()
    for family, token in wrong_tokens(issuer, now, COUNT, seed=7):
        answer = await server.post(ME, token)
        assert answer.status_code == 401, (family, token)
        answers.add(answer.content)
    assert len(answers) == 1
    looks = 2 + (time.monotonic() - began) // 30
    assert issuer.asked <= looks, "tokens with unknown keys do not make us ask the provider again and again"


async def test_a_token_is_good_for_a_minute_more_for_clocks_differ(server: Served, issuer: Issuer) -> None:
    now = int(time.time())
    late = issuer.token(issuer.claims(now, iat=now - 600, exp=now - 30))
    early = issuer.token(issuer.claims(now, iat=now + 30))
    assert [(await server.post(ME, token)).status_code for token in (late, early)] == [200, 200]


async def test_a_good_token_of_somebody_who_may_act_no_more(server: Served, issuer: Issuer) -> None:
    token = issuer.token(issuer.claims(int(time.time())))
    assert (await server.post(ME, token)).status_code == 200
    await server.ask(DEACTIVATE)
    assert (await server.post(ME, token)).status_code == 401


async def test_keys_that_the_provider_changed_are_found(
    server: Served, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mesgraph.access.oidc.LOOK_AGAIN_S", 0.0)
    now = int(time.time())
    assert (await server.post(ME, issuer.token(issuer.claims(now)))).status_code == 200
    issuer.keys["ES256"] = type(issuer.keys["ES256"]).generate_key("P-256", {"kid": "newer"})
    assert (await server.post(ME, issuer.token(issuer.claims(now)))).status_code == 200


async def test_without_the_provider_a_token_waits_and_a_wrong_one_does_not(database_url: str, issuer: Issuer) -> None:
    """Its keys were never read, so nobody can say whose a token is; what is no token at all needs no keys."""
    provider = {
        "oidc_issuer": "http://127.0.0.1:1",
        "oidc_client_id": "mesgraph",
        "oidc_redirect_uri": "https://p/back",
    }
    async with served(database_url, **provider, oidc_audience=AUDIENCE) as server:
        answer = await server.post(ME, issuer.token(issuer.claims(int(time.time()))))
        error = answer.json()["errors"][0]["extensions"]
        assert (answer.status_code, error["code"], error["retryable"]) == (503, "UNAVAILABLE", True)
        assert (await server.post(ME, "nonsense")).status_code == 401
        assert (await server.post(ME)).status_code == 200
        begun = await server.http.post("/auth/oidc/start", json={})
        assert (begun.status_code, begun.json()["errors"][0]["extensions"]["code"]) == (503, "UNAVAILABLE")
