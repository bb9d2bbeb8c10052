"""Security events in the API, for administrators and auditors of all sites."""

from collections.abc import AsyncGenerator, Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any

import strawberry
from sqlalchemy import false, or_, select

from mesgraph.access.graphql import PrincipalNode
from mesgraph.access.models import Principal
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, DateTimeRange, in_range
from mesgraph.api.live.topics import AfterCursor, cursor_of, follow
from mesgraph.api.nodes import Node, find, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.relations import to_one
from mesgraph.ledger.queries import Cursor
from mesgraph.security_events import actions, events
from mesgraph.security_events.kinds import SecurityEventKind, SecuritySeverity
from mesgraph.security_events.models import SecurityEvent, SecurityEventState
from mesgraph.work import Work

described_enum(
    SecurityEventKind,
    "What a security event looks like.",
    {
        SecurityEventKind.TOKEN_SPRAYING: "Many different wrong keys or tokens from one address.",
        SecurityEventKind.LOGIN_GUESSING: "An account was locked, or many wrong logins came from one address.",
        SecurityEventKind.REFRESH_TOKEN_REUSED: "A refresh token came twice: somebody had stolen it.",
        SecurityEventKind.PROBING: "Somebody asks for many things that are not for them, or are not there.",
        SecurityEventKind.MASS_EXPORT: "Somebody reads far more rows than screens do.",
        SecurityEventKind.COST_SPIKE: "Somebody is refused again and again because requests cost too much.",
        SecurityEventKind.POLICY_CHANGED: "Who may do what has changed in a way that somebody should know of; without "
        "a principal: the database does not keep sites apart.",
        SecurityEventKind.BREAK_GLASS_OPENED: "The emergency key was opened.",
        SecurityEventKind.FORGED_SIGNATURE: "Signatures were wrong, again and again.",
        SecurityEventKind.CROSS_SITE: "Pages of other sites, or calls by unknown names, were refused again and again.",
    },
)
described_enum(
    SecuritySeverity,
    "How soon somebody should look.",
    {
        SecuritySeverity.WARNING: "Within the day.",
        SecuritySeverity.HIGH: "Within the shift.",
        SecuritySeverity.CRITICAL: "At once.",
    },
)
described_enum(
    SecurityEventState,
    "Whether somebody has said that they know of it.",
    {
        SecurityEventState.UNACKNOWLEDGED: "Nobody has yet.",
        SecurityEventState.ACKNOWLEDGED: "An administrator has.",
    },
)


@node(SecurityEvent)
class SecurityEventNode(Node):
    """What looks like an attack: what one source did within one window of time."""

    kind: SecurityEventKind = strawberry.field(resolver=lambda root: root.event_kind, description="What it looks like.")
    severity: SecuritySeverity = strawberry.field(description="How soon somebody should look.")
    source: str = strawberry.field(
        description="Who caused it: `peer` and an address (of IPv6 the network), `principal` and a number, `server`, "
        "or `others` for all beyond the first hundred sources of a window."
    )
    principal: PrincipalNode | None = to_one(SecurityEvent.principal_id, Principal, "Who caused it, or whom it hit.")
    peer: str | None = strawberry.field(description="From which address, as seen when it was raised.")
    first_at: datetime = strawberry.field(description="When it began.")
    last_at: datetime = strawberry.field(description="When it was last written.")
    count: int = strawberry.field(
        description="How often, at least: written when it was raised, and each time that it had doubled."
    )
    detail: str | None = strawberry.field(description="What happened, in words. Never what a stranger sent.")
    acknowledged_at: datetime | None = strawberry.field(description="When it was acknowledged.")
    acknowledged_by: PrincipalNode | None = to_one(SecurityEvent.acknowledged_by_id, Principal, "Who acknowledged it.")

    @strawberry.field(description="Whether somebody has said that they know of it.")
    def state(root: strawberry.Parent[Any]) -> SecurityEventState:
        """By the time of it."""
        return SecurityEventState.UNACKNOWLEDGED if root.acknowledged_at is None else SecurityEventState.ACKNOWLEDGED


class SecurityEventOrder(StrEnum):
    """The orders in which security events are listed."""

    NEWEST = "NEWEST"
    OLDEST = "OLDEST"


SECURITY_EVENT_ORDERS = orders(
    SecurityEventOrder,
    "The order of a list of security events.",
    {
        SecurityEventOrder.NEWEST: (Order((SecurityEvent.id,), descending=True), "The ones raised last, first."),
        SecurityEventOrder.OLDEST: (Order((SecurityEvent.id,)), "The ones raised first, first."),
    },
)


@strawberry.input(description="Which security events. All conditions that are given must hold.")
class SecurityEventFilter:
    """Conditions on security events."""

    kind: list[SecurityEventKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    severity: list[SecuritySeverity] | None = strawberry.field(default=None, description="Of any of these severities.")
    state: list[SecurityEventState] | None = strawberry.field(default=None, description="In any of these states.")
    last_at: DateTimeRange | None = strawberry.field(default=None, description="Last written in this window.")


IN_STATE: dict[SecurityEventState, Condition] = {
    SecurityEventState.UNACKNOWLEDGED: SecurityEvent.acknowledged_at.is_(None),
    SecurityEventState.ACKNOWLEDGED: SecurityEvent.acknowledged_at.is_not(None),
}


def _conditions(wanted: SecurityEventFilter) -> Iterator[Condition]:
    if wanted.kind is not None:
        yield SecurityEvent.event_kind.in_(wanted.kind)
    if wanted.severity is not None:
        yield SecurityEvent.severity.in_(wanted.severity)
    if wanted.state is not None:
        yield or_(false(), *(IN_STATE[state] for state in wanted.state))
    if wanted.last_at is not None:
        yield in_range(SecurityEvent.last_at, wanted.last_at, "filter", "last_at")


@strawberry.type
class SecurityEventQueries:
    """Reads."""

    security_events: Connection[SecurityEventNode] = listing(
        "What looks like an attack.",
        SecurityEventFilter,
        SECURITY_EVENT_ORDERS,
        SecurityEventOrder.NEWEST,
        select(SecurityEvent),
        lambda _, __, wanted: _conditions(wanted),
    )


@strawberry.input(description="A security event that somebody knows of now.")
class AcknowledgeSecurityEventInput(CommandInput):
    """One security event."""

    security_event: strawberry.ID = strawberry.field(description="Opaque id of the security event.")


@strawberry.type(description="The acknowledged security event.")
class AcknowledgeSecurityEventPayload(CommandPayload):
    """Answer."""

    security_event: SecurityEventNode | None = strawberry.field(default=None, description="The security event.")


@strawberry.type
class SecurityEventCommands:
    """Writes."""

    @command
    def acknowledge_security_event(work: Work, input: AcknowledgeSecurityEventInput) -> AcknowledgeSecurityEventPayload:
        """Say that you know of a security event and look after it. What goes on after its window is a new one."""
        event = find(work.session, SecurityEvent, input.security_event, "security_event")
        return AcknowledgeSecurityEventPayload(security_event=shown(actions.acknowledge(work, event)))


@strawberry.type(description="A security event, as it was raised, grew, or was acknowledged.")
class SecurityEventMessage:
    """One event of the topic."""

    cursor: Cursor = strawberry.field(description="Pass it as `after` to go on behind it.")
    security_event: SecurityEventNode = strawberry.field(description="The security event, as it is now.")


CHANGES = frozenset(
    event.word for event in (events.SecurityEventRaised, events.SecurityEventGrew, events.SecurityEventAcknowledged)
)


@strawberry.type
class SecurityEventSubscriptions:
    """Live."""

    @strawberry.subscription(description="Security events that are raised, go on, or are acknowledged.")
    async def security_event_changed(
        self, info: Info, after: AfterCursor = None
    ) -> AsyncGenerator[SecurityEventMessage, None]:
        """Follow the record."""
        async for event in follow(info.context, after, types=CHANGES):
            [key] = [key for kind, key, _ in event.subjects if kind == SecurityEvent.kind]
            row = await info.context.one(SecurityEvent, key)
            yield SecurityEventMessage(cursor=cursor_of(info.context, event), security_event=shown(row))
