"""What both databases offer, and how one is opened."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, TypeAlias, TypeVar

from sqlalchemy.engine import URL, Dialect, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from mesgraph.db.scope import Sites

T = TypeVar("T")
Unit: TypeAlias = Callable[[Session], T]
"""A plain function of a session: a whole unit of work, or a query."""
Fetch: TypeAlias = Callable[[str, Sequence[Any]], Awaitable[Sequence[Any]]]
"""Reads the rows of SQL with its parameters in order. Raises :class:`Lengthy`."""


class Lengthy(Exception):
    """A statement would stop everybody else for too long where it is: have it read by :meth:`Database.read`."""


class Database(ABC):
    """A database that runs units of work and queries.

    ``write`` returns after the commit is on disk (PostgreSQL: as its settings promise) and calls the listeners of
    :meth:`on_commit` then. Errors: whatever the unit raises, with everything rolled back;
    :class:`~mesgraph.errors.Unavailable` when the database cannot do it now.
    """

    dialect: ClassVar[str]
    row_security: bool = False
    """Whether the database itself hides rows of other sites, behind the scope of sessions. Known once it is open."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[], None]] = []

    @abstractmethod
    async def open(self) -> None:
        """Connect; raises :class:`~mesgraph.errors.Unavailable` with the way out."""

    @abstractmethod
    async def close(self) -> None:
        """Finish what runs, then let go of every connection and thread."""

    @abstractmethod
    async def write(self, unit: Unit[T], sites: Sites = None) -> T:
        """Run ``unit`` in one transaction, again from the start when the database asks for it, and commit."""

    @abstractmethod
    async def read(self, query: Unit[T], sites: Sites = None) -> T:
        """Run ``query`` on one read-only snapshot."""

    @property
    @abstractmethod
    def sql(self) -> Dialect:
        """How SQLAlchemy writes SQL for it."""

    @abstractmethod
    def lend(self, sites: Sites) -> AbstractAsyncContextManager[Fetch]:
        """A way to read rows in the form in which the driver has them, each statement for itself.

        The statements of plans alone (:mod:`mesgraph.api.plan`) are read by it, which carry their scope; where the
        database has row security, ``sites`` hold there, too.
        """

    def on_commit(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` on the event loop after each commit of this process."""
        self._listeners.append(listener)

    def _committed(self) -> None:
        for listener in self._listeners:
            listener()


def parse_url(url: str) -> URL:
    """Read ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``; raises ``ValueError`` for anything else."""
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError(f"database {url!r} is not a URL such as sqlite:///mesgraph.db") from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise ValueError(f"database {url!r} is neither sqlite:///FILE nor postgresql://USER@HOST/NAME")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise ValueError("name a file: sqlite:///mesgraph.db")
    return parsed


def open_database(url: str) -> Database:
    """The database of ``sqlite:///FILE`` or ``postgresql://USER@HOST/NAME``; call ``open`` on it before use.

    Raises ``ValueError`` for anything else.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        from mesgraph.db.sqlite import EmbeddedDatabase

        return EmbeddedDatabase(parsed)
    from mesgraph.db.postgresql import ServerDatabase

    return ServerDatabase(parsed)
