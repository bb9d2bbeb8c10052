"""What is refused before anything is executed, and in which order: what costs least to find comes first.

Whoever has used up the budget is refused before the document is looked at; a document is parsed, measured and validated
once (:mod:`mesgraph.api.prepared`); then come who asks, how, and with which variables. Commands and queries travel over
HTTP, where each request proves anew who asks.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, cast

from cross_web import HTTPException
from graphql import DocumentNode, FieldNode, GraphQLError, OperationDefinitionNode, OperationType, parse
from strawberry.types import ExecutionContext
from strawberry.types.graphql import OperationType as AllowedType

from mesgraph.access.roles import Role
from mesgraph.api.answer_size import expect_columns
from mesgraph.api.context import Context
from mesgraph.api.errors import refusal
from mesgraph.api.limits import (
    COST_MAX,
    DEADLINE_S,
    ERRORS_MAX,
    JSON_NODES_MAX,
    LONG_DEADLINE_S,
    NAME_MAX,
    SAMPLE_VALUES_MAX,
    STRING_MAX,
    Excess,
)
from mesgraph.api.literals import is_plain, refused_values
from mesgraph.api.prepared import Documents, Prepared
from mesgraph.documents.store import Standing
from mesgraph.errors import Code
from mesgraph.security_events.kinds import SecurityEventKind

TEXT_MAX = 256 * 1024
NOTHING = parse("{ __typename }")
"""Stands for a document that is refused: strawberry wants one before it takes the refusals."""


class LongField(NamedTuple):
    """A command that takes longer values than others do, for some roles only. Sizes in bytes; ``values_max`` is how
    many values the JSON of its request may hold.
    """

    field: str
    roles: frozenset[Role]
    value_max: int
    values_max: int = JSON_NODES_MAX

    @property
    def request_max(self) -> int:
        """Of the request around it: JSON writes a line break or a quotation mark with two characters. What is no text
        has none of these.
        """
        if self.values_max > JSON_NODES_MAX:
            return self.value_max
        return 2 * self.value_max + TEXT_MAX


LONG: tuple[LongField, ...] = (
    LongField("submitB2mml", frozenset({Role.ERP}), 16 * 1024 * 1024),
    LongField("ingestSamples", frozenset({Role.DRIVER}), 4 * 1024 * 1024, SAMPLE_VALUES_MAX),
)
"""The commands that take long values."""

WHOLE_TEXTS = frozenset({"submitMastersCsv"})
"""Commands of which a single text may be as long as a request."""


class Guard:
    """Decides about every document that is sent for one schema."""

    def __init__(self, documents: Documents) -> None:
        self.documents = documents

    def decide(self, execution: ExecutionContext, name: Any) -> None:
        """Give ``execution`` its document, or the reasons why it is refused. ``name`` is the operation's, as sent."""
        context: Context = execution.context
        try:
            errors = list(islice(self._refused(execution, context, name), ERRORS_MAX + 1))
        except HTTPException:
            raise
        except Exception as bug:  # whatever a document makes of the guard itself, it is answered and not executed
            errors = [GraphQLError(str(bug), original_error=bug)]
        execution.validation_rules = ()  # done here
        if not errors:
            return
        execution.graphql_document = NOTHING
        execution.allowed_operations = frozenset(AllowedType)
        execution._provided_operation_name = None
        execution.pre_execution_errors = errors
        code = (errors[0].extensions or {}).get("code", "DOCUMENT_INVALID")
        context.plant.metrics.refusals.labels(code).inc()
        if code in (Code.RATE_LIMITED, Code.LIMIT_EXCEEDED):
            context.note(SecurityEventKind.COST_SPIKE)

    def passed(self, query: Any, variables: Any, name: Any, context: Context) -> tuple[Prepared, dict[str, Any]] | None:
        """The document and its variables, when nothing speaks against executing it; what does, :meth:`decide` tells."""
        cost_max = COST_MAX
        if isinstance(query, Standing):
            query, cost_max = query.text, query.cost_max or COST_MAX
        if _misshapen(query, variables, name) is not None:
            return None
        try:
            formed = self.documents.formed(query)
            prepared, values = formed or (self.documents.prepared(query, suggest=context.explores), {})
            if not isinstance(prepared, Prepared):
                return None
            sent = {**(variables or {}), **values}
            refused = next(self._refusals(prepared, sent, name or None, context, cost_max), None)
        except Exception:  # told as what it is by whoever decides about the text as it was sent
            return None
        return None if refused is not None else (prepared, sent)

    def _refused(self, execution: ExecutionContext, context: Context, name: Any) -> Iterator[GraphQLError]:
        if (wait_s := context.overdrawn_s()) > 0:
            yield overdrawn(wait_s)
            return
        cost_max = COST_MAX
        match cast(Any, execution.query):
            case GraphQLError() as refused:  # such as one that is asked for by id, and not found
                execution.query = None
                yield refused
                return
            case Standing(text=text, cost_max=own):
                execution.query, cost_max = text, own or COST_MAX
        if (misshapen := _misshapen(execution.query, execution.variables, name)) is not None:
            if not context.is_socket:
                raise HTTPException(400, misshapen.message)
            yield misshapen
            return
        prepared = self.documents.prepared(execution.query or "", suggest=context.explores)
        if not isinstance(prepared, Prepared):
            yield from prepared
            return
        execution.graphql_document = prepared.document
        expect_columns(prepared.columns)
        try:
            context.place.asks(execution, prepared)
        except Excess as excess:
            yield refusal(str(excess), excess.code)
            return
        yield from self._refusals(prepared, execution.variables or {}, name or None, context, cost_max)

    def _refusals(
        self, prepared: Prepared, variables: dict[str, Any], name: str | None, context: Context, cost_max: int
    ) -> Iterator[GraphQLError]:
        yield from _not_now(prepared, context, name)
        yield from refused_values(variables)
        yield from _too_long(prepared.document, variables)
        yield from _too_costly(prepared, name, variables, cost_max)


def overdrawn(wait_s: float) -> GraphQLError:
    """Whoever asks has used up the time of the processor that is there for one principal."""
    wait_s = max(wait_s, 0.1)
    message = f"you have used up your time of the processor; try again in {wait_s:.1f} s, and ask for less at once"
    error = refusal(message, Code.RATE_LIMITED)
    error.extensions["retryAfter"] = round(wait_s, 1)  # type: ignore[index]  # refusal() made it
    return error


def deadline_s(execution: ExecutionContext) -> float:
    """How long ``execution`` may take, in seconds."""
    fields = _root_fields(execution.graphql_document)
    return LONG_DEADLINE_S if any(fields == [long.field] for long in LONG) else DEADLINE_S


def _misshapen(query: Any, variables: Any, name: Any) -> GraphQLError | None:
    """The parts of a request that are not what they have to be: over a socket nobody has looked at them yet."""
    if not isinstance(query, str) or not query:
        return refusal("`query` is wanted, the text of a document")
    if variables is not None and not isinstance(variables, dict):
        return refusal("`variables` is an object with the variables by their names", Code.INVALID_VALUE)
    if name is not None and not isinstance(name, str):
        return refusal("`operationName` is the name of an operation of the document")
    if name is not None and len(name) > NAME_MAX:
        message = f"the operation's name has {len(name):,} characters; at most {NAME_MAX} are taken: shorten it"
        return refusal(message, Code.LIMIT_EXCEEDED)
    return None


def _not_now(prepared: Prepared, context: Context, name: str | None) -> Iterator[GraphQLError]:
    """What the document may not do for this caller, or by this way."""
    kind = prepared.kind(name)
    if kind is None:
        yield _no_operation(prepared, name)
        return
    if context.is_socket and kind is not OperationType.SUBSCRIPTION:
        yield refusal("send queries and commands by POST; a socket carries subscriptions")
    if prepared.introspects and not context.explores:
        yield refusal(
            "introspection is for the roles that MESGRAPH_EXPLORERS names, where the server has it switched on: "
            "read schema.graphql instead",
            Code.FORBIDDEN if context.plant.settings.explorable else Code.DOCUMENT_INVALID,
        )
    if context.by_get and kind is OperationType.QUERY and not context.may_explore:
        yield refusal("queries by GET are for the roles that MESGRAPH_EXPLORERS names: use POST", Code.FORBIDDEN)


def _no_operation(prepared: Prepared, name: str | None) -> GraphQLError:
    if name is not None:
        return refusal(f"the document has no operation {name[:40]!r}")
    several = len(prepared.extent.operations) > 1
    return refusal("name the operation: the document has several" if several else "the document has no operation")


def _too_costly(
    prepared: Prepared, name: str | None, variables: dict[str, Any], cost_max: int
) -> Iterator[GraphQLError]:
    cost = prepared.extent.cost(name, variables)
    if cost > cost_max:
        way_out = "lower `first`, or ask page by page"
        message = f"the answer may cost {cost:,}; at most {cost_max:,} is permitted: {way_out}"
        yield refusal(message, Code.LIMIT_EXCEEDED)


def _too_long(document: DocumentNode, variables: dict[str, Any]) -> Iterator[GraphQLError]:
    """Long values are for the commands that take them, alone in their document."""
    length, longest = _lengths(variables)
    if length <= STRING_MAX:
        return
    fields = _root_fields(document)
    if any(fields == [long.field] and length <= long.value_max + TEXT_MAX for long in LONG):
        return
    if longest > STRING_MAX and not (len(fields) == 1 and fields[0] in WHOLE_TEXTS):
        yield refusal(
            f"a text has {longest:,} characters; at most {STRING_MAX:,} are taken: send it in parts",
            Code.LIMIT_EXCEEDED,
        )
    if length > TEXT_MAX:
        message = f"the variables have {length:,} characters; at most {TEXT_MAX:,} are taken: send several requests"
        yield refusal(message, Code.LIMIT_EXCEEDED)


def _lengths(variables: dict[str, Any]) -> tuple[int, int]:
    """About how many characters ``variables`` took as JSON, never more than they did, and the longest text in them."""
    length = longest = 0
    waiting: list[Any] = [variables]
    while waiting:
        value = waiting.pop()
        match value:
            case str():
                length += len(value)
                longest = max(longest, len(value))
            case dict():
                length += sum(map(len, value))
                waiting += value.values()
            case list() if is_plain(value):
                length += len(value)
            case list():
                waiting += value
        length += 2
    return length, longest


def _root_fields(document: DocumentNode | None) -> list[str]:
    """Names of the fields at the root of the document's only operation; none for anything that is less plain."""
    definitions = document.definitions if document is not None else ()
    if len(definitions) != 1 or not isinstance(definitions[0], OperationDefinitionNode):
        return []
    selections = definitions[0].selection_set.selections
    return [node.name.value for node in cast(Any, selections) if isinstance(node, FieldNode)]
