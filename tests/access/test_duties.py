"""Duties that are kept apart: nobody holds both roles of a pair at one site."""

from itertools import product

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.actions import create_principal, grant_role, withdraw_role
from mesgraph.access.duties import MAKERS, SEPARATED, separated_from
from mesgraph.access.models import PrincipalKind
from mesgraph.access.policy import POLICY
from mesgraph.access.roles import Role
from mesgraph.errors import Code, Refused
from tests.api import Api

SITES = [{"code": code, "name": code, "timeZone": "Europe/Lisbon"} for code in ("HV1", "HV2")]
PLACES = {None: None, "HV1": 1, "HV2": 2}


@pytest.fixture
async def plant_api(api: Api) -> Api:
    await api.do("submitSites", "", by=Role.ADMIN, sites=SITES)
    return api


async def test_the_pairs_are_these() -> None:
    assert {Role.OPERATOR, Role.DRIVER, Role.SUPERVISOR, Role.QUALITY, Role.QA} == MAKERS
    assert separated_from(Role.ADMIN) == MAKERS | {Role.AUDITOR}
    assert separated_from(Role.AUDITOR) == MAKERS | {Role.ADMIN}
    assert all(separated_from(maker) == {Role.ADMIN, Role.AUDITOR} for maker in MAKERS)
    assert len(SEPARATED) == 11


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.VIEWER])
def test_who_only_looks_may_use_no_command(role: Role) -> None:
    assert not [command for command, roles in POLICY["Mutation"].items() if role in roles]


def test_who_makes_or_releases_product_administers_nobody() -> None:
    """No command that only administrators use is open to a role that is kept apart from theirs."""
    administration = {command for command, roles in POLICY["Mutation"].items() if roles == {Role.ADMIN}}
    assert {"grantRole", "issueApiKey", "openAccount", "createPrincipal"} <= administration


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_a_pair_is_refused_exactly_where_both_would_count(plant_api: Api) -> None:
    """Every two roles at every two places, in either order."""

    def all_pairs(session: Session) -> None:
        work = plant_api.work(session)
        for n, (first, (_, here)) in enumerate(product(Role, PLACES.items())):
            principal = create_principal(work, subject=f"p{n}", kind=PrincipalKind.PERSON, display_name="P")
            grant_role(work, principal, first, here, None)
            for second, (code, there) in product(Role, PLACES.items()):
                apart = frozenset({first, second}) in SEPARATED and (None in (here, there) or here == there)
                attempt = session.begin_nested()  # each begins with the first role alone
                try:
                    grant_role(work, principal, second, there, code)
                except Refused as refused:
                    [violation] = refused.violations
                    assert apart, (first, second, here, there)
                    assert violation.code is Code.SEPARATION_OF_DUTIES
                else:
                    assert not apart, (first, second, here, there)
                attempt.rollback()

    await plant_api.plant.database.write(all_pairs)


async def test_the_refusal_names_both_roles(plant_api: Api) -> None:
    await plant_api.actor(Role.QA, site="HV1", subject="ann")
    [error] = await plant_api.refused("grantRole", by=Role.ADMIN, principal="ann", role="ADMIN")
    assert (error["code"], error["path"]) == ("SEPARATION_OF_DUTIES", ["input", "role"])
    assert error["message"] == "ann is QA there, and nobody is QA and ADMIN at one site"
    await plant_api.do("grantRole", "", by=Role.ADMIN, principal="ann", role="ADMIN", site="HV2")


async def test_what_was_withdrawn_stands_in_nobodys_way(plant_api: Api) -> None:
    def change(session: Session) -> None:
        work = plant_api.work(session)
        principal = create_principal(work, subject="eve", kind=PrincipalKind.PERSON, display_name="E")
        grant_role(work, principal, Role.QA, 1, "HV1")
        withdraw_role(work, principal, Role.QA, 1, "HV1")
        grant_role(work, principal, Role.AUDITOR, None, None)

    await plant_api.plant.database.write(change)
