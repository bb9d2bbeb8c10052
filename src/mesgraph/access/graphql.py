"""Principals, roles, keys and the record's history in the API."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

import strawberry
from sqlalchemy import Select, select, true
from sqlalchemy.orm import Session

from mesgraph.access import actions, queries
from mesgraph.access.models import ApiKey, Principal, PrincipalKind, RoleGrant
from mesgraph.access.policy import SYSTEM_READERS
from mesgraph.access.roles import Role
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Context, Info
from mesgraph.api.enums import described_enum
from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.nodes import Node, find, find_optional, node
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.api.relations import to_many, to_one
from mesgraph.equipment.graphql import SiteNode
from mesgraph.equipment.models import Site
from mesgraph.errors import all_violations
from mesgraph.words import check_code, check_name
from mesgraph.work import Work

described_enum(
    PrincipalKind,
    "What a principal is.",
    {PrincipalKind.PERSON: "A human being.", PrincipalKind.SERVICE: "A machine or program."},
)
described_enum(
    Role,
    "What a principal may do; every grant also says at which site.",
    {
        Role.OPERATOR: "Runs jobs, posts material, scans, reports.",
        Role.TECHNICIAN: "Maintains equipment.",
        Role.SUPERVISOR: "Leads a shift: permits, aborts, scraps, resumes.",
        Role.PLANNER: "Plans: submits, releases, cancels and closes orders.",
        Role.QUALITY: "Inspects: places and releases holds.",
        Role.QA: "Releases lots and definitions.",
        Role.ENGINEER: "Writes operations definitions and masters.",
        Role.ADMIN: "Manages principals, keys and sites; makes no product.",
        Role.AUDITOR: "Reads everything, writes nothing.",
        Role.VIEWER: "Dashboards: reads one site, sees no names of people.",
        Role.DRIVER: "A machine or its driver.",
        Role.ERP: "The planning system.",
        Role.RULE: "The rule engine.",
        Role.SYNC: "Another site.",
    },
)


def _principal_by_key(session: Session, subject: str) -> Principal | None:
    return session.scalar(select(Principal).where(Principal.subject == subject))


def _key_by_id(session: Session, key_id: str) -> ApiKey | None:
    return session.scalar(select(ApiKey).where(ApiKey.key_id == key_id))


@node(RoleGrant)
class RoleGrantNode(Node):
    """A role of a principal at a site, or everywhere."""

    role: Role = strawberry.field(description="The role.")
    site: SiteNode | None = to_one(RoleGrant.site_id, Site, "Where it counts; null for everywhere.")
    withdrawn_at: datetime | None = strawberry.field(description="When it was taken away; null while it stands.")


@node(ApiKey, find=_key_by_id)
class ApiKeyNode(Node):
    """A key of a principal. Its secret is shown once, when it is issued."""

    key_id: str = strawberry.field(description="Public part of the key.")
    expires_at: datetime = strawberry.field(description="When it stops working.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it works.")


@node(Principal, find=_principal_by_key)
class PrincipalNode(Node):
    """A person or a service that acts."""

    subject: str = strawberry.field(description="Unique name for records.")
    kind: PrincipalKind = strawberry.field(resolver=lambda root: root.principal_kind, description="Person or service.")
    display_name: str = strawberry.field(description="Name for screens.")
    active: bool = strawberry.field(description="Whether it may act at all.")
    grants: list[RoleGrantNode] = to_many(RoleGrant.principal_id, RoleGrant, "Its roles, withdrawn ones included.")
    api_keys: list[ApiKeyNode] = to_many(ApiKey.principal_id, ApiKey, "Its keys, without their secrets.")


class PrincipalOrder(StrEnum):
    """The orders in which principals are listed."""

    OLDEST = "OLDEST"
    NEWEST = "NEWEST"
    SUBJECT = "SUBJECT"


PRINCIPAL_ORDERS = orders(
    PrincipalOrder,
    "The order of a list of principals.",
    {
        PrincipalOrder.OLDEST: (Order((Principal.id,)), "In the order in which they were made known."),
        PrincipalOrder.NEWEST: (Order((Principal.id,), descending=True), "Those made known last, first."),
        PrincipalOrder.SUBJECT: (Order((Principal.subject,)), "By subject."),
    },
)


@strawberry.input(description="Which principals. All conditions that are given must hold.")
class PrincipalFilter:
    """Conditions on principals."""

    key_prefix: str | None = prefix_field("subject")
    kind: list[PrincipalKind] | None = strawberry.field(default=None, description="Of any of these kinds.")
    role: list[Role] | None = strawberry.field(
        default=None, description="Having any of these roles now, at whatever site."
    )
    site: strawberry.ID | None = strawberry.field(
        default=None, description="Having a role now that counts at this site (the one of `role`, if given)."
    )
    active: bool | None = strawberry.field(default=None, description="Only those that may act, or only the others.")


def _conditions(session: Session, wanted: PrincipalFilter) -> Iterator[Condition]:
    if wanted.key_prefix is not None:
        yield starts_with(Principal.subject, wanted.key_prefix)
    if wanted.kind is not None:
        yield Principal.principal_kind.in_(wanted.kind)
    if wanted.active is not None:
        yield Principal.active.is_(wanted.active)
    if wanted.role is not None or wanted.site is not None:
        site = find_optional(session, Site, wanted.site, "filter", "site")
        yield Principal.id.in_(queries.holders_now(wanted.role, site.id if site else None))


def _principals(context: Context, session: Session, wanted: PrincipalFilter) -> Select[Principal]:
    sites = context.actor.sites_with(SYSTEM_READERS)
    here = true() if sites is None else Principal.id.in_(queries.holders(sites=sites))
    return select(Principal).where(here, *_conditions(session, wanted))


@strawberry.type
class AccessQueries:
    """Reads."""

    @strawberry.field(description="Who you are.")
    async def me(self, info: Info) -> PrincipalNode:
        """The caller."""
        return shown(await info.context.one(Principal, info.context.actor.principal_id))

    principals: Connection[PrincipalNode] = listing(
        "Who has a role at your sites; everybody, if your role counts everywhere.",
        PrincipalFilter,
        PRINCIPAL_ORDERS,
        PrincipalOrder.OLDEST,
        _principals,
    )


@strawberry.input(description="A new person or service.")
class CreatePrincipalInput(CommandInput):
    """One principal."""

    subject: str = strawberry.field(description="Unique name for records, such as op-017.")
    kind: PrincipalKind = strawberry.field(description="Person or service.")
    display_name: str = strawberry.field(description="Name for screens.")


@strawberry.type(description="The principal.")
class CreatePrincipalPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The new principal.")


@strawberry.input(description="A role to grant.")
class GrantRoleInput(CommandInput):
    """One grant."""

    principal: strawberry.ID = strawberry.field(description="Who gets it.")
    role: Role = strawberry.field(description="Which role.")
    site: strawberry.ID | None = strawberry.field(default=None, description="Where it counts; everywhere if left out.")


@strawberry.type(description="The standing grant.")
class GrantRolePayload(CommandPayload):
    """Answer."""

    grant: RoleGrantNode | None = strawberry.field(default=None, description="The grant.")


@strawberry.input(description="A role to take away.")
class WithdrawRoleInput(CommandInput):
    """One grant."""

    principal: strawberry.ID = strawberry.field(description="Who loses it.")
    role: Role = strawberry.field(description="Which role.")
    site: strawberry.ID | None = strawberry.field(default=None, description="Where it counted; left out: everywhere.")


@strawberry.type(description="The withdrawn grant.")
class WithdrawRolePayload(CommandPayload):
    """Answer."""

    grant: RoleGrantNode | None = strawberry.field(default=None, description="The grant.")


@strawberry.input(description="A key to issue.")
class IssueApiKeyInput(CommandInput):
    """One key."""

    principal: strawberry.ID = strawberry.field(description="Whose key.")
    expires_at: datetime | None = strawberry.field(default=None, description="A year from now at most, and by default.")


@strawberry.type(description="The key, and its text.")
class IssueApiKeyPayload(CommandPayload):
    """Answer."""

    SECRETS: ClassVar[tuple[str, ...]] = ("text",)

    api_key: ApiKeyNode | None = strawberry.field(default=None, description="The key without its secret.")
    text: str | None = strawberry.field(
        default=None,
        description="The whole key. Shown this once: null when the same idempotency key is sent again.",
    )


@strawberry.input(description="A key to stop.")
class RevokeApiKeyInput(CommandInput):
    """One key."""

    api_key: strawberry.ID = strawberry.field(description="The key, by id or public part.")


@strawberry.type(description="The stopped key.")
class RevokeApiKeyPayload(CommandPayload):
    """Answer."""

    api_key: ApiKeyNode | None = strawberry.field(default=None, description="The key.")


@strawberry.type
class AccessCommands:
    """Writes."""

    @command
    def create_principal(work: Work, input: CreatePrincipalInput) -> CreatePrincipalPayload:
        """Make a person or service known. It may do nothing until it gets a role."""
        with all_violations() as found:
            found.add(check_code(input.subject, "subject"), check_name(input.display_name, "display_name"))
        principal = actions.create_principal(
            work, subject=input.subject, kind=input.kind, display_name=input.display_name
        )
        return CreatePrincipalPayload(principal=shown(principal))

    @command
    def grant_role(work: Work, input: GrantRoleInput) -> GrantRolePayload:
        """Give a principal a role at a site or everywhere. Granting twice changes nothing."""
        principal, site = _principal_and_site(work, input)
        grant = actions.grant_role(work, principal, input.role, site and site.id, site and site.code)
        return GrantRolePayload(grant=shown(grant))

    @command
    def withdraw_role(work: Work, input: WithdrawRoleInput) -> WithdrawRolePayload:
        """Take a role away from a principal."""
        principal, site = _principal_and_site(work, input)
        grant = actions.withdraw_role(work, principal, input.role, site and site.id, site and site.code)
        return WithdrawRolePayload(grant=shown(grant))

    @command
    def issue_api_key(work: Work, input: IssueApiKeyInput) -> IssueApiKeyPayload:
        """Make a key for a principal. Its text is shown this once; only its hash is kept."""
        principal = find(work.session, Principal, input.principal, "principal")
        key, text = actions.issue_api_key(work, principal, input.expires_at)
        return IssueApiKeyPayload(api_key=shown(key), text=text)

    @command
    def revoke_api_key(work: Work, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        """Stop a key at once."""
        key = find(work.session, ApiKey, input.api_key, "api_key")
        return RevokeApiKeyPayload(api_key=shown(actions.revoke_api_key(work, key)))


def _principal_and_site(work: Work, input: Any) -> tuple[Principal, Any]:
    return (
        find(work.session, Principal, input.principal, "principal"),
        find_optional(work.session, Site, input.site, "site"),
    )
