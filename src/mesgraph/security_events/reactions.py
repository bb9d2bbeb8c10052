"""Security events that follow from the record: what was recorded there needs no counting."""

from collections.abc import Sequence

from mesgraph.access import events as access_events
from mesgraph.access.models import Principal, SessionEnd
from mesgraph.access.roles import Role
from mesgraph.ledger.queries import Recorded
from mesgraph.ledger.reader import Reader
from mesgraph.security_events.actions import raise_event
from mesgraph.security_events.kinds import RULES, SecurityEventKind
from mesgraph.security_events.watch import Alarm, principal, window_at
from mesgraph.work import SYSTEM, Work


def tell(work: Work, happened: Sequence[Recorded]) -> None:
    """A security event for each that is one."""
    for event in happened:
        found = _judged(event)
        if found is None:
            continue
        kind, detail = found
        at = event.recorded_at
        whom = next(key for word, key, _ in event.subjects if word == Principal.kind)
        raise_event(work, Alarm(kind, principal(whom), window_at(at, RULES[kind].window), at, at, 1, detail))


def _judged(event: Recorded) -> tuple[SecurityEventKind, str] | None:
    """What an event is a sign of, if any, and what it says in detail."""
    match event.type:
        case "ACCOUNT_LOCKED":
            return SecurityEventKind.LOGIN_GUESSING, "ten wrong tries locked the account"
        case "SESSION_ENDED" if event.payload.get("end") == SessionEnd.TOKEN_REUSED:
            return SecurityEventKind.REFRESH_TOKEN_REUSED, "a refresh token came twice, and its session ended"
        case "BREAK_GLASS_OPENED":
            return SecurityEventKind.BREAK_GLASS_OPENED, "two persons opened the emergency key"
        case "BREAK_GLASS_SEALED":
            return SecurityEventKind.POLICY_CHANGED, f"{event.actor} sealed an emergency key"
        case "ROLE_GRANTED" if event.principal_id == SYSTEM.principal_id:
            return None  # the first administrator, with whom a plant begins
        case "ROLE_GRANTED" if event.payload.get("role") == Role.ADMIN:
            return SecurityEventKind.POLICY_CHANGED, f"{event.actor} granted the role admin"
        case "ROLE_GRANTED" | "ROLE_WITHDRAWN" if (Principal.kind, event.principal_id) in _things(event):
            return SecurityEventKind.POLICY_CHANGED, f"{event.actor} changed roles of their own"
    return None


def _things(event: Recorded) -> set[tuple[str, int]]:
    return {(word, key) for word, key, _ in event.subjects}


SECURITY_EVENTS = Reader(
    name="security-events",
    types=frozenset(
        event.word
        for event in (
            access_events.AccountLocked,
            access_events.SessionEnded,
            access_events.BreakGlassOpened,
            access_events.BreakGlassSealed,
            access_events.RoleGranted,
            access_events.RoleWithdrawn,
        )
    ),
    effect=tell,
    from_now=True,
)
