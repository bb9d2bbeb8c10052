"""Principals and what belongs to them, in the API."""

from datetime import datetime
from typing import Any

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from mesgraph.access.models import (
    Account,
    ApiKey,
    Identity,
    LoginSession,
    Principal,
    PrincipalKind,
    RoleGrant,
    SessionEnd,
    SessionMethod,
)
from mesgraph.access.roles import Role
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import Node, node
from mesgraph.api.relations import read_from, to_one
from mesgraph.db import Entity
from mesgraph.equipment.graphql import EquipmentNode, SiteNode
from mesgraph.equipment.models import Equipment, Site

described_enum(
    PrincipalKind,
    "What a principal is.",
    {PrincipalKind.PERSON: "A human being.", PrincipalKind.SERVICE: "A machine or program."},
)
described_enum(
    Role,
    "What a principal may do; every grant also says where.",
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


described_enum(
    SessionMethod,
    "How somebody logged in.",
    {
        SessionMethod.PASSWORD: "By name and password.",
        SessionMethod.BADGE: "By badge and PIN, at a shared terminal.",
        SessionMethod.OIDC: "At the identity provider.",
        SessionMethod.CLIENT_CREDENTIALS: "A program, by its API key.",
        SessionMethod.BREAK_GLASS: "By the sealed emergency key, opened by two persons.",
    },
)
described_enum(
    SessionEnd,
    "Why a session ended before its time.",
    {
        SessionEnd.LOGGED_OUT: "Its owner logged out.",
        SessionEnd.REPLACED: "Another person logged in at the terminal.",
        SessionEnd.ENDED_BY_ADMINISTRATOR: "An administrator ended it, or gave out a new password.",
        SessionEnd.PASSWORD_CHANGED: "The password was changed.",
        SessionEnd.PIN_CHANGED: "The PIN was changed.",
        SessionEnd.TOKEN_REUSED: "A refresh token came a second time: somebody had stolen it.",
        SessionEnd.KEY_REVOKED: "The API key that began it was revoked.",
        SessionEnd.DEACTIVATED: "The principal may act no more.",
    },
)


def _principal_by_key(session: Session, subject: str) -> Principal | None:
    return session.scalar(select(Principal).where(Principal.subject == subject))


def _key_by_id(session: Session, key_id: str) -> ApiKey | None:
    return session.scalar(select(ApiKey).where(ApiKey.key_id == key_id))


@node(RoleGrant)
class RoleGrantNode(Node):
    """A role of a principal at a site, at equipment of it, or everywhere."""

    role: Role = strawberry.field(description="The role.")
    site: SiteNode | None = to_one(RoleGrant.site_id, Site, "Where it counts; null for everywhere.")
    equipment: EquipmentNode | None = to_one(
        RoleGrant.equipment_id,
        Equipment,
        "Where it counts, with all that stands below; null for the whole site. What is read, it opens for the site.",
    )
    withdrawn_at: datetime | None = strawberry.field(description="When it was taken away; null while it stands.")


@node(ApiKey, find=_key_by_id)
class ApiKeyNode(Node):
    """A key of a principal. Its secret is shown once, when it is issued."""

    key_id: str = strawberry.field(description="Public part of the key.")
    label: str | None = strawberry.field(description="What it is for.")
    site: SiteNode | None = to_one(
        ApiKey.site_id, Site, "The only site where roles count for it; null: wherever they count."
    )
    equipment: EquipmentNode | None = to_one(
        ApiKey.equipment_id,
        Equipment,
        "The only equipment, with all that stands below it, where roles count for it; null: the whole site.",
    )
    expires_at: datetime = strawberry.field(description="When it stops working.")
    revoked_at: datetime | None = strawberry.field(description="When it was revoked; null while it works.")


@node(Account)
class AccountNode(Node):
    """How a person logs in here, without an identity provider. Secrets are kept as hashes and never shown."""

    locked_until: datetime | None = strawberry.field(
        description="Nobody logs in before this time: too many wrong tries. Null, or in the past: not locked."
    )
    password_ends_at: datetime | None = strawberry.field(
        description="When a password that was handed out ends; null once its owner has changed it."
    )

    @strawberry.field(description="Whether it has a password.")
    def has_password(root: strawberry.Parent[Any]) -> bool:
        """Not which."""
        return root.password_hash is not None

    @strawberry.field(description="Whether a badge with a PIN opens it.")
    def has_badge(root: strawberry.Parent[Any]) -> bool:
        """Not which."""
        return root.badge is not None


@node(LoginSession)
class LoginSessionNode(Node):
    """From a login to its end."""

    method: SessionMethod = strawberry.field(description="How it began.")
    terminal: str | None = strawberry.field(description="The shared terminal; null for others.")
    created_at: datetime = strawberry.field(description="When it began.")
    ends_at: datetime = strawberry.field(description="When it ends at the latest.")
    ended_at: datetime | None = strawberry.field(description="When it ended before that.")
    end: SessionEnd | None = strawberry.field(description="Why it ended before its time.")


@node(Identity)
class IdentityNode(Node):
    """Who a principal is for an identity provider."""

    issuer: str = strawberry.field(description="The provider.")
    subject: str = strawberry.field(description="What the provider calls the principal (claim `sub`).")


def _personal(column: InstrumentedAttribute[Any], target: type[Entity], description: str) -> Any:
    """As :func:`to_many`, for those who look after the principal; none for others."""

    async def resolve(root: Any, info: Info):  # type: ignore[no-untyped-def]  # the field's annotation types it
        known = await info.context.knows(root.id)
        return await info.context.many(target, column, root.id, (target.id,)) if known else []

    return strawberry.field(resolver=resolve, description=description)


@node(Principal, find=_principal_by_key)
class PrincipalNode(Node):
    """A person or a service that acts."""

    subject: str = strawberry.field(description="Unique name for records.")
    kind: PrincipalKind = read_from(Principal.principal_kind, "Person or service.")
    display_name: str = strawberry.field(description="Name for screens.")
    active: bool = strawberry.field(description="Whether it may act at all.")
    api_keys: list[ApiKeyNode] = _personal(ApiKey.principal_id, ApiKey, "Its keys, without their secrets.")
    identities: list[IdentityNode] = _personal(Identity.principal_id, Identity, "Who it is for identity providers.")

    @strawberry.field(description="Its roles at your sites and everywhere, withdrawn ones included.")
    async def grants(root: strawberry.Parent[Any], info: Info) -> list[RoleGrantNode]:
        """Read for all principals of a page at once."""
        granted = await info.context.many(RoleGrant, RoleGrant.principal_id, root.id, (RoleGrant.id,))
        return shown([grant for grant in granted if info.context.sees_site(grant.site_id)])

    @strawberry.field(description="How it logs in here; null for services, and for who has no account.")
    async def account(root: strawberry.Parent[Any], info: Info) -> AccountNode | None:
        """One at most."""
        known = await info.context.knows(root.id)
        found = await info.context.many(Account, Account.principal_id, root.id, (Account.id,)) if known else []
        return shown(found[0] if found else None)

    @strawberry.field(description="Sessions that last now, the newest first.")
    async def sessions(root: strawberry.Parent[Any], info: Info) -> list[LoginSessionNode]:
        """Read for all principals of a page at once."""
        context = info.context
        now = context.plant.clock.now()

        async def load(keys: list[int]) -> list[list[LoginSession]]:
            living = select(LoginSession).where(LoginSession.ended_at.is_(None), LoginSession.ends_at > now)
            statement = living.where(LoginSession.principal_id.in_(keys)).order_by(LoginSession.id.desc())
            rows = await context.read(lambda session: session.scalars(statement).all())
            return [[row for row in rows if row.principal_id == key] for key in keys]

        return shown(await context.batched("sessions", root.id, load) if await context.knows(root.id) else [])
