"""The authorisation matrix: every role, at every place, at every field of the schema, and what becomes of it.

A cell is asked in earnest, and what came of it is compared with what the policy says. Commands are rehearsed: they run
to their end, and then the transaction is rolled back, so that every cell finds the same two plants.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from graphql import (
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from sqlalchemy.orm import Session

from mesgraph.access.policy import MASKED, PLANT_WIDE, audience
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.api.context import Context
from mesgraph.api.policy import ROOTS
from mesgraph.db import Database, Sites
from mesgraph.db.database import Unit
from mesgraph.ledger.queries import Cursor, Recorded
from mesgraph.ledger.tail import Tail
from mesgraph.schema import build_schema
from mesgraph.work import Actor
from tests.security.operations import FORMS, KEY, Asked, Path, arguments_of, references
from tests.security.two_plants import Plants

T = TypeVar("T")
HOME, AWAY = "HV1", "HV2"
BETWEEN_SITES = {"transfers"}
"""Lists of what belongs to two sites and therefore bears the code of either."""


class Place(StrEnum):
    """Where the role counts, seen from the thing that is asked for."""

    OWN = "own site"
    OTHER = "other site"
    NONE = "no site"


class Outcome(StrEnum):
    """What becomes of a cell."""

    ALLOWED = "allowed"
    MASKED = "masked"
    FORBIDDEN = "forbidden"
    ABSENT = "as if it were not there"


@dataclass(frozen=True)
class Cell:
    """One question: may this role, at this place, use this field?"""

    role: Role
    place: Place
    type_name: str
    field: str

    def __str__(self) -> str:
        return f"{self.role} ({self.place}): {self.type_name}.{self.field}"


def schema() -> GraphQLSchema:
    """The schema with the policy laid over it."""
    return build_schema()._schema


def fields() -> Iterator[tuple[str, str]]:
    """Every field of every object type."""
    for name, kind in schema().type_map.items():
        if isinstance(kind, GraphQLObjectType) and not name.startswith("__"):
            for field in kind.fields:
                yield name, field


def field_of(type_name: str, field: str) -> GraphQLField:
    """The definition of a field."""
    kind: Any = schema().type_map[type_name]
    found: GraphQLField = kind.fields[field]
    return found


def cells() -> Iterator[Cell]:
    """All of them."""
    for type_name, field in fields():
        for role in Role:
            for place in Place:
                yield Cell(role, place, type_name, field)


def names_things(type_name: str, field: str) -> bool:
    """Whether a root field must be told which thing of a site it is about."""
    return any(needed for _, needed in references(field, field_of(type_name, field).args))


def expected(cell: Cell) -> Outcome:
    """What the policy says. It is the only source."""
    root = cell.type_name in ROOTS
    if cell.place is Place.OTHER and not root:
        return Outcome.ABSENT
    if cell.place is Place.NONE or cell.role not in audience(cell.type_name, cell.field):
        return Outcome.FORBIDDEN
    if root and cell.field in PLANT_WIDE:
        return Outcome.FORBIDDEN  # every role of the matrix counts at one site, or at none
    if cell.place is Place.OWN:
        readers = MASKED.get(cell.type_name, {}).get(cell.field, EVERYONE)
        return Outcome.ALLOWED if cell.role in readers else Outcome.MASKED
    common = cell.type_name == "Mutation" and not names_things(cell.type_name, cell.field)
    return Outcome.ALLOWED if common else Outcome.ABSENT


def selection(kind: Any, depth: int = 1) -> str:
    """What is asked of a field's type: its plain fields that everybody may see, and the things of a page."""
    kind = get_named_type(kind)
    if is_leaf_type(kind):
        return ""
    names = ["__typename"]
    for name, field in getattr(kind, "fields", {}).items():
        if any(is_required_argument(argument) for argument in field.args.values()) or not _for_everyone(kind, name):
            continue
        if is_leaf_type(get_named_type(field.type)):
            names.append(name)
        elif depth and name == "nodes":
            names.append(f"nodes {selection(field.type, depth - 1)}")
    return f"{{ {' '.join(names)} }}"


def _for_everyone(kind: Any, field: str) -> bool:
    return not isinstance(kind, GraphQLObjectType) or audience(kind.name, field) == EVERYONE


def operation(root: str, field: str, arguments: dict[str, Any], selected: str | None = None) -> str:
    """The document of one root field; its variables are called as the arguments."""
    definition = field_of(root, field)
    declared = ", ".join(f"${name}: {definition.args[name].type}" for name in arguments)
    passed = ", ".join(f"{name}: ${name}" for name in arguments)
    wanted = selection(definition.type) if selected is None else selected
    head = f"{root.lower()} Ask{f'({declared})' if declared else ''}"
    return f"{head} {{ {field}{f'({passed})' if passed else ''} {wanted} }}"


@dataclass
class Answer:
    """What came of one operation: data or messages, errors, and whether a command got to its commit."""

    data: Any
    errors: list[dict[str, Any]]
    committed: bool = False

    @property
    def codes(self) -> set[str]:
        """Codes of top-level errors and of refusals."""
        payload = next(iter(self.data.values()), None) if isinstance(self.data, dict) else None
        refused = payload.get("userErrors", []) if isinstance(payload, dict) else []
        return {error["code"] for error in [*self.errors, *refused]}

    @property
    def forbidden(self) -> bool:
        """Whether the role was refused."""
        return any(error["code"] == "FORBIDDEN" for error in self.errors)

    def text(self, asked: Asked) -> str:
        """All of it, with the names of what is absent as those of what stands for it."""
        return asked.plain(json.dumps([self.data, self.errors, self.committed], sort_keys=True, default=str))


class Matrix:
    """Asks the cells."""

    def __init__(self, plants: Plants, patch: Any) -> None:
        self.plants = plants
        database = plants.api.plant.database
        self.rehearsal = Rehearsal(database)
        patch.setattr(database, "write", self.rehearsal.write)
        patch.setattr(plants.api.plant.tail, "follow", until_now(plants.api.plant.tail))

    def actor(self, cell: Cell) -> Actor:
        """Who asks in a cell: it is about the things of :data:`HOME`."""
        if cell.place is Place.NONE:
            return self.plants.nobody()
        return self.plants.actor(cell.role, at=HOME if cell.place is Place.OWN else AWAY)

    async def outcome(self, cell: Cell, actor: Actor | None = None) -> Outcome | str:
        """What becomes of a root field's cell, asked by ``actor`` if given; a text when it is none of the outcomes."""
        there, actor = Asked(self.plants.at[HOME]), actor or self.actor(cell)
        answer = await self.ask(cell.type_name, cell.field, actor, there)
        if answer.forbidden:
            ended = f"{cell} was refused and written all the same"
            return ended if answer.committed else Outcome.FORBIDDEN
        if cell.place is not Place.OTHER or (cell.type_name == "Mutation" and not names_things("Mutation", cell.field)):
            return self._allowed(cell, answer)
        return await self._absent(cell, actor)

    def _allowed(self, cell: Cell, answer: Answer) -> Outcome | str:
        if answer.errors or "NOT_FOUND" in answer.codes:
            return f"{cell} got {answer.errors or answer.data}"
        payload = answer.data[cell.field] if isinstance(answer.data, dict) else answer.data
        empty = payload in (None, []) or (isinstance(payload, dict) and payload.get("nodes") == [])
        return f"{cell} found nothing" if empty else Outcome.ALLOWED

    async def _absent(self, cell: Cell, actor: Actor) -> Outcome | str:
        """Whether what is asked for is answered as what is not there, by each form of its name."""
        for form in FORMS if names_things(cell.type_name, cell.field) else (KEY,):
            there, nowhere = (Asked(self.plants.at[HOME], form, absent=absent) for absent in (False, True))
            found = await self.ask(cell.type_name, cell.field, actor, there)
            missing = await self.ask(cell.type_name, cell.field, actor, nowhere)
            if found.text(there) != missing.text(there):
                return f"{cell} tells {found.text(there)} apart from {missing.text(there)}"
            if found.committed:
                return f"{cell} was done"
            listed = cell.field not in BETWEEN_SITES and not names_things(cell.type_name, cell.field)
            if listed and traces_of(HOME, found.data):
                return f"{cell} shows {found.data}"
        return Outcome.ABSENT

    async def ask(
        self, root: str, field: str, actor: Actor, asked: Asked, chosen: Path = (), selected: str | None = None
    ) -> Answer:
        """Ask one root field about the things of ``asked``; a command of any length, a topic up to now."""
        arguments = arguments_of(field, field_of(root, field).args, asked, chosen=chosen)
        return await self.ask_with(root, field, actor, arguments, selected)

    async def ask_with(
        self, root: str, field: str, actor: Actor, arguments: dict[str, Any], selected: str | None = None
    ) -> Answer:
        """The same with these arguments."""
        if root == "Subscription":
            return await self._follow(field, actor, arguments)
        if root == "Mutation" and selected is None:
            selected = "{ userErrors { code message path retryable } }"
        before = self.rehearsal.ended
        document = operation(root, field, arguments, selected)
        result = await self.plants.api.answer(document, by=actor, **arguments)
        committed = root == "Mutation" and self.rehearsal.ended > before  # a question may be recorded
        return Answer(result.data, _told(result.errors), committed)

    async def _follow(self, field: str, actor: Actor, arguments: dict[str, Any]) -> Answer:
        if "after" in field_of("Subscription", field).args:
            arguments = arguments | {"after": "c1-0"}
        context = Context(self.plants.api.plant, actor)
        document = operation("Subscription", field, arguments)
        stream = await build_schema().stream(document, variable_values=arguments, context_value=context)
        messages: list[Any] = []
        errors: list[dict[str, Any]] = []
        async for result in stream:
            errors += _told(result.errors)
            messages.append(result.data and result.data[field])
            if "after" not in arguments:
                break
        await stream.aclose()
        return Answer(messages, errors)


def _told(errors: Any) -> list[dict[str, Any]]:
    return [
        {"code": e.extensions["code"], "message": e.message, "path": e.path, "in": e.extensions["path"]}
        for e in errors or []
    ]


def traces_of(site: str, data: Any) -> list[str]:
    """Texts of an answer that bear the code of a site."""
    return re.findall(rf'"[^"]*{site}[^"]*"', json.dumps(data, default=str))


class Rehearsed(Exception):
    """A unit of work got to its end; nothing of it shall stay."""

    def __init__(self, answer: Any) -> None:
        super().__init__("rehearsed")
        self.answer = answer


class Rehearsal:
    """Lets units of work run to their end and takes them back; ``ended`` counts those that got there."""

    def __init__(self, database: Database) -> None:
        self._write = database.write
        self.ended = 0

    async def write(self, unit: Unit[T], sites: Sites = None) -> T:
        """In place of :meth:`Database.write`."""

        def rehearse(session: Session) -> T:
            answer = unit(session)
            session.flush()
            session.expunge_all()
            raise Rehearsed(answer)

        try:
            return await self._write(rehearse, sites)
        except Rehearsed as done:
            self.ended += 1
            answer: T = done.answer
            return answer


def until_now(tail: Tail) -> Callable[..., AsyncIterator[Recorded]]:
    """In place of :meth:`Tail.follow`: what was recorded so far, and then an end."""
    follow, end = tail.follow, tail.cursor.position

    async def so_far(after: Cursor | None = None, *, to_end: bool = False) -> AsyncIterator[Recorded]:
        if (after or tail.cursor).position >= end:
            return
        async for event in follow(after):
            yield event
            if event.position >= end:
                return

    return so_far
