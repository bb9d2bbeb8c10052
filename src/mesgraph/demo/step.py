"""A command of a shift, and the words in which it names things.

Every command has a key that says what it does, and the same shift always has the same keys: that is what makes it safe
to send any of them again. What the plant alone can know - the numbers of orders, jobs and runs - stands here as a
reference and is filled in when the shift is played.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from mesgraph.demo.halvard import MATERIALS

UOM = {material.code: material.uom for material in MATERIALS}
STEP = timedelta(seconds=20)
"""Between two commands of one moment."""


@dataclass(frozen=True)
class Ref:
    """An order, the job of one of its steps, the run of that job; a hold or transfer; or by the key of a command what
    it posted, or the deviation that it opened.
    """

    kind: str
    order: str
    seq: int = 0


@dataclass(frozen=True)
class Step:
    """``who`` sends ``command`` at ``at``; with ``refused`` the plant must refuse it for just these reasons."""

    at: datetime
    who: str
    command: str
    key: str
    input: dict[str, Any] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()


def amount(material: str, value: str) -> dict[str, str]:
    """A quantity in the material's base unit."""
    return {"value": value, "uom": UOM[material]}


def lot(material: str, number: str) -> dict[str, str]:
    """Names a lot."""
    return {"material": material, "lot": number}


def unit(material: str, number: str) -> dict[str, str]:
    """Names a serial unit."""
    return {"material": material, "serial": number}


def take(material: str, number: str, quantity: str, span: tuple[str, str] | None = None) -> dict[str, Any]:
    """What is taken of a lot, and from which positions."""
    taken: dict[str, Any] = {"item": lot(material, number), "quantity": amount(material, quantity)}
    if span is not None:
        taken["range"] = {"from": span[0], "to": span[1]}
    return taken
