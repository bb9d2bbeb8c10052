"""What is looked for, and from when on it is told. Every threshold has its reason beside it."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class SecurityEventKind(StrEnum):
    """What it looks like."""

    TOKEN_SPRAYING = "TOKEN_SPRAYING"
    LOGIN_GUESSING = "LOGIN_GUESSING"
    REFRESH_TOKEN_REUSED = "REFRESH_TOKEN_REUSED"
    PROBING = "PROBING"
    MASS_EXPORT = "MASS_EXPORT"
    COST_SPIKE = "COST_SPIKE"
    POLICY_CHANGED = "POLICY_CHANGED"
    BREAK_GLASS_OPENED = "BREAK_GLASS_OPENED"
    FORGED_SIGNATURE = "FORGED_SIGNATURE"
    CROSS_SITE = "CROSS_SITE"


class SecuritySeverity(StrEnum):
    """How soon somebody should look."""

    WARNING = "WARNING"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


@dataclass(frozen=True)
class Rule:
    """From how many within one window on it is told. Windows stand fast: the clock cuts time into them.

    So what lies across the edge of two windows may be twice as much before it is told.
    """

    severity: SecuritySeverity
    threshold: int = 1
    window: timedelta = timedelta(hours=1)


TEN_MINUTES = timedelta(minutes=10)

RULES: dict[SecurityEventKind, Rule] = {
    # tokens that differ: after a weekend each screen of a hall behind one address has one that has expired
    SecurityEventKind.TOKEN_SPRAYING: Rule(SecuritySeverity.HIGH, 100, TEN_MINUTES),
    # an address is refused logins after thirty wrong ones within 15 minutes; twenty are more than a shift mistypes
    SecurityEventKind.LOGIN_GUESSING: Rule(SecuritySeverity.HIGH, 20, timedelta(minutes=15)),
    SecurityEventKind.REFRESH_TOKEN_REUSED: Rule(SecuritySeverity.HIGH),
    # questions that differ: a person mistypes some, a screen asks the same one again and again
    SecurityEventKind.PROBING: Rule(SecuritySeverity.HIGH, 30, TEN_MINUTES),
    # rows behind the first page of a list: screens show first pages. Setting MESGRAPH_MASS_EXPORT_ROWS
    SecurityEventKind.MASS_EXPORT: Rule(SecuritySeverity.HIGH, 50_000),
    # a client that waits as it is told is refused once in a while, not thirty times
    SecurityEventKind.COST_SPIKE: Rule(SecuritySeverity.WARNING, 30, TEN_MINUTES),
    SecurityEventKind.POLICY_CHANGED: Rule(SecuritySeverity.HIGH),
    SecurityEventKind.BREAK_GLASS_OPENED: Rule(SecuritySeverity.CRITICAL),
    # challenges run out after two minutes: a slow signer has one or two
    SecurityEventKind.FORGED_SIGNATURE: Rule(SecuritySeverity.CRITICAL, 5),
    # a page that is not in MESGRAPH_ORIGINS yet tries some times until somebody looks
    SecurityEventKind.CROSS_SITE: Rule(SecuritySeverity.WARNING, 10, TEN_MINUTES),
}
