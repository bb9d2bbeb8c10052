"""Principals, grants and keys: who is who, until when, and where."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from mesgraph.access import keys
from mesgraph.access.actions import bootstrap, issue_api_key
from mesgraph.access.models import ApiKey, Principal
from mesgraph.access.queries import actor_of, authenticate
from mesgraph.access.roles import Role
from mesgraph.work import Actor, Grant
from tests.api import Api

ANN = {"subject": "ann", "kind": "PERSON", "displayName": "Ann"}
HV1 = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}


@pytest.fixture
async def ann(api: Api) -> str:
    """The text of a key of a principal `ann`, who is an operator at HV1."""
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HV1, HV1 | {"code": "HV2"}])
    await api.do("createPrincipal", "", by=Role.ADMIN, **ANN)
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="OPERATOR", site="HV1")
    return str((await api.do("issueApiKey", "text", by=Role.ADMIN, principal="ann"))["text"])


async def who(api: Api, text: str) -> Actor | None:
    return await api.plant.database.read(lambda s: authenticate(s, text, api.clock.now()))


async def test_a_key_names_its_principal_with_its_roles(api: Api, ann: str) -> None:
    actor = await who(api, ann)
    assert actor is not None
    assert actor.subject == "ann"
    assert actor.grants == (Grant("OPERATOR", 1),)
    assert actor.authenticated_by == f"key:{ann.split('_')[1]}"


async def test_wrong_keys_are_nobody(api: Api, ann: str) -> None:
    for wrong in (ann[:-1], ann + "A", ann.replace("mg_", "mx_"), ann.upper(), " " + ann, ann[:20] + "B" * 43, ""):
        assert await who(api, wrong) is None


async def test_a_key_ends(api: Api, ann: str) -> None:
    api.clock.step(days=364, hours=23)
    assert await who(api, ann) is not None
    api.clock.step(hours=1)
    assert await who(api, ann) is None


async def test_a_revoked_key_is_nobody_and_revoking_again_changes_nothing(api: Api, ann: str) -> None:
    key_id = ann.split("_")[1]
    admin = await api.actor(Role.ADMIN)
    await api.do("revokeApiKey", "apiKey { revokedAt }", by=admin, apiKey=key_id)
    assert await who(api, ann) is None
    async with api.nothing_written():
        await api.do("revokeApiKey", "apiKey { revokedAt }", by=admin, apiKey=key_id)


async def test_a_withdrawn_role_is_gone_and_its_row_stays(api: Api, ann: str) -> None:
    admin = await api.actor(Role.ADMIN)
    role = {"principal": "ann", "role": "OPERATOR", "site": "HV1"}
    withdrawn = await api.do("withdrawRole", "grant { role site { code } withdrawnAt }", by=admin, **role)
    assert withdrawn["grant"]["withdrawnAt"] is not None
    actor = await who(api, ann)
    assert actor is not None
    assert actor.grants == ()
    errors = await api.refused("withdrawRole", by=admin, **role)
    assert [(e["code"], e["path"]) for e in errors] == [("NOT_FOUND", ["input", "role"])]
    await api.do("grantRole", "", by=admin, **role)
    found = await who(api, ann)
    assert found is not None
    assert found.grants == (Grant("OPERATOR", 1),)


async def test_granting_twice_changes_nothing(api: Api, ann: str) -> None:
    admin = await api.actor(Role.ADMIN)
    async with api.nothing_written():
        await api.do("grantRole", "", by=admin, principal="ann", role="OPERATOR", site="HV1")


async def test_a_role_everywhere_and_a_role_at_a_site_are_two_grants(api: Api, ann: str) -> None:
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="OPERATOR")
    actor = await who(api, ann)
    assert actor is not None
    assert actor.sites_with([Role.OPERATOR]) is None
    await api.do("withdrawRole", "", by=Role.ADMIN, principal="ann", role="OPERATOR")
    actor = await who(api, ann)
    assert actor is not None
    assert actor.sites_with([Role.OPERATOR]) == {1}


@pytest.mark.parametrize(
    ("more", "code", "path"),
    [
        ({"subject": "ann"}, "DUPLICATE_KEY", ["input", "subject"]),
        ({"subject": "a b"}, "VALIDATION_FAILED", ["input", "subject"]),
        ({"displayName": " "}, "VALIDATION_FAILED", ["input", "displayName"]),
    ],
)
async def test_a_principal_has_a_code_of_its_own(
    api: Api, ann: str, more: dict[str, Any], code: str, path: list[str]
) -> None:
    errors = await api.refused("createPrincipal", by=Role.ADMIN, **{**ANN, "subject": "bob", **more})
    assert [(e["code"], e["path"]) for e in errors] == [(code, path)]


@pytest.mark.parametrize("delta", [timedelta(0), timedelta(seconds=-1), timedelta(days=365, seconds=1)])
async def test_a_key_ends_after_now_and_within_a_year(api: Api, ann: str, delta: timedelta) -> None:
    ends = (api.clock.at + delta).isoformat()
    errors = await api.refused("issueApiKey", by=Role.ADMIN, principal="ann", expiresAt=ends)
    assert [(e["code"], e["path"]) for e in errors] == [("VALIDATION_FAILED", ["input", "expiresAt"])]


async def test_an_inactive_principal_is_nobody(api: Api, ann: str) -> None:
    def deactivate(session: Any) -> None:
        session.scalars(select(Principal).where(Principal.subject == "ann")).one().active = False

    await api.plant.database.write(deactivate)
    assert await who(api, ann) is None


async def test_only_an_administrator_administers(api: Api, ann: str) -> None:
    document = 'mutation { createPrincipal(input: {subject: "x", kind: PERSON, displayName: "X"}) { replayed } }'
    for role in set(Role) - {Role.ADMIN}:
        assert (await api.error(document, by=role))["code"] == "FORBIDDEN"


async def test_the_first_administrator_is_made_once(plant_api: Api) -> None:
    def first(session: Any) -> str | None:
        return bootstrap(plant_api.work(session))

    text = await plant_api.plant.database.write(first)
    assert text is not None
    actor = await who(plant_api, text)
    assert actor is not None
    assert actor.grants == (Grant("ADMIN", None),)
    assert await plant_api.plant.database.write(first) is None


@pytest.fixture
def plant_api(api: Api) -> Api:
    return api


async def test_only_the_hash_of_a_secret_is_kept(api: Api, ann: str) -> None:
    def stored(session: Any) -> bytes:
        return bytes(session.scalars(select(ApiKey)).one().secret_sha256)

    secret = ann.split("_", 2)[2]
    assert await api.plant.database.read(stored) == keys.digest(secret)


async def test_keys_are_never_equal(api: Api, ann: str) -> None:
    def many(session: Any) -> set[str]:
        principal = session.scalars(select(Principal).where(Principal.subject == "ann")).one()
        assert actor_of(session, principal, "test").subject == "ann"
        return {issue_api_key(api.work(session), principal)[1] for _ in range(50)}

    assert len(await api.plant.database.write(many)) == 50


@given(st.text() | st.from_regex(keys.PATTERN, fullmatch=True))
def test_no_text_breaks_the_reading_of_keys(text: str) -> None:
    parts = keys.split(text)
    assert (parts is None) == (keys.PATTERN.fullmatch(text) is None)


def test_a_new_key_reads_as_itself() -> None:
    fresh = keys.new_key()
    parts = keys.split(fresh.text)
    assert parts is not None
    assert (parts.kind, parts.key_id) == (keys.KeyKind.API_KEY, fresh.key_id)
    assert keys.matches(parts.secret, fresh.secret_sha256)
    assert not keys.matches(parts.secret[:-1], fresh.secret_sha256)
