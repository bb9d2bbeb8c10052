"""The policy is data: every field has a line, a missing line stops the build, and each decision is the line's."""

import random
from copy import deepcopy
from typing import Any

import pytest
from graphql import GraphQLObjectType

from mesgraph.access import policy
from mesgraph.access.policy import MASK, MASKED, POLICY, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.api.context import Context
from mesgraph.api.nodes import opaque_id
from mesgraph.api.policy import ROOTS, enforce
from mesgraph.errors import Code, Denied
from mesgraph.schema import build_schema
from tests.api import Api

HV1 = {"code": "HV1", "name": "Halvard", "timeZone": "Europe/Stockholm"}


def fields() -> list[tuple[str, str]]:
    return [
        (name, field)
        for name, kind in build_schema()._schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__")
        for field in kind.fields
    ]


def test_every_field_has_a_line_and_every_line_a_field() -> None:
    for type_name, field in fields():
        assert audience(type_name, field) <= EVERYONE
    known = fields()
    lines = {(name, field) for name, of_type in POLICY.items() for field in of_type if field != "*"}
    assert lines <= set(known), lines - set(known)
    assert set(POLICY) <= {name for name, _ in known}, "no line for a type that does not exist"


def test_roots_have_no_line_for_all_their_fields() -> None:
    assert all("*" not in POLICY[root] for root in ROOTS)


def test_a_missing_line_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    """A seeded sample of lines, each removed in turn: the schema must not build without it."""
    schema = build_schema()._schema
    lines = [(name, field) for name, of_type in POLICY.items() for field in of_type]
    needed = [(n, f) for n, f in lines if n in ROOTS or (f == "*" and set(schema.type_map[n].fields) - set(POLICY[n]))]  # type: ignore[attr-defined]
    for laid in ("_guard", "_mask"):
        monkeypatch.setattr(f"mesgraph.api.policy.{laid}", lambda *_: None)
    enforce(schema)
    for name, field in random.Random(5).sample(needed, min(40, len(needed))):
        changed = deepcopy(POLICY)
        del changed[name][field]
        monkeypatch.setattr(policy, "POLICY", changed)
        monkeypatch.setattr("mesgraph.api.policy.POLICY", changed)
        with pytest.raises(LookupError, match=name):
            enforce(schema)


def test_a_line_for_nothing_stops_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    changed = deepcopy(POLICY)
    changed["Query"]["noSuchField"] = EVERYONE
    monkeypatch.setattr("mesgraph.api.policy.POLICY", changed)
    for laid in ("_guard", "_mask"):
        monkeypatch.setattr(f"mesgraph.api.policy.{laid}", lambda *_: None)
    with pytest.raises(LookupError, match="noSuchField"):
        enforce(build_schema()._schema)


def asked(type_name: str, field: str) -> Any:
    """What a field's resolver is before anything but the policy has been asked."""
    found: Any = build_schema()._schema.type_map[type_name]
    graphql_field = found.fields[field]
    return graphql_field.subscribe if type_name == "Subscription" else graphql_field.resolve


class Reached(Exception):
    """The policy let the caller through."""


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_each_role_gets_what_the_policy_says(api: Api, role: Role, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every root field and every restricted field, asked as ``role``: refused exactly where its line says so."""
    actor = await api.actor(role)

    class Info:
        context = Context(api.plant, actor)

    for type_name, field in fields():
        roles = audience(type_name, field)
        if type_name not in ROOTS and roles == EVERYONE:
            continue
        resolve = asked(type_name, field)
        closure = dict(zip(resolve.__code__.co_freevars, resolve.__closure__ or (), strict=True))
        before = closure["resolve"].cell_contents

        def reached(*_: Any, **__: Any) -> None:
            raise Reached

        closure["resolve"].cell_contents = reached
        try:
            with pytest.raises(Reached if role in roles else Denied) as outcome:
                resolve(None, Info)
        finally:
            closure["resolve"].cell_contents = before
        if isinstance(outcome.value, Denied):
            assert outcome.value.code is Code.FORBIDDEN, (type_name, field)


async def test_who_has_no_role_may_do_nothing(api: Api) -> None:
    nobody = await api.actor()
    for document in ("{ sites { code } }", "{ me { id } }", "{ systemStatus { now } }"):
        assert (await api.error(document, by=nobody))["code"] == "FORBIDDEN"


async def test_a_role_at_one_site_commands_nothing_elsewhere(api: Api) -> None:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HV1, HV1 | {"code": "HV2"}])
    here = await api.actor(Role.ENGINEER, site="HV1")
    machine = [{"code": "M1", "name": "M", "level": "WORK_CELL"}]
    await api.do("submitEquipment", "", by=here, site="HV1", equipment=machine)
    errors = await api.refused("submitEquipment", by=here, site="HV2", equipment=machine)
    assert [(e["code"], e["path"]) for e in errors] == [("NOT_FOUND", ["input", "site"])]


async def test_a_viewer_sees_no_names_of_people(api: Api) -> None:
    await api.do("submitSites", "", by=Role.ADMIN, sites=[HV1])
    viewer = await api.actor(Role.VIEWER, site="HV1")
    ann = await api.actor(Role.OPERATOR, subject="ann-the-operator")
    assert (await api.ask("{ sites { code name } }", by=viewer))["sites"]
    for document in (
        "{ me { subject } }",
        "{ me { displayName } }",
        "{ principals { nodes { subject } } }",
        "{ principals { totalCount } }",
        "subscription { ledgerAppended { event { actor } } }",
    ):
        context = Context(api.plant, viewer)
        stream = await build_schema().stream(document, context_value=context)
        codes = [e.extensions["code"] async for result in stream for e in result.errors or []]
        assert codes == ["FORBIDDEN"], document
    document = "query ($id: ID!) { node(id: $id) { id ... on Principal { kind subject displayName } } }"
    shown = {}
    for who in (viewer, ann):
        found = await api.ask(document, by=who, id=opaque_id("Principal", ann.principal_id))
        shown[who.subject] = found["node"]
    assert shown[viewer.subject] == {"id": MASK, "kind": "PERSON", "subject": MASK, "displayName": MASK}
    assert shown[ann.subject]["subject"] == "ann-the-operator"
    assert (await api.ask("query ($id: ID!) { node(id: $id) { id } }", by=viewer, id=MASK))["node"] is None
    roles = "query ($id: ID!) { node(id: $id) { ... on Principal { grants { role } } } }"
    assert (await api.error(roles, by=viewer, id=opaque_id("Principal", ann.principal_id)))["code"] == "FORBIDDEN"


def test_every_text_that_names_a_person_is_masked_for_viewers() -> None:
    names = {
        (name, field)
        for name, field in fields()
        if field in ("actor", "displayName", "subject", "author", "approver", "printedName") or field.endswith("By")
        if str(build_schema()._schema.type_map[name].fields[field].type).strip("!") == "String"  # type: ignore[attr-defined]
        and Role.VIEWER in audience(name, field)
    }
    assert len(names) > 7
    assert {line for line in names if Role.VIEWER in MASKED.get(line[0], {}).get(line[1], EVERYONE)} == set()
