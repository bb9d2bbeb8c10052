"""The life of an item as data: which lifecycle may follow which, and what ISA-95 calls it."""

from enum import StrEnum

from mesgraph.errors import Refused, TransitionViolation
from mesgraph.materials.models import TERMINAL, Item, ItemStatus
from mesgraph.materials.models import Lifecycle as L

INITIAL = frozenset({L.PLANNED, L.QUARANTINE, L.IN_PROCESS, L.AVAILABLE})
"""How an item may begin: reserved number; received with and without inspection; produced by a running job."""

FOLLOWERS: dict[L, frozenset[L]] = {
    L.PLANNED: frozenset({L.QUARANTINE, L.IN_PROCESS, L.AVAILABLE, L.SCRAPPED}),
    L.QUARANTINE: frozenset({L.AVAILABLE, L.REJECTED, L.SCRAPPED}),
    L.IN_PROCESS: frozenset({L.QUARANTINE, L.AVAILABLE, L.REJECTED, L.CONSUMED, L.SCRAPPED}),
    L.AVAILABLE: frozenset({L.REJECTED, L.CONSUMED, L.INSTALLED, L.SHIPPED, L.SCRAPPED}),
    L.REJECTED: frozenset({L.IN_PROCESS, L.AVAILABLE, L.SCRAPPED, L.RETURNED}),
    L.CONSUMED: frozenset({L.CLOSED}),
    L.INSTALLED: frozenset({L.QUARANTINE, L.CLOSED}),
    L.SHIPPED: frozenset({L.AVAILABLE, L.QUARANTINE, L.CLOSED}),
    L.SCRAPPED: frozenset({L.CLOSED}),
    L.RETURNED: frozenset({L.CLOSED}),
    L.CLOSED: frozenset(),
}
"""Where a lifecycle may lead. Reversals do not pass here: they restore what was before (:func:`actions.put_back`)."""


class Isa95Disposition(StrEnum):
    """What ISA-95 part 2 says of a lot: a projection of the shown status, never stored."""

    PLANNED = "PLANNED"
    IN_PROCESS = "IN_PROCESS"
    RESTRICTED = "RESTRICTED"
    UNRESTRICTED = "UNRESTRICTED"
    CLOSED = "CLOSED"


ISA95_DISPOSITION: dict[ItemStatus, Isa95Disposition] = {
    ItemStatus.PLANNED: Isa95Disposition.PLANNED,
    ItemStatus.IN_PROCESS: Isa95Disposition.IN_PROCESS,
    ItemStatus.QUARANTINE: Isa95Disposition.RESTRICTED,
    ItemStatus.REJECTED: Isa95Disposition.RESTRICTED,
    ItemStatus.ON_HOLD: Isa95Disposition.RESTRICTED,
    ItemStatus.EXPIRED: Isa95Disposition.RESTRICTED,
    ItemStatus.AVAILABLE: Isa95Disposition.UNRESTRICTED,
} | {ItemStatus(ended): Isa95Disposition.CLOSED for ended in TERMINAL}


def refuse_step(item: Item, to: L, *path: str | int, allowed: frozenset[L] | None = None) -> TransitionViolation:
    """The violation that says that ``item`` may not become ``to`` (I27)."""
    permitted = FOLLOWERS[item.lifecycle] if allowed is None else allowed
    return TransitionViolation(
        message=f"{item.key} is {item.lifecycle} and cannot become {to}",
        path=path,
        from_state=item.lifecycle,
        allowed=tuple(sorted(permitted)),
    )


def check_step(item: Item, to: L, *path: str | int) -> TransitionViolation | None:
    """Whether the table lets ``item`` become ``to``."""
    return None if to in FOLLOWERS[item.lifecycle] else refuse_step(item, to, *path)


def move_to(item: Item, to: L, *path: str | int) -> None:
    """Change the lifecycle along the table; refuses INVALID_TRANSITION (I27)."""
    violation = check_step(item, to, *path)
    if violation is not None:
        raise Refused(violation)
    item.lifecycle = to
