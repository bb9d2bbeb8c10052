"""What each kind of activity does to its items, as data."""

from typing import NamedTuple

from mesgraph.genealogy.models import GenealogyKind as K

ANY = 10**6
ALL = frozenset(K)
BETWEEN_SITES = frozenset({K.TRANSFER_OUT, K.TRANSFER_IN})
"""Kinds that are corrected by the transfer that they belong to."""
WHOLE = frozenset({K.ASSEMBLE, K.REWORK, K.PACK, K.UNPACK, K.MOVE, K.SHIP, K.ADJUST, K.SCRAP}) | BETWEEN_SITES
"""Kinds about an item as it stands then, with all that it has."""

CONTAINER = frozenset({K.REWORK, K.MOVE, K.SHIP, K.RETURN, K.SCRAP}) | BETWEEN_SITES
"""Kinds about a container, after which what was taken out of it is not put back as if nothing had been."""


class Shape(NamedTuple):
    """How many lines a kind has on each side, and what they mean.

    ``links``: its inputs became, or are in, its outputs. ``takes``: the input quantities leave their items. ``gives``:
    the output quantities are new in their items. ``frees``: the input quantities are in their items again.
    ``conserves``: inputs and outputs are equal amounts.
    ``on_inputs`` and ``on_outputs``: the kinds of later activities on an input or output that were built on this one,
    so that it cannot be reversed before them (I30).
    """

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    links: bool = False
    takes: bool = False
    gives: bool = False
    frees: bool = False
    conserves: bool = False
    on_inputs: frozenset[K] = ALL
    on_outputs: frozenset[K] = ALL


SHAPES: dict[K, Shape] = {
    K.RECEIVE: Shape((0, 0), (1, ANY), gives=True),
    K.COMMISSION: Shape((0, 0), (1, ANY), gives=True),
    K.TRANSFORM: Shape((1, ANY), (1, ANY), links=True, takes=True, gives=True, on_inputs=WHOLE),
    K.SPLIT: Shape((1, 1), (1, ANY), links=True, takes=True, gives=True, conserves=True, on_inputs=WHOLE),
    K.MERGE: Shape((1, ANY), (1, 1), links=True, takes=True, gives=True, conserves=True, on_inputs=WHOLE),
    K.ASSEMBLE: Shape((1, ANY), (1, 1), links=True, takes=True),
    K.DISASSEMBLE: Shape((1, ANY), (1, 1), frees=True, on_outputs=CONTAINER),
    K.REWORK: Shape((1, 1), (1, 1), links=True, takes=True, gives=True, conserves=True),
    K.PACK: Shape((1, ANY), (1, 1), links=True, on_outputs=frozenset()),
    K.UNPACK: Shape((1, ANY), (1, 1), on_outputs=CONTAINER),
    K.MOVE: Shape((1, ANY), (0, 0)),
    K.SHIP: Shape((1, ANY), (0, 0)),
    K.RETURN: Shape((1, ANY), (0, 0)),
    K.TRANSFER_OUT: Shape((1, ANY), (0, 0)),
    K.TRANSFER_IN: Shape((1, ANY), (0, 0)),
    K.SAMPLE: Shape((1, ANY), (0, 0), takes=True, on_inputs=WHOLE),
    K.ADJUST: Shape((0, 1), (0, 1), takes=True, gives=True, on_inputs=WHOLE, on_outputs=WHOLE),
    K.SCRAP: Shape((1, ANY), (0, 0), takes=True, on_inputs=WHOLE),
}

ENDED_BY: dict[K, K] = {K.PACK: K.UNPACK, K.ASSEMBLE: K.DISASSEMBLE, K.SHIP: K.RETURN, K.TRANSFER_OUT: K.TRANSFER_IN}
"""Kinds whose effect on an input lasts until a later activity of another kind names that item as an input."""

LINKING = tuple(kind for kind, shape in SHAPES.items() if shape.links)
"""Kinds that make edges."""
TAKING = tuple(kind for kind, shape in SHAPES.items() if shape.takes)
"""Kinds whose inputs leave their items."""
GIVING = tuple(kind for kind, shape in SHAPES.items() if shape.gives)
"""Kinds whose outputs are new quantity of their items."""
FREEING = tuple(kind for kind, shape in SHAPES.items() if shape.frees)
"""Kinds whose inputs are in their items again."""
REMOVING = tuple(kind for kind, shape in SHAPES.items() if shape.takes and not shape.links)
"""Kinds that take quantity out of the plant: samples, losses, counted shortfalls."""
PASSING = tuple(kind for kind, shape in SHAPES.items() if shape.takes or shape.links)
"""Kinds after which the input quantities are no longer counted where they were."""
