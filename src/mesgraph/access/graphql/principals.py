"""Principals, roles and keys: lists and commands."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import ClassVar

import strawberry
from sqlalchemy import Select, select, true
from sqlalchemy.orm import Session

from mesgraph.access import accounts, actions, queries
from mesgraph.access.graphql.looked_after import known, looked_after, part_of_looked_after, where_to_count
from mesgraph.access.graphql.nodes import ApiKeyNode, PrincipalNode, RoleGrantNode
from mesgraph.access.graphql.where import find_where
from mesgraph.access.models import ApiKey, Principal, PrincipalKind
from mesgraph.access.policy import SYSTEM_READERS
from mesgraph.access.roles import Role
from mesgraph.api.command import CommandInput, CommandPayload, command, shown
from mesgraph.api.context import Context, Info
from mesgraph.api.filters import Condition, prefix_field, starts_with
from mesgraph.api.nodes import find_optional
from mesgraph.api.paging import Connection, Order, listing, orders
from mesgraph.equipment.models import Site
from mesgraph.errors import all_violations
from mesgraph.words import check_code, check_name
from mesgraph.work import Work


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


def _principals(context: Context) -> Select[Principal]:
    sites = context.actor.sites_with(SYSTEM_READERS)
    return select(Principal).where(true() if sites is None else Principal.id.in_(queries.holders(sites=sites)))


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
        lambda _, session, wanted: _conditions(session, wanted),
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
    site: strawberry.ID | None = strawberry.field(
        default=None, description="Where it counts; everywhere if neither this nor `equipment` is given."
    )
    equipment: strawberry.ID | None = strawberry.field(
        default=None,
        description="Where it counts, with all that stands below, for commands that act at equipment. What is read, it "
        "opens for the whole site.",
    )


@strawberry.type(description="The standing grant.")
class GrantRolePayload(CommandPayload):
    """Answer."""

    grant: RoleGrantNode | None = strawberry.field(default=None, description="The grant.")


@strawberry.input(description="A role to take away.")
class WithdrawRoleInput(CommandInput):
    """One grant."""

    principal: strawberry.ID = strawberry.field(description="Who loses it.")
    role: Role = strawberry.field(description="Which role.")
    site: strawberry.ID | None = strawberry.field(
        default=None, description="Where it counted; everywhere if neither this nor `equipment` is given."
    )
    equipment: strawberry.ID | None = strawberry.field(
        default=None, description="The equipment where it counted; left out: the whole site."
    )


@strawberry.type(description="The withdrawn grant.")
class WithdrawRolePayload(CommandPayload):
    """Answer."""

    grant: RoleGrantNode | None = strawberry.field(default=None, description="The grant.")


@strawberry.input(description="A key to issue.")
class IssueApiKeyInput(CommandInput):
    """One key."""

    principal: strawberry.ID = strawberry.field(description="Whose key.")
    expires_at: datetime | None = strawberry.field(default=None, description="A year from now at most, and by default.")
    label: str | None = strawberry.field(
        default=None,
        description="What it is for, such as the driver instance that has it. Of one label two keys work at a time: "
        "the old one until the new one is in place.",
    )
    site: strawberry.ID | None = strawberry.field(
        default=None,
        description="The only site where the roles count for this key; wherever they count if neither this nor "
        "`equipment` is given.",
    )
    equipment: strawberry.ID | None = strawberry.field(
        default=None,
        description="The only equipment, with all that stands below it, where the roles count for this key: such as "
        "the line of a driver.",
    )


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


@strawberry.input(description="A principal that is to stop or to go on.")
class PrincipalInput(CommandInput):
    """One principal."""

    principal: strawberry.ID = strawberry.field(description="Who, by id or subject.")


@strawberry.input(description="A principal that may act no more.")
class DeactivatePrincipalInput(PrincipalInput):
    """One principal."""


@strawberry.type(description="The principal.")
class DeactivatePrincipalPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The principal.")


@strawberry.input(description="A principal that may act again.")
class ReactivatePrincipalInput(PrincipalInput):
    """One principal."""


@strawberry.type(description="The principal.")
class ReactivatePrincipalPayload(CommandPayload):
    """Answer."""

    principal: PrincipalNode | None = strawberry.field(default=None, description="The principal.")


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
    def deactivate_principal(work: Work, input: DeactivatePrincipalInput) -> DeactivatePrincipalPayload:
        """Let somebody act no more: keys stop, sessions end, open connections close. Nothing recorded is lost."""
        principal = looked_after(work, input.principal)
        return DeactivatePrincipalPayload(principal=shown(actions.deactivate(work, principal)))

    @command
    def reactivate_principal(work: Work, input: ReactivatePrincipalInput) -> ReactivatePrincipalPayload:
        """Let somebody act again, with the roles and keys of before."""
        principal = looked_after(work, input.principal)
        return ReactivatePrincipalPayload(principal=shown(accounts.reactivate(work, principal)))

    @command
    def grant_role(work: Work, input: GrantRoleInput) -> GrantRolePayload:
        """Give a principal a role at a site, at equipment of it, or everywhere. Granting twice changes nothing."""
        principal = known(work, input.principal)
        where = where_to_count(work, input.site, input.equipment)
        grant = actions.grant_role(work, principal, input.role, *where)
        return GrantRolePayload(grant=shown(grant))

    @command
    def withdraw_role(work: Work, input: WithdrawRoleInput) -> WithdrawRolePayload:
        """Take a role away from a principal."""
        principal = known(work, input.principal)
        where = where_to_count(work, input.site, input.equipment)
        grant = actions.withdraw_role(work, principal, input.role, *where)
        return WithdrawRolePayload(grant=shown(grant))

    @command
    def issue_api_key(work: Work, input: IssueApiKeyInput) -> IssueApiKeyPayload:
        """Make a key for a principal. Its text is shown this once; only its hash is kept."""
        principal = looked_after(work, input.principal)
        if input.label is not None:
            with all_violations() as found:
                found.add(check_code(input.label, "label"))
        where = find_where(work.session, input.site, input.equipment)
        key, text = actions.issue_api_key(work, principal, *where, expires_at=input.expires_at, label=input.label)
        return IssueApiKeyPayload(api_key=shown(key), text=text)

    @command
    def revoke_api_key(work: Work, input: RevokeApiKeyInput) -> RevokeApiKeyPayload:
        """Stop a key at once."""
        key = part_of_looked_after(work, ApiKey, input.api_key, "api_key")
        return RevokeApiKeyPayload(api_key=shown(actions.revoke_api_key(work, key)))
