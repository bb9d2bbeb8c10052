"""PackML as data (ISA-TR88.00.02): what each command does in each state, what follows by itself, and ISA-88's words.

A command comes from somebody and is refused where the table does not list it. An observed state comes from the machine
and is recorded whatever it is: what the table does not let follow is marked as inferred, because reality wins.
"""

from dataclasses import dataclass
from enum import StrEnum

from mesgraph.equipment.models import Equipment, EquipmentMode
from mesgraph.equipment.models import PackmlState as S
from mesgraph.errors import Refused, TransitionViolation


class EquipmentCommand(StrEnum):
    """What a machine can be told to do. STATE_COMPLETE: the state has done its work, where no controller says so."""

    RESET = "RESET"
    START = "START"
    COMPLETE = "COMPLETE"
    HOLD = "HOLD"
    UNHOLD = "UNHOLD"
    SUSPEND = "SUSPEND"
    UNSUSPEND = "UNSUSPEND"
    STOP = "STOP"
    ABORT = "ABORT"
    CLEAR = "CLEAR"
    STATE_COMPLETE = "STATE_COMPLETE"


C = EquipmentCommand


@dataclass(frozen=True)
class Step:
    """A command leads from each of ``sources`` to ``target``."""

    command: EquipmentCommand
    sources: frozenset[S]
    target: S


STEPS: tuple[Step, ...] = (
    Step(C.RESET, frozenset({S.STOPPED, S.COMPLETE}), S.RESETTING),
    Step(C.START, frozenset({S.IDLE}), S.STARTING),
    Step(C.COMPLETE, frozenset({S.EXECUTE}), S.COMPLETING),
    Step(
        C.HOLD,
        frozenset({S.EXECUTE, S.STARTING, S.SUSPENDING, S.SUSPENDED, S.UNSUSPENDING, S.UNHOLDING}),
        S.HOLDING,
    ),
    Step(C.UNHOLD, frozenset({S.HELD}), S.UNHOLDING),
    Step(C.SUSPEND, frozenset({S.EXECUTE}), S.SUSPENDING),
    Step(C.UNSUSPEND, frozenset({S.SUSPENDED}), S.UNSUSPENDING),
    Step(C.STOP, frozenset(S) - {S.STOPPING, S.STOPPED, S.CLEARING, S.ABORTING, S.ABORTED}, S.STOPPING),
    Step(C.ABORT, frozenset(S) - {S.ABORTING, S.ABORTED}, S.ABORTING),
    Step(C.CLEAR, frozenset({S.ABORTED}), S.CLEARING),
    # a state that passes on by itself when it is complete
    Step(C.STATE_COMPLETE, frozenset({S.CLEARING, S.STOPPING}), S.STOPPED),
    Step(C.STATE_COMPLETE, frozenset({S.STARTING, S.UNHOLDING, S.UNSUSPENDING}), S.EXECUTE),
    Step(C.STATE_COMPLETE, frozenset({S.ABORTING}), S.ABORTED),
    Step(C.STATE_COMPLETE, frozenset({S.HOLDING}), S.HELD),
    Step(C.STATE_COMPLETE, frozenset({S.SUSPENDING}), S.SUSPENDED),
    Step(C.STATE_COMPLETE, frozenset({S.RESETTING}), S.IDLE),
    Step(C.STATE_COMPLETE, frozenset({S.EXECUTE}), S.COMPLETING),
    Step(C.STATE_COMPLETE, frozenset({S.COMPLETING}), S.COMPLETE),
)
"""Every step of the state model."""

NOT_PRODUCTIVE = frozenset({S.ABORTED, S.ABORTING, S.CLEARING})
"""States in which no job may begin (I13)."""

MODE_CHANGES_IN = frozenset({S.STOPPED, S.IDLE, S.ABORTED})
"""States in which the mode may change."""


def followers(state: S) -> frozenset[S]:
    """The states that PackML lets follow ``state``."""
    return frozenset(step.target for step in STEPS if state in step.sources)


def commands_in(state: S) -> tuple[EquipmentCommand, ...]:
    """What a machine in ``state`` can be told, in the order of the table."""
    return tuple(step.command for step in STEPS if state in step.sources)


def target_of(equipment: Equipment, command: EquipmentCommand) -> S:
    """Where ``command`` leads; refuses INVALID_TRANSITION with the commands that are allowed instead."""
    for step in STEPS:
        if step.command is command and equipment.packml_state in step.sources:
            return step.target
    raise Refused(
        TransitionViolation(
            message=f"{equipment.code} is {equipment.packml_state}; {command} does nothing there",
            path=("command",),
            from_state=equipment.packml_state,
            allowed=tuple(map(str, commands_in(equipment.packml_state))),
        )
    )


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


class BatchState(StrEnum):
    """State of a batch unit in the words of ISA-88."""

    IDLE = "IDLE"
    RUNNING = "RUNNING"
    COMPLETE = "COMPLETE"
    PAUSING = "PAUSING"
    PAUSED = "PAUSED"
    HOLDING = "HOLDING"
    HELD = "HELD"
    RESTARTING = "RESTARTING"
    STOPPING = "STOPPING"
    STOPPED = "STOPPED"
    ABORTING = "ABORTING"
    ABORTED = "ABORTED"


OF_BATCH: dict[BatchState, S] = {
    BatchState.RUNNING: S.EXECUTE,
    BatchState.RESTARTING: S.UNHOLDING,
    BatchState.PAUSING: S.SUSPENDING,
    BatchState.PAUSED: S.SUSPENDED,
} | {word: S(word) for word in BatchState if word.value in S.__members__}
"""The PackML state of each word of ISA-88; most have the same name."""
