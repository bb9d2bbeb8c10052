"""Operations definitions in the API: looked up, drafted, and brought along their life."""

from datetime import datetime
from typing import Annotated

import strawberry

from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.nodes import find
from mesgraph.definitions import actions, queries
from mesgraph.definitions.graphql.drafting import DraftOperationsDefinitionInput, read_draft
from mesgraph.definitions.graphql.lists import DefinitionLists
from mesgraph.definitions.graphql.nodes import OperationsDefinitionNode
from mesgraph.definitions.models import OperationsDefinition
from mesgraph.errors import Findings
from mesgraph.work import Work


@strawberry.type
class DefinitionQueries(DefinitionLists):
    """Reads."""

    @strawberry.field(description="A definition by code and version; null when there is none.")
    async def operations_definition(
        self,
        info: Info,
        code: Annotated[str, strawberry.argument(description="Code.")],
        version: Annotated[
            str | None,
            strawberry.argument(description="Version; when left out the one that became effective last."),
        ] = None,
    ) -> OperationsDefinitionNode | None:
        """One by key."""
        key = code if version is None else f"{code}:{version}"
        return shown(await info.context.read(lambda session: queries.definition_by_key(session, key)))


@strawberry.type(description="The draft as stored.")
class DraftOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input
class DefinitionStepInput(CommandInput):
    """What every step in the life of a version takes."""

    operations_definition: strawberry.ID = strawberry.field(description="The version, `CODE:VERSION`.")
    expected_version: int | None = strawberry.field(
        default=None, description="The `rowVersion` that you decided on; another stored one is a VERSION_CONFLICT."
    )


@strawberry.input(description="A draft to hand over for review.")
class SubmitOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version under review.")
class SubmitOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="A version under review to give back to its author.")
class ReturnOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version, a draft again.")
class ReturnOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="A reviewed version to approve, by another person than its author.")
class ApproveOperationsDefinitionInput(DefinitionStepInput):
    """One version and its time."""

    effective_from: datetime | None = strawberry.field(
        default=None, description="From when orders may use it; as drafted, or from now on, when left out."
    )
    effective_to: datetime | None = strawberry.field(
        default=None, description="Until when, excluded; as drafted, or for good, when left out."
    )


@strawberry.type(description="The approved version, its content frozen.")
class ApproveOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.input(description="An approved version to take out of use.")
class RetireOperationsDefinitionInput(DefinitionStepInput):
    """One version."""


@strawberry.type(description="The version, obsolete.")
class RetireOperationsDefinitionPayload(CommandPayload):
    """Answer."""

    operations_definition: OperationsDefinitionNode | None = strawberry.field(default=None, description="The version.")


@strawberry.type
class DefinitionCommands:
    """Writes."""

    @command
    def draft_operations_definition(
        work: Work, input: DraftOperationsDefinitionInput
    ) -> DraftOperationsDefinitionPayload:
        """Write down a version of how a product is made, or replace its draft. Whoever drafts is its author. A version
        that is no draft any more is refused (RECORD_IMMUTABLE).
        """
        found = Findings()
        draft = read_draft(work.session, input, found)
        row = actions.draft_operations_definition(work, draft, missing=found.violations)
        return DraftOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def submit_operations_definition(
        work: Work, input: SubmitOperationsDefinitionInput
    ) -> SubmitOperationsDefinitionPayload:
        """Hand a draft over for review."""
        row = actions.submit_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return SubmitOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def return_operations_definition(
        work: Work, input: ReturnOperationsDefinitionInput
    ) -> ReturnOperationsDefinitionPayload:
        """Give a version under review back to its author."""
        row = actions.return_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return ReturnOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def approve_operations_definition(
        work: Work, input: ApproveOperationsDefinitionInput
    ) -> ApproveOperationsDefinitionPayload:
        """Approve a reviewed version and freeze its content. Its author may not (SAME_PERSON_FORBIDDEN). Of several
        effective versions new orders take the one that became effective last.
        """
        row = actions.approve_operations_definition(
            work,
            _definition(work, input),
            effective_from=input.effective_from,
            effective_to=input.effective_to,
            expected_version=input.expected_version,
        )
        return ApproveOperationsDefinitionPayload(operations_definition=shown(row))

    @command
    def retire_operations_definition(
        work: Work, input: RetireOperationsDefinitionInput
    ) -> RetireOperationsDefinitionPayload:
        """Take an approved version out of use. Orders that were released on it keep it."""
        row = actions.retire_operations_definition(
            work, _definition(work, input), expected_version=input.expected_version
        )
        return RetireOperationsDefinitionPayload(operations_definition=shown(row))


def _definition(work: Work, input: DefinitionStepInput) -> OperationsDefinition:
    return find(work.session, OperationsDefinition, input.operations_definition, "operations_definition")
