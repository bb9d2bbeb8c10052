"""The authorisation matrix for roles at a line: each command, at the line of its things, another one, another site."""

import random
from collections.abc import Iterator

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.places import PLACES
from mesgraph.access.policy import audience
from mesgraph.access.roles import Role
from mesgraph.equipment.models import Equipment, EquipmentLevel
from mesgraph.work import Actor, Grant
from tests.api import Api
from tests.factories.materials import equipment
from tests.security.matrix import AWAY, HOME, Cell, Matrix, Outcome, Place, fields
from tests.security.two_plants import STOCKED, Plants, two_plants
from tests.stages import scaled

HERE, THERE = "LINE-1", "LINE-2"
"""The line in which all work units and stores of a site stand, and one in which nothing stands."""
AT_THE_SITE_UNLESS_TOLD = {"receiveItems", "commissionItems", "storeJobOrder", "rerouteJobOrder"}
"""Commands whose equipment may be left out: then it is for the site, and the matrix leaves it out."""


async def put_lines(api: Api, plants: Plants) -> dict[tuple[str, str], Grant]:
    """The lines of both sites; where a role counts that is granted at one."""

    def put(session: Session) -> dict[tuple[str, str], Grant]:
        work, made = api.work(session), {}
        for site in STOCKED:
            for code in (HERE, THERE):
                row = Equipment(
                    site_id=plants.site_ids[site], code=code, name=code, level=EquipmentLevel.PRODUCTION_LINE
                )
                line = work.add(row)
                made[site, code] = Grant("", line.site_id, frozenset({line.id}))
            for code in ("COAT01", "STORE-1", "STORE-2"):
                [inside] = made[site, HERE].within
                equipment(session, f"{site}/{code}").parent_id = inside
        return made

    return await api.plant.database.write(put)


def expected(field: str, site: str, line: str) -> Outcome:
    """What the policy, and the place of a command, say."""
    if field not in PLACES:
        return Outcome.FORBIDDEN
    if site == AWAY:
        return Outcome.ABSENT
    return Outcome.ALLOWED if line == HERE and field not in AT_THE_SITE_UNLESS_TOLD else Outcome.FORBIDDEN


def cells() -> Iterator[tuple[Role, str, str, str]]:
    """One role of each command at each line, seeded; all roles where the scale is full."""
    draw = random.Random(11)
    for type_name, field in sorted(fields()):
        if type_name == "Mutation":
            roles = sorted(audience(type_name, field))
            for role in roles if not scaled(1, 0) else [draw.choice(roles)]:
                for site, line in ((HOME, HERE), (HOME, THERE), (AWAY, HERE)):
                    yield role, field, site, line


@pytest.mark.timeout(scaled(120, 600))
async def test_each_command_goes_as_far_as_its_line(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    plants = await two_plants(api)
    lines = await put_lines(api, plants)
    matrix, wrong = Matrix(plants, monkeypatch), []
    async with api.nothing_written():
        for role, field, site, line in cells():
            grant = lines[site, line]._replace(role=role.value)
            actor = Actor(principal_id=plants.principal_id, subject="matrix", grants=(grant,))
            place = Place.OWN if site == HOME else Place.OTHER
            got = await matrix.outcome(Cell(role, place, "Mutation", field), actor)
            if got is not expected(field, site, line):
                wrong.append(f"{role} at {site}/{line}: {field} is to be {expected(field, site, line)}: {got}")
    assert not wrong, wrong[:20]
