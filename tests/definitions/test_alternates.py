"""A segment lists the equipment to which its jobs may be rerouted (I44)."""

from typing import Any

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.models import SegmentAlternate
from mesgraph.definitions.queries import content_hash, content_of, definition_by_key
from tests.api import Api
from tests.factories.orders import approve, cathode, make_line

ALTERNATES = "{ segments { seq alternates { priority equipmentClass { code } } } }"


def with_alternates(*alternates: dict[str, Any], version: str = "5") -> dict[str, Any]:
    """The cathode definition whose coating has these alternates."""
    draft = cathode(version=version)
    draft["segments"][2]["alternates"] = list(alternates)
    return draft


async def test_alternates_are_stored_and_the_first_choice_comes_first(api: Api) -> None:
    await make_line(api)
    draft = with_alternates({"equipmentClass": "SLITTING"}, {"equipmentClass": "COATING", "priority": 10})
    payload = await api.do("draftOperationsDefinition", f"operationsDefinition {ALTERNATES}", by=Role.ENGINEER, **draft)
    shown = {segment["seq"]: segment["alternates"] for segment in payload["operationsDefinition"]["segments"]}
    assert shown[30] == [
        {"priority": 10, "equipmentClass": {"code": "COATING"}},
        {"priority": 0, "equipmentClass": {"code": "SLITTING"}},
    ]
    assert shown[20] == []
    payload = await api.do(
        "draftOperationsDefinition", f"operationsDefinition {ALTERNATES}", by=Role.ENGINEER, **cathode()
    )
    assert {str(s["alternates"]) for s in payload["operationsDefinition"]["segments"]} == {"[]"}, "a draft is replaced"


async def test_alternates_are_part_of_what_is_approved(api: Api) -> None:
    await make_line(api)
    key = await approve(api, with_alternates({"equipmentClass": "COATING"}))

    def change(session: Session) -> tuple[bool, bool]:
        definition = definition_by_key(session, key)
        assert definition is not None
        before = content_hash(session, definition) == definition.content_hash
        session.query(SegmentAlternate).update({"priority": 1})
        return before, content_hash(session, definition) == definition.content_hash

    assert await api.plant.database.write(change) == (True, False)


async def test_a_segment_without_alternates_says_nothing_of_them(api: Api) -> None:
    """What was approved before there were alternates keeps its hash."""
    await make_line(api)
    key = await approve(api, cathode())

    def content(session: Session) -> list[dict[str, Any]]:
        definition = definition_by_key(session, key)
        assert definition is not None
        segments: list[dict[str, Any]] = content_of(session, definition)["segments"]
        return segments

    assert not [segment for segment in await api.plant.database.read(content) if "alternates" in segment]


async def test_every_mistake_in_the_alternates_is_named(api: Api) -> None:
    await make_line(api)
    errors = await api.refused(
        "draftOperationsDefinition",
        by=Role.ENGINEER,
        **with_alternates(
            {"equipmentClass": "NO-SUCH"},
            {"equipmentClass": "COATING", "priority": -1},
            {"equipmentClass": "COATING"},
        ),
    )
    at = ["input", "segments", "2", "alternates"]
    assert [(e["code"], e["path"]) for e in errors] == [
        ("NOT_FOUND", [*at, "0", "equipmentClass"]),
        ("DUPLICATE_KEY", [*at, "1"]),
        ("VALIDATION_FAILED", [*at, "1", "priority"]),
    ]
