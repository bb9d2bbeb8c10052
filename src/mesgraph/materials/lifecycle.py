"""The life of an item as data: every permitted step, what triggers it and who, and what ISA-95 calls the state."""

from dataclasses import dataclass
from enum import StrEnum

from mesgraph.access.roles import Role
from mesgraph.errors import Refused, TransitionViolation
from mesgraph.materials.models import TERMINAL, Item, ItemStatus
from mesgraph.materials.models import Lifecycle as L

INITIAL = frozenset({L.PLANNED, L.QUARANTINE, L.IN_PROCESS, L.AVAILABLE})
"""How an item may begin: reserved number; received with and without inspection; produced by a running job."""

AUTOMATIC: frozenset[Role] = frozenset()
QA = frozenset({Role.QA})
FLOOR = frozenset({Role.OPERATOR, Role.DRIVER})
STORE = frozenset({Role.OPERATOR, Role.DRIVER, Role.ERP, Role.SUPERVISOR})
LIVE = frozenset(L) - TERMINAL


@dataclass(frozen=True)
class ItemStep:
    """An item may go from each of ``sources`` to ``target``; an empty ``who``: the plant takes the step itself."""

    sources: frozenset[L]
    target: L
    trigger: str
    who: frozenset[Role]


STEPS: tuple[ItemStep, ...] = (
    ItemStep(frozenset({L.PLANNED}), L.QUARANTINE, "receive", STORE),
    ItemStep(frozenset({L.PLANNED}), L.AVAILABLE, "receive", STORE),
    ItemStep(frozenset({L.PLANNED}), L.IN_PROCESS, "produce", FLOOR),
    ItemStep(frozenset({L.IN_PROCESS}), L.QUARANTINE, "route ends", AUTOMATIC),
    ItemStep(frozenset({L.IN_PROCESS}), L.AVAILABLE, "route ends", AUTOMATIC),
    ItemStep(frozenset({L.QUARANTINE}), L.AVAILABLE, "release", QA),
    ItemStep(frozenset({L.QUARANTINE, L.AVAILABLE, L.IN_PROCESS}), L.REJECTED, "reject", QA),
    ItemStep(frozenset({L.REJECTED}), L.IN_PROCESS, "rework", QA),  # of its next revision, or of a sublot
    ItemStep(frozenset({L.REJECTED}), L.AVAILABLE, "use as is", QA),
    ItemStep(frozenset({L.REJECTED}), L.AVAILABLE, "regrade", QA),
    ItemStep(frozenset({L.REJECTED}), L.RETURNED, "return to supplier", QA),
    ItemStep(frozenset({L.AVAILABLE, L.IN_PROCESS}), L.CONSUMED, "used up", AUTOMATIC),
    ItemStep(frozenset({L.AVAILABLE}), L.INSTALLED, "assemble", FLOOR),
    ItemStep(frozenset({L.INSTALLED}), L.QUARANTINE, "disassemble", frozenset({Role.TECHNICIAN, Role.OPERATOR})),
    ItemStep(frozenset({L.AVAILABLE}), L.SHIPPED, "ship", STORE),
    ItemStep(frozenset({L.SHIPPED}), L.QUARANTINE, "return", STORE),
    ItemStep(frozenset({L.SHIPPED}), L.AVAILABLE, "receive a transfer", STORE),
    ItemStep(LIVE, L.SCRAPPED, "scrap", frozenset({Role.SUPERVISOR, Role.QA})),
    ItemStep(TERMINAL - {L.CLOSED}, L.CLOSED, "retention", AUTOMATIC),
)
"""Every permitted step, what triggers it, and who (I27). Reversals do not pass here: they restore what was before."""

FOLLOWERS: dict[L, frozenset[L]] = {
    before: frozenset(step.target for step in STEPS if before in step.sources) for before in L
}
"""Where a lifecycle may lead."""


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


def check_trigger(item: Item, trigger: str, *path: str | int) -> TransitionViolation | None:
    """Whether ``trigger`` is for items such as ``item``: another verb may lead to the same lifecycle (I27)."""
    sources = {source for step in STEPS if step.trigger == trigger for source in step.sources}
    if item.lifecycle in sources:
        return None
    return TransitionViolation(
        message=f"{item.key} is {item.lifecycle}; to {trigger} it must be {' or '.join(sorted(sources))}",
        path=path,
        from_state=item.lifecycle,
        allowed=tuple(sorted(FOLLOWERS[item.lifecycle])),
    )


def move_to(item: Item, to: L, *path: str | int) -> None:
    """Change the lifecycle along the table; refuses INVALID_TRANSITION (I27)."""
    violation = check_step(item, to, *path)
    if violation is not None:
        raise Refused(violation)
    item.lifecycle = to
