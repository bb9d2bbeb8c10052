"""The emergency key: when nobody who may can get in, two persons put their halves together.

It opens one session, which is recorded and raises an alarm, and is void then.
"""

import logging

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.access import events, keys
from mesgraph.access.keys import KeyKind
from mesgraph.access.models import BreakGlass, Principal, SessionMethod
from mesgraph.access.sessions import Tokens, start_session
from mesgraph.work import Actor, Work

log = logging.getLogger("mesgraph.security")


def seal(work: Work, principal: Principal) -> tuple[str, str]:
    """Two halves, shown this once; an earlier key of the principal is void."""
    work.lock(principal)
    unopened = select(BreakGlass).where(BreakGlass.principal_id == principal.id, BreakGlass.void_at.is_(None))
    for earlier in work.session.scalars(unopened).all():
        earlier.void_at = work.now
    first, other = keys.new_key(KeyKind.BREAK_GLASS), keys.new_key(KeyKind.BREAK_GLASS)
    second = other.text.replace(other.key_id, first.key_id)
    digest = _digest(_half(first.text), _half(second))
    work.add(BreakGlass(principal_id=principal.id, key_id=first.key_id, secret_sha256=digest))
    ledger.record(work, events.BreakGlassSealed(principal=principal))
    return first.text, second


def open_session(work: Work, one: str, other: str) -> Tokens | None:
    """Put the halves together, in whatever order; ``None`` if they are no unopened key."""
    halves = _half(one), _half(other)
    if halves[0] is None or halves[1] is None or halves[0].key_id != halves[1].key_id:
        return None
    sealed = work.session.scalar(select(BreakGlass).where(BreakGlass.key_id == halves[0].key_id))
    if sealed is None or sealed.secret_sha256 not in (_digest(*halves), _digest(*reversed(halves))):
        return None
    principal = work.session.get_one(Principal, sealed.principal_id)
    work.lock(principal, sealed)
    if sealed.void_at is not None or not principal.active:
        return None
    sealed.void_at = work.now
    work.actor = Actor(principal.id, principal.subject, authenticated_by="break-glass")
    tokens = start_session(work, principal, SessionMethod.BREAK_GLASS)
    ledger.record(work, events.BreakGlassOpened(principal=principal, session=tokens.session))
    log.critical("the emergency key of %s was opened", principal.subject)
    return tokens


def _half(text: str) -> keys.Parts | None:
    parts = keys.split(text)
    return parts if parts is not None and parts.kind is KeyKind.BREAK_GLASS else None


def _digest(*halves: keys.Parts | None) -> bytes:
    return keys.digest("".join(half.secret for half in halves if half is not None))
