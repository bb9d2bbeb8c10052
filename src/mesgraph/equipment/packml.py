"""PackML as data (ISA-TR88.00.02): which state may follow which."""

from mesgraph.equipment.models import Equipment, EquipmentMode
from mesgraph.equipment.models import PackmlState as S
from mesgraph.errors import Refused, TransitionViolation

ACTING_COMPLETES: dict[S, S] = {
    S.CLEARING: S.STOPPED,
    S.STARTING: S.EXECUTE,
    S.STOPPING: S.STOPPED,
    S.ABORTING: S.ABORTED,
    S.HOLDING: S.HELD,
    S.UNHOLDING: S.EXECUTE,
    S.SUSPENDING: S.SUSPENDED,
    S.UNSUSPENDING: S.EXECUTE,
    S.RESETTING: S.IDLE,
    S.COMPLETING: S.COMPLETE,
    S.EXECUTE: S.COMPLETING,
}
"""Where a state goes when it is complete."""

COMMANDED: dict[S, frozenset[S]] = {
    S.STOPPED: frozenset({S.RESETTING}),
    S.COMPLETE: frozenset({S.RESETTING}),
    S.IDLE: frozenset({S.STARTING}),
    S.EXECUTE: frozenset({S.HOLDING, S.SUSPENDING}),
    S.STARTING: frozenset({S.HOLDING}),
    S.SUSPENDING: frozenset({S.HOLDING}),
    S.SUSPENDED: frozenset({S.HOLDING, S.UNSUSPENDING}),
    S.UNSUSPENDING: frozenset({S.HOLDING}),
    S.UNHOLDING: frozenset({S.HOLDING}),
    S.HELD: frozenset({S.UNHOLDING}),
    S.ABORTED: frozenset({S.CLEARING}),
}
"""Where a command leads, besides Stop and Abort."""

NOT_STOPPABLE = frozenset({S.STOPPING, S.STOPPED, S.CLEARING, S.ABORTING, S.ABORTED})
NOT_ABORTABLE = frozenset({S.ABORTING, S.ABORTED})

NOT_PRODUCTIVE = frozenset({S.ABORTED, S.ABORTING, S.CLEARING})
"""States in which no job may begin (I13)."""


def followers(state: S) -> frozenset[S]:
    """The states that PackML lets follow ``state``."""
    following = set(COMMANDED.get(state, frozenset()))
    if state in ACTING_COMPLETES:
        following.add(ACTING_COMPLETES[state])
    if state not in NOT_STOPPABLE:
        following.add(S.STOPPING)
    if state not in NOT_ABORTABLE:
        following.add(S.ABORTING)
    return frozenset(following)


MODE_CHANGES_IN = frozenset({S.STOPPED, S.IDLE, S.ABORTED})
"""States in which the mode may change."""


def check_mode_change(equipment: Equipment, mode: EquipmentMode) -> None:
    """Refuse INVALID_TRANSITION when the mode changes while the machine does anything."""
    if mode is not equipment.mode and equipment.packml_state not in MODE_CHANGES_IN:
        raise Refused(
            TransitionViolation(
                message=f"{equipment.code} is {equipment.packml_state}; its mode changes only when it stands",
                path=("mode",),
                from_state=equipment.packml_state,
                allowed=tuple(sorted(MODE_CHANGES_IN)),
            )
        )
