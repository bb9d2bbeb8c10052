"""The decision explained is the decision made: the same functions, the same answer, in words."""

import random
from typing import Any

import pytest

from mesgraph.access.actions import create_principal, grant_role
from mesgraph.access.models import PrincipalKind
from mesgraph.access.policy import audience
from mesgraph.access.roles import Role
from mesgraph.api.policy import ROOTS
from mesgraph.work import Actor
from tests.api import Api
from tests.security.matrix import AWAY, HOME, Cell, Matrix, Outcome, Place, cells, names_things
from tests.security.two_plants import two_plants
from tests.stages import scaled

SITES = [{"code": code, "name": code, "timeZone": "Europe/Lisbon"} for code in ("HV1", "HV2")]
DOCUMENT = """query ($principal: ID!, $field: String!, $site: ID, $apiKey: ID) {
  whyDenied(principal: $principal, field: $field, site: $site, apiKey: $apiKey) {
    allowed roles reasons { code text } } }"""
RELEASE = "Mutation.releaseLot"


@pytest.fixture
async def ann(api: Api) -> Actor:
    """QA at HV1."""
    await api.do("submitSites", "", by=Role.ADMIN, sites=SITES)
    return await api.actor(Role.QA, site="HV1", subject="ann")


async def why(api: Api, principal: str, field: str = RELEASE, by: Actor | Role = Role.AUDITOR, **more: Any) -> Any:
    data = await api.ask(DOCUMENT, by=by, principal=principal, field=field, **more)
    return data["whyDenied"]


async def reasons(api: Api, principal: str, field: str = RELEASE, **more: Any) -> dict[str, str]:
    answer = await why(api, principal, field, **more)
    found = {reason["code"]: reason["text"] for reason in answer["reasons"]}
    assert answer["allowed"] == (set(found) == {"PERMITTED"})
    return found


async def test_a_role_at_the_site_permits(api: Api, ann: Actor) -> None:
    answer = await why(api, "ann", site="HV1")
    assert answer == {
        "allowed": True,
        "roles": ["QA"],
        "reasons": [{"code": "PERMITTED", "text": "qa at HV1 permits Mutation.releaseLot"}],
    }


async def test_a_role_at_another_site_does_not(api: Api, ann: Actor) -> None:
    text = "nothing of HV2 exists for ann there, who holds qa at HV1"
    assert await reasons(api, "ann", site="HV2") == {"OTHER_SITES": text}


async def test_another_role_does_not(api: Api, ann: Actor) -> None:
    text = "Mutation.adjustLot is for supervisor; ann holds qa at HV1"
    assert await reasons(api, "ann", "Mutation.adjustLot", site="HV1") == {"OTHER_ROLES": text}


async def test_who_holds_no_role_may_nothing(api: Api, ann: Actor) -> None:
    await api.actor(subject="new")
    assert await reasons(api, "new") == {"NO_ROLE": "Mutation.releaseLot is for qa; new holds no role"}


async def test_a_withdrawn_role_is_named(api: Api, ann: Actor) -> None:
    await api.do("withdrawRole", "", by=Role.ADMIN, principal="ann", role="QA", site="HV1")
    assert await reasons(api, "ann", site="HV1") == {
        "NO_ROLE": "Mutation.releaseLot is for qa; ann holds no role",
        "WITHDRAWN": "qa at HV1 was withdrawn at 2026-02-16T05:00:00+00:00",
    }


async def test_whoever_is_deactivated_may_nothing(api: Api, ann: Actor) -> None:
    await api.do("deactivatePrincipal", "", by=Role.ADMIN, principal="ann")
    assert await reasons(api, "ann", site="HV1") == {"INACTIVE": "ann is deactivated and may do nothing"}


async def test_a_key_of_one_site_has_its_roles_there_alone(api: Api, ann: Actor) -> None:
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="QA")
    made = await api.do("issueApiKey", "apiKey { keyId }", by=Role.ADMIN, principal="ann", site="HV2")
    key = made["apiKey"]["keyId"]
    text = f"the key {key} counts at HV2 alone; without it the roles suffice"
    assert await reasons(api, "ann", site="HV1", apiKey=key) == {"KEY_OF_ONE_SITE": text}
    assert set(await reasons(api, "ann", site="HV2", apiKey=key)) == {"PERMITTED"}
    await api.do("revokeApiKey", "", by=Role.ADMIN, apiKey=key)
    assert set(await reasons(api, "ann", site="HV2", apiKey=key)) == {"KEY_ENDED"}


async def test_what_concerns_all_sites_needs_the_role_at_all(api: Api, ann: Actor) -> None:
    await api.actor(Role.ADMIN, site="HV1", subject="admin-1")
    text = "Mutation.submitSites needs its role at all sites; admin-1 holds admin at HV1"
    assert await reasons(api, "admin-1", "Mutation.submitSites") == {"NOT_EVERYWHERE": text}


async def test_an_auditor_of_one_site_asks_about_its_people_and_reads_no_name_of_another(api: Api, ann: Actor) -> None:
    await api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="OPERATOR", site="HV2")
    auditor = await api.actor(Role.AUDITOR, site="HV1", subject="eve")
    found = await reasons(api, "ann", "Mutation.adjustLot", by=auditor)
    assert found["OTHER_ROLES"].endswith("ann holds qa at HV1, operator at another site")
    await api.actor(Role.QA, site="HV2", subject="bob")
    for principal, more, path in (
        ("bob", {}, "principal"),
        ("nobody", {}, "principal"),
        ("ann", {"site": "HV2"}, "site"),
        ("ann", {"apiKey": "none"}, "apiKey"),
    ):
        error = await api.error(DOCUMENT, by=auditor, principal=principal, field=RELEASE, **more)
        assert (error["code"], error["path"]) == ("NOT_FOUND", [path])


@pytest.mark.parametrize("field", ["Mutation", "Mutation.", "Mutation.none", "None.none", "__Type.name", "Sub", ""])
async def test_a_field_that_is_not_there_is_not_found(api: Api, ann: Actor, field: str) -> None:
    error = await api.error(DOCUMENT, by=Role.AUDITOR, principal="ann", field=field)
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["field"])


async def test_only_those_who_look_after_people_ask(api: Api, ann: Actor) -> None:
    for role in set(Role) - {Role.ADMIN, Role.AUDITOR}:
        error = await api.error(DOCUMENT, by=role, principal="ann", field=RELEASE)
        assert error["code"] == "FORBIDDEN"


async def test_it_says_what_the_matrix_finds(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cells of the matrix, asked in earnest by a principal with real grants, and explained to an auditor."""
    plants = await two_plants(api)

    def people(session: Any) -> dict[tuple[Role, Place], str]:
        work, made = api.work(session), {}
        for role in Role:
            for place, site in ((Place.OWN, HOME), (Place.OTHER, AWAY), (Place.NONE, None)):
                subject = f"{role}-{site}".lower()
                principal = create_principal(work, subject=subject, kind=PrincipalKind.PERSON, display_name=subject)
                if site is not None:
                    grant_role(work, principal, role, plants.site_ids[site], site)
                made[role, place] = subject
        return made

    subjects = await api.plant.database.write(people)
    auditor = await api.actor(Role.AUDITOR, subject="auditor")
    matrix = Matrix(plants, monkeypatch)
    about_things = [
        cell
        for cell in cells()
        if cell.type_name in ROOTS and (cell.place is not Place.OTHER or names_things(cell.type_name, cell.field))
    ]
    draw = random.Random(8)
    permitted = [cell for cell in about_things if cell.role in audience(cell.type_name, cell.field)]
    count = scaled(60, len(about_things))
    for cell in {*draw.sample(about_things, count), *draw.sample(permitted, min(count, len(permitted)))}:
        answer = await why(api, subjects[cell.role, cell.place], f"{cell.type_name}.{cell.field}", auditor, site=HOME)
        outcome = await matrix.outcome(Cell(cell.role, cell.place, cell.type_name, cell.field))
        assert answer["allowed"] == (outcome is Outcome.ALLOWED), (str(cell), answer)
