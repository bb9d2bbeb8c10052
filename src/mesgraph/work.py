"""A unit of work: what a verb gets, and all that it gets.

A verb is a plain function ``verb(work, ...)``: it locks rows, checks rules, changes rows and records events. It never
commits; whoever made the :class:`Work` does, once, at the mutation field.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from mesgraph.db.rows import Entity
from mesgraph.db.scope import EVERY_SITE
from mesgraph.errors import Code, Refused, SignatureViolation, VersionViolation, invalid

E = TypeVar("E", bound=Entity)


class Place(NamedTuple):
    """Where a command acts: equipment of a site, as its id and the ids of all above it; without any, the site itself.

    ``site_id`` is ``None`` for what belongs to no site.
    """

    site_id: int | None
    path: frozenset[int] = frozenset()


class Grant(NamedTuple):
    """A role and the site where it counts; ``None`` for everywhere.

    ``within``: equipment that must stand above the place where it is used, each of it: that of the grant, and that of
    the key by which its holder came in. Without any the role counts for the whole site.
    """

    role: str
    site_id: int | None
    within: frozenset[int] = frozenset()

    def covers(self, place: Place) -> bool:
        """Whether the role counts there; what belongs to no site takes a role for any whole site."""
        at_site = self.site_id is None or place.site_id in (None, self.site_id)
        return at_site and self.within <= place.path


@dataclass(frozen=True)
class Actor:
    """Who acts: a person or a service, with its roles and where each of them counts.

    ``expires_at``: when the key or token that proves it ends; ``session_id``: the login behind the token, if any;
    ``terminal``: the shared terminal where a badge began that.
    """

    principal_id: int
    subject: str
    grants: tuple[Grant, ...] = ()
    authenticated_by: str = "system"
    expires_at: datetime | None = None
    session_id: int | None = None
    terminal: str | None = None

    def sites_with(self, roles: Iterable[str]) -> frozenset[int] | None:
        """Where the actor holds one of ``roles``, if only at equipment: ``None`` for everywhere, an empty set for
        nowhere. What is read goes by it.
        """
        return _sites(self.granted(roles))

    def whole_sites_with(self, roles: Iterable[str]) -> frozenset[int] | None:
        """The same of roles that count for a whole site. What is done to a site goes by it."""
        return _sites(grant for grant in self.granted(roles) if not grant.within)

    def granted(self, roles: Iterable[str]) -> list[Grant]:
        """The actor's grants of ``roles``."""
        wanted = set(roles)
        return [grant for grant in self.grants if grant.role in wanted]

    def has_any(self, roles: Iterable[str]) -> bool:
        """Whether the actor holds one of ``roles`` anywhere."""
        return bool(self.granted(roles))


def _sites(grants: Iterable[Grant]) -> frozenset[int] | None:
    sites = {grant.site_id for grant in grants}
    return None if None in sites else frozenset(site for site in sites if site is not None)


SYSTEM = Actor(principal_id=0, subject="system")
"""The plant itself: migration, start-up, and what follows automatically."""


@dataclass(frozen=True)
class Reason:
    """Why something is done: a code of the plant's list, and words."""

    code: str
    comment: str | None = None


@dataclass(frozen=True)
class Signed:
    """A record that was signed with this command, what the signature means, and its id."""

    record_kind: str
    record_id: int
    meaning: str
    signature_id: int


@dataclass
class Work:
    """Session, actor and time of one command.

    ``now`` is the record time, ``occurred_at`` the event time (when it happened on the floor). ``events`` gathers what
    the ledger recorded, for the answer. ``signed`` is what was signed with the command, ``demanded`` the meaning with
    which the plant wants this command to be signed.
    """

    session: Session
    actor: Actor
    now: datetime
    occurred_at: datetime
    reason: Reason | None = None
    command: str = ""
    key_digest: bytes | None = None
    signed: Signed | None = None
    demanded: str | None = None
    events: list[object] = field(default_factory=list)

    def add(self, row: E) -> E:
        """Put a new row into the session and give it its id."""
        row.created_at = self.now
        self.session.add(row)
        self.session.flush()
        return row

    def add_all(self, rows: list[E]) -> list[E]:
        """Put new rows into the session and give them their ids, in one round."""
        for row in rows:
            row.created_at = self.now
        self.session.add_all(rows)
        self.session.flush()
        return rows

    def lock(self, *rows: Entity | None) -> None:
        """Lock rows against other commands and read them anew.

        All rows of a command are locked in one order - by ``lock_rank`` of their class (order, segment, job, item,
        equipment, then the rest), then by id - so that two commands never wait for each other in a circle. Lock what
        a verb decides on in one call. On SQLite the one writer has the database to itself already.
        """
        if self.session.get_bind().dialect.name == "sqlite":
            return
        wanted: dict[type[Entity], set[int]] = defaultdict(set)
        for row in rows:
            if row is not None and not inspect(row).pending:
                wanted[type(row)].add(row.id)
        for cls in sorted(wanted, key=lambda c: (c.lock_rank, c.__name__)):
            self.session.execute(
                select(cls)
                .where(cls.id.in_(sorted(wanted[cls])))
                .order_by(cls.id)
                .with_for_update()
                .execution_options(populate_existing=True, **EVERY_SITE)
            ).scalars().all()

    def expect(self, row: Entity, version: int | None) -> None:
        """Refuse VERSION_CONFLICT when the caller decided on another version of ``row`` (I39)."""
        if version is not None and row.version != version:
            raise Refused(
                VersionViolation(
                    message=f"{row.human_key} has version {row.version}, you expected {version}",
                    path=("expected_version",),
                    current=row.version,
                )
            )

    def needs_reason(self) -> Reason:
        """The reason of the command; refuses REASON_REQUIRED when none was given (I28)."""
        if self.reason is None:
            raise Refused(invalid("this needs a reason", "reason", code=Code.REASON_REQUIRED))
        return self.reason

    def needs_signature(self, row: Entity) -> None:
        """Refuse SIGNATURE_REQUIRED when the plant wants this command signed, and ``row`` was not signed so (I34)."""
        signed = self.signed and (self.signed.record_kind, self.signed.record_id, self.signed.meaning)
        if self.demanded is None or signed == (row.subject_kind, row.id, self.demanded):
            return
        message = f"{self.command} of {row.human_key} must be signed, as {self.demanded}"
        raise Refused(SignatureViolation(message=message, path=("signature",), meaning=self.demanded))
