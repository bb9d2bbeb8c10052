"""Machines follow PackML when they are told something, and are believed when they report something (ISA-TR88.00.02)."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from mesgraph.access.roles import Role
from mesgraph.equipment import actions
from mesgraph.equipment.models import EquipmentMode, PackmlState, StateSource
from mesgraph.equipment.packml import OF_BATCH, BatchState, EquipmentCommand, commands_in, followers
from mesgraph.errors import Refused, TransitionViolation
from tests.api import Api
from tests.factories.materials import equipment, make_halvard

EVERY = " ".join(PackmlState)
STANDARD = f"""
RESET      | STOPPED COMPLETE | RESETTING
START      | IDLE | STARTING
COMPLETE   | EXECUTE | COMPLETING
HOLD       | EXECUTE STARTING SUSPENDING SUSPENDED UNSUSPENDING UNHOLDING | HOLDING
UNHOLD     | HELD | UNHOLDING
SUSPEND    | EXECUTE | SUSPENDING
UNSUSPEND  | SUSPENDED | UNSUSPENDING
STOP       | {EVERY} - STOPPING STOPPED CLEARING ABORTING ABORTED | STOPPING
ABORT      | {EVERY} - ABORTING ABORTED | ABORTING
CLEAR      | ABORTED | CLEARING
STATE_COMPLETE | RESETTING | IDLE
STATE_COMPLETE | STARTING | EXECUTE
STATE_COMPLETE | EXECUTE | COMPLETING
STATE_COMPLETE | COMPLETING | COMPLETE
STATE_COMPLETE | HOLDING | HELD
STATE_COMPLETE | UNHOLDING | EXECUTE
STATE_COMPLETE | SUSPENDING | SUSPENDED
STATE_COMPLETE | UNSUSPENDING | EXECUTE
STATE_COMPLETE | STOPPING | STOPPED
STATE_COMPLETE | ABORTING | ABORTED
STATE_COMPLETE | CLEARING | STOPPED
"""
"""The state model as the standard draws it, written down once more."""


def standard() -> dict[tuple[str, str], str]:
    """Where each command leads in each state."""
    table = {}
    for line in STANDARD.strip().splitlines():
        command, sources, target = (part.strip() for part in line.split("|"))
        wanted, _, without = sources.partition(" - ")
        for state in set(wanted.split()) - set(without.split()):
            table[state, command] = target
    return table


TABLE = standard()


def put(session: Session, state: PackmlState) -> Any:
    row = equipment(session, "HV1/COAT01")
    row.packml_state = state
    session.flush()
    return row


async def test_a_command_leads_where_the_standard_says_and_nowhere_else(api: Api) -> None:
    await make_halvard(api)

    def attempt(session: Session) -> dict[tuple[str, str], str]:
        led = {}
        for state in PackmlState:
            for command in EquipmentCommand:
                row = put(session, state)
                try:
                    actions.command_equipment(api.work(session), row, command)
                except Refused as refused:
                    [violation] = refused.violations
                    assert isinstance(violation, TransitionViolation)
                    assert set(violation.allowed) == {c for s, c in TABLE if s == state}
                    assert row.packml_state is state
                else:
                    led[str(state), str(command)] = str(row.packml_state)
        return led

    assert await api.plant.database.write(attempt) == TABLE


async def test_a_machine_is_believed_and_a_step_that_is_not_listed_is_inferred(api: Api) -> None:
    await make_halvard(api)
    listed = {(state, target) for (state, _), target in TABLE.items()}

    def report(session: Session) -> set[tuple[str, str]]:
        seen = set()
        for before in PackmlState:
            for after in PackmlState:
                row = put(session, before)
                record = actions.report_state(api.work(session), row, state=after, mode=None, set_by=StateSource.DRIVER)
                assert row.packml_state is after
                if before is not after and not record.inferred:
                    seen.add((str(before), str(after)))
        return seen

    assert await api.plant.database.write(report) == listed


async def test_the_mode_changes_only_where_the_machine_stands(api: Api) -> None:
    await make_halvard(api)

    def change(session: Session) -> set[str]:
        changed = set()
        for state in PackmlState:
            row = put(session, state)
            row.mode = EquipmentMode.PRODUCTION
            try:
                actions.report_state(
                    api.work(session), row, state=state, mode=EquipmentMode.MANUAL, set_by=StateSource.OPERATOR
                )
            except Refused:
                assert row.mode is EquipmentMode.PRODUCTION
            else:
                changed.add(str(state))
        return changed

    assert await api.plant.database.write(change) == {"STOPPED", "IDLE", "ABORTED"}


async def test_an_operator_starts_a_machine_by_hand(api: Api) -> None:
    await make_halvard(api)
    shown = "equipment { packmlState commands } stateRecord { setBy inferred } ledgerEvents { type payload }"
    payload = await api.do("commandEquipment", shown, by=Role.OPERATOR, equipment="HV1/COAT01", command="START")
    assert payload["equipment"] == {
        "packmlState": "STARTING",
        "commands": ["HOLD", "STOP", "ABORT", "STATE_COMPLETE"],
    }
    assert payload["stateRecord"] == {"setBy": "OPERATOR", "inferred": False}
    assert payload["ledgerEvents"][0]["payload"]["command"] == "START"
    api.clock.step(seconds=30)
    errors = await api.refused("commandEquipment", by=Role.OPERATOR, equipment="HV1/COAT01", command="RESET")
    assert [(error["code"], error["path"]) for error in errors] == [("INVALID_TRANSITION", ["input", "command"])]
    await api.do("commandEquipment", "", by=Role.OPERATOR, equipment="HV1/COAT01", command="STATE_COMPLETE")
    error = await api.error(
        'mutation { commandEquipment(input: {equipment: "HV1/COAT01", command: STOP}) { replayed } }', by=Role.PLANNER
    )
    assert error["code"] == "FORBIDDEN"


@pytest.mark.parametrize("word", BatchState)
async def test_a_batch_unit_speaks_isa_88(api: Api, word: BatchState) -> None:
    await make_halvard(api)
    payload = await api.do(
        "reportEquipmentState",
        "equipment { packmlState }",
        by=Role.DRIVER,
        equipment="HV1/COAT01",
        batchState=word,
        setBy="DRIVER",
    )
    named = {"RUNNING": "EXECUTE", "RESTARTING": "UNHOLDING", "PAUSING": "SUSPENDING", "PAUSED": "SUSPENDED"}
    assert payload["equipment"]["packmlState"] == named.get(word, word) == OF_BATCH[word]


async def test_a_state_is_named_once(api: Api) -> None:
    await make_halvard(api)
    for given in ({}, {"state": "IDLE", "batchState": "IDLE"}):
        errors = await api.refused("reportEquipmentState", by=Role.DRIVER, equipment="HV1/COAT01", **given)
        assert [error["code"] for error in errors] == ["VALIDATION_FAILED"]


def test_every_state_has_a_way_out() -> None:
    assert all(followers(state) and commands_in(state) for state in PackmlState)
