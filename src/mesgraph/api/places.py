"""Commands that act at equipment: a role for it, or for what stands above it, is enough.

``@at`` below ``@command`` says at what a command acts. Each of these things must be covered by one of the roles that
the policy names: where it stands (``place_id`` of its row), or its whole site where it stands nowhere. A command
without ``@at`` needs a role for the whole site.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy.orm import Session
from strawberry.utils.str_converters import to_camel_case

from mesgraph.access.decision import acts_at, listed, roams
from mesgraph.access.places import PLACES, Places
from mesgraph.access.policy import audience
from mesgraph.api.nodes import find
from mesgraph.db import Entity
from mesgraph.equipment.models import Equipment
from mesgraph.equipment.queries import above
from mesgraph.errors import Code, Denied
from mesgraph.work import Actor, Place

V = TypeVar("V", bound=Callable[..., Any])

WHOLE = "for a whole site"
"""Where a role is missing, when it is at no equipment."""


def at(*places: Places) -> Callable[[V], V]:
    """Decorator of a verb, below ``@command``: it acts at all that ``places`` find in its input."""

    def named_places(session: Session, input: Any) -> Sequence[Entity]:
        return [row for find_in in places for row in find_in(session, input)]

    def declare(verb: V) -> V:
        PLACES[to_camel_case(verb.__name__)] = named_places
        return verb

    return declare


def named(cls: type[Entity], name: str) -> Places:
    """The thing that a field of the input names; nothing when it is left out."""

    def find_in(session: Session, input: Any) -> Sequence[Entity]:
        reference = getattr(input, name)
        return [] if reference is None else [find(session, cls, reference, name)]

    return find_in


def check_places(session: Session, actor: Actor, command: str, input: Any) -> None:
    """Raise FORBIDDEN when a command acts where none of the roles counts that the policy names for it."""
    if command not in PLACES or roams(actor, command):
        return
    rows = PLACES[command](session, input)
    paths = above(session, {row.place_id for row in rows if row.place_id is not None})
    for row in rows:
        place = Place(getattr(row, "site_id", None), paths.get(row.place_id or 0, frozenset()))
        if not acts_at(actor, command, place):
            raise _denied(command, f"at {session.get_one(Equipment, row.place_id).code}" if row.place_id else WHOLE)
    if not rows and not acts_at(actor, command, Place(None)):
        raise _denied(command, WHOLE)


def _denied(command: str, where: str) -> Denied:
    roles = listed(audience("Mutation", command))
    return Denied(Code.FORBIDDEN, f"Mutation.{command} needs one of the roles {roles} {where}")
