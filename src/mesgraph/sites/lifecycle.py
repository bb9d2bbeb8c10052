"""The states of a transfer as data: every permitted step, what triggers it, and who (I27)."""

from dataclasses import dataclass

from mesgraph.access.roles import Role
from mesgraph.errors import Refused, TransitionViolation
from mesgraph.sites.models import Transfer
from mesgraph.sites.models import TransferState as T

AUTOMATIC: frozenset[Role] = frozenset()
STORE = frozenset({Role.OPERATOR, Role.DRIVER, Role.ERP, Role.SUPERVISOR})
AUTHORS = STORE | {Role.PLANNER}
"""Who writes a transfer."""
SUPERVISOR = frozenset({Role.SUPERVISOR})


@dataclass(frozen=True)
class TransferStep:
    """A transfer may go from ``source`` to ``target``; an empty ``who``: the plant takes the step itself."""

    source: T
    target: T
    trigger: str
    who: frozenset[Role]


STEPS: tuple[TransferStep, ...] = (
    TransferStep(T.DRAFT, T.SHIPPED, "ship", STORE),
    TransferStep(T.DRAFT, T.CANCELLED, "cancel", AUTHORS),
    TransferStep(T.SHIPPED, T.IN_TRANSIT, "announced to the other site", AUTOMATIC),
    TransferStep(T.IN_TRANSIT, T.RECEIVED, "confirm receipt", STORE),
    TransferStep(T.RECEIVED, T.RECONCILED, "all was received", AUTOMATIC),
    TransferStep(T.RECEIVED, T.DISPUTED, "something is missing", AUTOMATIC),
    TransferStep(T.DISPUTED, T.RECONCILED, "adjust the last difference", SUPERVISOR),
)


def targets(state: T) -> tuple[T, ...]:
    """Where a transfer in ``state`` may go."""
    return tuple(step.target for step in STEPS if step.source is state)


def check_step(transfer: Transfer, to: T) -> None:
    """Refuse INVALID_TRANSITION when the transfer may not go to ``to``."""
    allowed = targets(transfer.state)
    if to not in allowed:
        raise Refused(
            TransitionViolation(
                message=f"{transfer.number} is {transfer.state} and cannot become {to}",
                path=("transfer",),
                from_state=transfer.state,
                allowed=tuple(map(str, allowed)),
            )
        )


def move_to(transfer: Transfer, to: T) -> None:
    """Take a step of the table."""
    check_step(transfer, to)
    transfer.state = to
