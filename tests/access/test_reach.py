"""Who administers or audits single sites reaches those of these sites, and nobody else."""

from typing import Any

import pytest

from mesgraph.access.roles import Role
from mesgraph.api.nodes import opaque_id
from mesgraph.work import Actor
from tests.api import Api

SITES = [{"code": code, "name": code, "timeZone": "Europe/Lisbon"} for code in ("HV1", "HV2")]
WAYS_IN: list[tuple[str, dict[str, Any]]] = [
    ("openAccount", {}),
    ("registerBadge", {"badge": "04A2C1"}),
    ("issueApiKey", {"site": "HV1"}),
    ("sealBreakGlass", {}),
    ("linkIdentity", {"issuer": "https://id.example", "subject": "eve"}),
    ("deactivatePrincipal", {}),
    ("reactivatePrincipal", {}),
    ("endSessions", {}),
    ("unlockAccount", {}),
    ("withdrawBadge", {}),
]


@pytest.fixture
async def admin(api: Api) -> Actor:
    """The administrator of HV1, where ann works; bob works at HV2, and eve at both."""
    await api.do("submitSites", "", by=Role.ADMIN, sites=SITES)
    await api.actor(Role.OPERATOR, site="HV1", subject="ann")
    await api.actor(Role.OPERATOR, site="HV2", subject="bob")
    await api.actor(Role.OPERATOR, site="HV1", subject="eve")
    await api.do("grantRole", "", by=Role.ADMIN, principal="eve", role="OPERATOR", site="HV2")
    for person in ("ann", "bob", "eve"):
        await api.do("registerBadge", "", by=Role.ADMIN, principal=person, badge=f"badge-{person}")
        await api.do("issueApiKey", "", by=Role.ADMIN, principal=person)
        await api.do("linkIdentity", "", by=Role.ADMIN, principal=person, issuer="https://x.example", subject=person)
    return await api.actor(Role.ADMIN, site="HV1", subject="admin-1")


@pytest.mark.parametrize(("command", "more"), WAYS_IN, ids=[command for command, _ in WAYS_IN])
async def test_whose_roles_count_elsewhere_is_out_of_reach(
    api: Api, admin: Actor, command: str, more: dict[str, Any]
) -> None:
    """Otherwise the administrator of one site could give himself the rights of any other, or of all."""
    everywhere = await api.actor(Role.ADMIN)
    everywhere_subject = everywhere.subject
    for subject in ("bob", "nobody-known"):
        [error] = await api.refused(command, by=admin, principal=subject, **more)
        assert (error["code"], error["message"]) == ("NOT_FOUND", f"no Principal '{subject}'")
    assert [e["code"] for e in await api.refused(command, by=admin, principal=everywhere_subject, **more)] == [
        "NOT_FOUND"
    ]
    [error] = await api.refused(command, by=admin, principal="eve", **more)
    assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "principal"])
    await api.do(command, "", by=admin, principal="ann", **more)


async def test_nobody_gives_a_role_beyond_his_sites(api: Api, admin: Actor) -> None:
    for command in ("grantRole", "withdrawRole"):
        [error] = await api.refused(command, by=admin, principal="ann", role="OPERATOR")
        assert (error["code"], error["path"]) == ("VALIDATION_FAILED", ["input", "site"])
        [error] = await api.refused(command, by=admin, principal="ann", role="OPERATOR", site="HV2")
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["input", "site"])
    await api.do("grantRole", "", by=admin, principal="eve", role="QUALITY", site="HV1")


async def test_who_is_new_can_be_given_a_role(api: Api, admin: Actor) -> None:
    await api.do("createPrincipal", "", by=admin, subject="new", kind="PERSON", displayName="New")
    await api.do("openAccount", "", by=admin, principal="new")
    await api.do("grantRole", "", by=admin, principal="new", role="OPERATOR", site="HV1")


async def test_keys_and_identities_of_others_are_out_of_reach(api: Api, admin: Actor) -> None:
    document = "{ principals { nodes { subject apiKeys { keyId id } identities { id } account { id } } } }"
    everybody = (await api.ask(document, by=Role.AUDITOR))["principals"]["nodes"]
    of = {person["subject"]: person for person in everybody}
    for subject, code in (("bob", "NOT_FOUND"), ("eve", "VALIDATION_FAILED")):
        [key], [identity] = of[subject]["apiKeys"], of[subject]["identities"]
        for name in (key["keyId"], key["id"]):
            assert [e["code"] for e in await api.refused("revokeApiKey", by=admin, apiKey=name)] == [code]
        errors = await api.refused("unlinkIdentity", by=admin, identity=identity["id"])
        assert [e["code"] for e in errors] == [code]
    await api.do("revokeApiKey", "", by=admin, apiKey=of["ann"]["apiKeys"][0]["keyId"])
    await api.do("unlinkIdentity", "", by=admin, identity=of["ann"]["identities"][0]["id"])


async def test_how_somebody_of_another_site_logs_in_is_not_shown(api: Api, admin: Actor) -> None:
    whole = """query ($id: ID!) { node(id: $id) { ... on Principal { subject account { id } apiKeys { id }
      identities { id } sessions { id } grants { id site { code } } } } }"""
    bob = await api.actor(Role.OPERATOR, site="HV2", subject="bob")
    by_all = (await api.ask(whole, by=Role.AUDITOR, id=opaque_id("Principal", bob.principal_id)))["node"]
    assert by_all["account"]
    ids = [by_all["account"]["id"]]
    ids += [row["id"] for name in ("apiKeys", "identities", "grants") for row in by_all[name]]
    assert len(ids) == 4
    shown = (await api.ask(whole, by=admin, id=opaque_id("Principal", bob.principal_id)))["node"]
    nothing = {"account": None, "apiKeys": [], "identities": [], "sessions": [], "grants": []}
    assert shown == {"subject": "bob", **nothing}, "who acted is known everywhere, and no more"
    found = await api.ask("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", by=admin, ids=ids)
    assert found == {"nodes": [None] * len(ids)}


async def test_a_site_is_made_by_who_administers_all(api: Api, admin: Actor) -> None:
    site = '{code: "HV9", name: "N", timeZone: "Europe/Lisbon"}'
    document = f"mutation {{ submitSites(input: {{sites: [{site}]}}) {{ replayed }} }}"
    async with api.nothing_written():
        assert (await api.error(document, by=admin))["code"] == "FORBIDDEN"


async def test_a_destination_of_another_site_is_not_there(api: Api, admin: Actor) -> None:
    await api.do("registerDestination", "", by=Role.ADMIN, code="ERP-2", kind="CONNECTOR", site="HV2")
    erp = await api.actor(Role.ERP, site="HV1")
    for code in ("ERP-2", "NONE"):
        document = f'{{ outboundMessages(filter: {{destination: "{code}"}}) {{ totalCount }} }}'
        assert (await api.error(document, by=erp))["code"] == "NOT_FOUND"
