"""Plans of documents: made when an operation is first asked, kept with its document, and run."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from graphql import GraphQLError, GraphQLField, OperationDefinitionNode, OperationType, VariableNode, Visitor, visit
from graphql.execution.collect_fields import FieldDetails, FragmentDetails
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values
from strawberry.schema import Schema

from mesgraph.api import limits
from mesgraph.api.context import Context
from mesgraph.api.plan._emit import Piece, Unusual
from mesgraph.api.plan.arguments import arguments_of
from mesgraph.api.plan.compiler import Compiler, Field
from mesgraph.api.plan.kinds import NotPlanned, as_json
from mesgraph.api.plan.lists import ListRoot
from mesgraph.api.plan.objects import CalledRoot
from mesgraph.api.plan.reader import LookUps, ScopedReader
from mesgraph.api.plan.roots import Call, FoundRoot, Root
from mesgraph.api.plan.shapes import Called, Found, Listed, definition_of, shape_of
from mesgraph.api.prepared import Prepared
from mesgraph.db import Database
from mesgraph.errors import Refused, Unavailable
from mesgraph.work import Actor

log = logging.getLogger(__name__)

PLANS_MAX = 16
"""Plans of one document: of its operations, for profiles of callers, with each choice of what to skip."""
Profile: TypeAlias = frozenset[tuple[str, bool]]


@dataclass(frozen=True)
class Beginning:
    """A field at the root of a plan: how it is written, and what its arguments are."""

    lead: bytes
    details: FieldDetails
    definition: GraphQLField
    root: Root
    arguments: Callable[[Mapping[str, Any]], dict[str, Any]]

    async def piece(self, call: Call) -> Piece:
        """Its part of the answer."""
        sent = get_argument_values(
            self.definition, self.details.node, call.variables, self.details.fragment_variable_values
        )
        piece, objects = await self.root.piece(self.arguments(sent), call)
        return self.lead + piece, objects


@dataclass(frozen=True)
class Always:
    """The name of the type at the root."""

    text: bytes

    async def piece(self, _call: Call) -> Piece:
        """The same for everybody."""
        return self.text, 0


@dataclass(frozen=True)
class Plan:
    """One operation, for callers of one profile."""

    beginnings: tuple[Beginning | Always, ...]
    in_turn: bool
    """Whether the database answers on the event loop, which then others get between one field and the next."""

    async def answer(self, call: Call) -> bytes:
        """The whole answer. Raises :class:`Unusual` where graphql-core has to be asked."""
        pieces: list[Piece] = []
        if self.in_turn or len(self.beginnings) == 1:
            for number, beginning in enumerate(self.beginnings):
                if number:
                    await asyncio.sleep(0)
                pieces.append(await beginning.piece(call))
        else:
            pieces += await asyncio.gather(*(beginning.piece(call) for beginning in self.beginnings))
        if 1 + sum(objects for _, objects in pieces) > limits.OBJECTS_MAX:
            raise Unusual("too many objects")
        text = b'{"data":{' + b",".join(piece for piece, _ in pieces) + b"}}"
        if len(text) > limits.RESPONSE_MAX:
            raise Unusual("too long")
        return text


class Plans:
    """The plans of one server."""

    def __init__(self, schema: Schema, database: Database) -> None:
        self._schema = schema
        self._look_ups = LookUps(database)
        self._dialect = database.sql

    async def answer(
        self, prepared: Prepared, sent: Mapping[str, Any], name: str | None, context: Context
    ) -> bytes | None:
        """The answer of an operation that the guard has let pass; ``None`` when it is for graphql-core."""
        operation = prepared.extent.operation(name)
        if operation is None or operation.operation is not OperationType.QUERY:
            return None
        variables = get_variable_values(self._schema._schema, operation.variable_definitions or (), dict(sent))
        if not isinstance(variables, VariableValues):
            return None
        answered = None
        try:
            plan = self._plan(prepared, operation, name, variables, context)
            if plan is not None:
                reader = ScopedReader(self._look_ups, context)
                async with asyncio.timeout(limits.DEADLINE_S):
                    answered = await plan.answer(Call(context, variables, reader, limits.RESPONSE_MAX))
        except (Unusual, Refused, Unavailable, GraphQLError, TimeoutError):
            pass  # what there is to say about it, graphql-core says
        except Exception:
            log.exception("a plan failed, and graphql-core answers instead")
        context.plant.metrics.operations.labels("graphql-core" if answered is None else "plan").inc()
        return answered

    def _plan(
        self,
        prepared: Prepared,
        operation: OperationDefinitionNode,
        name: str | None,
        variables: VariableValues,
        context: Context,
    ) -> Plan | None:
        everywhere = context.sites is None
        choices = prepared.plans.get("choices")
        if choices is None:
            choices = prepared.plans["choices"] = tuple(_choices(prepared))
        sees = profile(context.actor), everywhere
        key = (self._dialect.name, name, sees, *(variables.coerced.get(choice) for choice in choices))
        if key not in prepared.plans:
            if len(prepared.plans) > PLANS_MAX:
                prepared.plans.clear()
                prepared.plans["choices"] = choices
            prepared.plans[key] = self._compiled(prepared, operation, variables, context.actor, everywhere=everywhere)
        plan: Plan | None = prepared.plans[key]
        return plan

    def _compiled(
        self,
        prepared: Prepared,
        operation: OperationDefinitionNode,
        variables: VariableValues,
        actor: Actor,
        *,
        everywhere: bool,
    ) -> Plan | None:
        fragments = {name: FragmentDetails(node, {}) for name, node in prepared.extent.fragments.items()}
        compiler = Compiler(
            self._schema._schema,
            self._schema.config,
            operation,
            fragments,
            variables,
            actor,
            self._dialect,
            everywhere=everywhere,
        )
        try:
            beginnings = tuple(self._beginning(compiler, asked) for asked in compiler.root())
            return Plan(beginnings, in_turn=self._dialect.name == "sqlite")
        except NotPlanned:
            return None

    def _beginning(self, compiler: Compiler, asked: Field) -> Beginning | Always:
        name, nodes, definition = asked
        lead = as_json(name) + b":"
        if definition is None:
            return Always(lead + as_json("Query"))
        match shape_of(definition):
            case Listed() as shape:
                root: Root = ListRoot(compiler, shape, asked)
            case Found() as shape:
                root = FoundRoot(compiler, shape, asked)
            case Called() as shape:
                root = CalledRoot(compiler, shape, asked)
            case _:
                raise NotPlanned(f"Query.{nodes[0].node.name.value}")
        arguments = arguments_of(definition_of(definition), compiler.config)
        return Beginning(lead, nodes[0], definition, root, arguments)


def profile(actor: Actor) -> Profile:
    """What decides which fields a caller may see: roles, and whether each counts everywhere."""
    return frozenset((grant.role, grant.site_id is None and not grant.within) for grant in actor.grants)


def _choices(prepared: Prepared) -> Iterator[str]:
    """The variables that say what is skipped or included."""
    found: dict[str, None] = {}

    class Directives(Visitor):
        def enter_directive(self, node: Any, *_: Any) -> None:
            if node.name.value in ("skip", "include"):
                for argument in node.arguments or ():
                    if isinstance(argument.value, VariableNode):
                        found[argument.value.name.value] = None

    visit(prepared.document, Directives())
    yield from found
