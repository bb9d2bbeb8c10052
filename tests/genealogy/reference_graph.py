"""The genealogy in plain Python and rational numbers: what the SQL trace is compared with."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from math import floor

LINKING = {"TRANSFORM", "SPLIT", "MERGE", "ASSEMBLE", "PACK"}
GIVING = {"RECEIVE", "TRANSFORM", "SPLIT", "MERGE"}
REMOVING = {"SAMPLE", "SCRAP"}
MICRO = 10**6


@dataclass
class Fact:
    """An activity: lines of (item, amount in 10^-6), in the order of recording."""

    kind: str
    inputs: list[tuple[int, int]]
    outputs: list[tuple[int, int]]
    reverses: int | None = None


@dataclass
class Reference:
    """All facts, oldest first; the index of a fact is its time and its position."""

    units: set[int] = field(default_factory=set)
    facts: list[Fact] = field(default_factory=list)

    def believed(self, as_of: int | None = None, at: int | None = None) -> list[int]:
        """The facts recorded by ``as_of`` that happened by ``at``, and were not reversed by then."""
        known = [i for i in range(len(self.facts)) if as_of is None or i <= as_of]
        undone = {self.facts[i].reverses for i in known}
        return [i for i in known if self.facts[i].reverses is None and i not in undone and (at is None or i <= at)]

    def edges(self, believed: list[int]) -> list[tuple[int, int, int, int]]:
        """(fact, from, to, share) by the largest remainder; what was unpacked again has no edge."""
        found = []
        for i in believed:
            fact = self.facts[i]
            if fact.kind not in LINKING:
                continue
            for item, amount in fact.inputs:
                if fact.kind == "PACK" and any(
                    later > i and self.facts[later].kind == "UNPACK" and item in dict(self.facts[later].inputs)
                    for later in believed
                ):
                    continue
                shares = _shares(amount, [weight for _, weight in fact.outputs])
                for (target, _), share in zip(fact.outputs, shares, strict=True):
                    found.append((i, item, target, share))
        return found

    def trace(
        self, root: int, *, forward: bool, as_of: int | None = None, at: int | None = None
    ) -> tuple[dict[int, int], set[tuple[int, int, int, int]], dict[int, Fraction]]:
        """Depth of each item reached, the edges between them, and the contained amounts."""
        believed = self.believed(as_of, at)
        edges = self.edges(believed)
        ahead: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        behind: dict[int, list[tuple[int, int, int, int]]] = defaultdict(list)
        for edge in edges:
            ahead[edge[1]].append(edge)
            behind[edge[2]].append(edge)
        steps: Callable[[int], list[int]] = (
            (lambda x: [e[2] for e in ahead[x]]) if forward else (lambda x: [e[1] for e in behind[x]])
        )
        depths, level = {root: 0}, [root]
        while level:
            level = [y for x in level for y in steps(x) if depths.setdefault(y, depths[x] + 1) == depths[x] + 1]
        inside = {e for e in edges if e[1] in depths and e[2] in depths}
        total = {item: self.total(item, believed) for item in depths}
        memo: dict[int, Fraction] = {}

        def passed(item: int) -> Fraction:
            if item not in memo:
                if item == root:
                    memo[item] = Fraction(total[root]) if forward else Fraction(1)
                elif forward:
                    memo[item] = sum(
                        (passed(e[1]) * Fraction(e[3], total[e[1]]) for e in behind[item] if e[1] in depths), Fraction()
                    )
                else:
                    memo[item] = sum(
                        (passed(e[2]) * Fraction(e[3], total[item]) for e in ahead[item] if e[2] in depths), Fraction()
                    )
            return memo[item]

        amounts = {item: passed(item) * (1 if forward else total[item]) for item in depths}
        return depths, inside, amounts

    def total(self, item: int, believed: list[int]) -> int:
        """All there ever was of an item."""
        if item in self.units:
            return MICRO
        return sum(
            amount
            for i in believed
            if self.facts[i].kind in GIVING
            for target, amount in self.facts[i].outputs
            if target == item
        )


def _shares(total: int, weights: list[int]) -> list[int]:
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    shares = [floor(share) for share in exact]
    by_claim = sorted(range(len(weights)), key=lambda i: (shares[i] - exact[i], i))
    for i in by_claim[: total - sum(shares)]:
        shares[i] += 1
    return shares
