"""The table of lifecycles against the written one, and the shown status."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mesgraph.errors import Refused, TransitionViolation
from mesgraph.materials.lifecycle import FOLLOWERS, ISA95_DISPOSITION, Isa95Disposition, move_to
from mesgraph.materials.models import TERMINAL, Item, ItemStatus, Lifecycle
from tests.api import START

LIVE = "PLANNED QUARANTINE IN_PROCESS AVAILABLE REJECTED"
WRITTEN = [
    ("PLANNED", "QUARANTINE IN_PROCESS AVAILABLE"),  # receive without inspection: AVAILABLE
    ("IN_PROCESS", "QUARANTINE AVAILABLE"),
    ("QUARANTINE", "AVAILABLE"),
    ("QUARANTINE AVAILABLE IN_PROCESS", "REJECTED"),
    ("REJECTED", "IN_PROCESS AVAILABLE SCRAPPED RETURNED"),
    ("AVAILABLE IN_PROCESS", "CONSUMED"),
    ("AVAILABLE", "INSTALLED SHIPPED"),
    ("INSTALLED", "QUARANTINE"),
    ("SHIPPED", "AVAILABLE QUARANTINE"),
    (LIVE, "SCRAPPED"),
    ("CONSUMED SHIPPED INSTALLED SCRAPPED RETURNED", "CLOSED"),
]
"""The rows of the domain's table, section 3.3, read by hand."""
PERMITTED = {(a, b) for froms, tos in WRITTEN for a in froms.split() for b in tos.split()}

lifecycles = st.sampled_from(Lifecycle)


@given(lifecycles, lifecycles)
def test_a_step_is_done_if_the_table_has_it_and_refused_with_the_way_out_if_not(
    before: Lifecycle, to: Lifecycle
) -> None:
    item = Item(key="M/1", lifecycle=before)
    if (before, to) in PERMITTED:
        move_to(item, to)
        assert item.lifecycle is to
        return
    with pytest.raises(Refused) as refusal:
        move_to(item, to, "item")
    (violation,) = refusal.value.violations
    assert isinstance(violation, TransitionViolation)
    assert (violation.from_state, violation.path) == (before, ("item",))
    assert {(before, word) for word in violation.allowed} == {pair for pair in PERMITTED if pair[0] == before}
    assert item.lifecycle is before


def test_every_lifecycle_has_a_row_and_every_status_a_disposition() -> None:
    assert set(FOLLOWERS) == set(Lifecycle)
    assert set(ISA95_DISPOSITION) == set(ItemStatus)


@given(lifecycles, st.integers(0, 2), st.sampled_from([None, -1, 0, 1]))
def test_status_is_what_has_ended_else_hold_else_expiry_else_the_lifecycle(
    lifecycle: Lifecycle, open_holds: int, expires_in: int | None
) -> None:
    expires = None if expires_in is None else START + timedelta(seconds=expires_in)
    status = Item(lifecycle=lifecycle, open_holds=open_holds, expires_at=expires).status_at(START)
    if lifecycle in TERMINAL:
        assert status.value == lifecycle.value
        assert ISA95_DISPOSITION[status] is Isa95Disposition.CLOSED
    elif open_holds:
        assert status is ItemStatus.ON_HOLD
    elif expires_in is not None and expires_in <= 0:
        assert status is ItemStatus.EXPIRED
    else:
        assert status.value == lifecycle.value
