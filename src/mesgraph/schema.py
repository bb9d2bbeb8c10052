"""The index of the API: Query, Mutation and Subscription are composed here from one class per domain."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from functools import cache
from typing import Any

import strawberry
from graphql import ExecutionResult as GraphQLExecutionResult
from graphql import FieldNode, GraphQLError
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from mesgraph.access.graphql import AccessCommands, AccessQueries, AccountCommands, DecisionQueries
from mesgraph.api.context import Context
from mesgraph.api.errors import cause_of, coded, refusal
from mesgraph.api.executor import BoundedExecutor
from mesgraph.api.guard import Guard, deadline_s
from mesgraph.api.nodes import NODES, NodeQueries
from mesgraph.api.policy import SCANS, enforce
from mesgraph.api.prepared import Documents
from mesgraph.api.scalars import SCALARS
from mesgraph.api.stored import find
from mesgraph.api.user_errors import USER_ERRORS
from mesgraph.definitions.graphql import DefinitionCommands, DefinitionQueries
from mesgraph.documents.graphql import DocumentCommands, DocumentQueries
from mesgraph.equipment.graphql import EquipmentCommands, EquipmentQueries, EquipmentSubscriptions
from mesgraph.errors import Code, Refused, Unavailable
from mesgraph.genealogy.graphql import (
    DispositionCommands,
    GenealogyCommands,
    GenealogyQueries,
    GenealogySubscriptions,
    RecallQueries,
    ReceiptCommands,
    RelationQueries,
)
from mesgraph.holds.graphql import HoldCommands, HoldQueries
from mesgraph.integration.graphql.inbound import InboundCommands, InboundQueries
from mesgraph.integration.graphql.masters import MastersCommands
from mesgraph.integration.graphql.outbound import OutboundCommands, OutboundQueries, OutboundSubscriptions
from mesgraph.integration.graphql.performance import PerformanceQueries
from mesgraph.ledger.graphql import LedgerQueries, LedgerSubscriptions
from mesgraph.materials.graphql import MaterialCommands, MaterialQueries, MaterialSubscriptions, ScanQueries
from mesgraph.orders.graphql.as_built import AsBuiltQueries
from mesgraph.orders.graphql.course import CourseCommands
from mesgraph.orders.graphql.dispatch_list import DispatchSubscriptions
from mesgraph.orders.graphql.dispatching import OrderQueries, OrderSubscriptions
from mesgraph.orders.graphql.execution import ExecutionCommands
from mesgraph.orders.graphql.jobs import JobCommands
from mesgraph.orders.graphql.planning import PlanningCommands
from mesgraph.orders.graphql.recording import RecordCommands
from mesgraph.orders.graphql.reservations import ReservationCommands
from mesgraph.security_events.graphql import (
    SecurityEventCommands,
    SecurityEventQueries,
    SecurityEventSubscriptions,
)
from mesgraph.signatures.graphql import SignatureCommands, SignatureQueries
from mesgraph.sites.graphql import TransferCommands, TransferQueries
from mesgraph.telemetry.graphql import HistoryQueries, IntakeCommands, TelemetryCommands, TelemetryQueries


@strawberry.type(description="Questions. They never change anything.")
class Query(
    NodeQueries,
    LedgerQueries,
    AccessQueries,
    SignatureQueries,
    SecurityEventQueries,
    DecisionQueries,
    DocumentQueries,
    EquipmentQueries,
    MaterialQueries,
    ScanQueries,
    HoldQueries,
    DefinitionQueries,
    GenealogyQueries,
    RelationQueries,
    RecallQueries,
    OrderQueries,
    AsBuiltQueries,
    TransferQueries,
    InboundQueries,
    PerformanceQueries,
    OutboundQueries,
    TelemetryQueries,
    HistoryQueries,
):
    """Root of reads."""


@strawberry.type(
    description="Commands. Each runs in one transaction and answers when it is on disk. A command that breaks rules of "
    "the plant lists all of them in `userErrors` and writes nothing. Send an `idempotencyKey` with every command: then "
    "a repeat is harmless."
)
class Mutation(
    AccessCommands,
    AccountCommands,
    SignatureCommands,
    DocumentCommands,
    SecurityEventCommands,
    EquipmentCommands,
    MaterialCommands,
    HoldCommands,
    DefinitionCommands,
    ReceiptCommands,
    GenealogyCommands,
    DispositionCommands,
    PlanningCommands,
    ReservationCommands,
    TransferCommands,
    CourseCommands,
    JobCommands,
    ExecutionCommands,
    RecordCommands,
    InboundCommands,
    MastersCommands,
    OutboundCommands,
    TelemetryCommands,
    IntakeCommands,
):
    """Root of writes."""


@strawberry.type(
    description="Live topics, over WebSocket (graphql-transport-ws) or server-sent events. Every event carries a "
    "`cursor`; subscribe again with `after` set to the last one you saw, and nothing is lost or repeated. A socket "
    "whose reader does not take the events is closed with 4508, and the reason names the cursor to go on from; of a "
    "state such a reader gets the latest only."
)
class Subscription(
    LedgerSubscriptions,
    SecurityEventSubscriptions,
    EquipmentSubscriptions,
    MaterialSubscriptions,
    GenealogySubscriptions,
    OrderSubscriptions,
    DispatchSubscriptions,
    OutboundSubscriptions,
):
    """Root of topics."""


class Schema(strawberry.Schema):
    """The schema with the policy laid over it and the guard before it."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.guard = Guard(Documents(self._schema))

    async def execute(self, query: Any, *args: Any, **options: Any) -> ExecutionResult:
        """As the parent, for what has one answer; subscriptions have a stream."""
        query = await find(query, options["context_value"])
        allowed = set(options.get("allowed_operation_types") or OperationType) - {OperationType.SUBSCRIPTION}
        return await super().execute(query, *args, **{**options, "allowed_operation_types": allowed})

    async def stream(self, query: Any, *args: Any, **options: Any) -> Any:
        """As the parent, for what may be stored."""
        return await super().stream(await find(query, options["context_value"]), *args, **options)

    def go_on(self, asked: ExecutionContext, context: Context) -> AsyncGenerator[Any, None]:
        """The answers to a subscription that was let in before, from where ``context`` is and for whom it speaks."""
        execution = replace(
            asked, context=context, provided_operation_name=asked.operation_name, pre_execution_errors=None, result=None
        )
        extensions = self.get_extensions()
        stream: AsyncGenerator[Any, None] = self._stream(
            execution,
            extensions_runner=self.create_extensions_runner(execution, extensions),
            middleware_manager=self._get_middleware_manager(extensions),
            execution_context_class=self.execution_context_class,
        )
        return stream

    def _create_execution_context(self, *args: Any, **options: Any) -> ExecutionContext:
        """As the parent; the guard has decided about the document when strawberry gets it."""
        name = options.pop("operation_name", None)
        execution = super()._create_execution_context(*args, **options)
        execution._provided_operation_name = name or None
        self.guard.decide(execution, name)
        return execution

    async def _execute_operation(self, execution_context: ExecutionContext, *args: Any, **options: Any) -> Any:
        """As the parent, within the deadline; what became too large has no data."""
        seconds = deadline_s(execution_context)
        try:
            async with asyncio.timeout(seconds) as deadline:
                result: Any = await super()._execute_operation(execution_context, *args, **options)
                await execution_context.context.record_reads(execution_context.operation_name)
        except TimeoutError:
            if not deadline.expired():
                raise
            way_out = "ask for less, or repeat a command with the same idempotency key"
            late = refusal(f"it was not done after {seconds:g} s and was given up: {way_out}", Code.TIMEOUT)
            return _nothing_but(late)
        except Unavailable as error:  # what was read could not be recorded
            return _nothing_but(refusal(str(error), error.code))
        return next((_nothing_but(error) for error in result.errors or () if _passes_a_limit(error)), result)

    def process_errors(self, errors: list[Any], execution_context: ExecutionContext | None = None) -> None:
        """Give every top-level error its code, in place: each answer of each transport passes here.

        Logging is done there, too; strawberry would log the whole document once for each error.
        """
        for error in errors:
            cause = cause_of(error)
            if execution_context is not None and isinstance(cause, Refused) and not _scanned(error):
                execution_context.context.note_refused(cause)
        errors[:] = [coded(error) for error in errors]


def _scanned(error: GraphQLError) -> bool:
    return any(isinstance(node, FieldNode) and node.name.value in SCANS for node in error.nodes or ())


def _passes_a_limit(error: GraphQLError) -> bool:
    return (error.extensions or {}).get("code") == Code.LIMIT_EXCEEDED


def _nothing_but(error: GraphQLError) -> GraphQLExecutionResult:
    return GraphQLExecutionResult(data=None, errors=[error])


@cache
def build_schema() -> Schema:
    """The schema. Takes seconds at full size, so it is built once per process, and never by the command line alone.

    Raises ``LookupError`` when a field has no line in the policy.
    """
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[kind.shown for kind in NODES.values()] + list(USER_ERRORS.values()),
        config=StrawberryConfig(scalar_map=SCALARS),
        execution_context_class=BoundedExecutor,
    )
    enforce(schema._schema)
    return schema
