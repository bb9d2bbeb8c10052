"""Versions of a definition move along their table only; the tests are made from the table (I27)."""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.definitions.lifecycle import DEFINITION_STEPS
from mesgraph.definitions.models import DefinitionState, OperationsDefinition
from tests.api import Api
from tests.factories.execution import MIX, make_plant, put_definition
from tests.transitions import Row, Table, Verb, check_refusals, check_steps, policy_differences

DEFINITIONS: Table[DefinitionState] = Table(
    states=list(DefinitionState),
    rows=[Row(frozenset({step.source}), step.target, step.trigger, step.who) for step in DEFINITION_STEPS],
    verbs=[
        Verb("submitOperationsDefinition", "submit"),
        Verb("returnOperationsDefinition", "return"),
        Verb("approveOperationsDefinition", "approve"),
        Verb("retireOperationsDefinition", "retire"),
    ],
    reference="operationsDefinition",
    query="query($key: String!) { thing: operationsDefinition(code: $key) { state } }",
)


async def versions_in(api: Api, states: Sequence[DefinitionState]) -> list[str]:
    """A version in each state, written by somebody who does nothing else in these tests."""
    author, approver = await api.actor(Role.ENGINEER, subject="eng-03"), await api.actor(Role.QA, subject="qa-01")

    def make(session: Session) -> list[str]:
        first = session.query(OperationsDefinition).count()
        return [make_one(session, first + i, state) for i, state in enumerate(states)]

    def make_one(session: Session, number: int, state: DefinitionState) -> str:
        definition = put_definition(api, session, f"V{number}", [MIX], author, approver)
        definition.state = state
        return definition.human_key

    return await api.plant.database.write(make)


def test_the_policy_names_the_roles_of_the_table() -> None:
    assert policy_differences(DEFINITIONS) == []


async def test_a_version_refuses_every_step_that_its_table_does_not_have(api: Api) -> None:
    await make_plant(api)
    assert await check_refusals(api, DEFINITIONS, versions_in) == 4 * 4 - 4


async def test_a_version_takes_every_step_of_its_table_from_everyone_it_names(api: Api) -> None:
    await make_plant(api)
    assert await check_steps(api, DEFINITIONS, versions_in) == 1 + 3 + 3 + 1
