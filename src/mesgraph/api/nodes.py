"""Things with an identity: the interface Node, its opaque ids, and references by id or human key.

An opaque id starts with ``~``, which no human key contains, so the two never meet.
"""

import asyncio
import base64
import binascii
from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, NamedTuple, TypeVar, cast

import strawberry
from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.policy import RECORDED_BY_ID, audience
from mesgraph.access.roles import EVERYONE
from mesgraph.api.context import Info
from mesgraph.api.plan.shapes import Identity, shaped
from mesgraph.db import Entity, sites_of
from mesgraph.errors import Refused, Violation, invalid, not_found
from mesgraph.security_events.kinds import SecurityEventKind
from mesgraph.security_events.models import SecurityEvent
from mesgraph.work import Actor

E = TypeVar("E", bound=Entity)


class NodeKind(NamedTuple):
    """A type of the API that shows rows: the row class, the GraphQL class, how its human key is looked up, and whether
    that key is ``SITE/CODE``.
    """

    row: type[Entity]
    shown: type
    find: Callable[[Session, str], Entity | None] | None
    of_site: bool = False


NODES: dict[str, NodeKind] = {}
"""Every type that implements Node, by name. Filled by :func:`node`; the schema is built from it."""


def node_id(row: Entity) -> strawberry.ID:
    """The opaque global id of a row."""
    return opaque_id(row.subject_kind, row.id)


def opaque_id(kind: str, key: int) -> strawberry.ID:
    """The opaque global id of the row ``key`` behind type ``kind``."""
    raw = f"{kind}:{key}".encode()
    return strawberry.ID("~" + base64.urlsafe_b64encode(raw).decode().rstrip("="))


def parse_node_id(text: str) -> tuple[str, int] | None:
    """Type name and row id of an opaque id; ``None`` for anything else."""
    if not text.startswith("~"):
        return None
    try:
        raw = base64.urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)).decode()
    except (ValueError, binascii.Error):
        return None
    name, _, key = raw.partition(":")
    return (name, int(key)) if name in NODES and key.isascii() and key.isdecimal() and len(key) < 19 else None


@strawberry.interface(description="Anything with an identity of its own. Fetch one again with `node(id)`.")
class Node:
    """Interface of all entities; executed directly on their rows."""

    @strawberry.field(description="Opaque id, unique in the whole API and never reused.")
    @shaped(Identity())
    def id(root: strawberry.Parent[Any]) -> strawberry.ID:
        """The opaque id of the row."""
        return node_id(cast(Entity, root))


def node(
    row: type[Entity],
    find: Callable[[Session, str], Entity | None] | None = None,
    name: str | None = None,
    *,
    of_site: bool = False,
) -> Callable[[type], Any]:
    """Class decorator: a GraphQL type that is executed directly on rows of ``row``.

    The docstring becomes the description. ``of_site``: the human key is ``SITE/CODE``. Answers ``is_type_of`` for rows
    behind an interface.
    """
    type_name = name or row.kind

    def wrap(cls: type) -> Any:
        def is_type_of(obj: object, _info: object) -> bool:
            return isinstance(obj, row) and obj.subject_kind == type_name

        cls.is_type_of = staticmethod(is_type_of)  # type: ignore[attr-defined]
        made = strawberry.type(cls, name=type_name, description=_description(cls))
        NODES[type_name] = NodeKind(row, made, find, of_site)
        return made

    return wrap


def find(session: Session, cls: type[E], reference: str, *path: str | int) -> E:
    """The row that ``reference`` (opaque id or human key) names within the session's scope; else NOT_FOUND."""
    row = _find(session, cls, reference)
    if row is None:
        raise Refused(_absent(session, cls, reference, *path))
    return row


def _absent(session: Session, cls: type[Entity], reference: str, *path: str | int) -> Violation:
    """NOT_FOUND; a caller of several sites who left out the site of a key is told so."""
    absent = not_found(cls.kind, reference[:100], *path)
    sites = sites_of(session)
    of_site = any(kind.of_site for kind in NODES.values() if kind.row is cls)
    bare = of_site and "/" not in reference and parse_node_id(reference) is None
    if bare and (sites is None or len(sites) > 1):
        return replace(absent, message=f"{absent.message}; name its site, too: SITE/{reference[:100]}")
    return absent


def find_node(session: Session, id: str, *path: str | int) -> Entity:
    """The thing of whatever type that an opaque id names within the session's scope; else NOT_FOUND.

    People, keys, messages and whatever else is not for every role are none of them.
    """
    parsed = parse_node_id(id)
    open_to_all = parsed is not None and audience(parsed[0], "*") == EVERYONE
    row = _get(session, NODES[parsed[0]].row, parsed[1]) if parsed is not None and open_to_all else None
    if parsed is None or row is None or row.subject_kind != parsed[0]:
        raise Refused(not_found("node", id[:100], *path))
    return row


def find_optional(session: Session, cls: type[E], reference: str | None, *path: str | int) -> E | None:
    """Like :func:`find`; ``None`` when no reference was given."""
    return None if reference is None else find(session, cls, reference, *path)


class References:
    """Looks up what a command of many lines names; what several of them name, once."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._found: dict[tuple[type[Entity], str], Entity] = {}

    def find(self, cls: type[E], reference: str, *path: str | int) -> E:
        """Like the function :func:`find`."""
        known = self._found.get((cls, reference))
        if known is None:
            known = self._found[cls, reference] = find(self._session, cls, reference, *path)
        return cast(E, known)

    def find_optional(self, cls: type[E], reference: str | None, *path: str | int) -> E | None:
        """Like the function :func:`find_optional`."""
        return None if reference is None else self.find(cls, reference, *path)


def _find(session: Session, cls: type[E], reference: str) -> E | None:
    parsed = parse_node_id(reference)
    if parsed is not None:
        name, key = parsed
        row = _get(session, NODES[name].row, key) if issubclass(NODES[name].row, cls) else None
        return cast(E, row) if row is not None and row.subject_kind == name else None
    for kind in NODES.values():
        if kind.find is not None and issubclass(kind.row, cls):
            found = kind.find(session, reference)
            return found if isinstance(found, cls) else None
    return None


def _get(session: Session, cls: type[Entity], key: int) -> Entity | None:
    # not session.get: that would answer from the identity map, past the scope
    return session.scalars(select(cls).where(cls.id == key)).one_or_none()


def _description(cls: type) -> str:
    return " ".join((cls.__doc__ or "").split())


NodeRef = Annotated[strawberry.ID, strawberry.argument(description="Opaque id or human key.")]


@strawberry.type
class NodeQueries:
    """Fetching by opaque id."""

    @strawberry.field(description="The thing with this opaque id; null when there is none, or none for you.")
    async def node(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Opaque id of any type.")],
    ) -> Node | None:
        """One by id."""
        return (await _load(info, [id]))[0]

    @strawberry.field(description="Up to 500 things by opaque id, in the order asked, null where there is none.")
    async def nodes(
        self,
        info: Info,
        ids: Annotated[list[strawberry.ID], strawberry.argument(description="Opaque ids, 500 at most.")],
    ) -> list[Node | None]:
        """Many by id."""
        if len(ids) > 500:
            raise Refused(invalid(f"{len(ids)} ids are more than 500", "ids"))
        found = await _load(info, ids)
        info.context.note(SecurityEventKind.MASS_EXPORT, times=sum(row is not None for row in found))
        return found


async def _load(info: Info, ids: list[strawberry.ID]) -> list[Any]:
    async def one(text: str) -> Entity | None:
        parsed = parse_node_id(text)
        if parsed is None or not info.context.actor.has_any(audience(parsed[0], "id")):
            return None  # that it exists is not for everybody, either
        row = await info.context.visible(NODES[parsed[0]].row, parsed[1])
        return row if row is not None and row.subject_kind == parsed[0] else None

    found = await asyncio.gather(*(one(text) for text in ids))
    info.context.reads.update(f"Query.{info.field_name}" for row in found if _is_recorded(row, info.context.actor))
    return found


def _is_recorded(row: Any, actor: Actor) -> bool:
    """Whether that a row is read stands in the record: not what people read of themselves."""
    if row is None or row.subject_kind not in RECORDED_BY_ID:
        return False
    return row.subject_kind == SecurityEvent.kind or row.principal_id != actor.principal_id
