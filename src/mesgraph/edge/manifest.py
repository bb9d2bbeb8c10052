"""``driver.toml``: what a driver says of itself, rule by rule of the conformance kit, and the tier that follows.

A rule is ``"done"``, ``"todo"``, or ``{ exempt = "why it cannot be asked of this driver" }``. A tier is reached when
all its rules and those of the tiers below are done or exempt.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mesgraph.edge.contract import Driver, DriverDefinition, Isolation, Link

RULES: Mapping[str, Mapping[str, str]] = {
    "BRONZE": {
        "reads-truth": "what it offers is what the machine holds",
        "starts-without-device": "it starts before the machine does, says so, and finds it later",
        "bad-tag-among-good": "one tag that the machine does not know takes no other with it",
        "wrong-config": "a wrong configuration is refused with field, value and way out",
        "stops-clean": "it ends within two seconds and leaves no connection behind",
    },
    "SILVER": {
        "regains-link": "after a reset in the middle of a frame values flow again within five seconds",
        "black-hole": "a line that swallows everything is seen within ten seconds",
        "half-open": "a peer that is gone without a word is seen within ten seconds",
        "byte-dribble": "frames that come byte by byte are read as if they came whole",
        "says-what-is-missing": "a lost line is a sample without value, not the last value",
    },
    "GOLD": {
        "stale-reply": "a reply that comes too late is not taken for the answer to a later question",
        "duplicate-reply": "a reply that comes twice is taken once",
        "malformed-frames": "frames with wrong bytes end no process, and the next good ones are read in five seconds",
        "bounded-memory": "a flood of bytes does not fill the memory",
        "silent-write-failure": "a write that the machine did not do is not called done",
    },
}
TIERS = tuple(RULES)
NO_TIER = "NONE"


class Unstated(Exception):
    """A ``driver.toml`` does not say what it must; the message says what."""


@dataclass(frozen=True)
class Manifest:
    """A ``driver.toml``. ``rules`` holds ``done``, ``todo`` or ``exempt: why`` for every rule of the kit."""

    name: str
    summary: str
    isolation: Isolation
    rules: Mapping[str, str]

    @property
    def tier(self) -> str:
        """The highest tier of which nothing is to do."""
        reached = NO_TIER
        for tier, rules in RULES.items():
            if any(self.rules[rule] == "todo" for rule in rules):
                break
            reached = tier
        return reached


def define(module: Path, open: Callable[[Link], Driver]) -> DriverDefinition:
    """The definition of the driver in this module. Raises :class:`Unstated`."""
    manifest = beside(module)
    return DriverDefinition(manifest.name, manifest.summary, manifest.isolation, open, manifest.tier)


def beside(module: Path) -> Manifest:
    """The ``driver.toml`` in the folder of a module. Raises :class:`Unstated`."""
    file = module.with_name("driver.toml")
    try:
        return parse(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unstated(f"{file} cannot be read: {error.strerror}") from error


def parse(text: str) -> Manifest:
    """A ``driver.toml``. Raises :class:`Unstated`."""
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unstated(f"driver.toml is no TOML: {error}") from error
    for key in ("name", "summary", "isolation"):
        if not isinstance(given.get(key), str):
            raise Unstated(f"driver.toml: {key} must be a text")
    if given["isolation"] not in set(Isolation):
        raise Unstated(f"driver.toml: isolation is {given['isolation']!r}; it may be {' or '.join(Isolation)}")
    stated = given.get("rules", {})
    return Manifest(given["name"], given["summary"], Isolation(given["isolation"]), _rules(stated))


def _rules(stated: Mapping[str, Any]) -> dict[str, str]:
    known = [rule for rules in RULES.values() for rule in rules]
    if unknown := sorted(set(stated) - set(known)):
        raise Unstated(f"driver.toml: the kit has no rule {unknown[0]!r}; it has {', '.join(known)}")
    return {rule: _word(rule, stated.get(rule)) for rule in known}


def _word(rule: str, given: Any) -> str:
    if given in ("done", "todo"):
        return str(given)
    why = given.get("exempt") if isinstance(given, dict) else None
    if isinstance(why, str) and why.strip():
        return f"exempt: {why}"
    raise Unstated(f'driver.toml: rule {rule} is {given!r}; it may be "done", "todo" or {{ exempt = "why" }}')
