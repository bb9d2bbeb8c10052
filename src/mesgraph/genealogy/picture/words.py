"""How amounts, states and the limits of a trace are said to people."""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from mesgraph.genealogy.picture.answer import Answer, Node
from mesgraph.quantity import Quantity, plain

UNITS = {"KGM": "kg", "GRM": "g", "MGM": "mg", "MTR": "m", "MMT": "mm", "LTR": "L", "MLT": "mL", "C62": "pcs"}
"""Units as people write them; of another one the code is shown."""
SMALLER = {"KGM": "GRM", "GRM": "MGM", "MTR": "MMT", "LTR": "MLT"}
"""The unit of a thousandth."""
MODELS = {"PROPORTIONAL": "everything mixes: a third of a lot holds a third of all that is in it"}
"""What a model supposes, where there is a sentence for it."""

LACKS = {
    "MAX_DEPTH": "farther away than the depth asked for",
    "OUT_OF_SCOPE": "missing, some of them at sites that this key may not see",
}
"""Why items are missing."""


def readable(text: str) -> str:
    """Text without characters that hide, reorder or steer what is around them."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def amount(quantity: Quantity) -> str:
    """Exactly, in the unit in which it needs no leading zeros: 0.010818 KGM is 10.818 g."""
    value, uom = quantity.value, quantity.uom
    while value and abs(value) < 1 and uom in SMALLER:
        value, uom = value * 1000, SMALLER[uom]
    unit = "pc" if value == 1 and uom == "C62" else UNITS.get(uom, uom)
    return f"{_grouped(value)} {unit}"


def _grouped(value: Decimal) -> str:
    whole, dot, rest = plain(value).partition(".")
    return f"{int(whole):,}{dot}{rest}" if len(whole) > 5 else whole + dot + rest


def total(quantities: Iterable[Quantity]) -> Quantity:
    """The sum of amounts of one unit."""
    known = list(quantities)
    return Quantity(sum((one.value for one in known), Decimal(0)), known[0].uom)


def each(quantities: Iterable[Quantity]) -> str:
    """What each of several has: ``10.8 g`` or ``10.8 g to 10.9 g``."""
    values = sorted(quantities, key=lambda one: one.value)
    least, most = amount(values[0]), amount(values[-1])
    return least if least == most else f"{least} to {most}"


def kind_of(node: Node) -> str:
    """Code and name of the material."""
    return readable(f"{node.material} {node.name}" if node.material else node.name)


def status(word: str) -> str:
    """A state as a word: ``IN_PROCESS`` is ``IN PROCESS``."""
    return readable(word.replace("_", " "))


def count(number: int, what: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def title(answer: Answer) -> str:
    """What it is."""
    return f"{'Forward' if answer.forward else 'Backward'} trace of {readable(answer.root.key)}"


def meaning(answer: Answer) -> str:
    """What the direction means."""
    return "what was made from it, and what that is packed in" if answer.forward else "what it was made from"


def contained(answer: Answer) -> str:
    """What the amount beside an item is."""
    root = readable(answer.root.key)
    return f"how much of {root} is in it or went through it" if answer.forward else f"how much of it is in {root}"


def settings(answer: Answer) -> Iterator[tuple[str, str]]:
    """What was asked for, and when: name and words."""
    yield "Direction", meaning(answer)
    says = MODELS.get(answer.model)
    yield "Model of amounts", readable(answer.model) + (f" ({says})" if says else "")
    yield "Happened by", readable(answer.at) if answer.at else "any time"
    yield "As recorded by", f"cursor {readable(answer.as_of)}" if answer.as_of else "now: all that is recorded"
    yield "Made", f"{answer.made_at:%Y-%m-%d %H:%M} UTC; state and quantity of each item are those of this moment"


def balance(answer: Answer) -> str | None:
    """Forward: where the root is now."""
    if answer.on_hand is None or answer.shipped is None or answer.removed is None:
        return None
    gone = f"{amount(answer.shipped)} shipped in {count(answer.shipped_count, 'item')}"
    parts = [f"{amount(answer.on_hand)} in the plant", gone if answer.shipped_count else "nothing shipped"]
    return ", ".join([*parts, f"{amount(answer.removed)} in samples, losses and scrap"])


def completeness(answer: Answer) -> str:
    """Whether it has everything, and if not, why not."""
    if answer.complete:
        return f"Complete: {count(len(answer.nodes) - 1, 'item')} besides the root, nothing is missing."
    why = LACKS.get(answer.reason or "", f"missing ({readable(answer.reason or 'no reason given')})")
    return f"NOT COMPLETE: {count(answer.missing, 'item')} {why}."
