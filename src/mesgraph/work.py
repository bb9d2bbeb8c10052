"""A unit of work: what a verb gets, and all that it gets.

A verb is a plain function ``verb(work, ...)``: it locks rows, checks rules, changes rows and records events. It never
commits; whoever made the :class:`Work` does, once, at the mutation field.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from mesgraph.db.rows import Entity
from mesgraph.db.scope import EVERY_SITE
from mesgraph.errors import Code, Refused, VersionViolation, invalid

E = TypeVar("E", bound=Entity)


@dataclass(frozen=True)
class Actor:
    """Who acts: a person or a service, with the sites where each of its roles counts (``None``: everywhere)."""

    principal_id: int
    subject: str
    grants: tuple[tuple[str, int | None], ...] = ()
    authenticated_by: str = "system"

    def sites_with(self, roles: Iterable[str]) -> frozenset[int] | None:
        """Where the actor holds one of ``roles``: ``None`` for everywhere, an empty set for nowhere."""
        wanted = set(roles)
        sites = {site for role, site in self.grants if role in wanted}
        return None if None in sites else frozenset(site for site in sites if site is not None)

    def has_any(self, roles: Iterable[str]) -> bool:
        """Whether the actor holds one of ``roles`` anywhere."""
        wanted = set(roles)
        return any(role in wanted for role, _ in self.grants)


SYSTEM = Actor(principal_id=0, subject="system")
"""The plant itself: migration, start-up, and what follows automatically."""


@dataclass(frozen=True)
class Reason:
    """Why something is done: a code of the plant's list, and words."""

    code: str
    comment: str | None = None


@dataclass
class Work:
    """Session, actor and time of one command.

    ``now`` is the record time, ``occurred_at`` the event time (when it happened on the floor). ``events`` gathers what
    the ledger recorded, for the answer.
    """

    session: Session
    actor: Actor
    now: datetime
    occurred_at: datetime
    reason: Reason | None = None
    command: str = ""
    key_digest: bytes | None = None
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
