"""Finding whom a command is about, as far as its actor reaches (:mod:`mesgraph.access.reach`)."""

from typing import TypeVar

from mesgraph.access.graphql.where import Where, find_where
from mesgraph.access.models import ApiKey, Identity, Principal
from mesgraph.access.policy import ADMIN
from mesgraph.access.reach import belongs, known_among
from mesgraph.api.nodes import find
from mesgraph.errors import Refused, invalid, not_found
from mesgraph.work import Work

P = TypeVar("P", ApiKey, Identity)


def known(work: Work, reference: str) -> Principal:
    """The principal that an administrator of the actor's sites knows; refuses NOT_FOUND."""
    principal = find(work.session, Principal, reference, "principal")
    if not known_among(work.session, work.actor.whole_sites_with(ADMIN), [principal.id]):
        raise Refused(not_found(Principal.kind, reference[:100], "principal"))
    return principal


def looked_after(work: Work, reference: str) -> Principal:
    """The principal, as :func:`known`; refuses VALIDATION_FAILED for one whose roles count beyond the actor's sites."""
    principal = known(work, reference)
    _check_belonging(work, principal, "principal")
    return principal


def part_of_looked_after(work: Work, cls: type[P], reference: str, name: str) -> P:
    """A key or identity of such a principal; refuses as for the principal itself."""
    row = find(work.session, cls, reference, name)
    if not known_among(work.session, work.actor.whole_sites_with(ADMIN), [row.principal_id]):
        raise Refused(not_found(cls.kind, reference[:100], name))
    _check_belonging(work, work.session.get_one(Principal, row.principal_id), name)
    return row


def where_to_count(work: Work, site: str | None, equipment: str | None) -> Where:
    """Where a role is to count, as :func:`find_where`; everywhere is only for those to say whose own role does."""
    where = find_where(work.session, site, equipment)
    if where.site_id is None and work.actor.whole_sites_with(ADMIN) is not None:
        raise Refused(invalid("name one of your sites: you do not administer all of them", "site"))
    return where


def _check_belonging(work: Work, principal: Principal, name: str) -> None:
    if not belongs(work.session, work.actor.whole_sites_with(ADMIN), principal):
        message = f"roles of {principal.subject} count beyond your sites: an administrator of all of them does this"
        raise Refused(invalid(message, name))
