"""Counting who does what, in memory alone: a fixed number of sources for each kind, the one seen longest ago forgotten.

Used on one event loop; :meth:`Watch.note` takes microseconds and raises nothing, so that it fails no request.
"""

import ipaddress
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from mesgraph.security_events.kinds import RULES, Rule, SecurityEventKind

SOURCES_MAX = 1_000
"""Sources of one kind that are counted at a time."""
RAISED_MAX = 100
"""Sources of one kind that are told by name within a window; what others do is told together."""


@dataclass(frozen=True)
class Source:
    """Who causes it: a principal, or a network peer of whom nothing else is known."""

    name: str
    principal_id: int | None = None
    peer: str | None = None


OTHERS = Source("others")
"""All sources beyond :data:`RAISED_MAX`."""
SERVER = Source("server")


def principal(principal_id: int, address: str | None = None) -> Source:
    """Somebody who is known, and from where they ask."""
    parsed = None if address is None else _parsed(address)
    return Source(f"principal {principal_id}", principal_id, None if parsed is None else str(parsed))


def peer(address: str) -> Source:
    """An address; of IPv6 the network, because whoever has one address there has all of it."""
    parsed = _parsed(address)
    if parsed is None:
        return Source("peer ?")
    shown = str(parsed if parsed.version == 4 else ipaddress.ip_network((parsed, 64), strict=False))
    return Source(f"peer {shown}", peer=shown)


def _parsed(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address without its zone; none for any other text, which may be what a stranger has told a proxy."""
    try:
        return ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None


@dataclass(frozen=True)
class Alarm:
    """What has to be told: so many more than were told before, within the window that began at ``window_at``."""

    kind: SecurityEventKind
    source: Source
    window_at: datetime
    first_at: datetime
    last_at: datetime
    count: int
    detail: str | None = None


@dataclass
class _Counted:
    """What one source did within a window. ``seen`` holds hashes of what differs, until it is due."""

    source: Source
    first_at: datetime
    last_at: datetime
    count: int = 0
    told: int = 0
    seen: set[int] = field(default_factory=set)


Key: TypeAlias = tuple[str, datetime]
"""Name of the source, and begin of the window."""


def window_at(now: datetime, length: timedelta) -> datetime:
    """Begin of the window of this length in which ``now`` lies."""
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    return begin + (now - begin) // length * length


class Watch:
    """The counts of one process. ``thresholds`` replace those of the rules."""

    def __init__(self, thresholds: Mapping[SecurityEventKind, int] | None = None) -> None:
        self._rules: dict[SecurityEventKind, Rule] = dict(RULES)
        for kind, threshold in (thresholds or {}).items():
            self._rules[kind] = replace(RULES[kind], threshold=threshold)
        self._counted: defaultdict[SecurityEventKind, OrderedDict[Key, _Counted]] = defaultdict(OrderedDict)
        self._raised: dict[SecurityEventKind, tuple[datetime, set[str]]] = {}
        self._due: dict[tuple[SecurityEventKind, Key], None] = {}
        self.forgotten = 0
        """Alarms that were forgotten before they could be written."""

    def note(
        self, kind: SecurityEventKind, source: Source, now: datetime, *, what: str | None = None, times: int = 1
    ) -> None:
        """Count something. ``what``: until it is due to be told, the same thing counts once."""
        rule = self._rules[kind]
        key = (source.name, window_at(now, rule.window))
        counted = self._kept(kind, key, source, now)
        if what is not None and counted.told == 0 and (kind, key) not in self._due:
            if hash(what) in counted.seen:
                return
            counted.seen.add(hash(what))
        counted.source, counted.last_at, counted.count = source, now, counted.count + times
        if counted.count < max(rule.threshold, 2 * counted.told) or (kind, key) in self._due:
            return
        if self._may_be_named(kind, key):
            counted.seen.clear()
            self._due[kind, key] = None
        else:
            del self._counted[kind][key]
            self.note(kind, OTHERS, now, times=counted.count)

    def due(self) -> list[Alarm]:
        """What has to be told: sources that passed the threshold, or did twice as much as was told of them."""
        alarms = []
        for kind, key in self._due:
            counted = self._counted[kind][key]
            more = counted.count - counted.told
            alarms.append(Alarm(kind, counted.source, key[1], counted.first_at, counted.last_at, more))
        return alarms

    def told(self, alarms: list[Alarm]) -> None:
        """These are written."""
        for alarm in alarms:
            key = (alarm.source.name, alarm.window_at)
            self._due.pop((alarm.kind, key), None)
            if (counted := self._counted[alarm.kind].get(key)) is not None:
                counted.told += alarm.count

    def _kept(self, kind: SecurityEventKind, key: Key, source: Source, now: datetime) -> _Counted:
        kept = self._counted[kind]
        counted = kept.setdefault(key, _Counted(source, now, now))
        kept.move_to_end(key)
        if len(kept) > SOURCES_MAX:
            oldest, _ = kept.popitem(last=False)
            if (kind, oldest) in self._due:
                del self._due[kind, oldest]
                self.forgotten += 1
        return counted

    def _may_be_named(self, kind: SecurityEventKind, key: Key) -> bool:
        name, window = key
        begun, names = self._raised.get(kind, (window, set()))
        if begun != window:
            names = set()
        self._raised[kind] = window, names
        if name == OTHERS.name or name in names or len(names) < RAISED_MAX:
            names.add(name)
            return True
        return False
