"""Verbs of accounts: how people who have no identity provider log in, and what stops those who guess."""

from datetime import datetime, timedelta

from sqlalchemy import select

from mesgraph import ledger
from mesgraph.access import events
from mesgraph.access.models import Account, Identity, LoginSession, Principal, PrincipalKind, SessionEnd
from mesgraph.access.sessions import end_sessions
from mesgraph.errors import Code, Refused, invalid
from mesgraph.work import Work

TRIES = 10
WINDOW = timedelta(minutes=15)
"""So many wrong tries within this time lock an account for as long."""
INITIAL_LIFE = timedelta(hours=72)
"""For how long a password that was handed out lets somebody in."""


def open_account(work: Work, principal: Principal, password_hash: str) -> Account:
    """Let a person in with an initial password; again, when the old one is forgotten. All sessions end.

    Refuses VALIDATION_FAILED for a service: it has keys.
    """
    _person(principal)
    work.lock(principal)
    account = _account(work, principal) or work.add(Account(principal_id=principal.id, failures=0))
    account.password_hash, account.password_ends_at = password_hash, work.now + INITIAL_LIFE
    _forgive(account)
    end_sessions(work, principal, SessionEnd.ENDED_BY_ADMINISTRATOR)
    ledger.record(work, events.AccountOpened(principal=principal))
    return account


def register_badge(work: Work, principal: Principal, badge: str, pin_hash: str) -> Account:
    """Let a person in with a badge and a PIN. Refuses DUPLICATE_KEY for a badge that somebody has."""
    _person(principal)
    work.lock(principal)
    owner = work.session.scalar(select(Account.principal_id).where(Account.badge == badge))
    if owner is not None and owner != principal.id:
        message = "another person has this badge; withdraw it there first"
        raise Refused(invalid(message, "badge", code=Code.DUPLICATE_KEY))
    account = _account(work, principal) or work.add(Account(principal_id=principal.id, failures=0))
    account.badge, account.pin_hash = badge, pin_hash
    _forgive(account)
    ledger.record(work, events.BadgeRegistered(principal=principal))
    return account


def withdraw_badge(work: Work, principal: Principal) -> Principal:
    """Stop a badge, lost or given back. Refuses NOT_FOUND when there is none."""
    work.lock(principal)
    account = _account(work, principal)
    if account is None or account.badge is None:
        raise Refused(invalid(f"{principal.subject} has no badge", "principal", code=Code.NOT_FOUND))
    account.badge = account.pin_hash = None
    ledger.record(work, events.BadgeWithdrawn(principal=principal))
    return principal


def unlock_account(work: Work, principal: Principal) -> Principal:
    """Forget the wrong tries; doing it again changes nothing. Refuses NOT_FOUND when there is no account."""
    work.lock(principal)
    account = _account(work, principal)
    if account is None:
        raise Refused(invalid(f"{principal.subject} has no account", "principal", code=Code.NOT_FOUND))
    if account.failures or account.locked_until:
        _forgive(account)
        ledger.record(work, events.AccountUnlocked(principal=principal))
    return principal


def change_password(work: Work, principal: Principal, account: Account, password_hash: str) -> None:
    """Keep a password that its owner chose; all sessions end."""
    account.password_hash, account.password_ends_at = password_hash, None
    end_sessions(work, principal, SessionEnd.PASSWORD_CHANGED)
    ledger.record(work, events.PasswordChanged(principal=principal))


def change_pin(work: Work, principal: Principal, account: Account, pin_hash: str) -> None:
    """Keep a PIN that its owner chose; all sessions end."""
    account.pin_hash = pin_hash
    end_sessions(work, principal, SessionEnd.PIN_CHANGED)
    ledger.record(work, events.PinChanged(principal=principal))


def note_failure(work: Work, principal: Principal, account: Account) -> None:
    """Count a wrong try; the last one within the window locks the account. While it is locked, none counts."""
    if locked(account, work.now):
        return
    since = account.failing_since
    if since is None or work.now - since >= WINDOW:
        account.failures, account.failing_since = 0, work.now
    account.failures += 1
    if account.failures >= TRIES:
        account.locked_until = work.now + WINDOW
        account.failures, account.failing_since = 0, None
        ledger.record(work, events.AccountLocked(principal=principal, until=account.locked_until))


def note_success(account: Account) -> None:
    """Whoever gets in has shown that the wrong tries were honest ones."""
    _forgive(account)


def locked(account: Account, now: datetime) -> bool:
    """Whether nobody gets in now."""
    return account.locked_until is not None and now < account.locked_until


def reactivate(work: Work, principal: Principal) -> Principal:
    """Let a principal act again, with the roles and keys it has."""
    work.lock(principal)
    if not principal.active:
        principal.active = True
        ledger.record(work, events.PrincipalReactivated(principal=principal))
    return principal


def link_identity(work: Work, principal: Principal, issuer: str, subject: str) -> Identity:
    """Say who somebody is for an identity provider. Refuses DUPLICATE_KEY when that is somebody else already."""
    work.lock(principal)
    known = work.session.scalar(select(Identity).where(Identity.issuer == issuer, Identity.subject == subject))
    if known is not None:
        if known.principal_id != principal.id:
            message = f"{subject[:80]!r} of {issuer} is another principal; unlink it there first"
            raise Refused(invalid(message, "subject", code=Code.DUPLICATE_KEY))
        return known
    identity = work.add(Identity(principal_id=principal.id, issuer=issuer, subject=subject))
    ledger.record(work, events.IdentityLinked(principal=principal, identity=identity, issuer=issuer))
    return identity


def unlink_identity(work: Work, identity: Identity) -> Principal:
    """The provider's name stands for the principal no more; the sessions that began with it end."""
    principal = work.session.get_one(Principal, identity.principal_id)
    work.lock(principal)
    work.session.delete(identity)
    end_sessions(work, principal, SessionEnd.ENDED_BY_ADMINISTRATOR)
    ledger.record(work, events.IdentityUnlinked(principal=principal, issuer=identity.issuer))
    return principal


def end_all_sessions(work: Work, principal: Principal) -> list[LoginSession]:
    """Log somebody out everywhere."""
    work.lock(principal)
    return end_sessions(work, principal, SessionEnd.ENDED_BY_ADMINISTRATOR)


def _person(principal: Principal) -> None:
    if principal.principal_kind is not PrincipalKind.PERSON:
        raise Refused(invalid(f"{principal.subject} is a service: it has keys, no account", "principal"))


def _account(work: Work, principal: Principal) -> Account | None:
    return work.session.scalar(select(Account).where(Account.principal_id == principal.id))


def _forgive(account: Account) -> None:
    account.failures, account.failing_since, account.locked_until = 0, None, None
