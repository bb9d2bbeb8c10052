"""Leads every subscriber from its cursor to the group of its like, and anew whenever it leaves that."""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from graphql import FieldNode, GraphQLSchema, OperationDefinitionNode, VariableNode, get_variable_values
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError

from mesgraph.api.context import Context
from mesgraph.api.door import Door
from mesgraph.api.live.group import Group, Member
from mesgraph.api.live.held import Held, Hold
from mesgraph.api.live.outlet import Outlet
from mesgraph.api.live.place import Place
from mesgraph.api.prepared import Prepared
from mesgraph.errors import Denied, Unavailable
from mesgraph.ledger.queries import Cursor
from mesgraph.plant import Plant

Key = tuple[object, ...]
Stream = AsyncGenerator[Any, None]


class Executes(Protocol):
    """A schema."""

    _schema: GraphQLSchema

    def go_on(self, asked: ExecutionContext, context: Context) -> Stream:
        """Execute what was let in before, for the eyes of ``context``."""


@dataclass(frozen=True)
class Asked:
    """What a subscription asks, and what is known of its document."""

    execution: ExecutionContext
    prepared: Prepared


class Lead(Place):
    """A subscriber alone, until it has caught up with the record; who sees what nobody else does stays alone.

    ``arrived`` is then where it is, ``state`` whether it follows a state; ``changes`` counts the changes of rights
    that were known when its own were looked at.
    """

    def __init__(
        self, start: Cursor | None, changes: int, asked: Asked | None = None, *, hold: Hold | None = None
    ) -> None:
        super().__init__(start)
        self._hold = hold
        self.changes = changes
        self.asked = asked
        self.stops = asked is not None
        self.arrived: Cursor | None = None
        self.state = False

    def asks(self, execution: ExecutionContext, prepared: Prepared) -> None:
        """As the parent says."""
        if self._hold is not None:
            self._hold(execution.context.actor.principal_id, prepared)
        self.asked = Asked(execution, prepared)
        self.stops = not prepared.personal

    def arrive(self, at: Cursor, *, state: bool = False) -> None:
        """As the parent says."""
        self.arrived, self.state = at, state


class Hub:
    """The groups of this process."""

    def __init__(self, schema: Executes, plant: Plant, door: Door) -> None:
        self.groups: dict[Key, Group] = {}
        self._schema = schema
        self._plant = plant
        self._changes = 0
        self._held = Held()
        door.tell(self._look_again_at)

    async def stream(self, context: Context, begin: Callable[[Context], Awaitable[Stream]], outlet: Outlet) -> Stream:
        """Everything that ``begin`` answers for one subscriber: results while it is alone, then frames of its group.

        A group puts its frames into ``outlet``; there comes here only what the outlet does not send itself. Raises
        :class:`~mesgraph.api.live.outlet.TooSlow`. What is no subscription passes as it is.
        """
        with self._plant.metrics.subscriptions.track_inprogress(), self._held.holding() as hold:
            lead = Lead(None, self._changes, hold=hold)
            while True:
                own = context.at(lead)
                with suppress(Denied, Unavailable):  # the policy tells; a database that is silent now tells later
                    await own.prove_again()
                if lead.asked is None:
                    answers = await begin(own)
                else:
                    answers = self._schema.go_on(lead.asked.execution, own)
                async with aclosing(answers):
                    async for result in answers:
                        begun = lead.start is not None and isinstance(result, PreExecutionError)
                        yield ExecutionResult(None, result.errors) if begun else result
                if lead.arrived is None or lead.asked is None:
                    return
                start: Cursor | None = lead.arrived
                member = Member(outlet, own.actor, own.peer, own.bucket, lead.arrived.position)
                group = self._joined(lead, own, member)
                del own, answers  # thousands may wait here
                if group is not None:
                    try:
                        async with aclosing(outlet.frames(member.left)) as frames:
                            async for frame in frames:
                                yield frame
                        start = await member.left
                    finally:
                        group.leave(member)
                        self._tidy(group)
                if start is None:
                    return
                lead = Lead(start, self._changes, lead.asked)

    def _joined(self, lead: Lead, own: Context, member: Member) -> Group | None:
        """The group that took ``member`` in; none when its rights may have changed, or the group is further."""
        asked, start, ends = lead.asked, lead.arrived, member.actor.expires_at
        ended = ends is not None and ends <= self._plant.clock.now()
        if ended or lead.changes != self._changes or asked is None or start is None:
            return None
        key = (*_question(self._schema._schema, asked), frozenset(own.actor.grants))
        group = self.groups.get(key)
        if group is None:
            answers = partial(self._schema.go_on, asked.execution)
            group = Group(self._plant, own.actor, start, answers, state=lead.state, among=self.groups)
            self.groups[key] = group
            group.run(columns=asked.prepared.columns, ended=partial(self._forget, key, group))
        return group if group.take(member) else None

    def _forget(self, key: Key, group: Group) -> None:
        if self.groups.get(key) is group:
            del self.groups[key]

    def _tidy(self, group: Group) -> None:
        if not group.members:
            for key in [key for key, known in self.groups.items() if known is group]:
                del self.groups[key]
            group.stop()

    def _look_again_at(self, principal_id: int) -> None:
        self._changes += 1
        for group in self.groups.values():
            group.look_again_at(principal_id)


def _question(schema: GraphQLSchema, asked: Asked) -> Key:
    """What is asked, by whatever way of writing its variables, and from wherever on."""
    execution = asked.execution
    text, name = execution.query or "", execution.operation_name
    operation = asked.prepared.extent.operation(name)
    assert operation is not None, "it was let in"
    values = get_variable_values(schema, operation.variable_definitions or (), execution.variables or {})
    resumes = _resumes(operation, asked.prepared, text)
    coerced = {key: value for key, value in getattr(values, "coerced", {}).items() if key not in resumes}
    return text, name, repr(_ordered(coerced))


def _resumes(operation: OperationDefinitionNode, prepared: Prepared, text: str) -> set[str]:
    """Variables that say from where on, and nothing else: each is declared once, and used once, as ``after``."""
    named = {
        argument.value.name.value
        for field in operation.selection_set.selections
        if isinstance(field, FieldNode)
        for argument in field.arguments or ()
        if argument.name.value == "after" and isinstance(argument.value, VariableNode)
    }
    nodes = [operation, *prepared.extent.fragments.values()]
    written = "\n".join(text[node.loc.start : node.loc.end] for node in nodes if node.loc)
    return {name for name in named if len(_uses(written, name)) == 2}


def _uses(text: str, variable: str) -> list[str]:
    return re.findall(rf"\$\s*{variable}\b", text)


def _ordered(value: Any) -> Any:
    """Objects in the order of their keys."""
    if isinstance(value, Mapping):
        return sorted((key, _ordered(item)) for key, item in value.items())
    return [_ordered(item) for item in value] if isinstance(value, list) else value
