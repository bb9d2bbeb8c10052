"""The index of the API: Query, Mutation and Subscription are composed here from one class per domain."""

from functools import cache
from typing import Any

import strawberry
from strawberry.extensions import MaxTokensLimiter, ValidationCache
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.graphql import OperationType

from mesgraph.access.graphql import AccessCommands, AccessQueries
from mesgraph.api.errors import coded
from mesgraph.api.guard import Guard, KeptDocuments
from mesgraph.api.nodes import NODES, NodeQueries
from mesgraph.api.policy import enforce
from mesgraph.api.scalars import SCALARS
from mesgraph.api.user_errors import USER_ERRORS
from mesgraph.definitions.graphql import DefinitionCommands, DefinitionQueries
from mesgraph.equipment.graphql import EquipmentCommands, EquipmentQueries, EquipmentSubscriptions
from mesgraph.genealogy.graphql import (
    DispositionCommands,
    GenealogyCommands,
    GenealogyQueries,
    GenealogySubscriptions,
    ReceiptCommands,
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
from mesgraph.sites.graphql import TransferCommands, TransferQueries

TOKENS_MAX = 2_000
DOCUMENTS_KEPT = 500


@strawberry.type(description="Questions. They never change anything.")
class Query(
    NodeQueries,
    LedgerQueries,
    AccessQueries,
    EquipmentQueries,
    MaterialQueries,
    ScanQueries,
    HoldQueries,
    DefinitionQueries,
    GenealogyQueries,
    OrderQueries,
    AsBuiltQueries,
    TransferQueries,
    InboundQueries,
    PerformanceQueries,
    OutboundQueries,
):
    """Root of reads."""


@strawberry.type(
    description="Commands. Each runs in one transaction and answers when it is on disk. A command that breaks rules of "
    "the plant lists all of them in `userErrors` and writes nothing. Send an `idempotencyKey` with every command: then "
    "a repeat is harmless."
)
class Mutation(
    AccessCommands,
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
):
    """Root of writes."""


@strawberry.type(
    description="Live topics, over WebSocket (graphql-transport-ws). Every event carries a `cursor`; subscribe again "
    "with `after` set to the last one you saw, and nothing is lost or repeated."
)
class Subscription(
    LedgerSubscriptions,
    EquipmentSubscriptions,
    MaterialSubscriptions,
    GenealogySubscriptions,
    OrderSubscriptions,
    DispatchSubscriptions,
    OutboundSubscriptions,
):
    """Root of topics."""


class Schema(strawberry.Schema):
    """The schema with the policy laid over it."""

    async def execute(self, query: str | None, *args: Any, **options: Any) -> ExecutionResult:
        """As the parent, for what has one answer; subscriptions have a stream."""
        allowed = set(options.get("allowed_operation_types") or OperationType) - {OperationType.SUBSCRIPTION}
        return await super().execute(query, *args, **{**options, "allowed_operation_types": allowed})

    def process_errors(self, errors: list[Any], execution_context: ExecutionContext | None = None) -> None:
        """Give every top-level error its code, in place: each answer of each transport passes here.

        Logging is done there, too; strawberry would log the whole document once for each error.
        """
        errors[:] = [coded(error) for error in errors]


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
        config=StrawberryConfig(scalar_map=SCALARS, disable_field_suggestions=True),
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=TOKENS_MAX),
            lambda: KeptDocuments(maxsize=DOCUMENTS_KEPT),
            lambda: ValidationCache(maxsize=DOCUMENTS_KEPT),
            Guard,
        ],
    )
    enforce(schema._schema)
    return schema
