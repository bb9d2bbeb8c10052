"""The life of a version: review, four eyes, frozen content, effectivity."""

from typing import Any

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.models import DefinitionState, OperationsSegment
from mesgraph.definitions.queries import content_hash, definition_by_key, effective_definition
from tests.api import START, Api
from tests.factories.materials import material, site
from tests.factories.orders import approve, cathode, codes, make_line

KEY = "OD-CATH-105:5"


async def drafted(api: Api) -> None:
    await make_line(api)
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    await api.do("draftOperationsDefinition", "", by=author, **cathode())


async def put(api: Api, state: DefinitionState) -> None:
    def change(session: Session) -> None:
        definition = definition_by_key(session, KEY)
        assert definition is not None
        definition.state = state

    await api.plant.database.write(change)


async def state_of(api: Api) -> Any:
    data = await api.ask(
        '{ operationsDefinition(code: "OD-CATH-105", version: "5") '
        "{ state effective contentHash author approver effectiveFrom effectiveTo } }",
        by=Role.AUDITOR,
    )
    return data["operationsDefinition"]


async def test_the_author_does_not_approve(api: Api) -> None:
    await drafted(api)
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    await api.do("submitOperationsDefinition", "", by=author, operationsDefinition=KEY)
    errors = await api.refused("approveOperationsDefinition", by=author, operationsDefinition=KEY)
    assert codes(errors) == ["SAME_PERSON_FORBIDDEN"]


async def test_all_that_is_wrong_with_an_approval_is_named_at_once(api: Api) -> None:
    await drafted(api)
    author = await api.actor(Role.ENGINEER, subject="eng-03")
    errors = await api.refused(
        "approveOperationsDefinition",
        by=author,
        operationsDefinition=KEY,
        expectedVersion=7,
        effectiveFrom="2026-02-17T00:00:00Z",
        effectiveTo="2026-02-16T00:00:00Z",
    )
    assert codes(errors) == ["VERSION_CONFLICT", "INVALID_TRANSITION", "SAME_PERSON_FORBIDDEN", "TIME_ORDER_INVALID"]


async def test_an_approval_freezes_the_content_under_its_hash(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode())
    shown = await state_of(api)
    assert (shown["author"], shown["approver"], shown["effective"]) == ("eng-03", "qa-01", True)
    assert shown["contentHash"]

    def alter(session: Session) -> None:
        definition = definition_by_key(session, KEY)
        assert definition is not None
        assert content_hash(session, definition).hex() == shown["contentHash"]
        segment = session.query(OperationsSegment).filter_by(definition_id=definition.id, seq=30).one()
        segment.setup_time_s += 1
        session.flush()
        assert content_hash(session, definition).hex() != shown["contentHash"]

    await api.plant.database.write(alter)


async def test_effective_means_approved_and_within_the_interval(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode(), effectiveFrom="2026-02-17T00:00:00+01:00", effectiveTo="2026-02-18T00:00:00+01:00")
    assert (await state_of(api))["effective"] is False
    api.clock.step(hours=24)
    assert (await state_of(api))["effective"] is True
    api.clock.step(hours=24)
    assert (await state_of(api))["effective"] is False


async def test_of_several_versions_the_one_that_became_effective_last_counts(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode())
    await approve(api, cathode(version="6"), effectiveFrom="2026-02-17T00:00:00Z")
    await approve(api, cathode(version="7", sites=["HV2"]), effectiveFrom="2026-02-17T01:00:00Z")

    def versions(session: Session) -> list[str | None]:
        product = material(session, "COIL-C").id
        found = []
        for hours, where in ((0, "HV1"), (24, "HV1"), (24, "HV2")):
            at = START.replace(day=START.day + hours // 24)
            row = effective_definition(session, product, site(session, where).id, at)
            found.append(row.definition_version if row else None)
        return found

    assert await api.plant.database.read(versions) == ["5", "6", "7"]


async def test_definitions_are_listed_by_state_and_product(api: Api) -> None:
    await make_line(api)
    await approve(api, cathode())
    await api.do("draftOperationsDefinition", "", by=Role.ENGINEER, **cathode(version="6"))
    data = await api.ask(
        '{ operationsDefinitions(filter: {state: DRAFT, product: "COIL-C"}) { nodes { version } totalCount } '
        'latest: operationsDefinition(code: "OD-CATH-105") { version } }',
        by=Role.VIEWER,
    )
    assert data["operationsDefinitions"] == {"nodes": [{"version": "6"}], "totalCount": 1}
    assert data["latest"] == {"version": "5"}
