"""Logging in: who somebody says to be, shown by what they know, have, or an identity provider vouches for.

Every wrong try gets one answer, after the same time, whether name, password or account is wrong: nobody learns who
exists. Guessing is slow: an account rests after ten wrong tries, a peer after thirty.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from mesgraph.access import accounts, break_glass, keys, sessions
from mesgraph.access.keys import KeyKind
from mesgraph.access.models import Account, Identity, LoginSession, Principal, SessionMethod
from mesgraph.access.passwords import Hashing, check_password, check_pin, fits, hash_of
from mesgraph.access.queries import valid_key
from mesgraph.access.sessions import Tokens
from mesgraph.clock import Clock
from mesgraph.db import Database
from mesgraph.errors import Code, Denied, Unavailable
from mesgraph.work import SYSTEM, Actor, Work

T = TypeVar("T")

WRONG = "the login is refused: name or secret is wrong, or ten wrong tries have locked the account for 15 minutes"
WRONG_TAKES_S = 0.25
"""What a wrong try takes at least: it hides what the database did for an account that exists."""
WINDOW = timedelta(minutes=15)
WRONG_TRIES = 30
"""Wrong tries of one network peer within the window: who guesses through many accounts is slowed down, too."""
TOKENS = 60
"""Tokens for one key within the window: each is a session and stands in the record."""
SOURCES_KEPT = 10_000


class MustChange(Exception):
    """The password is right, but it was handed out: the login must bring a new one."""


@dataclass(frozen=True)
class _Known:
    """What a wrong or right secret is compared with, read before the unit of work: hashing takes its time."""

    principal_id: int
    subject: str
    stored: str | None


@dataclass(frozen=True)
class Shown:
    """What somebody who is logged in shows anew: a secret, and with ``name`` the name or badge that it belongs to."""

    method: SessionMethod
    secret: str
    name: str | None

    def stored(self, account: Account) -> str | None:
        """What it is compared with."""
        return account.password_hash if self.method is SessionMethod.PASSWORD else account.pin_hash


@asynccontextmanager
async def _unhurried() -> AsyncIterator[None]:
    """Around a login: a wrong try is answered after :data:`WRONG_TAKES_S`, and not before."""
    began = time.monotonic()
    try:
        yield
    except Denied:
        await asyncio.sleep(WRONG_TAKES_S - (time.monotonic() - began))
        raise


class Tries:
    """How often somebody did something of late, in this process; who did it ``most`` times waits for :data:`WINDOW`."""

    def __init__(self, most: int, too_often: str) -> None:
        self._most, self._too_often = most, too_often
        self._tries: OrderedDict[str, list[datetime]] = OrderedDict()

    def check(self, source: str, now: datetime) -> None:
        """Raise :class:`Unavailable` (OVERLOADED) when it was too often."""
        recent = [at for at in self._tries.pop(source, []) if now - at < WINDOW]
        if recent:
            self._tries[source] = recent
        if len(recent) >= self._most:
            raise Unavailable(Code.OVERLOADED, f"{self._too_often}; try again in 15 minutes")

    def note(self, source: str, now: datetime) -> None:
        """Once more."""
        self._tries.setdefault(source, []).append(now)
        while len(self._tries) > SOURCES_KEPT:
            self._tries.popitem(last=False)


class Login:
    """Begins, renews and ends sessions. Every refusal raises :class:`Denied` (UNAUTHENTICATED) with one message."""

    def __init__(self, database: Database, clock: Clock, noticed: Callable[[str], None]) -> None:
        """``noticed`` is told of each peer that tried something wrong."""
        self._database, self._clock = database, clock
        self._hashing = Hashing()
        self._peers = Tries(WRONG_TRIES, "too many wrong logins from your address")
        self._keys = Tries(TOKENS, f"this key has got {TOKENS} tokens; each lasts ten minutes, so keep it")
        self._noticed = noticed

    @_unhurried()
    async def by_password(self, peer: str, subject: str, password: str, new_password: str | None = None) -> Tokens:
        """Log in by name and password; with a new one, change it.

        Raises :class:`MustChange` when the password was handed out and no new one is given, and :class:`Refused` for a
        new one that breaks the rules.
        """
        if new_password is not None:
            check_password(new_password, subject, "newPassword")

        def find(session: Session) -> tuple[Account, Principal] | None:
            found = _accounts(session).where(Principal.subject == subject)
            return session.execute(found).first()

        known = await self._known(find, lambda account: account.password_hash)
        right = await self._compare(peer, known, password)
        new_hash = await self._hash(new_password) if right and new_password is not None else None
        now = self._clock.now()

        def unit(session: Session, known: _Known) -> Tokens | None:
            work, principal, account = _locked(session, known, "password", now)
            if not right or accounts.locked(account, now) or account.password_hash != known.stored:
                accounts.note_failure(work, principal, account)
                return None
            if account.password_ends_at is not None and (account.password_ends_at <= now or new_hash is None):
                if account.password_ends_at <= now:
                    return None
                raise MustChange
            accounts.note_success(account)
            if new_hash is not None:
                accounts.change_password(work, principal, account, new_hash)
            return sessions.start_session(work, principal, SessionMethod.PASSWORD)

        return await self._begin(peer, known, unit)

    @_unhurried()
    async def by_badge(self, peer: str, badge: str, pin: str, terminal: str, new_pin: str | None = None) -> Tokens:
        """Log in at a shared terminal; who was logged in there before is logged out. With a new PIN, change it."""
        if new_pin is not None:
            check_pin(new_pin, "newPin")

        def find(session: Session) -> tuple[Account, Principal] | None:
            return session.execute(_accounts(session).where(Account.badge == badge)).first()

        known = await self._known(find, lambda account: account.pin_hash)
        right = await self._compare(peer, known, pin)
        new_hash = await self._hash(new_pin) if right and new_pin is not None else None
        now = self._clock.now()

        def unit(session: Session, known: _Known) -> Tokens | None:
            work, principal, account = _locked(session, known, "badge", now)
            if not right or accounts.locked(account, now) or account.badge != badge or account.pin_hash != known.stored:
                accounts.note_failure(work, principal, account)
                return None
            accounts.note_success(account)
            if new_hash is not None:
                accounts.change_pin(work, principal, account, new_hash)
            return sessions.start_session(work, principal, SessionMethod.BADGE, terminal=terminal)

        return await self._begin(peer, known, unit)

    async def again(self, peer: str, actor: Actor, shown: Shown, then: Callable[[Work], T]) -> T:
        """Let somebody who is logged in show anew who they are, and do ``then`` in the same unit of work."""

        def find(session: Session) -> tuple[Account, Principal] | None:
            return session.execute(_accounts(session).where(Principal.id == actor.principal_id)).first()

        known = await self._known(find, shown.stored)
        right = await self._compare(peer, known, shown.secret)
        now = self._clock.now()

        def unit(session: Session, known: _Known) -> T | None:
            work, principal, account = _locked(session, known, shown.method, now)
            named = shown.name in (None, principal.subject if shown.method is SessionMethod.PASSWORD else account.badge)
            if not (right and named) or accounts.locked(account, now) or shown.stored(account) != known.stored:
                accounts.note_failure(work, principal, account)
                return None
            accounts.note_success(account)
            work.actor = actor
            return then(work)

        done = None if known is None else await self._database.write(lambda session: unit(session, known))
        if done is None:
            self._wrong(peer)
            raise Denied(Code.UNAUTHENTICATED, WRONG)
        return done

    async def by_provider(self, peer: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask the identity provider for somebody at ``peer``; what it refuses counts as a wrong try of the peer."""
        self._peers.check(peer, self._clock.now())
        try:
            return await ask()
        except Denied:
            self._wrong(peer)
            raise

    async def by_identity(self, issuer: str, subject: str) -> Tokens:
        """Log in whom an identity provider vouches for."""
        now = self._clock.now()

        def unit(session: Session) -> Tokens | None:
            principal = linked(session, issuer, subject)
            if principal is None or not principal.active:
                return None
            work = _as(session, principal, "oidc", now)
            return sessions.start_session(work, principal, SessionMethod.OIDC)

        return self._granted(await self._database.write(unit))

    async def by_key(self, peer: str, key_id: str, secret: str) -> Tokens:
        """Give an access token for an API key: the OAuth grant ``client_credentials``."""
        now = self._clock.now()

        def unit(session: Session) -> Tokens | None:
            found = valid_key(session, keys.Parts(KeyKind.API_KEY, key_id, secret), now)
            if found is None:
                return None
            work = _as(session, found[1], f"key:{key_id}", now)
            return sessions.start_session(work, found[1], SessionMethod.CLIENT_CREDENTIALS, key=found[0])

        self._keys.check(key_id, now)
        tokens = await self._tried(peer, now, unit)
        self._keys.note(key_id, now)
        return tokens

    async def renew(self, peer: str, refresh_token: str) -> Tokens:
        """The next tokens of a session."""
        now = self._clock.now()

        def unit(session: Session) -> Tokens | None:
            work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="refresh")
            return sessions.refresh(work, refresh_token)

        return await self._tried(peer, now, unit)

    async def by_halves(self, peer: str, first: str, second: str) -> Tokens:
        """Open the emergency key."""
        now = self._clock.now()

        def unit(session: Session) -> Tokens | None:
            work = Work(session=session, actor=SYSTEM, now=now, occurred_at=now, command="break-glass")
            return break_glass.open_session(work, first, second)

        return await self._tried(peer, now, unit)

    async def end(self, actor: Actor) -> None:
        """Log out."""
        now = self._clock.now()

        def unit(session: Session) -> None:
            work = Work(session=session, actor=actor, now=now, occurred_at=now, command="logout")
            if actor.session_id is not None:
                sessions.end_session(work, session.get_one(LoginSession, actor.session_id))

        await self._database.write(unit)

    def _wrong(self, peer: str) -> None:
        self._peers.note(peer, self._clock.now())
        self._noticed(peer)

    async def _tried(self, peer: str, now: datetime, unit: Callable[[Session], Tokens | None]) -> Tokens:
        """Try secrets of 256 bits: there is nothing to be guessed, but it need not be tried for ever."""
        self._peers.check(peer, now)
        tokens = await self._database.write(unit)
        if tokens is None:
            self._wrong(peer)
        return self._granted(tokens)

    async def _known(
        self, find: Callable[[Session], tuple[Account, Principal] | None], stored: Callable[[Account], str | None]
    ) -> _Known | None:
        def query(session: Session) -> _Known | None:
            found = find(session)
            return None if found is None else _Known(found[1].id, found[1].subject, stored(found[0]))

        return await self._database.read(query)

    async def _compare(self, peer: str, known: _Known | None, secret: str) -> bool:
        self._peers.check(peer, self._clock.now())
        return await self._hashing.run(partial(fits, secret, known.stored if known else None))

    async def _hash(self, secret: str) -> str:
        return await self._hashing.run(partial(hash_of, secret))

    async def _begin(self, peer: str, known: _Known | None, unit: Callable[[Session, _Known], Tokens | None]) -> Tokens:
        tokens = None if known is None else await self._database.write(lambda session: unit(session, known))
        if tokens is None:
            self._wrong(peer)
        return self._granted(tokens)

    def _granted(self, tokens: Tokens | None) -> Tokens:
        if tokens is None:
            raise Denied(Code.UNAUTHENTICATED, WRONG)
        return tokens


def linked(session: Session, issuer: str, subject: str) -> Principal | None:
    """Who a subject of an identity provider is here."""
    return session.scalar(
        select(Principal)
        .join(Identity, Identity.principal_id == Principal.id)
        .where(Identity.issuer == issuer, Identity.subject == subject)
    )


def _accounts(session: Session):  # type: ignore[no-untyped-def]  # SQLAlchemy names the type of a select of two rows only
    return select(Account, Principal).join(Principal, Principal.id == Account.principal_id).where(Principal.active)


def _locked(session: Session, known: _Known, method: str, now: datetime) -> tuple[Work, Principal, Account]:
    """A unit of work of who logs in, with the account as it is now."""
    principal = session.get_one(Principal, known.principal_id)
    work = _as(session, principal, method, now)
    account = session.scalars(select(Account).where(Account.principal_id == principal.id)).one()
    work.lock(principal, account)
    return work, principal, account


def _as(session: Session, principal: Principal, method: str, now: datetime) -> Work:
    """A unit of work of who logs in."""
    actor = Actor(principal_id=principal.id, subject=principal.subject, authenticated_by=method)
    return Work(session=session, actor=actor, now=now, occurred_at=now, command="login")
