"""What fast reads and live topics are meant to reach, and where in the results it stands whether they do."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

READS, LIVE, MEMORY = "graphql_postgresql", "live", "memory"


@dataclass(frozen=True)
class Promise:
    """A figure of a result, by its path, that is ``wanted`` and hoped to be ``better``.

    Without a ``unit`` it is a ratio, which is to be at least so much; anything else is to be at most so much.
    """

    what: str
    result: str
    path: tuple[str, ...]
    wanted: float
    better: float | None = None
    unit: str = ""

    def kept(self, measured: float) -> bool:
        """Whether what is wanted is reached."""
        return measured <= self.wanted if self.unit else measured >= self.wanted

    def said(self, figure: float | None) -> str:
        """A figure for the reader."""
        if figure is None:
            return ""
        return f"at most {figure:g} {self.unit}" if self.unit else f"{figure:g}x"


def _reads(what: str, name: str, wanted: float, better: float) -> Promise:
    return Promise(what, READS, ("ratios", name), wanted, better)


PROMISES = (
    _reads("an item by its key, against Mercurius", "by_key_vs_mercurius", 1, 1.5),
    _reads("100 orders with 10 jobs each, against Mercurius", "orders_vs_mercurius", 2.5, 3.5),
    _reads("the same, against Mercurius with columns chosen by hand", "orders_vs_mercurius_tuned", 1.2, 1.7),
    _reads("1,000 lots of 10 fields, against Mercurius", "lots_vs_mercurius", 2, 2.7),
    _reads("a trace of 1,025 lots, against recursive SQL in Mercurius", "trace_vs_mercurius", 3, 6),
    *(
        _reads(f"{case}, against strawberry over asyncpg", f"{case}_vs_strawberry", 7, 15)
        for case in ("orders", "lots", "trace")
    ),
    *(
        # The time wanted is not above the peer's, hoped for 0.7 of it.
        _reads(f"{case}, p99 at 70 % of Mercurius's highest load", f"{case}_p99_at_70_vs_mercurius", 1, 1.43)
        for case in ("by_key", "orders", "lots", "trace")
    ),
    *(
        Promise(
            f"messages a second to {count:,} subscribers, against Mercurius", LIVE, ("ratios", name), wanted, better
        )
        for count, name, wanted, better in (
            (1_000, "deliveries_1000_vs_mercurius", 3, 4),
            (5_000, "deliveries_5000_vs_mercurius", 4, 6),
        )
    ),
    Promise("p99 of one event to 5,000 subscribers", LIVE, ("absolute", "deliveries_5000", "p99_ms"), 150, 80, "ms"),
    Promise("memory of a subscriber that waits", LIVE, ("absolute", "deliveries_5000", "idle_kb"), 35, 25, "KB"),
    # Growth wanted is 0.6 of the peer's, hoped for 0.45.
    Promise(
        "growth of two processes under load, against Mercurius", MEMORY, ("ratios", "growth_vs_mercurius"), 1.67, 2.22
    ),
    Promise("memory of a process under load", MEMORY, ("absolute", "mesgraph", "process_mb"), 350, unit="MB"),
)


def measured_of(promise: Promise, results: Mapping[str, Any]) -> float | None:
    """The figure; None where it was not measured."""
    found: Any = results.get(promise.result)
    for step in promise.path:
        found = found.get(step) if found is not None else None
    return None if found is None else float(found)
