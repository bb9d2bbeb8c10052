"""What must have become of everything, computed from the script alone.

A second, simple plant in exact fractions that shares nothing with the real one but the commands: it knows how much of
each item there was, is and was removed, and how much of one chosen lot is in each (PROPORTIONAL: everything mixes).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from mesgraph.demo.step import Ref, Step

Item = tuple[str, str]
"""Material and number; a logistic unit has the material SSCC."""

SSCC = "SSCC"
ONE = Fraction(1)


@dataclass
class Account:
    """Of one item: all there ever was, what is on hand, what samples, losses and scrap removed, and what was used."""

    total: Fraction = Fraction(0)
    on_hand: Fraction = Fraction(0)
    removed: Fraction = Fraction(0)
    used: Fraction = Fraction(0)
    inside: Fraction = Fraction(0)
    is_lot: bool = True


@dataclass
class Model:
    """The simple plant. ``marked`` is the lot that is followed through everything made from it."""

    marked: Item
    accounts: dict[Item, Account] = field(default_factory=dict)
    consumed: dict[tuple[str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    produced: dict[tuple[str, str], Fraction] = field(default_factory=lambda: defaultdict(Fraction))
    parts: dict[Item, set[Item]] = field(default_factory=dict)
    _pending: dict[Ref, list[tuple[Item, Fraction]]] = field(default_factory=lambda: defaultdict(list))
    _posted: dict[str, tuple[Ref, tuple[Item, Fraction]]] = field(default_factory=dict)
    _key: str = ""

    def play(self, steps: Iterable[Step]) -> "Model":
        """Apply the commands that move material; the others change nothing here."""
        for step in steps:
            verb = getattr(self, f"_{step.command}", None)
            if verb is not None and not step.refused:
                self._key = step.key
                verb(step.input)
        return self

    def made_of(self, item: Item) -> set[Item]:
        """Everything that went into an item, and into that, and so on."""
        found: set[Item] = set()
        waiting = [item]
        while waiting:
            new = self.parts.get(waiting.pop(), set()) - found
            found |= new
            waiting += new
        return found

    def remaining(self) -> dict[str, Fraction]:
        """How much of the marked lot is still in items, by material."""
        return self._by_material(lambda account: account.on_hand)

    def removed(self) -> dict[str, Fraction]:
        """How much of the marked lot samples, losses and scrap took away, by the material that they took it from."""
        return self._by_material(lambda account: account.removed)

    def _by_material(self, part: Any) -> dict[str, Fraction]:
        found: dict[str, Fraction] = defaultdict(Fraction)
        for (material, _), account in self.accounts.items():
            if account.inside:
                found[material] += account.inside * part(account) / account.total
        return {material: amount for material, amount in found.items() if amount}

    # --- the commands ---

    def _receiveItems(self, given: Mapping[str, Any]) -> None:
        for line in given["lines"]:
            self._make((line["material"], line["lotNumber"]), quantity_of(line))

    def _consumeMaterial(self, given: Mapping[str, Any]) -> None:
        run: Ref = given["jobResponse"]
        taken = self._taken(run, given)
        self._pending[run].append(taken)
        self._posted[self._key] = run, taken

    def _reverseEvent(self, given: Mapping[str, Any]) -> None:
        run, (item, quantity) = self._posted.pop(given["event"].order)
        self._pending[run].remove((item, quantity))
        self.consumed[run.order, item[0]] -= quantity
        account = self.accounts[item]
        account.on_hand += quantity
        account.used -= quantity

    def _produceMaterial(self, given: Mapping[str, Any]) -> None:
        run: Ref = given["jobResponse"]
        inputs = [self._taken(run, line) for line in given.get("consumed", ())] or self._pending.pop(run)
        outputs: list[tuple[Item, Fraction, bool]] = []
        for output in given["outputs"]:
            counts = output.get("use", "PRODUCED") != "BY_PRODUCT"
            if "lot" in output:
                outputs.append(((output["material"], output["lot"]), Fraction(output["quantity"]["value"]), counts))
            else:
                outputs += [((output["material"], serial), ONE, counts) for serial in output["serialNumbers"]]
        weight = sum((quantity for _, quantity, counts in outputs if counts), Fraction(0))
        inside = self._inside(inputs)
        for item, quantity, counts in outputs:
            self.produced[run.order, item[0]] += quantity
            share = inside * quantity / weight if counts else Fraction(0)
            self._make(item, quantity, share, is_lot=any(item[1] == output.get("lot") for output in given["outputs"]))
            self.parts[item] = {part for part, _ in inputs}

    def _assembleUnit(self, given: Mapping[str, Any]) -> None:
        run: Ref = given["jobResponse"]
        inputs = [self._taken(run, {"item": part["item"]}) for part in given["components"]]
        inputs += [self._taken(run, line) for line in given["consumed"]]
        self.produced[run.order, given["material"]] += 1
        made = given["material"], given["serialNumber"]
        self._make(made, ONE, self._inside(inputs), is_lot=False)
        self.parts[made] = {part for part, _ in inputs}

    def _unpack(self, given: Mapping[str, Any]) -> None:
        """The whole content is there again."""
        unit = SSCC, given["sscc"]
        self._use(unit, ONE)
        for item in self.parts.pop(unit):
            account = self.accounts[item]
            account.on_hand += ONE
            account.used -= ONE

    def _pack(self, given: Mapping[str, Any]) -> None:
        inputs = [self._use(item_of(key), ONE) for key in given["items"]]
        self.parts[SSCC, given["sscc"]] = {item for item, _ in inputs}
        self._make((SSCC, given["sscc"]), ONE, self._inside(inputs), is_lot=False)

    def _takeSample(self, given: Mapping[str, Any]) -> None:
        self._remove(given)

    def _scrapItem(self, given: Mapping[str, Any]) -> None:
        self._remove(given)

    # --- the accounts ---

    def _make(self, item: Item, quantity: Fraction, inside: Fraction | None = None, *, is_lot: bool = True) -> None:
        if item in self.accounts:
            raise ValueError(f"{item} is made twice")
        inside = quantity if item == self.marked else inside or Fraction(0)
        self.accounts[item] = Account(total=quantity, on_hand=quantity, inside=inside, is_lot=is_lot)

    def _taken(self, run: Ref, line: Mapping[str, Any]) -> tuple[Item, Fraction]:
        taken = self._use(item_of(line["item"]), quantity_of(line))
        self.consumed[run.order, taken[0][0]] += taken[1]
        return taken

    def _use(self, item: Item, quantity: Fraction) -> tuple[Item, Fraction]:
        self._withdraw(item, quantity)
        self.accounts[item].used += quantity
        return item, quantity

    def _remove(self, given: Mapping[str, Any]) -> None:
        item, quantity = item_of(given["item"]), quantity_of(given)
        self._withdraw(item, quantity)
        self.accounts[item].removed += quantity

    def _withdraw(self, item: Item, quantity: Fraction) -> None:
        account = self.accounts[item]
        if quantity > account.on_hand:
            raise ValueError(f"{item} has {account.on_hand}, the script takes {quantity}")
        account.on_hand -= quantity

    def _inside(self, inputs: Iterable[tuple[Item, Fraction]]) -> Fraction:
        """How much of the marked lot goes along with what was taken."""
        accounts = ((self.accounts[item], quantity) for item, quantity in inputs)
        return sum((account.inside * quantity / account.total for account, quantity in accounts), Fraction(0))


def item_of(key: Mapping[str, str]) -> Item:
    """Material and number of an item key."""
    if "sscc" in key:
        return SSCC, key["sscc"]
    return key["material"], key.get("lot") or key["serial"]


def quantity_of(line: Mapping[str, Any]) -> Fraction:
    """The amount of a line; a unit is one."""
    return Fraction(line["quantity"]["value"]) if "quantity" in line else ONE
