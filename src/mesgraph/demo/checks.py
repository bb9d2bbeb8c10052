"""What must hold after a shift, as pure comparisons: expected against actual."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mesgraph.demo.client import Acknowledged, Seen

ROUNDING_MICRO = 1
"""What the plant computes is rounded to 10^-6 of the unit, the model here is not."""


@dataclass(frozen=True)
class Check:
    """One statement about the plant."""

    name: str
    expected: Any
    actual: Any
    ok: bool

    def as_json(self) -> dict[str, Any]:
        """As the demo prints it."""
        return {"name": self.name, "expected": self.expected, "actual": self.actual, "ok": self.ok}


def same(name: str, expected: Any, actual: Any) -> Check:
    """Both are equal."""
    return Check(name, expected, actual, expected == actual)


def unique(values: Iterable[str]) -> list[str]:
    """The values that stand more than once."""
    return sorted(value for value, count in Counter(values).items() if count > 1)


def serials_once(name: str, expected: Collection[str], found: Sequence[str]) -> Check:
    """Every expected serial number was found, each once, and no other."""
    missing, foreign = sorted(set(expected) - set(found)), sorted(set(found) - set(expected))
    problems = {"missing": missing, "foreign": foreign, "twice": unique(found)}
    actual: dict[str, Any] = {"count": len(found), **{word: keys for word, keys in problems.items() if keys}}
    return same(name, {"count": len(expected)}, actual)


def subscriber_saw_the_record(live: Sequence[Seen], record: Sequence[Seen]) -> Check:
    """What a subscriber was sent through the whole shift is the record: every event, in order, none twice."""
    if [(seen.cursor, seen.event_id) for seen in live] == [(seen.cursor, seen.event_id) for seen in record]:
        actual: dict[str, Any] = {"events": len(live)}
    else:
        known, sent = {seen.event_id for seen in record}, {seen.event_id for seen in live}
        positions = [seen.position for seen in live]
        actual = {
            "events": len(live),
            "missing": sorted(known - sent)[:5],
            "foreign": sorted(sent - known)[:5],
            "twice": unique(seen.event_id for seen in live)[:5],
            "inOrder": positions == sorted(positions),
        }
    return same("a subscriber of the whole shift saw exactly the record", {"events": len(record)}, actual)


def positions_are_dense(record: Sequence[Seen]) -> Check:
    """The record has no gap: an auditor of all sites sees positions 1, 2, 3, ..."""
    gaps = [seen.cursor for place, seen in enumerate(record, start=1) if seen.position != place]
    return same("positions of the record are 1, 2, 3, ... without gap", [], gaps[:5])


def every_answer_is_kept(acknowledged: Sequence[Acknowledged], record: Sequence[Seen]) -> Check:
    """The events of every acknowledged command are in the record, once, and the record holds nothing else.

    The client goes on until every command is acknowledged, so an event that belongs to none was made by a command that
    it never meant: one that was repeated under another key. Only the plant's own first administrator needs no command.
    """
    kept = Counter(seen.event_id for seen in record)
    promised = {event_id: entry for entry in acknowledged for event_id in entry.event_ids}
    lost = sorted({entry.key for event_id, entry in promised.items() if kept[event_id] == 0})
    doubled = sorted({promised[event_id].key for event_id, count in kept.items() if count > 1 and event_id in promised})
    unasked = [
        f"{seen.cursor} {seen.event['type']}"
        for seen in record
        if seen.event_id not in promised and seen.event["actor"] != "system"
    ]
    problems = {"lost": lost[:5], "doubled": doubled[:5], "unasked": unasked[:5]}
    return same(
        "every acknowledged command is in the record once, and nothing else",
        {},
        {word: found for word, found in problems.items() if found},
    )


def one_answer_for_each_key(steps: Collection[str], acknowledged: Sequence[Acknowledged]) -> Check:
    """Every command of the script was answered, and no key ever got two different answers."""
    answers: dict[str, set[tuple[str, ...]]] = {}
    for entry in acknowledged:
        answers.setdefault(entry.key, set()).add(entry.event_ids)
    problems = {
        "unanswered": sorted(set(steps) - set(answers))[:5],
        "foreign": sorted(set(answers) - set(steps))[:5],
        "differing": sorted(key for key, given in answers.items() if len(given) > 1)[:5],
    }
    return same(
        "every command was answered under its own key, always alike",
        {"commands": len(steps)},
        {"commands": len(answers)} | {word: found for word, found in problems.items() if found},
    )


def amounts(name: str, expected: Mapping[str, str], actual: Mapping[str, str]) -> Check:
    """Equal amounts of equal things; a zero is as good as an absence."""
    return same(name, _nonzero(expected), _nonzero(actual))


def _nonzero(values: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in sorted(values.items()) if value != "0"}
