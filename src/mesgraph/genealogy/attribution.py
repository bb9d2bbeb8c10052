"""How much of one item is in another: the PROPORTIONAL model (everything mixes).

With w(P->X) the share of input P that went into X and Q0 all that was ever received or produced of an item, the amount
of ancestor A in item X is m(A, A) = Q0(A) and m(A, X) = sum over P of w(P->X) / Q0(P) * m(A, P). Every link is counted
once, in true topological order, with 50 digits; what is posted is exact. Of m(A, X) a part remains in X, a part was
removed from X (samples, losses, scrap), and the rest went on; the parts of all items add up to Q0(A) to the last digit.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, localcontext
from enum import StrEnum

from mesgraph.genealogy._shares import apportion
from mesgraph.quantity import from_micro, to_micro


class AttributionModel(StrEnum):
    """How the content of an item is thought to be spread over what was made from it."""

    PROPORTIONAL = "PROPORTIONAL"
    FIFO = "FIFO"
    WORST_CASE = "WORST_CASE"
    POSITIONAL = "POSITIONAL"


PRECISION = 50
WEIGHT_BITS = 62
ZERO = Decimal(0)


@dataclass(frozen=True)
class Link:
    """``share`` of item ``source``, in its unit, went into item ``target``."""

    source: int
    target: int
    share: Decimal


@dataclass(frozen=True)
class Account:
    """Of an item: all there ever was, what was removed, and what is left, in its unit."""

    total: Decimal
    removed: Decimal = ZERO
    left: Decimal = ZERO


def shares_of(quantity: Decimal, weights: Sequence[Decimal]) -> list[Decimal]:
    """``quantity`` divided by ``weights``, in steps of 10^-6, largest remainder first; the shares add up exactly."""
    if not any(weights):
        return [ZERO] * len(weights)
    return [from_micro(part) for part in apportion(to_micro(quantity), [to_micro(weight) for weight in weights])]


def in_order(start: int, links: Iterable[Link]) -> list[int]:
    """The items reached from ``start``, each after all that it was made from.

    Should the data hold a cycle, the item of it that was found first goes first, and the links back to it are left out.
    """
    following: dict[int, list[int]] = defaultdict(list)
    for link in links:
        following[link.source].append(link.target)
    found, waiting = _found_from(start, following)
    order: list[int] = []
    done: set[int] = set()
    ready = [start]
    candidates = iter(found)
    while len(order) < len(found):
        if not ready:
            ready.append(next(item for item in candidates if item not in done))
        item = ready.pop()
        if item in done:
            continue
        done.add(item)
        order.append(item)
        for target in following[item]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
    return order


def _found_from(start: int, following: Mapping[int, list[int]]) -> tuple[list[int], dict[int, int]]:
    """The items reached, in the order found, and how many links lead to each."""
    found, waiting = [start], {start: 0}
    for item in found:
        for target in following.get(item, ()):
            if target not in waiting:
                waiting[target] = 0
                found.append(target)
            waiting[target] += 1
    return found, waiting


def spread(root: int, links: Sequence[Link], totals: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """m(root, X) for every item X reached from ``root``, unrounded, in the unit of the root."""
    amounts: dict[int, Decimal] = defaultdict(Decimal)
    with localcontext(prec=PRECISION):
        amounts[root] = totals[root]
        for item, outgoing in _outgoing(root, links):
            if totals[item]:
                here = amounts[item] / totals[item]
                for link in outgoing:
                    amounts[link.target] += link.share * here
    return amounts


def gather(root: int, links: Sequence[Link], totals: Mapping[int, Decimal]) -> dict[int, Decimal]:
    """m(A, root) for every item A that ``root`` was made from, unrounded, each in the unit of A."""
    fractions: dict[int, Decimal] = defaultdict(Decimal)
    turned = [Link(link.target, link.source, link.share) for link in links]
    with localcontext(prec=PRECISION):
        fractions[root] = Decimal(1)
        for item, incoming in _outgoing(root, turned):
            for link in incoming:
                if totals[link.target]:
                    fractions[link.target] += link.share / totals[link.target] * fractions[item]
        return {item: totals[item] * fraction for item, fraction in fractions.items()}


def _outgoing(root: int, links: Sequence[Link]) -> Iterable[tuple[int, list[Link]]]:
    """Each item in order, with its links to items that come later."""
    by_source: dict[int, list[Link]] = defaultdict(list)
    for link in links:
        by_source[link.source].append(link)
    order = in_order(root, links)
    place = {item: i for i, item in enumerate(order)}
    for item in order:
        yield item, [link for link in by_source[item] if place[link.target] > place[item]]


def settle(
    root: int, amounts: Mapping[int, Decimal], accounts: Mapping[int, Account]
) -> dict[int, tuple[Decimal, Decimal]]:
    """What remains in each item and what was removed from it, of the root; together exactly Q0 of the root."""
    items = list(amounts)
    parts: list[Decimal] = []
    with localcontext(prec=PRECISION):
        for item in items:
            account = accounts[item]
            here = amounts[item] / account.total if account.total else ZERO
            parts += [max(account.left, ZERO) * here, account.removed * here]
        total = to_micro(accounts[root].total)
        scale = Decimal(2**WEIGHT_BITS // max(total, 1)).scaleb(6)
        weights = [int(part * scale) for part in parts]
    if not any(weights):
        return dict.fromkeys(items, (ZERO, ZERO))
    exact = [from_micro(part) for part in apportion(total, weights)]
    return {item: (exact[2 * i], exact[2 * i + 1]) for i, item in enumerate(items)}
