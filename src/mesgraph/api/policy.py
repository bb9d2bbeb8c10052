"""Default deny: a schema in which a field has no line in the policy does not build.

The policy itself is data (:mod:`mesgraph.access.policy`); here it is laid over the schema.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from graphql import GraphQLField, GraphQLObjectType, GraphQLSchema, default_field_resolver

from mesgraph.access.policy import POLICY, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.errors import Code, Denied

ROOTS = ("Query", "Mutation", "Subscription")


def enforce(schema: GraphQLSchema) -> None:
    """Put the check of the policy before every restricted field.

    Raises ``LookupError`` for a type or root field without a line, and for a line that names no field: either is a
    mistake in the policy.
    """
    unused = {(name, field) for name, fields in POLICY.items() for field in fields if field != "*"}
    for name, gql_type in schema.type_map.items():
        if not isinstance(gql_type, GraphQLObjectType) or name.startswith("__"):
            continue
        for field_name, field in gql_type.fields.items():
            unused.discard((name, field_name))
            _guard(name, field_name, field, audience(name, field_name))
    if unused:
        raise LookupError(f"the policy names fields that do not exist: {sorted(unused)}")


def _guard(type_name: str, name: str, field: GraphQLField, roles: frozenset[Role]) -> None:
    if type_name == "Subscription":
        if field.subscribe is not None:
            field.subscribe = _checked(field.subscribe, type_name, name, roles)
    elif type_name in ROOTS or roles != EVERYONE:
        field.resolve = _checked(field.resolve or default_field_resolver, type_name, name, roles)


def _checked(resolve: Callable[..., Any], type_name: str, name: str, roles: frozenset[Role]) -> Callable[..., Any]:
    @wraps(resolve)
    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        if not info.context.actor.has_any(roles):
            wanted = ", ".join(sorted(roles)).lower()
            raise Denied(Code.FORBIDDEN, f"{type_name}.{name} needs one of the roles {wanted}")
        return resolve(source, info, **arguments)

    return guarded
