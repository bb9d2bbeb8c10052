"""A plant that makes very many edges, quickly: long-lived raw lots, coils, cells, boxes that are used over and over."""

from random import Random

from tests.genealogy.core.reference import MICRO, Act, ItemKind, Kind, Line

K = Kind
RAW_LOTS = 12
COILS = 12
CELLS = 10
BOXES = 40
LOT_SIZE = 10**12


class Plant:
    """``acts`` is what it recorded; every :meth:`round` adds some 400 edges."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.acts: list[Act] = []
        self.items = self.edges = 0
        self.raw = [self.made(ItemKind.LOT, LOT_SIZE) for _ in range(RAW_LOTS)]
        self.record(K.RECEIVE, [], self.raw)
        self.boxes = [self.made(ItemKind.LOGISTIC_UNIT, MICRO) for _ in range(BOXES)]
        self.packed: dict[Line, Line] = {}
        self.cells: list[Line] = []

    def round(self) -> None:
        """A slurry from raw lots, coils from it, cells from the coils; boxes are filled and emptied meanwhile."""
        slurry = self.made(ItemKind.LOT, 900 * MICRO)
        taken = [some(lot, self.rng.randint(MICRO, 300 * MICRO)) for lot in self.rng.sample(self.raw, 3)]
        self.record(K.TRANSFORM, taken, [slurry])
        coils = [self.made(ItemKind.SUBLOT, 70 * MICRO) for _ in range(COILS)]
        self.record(K.SPLIT, [some(slurry, COILS * 70 * MICRO)], coils)
        self.form(coils)
        for coil in coils:
            cells = [self.made(ItemKind.SERIAL_UNIT, MICRO) for _ in range(CELLS)]
            self.record(K.TRANSFORM, [some(coil, 30 * MICRO), some(self.raw[0], CELLS * MICRO)], cells)
            self.cells += cells
            self.work_on(cells)

    def form(self, coils: list[Line]) -> None:
        """Many into many, with a node between."""
        formed = [self.made(ItemKind.SUBLOT, 30 * MICRO) for _ in range(COILS)]
        self.record(K.TRANSFORM, [some(coil, 30 * MICRO) for coil in coils], formed)

    def work_on(self, cells: list[Line]) -> None:
        """What happens to cells: packed, unpacked, packed elsewhere, scrapped, repaired, and corrections of it all."""
        box = self.rng.choice(self.boxes)
        self.pack(cells[:6], box)
        for cell in self.rng.sample(list(self.packed), min(2, len(self.packed))):
            self.record(K.UNPACK, [cell], [self.packed.pop(cell)])
            if self.rng.random() < 0.3:
                self.reverse()
            elif self.rng.random() < 0.7:
                self.pack([cell], self.rng.choice(self.boxes))
        if self.rng.random() < 0.2:
            self.record(K.SCRAP, [cells[6]], [])
        if self.rng.random() < 0.2:
            part = self.made(ItemKind.LOT, 5 * MICRO)
            self.record(K.RECEIVE, [], [part])
            self.record(K.ASSEMBLE, [some(part, MICRO)], [self.rng.choice(self.cells)])
        if self.rng.random() < 0.15:
            self.reverse()
        if len(self.packed) > 200:
            self.packed = dict(list(self.packed.items())[-50:])

    def pack(self, cells: list[Line], box: Line) -> None:
        self.record(K.PACK, cells, [box])
        self.packed |= dict.fromkeys(cells, box)

    def reverse(self) -> None:
        """The newest activity, or one not long ago."""
        undone = {act.reverses for act in self.acts[-60:]}
        candidates = [a for a in self.acts[-40:] if a.reverses < 0 and a.position not in undone]
        act = candidates[-1] if self.rng.random() < 0.5 else self.rng.choice(candidates)
        self.record(act.kind, act.inputs, act.outputs, reverses=act.position)

    def made(self, kind: ItemKind, quantity: int) -> Line:
        self.items += 1
        return Line(self.items, kind, quantity, quantity)

    def record(self, kind: Kind, inputs: list[Line], outputs: list[Line], reverses: int = -1) -> None:
        position = len(self.acts) + 1
        self.acts.append(Act(position, position, kind, inputs, outputs, reverses))
        if reverses < 0:
            self.edges += min(len(inputs) * len(outputs), len(inputs) + len(outputs))


def some(of: Line, quantity: int) -> Line:
    return of._replace(quantity=quantity)


def recorded(seed: int, edges: int) -> list[Act]:
    """What a plant did until it had so many edges."""
    plant = Plant(seed)
    while plant.edges < edges:
        plant.round()
    return plant.acts
