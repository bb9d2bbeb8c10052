"""Site scope: a session that carries one sees only the rows of its sites, whatever the statement.

What lies outside is not refused but absent, so "not yours" and "not there" cannot be told apart (I36).
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from types import MappingProxyType
from typing import TypeAlias

from sqlalchemy import event, or_
from sqlalchemy.orm import ORMExecuteState, Session, with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from mesgraph.db.rows import BetweenSites, Sited

Sites: TypeAlias = frozenset[int] | None
"""Ids of the sites in scope; ``None`` means every site."""

INFO = "sites"
EVERY_SITE: Mapping[str, bool] = MappingProxyType({"every_site": True})
"""Execution options of a statement that no scope restricts, and that therefore goes out from rows in scope.

What the runs of an order took stays in the order's books wherever the lot has gone since: a rule or a sum that lost
sight of it would be wrong for some callers. What they may *see* of such a lot is no matter of these statements.
"""


def apply_scope(session: Session, sites: Sites) -> None:
    """Restrict ``session`` to ``sites`` for as long as it lives."""
    session.info[INFO] = sites


def sites_of(session: Session) -> Sites:
    """The scope of ``session``."""
    scope: Sites = session.info.get(INFO)
    return scope


@contextmanager
def every_site(session: Session) -> Iterator[Sites]:
    """Lift the scope of ``session`` for a rule that must not depend on who asks; gives the scope, for what is shown."""
    scope = sites_of(session)
    apply_scope(session, None)
    try:
        yield scope
    finally:
        apply_scope(session, scope)


@lru_cache(maxsize=1024)
def site_predicates(sites: frozenset[int], dialect: str) -> tuple[ExecutableOption, ...]:
    """The options that restrict a statement to ``sites``; made once for each scope, because making them is dear."""
    allowed = sorted(sites)
    between = with_loader_criteria(
        BetweenSites,
        lambda row: or_(row.from_site_id.in_(allowed), row.to_site_id.in_(allowed)),
        include_aliases=True,
    )
    if dialect == "sqlite":
        # + 0 keeps the site from being taken for the way to the rows: without statistics SQLite thinks any index as
        # good as any other, and would read everything of the site instead of the lot or job that was asked for
        of_site = with_loader_criteria(Sited, lambda row: (row.site_id + 0).in_(allowed), include_aliases=True)
    else:
        of_site = with_loader_criteria(Sited, lambda row: row.site_id.in_(allowed), include_aliases=True)
    return of_site, between


@event.listens_for(Session, "do_orm_execute")
def add_site_predicate(state: ORMExecuteState) -> None:
    """Add the predicates to every ORM statement, relations included; column loads of loaded rows need none, and those
    of :data:`EVERY_SITE` are to have none.
    """
    sites = sites_of(state.session)
    if state.execution_options.get("every_site"):
        return
    if sites is not None and not state.is_column_load and not state.is_relationship_load:
        state.statement = state.statement.options(*site_predicates(sites, state.session.get_bind().dialect.name))
