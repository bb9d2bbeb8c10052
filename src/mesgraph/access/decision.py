"""May somebody use a field, where, and why: the one place that decides, and that explains what it decided."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access.models import ApiKey, Principal, RoleGrant
from mesgraph.access.places import PLACES
from mesgraph.access.policy import PLANT_WIDE, audience
from mesgraph.access.queries import actor_of, ids_of
from mesgraph.access.roles import EVERYONE, Role
from mesgraph.db.scope import Sites
from mesgraph.errors import Code, Denied
from mesgraph.work import Actor, Grant, Place


def permit(actor: Actor, type_name: str, field: str, roles: frozenset[Role]) -> None:
    """Raise FORBIDDEN when ``actor`` holds none of the ``roles`` that a field needs, or not as widely as it needs."""
    if not actor.has_any(roles):
        raise Denied(Code.FORBIDDEN, f"{type_name}.{field} needs one of the roles {listed(roles)}")
    whole = actor.whole_sites_with(roles)
    if plant_wide(type_name, field) and whole is not None:
        raise Denied(Code.FORBIDDEN, f"{type_name}.{field} needs one of the roles {listed(roles)} at all sites")
    if by_site(type_name, field) and whole == frozenset():
        raise Denied(Code.FORBIDDEN, f"{type_name}.{field} needs one of the roles {listed(roles)} for a whole site")


def readable(actor: Actor) -> Sites:
    """The sites whose things ``actor`` may read: those of every role."""
    return actor.sites_with(EVERYONE)


def commanded(actor: Actor, command: str) -> Sites:
    """The sites whose things a command of ``actor`` sees: those of the roles that the policy names for it.

    Roles at equipment count for commands that act at equipment (:data:`~mesgraph.access.places.PLACES`) alone.
    """
    roles = audience("Mutation", command)
    return actor.whole_sites_with(roles) if by_site("Mutation", command) else actor.sites_with(roles)


def roams(actor: Actor, command: str) -> bool:
    """Whether each role with which ``actor`` may use a command counts for whole sites: where it acts is no matter."""
    return not any(grant.within for grant in actor.granted(audience("Mutation", command)))


def acts_at(actor: Actor, command: str, place: Place) -> bool:
    """Whether one of the roles that a command needs covers the place where it acts."""
    return any(grant.covers(place) for grant in actor.granted(audience("Mutation", command)))


def reach(actor: Actor, type_name: str, field: str) -> Sites:
    """The sites that a field reaches in the hands of ``actor``."""
    return commanded(actor, field) if type_name == "Mutation" else readable(actor)


def plant_wide(type_name: str, field: str) -> bool:
    """Whether the roles of a field must count everywhere."""
    return type_name in ("Query", "Mutation", "Subscription") and field in PLANT_WIDE


def by_site(type_name: str, field: str) -> bool:
    """Whether a field is a command that acts at no particular equipment: its role must count for the whole site."""
    return type_name == "Mutation" and field not in PLACES


def listed(roles: frozenset[Role]) -> str:
    """Roles in words."""
    return ", ".join(sorted(roles)).lower()


class Why(StrEnum):
    """Why somebody may or may not."""

    PERMITTED = "PERMITTED"
    INACTIVE = "INACTIVE"
    KEY_ENDED = "KEY_ENDED"
    NO_ROLE = "NO_ROLE"
    OTHER_ROLES = "OTHER_ROLES"
    WITHDRAWN = "WITHDRAWN"
    NOT_EVERYWHERE = "NOT_EVERYWHERE"
    NOT_WHOLE_SITE = "NOT_WHOLE_SITE"
    OTHER_EQUIPMENT = "OTHER_EQUIPMENT"
    OTHER_SITES = "OTHER_SITES"
    KEY_OF_ONE_SITE = "KEY_OF_ONE_SITE"


@dataclass(frozen=True)
class Reason:
    """One reason, as a word and as a sentence."""

    code: Why
    text: str


@dataclass(frozen=True)
class Decision:
    """Whether, and why."""

    allowed: bool
    roles: frozenset[Role]
    reasons: tuple[Reason, ...]


@dataclass(frozen=True)
class Question:
    """May ``principal`` use ``type_name.field`` at a site (``None``: at any), with this key (``None``: any way in)?

    ``equipment_id`` asks about equipment of the site, with all that stands above it in ``path``. ``named`` names a
    site, or equipment of it, for whoever reads the answer.
    """

    principal: Principal
    type_name: str
    field: str
    site_id: int | None
    equipment_id: int | None
    path: frozenset[int]
    key: ApiKey | None
    now: datetime
    named: Callable[[int | None, Collection[int]], str]

    @property
    def name(self) -> str:
        """The field."""
        return f"{self.type_name}.{self.field}"

    @property
    def where(self) -> str:
        """The place that is asked about, in words."""
        return self.named(self.site_id, ids_of(self.equipment_id))


def decide(session: Session, question: Question) -> Decision:
    """Answer by the functions that enforce. Raises ``LookupError`` for a field without a line in the policy."""
    roles = audience(question.type_name, question.field)
    actor = _actor(session, question, question.key)
    obstacles = [*_ended(question), *_obstacles(session, question, actor, roles)]
    if obstacles:
        return Decision(allowed=False, roles=roles, reasons=tuple(obstacles))
    held = ", ".join(_grants(question, actor, roles))
    return Decision(allowed=True, roles=roles, reasons=(Reason(Why.PERMITTED, f"{held} permits {question.name}"),))


def _actor(session: Session, question: Question, key: ApiKey | None) -> Actor:
    return actor_of(session, question.principal, "asked", key=key)


def _ended(question: Question) -> Iterator[Reason]:
    key, subject = question.key, question.principal.subject
    if not question.principal.active:
        yield Reason(Why.INACTIVE, f"{subject} is deactivated and may do nothing")
    if key is not None and not (key.revoked_at is None and question.now < key.expires_at):
        yield Reason(Why.KEY_ENDED, f"the key {key.key_id} was revoked or has expired")


def _obstacles(session: Session, question: Question, actor: Actor, roles: frozenset[Role]) -> Iterator[Reason]:
    """Why ``actor`` may not, whoever it is."""
    if _may(actor, question, roles):
        return
    if question.key is not None and _may(_actor(session, question, None), question, roles):
        key = question.key
        where = question.named(key.site_id, ids_of(key.equipment_id))
        yield Reason(Why.KEY_OF_ONE_SITE, f"the key {key.key_id} counts at {where} alone; without it the roles suffice")
        return
    held = list(_grants(question, actor, roles))
    subject = question.principal.subject
    if held and plant_wide(question.type_name, question.field):
        text = f"{question.name} needs its role at all sites; {subject} holds {', '.join(held)}"
        yield Reason(Why.NOT_EVERYWHERE, text)
    elif held and _for_whole_site_alone(actor, question, roles):
        text = f"{question.name} needs its role for a whole site; {subject} holds {', '.join(held)}"
        yield Reason(Why.NOT_WHOLE_SITE, text)
    elif held and _sees_site(reach(actor, question.type_name, question.field), question):
        text = f"{question.name} is wanted at {question.where}; {subject} holds {', '.join(held)}"
        yield Reason(Why.OTHER_EQUIPMENT, text)
    elif actor.has_any(roles):
        seen = held if question.type_name == "Mutation" else list(_grants(question, actor, EVERYONE))
        where = question.named(question.site_id, ())
        yield Reason(Why.OTHER_SITES, f"nothing of {where} exists for {subject} there, who holds {', '.join(seen)}")
    elif actor.grants:
        others = ", ".join(_grants(question, actor, EVERYONE))
        yield Reason(Why.OTHER_ROLES, f"{question.name} is for {listed(roles)}; {subject} holds {others}")
    else:
        yield Reason(Why.NO_ROLE, f"{question.name} is for {listed(roles)}; {subject} holds no role")
    yield from _withdrawn(session, question, roles)


def _may(actor: Actor, question: Question, roles: frozenset[Role]) -> bool:
    """What is enforced: the role first, then the sites that the field reaches."""
    try:
        permit(actor, question.type_name, question.field, roles)
    except Denied:
        return False
    if not _sees_site(reach(actor, question.type_name, question.field), question):
        return False
    if question.equipment_id is None or question.type_name != "Mutation" or by_site("Mutation", question.field):
        return True
    return acts_at(actor, question.field, Place(question.site_id, question.path))


def _sees_site(sites: Sites, question: Question) -> bool:
    return question.site_id is None or sites is None or question.site_id in sites


def _for_whole_site_alone(actor: Actor, question: Question, roles: frozenset[Role]) -> bool:
    """Whether a role at equipment would do if it were one for the whole site."""
    return by_site(question.type_name, question.field) and _sees_site(actor.sites_with(roles), question)


def _grants(question: Question, actor: Actor, roles: frozenset[Role]) -> Iterator[str]:
    for grant in actor.granted(roles):
        yield _held(question, grant)


def _held(question: Question, grant: Grant) -> str:
    at = "" if grant.site_id is None else "at "
    return f"{grant.role.lower()} {at}{question.named(grant.site_id, grant.within)}"


def _withdrawn(session: Session, question: Question, roles: frozenset[Role]) -> Iterator[Reason]:
    """Roles that would have done, and were taken away."""
    statement = select(RoleGrant).where(
        RoleGrant.principal_id == question.principal.id, RoleGrant.withdrawn_at.is_not(None), RoleGrant.role.in_(roles)
    )
    for grant in session.scalars(statement.order_by(RoleGrant.id)):
        if grant.withdrawn_at is not None and question.site_id in (None, grant.site_id):
            when = grant.withdrawn_at.isoformat(timespec="seconds")
            lost = Grant(grant.role, grant.site_id, ids_of(grant.equipment_id))
            yield Reason(Why.WITHDRAWN, f"{_held(question, lost)} was withdrawn at {when}")
