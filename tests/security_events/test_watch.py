"""Counting takes a fixed amount of memory, and tells a flood as few events."""

from datetime import datetime, timedelta

import pytest

from mesgraph.security_events.kinds import RULES, SecurityEventKind
from mesgraph.security_events.watch import (
    OTHERS,
    RAISED_MAX,
    SOURCES_MAX,
    Alarm,
    Source,
    Watch,
    peer,
    principal,
    window_at,
)
from tests.api import START

CROSS, PROBING = SecurityEventKind.CROSS_SITE, SecurityEventKind.PROBING
SOMEBODY = peer("192.0.2.1")


def written(watch: Watch) -> list[Alarm]:
    """What is due, told."""
    alarms = watch.due()
    watch.told(alarms)
    return alarms


def note(watch: Watch, times: int, source: Source = SOMEBODY, at: datetime = START) -> None:
    for _ in range(times):
        watch.note(CROSS, source, at)


def test_nothing_is_told_below_the_threshold_and_all_of_it_at_the_threshold() -> None:
    watch, threshold = Watch(), RULES[CROSS].threshold
    note(watch, threshold - 1)
    assert watch.due() == []
    note(watch, 1, at=START + timedelta(minutes=1))
    [alarm] = written(watch)
    assert (alarm.kind, alarm.source, alarm.count) == (CROSS, SOMEBODY, threshold)
    assert (alarm.first_at, alarm.last_at) == (START, START + timedelta(minutes=1))


def test_what_goes_on_is_told_each_time_that_it_has_doubled() -> None:
    watch, threshold = Watch(), RULES[CROSS].threshold
    note(watch, threshold)
    written(watch)
    note(watch, threshold - 1)
    assert watch.due() == []
    told = [threshold]
    for _ in range(100_000):
        note(watch, 1)
        told += [alarm.count for alarm in written(watch)]
    assert len(told) == 14, "a hundred thousand are fourteen"
    assert sum(told) > 50_000


def test_what_could_not_be_written_stays_due_and_comes_with_what_happened_since() -> None:
    watch, threshold = Watch(), RULES[CROSS].threshold
    note(watch, threshold)
    assert [alarm.count for alarm in watch.due()] == [threshold]
    note(watch, 3)
    assert [alarm.count for alarm in written(watch)] == [threshold + 3]
    assert watch.due() == []


def test_each_window_counts_anew() -> None:
    watch, rule = Watch(), RULES[CROSS]
    note(watch, rule.threshold - 1)
    note(watch, rule.threshold - 1, at=START + rule.window)
    assert watch.due() == []
    note(watch, 1, at=START + rule.window)
    assert [alarm.window_at for alarm in watch.due()] == [window_at(START + rule.window, rule.window)]


def test_the_same_thing_asked_again_and_again_is_no_probing() -> None:
    watch, threshold = Watch(), RULES[PROBING].threshold
    for _ in range(10 * threshold):
        watch.note(PROBING, principal(7), START, what="the same")
    assert watch.due() == []
    for number in range(threshold - 1):
        watch.note(PROBING, principal(7), START, what=f"another {number}")
    assert [alarm.count for alarm in watch.due()] == [threshold]


@pytest.mark.parametrize("kind", SecurityEventKind)
def test_a_fixed_number_of_sources_is_kept_whoever_comes(kind: SecurityEventKind) -> None:
    watch = Watch()
    for number in range(3 * SOURCES_MAX):
        watch.note(kind, principal(number), START, what=str(number))
    assert len(watch._counted[kind]) <= SOURCES_MAX
    assert len(watch.due()) <= RAISED_MAX + 1


def test_what_differs_takes_no_memory_while_it_waits_for_the_database() -> None:
    watch, threshold = Watch(), RULES[PROBING].threshold
    for number in range(10 * threshold):
        watch.note(PROBING, SOMEBODY, START, what=str(number))
    [counted] = watch._counted[PROBING].values()
    assert (counted.count, counted.seen) == (10 * threshold, set())


def test_a_hundred_sources_have_a_name_and_the_others_are_told_together() -> None:
    watch, threshold = Watch(), RULES[CROSS].threshold
    for number in range(RAISED_MAX + 50):
        note(watch, threshold, source=principal(number))
    alarms = {alarm.source: alarm.count for alarm in written(watch)}
    assert len(alarms) == RAISED_MAX + 1
    assert alarms[OTHERS] == 50 * threshold
    note(watch, threshold, source=principal(0))
    assert [alarm.source for alarm in watch.due()] == [principal(0)], "who has a name keeps it"


def test_alarms_that_are_forgotten_before_they_are_written_are_counted() -> None:
    watch, threshold = Watch(), RULES[CROSS].threshold
    note(watch, threshold)
    assert watch.forgotten == 0
    for number in range(SOURCES_MAX):
        note(watch, 1, source=principal(number))
    assert watch.forgotten == 1
    assert watch.due() == []


def test_whoever_has_an_address_of_ipv6_has_its_whole_network() -> None:
    assert peer("2001:db8::1") == peer("2001:db8::ffff:2")
    assert peer("2001:db8::1") != peer("2001:db8:0:1::1")
    assert peer("192.0.2.1") != peer("192.0.2.2")
    assert peer("not an address").name == "peer ?"


@pytest.mark.parametrize(
    ("told", "kept"),
    [("192.0.2.1", "192.0.2.1"), ("2001:db8::1", "2001:db8::1"), ("fe80::1%eth0", "fe80::1"), ("x" * 100, None)],
)
def test_of_where_somebody_asks_from_an_address_is_kept_and_no_other_text(told: str, kept: str | None) -> None:
    assert principal(12, told).peer == kept
