"""The route of a definition as a graph: what comes after what, how much each step makes, and when.

Pure: segments are named by whatever key the caller has (a step number, a row id).
"""

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cached_property
from typing import Generic, TypeVar

from mesgraph.definitions.models import DependencyKind
from mesgraph.quantity import QUANTUM

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class After(Generic[K]):
    """A step may start ``delay`` after the start or end of ``step``."""

    step: K
    kind: DependencyKind
    delay: timedelta = timedelta()


@dataclass(frozen=True)
class Step(Generic[K]):
    """A segment in the route: what it waits for, the material that it makes (if any) and what it takes per unit."""

    key: K
    after: tuple[After[K], ...] = ()
    makes: str | None = None
    takes: tuple[tuple[str, Decimal], ...] = ()
    setup: timedelta = timedelta()
    run_s_per_unit: Decimal = Decimal(0)


def cycle_in(after: Mapping[K, Iterable[K]]) -> list[K]:
    """The keys of one cycle in the order walked, or nothing when every step can be reached."""
    done: set[K] = set()
    for start in after:
        path: list[K] = []
        on_path: set[K] = set()
        stack: list[tuple[K, bool]] = [(start, False)]
        while stack:
            key, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(key)
                done.add(key)
            elif key in on_path:
                return [*path[path.index(key) :], key]
            elif key not in done:
                path.append(key)
                on_path.add(key)
                stack.append((key, True))
                stack.extend((other, False) for other in after.get(key, ()))
    return []


@dataclass(frozen=True)
class Route(Generic[K]):
    """All steps of one definition, in the order of their numbers, without a cycle."""

    product: str
    steps: Mapping[K, Step[K]]

    @cached_property
    def order(self) -> list[K]:
        """The keys so that every step stands behind those that it waits for."""
        placed: dict[K, None] = {}
        waiting = list(self.steps)
        while waiting:
            free = [key for key in waiting if all(a.step in placed for a in self.steps[key].after)]
            if not free:
                raise ValueError(f"the route has a cycle among {waiting}")
            placed.update(dict.fromkeys(free))
            waiting = [key for key in waiting if key not in placed]
        return list(placed)

    @cached_property
    def before(self) -> dict[K, frozenset[K]]:
        """All steps that come before each step, directly or through others."""
        found: dict[K, frozenset[K]] = {}
        for key in self.order:
            direct = [a.step for a in self.steps[key].after]
            found[key] = frozenset(direct).union(*(found[step] for step in direct))
        return found

    def follower(self, key: K) -> K | None:
        """The first step that waits directly for this one."""
        return next((k for k, step in self.steps.items() if any(a.step == key for a in step.after)), None)

    def consumers(self, key: K) -> list[K]:
        """The later steps that take what this one makes, up to the next step that makes the same material."""
        material = self.steps[key].makes
        later = [k for k in self.steps if key in self.before[k]]
        makers = [k for k in later if self.steps[k].makes == material]
        return [
            k
            for k in later
            if any(taken == material for taken, _ in self.steps[k].takes)
            and not any(maker in self.before[k] for maker in makers)
        ]

    def output_of(self, key: K) -> str:
        """The material that counts a step's output: what it makes, else what its followers make, else the product."""
        at: K | None = key
        while at is not None:
            made = self.steps[at].makes
            if made is not None:
                return made
            at = self.follower(at)
        return self.product

    def quantities(self, wanted: Decimal) -> dict[K, Decimal]:
        """How much each step makes so that ``wanted`` of the product comes out, to six decimals.

        A step makes what the later steps take of its material; the last maker of the product makes ``wanted``; a step
        that makes nothing new handles as much as the step that follows it.
        """
        found: dict[K, Decimal] = {}
        for key in reversed(self.order):
            takers = self.consumers(key) if self.steps[key].makes is not None else []
            follower = self.follower(key)
            if takers:
                found[key] = sum((found[k] * self._taken(k, self.steps[key].makes) for k in takers), Decimal(0))
            elif follower is not None and self.steps[key].makes != self.product:
                found[key] = found[follower]
            else:
                found[key] = wanted
            found[key] = max(found[key].quantize(QUANTUM, ROUND_HALF_UP), QUANTUM)
        return {key: found[key] for key in self.steps}

    def windows(self, start: datetime, quantities: Mapping[K, Decimal]) -> dict[K, tuple[datetime, datetime]]:
        """[start, end) of each step when every step starts as early as its dependencies permit."""
        found: dict[K, tuple[datetime, datetime]] = {}
        for key in self.order:
            step = self.steps[key]
            begins = max((earliest(found[a.step], a) for a in step.after), default=start)
            run = timedelta(seconds=round(step.run_s_per_unit * quantities[key]))
            found[key] = (begins, begins + step.setup + run)
        return found

    def _taken(self, key: K, material: str | None) -> Decimal:
        return sum((per for taken, per in self.steps[key].takes if taken == material), Decimal(0))


def earliest(window: tuple[datetime, datetime], after: After[K]) -> datetime:
    """When a step may start that waits for another one with this window."""
    begun, ended = window
    return (ended if after.kind is DependencyKind.AFTER_END else begun) + after.delay
