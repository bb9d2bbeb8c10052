"""The life of a version as data: every permitted step, what triggers it, and who (I27)."""

from dataclasses import dataclass

from mesgraph.access.roles import Role
from mesgraph.definitions.models import DefinitionState, OperationsDefinition
from mesgraph.errors import Refused, TransitionViolation

D = DefinitionState

APPROVERS = frozenset({Role.QA, Role.ENGINEER, Role.SUPERVISOR})


@dataclass(frozen=True)
class DefinitionStep:
    """A version may go from ``source`` to ``target``."""

    source: DefinitionState
    target: DefinitionState
    trigger: str
    who: frozenset[Role]


DEFINITION_STEPS = (
    DefinitionStep(D.DRAFT, D.FOR_REVIEW, "submit", frozenset({Role.ENGINEER})),
    DefinitionStep(D.FOR_REVIEW, D.DRAFT, "return", APPROVERS),
    DefinitionStep(D.FOR_REVIEW, D.APPROVED, "approve", APPROVERS),
    DefinitionStep(D.APPROVED, D.OBSOLETE, "retire", frozenset({Role.QA})),
)


def targets(state: DefinitionState) -> tuple[DefinitionState, ...]:
    """Where a version in ``state`` may go."""
    return tuple(step.target for step in DEFINITION_STEPS if step.source is state)


def check_step(definition: OperationsDefinition, to: DefinitionState) -> None:
    """Refuse INVALID_TRANSITION when the version may not go to ``to``."""
    allowed = targets(definition.state)
    if to not in allowed:
        raise Refused(
            TransitionViolation(
                message=f"{definition.human_key} is {definition.state} and cannot become {to}",
                path=("operations_definition",),
                from_state=definition.state,
                allowed=tuple(map(str, allowed)),
            )
        )
