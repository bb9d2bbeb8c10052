"""What each kind of activity does to its items, as data."""

from typing import NamedTuple

from mesgraph.genealogy.models import GenealogyKind as K

ANY = 10**6


class Shape(NamedTuple):
    """How many lines a kind has on each side, and what they mean.

    ``links``: its inputs became, or are in, its outputs. ``takes``: the input quantities leave their items. ``gives``:
    the output quantities are new in their items. ``conserves``: inputs and outputs are equal amounts. ``whole``: it is
    about items as a whole, so whatever touched them later stands on it.
    """

    inputs: tuple[int, int]
    outputs: tuple[int, int]
    links: bool = False
    takes: bool = False
    gives: bool = False
    conserves: bool = False
    whole: bool = False


SHAPES: dict[K, Shape] = {
    K.RECEIVE: Shape((0, 0), (1, ANY), gives=True),
    K.COMMISSION: Shape((0, 0), (1, ANY), gives=True),
    K.TRANSFORM: Shape((1, ANY), (1, ANY), links=True, takes=True, gives=True),
    K.SPLIT: Shape((1, 1), (1, ANY), links=True, takes=True, gives=True, conserves=True),
    K.MERGE: Shape((1, ANY), (1, 1), links=True, takes=True, gives=True, conserves=True),
    K.ASSEMBLE: Shape((1, ANY), (1, 1), links=True, takes=True, whole=True),
    K.PACK: Shape((1, ANY), (1, 1), links=True, takes=True, whole=True),
    K.UNPACK: Shape((1, ANY), (1, 1), whole=True),
    K.MOVE: Shape((1, ANY), (0, 0), whole=True),
    K.SHIP: Shape((1, ANY), (0, 0), whole=True),
    K.SAMPLE: Shape((1, ANY), (0, 0), takes=True),
    K.ADJUST: Shape((0, 1), (0, 1), takes=True, gives=True, whole=True),
    K.SCRAP: Shape((1, ANY), (0, 0), takes=True, whole=True),
}

LINKING = tuple(kind for kind, shape in SHAPES.items() if shape.links)
"""Kinds that make edges."""
TAKING = tuple(kind for kind, shape in SHAPES.items() if shape.takes)
"""Kinds whose inputs leave their items."""
GIVING = tuple(kind for kind, shape in SHAPES.items() if shape.gives)
"""Kinds whose outputs are new quantity of their items."""
REMOVING = tuple(kind for kind, shape in SHAPES.items() if shape.takes and not shape.links)
"""Kinds that take quantity out of the plant: samples, losses, counted shortfalls."""
WHOLE = tuple(kind for kind, shape in SHAPES.items() if shape.whole)
"""Kinds about items as a whole."""
