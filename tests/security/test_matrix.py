"""The policy holds: each role gets at each place what the policy says, and nothing of a site shows at another.

A seeded sample runs with the other tests and meets every line of the policy; ``MESGRAPH_TEST_SCALE=full`` asks all.
"""

import random
from collections import defaultdict
from typing import Any

import pytest

from mesgraph.access import policy
from mesgraph.access.policy import MASKED, POLICY, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.api import policy as enforcement
from mesgraph.api.nodes import NODES, opaque_id, parse_node_id
from mesgraph.api.policy import ROOTS
from mesgraph.db import BetweenSites, Sited
from tests.api import Api
from tests.security.crawl import crawl
from tests.security.matrix import (
    AWAY,
    HOME,
    Cell,
    Matrix,
    Outcome,
    Place,
    cells,
    expected,
    field_of,
    fields,
)
from tests.security.objects import NEVER_MET, Objects
from tests.security.operations import FORMS, Asked, Path, references
from tests.security.two_plants import two_plants
from tests.stages import scaled

Line = tuple[str, str]

EXTRA = 150
"""Cells of the sample beside one of each kind for every line."""
IN_THE_BOOKS = {
    *("MaterialActual.itemKey", "MaterialPerformance.itemKey", "OperationsPerformance.document"),
    *("TransferLine.itemKey", "Transfer.number", "Transfer.fromSite", "Transfer.toSite"),
}
"""Where the name of what lies at another site stands on purpose: what an order took stays in its books wherever it has
gone since, and a transfer belongs to both its sites.
"""


def line_of(type_name: str, field: str) -> Line:
    """The line of the policy that decides on a field."""
    return type_name, field if field in POLICY[type_name] else "*"


def lines() -> dict[Line, list[str]]:
    """Every line, with the fields that it decides on."""
    found: dict[Line, list[str]] = defaultdict(list)
    for type_name, field in fields():
        found[line_of(type_name, field)].append(field)
    return found


def sample(draw: random.Random) -> list[Cell]:
    """For every line one role that it names and, where there is one, one that it does not; every mask; some more."""
    chosen = []
    for (type_name, _), of_line in lines().items():
        field = draw.choice(of_line)
        roles = audience(type_name, field)
        chosen.append(Cell(draw.choice(sorted(roles)), draw.choice([Place.OWN, Place.OTHER]), type_name, field))
        if roles != EVERYONE:
            chosen.append(Cell(draw.choice(sorted(EVERYONE - roles)), Place.OWN, type_name, field))
    for type_name, masks in MASKED.items():
        chosen += [Cell(draw.choice(sorted(EVERYONE - masks[field])), Place.OWN, type_name, field) for field in masks]
    return chosen + draw.sample(list(cells()), EXTRA)


@pytest.fixture
async def matrix(api: Api, monkeypatch: pytest.MonkeyPatch) -> Matrix:
    return Matrix(await two_plants(api), monkeypatch)


@pytest.fixture
async def objects(matrix: Matrix) -> Objects:
    plants = matrix.plants
    return Objects(matrix, await crawl(plants, plants.actor(*Role, at=HOME), Asked(plants.at[HOME])))


async def outcome(matrix: Matrix, objects: Objects, cell: Cell) -> Outcome | str:
    return await (matrix if cell.type_name in ROOTS else objects).outcome(cell)


def test_every_field_has_cells_for_every_role_and_place() -> None:
    asked = {(cell.type_name, cell.field) for cell in cells()}
    assert asked == {(name, field) for name, field in fields()}
    for root in ROOTS:
        for type_name, field in asked:
            if type_name == root:
                list(references(field, field_of(root, field).args))
    assert {line_of(cell.type_name, cell.field) for cell in sample(random.Random(3))} == set(lines())


def test_every_line_of_the_policy_decides_on_a_field() -> None:
    assert set(lines()) == {(name, field) for name, of_type in POLICY.items() for field in of_type}


@pytest.mark.timeout(scaled(120, 1200))
async def test_each_cell_is_answered_as_the_policy_says(matrix: Matrix, objects: Objects) -> None:
    wanted = sample(random.Random(3)) if scaled(1, 0) else list(cells())
    wrong = []
    async with matrix.plants.api.nothing_written():
        for cell in wanted:
            got = await outcome(matrix, objects, cell)
            if got is not expected(cell):
                wrong.append(f"{cell} is to be {expected(cell)}: {got}")
    assert not wrong, wrong[:20]


async def test_what_no_cell_can_be_asked_of_is_known(objects: Objects) -> None:
    """Types without an object in the two plants; their fields show the refusal of a role and nothing else."""
    payloads = {name for name, _ in fields() if name.endswith("Payload")}
    missed = {name for name, _ in fields()} - set(objects.home.found) - payloads - set(ROOTS)
    assert missed == NEVER_MET


def reference_cells() -> list[tuple[str, str, Path]]:
    """Every place in the arguments of a root field that names a thing of a site."""
    return [
        (root, field, path)
        for root in ROOTS
        for field in sorted({field for name, field in fields() if name == root})
        for path, _ in references(field, field_of(root, field).args)
    ]


@pytest.mark.timeout(scaled(120, 600))
async def test_one_name_of_another_site_is_as_good_as_none(matrix: Matrix) -> None:
    """All else is the caller's own: the one name is answered as that of nothing, by key and by id; nothing is done."""
    wanted = reference_cells()
    for root, field, path in wanted if not scaled(1, 0) else random.Random(4).sample(wanted, 60):
        actor = matrix.plants.actor(*audience(root, field), at=AWAY)
        for form in FORMS:
            own = Asked(matrix.plants.at[AWAY], form)
            answers = []
            for absent in (False, True):
                other = Asked(matrix.plants.at[HOME], form, absent=absent)
                answer = await matrix.ask(root, field, actor, own.but(path, other), chosen=path)
                assert not answer.committed, (field, path, answer.data)
                answers.append(answer.text(other))
            assert answers[0] == answers[1], (field, path, form)


async def test_nothing_of_another_site_is_found_by_its_id(matrix: Matrix) -> None:
    """With every field that it has; an account, key or identity of somebody of another site is not found either."""
    plants = matrix.plants
    actor = plants.actor(*Role, at=AWAY)
    for name, (kind, key) in plants.at[HOME].rows.items():
        if issubclass(NODES[kind].row, Sited | BetweenSites) or name in ("key", "identity"):
            document = "query ($ids: [ID!]!) { nodes(ids: $ids) { __typename } }"
            found = await plants.api.ask(document, by=actor, ids=[opaque_id(kind, key)])
            assert found == {"nodes": [None]}, name
            history = "query ($id: ID!) { history(id: $id) { totalCount } }"
            assert (await plants.api.error(history, by=actor, id=opaque_id(kind, key)))["code"] == "NOT_FOUND", name


@pytest.mark.parametrize("site", [HOME, AWAY])
async def test_nothing_that_a_site_is_shown_leads_to_another(matrix: Matrix, site: str) -> None:
    """Every field of every object that can be reached: no id of a row of another site, and no name from there."""
    plants = matrix.plants
    other = AWAY if site == HOME else HOME
    shown = await crawl(plants, plants.actor(*Role, at=site), Asked(plants.at[site]))
    assert len(shown.answers) > 2_000
    assert not shown.errors
    foreign = await plants.api.plant.database.read(lambda session: foreign_ids(session, plants.site_ids[site]))
    for where, answer in shown.answers:
        texts = list(texts_in(answer))
        assert not [text for text in texts if parse_node_id(text) in foreign], where
        if where not in IN_THE_BOOKS:
            assert not [text for text in texts if other in text], where


def texts_in(value: Any) -> Any:
    """Every text of an answer."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from texts_in(inner)


def foreign_ids(session: Any, site_id: int) -> set[tuple[str, int]]:
    """Kind and id of every row that lies at another site."""
    rows = (
        row
        for cls in {kind.row for kind in NODES.values() if issubclass(kind.row, Sited)}
        for row in session.query(cls).filter(cls.site_id != site_id)  # type: ignore[attr-defined]
    )
    return {(row.subject_kind, row.id) for row in rows}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.timeout(scaled(120, 600))
async def test_no_line_can_be_changed_unnoticed(
    matrix: Matrix, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each line widened to everybody and narrowed by a role: a cell of that line is answered otherwise."""
    draw = random.Random(6)
    unnoticed = []
    for (type_name, name), of_line in lines().items():
        field = draw.choice(of_line)
        roles = audience(type_name, field)
        leaving = draw.choice(sorted(roles))
        changes = [(roles - {leaving}, leaving)]
        if roles != EVERYONE:
            changes.append((EVERYONE, draw.choice(sorted(EVERYONE - roles))))
        for changed, role in changes:
            cell = Cell(role, Place.OWN, type_name, field)
            wanted = expected(cell)
            with monkeypatch.context() as patch:
                lay_over(patch, type_name, name, field, changed)
                got = await outcome(matrix, objects, cell)
            if got is wanted and field not in policy.PLANT_WIDE:
                unnoticed.append((type_name, name, sorted(changed)))
    assert not unnoticed


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_no_mask_can_be_taken_away_unnoticed(
    matrix: Matrix, objects: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    for type_name, masks in MASKED.items():
        for field, readers in masks.items():
            cell = Cell(min(EVERYONE - readers), Place.OWN, type_name, field)
            definition = field_of(type_name, field)
            assert await objects.outcome(cell) is expected(cell) is Outcome.MASKED
            with monkeypatch.context() as patch:
                patch.setattr(definition, "resolve", definition.resolve.__wrapped__)
                assert await objects.outcome(cell) is not Outcome.MASKED


def lay_over(patch: pytest.MonkeyPatch, type_name: str, name: str, field: str, roles: frozenset[Role]) -> None:
    """Give a line of the policy, and the guard of one of its fields, other roles."""
    definition = field_of(type_name, field)
    guarded = type_name in ROOTS or audience(type_name, field) != EVERYONE
    attribute = "subscribe" if type_name == "Subscription" else "resolve"
    resolve = getattr(definition, attribute)
    patch.setattr(definition, attribute, resolve.__wrapped__ if guarded else resolve)
    patch.setitem(POLICY[type_name], name, roles)
    enforcement._guard(type_name, field, definition, roles)
