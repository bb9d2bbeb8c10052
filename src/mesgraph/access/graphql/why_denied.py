"""The decision explained: may somebody use a field at a site, and why or why not."""

from collections.abc import Collection, Mapping
from functools import partial
from typing import Annotated

import strawberry
from graphql import GraphQLObjectType, GraphQLSchema
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.decision import Decision, Question, Why, decide
from mesgraph.access.graphql.where import find_where
from mesgraph.access.models import ApiKey, Principal
from mesgraph.access.policy import SYSTEM_READERS
from mesgraph.access.reach import known_among
from mesgraph.access.roles import Role
from mesgraph.api.command import shown
from mesgraph.api.context import Info
from mesgraph.api.enums import described_enum
from mesgraph.api.nodes import find, find_optional
from mesgraph.equipment.models import Equipment, Site
from mesgraph.equipment.queries import above
from mesgraph.errors import Refused, not_found

described_enum(
    Why,
    "Why somebody may or may not use a field.",
    {
        Why.PERMITTED: "A role permits it.",
        Why.INACTIVE: "The principal is deactivated.",
        Why.KEY_ENDED: "The key was revoked or has expired.",
        Why.NO_ROLE: "The principal holds no role.",
        Why.OTHER_ROLES: "The principal holds roles, but none that the policy names.",
        Why.WITHDRAWN: "A role that would do was taken away.",
        Why.NOT_EVERYWHERE: "The role must count at all sites and counts at some.",
        Why.NOT_WHOLE_SITE: "The role must count for the whole site and counts at equipment of it.",
        Why.OTHER_EQUIPMENT: "The roles count at other equipment of the site.",
        Why.OTHER_SITES: "The roles count at other sites.",
        Why.KEY_OF_ONE_SITE: "The key counts at one site, or equipment of it, and it is another one.",
    },
    name="AccessReasonCode",
)


@strawberry.type(description="Why somebody may or may not use a field.")
class AccessReason:
    """Executed on :class:`~mesgraph.access.decision.Reason`."""

    code: Why = strawberry.field(description="The reason as a word.")
    text: str = strawberry.field(description="The reason as a sentence. Sites that are not yours have no name in it.")


@strawberry.type(description="Whether somebody may use a field, decided as it is when the field is used.")
class AccessDecision:
    """Executed on :class:`~mesgraph.access.decision.Decision`."""

    allowed: bool = strawberry.field(description="Whether it may.")
    reasons: list[AccessReason] = strawberry.field(description="All reasons.")

    @strawberry.field(description="The roles that the policy names for the field.")
    def roles(root: strawberry.Parent[Decision]) -> list[Role]:
        """In the order of their names."""
        return sorted(root.roles)


@strawberry.type
class DecisionQueries:
    """Reads."""

    @strawberry.field(
        description="May a principal use a field at a site or equipment, and why or why not? Decided by what decides "
        "when it is used."
    )
    async def why_denied(
        self,
        info: Info,
        principal: Annotated[strawberry.ID, strawberry.argument(description="Who, by id or subject.")],
        field: Annotated[str, strawberry.argument(description="Such as `Mutation.releaseLot` or `Hold.placedBy`.")],
        site: Annotated[
            strawberry.ID | None, strawberry.argument(description="At which site; at any if left out.")
        ] = None,
        equipment: Annotated[
            strawberry.ID | None,
            strawberry.argument(description="At which equipment; at any if left out."),
        ] = None,
        api_key: Annotated[
            strawberry.ID | None, strawberry.argument(description="With this key; by any way in if left out.")
        ] = None,
    ) -> AccessDecision:
        """One decision."""
        type_name, _, name = field.partition(".")
        if not _exists(info.schema._schema, type_name, name):
            raise Refused(not_found("field", field[:100], "field"))
        context = info.context
        known_at = context.actor.sites_with(SYSTEM_READERS)
        now = context.plant.clock.now()

        def read(session: Session) -> Decision:
            who = find(session, Principal, principal, "principal")
            if not known_among(session, known_at, [who.id]):
                raise Refused(not_found(Principal.kind, principal[:100], "principal"))
            where = find_where(session, site, equipment)
            key = find_optional(session, ApiKey, api_key, "api_key")
            if key is not None and key.principal_id != who.id:
                raise Refused(not_found(ApiKey.kind, (api_key or "")[:100], "api_key"))
            asked_at, path = where.equipment_id, frozenset[int]()
            if asked_at is not None:
                path = above(session, [asked_at])[asked_at]
            names = partial(_place, session, {row.id: row.code for row in session.scalars(select(Site))})
            return decide(session, Question(who, type_name, name, where.site_id, asked_at, path, key, now, names))

        return shown(await context.read(read))


def _place(session: Session, codes: Mapping[int, str], site_id: int | None, equipment: Collection[int]) -> str:
    """A site, or equipment of it, in words; what is not of the reader's sites has no name."""
    if site_id is None:
        return "everywhere"
    if site_id not in codes:
        return "another site"
    within = session.scalars(select(Equipment.code).where(Equipment.id.in_(equipment)).order_by(Equipment.code))
    return " and ".join(f"{codes[site_id]}/{code}" for code in within) or codes[site_id]


def _exists(schema: GraphQLSchema, type_name: str, field: str) -> bool:
    kind = schema.type_map.get(type_name)
    return isinstance(kind, GraphQLObjectType) and not type_name.startswith("__") and field in kind.fields
