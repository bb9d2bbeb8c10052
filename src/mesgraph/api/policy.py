"""Default deny: a schema in which a field has no line in the policy does not build.

The policy itself is data (:mod:`mesgraph.access.policy`); here it is laid over the schema.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from inspect import isawaitable
from typing import Any

from graphql import (
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationType,
    default_field_resolver,
)

from mesgraph.access.decision import permit
from mesgraph.access.policy import MASK, MASKED, POLICY, RECORDED, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.errors import Denied
from mesgraph.security_events.kinds import SecurityEventKind

ROOTS = ("Query", "Mutation", "Subscription")
SCANS = frozenset({"item", "itemByScan", "scan"})
"""What people scan is often not known here."""


def enforce(schema: GraphQLSchema) -> None:
    """Put the check of the policy before every restricted field.

    Raises ``LookupError`` for a type or root field without a line, and for a line that names no field: either is a
    mistake in the policy.
    """
    unused = {(name, field) for of in (POLICY, MASKED) for name, fields in of.items() for field in fields} - {
        (name, "*") for name in POLICY
    }
    for name, gql_type in schema.type_map.items():
        if not isinstance(gql_type, GraphQLObjectType) or name.startswith("__"):
            continue
        for field_name, field in gql_type.fields.items():
            unused.discard((name, field_name))
            _mask(name, field_name, field)
            _guard(name, field_name, field, audience(name, field_name))
    if unused:
        raise LookupError(f"the policy names fields that do not exist: {sorted(unused)}")


def _mask(type_name: str, name: str, field: GraphQLField) -> None:
    readers = MASKED.get(type_name, {}).get(name)
    if readers is not None:
        resolve = field.resolve or default_field_resolver
        field.resolve = _masked(resolve, readers, always=isinstance(field.type, GraphQLNonNull))


def _masked(resolve: Callable[..., Any], readers: frozenset[Role], *, always: bool) -> Callable[..., Any]:
    """The mask before a text; where it may be missing, that it is missing shows."""

    async def later(value: Awaitable[Any]) -> Any:
        return None if await value is None else MASK

    @wraps(resolve)
    def masked(source: Any, info: Any) -> Any:
        if info.context.actor.has_any(readers):
            return resolve(source, info)
        value = MASK if always else resolve(source, info)
        if isawaitable(value):
            return later(value)
        return None if value is None else MASK

    return masked


def _guard(type_name: str, name: str, field: GraphQLField, roles: frozenset[Role]) -> None:
    if type_name == "Subscription":
        if field.subscribe is not None:
            followed = (type_name, name) in RECORDED
            subscribe = _followed(field.subscribe, name) if followed else field.subscribe
            field.subscribe = _checked(subscribe, type_name, name, roles)
        return
    if (type_name, name) in RECORDED:
        field.resolve = _recorded(field.resolve or default_field_resolver, type_name, name)
    if type_name == "Query":
        field.resolve = _watched(field.resolve or default_field_resolver, name)
    if type_name in ROOTS or roles != EVERYONE:
        field.resolve = _checked(field.resolve or default_field_resolver, type_name, name, roles)


def _checked(resolve: Callable[..., Any], type_name: str, name: str, roles: frozenset[Role]) -> Callable[..., Any]:
    @wraps(resolve)
    def guarded(source: Any, info: Any, **arguments: Any) -> Any:
        try:
            permit(info.context.actor, type_name, name, roles)
        except Denied:
            info.context.note(SecurityEventKind.PROBING, what=f"{type_name}.{name}")
            raise
        return resolve(source, info, **arguments)

    return guarded


def _watched(resolve: Callable[..., Any], name: str) -> Callable[..., Any]:
    """A question that finds nothing may be a guess."""

    @wraps(resolve)
    async def watched(source: Any, info: Any, **arguments: Any) -> Any:
        found = await _awaited(resolve(source, info, **arguments))
        absent = found is None or (isinstance(found, list) and None in found)
        if absent and name not in SCANS:
            info.context.note(SecurityEventKind.PROBING, what=f"{name} {arguments}")
        return found

    return watched


def _recorded(resolve: Callable[..., Any], type_name: str, name: str) -> Callable[..., Any]:
    """What is read is counted for the record, unless it is about whoever reads."""

    @wraps(resolve)
    async def recorded(source: Any, info: Any, **arguments: Any) -> Any:
        found = await _awaited(resolve(source, info, **arguments))
        if type_name == "Query" or source.id != info.context.actor.principal_id:
            rows = getattr(found, "nodes", found)
            info.context.reads[f"{type_name}.{name}"] += len(rows) if isinstance(rows, list) else rows is not None
            if info.operation.operation is OperationType.SUBSCRIPTION:
                await info.context.record_reads(info.operation.name and info.operation.name.value)
        return found

    return recorded


def _followed(subscribe: Callable[..., Any], name: str) -> Callable[..., Any]:
    """That somebody follows a topic is recorded before it begins."""

    @wraps(subscribe)
    async def followed(source: Any, info: Any, **arguments: Any) -> Any:
        info.context.reads[f"Subscription.{name}"] = 0
        await info.context.record_reads(info.operation.name and info.operation.name.value)
        return await _awaited(subscribe(source, info, **arguments))

    return followed


async def _awaited(answer: Any) -> Any:
    return await answer if isawaitable(answer) else answer
