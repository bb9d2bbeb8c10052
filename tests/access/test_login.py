"""Logging in without an identity provider, staying in, and being put out."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from argon2 import PasswordHasher, Type
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select

from mesgraph.access import passwords
from mesgraph.access.login import TOKENS
from mesgraph.access.models import Account, LoginSession, SessionToken
from mesgraph.ledger.models import LedgerEvent
from tests.api import SteppedClock
from tests.kit.served import Served, served

PASSWORD, OTHER = "correct horse battery", "staple correct battery"
MAKE = """mutation { createPrincipal(input: {subject: "ann", kind: PERSON, displayName: "Ann"}) { userErrors { code } }
  grantRole(input: {principal: "ann", role: OPERATOR}) { userErrors { code } } }"""
OPEN = 'mutation { openAccount(input: {principal: "ann"}) { initialPassword userErrors { code message } } }'
BADGE = """mutation($who: ID!, $badge: String!) { registerBadge(input: {principal: $who, badge: $badge}) {
  pin userErrors { code path } } }"""
ME = "{ me { subject } }"


class Desk:
    """Where people log in: a server with a person who has an initial password, and a clock."""

    def __init__(self, server: Served, clock: SteppedClock) -> None:
        self.server, self.clock = server, clock
        self.initial = ""

    async def post(self, path: str, token: str | None = None, **body: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return await self.server.http.post(f"/auth/{path}", json=body, headers=headers)

    async def tokens(self, **body: Any) -> dict[str, Any]:
        answer = await self.post("login", **body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        tokens: dict[str, Any] = answer.json()
        return tokens

    async def refused(self, path: str = "login", **body: Any) -> tuple[int, str]:
        answer = await self.post(path, **body)
        return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]

    async def entered(self) -> dict[str, Any]:
        """The tokens of the person, with a password of her own."""
        return await self.tokens(subject="ann", password=self.initial, newPassword=PASSWORD)

    async def works(self, token: str) -> bool:
        answer = await self.server.post(ME, token)
        assert answer.status_code in (200, 401)
        return answer.status_code == 200

    async def stops(self, *tokens: dict[str, Any]) -> None:
        """The access tokens stop to work, within the two seconds for which they may be believed."""
        async with asyncio.timeout(2):
            while any([await self.works(token["accessToken"]) for token in tokens]):  # noqa: ASYNC110  # a request tells
                await asyncio.sleep(0.02)

    async def rows(self, statement: Any) -> list[Any]:
        database = self.server.app.state.plant.database
        found: list[Any] = await database.read(lambda session: list(session.scalars(statement)))
        return found

    async def events(self) -> list[str]:
        events = await self.rows(select(LedgerEvent).order_by(LedgerEvent.id))
        return [
            event.type for event in events if event.type.startswith(("SESSION", "ACCOUNT", "PASSWORD", "PIN", "BADGE"))
        ]


@pytest.fixture
async def desk(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    clock = SteppedClock()
    monkeypatch.setattr("mesgraph.plant.SystemClock", lambda: clock)
    monkeypatch.setattr("mesgraph.migration.SystemClock", lambda: clock)
    monkeypatch.setattr("mesgraph.access.login.WRONG_TAKES_S", 0.0)  # dozens of wrong tries are waited for here
    async with served(database_url) as server:
        desk = Desk(server, clock)
        await server.ask(MAKE)
        desk.initial = (await server.ask(OPEN))["openAccount"]["initialPassword"]
        yield desk


once = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def test_the_first_login_changes_the_password_that_was_handed_out(desk: Desk) -> None:
    assert await desk.refused(subject="ann", password=desk.initial) == (403, "PASSWORD_CHANGE_REQUIRED")
    tokens = await desk.entered()
    assert tokens["principal"] == {"subject": "ann", "displayName": "Ann"}
    assert await desk.works(tokens["accessToken"])
    assert await desk.refused(subject="ann", password=desk.initial) == (401, "UNAUTHENTICATED")
    assert await desk.works((await desk.tokens(subject="ann", password=PASSWORD))["accessToken"])
    assert await desk.events() == ["ACCOUNT_OPENED", "PASSWORD_CHANGED", "SESSION_STARTED", "SESSION_STARTED"]


@once
async def test_a_password_that_was_handed_out_ends_after_three_days(desk: Desk) -> None:
    desk.clock.step(hours=72)
    answer = await desk.refused(subject="ann", password=desk.initial, newPassword=PASSWORD)
    assert answer == (401, "UNAUTHENTICATED")


@once
@pytest.mark.parametrize(
    "chosen", ["short", "x" * 129, "aaaaaaaaaaaaaaaaa", "my name is Ann, as you see", "abababababab"]
)
async def test_a_password_that_is_easily_guessed_is_refused(desk: Desk, chosen: str) -> None:
    answer = await desk.post("login", subject="ann", password=desk.initial, newPassword=chosen)
    error = answer.json()["errors"][0]["extensions"]
    assert (answer.status_code, error["code"], error["path"]) == (400, "VALIDATION_FAILED", ["newPassword"])
    assert await desk.refused(subject="ann", password=desk.initial) == (403, "PASSWORD_CHANGE_REQUIRED")


@once
@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "DOCUMENT_INVALID"),
        (b"[]", 400, "DOCUMENT_INVALID"),
        (b'{"subject": "ann"}', 400, "INVALID_VALUE"),
        (b'{"subject": "ann", "password": 7}', 400, "INVALID_VALUE"),
        (b'{"subject": "ann", "password": "x", "more": 1}', 400, "INVALID_VALUE"),
        (b'{"subject": "", "password": "x"}', 400, "INVALID_VALUE"),
        (b'{"badge": "1", "pin": "1"}', 400, "INVALID_VALUE"),
        (b'{"subject": "a\\u0000b", "password": "x"}', 401, "UNAUTHENTICATED"),
        (b'{"subject": "\\ud800", "password": "x"}', 400, "INVALID_VALUE"),
        (b'{"subject": "ann", "password": "' + b"x" * 9000 + b'"}', 400, "VALIDATION_FAILED"),
        (b"[" * 5000, 400, "DOCUMENT_INVALID"),
    ],
)
async def test_nonsense_is_told_so(desk: Desk, body: bytes, status: int, code: str) -> None:
    answer = await desk.server.http.post("/auth/login", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (status, code)


@once
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_a_form_of_another_page_logs_nobody_in(desk: Desk, kind: str) -> None:
    await desk.entered()
    body = f'{{"subject": "ann", "password": "{PASSWORD}"}}'
    answer = await desk.server.http.post("/auth/login", content=body.encode(), headers={"Content-Type": kind})
    assert answer.status_code == 400


async def test_ten_wrong_tries_lock_an_account_for_a_quarter_of_an_hour(desk: Desk) -> None:
    await desk.entered()
    for i in range(9):
        assert await desk.refused(subject="ann", password=f"wrong {i}") == (401, "UNAUTHENTICATED")
    await desk.tokens(subject="ann", password=PASSWORD)  # who gets in has made honest mistakes
    answers = [await desk.post("login", subject="ann", password=f"wrong {i}") for i in range(10)]
    answers += [await desk.post("login", subject="ann", password=PASSWORD) for _ in range(2)]
    answers.append(await desk.post("login", subject="nobody", password=PASSWORD))
    assert {(answer.status_code, answer.content) for answer in answers} == {(401, answers[0].content)}
    assert (await desk.events()).count("ACCOUNT_LOCKED") == 1
    desk.clock.step(minutes=15)
    await desk.tokens(subject="ann", password=PASSWORD)


@once
async def test_an_administrator_lifts_a_lock(desk: Desk) -> None:
    await desk.entered()
    for i in range(10):
        await desk.post("login", subject="ann", password=f"wrong {i}")
    assert await desk.refused(subject="ann", password=PASSWORD) == (401, "UNAUTHENTICATED")
    await desk.server.ask('mutation { unlockAccount(input: {principal: "ann"}) { userErrors { code } } }')
    await desk.tokens(subject="ann", password=PASSWORD)


@once
async def test_a_peer_that_guesses_through_many_names_has_to_wait(desk: Desk) -> None:
    await desk.entered()
    for i in range(30):
        assert await desk.refused(subject=f"name{i}", password="x") == (401, "UNAUTHENTICATED")
    answer = await desk.post("login", subject="ann", password=PASSWORD)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
    desk.clock.step(minutes=15)
    await desk.tokens(subject="ann", password=PASSWORD)


async def test_an_access_token_lasts_ten_minutes_and_is_renewed_without_a_password(desk: Desk) -> None:
    tokens = await desk.entered()
    desk.clock.step(minutes=9, seconds=59)
    assert await desk.works(tokens["accessToken"])
    desk.clock.step(seconds=1)
    assert not await desk.works(tokens["accessToken"])
    renewed = (await desk.post("refresh", refreshToken=tokens["refreshToken"])).json()
    assert await desk.works(renewed["accessToken"])
    assert not await desk.works(renewed["refreshToken"]), "a refresh token opens nothing by itself"
    for _ in range(80):
        desk.clock.step(minutes=10)
        answer = await desk.post("refresh", refreshToken=renewed["refreshToken"])
        if answer.status_code != 200:
            break
        renewed = answer.json()
    assert desk.clock.now() >= (await desk.rows(select(LoginSession)))[0].created_at + timedelta(hours=12)
    assert len(await desk.rows(select(SessionToken).where(SessionToken.token_kind == "mga"))) <= 2


async def test_a_refresh_token_that_comes_twice_ends_the_session_for_both(desk: Desk) -> None:
    stolen = await desk.entered()
    honest = (await desk.post("refresh", refreshToken=stolen["refreshToken"])).json()
    assert await desk.refused("refresh", refreshToken=stolen["refreshToken"]) == (401, "UNAUTHENTICATED")
    await desk.stops(honest, stolen)
    assert await desk.refused("refresh", refreshToken=honest["refreshToken"]) == (401, "UNAUTHENTICATED")
    [session] = await desk.rows(select(LoginSession))
    assert session.end == "TOKEN_REUSED"


async def test_of_two_who_renew_at_once_one_gets_tokens(desk: Desk) -> None:
    tokens = await desk.entered()
    answers = await asyncio.gather(*(desk.post("refresh", refreshToken=tokens["refreshToken"]) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 401, 401, 401]


@once
async def test_logging_out_ends_this_session_only(desk: Desk) -> None:
    one, other = await desk.entered(), await desk.tokens(subject="ann", password=PASSWORD)
    assert (await desk.post("logout", one["accessToken"])).status_code == 204
    assert [await desk.works(tokens["accessToken"]) for tokens in (one, other)] == [False, True]
    assert (await desk.post("logout", one["accessToken"])).status_code == 401


@once
@pytest.mark.parametrize(
    "mutation",
    [
        'endSessions(input: {principal: "ann"})',
        'openAccount(input: {principal: "ann"})',
        'deactivatePrincipal(input: {principal: "ann"})',
    ],
)
async def test_an_administrator_puts_somebody_out(desk: Desk, mutation: str) -> None:
    tokens = await desk.entered()
    assert await desk.works(tokens["accessToken"])
    await desk.server.ask(f"mutation {{ {mutation} {{ userErrors {{ code }} }} }}")
    await desk.stops(tokens)
    assert await desk.refused("refresh", refreshToken=tokens["refreshToken"]) == (401, "UNAUTHENTICATED")


@once
async def test_a_new_password_ends_the_other_sessions(desk: Desk) -> None:
    before = await desk.entered()
    after = await desk.tokens(subject="ann", password=PASSWORD, newPassword=OTHER)
    await desk.stops(before)
    assert await desk.works(after["accessToken"])
    assert await desk.refused(subject="ann", password=PASSWORD) == (401, "UNAUTHENTICATED")


async def test_a_new_pin_ends_the_other_sessions_and_stands_in_the_record(desk: Desk) -> None:
    before = await desk.entered()
    issued = (await desk.server.ask(BADGE, who="ann", badge="B"))["registerBadge"]["pin"]
    at_terminal = await desk.tokens(badge="B", pin=issued, terminal="T1")
    after = await desk.tokens(badge="B", pin=issued, terminal="T2", newPin="918273")
    await desk.stops(before, at_terminal)
    assert await desk.works(after["accessToken"])
    assert await desk.refused(badge="B", pin=issued, terminal="T2") == (401, "UNAUTHENTICATED")
    expected = ["SESSION_STARTED", "SESSION_ENDED", "SESSION_ENDED", "PIN_CHANGED", "SESSION_STARTED"]
    assert (await desk.events())[-5:] == expected


@once
@pytest.mark.parametrize(
    "body",
    [
        {"subject": "ann", "password": OTHER},
        {"subject": "nobody", "password": OTHER},
        {"badge": "B", "pin": "1", "terminal": "T"},
        {"badge": "none", "pin": "1", "terminal": "T"},
    ],
)
async def test_a_wrong_login_is_never_answered_early(
    desk: Desk, body: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that the time of an answer does not tell whether there is such an account."""
    monkeypatch.setattr("mesgraph.access.login.WRONG_TAKES_S", 1.0)
    await desk.server.ask(BADGE, who="ann", badge="B")
    began = asyncio.get_running_loop().time()
    assert await desk.refused(**body) == (401, "UNAUTHENTICATED")
    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_a_badge_and_its_pin_open_a_terminal_for_one_at_a_time(desk: Desk) -> None:
    pins = {}
    await desk.server.store(ME)
    await desk.server.ask(MAKE.replace("ann", "bob").replace("Ann", "Bob"))
    for who in ("ann", "bob"):
        pins[who] = (await desk.server.ask(BADGE, who=who, badge=f"badge-{who}"))["registerBadge"]["pin"]
        assert re.fullmatch(r"\d{6}", pins[who])
    ann = await desk.tokens(badge="badge-ann", pin=pins["ann"], terminal="HV1/T1", newPin="918273")
    assert await desk.works(ann["accessToken"])
    bob = await desk.tokens(badge="badge-bob", pin=pins["bob"], terminal="HV1/T1")
    await desk.stops(ann)
    assert await desk.works(bob["accessToken"])
    elsewhere = await desk.tokens(badge="badge-ann", pin="918273", terminal="HV1/T2")
    assert await desk.works(bob["accessToken"])
    assert elsewhere["sessionEndsAt"] == (desk.clock.now() + timedelta(hours=1)).isoformat()
    assert await desk.refused(badge="badge-ann", pin=pins["ann"], terminal="HV1/T2") == (401, "UNAUTHENTICATED")
    again = (await desk.server.ask(BADGE, who="bob", badge="badge-ann"))["registerBadge"]
    assert [error["code"] for error in again["userErrors"]] == ["DUPLICATE_KEY"]
    await desk.server.ask('mutation { withdrawBadge(input: {principal: "ann"}) { userErrors { code } } }')
    assert await desk.refused(badge="badge-ann", pin="918273", terminal="HV1/T2") == (401, "UNAUTHENTICATED")


@once
@pytest.mark.parametrize("pin", ["12345", "1234567890123", "123456", "987654", "777777", "12345a", "١٢٣٤٥٧"])
async def test_a_pin_that_is_easily_guessed_is_refused(desk: Desk, pin: str) -> None:
    issued = (await desk.server.ask(BADGE, who="ann", badge="B"))["registerBadge"]["pin"]
    body = {"badge": "B", "pin": issued, "terminal": "T", "newPin": pin}
    assert await desk.refused(**body) == (400, "VALIDATION_FAILED")


@once
async def test_a_service_has_keys_and_no_account(desk: Desk) -> None:
    answer = await desk.server.ask(OPEN.replace('"ann"', '"admin"'))
    assert [error["code"] for error in answer["openAccount"]["userErrors"]] == ["VALIDATION_FAILED"]


@once
async def test_a_program_gets_a_token_for_its_key(desk: Desk) -> None:
    _, key_id, secret = desk.server.key.split("_", 2)
    form = {"grant_type": "client_credentials", "client_id": key_id, "client_secret": secret}
    post = desk.server.http.post
    answers = [
        await post("/auth/token", data=form),
        await post("/auth/token", data={"grant_type": "client_credentials"}, auth=httpx2.BasicAuth(key_id, secret)),
    ]
    for answer in answers:
        assert (answer.json()["token_type"], answer.json()["expires_in"]) == ("Bearer", 600)
        assert await desk.works(answer.json()["access_token"])
    wrong = await post("/auth/token", data={**form, "client_secret": "x" * 43})
    assert (wrong.status_code, wrong.json()) == (401, {"error": "invalid_client"})
    other = await post("/auth/token", data={**form, "grant_type": "password"})
    assert (other.status_code, other.json()) == (400, {"error": "unsupported_grant_type"})


@once
async def test_a_key_that_asks_for_tokens_without_end_is_told_to_keep_them(desk: Desk) -> None:
    _, key_id, secret = desk.server.key.split("_", 2)
    form = {"grant_type": "client_credentials", "client_id": key_id, "client_secret": secret}
    answers = [(await desk.server.http.post("/auth/token", data=form)).status_code for _ in range(TOKENS + 1)]
    assert answers == [200] * TOKENS + [429]
    assert len(await desk.rows(select(LoginSession))) == TOKENS
    desk.clock.step(minutes=15)
    assert (await desk.server.http.post("/auth/token", data=form)).status_code == 200


@once
async def test_no_secret_is_stored(desk: Desk) -> None:
    tokens = await desk.entered()
    pin = (await desk.server.ask(BADGE, who="ann", badge="B"))["registerBadge"]["pin"]
    await desk.tokens(badge="B", pin=pin, terminal="T")
    [account] = await desk.rows(select(Account))
    assert {account.password_hash[:10], account.pin_hash[:10]} == {"$argon2id$"}
    path = desk.server.app.state.plant.settings.database.removeprefix("sqlite:///")
    kept = await asyncio.to_thread(lambda: b"".join(Path(path + end).read_bytes() for end in ("", "-wal")))
    secrets = [PASSWORD, desk.initial, *(tokens[name].split("_", 2)[2] for name in ("accessToken", "refreshToken"))]
    assert not [secret for secret in secrets if secret.encode() in kept]


def test_to_guess_a_secret_costs_memory_and_time(hasher_of_the_product: PasswordHasher) -> None:
    """No less than the first choice of RFC 9106 for little memory: 64 MiB, three passes."""
    assert hasher_of_the_product.type is Type.ID
    assert hasher_of_the_product.memory_cost >= 64 * 1024
    assert hasher_of_the_product.time_cost >= 3


def test_a_name_that_nobody_has_costs_as_much(hasher_of_the_product: PasswordHasher) -> None:
    of_nobody = passwords.of_nobody(hasher_of_the_product)
    assert not hasher_of_the_product.check_needs_rehash(of_nobody), "the same effort"
    with pytest.raises(VerifyMismatchError):
        hasher_of_the_product.verify(of_nobody, "correct horse battery")


@once
async def test_a_token_for_a_key_has_no_more_than_the_key(desk: Desk) -> None:
    made = await desk.server.ask(
        """mutation {
          submitSites(input: {sites: [
            {code: "S1", name: "One", timeZone: "UTC"}, {code: "S2", name: "Two", timeZone: "UTC"}]})
            { userErrors { message } }
          issueApiKey(input: {principal: "admin", label: "driver-1", site: "S1"})
            { text apiKey { keyId site { code } } } }"""
    )
    key = made["issueApiKey"]
    assert key["apiKey"]["site"] == {"code": "S1"}
    _, key_id, secret = key["text"].split("_", 2)
    form = {"grant_type": "client_credentials", "client_id": key_id, "client_secret": secret}
    token = (await desk.server.http.post("/auth/token", data=form)).json()["access_token"]
    for text in (key["text"], token):
        seen = (await desk.server.post("{ sites { code } }", text)).json()["data"]["sites"]
        assert seen == [{"code": "S1"}]
    assert len((await desk.server.ask("{ sites { code } }"))["sites"]) == 2
    revoke = "mutation($id: ID!) { revokeApiKey(input: {apiKey: $id}) { userErrors { code } } }"
    await desk.server.ask(revoke, id=key_id)
    await desk.stops({"accessToken": token})


@once
async def test_of_one_label_two_keys_work_at_a_time(desk: Desk) -> None:
    issue = """mutation($label: String) { issueApiKey(input: {principal: "admin", label: $label}) {
      text apiKey { keyId label } userErrors { code path } } }"""
    first, second, third = [(await desk.server.ask(issue, label="d1"))["issueApiKey"] for _ in range(3)]
    assert third["userErrors"] == [{"code": "VALIDATION_FAILED", "path": ["input", "label"]}]
    assert [await desk.works(one["text"]) for one in (first, second)] == [True, True]
    revoke = "mutation($id: ID!) { revokeApiKey(input: {apiKey: $id}) { userErrors { code } } }"
    await desk.server.ask(revoke, id=first["apiKey"]["keyId"])
    assert (await desk.server.ask(issue, label="d1"))["issueApiKey"]["userErrors"] == []


async def test_two_halves_open_one_session_once(desk: Desk) -> None:
    seal = 'mutation { sealBreakGlass(input: {principal: "admin"}) { first second userErrors { code } } }'
    void = (await desk.server.ask(seal))["sealBreakGlass"]
    halves = (await desk.server.ask(seal))["sealBreakGlass"]
    wrong = [
        (halves["first"], halves["first"]),
        (halves["second"], halves["second"]),
        (void["first"], void["second"]),
        (halves["first"], void["second"]),
        (halves["first"], desk.server.key),
        ("mgb", "mgb"),
    ]
    for first, second in wrong:
        assert await desk.refused("break-glass", first=first, second=second) == (401, "UNAUTHENTICATED")
    answer = await desk.post("break-glass", first=halves["second"], second=halves["first"])
    assert await desk.works(answer.json()["accessToken"])
    again = {"first": halves["first"], "second": halves["second"]}
    assert await desk.refused("break-glass", **again) == (401, "UNAUTHENTICATED")
    types = [event.type for event in await desk.rows(select(LedgerEvent).order_by(LedgerEvent.id))]
    opened = types.index("BREAK_GLASS_OPENED")
    assert types[opened - 1 : opened + 1] == ["SESSION_STARTED", "BREAK_GLASS_OPENED"]
