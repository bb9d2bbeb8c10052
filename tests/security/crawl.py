"""Everything that the API shows to one actor: each field of each object that can be reached from a root."""

from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from graphql import (
    ExecutionResult,
    Executor,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    parse,
    subscribe,
)

from mesgraph.access.policy import PLANT_WIDE
from mesgraph.api.context import Context
from mesgraph.api.nodes import opaque_id
from mesgraph.work import Actor
from tests.security.matrix import field_of, schema
from tests.security.operations import Asked, arguments_of
from tests.security.two_plants import Plants

OF_A_TYPE = 40
"""So many objects of one type are looked into."""


@dataclass(frozen=True)
class Step:
    """A field that leads from one object to others; ``thing`` is the one that `node` is asked for."""

    type_name: str
    field: str
    thing: str | None = None


@dataclass(frozen=True)
class Found:
    """An object of the API, and the way to it from a root."""

    type_name: str
    source: Any
    way: tuple[Step, ...] = ()


@dataclass
class Crawl:
    """What was found, by type, and all that was answered on the way."""

    found: dict[str, list[Found]] = field(default_factory=lambda: defaultdict(list))
    answers: list[tuple[str, Any]] = field(default_factory=list)
    errors: list[tuple[str, Any]] = field(default_factory=list)


async def crawl(plants: Plants, actor: Actor, asked: Asked) -> Crawl:
    """Look into everything, beginning with the things of ``asked``."""
    result = Crawl()
    waiting = deque([Found("Query", None)])
    seen: set[tuple[str, int]] = set()
    kept = []  # what is seen stays alive, so that its identity stays its own

    def note(found: Found) -> None:
        identity = (found.type_name, getattr(found.source, "id", None) or id(found.source))
        if identity not in seen and len(result.found[found.type_name]) < OF_A_TYPE:
            seen.add(identity)
            kept.append(found.source)
            result.found[found.type_name].append(found)
            waiting.append(found)

    topics = schema().type_map["Subscription"].fields  # type: ignore[attr-defined]  # a root has fields
    for topic in (name for name in topics if name not in PLANT_WIDE):
        for message in await _messages(plants, actor, topic, asked):
            note(message)
    while waiting:
        found = waiting.popleft()
        for step, arguments in _steps(found, asked):
            answer, children = await look(plants, actor, found, step, arguments)
            where = f"{step.type_name}.{step.field}"
            result.answers.append((where, answer.data))
            result.errors += [(where, error) for error in answer.errors or []]
            for child in children:
                note(child)
    return result


def _steps(found: Found, asked: Asked) -> list[tuple[Step, dict[str, Any]]]:
    kind: Any = schema().type_map[found.type_name]
    steps = []
    for name, definition in kind.fields.items():
        if found.type_name == "Query" and name in PLANT_WIDE:
            continue
        if (found.type_name, name) == ("Query", "node"):
            steps += [
                (Step("Query", "node", thing), {"id": opaque_id(*row)}) for thing, row in asked.things.rows.items()
            ]
        else:
            steps.append((Step(found.type_name, name), arguments_of(name, definition.args, asked)))
    return steps


async def look(
    plants: Plants, actor: Actor, found: Found, step: Step, arguments: dict[str, Any]
) -> tuple[ExecutionResult, list[Found]]:
    """Execute one field of one object by itself; returns the answer and the objects that it leads to."""
    definition = field_of(found.type_name, step.field)
    leaf = is_leaf_type(get_named_type(definition.type))
    document = _document(definition.args, arguments, step.field, "" if leaf else "{ __typename }")
    children: dict[tuple[Any, ...], Found] = {}

    def middleware(next_: Callable[..., Any], source: Any, info: Any, **given: Any) -> Any:
        if info.field_name == "__typename" and info.path.prev is not None:
            key = tuple(info.path.prev.as_list())
            children[key] = Found(info.parent_type.name, source, (*found.way, step))
        return next_(source, info, **given)

    executor = Executor.build(
        _view(found.type_name),
        parse(f"query {document}"),
        root_value=found.source,
        context_value=Context(plants.api.plant, actor),
        raw_variable_values=arguments,
        middleware=(middleware,),
    )
    assert isinstance(executor, Executor), executor
    result: Any = executor.execute_operation()
    if isinstance(result, Awaitable):
        result = await result
    return result, list(children.values())


def _document(definitions: Any, arguments: dict[str, Any], name: str, selection: str) -> str:
    declared = ", ".join(f"${key}: {definitions[key].type}" for key in arguments)
    passed = ", ".join(f"{key}: ${key}" for key in arguments)
    return f"{f'({declared})' if declared else ''} {{ {name}{f'({passed})' if passed else ''} {selection} }}"


def _view(type_name: str) -> GraphQLSchema:
    """The schema itself, but for where queries begin."""
    whole = schema()
    view = object.__new__(GraphQLSchema)
    view.__dict__.update(whole.__dict__)
    root = whole.type_map[type_name]
    assert isinstance(root, GraphQLObjectType)
    view.query_type = root
    return view


async def _messages(plants: Plants, actor: Actor, topic: str, asked: Asked) -> list[Found]:
    """The first messages of a topic, from the beginning of the record on."""
    definition = field_of("Subscription", topic)
    arguments = arguments_of(topic, definition.args, asked)
    if "after" in definition.args:
        arguments["after"] = "c1-0"
    found: list[Found] = []

    def middleware(next_: Callable[..., Any], source: Any, info: Any, **given: Any) -> Any:
        if info.field_name == "__typename":
            found.append(Found(info.parent_type.name, source, (Step("Subscription", topic),)))
        return next_(source, info, **given)

    document = f"subscription {_document(definition.args, arguments, topic, '{ __typename }')}"
    from graphql import MiddlewareManager

    stream: Any = subscribe(
        schema(),
        parse(document),
        context_value=Context(plants.api.plant, actor),
        variable_values=arguments,
        middleware=MiddlewareManager(middleware),
    )
    if isinstance(stream, Awaitable):
        stream = await stream
    assert not isinstance(stream, ExecutionResult), stream.errors
    async for _ in stream:
        if len(found) >= OF_A_TYPE or "after" not in definition.args:
            break
    await stream.aclose()
    return found
