"""Sessions: what follows a login until it ends.

An access token lives ten minutes; a refresh token is used once and gives the next pair. One that comes a second time
was stolen, or its thief was here before: the session ends for both (RFC 9700, 4.14.2).
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from mesgraph import ledger
from mesgraph.access import events, keys
from mesgraph.access.keys import KeyKind
from mesgraph.access.models import ApiKey, LoginSession, Principal, SessionEnd, SessionMethod, SessionToken
from mesgraph.work import Work

ACCESS_LIFE = timedelta(minutes=10)
LIVES: dict[SessionMethod, timedelta] = {
    SessionMethod.PASSWORD: timedelta(hours=12),
    SessionMethod.OIDC: timedelta(hours=12),
    SessionMethod.BADGE: timedelta(hours=1),
    SessionMethod.BREAK_GLASS: timedelta(hours=1),
    SessionMethod.CLIENT_CREDENTIALS: ACCESS_LIFE,
}
"""How long a session lasts at most. A badge opens a shared terminal: it lies about if nobody ends the session."""


class Tokens(NamedTuple):
    """What a client gets: texts that are shown once, and until when they work."""

    access: str
    access_ends_at: datetime
    refresh: str | None
    session: LoginSession
    principal: Principal


def start_session(
    work: Work,
    principal: Principal,
    method: SessionMethod,
    *,
    terminal: str | None = None,
    key: ApiKey | None = None,
) -> Tokens:
    """Begin a session. At a shared terminal there is one user at a time: who was there before is logged out."""
    if terminal is not None:
        before = select(LoginSession).where(LoginSession.terminal == terminal, LoginSession.ended_at.is_(None))
        for other in work.session.scalars(before.where(LoginSession.ends_at > work.now)).all():
            _end(work, other, SessionEnd.REPLACED)
    session = work.add(
        LoginSession(
            principal_id=principal.id,
            method=method,
            terminal=terminal,
            api_key_id=key and key.id,
            ends_at=work.now + LIVES[method],
        )
    )
    ledger.record(work, events.SessionStarted(principal=principal, session=session, method=method, terminal=terminal))
    return _tokens(work, session, principal)


def refresh(work: Work, text: str) -> Tokens | None:
    """The next tokens of the session; ``None`` for anything but an unused refresh token of a living session."""
    parts = keys.split(text)
    if parts is None or parts.kind is not KeyKind.REFRESH:
        return None
    token = work.session.get(SessionToken, parts.key_id)
    if token is None or token.token_kind is not KeyKind.REFRESH or not keys.matches(parts.secret, token.secret_sha256):
        return None
    session = work.session.get_one(LoginSession, token.session_id)
    principal = work.session.get_one(Principal, session.principal_id)
    work.lock(principal, session)
    token = work.session.get(SessionToken, parts.key_id, populate_existing=True)
    if token is None or not _lives(session, work.now) or not principal.active:
        return None
    if token.used_at is not None:
        _end(work, session, SessionEnd.TOKEN_REUSED)
        return None
    token.used_at = work.now
    return _tokens(work, session, principal)


def end_session(work: Work, session: LoginSession, end: SessionEnd = SessionEnd.LOGGED_OUT) -> LoginSession:
    """Log out; ending twice changes nothing."""
    work.lock(session)
    if _lives(session, work.now):
        _end(work, session, end)
    return session


def end_sessions(work: Work, principal: Principal, end: SessionEnd, *, key: ApiKey | None = None) -> list[LoginSession]:
    """End all sessions of a principal, or those that a key began; returns those that lived."""
    living = select(LoginSession).where(LoginSession.principal_id == principal.id, LoginSession.ended_at.is_(None))
    if key is not None:
        living = living.where(LoginSession.api_key_id == key.id)
    ended = list(work.session.scalars(living.where(LoginSession.ends_at > work.now)))
    for session in ended:
        _end(work, session, end)
    return ended


def session_of(session: Session, parts: keys.Parts, now: datetime) -> tuple[LoginSession, datetime] | None:
    """The living session of an access token, and when the token ends."""
    token = session.get(SessionToken, parts.key_id)
    if token is None or token.token_kind is not KeyKind.ACCESS or not keys.matches(parts.secret, token.secret_sha256):
        return None
    login = session.get_one(LoginSession, token.session_id)
    ends_at = min(token.expires_at, login.ends_at)
    return (login, ends_at) if _lives(login, now) and now < ends_at else None


def _lives(session: LoginSession, now: datetime) -> bool:
    return session.ended_at is None and now < session.ends_at


def _end(work: Work, session: LoginSession, end: SessionEnd) -> None:
    session.ended_at, session.end = work.now, end
    principal = work.session.get_one(Principal, session.principal_id)
    work.session.execute(delete(SessionToken).where(SessionToken.session_id == session.id))
    ledger.record(work, events.SessionEnded(principal=principal, session=session, end=end))


def _tokens(work: Work, session: LoginSession, principal: Principal) -> Tokens:
    # access tokens that ended are of no use to anybody; used refresh tokens tell of a theft
    work.session.execute(
        delete(SessionToken).where(
            SessionToken.session_id == session.id,
            SessionToken.token_kind == KeyKind.ACCESS,
            SessionToken.expires_at <= work.now,
        )
    )
    access_ends_at = min(work.now + ACCESS_LIFE, session.ends_at)
    access = _token(work, session, KeyKind.ACCESS, access_ends_at)
    renewable = session.ends_at > access_ends_at
    refresh = _token(work, session, KeyKind.REFRESH, session.ends_at) if renewable else None
    return Tokens(access, access_ends_at, refresh, session, principal)


def _token(work: Work, session: LoginSession, kind: KeyKind, expires_at: datetime) -> str:
    fresh = keys.new_key(kind)
    work.session.add(
        SessionToken(
            token_id=fresh.key_id,
            session_id=session.id,
            token_kind=kind,
            secret_sha256=fresh.secret_sha256,
            expires_at=expires_at,
        )
    )
    work.session.flush()
    return fresh.text
